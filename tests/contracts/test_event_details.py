"""The contract of every event store, continued: what charges ask for beyond the aggregate."""

from datetime import UTC, datetime
from decimal import Decimal

from daycount.engine.charges.consumption import Detail
from daycount.engine.filters import Condition
from daycount.engine.metrics import AggregationType, Arrival, Bucket
from tests.support.event_stores import Shelf, a_metric, a_seat, an_event, july

SUM, UNIQUE = AggregationType.SUM, AggregationType.UNIQUE_COUNT
BEFORE = datetime(2026, 6, 20, tzinfo=UTC)
GB = {"traffic": a_metric(SUM, "gb")}


def some_traffic(name: str, gb: str, **fields):
    return an_event(name, f'{{"gb": {gb}}}', code="traffic", **fields)


def the_traffic(shelf: Shelf, detail: Detail, *, is_recurring: bool = False, is_prorated: bool = False):
    return shelf.usage(code="traffic", aggregation=SUM, field_name="gb", is_recurring=is_recurring, is_prorated=is_prorated, detail=detail)


def test_values_come_in_the_order_of_time_and_then_of_arrival(shelf: Shelf) -> None:
    shelf.append([some_traffic("1", "5", at=july(9)), some_traffic("2", "3", at=july(2)), some_traffic("3", '"x"')], metrics=GB)
    shelf.append(
        [some_traffic("4", "7", at=july(2)), some_traffic("5", "-1.5", at=july(30)), some_traffic("6", "9", at=BEFORE)], metrics=GB
    )

    found = the_traffic(shelf, Detail.VALUES)

    assert found.values == (3, 7, 5, Decimal("-1.5"))
    assert (found.events_count, found.total) == (4, Decimal("13.5"))
    assert the_traffic(shelf, Detail.VALUES, is_recurring=True).values == (9, 3, 7, 5, Decimal("-1.5"))


def test_the_value_of_a_counted_member_is_what_it_changes(shelf: Shelf) -> None:
    shelf.append([a_seat("1", "ada", at=july(1)), a_seat("2", "ada", at=july(2)), a_seat("3", "ben", at=july(3))])
    shelf.append([a_seat("4", "ada", "remove", at=july(4)), a_seat("5", "cleo", "remove", at=july(5)), a_seat("6", "dora", at=BEFORE)])

    found = shelf.usage(is_recurring=False, is_prorated=False, detail=Detail.VALUES)

    assert [int(value) for value in found.values] == [1, 0, 1, -1, 0]
    assert (found.events_count, found.total) == (5, Decimal(1))
    recurring = shelf.usage(is_prorated=False, detail=Detail.VALUES)
    assert list(map(int, recurring.values)) == [1, 1, 0, 1, -1, 0]
    assert (recurring.events_count, recurring.total) == (5, Decimal(2))


def test_the_amounts_of_the_events_that_count_are_added_up(shelf: Shelf) -> None:
    shelf.append(
        [
            some_traffic("1", "5", precise=Decimal("12.345")),
            some_traffic("2", "1", precise=None),
            some_traffic("3", "2", precise=Decimal("0.0005")),
            some_traffic("4", '"many"', precise=Decimal(1000)),
            some_traffic("5", "3", precise=Decimal(77), at=BEFORE),
        ],
        metrics=GB,
    )

    found = the_traffic(shelf, Detail.AMOUNTS)

    assert (found.events_count, found.total, found.event_cents) == (3, 8, Decimal("12.3455"))


def test_changes_of_a_sum_come_with_their_instants(shelf: Shelf) -> None:
    shelf.append(
        [some_traffic("1", "5", at=july(9)), some_traffic("2", "-2", at=july(9, 18)), some_traffic("3", "4", at=BEFORE)], metrics=GB
    )

    found = the_traffic(shelf, Detail.CHANGES, is_recurring=True, is_prorated=True)

    assert (found.carried, found.total, found.events_count) == (4, 7, 3)
    assert found.arrivals == (Arrival(july(9), Decimal(5)), Arrival(july(9, 18), Decimal(-2)))
    assert found.by_day == {july(9).date(): 3}


def test_nothing_but_carried_units_has_no_changes(shelf: Shelf) -> None:
    shelf.append([some_traffic("1", "4", at=BEFORE)], metrics=GB)

    found = the_traffic(shelf, Detail.CHANGES, is_recurring=True, is_prorated=True)

    assert (found.carried, found.arrivals, found.by_day) == (4, (), {})


def test_details_are_those_of_a_bucket(shelf: Shelf) -> None:
    eu = ', "region": "eu"'
    events = [
        an_event(name, f'{{"gb": {gb}{region}}}', code="traffic", at=july(day))
        for name, gb, region, day in (("1", 5, eu, 3), ("2", 2, "", 2), ("3", 4, eu, 1))
    ]
    shelf.append(events, metrics=GB)
    [only] = [Condition(shelf.organization_id, {"region": frozenset({"eu"})})]

    [found] = shelf.buckets(
        [
            shelf.request(
                code="traffic",
                aggregation=SUM,
                field_name="gb",
                is_recurring=False,
                is_prorated=False,
                conditions=(only,),
                group_by=((), ()),
                detail=Detail.VALUES,
            )
        ]
    )

    assert {bucket: usage.values for bucket, usage in found.items()} == {
        Bucket(only.filter_id, ()): (4, 5),
        Bucket(None, ()): (2,),
    }
