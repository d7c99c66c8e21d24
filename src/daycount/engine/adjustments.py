"""
Adjusted fees: a fee of a draft with other units, another price or another name than was computed.

    units alone              priced by the charge's own model; a base fee or a commitment times what it came to
    units and a unit price   units × price
    a name alone             the amount stays
"""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from msgspec import Struct, structs

from daycount.engine.charges.consumption import Consumption
from daycount.engine.charges.dispatch import price
from daycount.engine.charges.models import ChargeModel
from daycount.engine.fees import FeeDraft, shown_rounding
from daycount.engine.pricing_units import PricingUnit, UnitAmounts, to_money
from daycount.money import Currency, decimal_text, exact_text, precise_cents, round_half_away, to_cents

_UNIT_PLACES = 15
_BY_EVENTS = frozenset({ChargeModel.PERCENTAGE, ChargeModel.DYNAMIC, ChargeModel.CUSTOM})
"""Models whose price is not told by units alone."""


class Adjustment(Struct, frozen=True, kw_only=True):
    """What somebody wants of a fee; `unit_amount` is in major units. Without units the amount stays as it was computed."""

    units: Decimal | None
    unit_amount: Decimal | None
    invoice_display_name: str | None


class Pricing(Struct, frozen=True, kw_only=True):
    """What units of a charge or a fixed charge are priced by."""

    charge_model: ChargeModel
    properties: Mapping[str, Any]
    is_prorated: bool
    unit: PricingUnit | None = None

    @property
    def takes_units(self) -> bool:
        """Tell whether units alone make a price. Source: Lago docs, draft invoices; not percentages, nor graduated prices by days."""
        return self.charge_model not in _BY_EVENTS and not (self.is_prorated and self.charge_model is ChargeModel.GRADUATED)


class Priced(NamedTuple):
    """What units come to: amounts in major units, what it is in a pricing unit, and how it came about."""

    unit_amount: Fraction
    amount: Fraction
    in_units: UnitAmounts | None
    details: Mapping[str, Any]
    steps: Mapping[str, Any]


def price_units(pricing: Pricing, units: Decimal, *, events_count: int) -> Priced:
    """Price units by a charge's own model: 5 at 2.00 each are 10.00."""
    consumption = Consumption(units=units, full_units=units, events_count=events_count)
    priced = price(pricing.charge_model, properties=pricing.properties, consumption=consumption)
    worth = to_money(priced.amount, unit_amount=priced.unit_amount, unit=pricing.unit)
    shown = {"model": pricing.charge_model, "units": decimal_text(units), "amount": exact_text(priced.amount)}
    steps = {"price": {**shown, **priced.steps}, **worth.steps}
    return Priced(worth.unit_amount, worth.amount, worth.in_units, priced.amount_details, steps)


def adjust(draft: FeeDraft, adjustment: Adjustment, *, pricing: Pricing | None, currency: Currency) -> FeeDraft:
    """
    Return a fee as it was adjusted; `pricing` is None for base fees and commitments.

    10 seats of a graduated price instead of 7 cost what 10 do; 3 × 4.995 are 14.985, hence 14.99.
    """
    named = structs.replace(draft, invoice_display_name=adjustment.invoice_display_name, is_adjusted=True)
    if adjustment.units is None:
        return named
    units = adjustment.units
    steps: Mapping[str, Any] = {}
    details: Mapping[str, Any] = {}
    in_units = None
    if adjustment.unit_amount is not None:
        unit_amount = Fraction(adjustment.unit_amount)
        amount = unit_amount * Fraction(units)
    elif pricing is None:
        unit_amount = Fraction(draft.amount_cents, currency.subunits)
        amount = unit_amount * Fraction(units)
    else:
        unit_amount, amount, in_units, details, steps = price_units(pricing, units, events_count=draft.events_count)
    cents = to_cents(amount, currency=currency)
    derivation = {
        "kind": "adjusted",
        "period": draft.derivation["period"],
        "adjustment": {
            "units": decimal_text(units),
            "unit_amount": None if adjustment.unit_amount is None else decimal_text(adjustment.unit_amount),
            "computed_units": decimal_text(draft.units),
            "computed_cents": draft.amount_cents,
        },
        **steps,
        "rounding": shown_rounding(amount, cents=cents, currency=currency),
    }
    return structs.replace(
        named,
        units=units,
        total_aggregated_units=units,
        amount_cents=cents,
        precise_amount_cents=precise_cents(amount, currency=currency),
        precise_unit_amount=round_half_away(unit_amount, places=_UNIT_PLACES),
        amount_details=details,
        in_units=in_units,
        breakdowns=(),
        derivation=derivation,
    )
