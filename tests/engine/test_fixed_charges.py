"""Units of fixed charges over time, and what they cost: tables worked by hand, and laws."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daycount.engine.calendar import DayRange, Window
from daycount.engine.charges.models import ChargeModel
from daycount.engine.commitment import commitment_fee, prorated_commitment
from daycount.engine.fixed_charges import (
    Billed,
    FixedTerms,
    UnitEvent,
    change_fee,
    fixed_charge_fee,
    paid_share,
    stretches,
    units_before,
    units_in_advance,
    units_in_arrears,
)
from daycount.money import CURRENCIES
from daycount.periods import Period

UTC_ZONE = ZoneInfo("UTC")
USD = CURRENCIES["USD"]
NOBODY = UUID(int=0)


def at(day: int, hour: int = 0, month: int = 6) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


JUNE = Window(
    period=Period(start=at(1), end=at(1, month=7)),
    days=DayRange(first=date(2026, 6, 1), last=date(2026, 6, 30)),
    full_days=30,
    is_cut=False,
)


def units(*changes: tuple[int, datetime]) -> list[UnitEvent]:
    return [UnitEvent(Decimal(number), instant) for number, instant in changes]


def terms(model: ChargeModel = ChargeModel.STANDARD, *, is_prorated: bool = False, **properties: Any) -> FixedTerms:
    return FixedTerms(
        fixed_charge_id=NOBODY,
        subscription_id=NOBODY,
        charge_model=model,
        properties=properties or {"amount": "5"},
        is_prorated=is_prorated,
        shown={},
    )


GRADUATED: dict[str, Any] = {
    "graduated_ranges": [
        {"from_value": 0, "to_value": 10, "per_unit_amount": "5", "flat_amount": "3"},
        {"from_value": 11, "to_value": None, "per_unit_amount": "4", "flat_amount": "7"},
    ]
}


def test_a_later_word_overrules_what_was_planned() -> None:
    # 16 were planned for July 1; on June 12 it became 12 from then on, also in July.
    events = units((10, at(1)), (16, at(1, month=7)), (12, at(12)))

    assert units_before(events, end=at(1, month=7)) == 12
    assert units_before(events, end=at(1, month=8)) == 12
    assert units_before(events, end=at(12)) == 10
    assert units_before(events, end=at(1)) is None


def test_of_several_changes_in_a_day_the_last_counts_for_the_whole_of_it() -> None:
    found = stretches(units((10, at(1)), (4, at(11, 8)), (16, at(11, 20))), window=JUNE, zone=UTC_ZONE)

    assert [(one.first.day, one.last.day, int(one.units)) for one in found] == [(1, 10, 10), (11, 30, 16)]


def test_days_are_those_of_the_zone() -> None:
    # 03:00Z on the 11th is still the 10th in New York.
    found = stretches(units((10, at(1)), (16, at(11, 3))), window=JUNE, zone=ZoneInfo("America/New_York"))

    assert [(one.first.day, one.days) for one in found] == [(1, 9), (10, 21)]


def billed(number: str, full: str) -> Billed:
    return Billed(Decimal(number), Decimal(full), {})


@pytest.mark.parametrize(
    ("priced", "quantity", "cents"),
    [
        (terms(), billed("16", "16"), 8000),
        (terms(is_prorated=True), billed("14", "16"), 7000),
        (terms(ChargeModel.GRADUATED, **GRADUATED), billed("12", "12"), 6800),  # 50 + 3 + 8 + 7
        (terms(ChargeModel.GRADUATED, is_prorated=True, **GRADUATED), billed("6", "12"), 3900),  # half of 58, and 3 + 7
        (terms(ChargeModel.GRADUATED, **GRADUATED), billed("0", "0"), 300),  # the first flat amount
    ],
)
def test_a_period_costs_its_units_by_the_model(priced: FixedTerms, quantity: Billed, cents: int) -> None:
    assert fixed_charge_fee(priced, billed=quantity, window=JUNE, zone=UTC_ZONE, currency=USD).amount_cents == cents


@pytest.mark.parametrize(
    ("priced", "paid", "wanted", "cents", "shown"),
    [
        (terms(), 10, 16, 3000, 6),
        (terms(is_prorated=True), 10, 16, 2000, 6),  # 6 x 20/30
        (terms(), 10, 8, 0, 0),
        (terms(ChargeModel.GRADUATED, **GRADUATED), 8, 12, 2500, 4),  # 68 - 43, not a new start at the first tier
        (terms(ChargeModel.GRADUATED, **GRADUATED), 0, 2, 1300, 2),
    ],
)
def test_more_units_cost_what_they_add(priced: FixedTerms, paid: int, wanted: int, cents: int, shown: int) -> None:
    fee = change_fee(priced, paid=Decimal(paid), units=Decimal(wanted), window=JUNE, today=date(2026, 6, 11), zone=UTC_ZONE, currency=USD)

    assert (fee.amount_cents, fee.units) == (cents, Decimal(shown))


def test_what_an_older_plan_was_paid_is_deducted_and_never_more() -> None:
    # 50.00 for June is 33.33... for the 20 days from June 11 on.
    share = paid_share(amount_cents=5000, first_day=date(2026, 6, 1), last_day=date(2026, 6, 30), from_day=date(2026, 6, 11))
    whole = units_in_advance(Decimal(10), window=JUNE, first_day=date(2026, 6, 11), is_prorated=True)
    dear = fixed_charge_fee(
        terms(is_prorated=True, amount="8"), billed=whole, window=JUNE, zone=UTC_ZONE, currency=USD, deduction=share / 100
    )
    cheap = fixed_charge_fee(
        terms(is_prorated=True, amount="1"), billed=whole, window=JUNE, zone=UTC_ZONE, currency=USD, deduction=share / 100
    )

    assert share == Fraction(10000, 3)
    assert (dear.amount_cents, cheap.amount_cents) == (2000, 0)  # 53.33 - 33.33; nothing is given back
    assert paid_share(amount_cents=5000, first_day=date(2026, 5, 1), last_day=date(2026, 5, 31), from_day=date(2026, 6, 1)) == 0


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 29 * 24)), max_size=6))
def test_stretches_cover_every_day_once(changes: list[tuple[int, int]]) -> None:
    events = units((7, at(1)), *((number, at(1) + timedelta(hours=hours)) for number, hours in changes))
    found = stretches(events, window=JUNE, zone=UTC_ZONE)

    assert sum(one.days for one in found) == 30
    assert all(one.days > 0 for one in found)
    quantity = units_in_arrears(events, window=JUNE, zone=UTC_ZONE, is_prorated=True)
    assert quantity is not None
    assert min(one.units for one in found) - 1 < quantity.units < max(one.units for one in found) + 1
    assert quantity.full_units == found[-1].units == units_before(events, end=at(1, month=7))


@pytest.mark.parametrize(
    ("first", "full_days", "amount", "cents"),
    # E20: 20 of 31 days of 500.00 are 322.58; a whole period is whole
    [(12, 31, 50000, 32258), (1, 31, 50000, 50000)],
)
def test_a_commitment_is_due_by_days(first: int, full_days: int, amount: int, cents: int) -> None:
    window = Window(
        period=Period(start=at(first, month=3), end=at(1, month=4)),
        days=DayRange(first=date(2026, 3, first), last=date(2026, 3, 31)),
        full_days=full_days,
        is_cut=False,
    )

    assert prorated_commitment(amount_cents=amount, window=window) == cents
    fee = commitment_fee(subscription_id=NOBODY, amount_cents=amount, spent_cents=20000, window=window, zone="UTC", currency=USD)
    assert fee is not None
    assert fee.amount_cents == cents - 20000
    assert commitment_fee(subscription_id=NOBODY, amount_cents=amount, spent_cents=cents, window=window, zone="UTC", currency=USD) is None
