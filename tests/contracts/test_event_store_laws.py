"""The contract of every event store, as laws: whatever the history, PostgreSQL answers what the store in memory answers."""

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from daycount.engine.charges.consumption import Detail
from daycount.engine.filters import Condition
from daycount.engine.metrics import AggregationType, UsageRequest
from daycount.periods import Period, start_of_day
from daycount.usage.memory import MemoryEventStore
from daycount.usage.records import IncomingEvent, MetricFacts
from tests.support.event_stores import NOW, Shelf, a_metric, an_event

COUNT, SUM, UNIQUE = AggregationType.COUNT, AggregationType.SUM, AggregationType.UNIQUE_COUNT
STEP = timedelta(microseconds=1)
FIELD = "value"
_names = itertools.count(1)


def law(examples: int) -> settings:
    """Settings of a law: the shelf is shared by its examples, each of which takes subscriptions of its own."""
    return settings(
        max_examples=examples,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


class Month(NamedTuple):
    """Local days of a zone, and instants around which clocks or days change."""

    zone: str
    first: date
    last: date
    instants: tuple[datetime, ...]

    @property
    def period(self) -> Period:
        zone = ZoneInfo(self.zone)
        return Period(start_of_day(self.first, zone=zone), start_of_day(self.last + timedelta(days=1), zone=zone))


def a_month(zone: str, first: str, last: str, *changes: str) -> Month:
    """A month with the instants (UTC) at which its clocks change."""
    found = [datetime.fromisoformat(change).replace(tzinfo=UTC) for change in changes]
    around = tuple(instant + shift for instant in found for shift in (-STEP, timedelta(0), timedelta(minutes=59), timedelta(hours=1)))
    return Month(zone, date.fromisoformat(first), date.fromisoformat(last), around)


MONTHS = [
    a_month("UTC", "2026-07-01", "2026-07-31"),
    a_month("America/New_York", "2026-03-01", "2026-03-31", "2026-03-08T07:00"),
    a_month("America/New_York", "2026-11-01", "2026-11-30", "2026-11-01T06:00"),
    a_month("Europe/Berlin", "2026-10-20", "2026-11-19", "2026-10-25T01:00"),
    a_month("America/Sao_Paulo", "2018-11-01", "2018-11-30", "2018-11-04T03:00"),  # the clock jumps over midnight
    a_month("America/Sao_Paulo", "2018-02-01", "2018-02-28", "2018-02-18T02:00"),  # 23:00 comes twice
    a_month("America/Havana", "2024-11-01", "2024-11-30", "2024-11-03T05:00"),  # midnight comes twice
    a_month("Africa/Cairo", "2026-04-15", "2026-05-14", "2026-04-23T22:00"),
    a_month("Australia/Lord_Howe", "2026-04-01", "2026-04-30", "2026-04-04T15:00"),  # half an hour
    a_month("Pacific/Apia", "2011-12-15", "2012-01-14", "2011-12-30T10:00"),  # a day is left out
    a_month("Asia/Kolkata", "2026-02-01", "2026-02-28"),
]


@st.composite
def instants(draw: st.DrawFn, month: Month) -> datetime | None:
    """Instants that matter: ends of the period, local midnights, changes of the clock, long before, soon after, now."""
    period, zone = month.period, ZoneInfo(month.zone)
    days = (month.last - month.first).days
    midnight = start_of_day(month.first + timedelta(days=draw(st.integers(0, days))), zone=zone)
    edges = [period.start - STEP, period.start, period.end - STEP, period.end, midnight - STEP, midnight, *month.instants]
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return None
    if kind == 1:
        return period.start - timedelta(days=draw(st.integers(1, 800)))
    if kind == 2:
        return period.end + timedelta(hours=draw(st.integers(0, 5000)))
    if kind <= 6:
        return draw(st.sampled_from(edges))
    return period.start + timedelta(seconds=draw(st.integers(0, int((period.end - period.start).total_seconds()) - 1)))


_digits = st.text("0123456789", min_size=1, max_size=60)
_rest = st.one_of(st.just(""), _digits.map(lambda digits: f".{digits}"))
NUMBERS = st.builds(
    lambda sign, whole, rest: f"{sign}{whole.lstrip('0') or '0'}{rest}",
    st.sampled_from(["", "-"]),
    _digits,
    _rest,
)
EXPONENTS = st.builds(lambda number, mark, size: f"{number}{mark}{size}", NUMBERS, st.sampled_from("eE"), st.integers(-130, 130))
SEAT_NAMES = st.sampled_from(['"ada"', '"ben"', '"\\u0061da"', '"Ünï 🎟"', '"a\\\\b"', "1", "1.0", "1e0", '"1"', "true", '"true"'])
ODD = st.sampled_from(["null", "{}", "[1]", '""', '" 1"', '"1e3"', '"1\\n"', '"٣"', '"+1"', "false"])
VALUES = st.one_of(SEAT_NAMES, SEAT_NAMES, NUMBERS, NUMBERS.map(lambda number: f'"{number}"'), EXPONENTS, ODD)
OPERATIONS = st.sampled_from([None, '"add"', '"add"', '"remove"', '"remove"', '"ADD"', "null", "1"])


@st.composite
def properties(draw: st.DrawFn) -> str:
    """Properties with a value (rarely without), an operation, and sometimes a key that stands there twice."""
    pairs = []
    if draw(st.integers(0, 20)):
        pairs.append(f'"{FIELD}": {draw(VALUES)}')
    if (operation := draw(OPERATIONS)) is not None:
        pairs.append(f'"operation_type": {operation}')
    if not draw(st.integers(0, 15)):
        pairs.append(f'"{FIELD}": {draw(VALUES)}')
    return "{" + ", ".join(pairs) + "}"


# How the metric was when a batch came in: unknown, of another kind, of another property, or as it is asked for.
METRICS = st.sampled_from(
    [
        {},
        {"seats": a_metric(COUNT, None)},
        {"seats": a_metric(UNIQUE, FIELD)},
        {"seats": a_metric(UNIQUE, "operation_type")},
        {"seats": a_metric(SUM, FIELD)},
        {"seats": a_metric(SUM, "other")},
    ]
)


class Arrival(NamedTuple):
    """One batch: (transaction id, instant, properties) of its events, the metrics then, and the time."""

    events: Sequence[tuple[int, datetime | None, str]]
    metrics: dict[str, MetricFacts]
    now: datetime


@st.composite
def histories(draw: st.DrawFn) -> tuple[Month, list[Arrival]]:
    """Batches as they arrive: late, duplicate, at one instant, in the future."""
    month = draw(st.sampled_from(MONTHS))
    event = st.tuples(st.integers(1, 40), instants(month), properties())
    now = st.sampled_from([month.period.start, month.period.end - STEP, month.period.end, NOW])
    arrival = st.builds(Arrival, st.lists(event, min_size=1, max_size=12), METRICS, now)
    return month, draw(st.lists(arrival, min_size=1, max_size=5))


def the_events(arrival: Arrival, subscription: str) -> list[IncomingEvent]:
    return [
        an_event(str(number), text, at=at, subscription=subscription, precise=Decimal(number) / 8 if number % 3 else None)
        for number, at, text in arrival.events
    ]


def a_shelf(request: pytest.FixtureRequest, name: str) -> Shelf:
    """A store for one example; the list in memory starts anew, since every answer walks all of it."""
    shelf: Shelf = request.getfixturevalue(name)
    return Shelf(MemoryEventStore(), shelf.engine, shelf.organization_id) if name == "memory" else shelf


DETAILS = {(SUM, False): (Detail.VALUES, Detail.AMOUNTS), (SUM, True): (Detail.CHANGES,), (UNIQUE, False): (Detail.VALUES,)}


def every_request(shelf: Shelf, month: Month, subscription: str) -> Iterator[UsageRequest]:
    """Every aggregation × recurring × prorated × detail, for the month and for a period cut inside two of its days."""
    whole = month.period
    cut = Period(whole.start + timedelta(days=3, hours=5, microseconds=7), whole.end - timedelta(days=2, hours=7))
    # A custom aggregation is read event by event in any store; it has tests of its own.
    kinds = [aggregation for aggregation in AggregationType if aggregation is not AggregationType.CUSTOM]
    for period, aggregation, is_recurring, is_prorated in itertools.product((whole, cut), kinds, (False, True), (False, True)):
        field = None if aggregation is COUNT else FIELD
        for detail in (Detail.NONE, *DETAILS.get((aggregation, is_prorated), ())):
            yield shelf.request(
                external_subscription_id=subscription,
                aggregation=aggregation,
                field_name=field,
                is_recurring=is_recurring,
                is_prorated=is_prorated,
                period=period,
                zone=month.zone,
                detail=detail,
            )


@law(100)
@given(histories(), histories())
def test_both_stores_answer_the_same_to_the_last_digit(memory: Shelf, postgres: Shelf, one: tuple, two: tuple) -> None:
    # Two subscriptions with histories of their own, asked for together.
    memory = Shelf(MemoryEventStore(), memory.engine, postgres.organization_id)
    requests: list[UsageRequest] = []
    for month, arrivals in (one, two):
        subscription = f"sub {next(_names)}"
        for arrival in arrivals:
            kept = [
                shelf.append(the_events(arrival, subscription), metrics=arrival.metrics, now=arrival.now)[0] for shelf in (memory, postgres)
            ]
            assert kept[0].duplicates == kept[1].duplicates
            assert kept[0].stored == kept[1].stored
        requests.extend(every_request(postgres, month, subscription))
        assert memory.listed(external_subscription_id=subscription) == postgres.listed(external_subscription_id=subscription)

    answers = zip(requests, memory.answer(requests), postgres.answer(requests), strict=True)

    for request, expected, found in answers:
        assert found == expected, request


@law(30)
@given(histories(), st.data())
def test_states_answer_the_same_whenever_they_are_folded(memory: Shelf, states: Shelf, history: tuple, data: st.DataObject) -> None:
    # What is asked, and so folded, between the arrivals is part of what is asked in the end; some of it never was before.
    memory = Shelf(MemoryEventStore(), memory.engine, states.organization_id)
    month, arrivals = history
    subscription = f"sub {next(_names)}"
    requests = [
        request for request in every_request(states, month, subscription) if not (request.is_prorated and request.aggregation is UNIQUE)
    ]
    for arrival in arrivals:
        for shelf in (memory, states):
            shelf.append(the_events(arrival, subscription), metrics=arrival.metrics, now=arrival.now)
        asked = data.draw(st.sets(st.sampled_from(range(len(requests))), max_size=4))
        states.answer([requests[place] for place in sorted(asked)])

    answers = zip(requests, memory.answer(requests), states.answer(requests), strict=True)

    for request, expected, found in answers:
        assert found == expected, request


@law(25)
@given(st.data())
@pytest.mark.parametrize("name", ["memory", "postgres", "states"])
def test_the_order_of_arrival_never_matters(request: pytest.FixtureRequest, name: str, data: st.DataObject) -> None:
    shelf = a_shelf(request, name)
    month = data.draw(st.sampled_from(MONTHS))
    moments = data.draw(st.lists(instants(month).filter(lambda at: at is not None), min_size=1, max_size=25, unique=True))
    sent = [(number, at, data.draw(properties())) for number, at in enumerate(moments)]
    shuffled = data.draw(st.permutations(sent))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(sent)), max_size=4)) | {0, len(sent)})
    pieces = [shuffled[first:last] for first, last in itertools.pairwise(cuts)]
    whole, split = f"sub {next(_names)}", f"sub {next(_names)}"

    shelf.append(the_events(Arrival(sent, {}, NOW), whole), metrics={"seats": a_metric(UNIQUE, FIELD)})
    for piece in pieces:
        shelf.append(the_events(Arrival(piece, {}, NOW), split), metrics=data.draw(METRICS))

    requests = [list(every_request(shelf, month, subscription)) for subscription in (whole, split)]
    answers = shelf.answer([*requests[0], *requests[1]])
    assert answers[len(requests[0]) :] == answers[: len(requests[0])]


