"""The contract of every event store, case by case. The store in memory is the specification."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import event as sqlalchemy_event

from daycount.api.v1.events import read_event, single_decoder
from daycount.engine.metrics import AggregationType, Member, Toggle, Usage
from daycount.periods import Period
from daycount.usage.port import Batch
from daycount.usage.records import MetricFacts
from daycount.usage.store import PostgresEventStore
from tests.support.event_stores import JULY, NOW, SEATS, Shelf, a_metric, a_seat, an_event, july, make_organization

COUNT, SUM, UNIQUE = AggregationType.COUNT, AggregationType.SUM, AggregationType.UNIQUE_COUNT
BEFORE = datetime(2026, 6, 20, tzinfo=UTC)
GB = {"traffic": a_metric(SUM, "gb")}


def some_traffic(transaction_id: str, gb: str, **fields):
    """An event whose property is the JSON text `gb`."""
    return an_event(transaction_id, f'{{"gb": {gb}}}', code="traffic", **fields)


def the_traffic(shelf: Shelf, **fields) -> Usage:
    asked = {"code": "traffic", "aggregation": SUM, "field_name": "gb", "is_recurring": False, "is_prorated": False}
    return shelf.usage(**asked | fields)


# Keeping events.


def test_kept_events_are_handed_back_and_listed(shelf: Shelf) -> None:
    [batch] = shelf.append([a_seat("1", "ada", precise=Decimal("12.345")), an_event("2", at=None)])

    first, second = batch.stored
    assert batch.duplicates == []
    assert (first.transaction_id, first.at, first.created_at) == ("1", july(10), NOW)
    assert (first.properties, first.precise_total_amount_cents) == ('{"user_id": "ada", "operation_type": "add"}', Decimal("12.345"))
    assert (second.transaction_id, second.at, second.created_at) == ("2", NOW, NOW)
    assert shelf.listed() == [second, first]


def test_a_duplicate_inside_a_batch_refuses_the_whole_batch(shelf: Shelf) -> None:
    [batch] = shelf.append([a_seat("1", "ada"), a_seat("2", "ben"), a_seat("1", "cleo"), a_seat("1", "dora")])

    assert batch.duplicates == [2, 3]
    assert batch.stored == []
    assert shelf.ids() == []


def test_of_two_batches_with_the_same_event_the_first_wins(shelf: Shelf) -> None:
    first, second, third = shelf.append([a_seat("1", "ada")], [a_seat("2", "ben"), a_seat("1", "cleo")], [a_seat("2", "dora")])

    assert (first.duplicates, second.duplicates, third.duplicates) == ([], [1], [])
    assert [event.properties for event in shelf.listed()] == [a_seat("1", "ada").properties, a_seat("2", "dora").properties]


def test_a_refused_batch_does_not_take_its_ids_from_later_ones(shelf: Shelf) -> None:
    refused, accepted = shelf.append([a_seat("1", "ada"), a_seat("1", "ada")], [a_seat("1", "ben")])

    assert (refused.duplicates, accepted.duplicates) == ([1], [])
    assert [event.properties for event in shelf.listed()] == [a_seat("1", "ben").properties]


def test_a_known_event_refuses_later_batches_for_ever_and_changes_nothing(shelf: Shelf) -> None:
    shelf.append([a_seat("1", "ada")])

    again, other = shelf.append([a_seat("2", "ben"), a_seat("1", "cleo", at=july(20))], [a_seat("3", "dora")])
    [third] = shelf.append([a_seat("1", "ada")])

    assert (again.duplicates, other.duplicates, third.duplicates) == ([1], [], [0])
    assert (again.stored, third.stored) == ([], [])
    assert shelf.ids() == ["1", "3"]
    assert shelf.listed()[0].properties == a_seat("1", "ada").properties


def test_batches_that_fall_together_leave_room_for_those_behind_them(shelf: Shelf) -> None:
    # The second batch loses to the first at first sight; but the first holds a known event and goes, so the second stays.
    shelf.append([a_seat("known", "ada")])

    first, second = shelf.append([a_seat("1", "ben"), a_seat("known", "ada")], [a_seat("1", "cleo")])

    assert (first.duplicates, second.duplicates) == ([1], [])
    assert [event.properties for event in shelf.listed() if event.transaction_id == "1"] == [a_seat("1", "cleo").properties]


def test_a_transaction_id_counts_once_for_each_subscription(shelf: Shelf) -> None:
    one, two, other_code = shelf.append(
        [a_seat("1", "ada")], [a_seat("1", "ada", subscription="other")], [a_seat("1", "ada", code="traffic")]
    )

    assert (one.duplicates, two.duplicates, other_code.duplicates) == ([], [], [0])
    assert [event.external_subscription_id for event in shelf.listed()] in (["sub", "other"], ["other", "sub"])


def test_ids_that_run_together_stay_apart(shelf: Shelf) -> None:
    first, second = shelf.append([a_seat("23", "ada", subscription="1")], [a_seat("3", "ada", subscription="12")])

    assert first.duplicates == second.duplicates == []
    assert first.stored[0].key != second.stored[0].key


@pytest.mark.parametrize("unnamed", [None, ""])
def test_events_without_a_subscription_never_collide(shelf: Shelf, unnamed: str | None) -> None:
    [one, two] = shelf.append(
        [an_event("1", subscription=unnamed), an_event("1", subscription=unnamed)], [an_event("1", subscription=unnamed)]
    )
    [three] = shelf.append([an_event("1", subscription=unnamed)])

    assert one.duplicates == two.duplicates == three.duplicates == []
    assert [event.external_subscription_id for event in [*one.stored, *shelf.listed()]] == [None] * 6
    assert len({event.key for event in shelf.listed()}) == 4


def test_organizations_do_not_see_each_other(shelf: Shelf) -> None:
    other = Shelf(shelf.store, shelf.engine, make_organization(shelf.engine))

    shelf.append([a_seat("1", "ada")])
    [batch] = other.append([a_seat("1", "ben"), a_seat("2", "cleo")])

    assert batch.duplicates == []
    assert [shelf.usage().total, other.usage().total] == [1, 2]
    assert (shelf.ids(), other.ids()) == (["1"], ["1", "2"])


@pytest.mark.parametrize(
    "transaction_id",
    ["tab\there", "line\nend", "return\r", "back\\slash", "\\N", "\\.", "ünïcödé 🎟", "'; drop table usage_events", " 1 ", "x" * 4000],
)
def test_text_comes_back_as_it_was_sent(shelf: Shelf, transaction_id: str) -> None:
    properties = '{"user_id": "a\\tb\\\\c\\"d\\u00fc🎟", "n": 1.10, "deep": {"list": [1e3, null]}}'
    sent = an_event(transaction_id, properties, subscription=transaction_id, code=transaction_id)

    shelf.append([sent])
    [again] = shelf.append([sent])

    [found] = shelf.listed()
    assert (found.transaction_id, found.external_subscription_id, found.code) == (transaction_id,) * 3
    assert found.properties == properties
    assert again.duplicates == [0]


def test_nothing_stays_of_a_transaction_that_is_rolled_back(postgres: Shelf) -> None:
    # What was made up for the first two events (streams, typings) must not be remembered when it is gone.
    batches = [Batch(postgres.organization_id, [a_seat(name, "ada")], now=NOW) for name in ("1", "2")]
    with postgres.engine.connect() as tx:
        for batch in batches:
            postgres.store.append(tx, [batch], metrics=[SEATS])
        tx.rollback()

    [batch] = postgres.append([a_seat("1", "ben")])

    assert batch.duplicates == []
    assert postgres.ids() == ["1"]
    assert [member.name for member in postgres.usage().members] == ["ben"]


def test_another_process_counts_what_this_one_kept(postgres: Shelf) -> None:
    postgres.append([a_seat("1", "ada")])
    other = Shelf(PostgresEventStore(), postgres.engine, postgres.organization_id)

    [batch] = other.append([a_seat("1", "ada"), a_seat("2", "ben")])
    other.append([a_seat("2", "ben")])
    [again] = postgres.append([a_seat("2", "cleo")])

    assert (batch.duplicates, again.duplicates) == ([0], [0])
    assert postgres.usage() == other.usage()
    assert [member.name for member in other.usage().members] == ["ada", "ben"]


# Listing and erasing.


def test_lists_show_the_latest_first_and_then_by_transaction_id(shelf: Shelf) -> None:
    shelf.append([a_seat("b", "ada"), a_seat("a", "ada"), a_seat("B", "ada"), a_seat("é", "ada"), a_seat("z", "ada", at=july(11))])

    assert shelf.ids() == ["z", "B", "a", "b", "é"]
    assert shelf.ids(limit=2, offset=1) == ["B", "a"]
    assert shelf.ids(limit=2, offset=4) == ["é"]
    assert shelf.ids(offset=5) == []


def test_filters_take_inclusive_instants_and_exact_names(shelf: Shelf) -> None:
    step = timedelta(microseconds=1)
    shelf.append(
        [
            a_seat("early", "ada", at=july(10) - step),
            a_seat("from", "ada", at=july(10)),
            a_seat("to", "ada", at=july(11)),
            a_seat("late", "ada", at=july(11) + step),
            a_seat("other", "ada", subscription="other"),
            some_traffic("traffic", "1"),
            an_event("unnamed", subscription=None),
        ]
    )

    assert shelf.ids(at_from=july(10), at_to=july(11), external_subscription_id="sub", code="seats") == ["to", "from"]
    assert shelf.ids(external_subscription_id="other") == ["other"]
    assert shelf.ids(code="traffic") == ["traffic"]
    assert shelf.ids(external_subscription_id="SUB") == []
    assert shelf.ids(at_to=july(10) - step) == ["early"]
    assert shelf.ids(at_from=july(11)) == ["late", "to"]
    assert "unnamed" in shelf.ids()


def test_erase_removes_one_organization_and_frees_its_ids(shelf: Shelf) -> None:
    other = Shelf(shelf.store, shelf.engine, make_organization(shelf.engine))
    shelf.append([a_seat("1", "ada"), a_seat("2", "ben"), an_event("3", subscription=None)])
    other.append([a_seat("1", "ada")])

    erased = shelf.erase()

    assert erased == 3
    assert (shelf.ids(), other.ids()) == ([], ["1"])
    assert shelf.usage() == Usage(events_count=0, total=Decimal(0))
    assert shelf.append([a_seat("1", "cleo")])[0].duplicates == []
    assert [member.name for member in shelf.usage().members] == ["cleo"]
    assert shelf.erase() == 1


# Adding up.


def test_nothing_adds_up_to_zero(shelf: Shelf) -> None:
    for aggregation in AggregationType:
        for is_prorated in (False, True):
            assert shelf.usage(aggregation=aggregation, is_prorated=is_prorated) == Usage(events_count=0, total=Decimal(0))
    assert shelf.answer([]) == []


def test_a_period_holds_its_start_and_not_its_end(shelf: Shelf) -> None:
    step = timedelta(microseconds=1)
    instants = [JULY.start - step, JULY.start, JULY.end - step, JULY.end]
    shelf.append([some_traffic(str(place), str(10**place), at=at) for place, at in enumerate(instants)], metrics=GB)

    assert the_traffic(shelf, aggregation=COUNT, field_name=None) == Usage(events_count=2, total=Decimal(2))
    assert the_traffic(shelf) == Usage(events_count=2, total=Decimal(110))


def test_metered_metrics_see_the_period_and_recurring_ones_all_before_its_end(shelf: Shelf) -> None:
    shelf.append([some_traffic("1", "5", at=BEFORE), some_traffic("2", "3"), some_traffic("3", "-1", at=july(31))], metrics=GB)
    shelf.append([a_seat("4", "ada", at=BEFORE), a_seat("5", "ben"), a_seat("6", "ada", "remove", at=july(20))])

    assert the_traffic(shelf) == Usage(events_count=2, total=Decimal(2))
    assert the_traffic(shelf, is_recurring=True) == Usage(events_count=3, total=Decimal(7))
    assert the_traffic(shelf, is_recurring=True, is_prorated=True) == Usage(
        events_count=3, total=Decimal(7), carried=Decimal(5), by_day={date(2026, 7, 10): Decimal(3), date(2026, 7, 31): Decimal(-1)}
    )
    assert shelf.usage(is_recurring=False, is_prorated=False) == Usage(events_count=2, total=Decimal(1))
    assert shelf.usage(is_prorated=False) == Usage(events_count=2, total=Decimal(1))
    assert shelf.usage() == Usage(
        events_count=2,
        total=Decimal(1),
        members=(
            Member("ada", (Toggle(BEFORE, is_add=True), Toggle(july(20), is_add=False))),
            Member("ben", (Toggle(july(10), is_add=True),)),
        ),
    )


def test_counts_stay_inside_the_period_whatever_else_is_asked(shelf: Shelf) -> None:
    shelf.append([a_seat("1", "ada", at=BEFORE), a_seat("2", "ada"), an_event("3")])

    for is_recurring in (False, True):
        for is_prorated in (False, True):
            asked = {"aggregation": COUNT, "field_name": None, "is_recurring": is_recurring, "is_prorated": is_prorated}
            assert shelf.usage(**asked) == Usage(events_count=2, total=Decimal(2))


def test_a_seat_gone_before_the_period_is_left_out_with_its_history(shelf: Shelf) -> None:
    shelf.append(
        [
            a_seat("1", "gone", at=BEFORE),
            a_seat("2", "gone", "remove", at=BEFORE + timedelta(days=1)),
            a_seat("3", "going", at=BEFORE),
            a_seat("4", "going", "remove", at=JULY.start),
            a_seat("5", "never", "remove"),
        ]
    )

    members = (Member("going", (Toggle(BEFORE, is_add=True), Toggle(JULY.start, is_add=False))),)
    assert shelf.usage() == Usage(events_count=2, total=Decimal(0), members=members)


def test_repeated_operations_are_counted_and_change_nothing(shelf: Shelf) -> None:
    operations = ["add", "add", "remove", "remove", "add"]
    shelf.append([a_seat(str(day), "ada", operation, at=july(day)) for day, operation in enumerate(operations, 1)])

    toggles = (Toggle(july(1), is_add=True), Toggle(july(3), is_add=False), Toggle(july(5), is_add=True))
    assert shelf.usage() == Usage(events_count=5, total=Decimal(1), members=(Member("ada", toggles),))


@pytest.mark.parametrize("operation", ['"ADD"', '"delete"', '""', "1", "true", '" add"'])
def test_an_unknown_operation_counts_for_nothing(shelf: Shelf, operation: str) -> None:
    shelf.append([an_event("1", f'{{"user_id": "ada", "operation_type": {operation}}}')])

    assert shelf.usage() == Usage(events_count=0, total=Decimal(0))


@pytest.mark.parametrize(
    "properties", ['{"user_id": "ada"}', '{"user_id": "ada", "operation_type": null}', '{"user_id": "ada", "operation_type": {}}']
)
def test_a_missing_operation_is_an_add(shelf: Shelf, properties: str) -> None:
    shelf.append([an_event("1", properties)])

    assert shelf.usage(is_prorated=False) == Usage(events_count=1, total=Decimal(1))


@pytest.mark.parametrize("properties", ["{}", '{"user_id": null}', '{"user_id": []}', '{"user_id": {"id": 1}}', '{"USER_ID": "ada"}'])
def test_an_event_without_the_value_counts_for_nothing(shelf: Shelf, properties: str) -> None:
    shelf.append([an_event("1", properties)], metrics=SEATS)
    shelf.append([an_event("2", properties)], metrics={})

    assert shelf.usage() == Usage(events_count=0, total=Decimal(0))
    assert shelf.usage(aggregation=SUM) == Usage(events_count=0, total=Decimal(0))
    assert shelf.usage(aggregation=COUNT, field_name=None).total == 2


def test_events_of_one_instant_count_in_the_order_of_ingestion(shelf: Shelf) -> None:
    shelf.append([a_seat("z", "ada"), a_seat("y", "ada", "remove"), a_seat("b", "ben", "remove")])
    shelf.append([a_seat("a", "ben")], [a_seat("0", "cleo", "remove"), a_seat("1", "cleo")])

    # ada came and went, ben went (which is nothing) and came, cleo the same in the third batch
    assert shelf.usage(is_prorated=False).total == 2
    assert [(member.name, len(member.toggles)) for member in shelf.usage().members] == [("ada", 2), ("ben", 1), ("cleo", 1)]


def test_more_events_than_a_block_of_numbers_keep_their_order(shelf: Shelf) -> None:
    events = [a_seat(str(place), "ada", "add" if place % 2 else "remove") for place in range(12_001)]

    shelf.append(events)

    # it ends with a removal; 6000 stretches of one instant
    usage = shelf.usage()
    assert [usage.events_count, int(usage.total), len(usage.members[0].toggles)] == [12_001, 0, 12_000]


def test_days_are_local_days(shelf: Shelf) -> None:
    # New York is four hours behind in July: 03:59Z is still the day before.
    period = Period(datetime(2026, 7, 1, 4, tzinfo=UTC), datetime(2026, 8, 1, 4, tzinfo=UTC))
    instants = [period.start, july(2, 3, 59), july(2, 4), period.end - timedelta(seconds=1), period.start - timedelta(seconds=1)]
    shelf.append([some_traffic(str(place), str(10**place), at=at) for place, at in enumerate(instants)], metrics=GB)

    usage = the_traffic(shelf, is_recurring=True, is_prorated=True, period=period, zone="America/New_York")

    assert usage.by_day == {date(2026, 7, 1): 11, date(2026, 7, 2): 100, date(2026, 7, 31): 1000}
    assert usage.carried == 10_000


def test_a_day_that_a_zone_left_out_holds_nothing(shelf: Shelf) -> None:
    # Samoa went from 29 December 2011 straight to the 31st, at 10:00Z on the 30th.
    period = Period(datetime(2011, 12, 1, 10, tzinfo=UTC), datetime(2011, 12, 31, 10, tzinfo=UTC))
    jump = datetime(2011, 12, 30, 10, tzinfo=UTC)
    shelf.append([some_traffic("1", "1", at=jump - timedelta(microseconds=1)), some_traffic("2", "2", at=jump)], metrics=GB)

    usage = the_traffic(shelf, is_recurring=True, is_prorated=True, period=period, zone="Pacific/Apia")

    assert usage.by_day == {date(2011, 12, 29): 1, date(2011, 12, 31): 2}


def test_sums_keep_every_digit(shelf: Shelf) -> None:
    tiny, huge = "0." + "0" * 96 + "7", "9" * 100
    shelf.append(
        [some_traffic("1", tiny), some_traffic("2", huge), some_traffic("3", "-" + huge[1:]), some_traffic("4", "0.1")], metrics=GB
    )

    # 9…9 (100 digits) less 9…9 (99 digits) is 9 followed by 99 zeros
    expected = Decimal("9" + "0" * 99 + ".1" + "0" * 95 + "7")
    assert str(the_traffic(shelf).total) == str(expected)
    assert the_traffic(shelf, is_prorated=True).by_day == {date(2026, 7, 10): expected}


NUMBERS = [
    ("1", "1"),
    ("1.10", "1.1"),
    ("1e3", "1000"),
    ("1E3", "1000"),
    ("1.5e-3", "0.0015"),
    ("1.0e+2", "100"),
    ("-0", "0"),
    ("-0.0", "0"),
    ("-7.25", "-7.25"),
    ("0e5", "0"),
    ('"12.50"', "12.5"),
    ('"-3"', "-3"),
    ('"007"', "7"),
    ('"1\\u0030"', "10"),
    ("123456789012345678901234567890", "123456789012345678901234567890"),
    ("1e99", "1" + "0" * 99),
]


@pytest.mark.parametrize(("sent", "expected"), NUMBERS)
@pytest.mark.parametrize("metrics", [GB, {}], ids=["typed", "from JSON"])
def test_json_numbers_and_plain_texts_are_numbers(shelf: Shelf, sent: str, expected: str, metrics: dict[str, MetricFacts]) -> None:
    shelf.append([some_traffic("1", sent)], metrics=metrics)

    assert the_traffic(shelf) == Usage(events_count=1, total=Decimal(expected))


NO_NUMBERS = [
    '"1e3"',
    '"+1"',
    '".5"',
    '"5."',
    '" 1"',
    '"1 "',
    '"1\\n"',
    '"1,5"',
    '"٣"',
    '"NaN"',
    '"Infinity"',
    '""',
    '"0x10"',
    '"1_0"',
    "true",
    "1e100",
    '"--1"',
]


@pytest.mark.parametrize("sent", [*NO_NUMBERS, "9" * 101, '"' + "9" * 101 + '"', "1e999", "1e-101"])
@pytest.mark.parametrize("metrics", [GB, {}], ids=["typed", "from JSON"])
def test_everything_else_is_no_number(shelf: Shelf, sent: str, metrics: dict[str, MetricFacts]) -> None:
    shelf.append([some_traffic("1", sent), some_traffic("2", "1")], metrics=metrics)

    assert the_traffic(shelf) == Usage(events_count=1, total=Decimal(1))


MEMBERS = [
    ('"ada"', "ada"),
    ('""', ""),
    ("1", "1"),
    ("1.0", "1.0"),
    ("1e3", "1000"),
    ("-0", "0"),
    ("-0.00", "0.00"),
    ("true", "true"),
    ("false", "false"),
    ('"a\\tb"', "a\tb"),
    ('"line\\nend\\\\"', "line\nend\\"),
    ('"\\u00fc"', "ü"),
    ('"\\ud83c\\udf9f"', "🎟"),
    ('"🎟"', "🎟"),
    ('"\\/"', "/"),
    ("123456789012345678901234567890123456789012345678901234567890.50", "123456789012345678901234567890123456789012345678901234567890.50"),
]


@pytest.mark.parametrize(("sent", "expected"), MEMBERS)
@pytest.mark.parametrize("metrics", [SEATS, {}], ids=["typed", "from JSON"])
def test_members_are_counted_by_their_text(shelf: Shelf, sent: str, expected: str, metrics: dict[str, MetricFacts]) -> None:
    shelf.append([an_event("1", f'{{"user_id": {sent}}}')], metrics=metrics)

    assert shelf.usage().members == (Member(expected, (Toggle(july(10), is_add=True),)),)


@pytest.mark.parametrize("metrics", [SEATS, {}], ids=["typed", "from JSON"])
def test_the_last_of_equal_keys_counts(shelf: Shelf, metrics: dict[str, MetricFacts]) -> None:
    shelf.append(
        [an_event("1", '{"user_id": "ada", "operation_type": "remove", "user_id": "ben", "operation_type": "add"}')], metrics=metrics
    )

    assert [member.name for member in shelf.usage().members] == ["ben"]


@pytest.mark.parametrize("metrics", [SEATS, {}], ids=["typed", "from JSON"])
@pytest.mark.parametrize("sent", ['{"user_id": "a\\u0000da"}', '{"user_id": "ada", "note": "\\u0000"}', '{"user\\u0000_id": "ada"}'])
def test_nul_is_left_out_on_the_way_in(shelf: Shelf, metrics: dict[str, MetricFacts], sent: str) -> None:
    body = f'{{"event": {{"transaction_id": "1", "code": "seats", "external_subscription_id": "sub", "properties": {sent}}}}}'
    event, codes = read_event(single_decoder.decode(body.encode()).event)
    assert event is not None, codes

    shelf.append([event], metrics=metrics, now=july(10))

    assert [member.name for member in shelf.usage().members] == ["ada"]


def test_values_beyond_any_column_hurt_nobody(shelf: Shelf) -> None:
    odd = ["1e131073", "-1e-99999", "1" * 140_000, "1e99999999999999999999", "[" * 900 + "]" * 900]
    shelf.append([an_event(str(place), f'{{"user_id": "ada", "odd": {number}}}') for place, number in enumerate(odd)], metrics={})

    assert shelf.usage(is_prorated=False) == Usage(events_count=5, total=Decimal(1))
    assert shelf.usage(aggregation=SUM, field_name="odd", is_prorated=False).total == 0


CHANGES = {
    "the metric came later": {},
    "it was counted": {"seats": a_metric(COUNT, None)},
    "another property": {"seats": a_metric(UNIQUE, "team")},
    "it was a sum": {"seats": a_metric(SUM, "user_id")},
    "a sum of another property": {"seats": a_metric(SUM, "team")},
    "as it is": SEATS,
}


@pytest.mark.parametrize("earlier", CHANGES.values(), ids=CHANGES)
def test_values_are_found_however_the_metric_was_when_they_came(shelf: Shelf, earlier: dict[str, MetricFacts]) -> None:
    shelf.append(
        [
            an_event("1", '{"user_id": "7", "team": "1", "operation_type": "add"}', at=july(1)),
            an_event("2", '{"user_id": 7, "team": 2, "operation_type": "remove"}', at=july(2)),
            an_event("3", '{"user_id": "8.50", "team": "x", "operation_type": "odd"}', at=july(3)),
        ],
        metrics=earlier,
    )
    shelf.append([a_seat("4", "9", at=july(4)), a_seat("5", "ada", at=july(5))])

    toggles = (Toggle(july(1), is_add=True), Toggle(july(2), is_add=False))
    members = (Member("7", toggles), Member("9", (Toggle(july(4), is_add=True),)), Member("ada", (Toggle(july(5), is_add=True),)))
    assert shelf.usage() == Usage(events_count=4, total=Decimal(2), members=members)
    assert shelf.usage(aggregation=SUM, is_prorated=False) == Usage(events_count=4, total=Decimal("31.50"))
    assert shelf.usage(aggregation=SUM, field_name="team", is_prorated=False) == Usage(events_count=2, total=Decimal(3))
    assert shelf.usage(field_name="team", is_prorated=False) == Usage(events_count=2, total=Decimal(1))


# Many requests at once.


def test_many_requests_are_answered_in_their_order(shelf: Shelf) -> None:
    shelf.append([a_seat(f"{place}", f"user {place}", subscription=f"sub {place % 7}") for place in range(50)])
    other = shelf.request(organization_id=UUID(int=5))
    subscriptions = [f"sub {place % 9}" for place in range(60)]

    requests = [shelf.request(external_subscription_id=name, is_prorated=place % 2 == 0) for place, name in enumerate(subscriptions)]
    answers = shelf.answer([*requests, other])

    assert [answer.total for answer in answers[:9]] == [8, 7, 7, 7, 7, 7, 7, 0, 0]
    assert answers[-1].total == 0
    assert answers == [shelf.answer([request])[0] for request in [*requests, other]]


@pytest.mark.parametrize("many", [1, 40, 400])
def test_the_number_of_statements_does_not_grow_with_the_requests(postgres: Shelf, many: int) -> None:
    postgres.append([a_seat("1", "ada")])
    kinds = [(aggregation, is_prorated) for aggregation in AggregationType for is_prorated in (False, True)]
    requests = [
        postgres.request(external_subscription_id=f"sub {place}", aggregation=aggregation, is_prorated=is_prorated)
        for place in range(many)
        for aggregation, is_prorated in kinds
    ]
    statements: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        statements.append(statement)

    sqlalchemy_event.listen(postgres.engine, "before_cursor_execute", note)
    try:
        postgres.answer(requests)
    finally:
        sqlalchemy_event.remove(postgres.engine, "before_cursor_execute", note)

    # counts, sums, sums by day, members, members with their toggles, largest, latest, weighted, custom; before them, which have states
    assert len(statements) == 10
