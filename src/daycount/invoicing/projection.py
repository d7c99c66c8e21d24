"""
Projections: what a running period comes to if usage goes on as it did.

Pure arithmetic on fees of the running period. The share of the period that has passed counts local days, today included.
Recurring quantities are there until they are taken away, so they stay as they are.
"""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple

from daycount.engine.calendar import DayRange
from daycount.engine.charges.consumption import Consumption
from daycount.engine.charges.dispatch import price
from daycount.engine.charges.models import ChargeModel
from daycount.engine.fees import FeeDraft
from daycount.engine.pricing_units import SUBUNITS, PricingUnit, to_money
from daycount.money import Currency, round_half_away, to_cents
from daycount.periods import days_between

UNIT_PLACES: Final = 2
"""Decimals of projected units."""
_PRICED_ANEW: Final = frozenset({ChargeModel.STANDARD, ChargeModel.VOLUME, ChargeModel.GRADUATED, ChargeModel.PACKAGE})


class Projection(NamedTuple):
    """What a fee is going to be: units, minor units of currency, and hundredths of the pricing unit, if there is one."""

    units: Decimal
    amount_cents: int
    unit_cents: int


def passed_share(days: DayRange, *, today: date) -> Fraction:
    """Return the share of a period's local days that has passed, today included: the 9th of 30 days is 3/10."""
    whole = days_between(days.first, last=days.last)
    return Fraction(min(max(days_between(days.first, last=today), 0), whole), whole) if whole > 0 else Fraction(0)


def project_units(units: Decimal, *, share: Fraction, is_recurring: bool) -> Decimal:
    """Return what units are going to be at the end of the period; nothing where nothing of it has passed."""
    if is_recurring:
        return units
    return round_half_away(Fraction(units) / share, places=UNIT_PLACES) if share else Decimal(0)


def project_fee(
    fee: FeeDraft,
    *,
    model: ChargeModel,
    properties: dict[str, Any],
    share: Fraction,
    is_recurring: bool,
    currency: Currency,
    unit: PricingUnit | None = None,
) -> Projection:
    """
    Project a charge fee.

    1350 calls at 0.02 by the 9th of 30 days are 4500 calls and 90.00. Models that look at single events are projected by their
    amount, the others are priced anew. Source: Lago docs, projected usage.
    """
    units = project_units(fee.units, share=share, is_recurring=is_recurring)
    if is_recurring:
        return Projection(units, fee.amount_cents, 0 if fee.in_units is None else fee.in_units.amount_cents)
    if not share:
        return Projection(units, 0, 0)
    if model in _PRICED_ANEW and units >= 0:
        consumption = Consumption(units=units, full_units=units, events_count=fee.events_count)
        exact = price(model, properties=properties, consumption=consumption).amount
    elif fee.in_units is not None:
        exact = Fraction(fee.in_units.precise_amount_cents) / SUBUNITS / share
    else:
        exact = Fraction(fee.precise_amount_cents) / currency.subunits / share
    worth = to_money(exact, unit_amount=Fraction(0), unit=unit)
    return Projection(units, to_cents(worth.amount, currency=currency), 0 if worth.in_units is None else worth.in_units.amount_cents)