@law(20)
@given(histories())
@pytest.mark.parametrize("name", ["memory", "postgres", "states"])
def test_replaying_what_was_kept_changes_nothing(request: pytest.FixtureRequest, name: str, history: tuple[Month, list[Arrival]]) -> None:
    shelf = a_shelf(request, name)
    month, arrivals = history
    subscription = f"sub {next(_names)}"
    requests = list(every_request(shelf, month, subscription))
    for arrival in arrivals:
        shelf.append(the_events(arrival, subscription), metrics=arrival.metrics, now=arrival.now)
    before, listed = shelf.answer(requests), shelf.listed(external_subscription_id=subscription)

    batches = shelf.append(*(the_events(arrival, subscription) for arrival in arrivals), metrics={}, now=NOW + timedelta(days=1))

    # A batch refused at first for an id that it holds twice is refused again; every other one is known by now.
    assert all(batch.duplicates for batch in batches)
    assert (shelf.answer(requests), shelf.listed(external_subscription_id=subscription)) == (before, listed)


REGIONS = st.sampled_from(["", ', "region": "eu"', ', "region": "us"', ', "region": ""', ', "region": 1', ', "region": null'])
TIERS = st.sampled_from(["", ', "tier": "pro"', ', "tier": true'])
SPLITS = st.lists(
    st.dictionaries(
        st.sampled_from(["region", "tier"]), st.frozensets(st.sampled_from(["eu", "us", "1", "pro", "true"]), min_size=1), min_size=1
    ),
    max_size=3,
)
GROUPINGS = st.lists(st.sampled_from(["region", "tier", "odd name"]), max_size=2, unique=True).map(tuple)


