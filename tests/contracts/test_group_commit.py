"""Taking events in through the group commit: every request is answered once, and an answer is the truth."""

import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from daycount import errors
from daycount.clock import FrozenClock
from daycount.engine.metrics import AggregationType
from daycount.ids import TimeOrderedIds
from daycount.infra.work import CommitPoints, Workplace
from daycount.usage.ingest import GroupCommit, Outcome, Pending
from daycount.usage.port import Batch
from daycount.usage.records import IncomingEvent, MetricFacts, SubscriptionFacts
from daycount.usage.store import PostgresEventStore
from tests.support.event_stores import NOW, Shelf, a_metric, a_seat, an_event, july, make_organization

ANSWER_WITHIN_S = 60
STEP = timedelta(microseconds=1)


class Facts:
    """A directory that works: metrics and subscriptions as tests put them in."""

    def __init__(self) -> None:
        self.known_metrics: dict[str, MetricFacts] = {"seats": a_metric()}
        self.known_subscriptions: dict[str, list[SubscriptionFacts]] = {}

    def metrics(self, tx: Connection, organization_id: UUID) -> Mapping[str, MetricFacts]:
        return self.known_metrics

    def subscriptions(
        self, tx: Connection, organization_id: UUID, external_ids: Sequence[str]
    ) -> Mapping[str, Sequence[SubscriptionFacts]]:
        return {name: self.known_subscriptions[name] for name in external_ids if name in self.known_subscriptions}

    def has_listeners(self, tx: Connection, organization_id: UUID) -> bool:
        return False


class Desk:
    """Submits requests to a group commit and keeps their outcomes, counting the answers."""

    def __init__(self, engine: Engine, organization_id: UUID, *, lanes: int = 2, points: CommitPoints | None = None) -> None:
        self.facts = Facts()
        self.organization_id = organization_id
        workplace = Workplace(engine, new_id=TimeOrderedIds(), reactions={}, commit_points=points or CommitPoints({}))
        self.commits = GroupCommit(workplace, PostgresEventStore(), self.facts, FrozenClock(NOW), lanes=lanes, horizon_days=30)

    def submit(self, events: Sequence[IncomingEvent]) -> "Slip":
        slip = Slip()
        self.commits.submit(Pending(self.organization_id, events, slip.take))
        return slip

    def send(self, *events: IncomingEvent) -> Outcome:
        return self.submit(events).outcome()

    def warnings(self, event: IncomingEvent) -> list[str]:
        outcome = self.send(event)
        assert outcome.error is None
        return [warned.code for warned in outcome.accepted[0].warnings]


class Slip:
    """The answers to one request; there is to be one."""

    def __init__(self) -> None:
        self.answers: list[Outcome] = []
        self._is_there = threading.Event()

    def take(self, outcome: Outcome) -> None:
        self.answers.append(outcome)
        self._is_there.set()

    def outcome(self) -> Outcome:
        assert self._is_there.wait(ANSWER_WITHIN_S), "the request was never answered"
        [outcome] = self.answers
        return outcome


@pytest.fixture
def desk(engine: Engine) -> Iterator[Desk]:
    made = Desk(engine, make_organization(engine))
    yield made
    made.commits.close()


def shelf_of(desk: Desk, engine: Engine) -> Shelf:
    return Shelf(PostgresEventStore(), engine, desk.organization_id)


# What is warned about.


def a_row(started: datetime | None, ended: datetime | None = None, *, is_charged: bool = True) -> SubscriptionFacts:
    return SubscriptionFacts(started_at=started, terminated_at=ended, metric_ids=frozenset({a_metric().id}) if is_charged else frozenset())


