"""Running states under everything that goes on beside them: open transactions, writers, folders, erasure, another cluster."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, text

from daycount.engine.metrics import AggregationType, Bucket, UsageRequest
from daycount.ids import TimeOrderedIds
from daycount.infra.work import CommitPoints, Workplace
from daycount.periods import Period
from daycount.usage import folding
from daycount.usage.aggregation.store import aggregate
from daycount.usage.folding import Folder
from daycount.usage.port import Batch
from daycount.usage.records import IncomingEvent
from daycount.usage.states import store as running
from daycount.usage.store import PostgresEventStore
from tests.support.event_stores import JULY, NOW, FoldingShelf, Shelf, a_metric, an_event, july, make_organization

SUM, UNIQUE, LATEST = AggregationType.SUM, AggregationType.UNIQUE_COUNT, AggregationType.LATEST
METRICS = {"traffic": a_metric(SUM, "gb", recurring=False)}
WHOLE = Bucket(None, ())


def traffic(number: object, gb: int = 1, **fields) -> IncomingEvent:
    return an_event(str(number), f'{{"gb": {gb}, "user": "user {number}"}}', code="traffic", **fields)


@pytest.fixture
def shelf(engine: Engine) -> FoldingShelf:
    return FoldingShelf(PostgresEventStore(), engine, make_organization(engine))


def the_sum(shelf: Shelf, **fields) -> UsageRequest:
    asked = {"code": "traffic", "aggregation": SUM, "field_name": "gb", "is_recurring": False, "is_prorated": False}
    return shelf.request(**asked | fields)


def held(shelf: Shelf, request: UsageRequest) -> tuple[object, int] | None:
    """What the state says with its tail, and how long the tail is; None without a state."""
    with shelf.engine.connect() as tx:
        found = running.read(tx, [request], [0])
    return (found[0].buckets[WHOLE].total, found[0].fresh) if found else None


@contextmanager
def an_open_writer(shelf: Shelf, *events: IncomingEvent) -> Iterator[Connection]:
    with shelf.engine.connect() as tx:
        shelf.store.append(tx, [Batch(shelf.organization_id, list(events), now=NOW)], metrics=[METRICS])
        yield tx


def test_a_state_leaves_a_tail_of_what_is_new(shelf: FoldingShelf) -> None:
    request = the_sum(shelf)
    shelf.append([traffic(number, 10, at=july(1 + number)) for number in range(8)], metrics=METRICS)
    assert held(shelf, request) is None

    shelf.fold([request], left=2)
    assert held(shelf, request) == (80, 2)
    shelf.append([traffic("late", 1, at=july(2)), traffic("new", 2, at=july(20)), traffic("next month", 4, at=JULY.end)], metrics=METRICS)
    assert held(shelf, request) == (83, 4)

    shelf.fold([request], left=0)
    assert held(shelf, request) == (83, 0)


def test_an_event_that_commits_after_the_fold_is_counted_once(shelf: FoldingShelf) -> None:
    request = the_sum(shelf)
    shelf.append([traffic(number, at=july(3)) for number in range(5)], metrics=METRICS)
    shelf.fold([request], left=0)

    with an_open_writer(shelf, traffic("slow", 100, at=july(1))) as slow:
        shelf.append([traffic("quick", 10, at=july(1))], metrics=METRICS)
        with shelf.engine.begin() as tx:
            running.fold(tx, [request])
        assert held(shelf, request) == (15, 1)  # the quick one is younger than an open transaction, so it stays in the tail
        slow.commit()
    assert held(shelf, request) == (115, 2)

    with shelf.engine.begin() as tx:
        running.fold(tx, [request])
    assert held(shelf, request) == (115, 0)


def test_the_horizon_waits_for_who_is_writing_and_later_writers_heed_it(shelf: FoldingShelf) -> None:
    request = the_sum(shelf)
    shelf.append([traffic(number, at=july(3)) for number in range(5)], metrics=METRICS)
    folded = threading.Thread(target=shelf.fold, args=([request],), kwargs={"left": 0})

    with an_open_writer(shelf, traffic("slow", 100, at=july(1))) as slow:
        folded.start()
        folded.join(0.2)
        assert folded.is_alive()
        slow.commit()
    folded.join()
    shelf.append([traffic("later", 1000, at=july(1))], metrics=METRICS)

    assert held(shelf, request) == (1105, 1)
    assert shelf.answer([request])[0].total == 1105


def test_a_reader_never_sees_an_event_twice_or_not_at_all(shelf: FoldingShelf) -> None:
    """Writers with late and new events, some of which give up; folders; and a reader that compares, in one snapshot."""
    seed = random.randrange(10**6)
    print("seed", seed)
    requests = [
        the_sum(shelf),
        the_sum(shelf, aggregation=LATEST, group_by=(("user",),)),
        the_sum(shelf, aggregation=UNIQUE, field_name="user", is_recurring=True),
        the_sum(shelf, is_recurring=True, is_prorated=True, period=Period(july(5), july(25))),
    ]
    is_over = threading.Event()

    def write(name: str) -> None:
        chance = random.Random(f"{seed} {name}")
        for number in range(60):
            at = july(chance.randint(1, 31)) if chance.random() < 0.5 else july(1) + timedelta(hours=10 * number)
            with an_open_writer(shelf, *(traffic(f"{name} {number} {place}", chance.randint(1, 9), at=at) for place in range(3))) as tx:
                if chance.random() < 0.8:
                    tx.commit()

    def fold(name: str) -> None:
        chance = random.Random(f"{seed} {name}")
        while not is_over.is_set():
            shelf.fold(chance.sample(requests, 2), left=chance.randint(0, 20))

    writers = [threading.Thread(target=write, args=(f"writer {place}",)) for place in range(3)]
    folders = [threading.Thread(target=fold, args=(f"folder {place}",)) for place in range(2)]
    for thread in (*writers, *folders):
        thread.start()
    rounds = 0
    while any(writer.is_alive() for writer in writers):
        with shelf.engine.connect().execution_options(isolation_level="REPEATABLE READ") as tx:
            for place, answer in running.read(tx, requests, range(len(requests))).items():
                assert answer.buckets == aggregate(tx, [requests[place]])[0], requests[place]
                rounds += 1
    is_over.set()
    for thread in (*writers, *folders):
        thread.join()

    assert rounds
    shelf.buckets(requests)


def test_erasing_takes_the_states_along(shelf: FoldingShelf) -> None:
    request = the_sum(shelf)
    shelf.append([traffic(1), traffic(2)], metrics=METRICS)
    shelf.answer([request])

    shelf.erase()

    assert held(shelf, request) is None
    shelf.append([traffic(1, 5)], metrics=METRICS)
    assert shelf.answer([request])[0].total == 5


def test_states_of_another_cluster_are_not_trusted(shelf: FoldingShelf) -> None:
    # A dump that is loaded elsewhere carries transaction ids that mean nothing there.
    request = the_sum(shelf)
    shelf.append([traffic(1), traffic(2)], metrics=METRICS)
    shelf.answer([request])
    with shelf.engine.begin() as tx:
        tx.execute(text("update usage_states set cluster = 1"))
        tx.execute(text("update usage_state_buckets set total = 1000"))

    assert held(shelf, request) is None
    assert shelf.answer([request])[0].total == 2
    assert held(shelf, request) == (2, 0)


def test_states_of_periods_long_past_are_forgotten(shelf: FoldingShelf) -> None:
    shelf.append([traffic(1), traffic(2)], metrics=METRICS)
    months = [Period(july(1) + timedelta(days=31 * place), july(1) + timedelta(days=31 * place + 31)) for place in range(4)]
    requests = [the_sum(shelf, period=month) for month in months]

    for request in requests:
        shelf.answer([request])

    with shelf.engine.connect() as tx:
        found = running.read(tx, requests, range(4))
    assert sorted(found) == [1, 2, 3]


def test_edits_ask_for_another_state(shelf: FoldingShelf) -> None:
    request = the_sum(shelf)
    others = [
        the_sum(shelf, field_name="other"),
        the_sum(shelf, aggregation=LATEST),
        the_sum(shelf, period=Period(JULY.start, july(30))),
        the_sum(shelf, group_by=(("user",),)),
        the_sum(shelf, is_recurring=True),
        the_sum(shelf, is_prorated=True, is_recurring=True),
        the_sum(shelf, is_prorated=True, is_recurring=True, zone="Europe/Berlin"),
    ]

    prints = {running.fingerprint(asked) for asked in [request, *others]}

    assert len(prints) == 8
    assert running.fingerprint(the_sum(shelf, zone="Europe/Berlin")) == running.fingerprint(request)


class Told(CommitPoints):
    """Commits, and tells when something was folded."""

    def __init__(self) -> None:
        super().__init__({})
        self.folds = threading.Semaphore(0)

    def commit(self, tx: Connection, name: str) -> None:
        super().commit(tx, name)
        if name == folding.FOLD:
            self.folds.release()


def test_what_is_asked_for_again_is_folded_beside_the_reads(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daycount.usage.folding._MUCH", 5)
    points, folder = Told(), Folder()
    shelf = Shelf(PostgresEventStore(folder), engine, make_organization(engine))
    folder.open(Workplace(engine, new_id=TimeOrderedIds(), reactions={}, commit_points=points))
    request = the_sum(shelf)
    shelf.append([traffic(number) for number in range(10)], metrics=METRICS)

    assert shelf.answer([request])[0].total == 10
    assert held(shelf, request) is None
    assert shelf.answer([request])[0].total == 10
    assert points.folds.acquire(timeout=30)

    assert held(shelf, request) is not None
    shelf.append([traffic(f"more {number}") for number in range(10)], metrics=METRICS)
    assert shelf.answer([request])[0].total == 20
    assert points.folds.acquire(timeout=30)
