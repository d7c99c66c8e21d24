"""Spending minimums: how days are counted, and what is made up."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from daycount.engine.calendar import DayRange, Window
from daycount.engine.fees import FeeDraft
from daycount.engine.metrics import Bucket
from daycount.engine.minimums import minimum_days, true_up_fee
from daycount.money import CURRENCIES
from daycount.periods import period_between

UTC, NEW_YORK = ZoneInfo("UTC"), ZoneInfo("America/New_York")
ID = UUID(int=1)


def a_window(start: str, end: str, *, is_cut: bool = False, full_days: int = 31) -> Window:
    first, last = date.fromisoformat(start[:10]), date.fromisoformat(end[:10])
    period = period_between(datetime.fromisoformat(start), end=datetime.fromisoformat(end))
    return Window(period=period, days=DayRange(first, last), full_days=full_days, is_cut=is_cut)


MARCH = a_window("2025-03-01T00:00:00+00:00", "2025-04-01T00:00:00+00:00")
PART = a_window("2025-03-12T15:20:00+00:00", "2025-04-01T00:00:00+00:00")


@pytest.mark.parametrize(
    ("window", "zone", "is_upgraded", "days"),
    [
        (MARCH, UTC, False, 31),
        (PART, UTC, False, 20),  # 19 days and 8:40 hours
        (a_window("2025-03-12T15:20:00+00:00", "2025-03-20T09:00:00+00:00", is_cut=True), UTC, False, 8),  # 7.74
        (a_window("2025-03-12T00:00:00+00:00", "2025-03-20T00:00:00+00:00", is_cut=True), UTC, False, 9),  # the 20th begins
        (a_window("2025-03-01T00:00:00+00:00", "2025-03-11T14:30:00+00:00", is_cut=True), UTC, True, 10),
        (a_window("2025-03-01T09:00:00+00:00", "2025-03-01T14:30:00+00:00", is_cut=True), UTC, True, 0),
        # From midnight in Tokyo to midnight in New York: 31.5 days of a month of 31.
        (a_window("2025-03-01T00:00:00+09:00", "2025-04-01T00:00:00-04:00"), NEW_YORK, False, 31),
        # Clocks go forward on 9 March: 743 hours, and still 31 days on the wall.
        (a_window("2025-03-01T00:00:00-05:00", "2025-04-01T00:00:00-04:00"), NEW_YORK, False, 31),
    ],
)
def test_days_of_a_minimum_are_time_on_the_wall_rounded_up(window: Window, zone: ZoneInfo, is_upgraded: bool, days: int) -> None:
    assert minimum_days(window, zone=zone, is_upgraded=is_upgraded) == days


def a_fee(cents: int, filter_id: UUID | None = None) -> FeeDraft:
    return FeeDraft(
        fee_type="charge",
        subscription_id=ID,
        charge_id=ID,
        bucket=Bucket(filter_id, ()),
        group_keys=(),
        units=Decimal(3),
        total_aggregated_units=Decimal(3),
        events_count=3,
        amount_cents=cents,
        precise_amount_cents=Decimal(cents),
        precise_unit_amount=Decimal(1),
        amount_details={"a": "b"},
        window=MARCH,
        derivation={},
    )


def missing(fees: list[FeeDraft], minimum: int, window: Window = MARCH) -> FeeDraft | None:
    return true_up_fee(fees, minimum_cents=minimum, window=window, zone=UTC, is_upgraded=False, currency=CURRENCIES["USD"])


def test_e16_a_partial_period_has_a_part_of_the_minimum() -> None:
    found = missing([a_fee(1400)], 5000, PART)

    assert found is not None
    # 5 000 × 20/31 = 3 225.806…, less 1 400 = 1 825.806…
    assert (found.amount_cents, found.precise_amount_cents) == (1826, Decimal("1825.806451612903226"))
    assert (found.units, found.events_count, found.is_true_up) == (Decimal(1), 0, True)
    assert (found.precise_unit_amount, found.amount_details) == (Decimal("18.26"), {})


def test_e17_nothing_is_made_up_where_the_minimum_is_reached() -> None:
    assert missing([a_fee(5200)], 5000) is None
    assert missing([a_fee(5000)], 5000) is None


def test_e18_all_buckets_count_and_the_default_one_is_lifted() -> None:
    found = missing([a_fee(900, ID), a_fee(700, UUID(int=2)), a_fee(0)], 3000)

    assert found is not None
    assert (found.amount_cents, found.bucket) == (1400, Bucket(None, ()))


def test_less_than_half_a_cent_is_not_made_up() -> None:
    assert missing([a_fee(3225)], 5000, a_window("2025-03-12T00:00:00+00:00", "2025-04-01T00:00:00+00:00", full_days=31)) is not None
    assert missing([a_fee(3226)], 5000, PART) is None