METERED = {"seats": a_metric(recurring=False)}
SUM = {"seats": a_metric(AggregationType.SUM, "gb")}
RUNNING = [a_row(july(1))]
WARNINGS = [
    ("nothing to say", None, RUNNING, a_seat("1", "ada"), []),
    ("unknown subscription", None, [], a_seat("1", "ada"), ["subscription_not_found"]),
    ("no subscription", None, RUNNING, a_seat("1", "ada", subscription=None), ["subscription_not_found"]),
    ("unknown metric", {}, RUNNING, a_seat("1", "ada"), ["billable_metric_not_found"]),
    ("both unknown", {}, [], a_seat("1", "ada"), ["subscription_not_found", "billable_metric_not_found"]),
    ("not on the plan", None, [a_row(july(1), is_charged=False)], a_seat("1", "ada"), ["not_charged"]),
    ("no value", None, RUNNING, an_event("1"), ["property_missing"]),
    ("null", None, RUNNING, an_event("1", '{"user_id": null}'), ["property_missing"]),
    ("no number", SUM, RUNNING, an_event("1", '{"gb": "much"}'), ["property_not_numeric"]),
    ("a number", SUM, RUNNING, an_event("1", '{"gb": 1e3}'), []),
    ("a count needs no value", {"seats": a_metric(AggregationType.COUNT, None)}, RUNNING, an_event("1"), []),
    ("odd operation", None, RUNNING, a_seat("1", "ada", "delete"), ["operation_type_unknown"]),
    ("before the start", METERED, RUNNING, a_seat("1", "ada", at=july(1) - STEP), ["outside_subscription"]),
    ("at the start", METERED, RUNNING, a_seat("1", "ada", at=july(1)), []),
    ("recurring before the start", None, RUNNING, a_seat("1", "ada", at=july(1) - STEP), []),
    ("at the end", METERED, [a_row(july(1), july(20))], a_seat("1", "ada", at=july(20)), []),
    ("after the end", None, [a_row(july(1), july(20))], a_seat("1", "ada", at=july(20) + STEP), ["outside_subscription"]),
    ("between two rows", METERED, [a_row(july(1), july(5)), a_row(july(7))], a_seat("1", "ada", at=july(6)), ["outside_subscription"]),
    ("not started", METERED, [a_row(None)], a_seat("1", "ada"), ["outside_subscription"]),
    (
        "everything at once",
        METERED,
        [a_row(july(20), is_charged=False)],
        a_seat("1", "ada", "delete"),
        ["not_charged", "operation_type_unknown", "outside_subscription"],
    ),
]


@pytest.mark.parametrize(("metrics", "rows", "event", "expected"), [case[1:] for case in WARNINGS], ids=[case[0] for case in WARNINGS])
def test_an_answer_says_why_an_event_will_not_be_billed(desk: Desk, metrics, rows, event: IncomingEvent, expected: list[str]) -> None:
    if metrics is not None:
        desk.facts.known_metrics = metrics
    desk.facts.known_subscriptions = {"sub": rows} if rows else {}

    assert desk.warnings(event) == expected


def test_warnings_follow_the_catalogue(desk: Desk, engine: Engine) -> None:
    desk.facts.known_metrics = {}
    before = desk.warnings(a_seat("1", "ada"))
    desk.facts.known_metrics = {"seats": a_metric()}
    desk.facts.known_subscriptions = {"sub": RUNNING}
    with engine.begin() as tx:
        tx.execute(text("update organizations set catalog_version = catalog_version + 1 where id = :id"), {"id": desk.organization_id})

    after = desk.warnings(a_seat("2", "ada"))

    assert (before, after) == (["subscription_not_found", "billable_metric_not_found"], [])


# What is answered.


def test_accepted_events_are_there_and_duplicates_name_their_places(desk: Desk, engine: Engine) -> None:
    first = desk.send(a_seat("1", "ada"), a_seat("2", "ben", at=None))
    second = desk.send(a_seat("3", "cleo"), a_seat("2", "ben"))

    assert [accepted.event.at for accepted in first.accepted] == [july(10), NOW]
    assert isinstance(second.error, errors.Invalid)
    assert second.error.details == {"1": {"transaction_id": ["value_already_exist"]}}
    assert sorted(shelf_of(desk, engine).ids()) == ["1", "2"]


def test_a_sandbox_stamps_its_own_time(engine: Engine) -> None:
    desk = Desk(engine, make_organization(engine, frozen_time=july(3)))

    outcome = desk.send(a_seat("1", "ada", at=None))
    desk.commits.close()

    assert (outcome.accepted[0].event.at, outcome.accepted[0].event.created_at) == (july(3), july(3))


def test_dates_beyond_the_horizon_refuse_the_request_alone(desk: Desk, engine: Engine) -> None:
    good = [a_seat("1", "ada", at=NOW + timedelta(days=30))]
    bad = [a_seat("2", "ada"), a_seat("3", "ada", at=NOW + timedelta(days=30) + STEP)]

    slips = [desk.submit(events) for events in (bad, good, bad)]

    refused, accepted, again = [slip.outcome() for slip in slips]
    assert isinstance(refused.error, errors.Invalid)
    assert isinstance(again.error, errors.Invalid)
    assert refused.error.details == again.error.details == {"1": {"timestamp": ["invalid_format"]}}
    assert accepted.error is None
    assert shelf_of(desk, engine).ids() == ["1"]