@law(40)
@given(st.data())
@pytest.mark.parametrize("name", ["postgres", "states"])
def test_both_stores_split_events_into_the_same_buckets(request: pytest.FixtureRequest, name: str, data: st.DataObject) -> None:
    postgres: Shelf = request.getfixturevalue(name)
    memory = Shelf(MemoryEventStore(), postgres.engine, postgres.organization_id)
    month = data.draw(st.sampled_from(MONTHS))
    subscription = f"sub {next(_names)}"
    moments = data.draw(st.lists(instants(month), min_size=2, max_size=25))
    sent = [
        (
            number,
            at,
            data.draw(properties()).removesuffix("}").replace("{", '{"first": 1, ', 1).rstrip(", ")
            + data.draw(REGIONS)
            + data.draw(TIERS)
            + "}",
        )
        for number, at in enumerate(moments)
    ]
    conditions = tuple(Condition(UUID(int=place), values) for place, values in enumerate(data.draw(SPLITS), 1))
    group_by = tuple(data.draw(GROUPINGS) for _ in range(len(conditions) + 1))
    requests = [structs.replace(asked, conditions=conditions, group_by=group_by) for asked in every_request(postgres, month, subscription)]
    half = len(sent) // 2
    for events in (sent[:half], sent[half:]):
        for shelf in (memory, postgres):
            shelf.append(the_events(Arrival(events, {}, NOW), subscription), metrics={"seats": a_metric(UNIQUE, FIELD)})
        answers = zip(requests, memory.buckets(requests), postgres.buckets(requests), strict=True)
        for asked, expected, found in answers:
            assert found == expected, asked
