"""
Pricing units: prices in credits or tokens instead of money, turned into the currency of the plan at a charge's rate.

A unit always has two decimals. An amount is rounded to them first, and what is rounded is converted, so that a customer
who is told a number of credits can work the money out from it.
"""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple
from uuid import UUID

from msgspec import Struct

from daycount.money import Currency, decimal_text, exact_text, precise_cents, round_half_away, to_cents

UNIT_PLACES: Final = 2
SUBUNITS: Final = 100
_LIKE_MONEY: Final = Currency(code="", exponent=UNIT_PLACES)
_AVERAGE_PLACES: Final = 15


class PricingUnit(Struct, frozen=True, kw_only=True):
    """The unit that a charge is priced in, and what one of it costs in major units of the plan's currency."""

    id: UUID
    code: str
    short_name: str
    conversion_rate: Decimal


class UnitAmounts(Struct, frozen=True, kw_only=True):
    """What a fee comes to in its pricing unit: hundredths, the same before rounding, and the price of one thing in whole units."""

    pricing_unit_id: UUID
    code: str
    short_name: str
    conversion_rate: Decimal
    amount_cents: int
    precise_amount_cents: Decimal
    unit_amount_cents: int
    precise_unit_amount: Decimal


class Worth(NamedTuple):
    """An amount in major units of money, exact; where it was priced in a unit also what it is there, and how it was converted."""

    amount: Fraction
    unit_amount: Fraction
    in_units: UnitAmounts | None
    steps: Mapping[str, Any]


def subunits_of(unit: PricingUnit | None, *, currency: Currency) -> int:
    """Return how many of the smallest part make one of what a charge is priced in."""
    return currency.subunits if unit is None else SUBUNITS


def to_money(amount: Fraction, *, unit_amount: Fraction, unit: PricingUnit | None) -> Worth:
    """
    Turn an exact amount in a pricing unit into money; without a unit it is money already.

    12.345 credits at 0.37 are 12.35 credits and 4.5695. The price of one thing is cut to hundredths of a unit before it is
    converted. Source: Lago docs, pricing units.
    """
    if unit is None:
        return Worth(amount, unit_amount, None, {})
    cents = to_cents(amount, currency=_LIKE_MONEY)
    unit_cents = int(unit_amount * SUBUNITS)
    rate = Fraction(unit.conversion_rate)
    money = Fraction(cents, SUBUNITS) * rate
    in_units = UnitAmounts(
        pricing_unit_id=unit.id,
        code=unit.code,
        short_name=unit.short_name,
        conversion_rate=unit.conversion_rate,
        amount_cents=cents,
        precise_amount_cents=precise_cents(amount, currency=_LIKE_MONEY),
        unit_amount_cents=unit_cents,
        precise_unit_amount=round_half_away(unit_amount, places=_AVERAGE_PLACES),
    )
    conversion = {
        "unit": unit.short_name,
        "exact": exact_text(amount),
        "rounded": decimal_text(Fraction(cents, SUBUNITS)),
        "rate": decimal_text(unit.conversion_rate),
        "amount": exact_text(money),
    }
    return Worth(money, Fraction(unit_cents, SUBUNITS) * rate, in_units, {"conversion": conversion})