def test_close_answers_what_waits_and_refuses_what_comes_later(engine: Engine) -> None:
    desk = Desk(engine, make_organization(engine), lanes=1)
    slips = [desk.submit([a_seat(str(number), "ada")]) for number in range(200)]

    desk.commits.close()

    late = desk.send(a_seat("late", "ada"))
    assert all(slip.outcome().error is None for slip in slips)
    assert isinstance(late.error, errors.Busy)
    assert len(shelf_of(desk, engine).ids()) == 200


def test_an_asker_who_is_gone_keeps_nobody_else_from_an_answer(engine: Engine) -> None:
    desk = Desk(engine, make_organization(engine), lanes=1)

    def refuse(_outcome: Outcome) -> None:
        raise RuntimeError("the loop is closed")

    for number in range(20):
        desk.commits.submit(Pending(desk.organization_id, [a_seat(f"gone {number}", "ada")], refuse))
    outcome = desk.send(a_seat("there", "ada"))
    desk.commits.close()

    assert outcome.error is None
    assert len(shelf_of(desk, engine).ids()) == 21


def test_a_request_that_cannot_be_written_fails_alone(engine: Engine) -> None:
    desk = Desk(engine, make_organization(engine), lanes=1)
    poison = an_event("poison", precise=Decimal("1e-20000"))  # beyond PostgreSQL's numeric

    slips = [desk.submit([poison if number == 25 else a_seat(str(number), "ada")]) for number in range(50)]

    desk.commits.close()
    assert [number for number, slip in enumerate(slips) if slip.outcome().error is not None] == [25]
    assert len(shelf_of(desk, engine).ids()) == 49


def test_what_is_known_is_written_in_one_piece(engine: Engine) -> None:
    organization_id = make_organization(engine, frozen_time=july(3))
    store, metrics = PostgresEventStore(), [{"seats": a_metric()}]

    def batch(*events: IncomingEvent) -> Batch:
        return Batch(organization_id, events, now=NOW)

    with engine.connect() as tx:
        assert store.open(tx, [batch(a_seat("0", "ada"))], metrics=metrics) is None  # its stream is to be made first
    for number in "12":  # the second finds a stream that is there to stay
        with engine.begin() as tx:
            store.append(tx, [batch(a_seat(number, "ada"))], metrics=metrics)

    with engine.connect() as tx:
        assert store.open(tx, [batch(a_seat("3", "ada"), a_seat("3", "ben"))], metrics=metrics) is None  # repeats itself
        kept, left = batch(a_seat("3", "ada", at=None), a_seat("4", "b\\te\\n")), batch(a_seat("5", "cleo"))
        opened = store.open(tx, [kept, left], metrics=metrics * 2)
        assert opened is not None
        [row] = opened.organizations
        assert (row.id, row.frozen_time) == (organization_id, july(3))
        kept.now = july(3)
        assert opened.send([0])
        opened.give_up()
        tx.commit()
    for ending in ("known", "given up"):
        with engine.connect() as tx:
            opened = store.open(tx, [batch(a_seat("1", "ada")), left], metrics=metrics * 2)
            assert opened is not None
            if ending == "known":
                assert not opened.send([0, 1])
            opened.give_up()
            tx.rollback()

    [third] = [event for event in Shelf(store, engine, organization_id).listed() if event.transaction_id == "3"]
    assert (third.at, third.created_at, [third.key]) == (july(3), july(3), list(kept.keys[:1]))
    assert sorted(Shelf(store, engine, organization_id).ids()) == ["1", "2", "3", "4"]


# What happens when the database fails.


class Deaf(CommitPoints):
    """Commits, and then loses the connection before the word of it arrives; the first `times` times."""

    def __init__(self, times: int, *, is_committing: bool) -> None:
        super().__init__({})
        self.left = times
        self.is_committing = is_committing

    def commit(self, tx: Connection, name: str) -> None:
        if self.left and not self.is_committing:
            self.left -= 1
            raise OperationalError("commit", {}, psycopg.OperationalError("server closed the connection unexpectedly"))
        super().commit(tx, name)
        if self.left:
            self.left -= 1
            raise OperationalError("commit", {}, psycopg.OperationalError("server closed the connection unexpectedly"))


@pytest.mark.parametrize("is_committing", [True, False])
def test_a_commit_whose_answer_is_lost_is_looked_up(engine: Engine, is_committing: bool) -> None:
    desk = Desk(engine, make_organization(engine), lanes=1, points=Deaf(2, is_committing=is_committing))

    outcome = desk.send(a_seat("1", "ada"), an_event("2", subscription=None))
    other = desk.send(a_seat("3", "ada"))
    desk.commits.close()

    # It was its own commit: neither written again (what names no subscription would be doubled) nor taken for a duplicate.
    assert (outcome.error, other.error) == (None, None)
    assert sorted(shelf_of(desk, engine).ids()) == ["1", "2", "3"]


