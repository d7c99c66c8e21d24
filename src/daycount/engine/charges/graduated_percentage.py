"""Graduated percentage pricing: every tier takes a percentage of the units inside it, and a flat amount when it is entered."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from daycount.engine.charges.consumption import Consumption, Price, per_unit
from daycount.engine.charges.graduated import step_of
from daycount.engine.charges.properties import Properties, Read
from daycount.engine.charges.tiers import Tier, reached, read_ranges, tiers_of
from daycount.money import decimal_text


def read_properties(properties: Properties) -> Read:
    """Keep `graduated_percentage_ranges` and tell what is wrong; see `tiers.read_ranges`. Source: Lago docs, charges."""
    return read_ranges(properties, name="graduated_percentage_ranges", rate="rate", rate_code="invalid_rate")


def price(consumption: Consumption, *, properties: Properties) -> Price:
    """
    Split the units over the tiers and take each tier's percentage of its part.

    With 0-1000 at 2.5 % plus 3 and 1001- at 1.25 % plus 8, 1600 are 28 + 15.50 = 43.50, also when the second tier is written
    as beginning at 1000. Source: Lago docs, charges/graduated-percentage; exact units with adjacent bounds are our fix.
    """
    tiers = tiers_of(properties["graduated_percentage_ranges"], rate="rate")
    parts = [_part(tier, consumption.units) for tier in reached(tiers, consumption.units)]
    amount = sum((part for part, _, _ in parts), Fraction(0))
    return Price(
        amount=amount,
        unit_amount=per_unit(amount, consumption.full_units),
        amount_details={"graduated_percentage_ranges": [details for _, details, _ in parts]},
        steps={"tiers": [step for _, _, step in parts]},
    )


def _part(tier: Tier, units: Decimal) -> tuple[Fraction, dict[str, Any], dict[str, Any]]:
    inside = tier.units_inside(units)
    by_units = Fraction(inside) * Fraction(tier.rate) / 100
    amount = by_units + Fraction(tier.flat)
    details = {
        "from_value": tier.shown[0],
        "to_value": tier.shown[1],
        "flat_unit_amount": decimal_text(tier.flat),
        "rate": decimal_text(tier.rate),
        "units": decimal_text(inside),
        "per_unit_total_amount": decimal_text(by_units),
        "total_with_flat_amount": decimal_text(amount),
    }
    return amount, details, step_of(tier, units=decimal_text(inside), amount=amount)
