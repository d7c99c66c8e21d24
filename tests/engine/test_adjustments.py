"""Adjusted fees: other units, another price or another name than was computed."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from daycount.engine.adjustments import Adjustment, Pricing, adjust
from daycount.engine.calendar import DayRange, Window
from daycount.engine.charges.models import ChargeModel
from daycount.engine.fees import FeeDraft
from daycount.engine.metrics import Bucket
from daycount.engine.pricing_units import PricingUnit
from daycount.money import CURRENCIES
from daycount.periods import Period

D = Decimal
USD, JPY = CURRENCIES["USD"], CURRENCIES["JPY"]
TIERS = [
    {"from_value": 0, "to_value": 5, "per_unit_amount": "10", "flat_amount": "1"},
    {"from_value": 6, "to_value": None, "per_unit_amount": "5", "flat_amount": "0"},
]


def a_draft(**fields: Any) -> FeeDraft:
    july = Window(
        period=Period(start=datetime(2026, 7, 1, tzinfo=UTC), end=datetime(2026, 8, 1, tzinfo=UTC)),
        days=DayRange(first=date(2026, 7, 1), last=date(2026, 7, 31)),
        full_days=31,
        is_cut=False,
    )
    blank = FeeDraft(
        fee_type="charge",
        subscription_id=UUID(int=1),
        charge_id=UUID(int=2),
        bucket=Bucket(None, ()),
        group_keys=(),
        units=D(7),
        total_aggregated_units=D(7),
        events_count=7,
        amount_cents=7000,
        precise_amount_cents=D(7000),
        precise_unit_amount=D(10),
        amount_details={},
        window=july,
        derivation={"period": {"from": "2026-07-01", "to": "2026-08-01"}},
    )
    return structs.replace(blank, **fields)


def pricing(model: ChargeModel, **fields: Any) -> Pricing:
    given: dict[str, Any] = {"properties": {"amount": "10"}, "is_prorated": False} | fields
    return Pricing(charge_model=model, **given)


def wanted(units: Any = None, price: Any = None, name: str | None = None) -> Adjustment:
    return Adjustment(units=None if units is None else D(units), unit_amount=None if price is None else D(price), invoice_display_name=name)


@pytest.mark.parametrize(
    ("adjustment", "priced", "cents", "precise"),
    [
        # 3 x 4.995 = 14.985, half away from zero
        (wanted("3", "4.995"), pricing(ChargeModel.STANDARD), 1499, D("1498.5")),
        (wanted("12"), pricing(ChargeModel.STANDARD), 12000, D(12000)),
        # 1 flat, 5 x 10, 3 x 5 = 66
        (wanted("8"), pricing(ChargeModel.GRADUATED, properties={"graduated_ranges": TIERS}), 6600, D(6600)),
        # prorated, but what is set by hand is not: 2.5 x 10
        (wanted("2.5"), pricing(ChargeModel.STANDARD, is_prorated=True), 2500, D(2500)),
        # a base fee that came to 70.00, half of it
        (wanted("0.5"), None, 3500, D(3500)),
        (wanted("2", "10.005"), None, 2001, D(2001)),
        (wanted("0"), pricing(ChargeModel.STANDARD), 0, D(0)),
    ],
)
def test_units_and_prices_are_set_by_hand(adjustment: Adjustment, priced: Pricing | None, cents: int, precise: D) -> None:
    fee = adjust(a_draft(), adjustment, pricing=priced, currency=USD)

    assert (fee.units, fee.total_aggregated_units, fee.amount_cents, fee.precise_amount_cents) == (
        adjustment.units,
        adjustment.units,
        cents,
        precise,
    )
    assert (fee.events_count, fee.is_adjusted, fee.is_empty) == (7, True, False)
    assert fee.derivation["adjustment"]["computed_cents"] == 7000


def test_a_name_alone_leaves_the_amount() -> None:
    before = a_draft()

    fee = adjust(before, wanted(name="Seats of July"), pricing=pricing(ChargeModel.PERCENTAGE), currency=USD)

    assert (fee.invoice_display_name, fee.amount_cents, fee.units, fee.derivation) == ("Seats of July", 7000, D(7), before.derivation)


def test_a_price_in_units_of_ones_own_is_turned_into_money() -> None:
    unit = PricingUnit(id=UUID(int=3), code="credits", short_name="CR", conversion_rate=D("0.37"))

    fee = adjust(a_draft(), wanted("2"), pricing=pricing(ChargeModel.STANDARD, unit=unit), currency=USD)

    # 20 credits at 0.37
    assert fee.amount_cents == 740
    assert fee.in_units is not None
    assert fee.in_units.amount_cents == 2000


def test_a_currency_without_decimals_is_rounded_to_whole_units() -> None:
    assert adjust(a_draft(), wanted("3", "33.5"), pricing=None, currency=JPY).amount_cents == 101


def test_some_prices_do_not_follow_from_units_alone() -> None:
    refused = [
        pricing(ChargeModel.PERCENTAGE),
        pricing(ChargeModel.DYNAMIC),
        pricing(ChargeModel.CUSTOM),
        pricing(ChargeModel.GRADUATED, is_prorated=True),
    ]

    assert [item.takes_units for item in refused] == [False] * 4
    assert pricing(ChargeModel.GRADUATED).takes_units
    assert pricing(ChargeModel.STANDARD, is_prorated=True).takes_units


@given(st.decimals(0, 10**6, places=5), st.decimals(0, 10**6, places=5))
def test_units_times_price_is_rounded_once(units: D, price: D) -> None:
    fee = adjust(a_draft(), wanted(units, price), pricing=None, currency=USD)

    assert abs(fee.amount_cents - units * price * 100) <= D("0.5")