def test_a_database_that_stays_away_is_answered_with_an_error(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daycount.usage.ingest._PAUSES_S", (0.0, 0.0))
    desk = Desk(engine, make_organization(engine), lanes=1, points=Deaf(3, is_committing=False))

    failed = desk.send(a_seat("1", "ada"))
    again = desk.send(a_seat("1", "ada"))
    desk.commits.close()

    assert isinstance(failed.error, OperationalError)
    assert again.error is None
    assert shelf_of(desk, engine).ids() == ["1"]


KILL_ONE = """
select pg_terminate_backend(pid) from pg_stat_activity
where pid <> pg_backend_pid() and datname = current_database() and backend_type = 'client backend'
order by random() limit 1
"""


def test_killed_backends_lose_nothing_and_double_nothing(engine: Engine) -> None:
    desk = Desk(engine, make_organization(engine), lanes=3)
    requests = [
        [
            a_seat(f"{number}", f"user {number}"),
            a_seat(f"{number}b", f"user {number}", subscription=f"sub {number}"),
            an_event(f"{number}c", subscription=None),
        ]
        for number in range(300)
    ]
    is_over = threading.Event()

    def kill() -> None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as tx:
            while not is_over.wait(0.05):
                tx.execute(text(KILL_ONE))

    killer = threading.Thread(target=kill)
    slips: list[list[Slip]] = [[] for _ in range(6)]
    clients = [threading.Thread(target=_send_in_turn, args=(desk, requests[place::6], slips[place])) for place in range(6)]
    for thread in (killer, *clients):
        thread.start()
    for client in clients:
        client.join()
    is_over.set()
    killer.join()
    desk.commits.close()
    engine.dispose()  # what was killed while it lay in the pool

    kept = Counter(_all_ids(engine, desk.organization_id))
    outcomes = [(events, slip.outcome()) for place in range(6) for events, slip in zip(requests[place::6], slips[place], strict=True)]
    assert max(kept.values()) == 1
    for events, outcome in outcomes:
        assert not isinstance(outcome.error, errors.Invalid), "an event of ours was taken for a duplicate"
        there = [kept[event.transaction_id] for event in events]
        assert there == ([1, 1, 1] if outcome.error is None else [0, 0, 0])
    assert sum(outcome.error is None for _, outcome in outcomes) > 200


def _send_in_turn(desk: Desk, requests: Sequence[Sequence[IncomingEvent]], slips: list[Slip]) -> None:
    for events in requests:
        slips.append(desk.submit(events))
        slips[-1].outcome()


def _all_ids(engine: Engine, organization_id: UUID) -> list[str]:
    statement = """
        select e.transaction_id from usage_events e join event_streams s on s.id = e.stream_id where s.organization_id = :id
    """
    with engine.connect() as tx:
        return list(tx.execute(text(statement), {"id": organization_id}).scalars())


# Who wins.


def test_of_concurrent_duplicates_exactly_one_wins(engine: Engine) -> None:
    """Overlapping batches in every order, from several processes' worth of lanes, over new streams."""
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    organization_id = make_organization(engine)
    desks = [Desk(engine, organization_id, lanes=2) for _ in range(3)]
    names = [str(number) for number in range(300)]
    jobs = [
        [
            [
                a_seat(name, f"client {client}", subscription=f"sub {int(name) % 5}", code=f"seats {int(name) % 3}")
                for name in chance.sample(names, 4)
            ]
            for _ in range(120)
        ]
        for client in range(6)
    ]
    slips: list[list[Slip]] = [[] for _ in jobs]
    clients = [threading.Thread(target=_send_in_turn, args=(desks[place % 3], job, slips[place])) for place, job in enumerate(jobs)]

    for client in clients:
        client.start()
    for client in clients:
        client.join()
    for desk in desks:
        desk.commits.close()

    outcomes = [(events, slip.outcome()) for job, row in zip(jobs, slips, strict=True) for events, slip in zip(job, row, strict=True)]
    assert {type(outcome.error) for _, outcome in outcomes} <= {type(None), errors.Invalid}
    won = Counter(event.transaction_id for events, outcome in outcomes if outcome.error is None for event in events)
    assert won
    assert set(won.values()) == {1}
    assert Counter(_all_ids(engine, organization_id)) == won
