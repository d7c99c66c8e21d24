"""
Graduated pricing: every tier prices only the units that fall inside it.

The first tier's flat amount is due even without any units, that of a later one as soon as it is entered.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from daycount.engine.charges.consumption import Consumption, Price, per_unit
from daycount.engine.charges.properties import Properties, Read
from daycount.engine.charges.tiers import Tier, reached, read_ranges, tiers_of
from daycount.money import as_fraction, decimal_text, exact_sum, exact_text, product


def read_properties(properties: Properties) -> Read:
    """Keep `graduated_ranges` and tell what is wrong with them; see `tiers.read_ranges`. Source: Lago docs, charges/graduated."""
    return read_ranges(properties, name="graduated_ranges", rate="per_unit_amount", rate_code="invalid_amount")


def price(consumption: Consumption, *, properties: Properties) -> Price:
    """
    Split the units over the tiers and price each part.

    With 0-100 at 0.30 plus 7 and 101-500 at 0.20 plus 4, 250 units are 37 + 34 = 71.00, no units 7.00.
    Source: Lago docs, charges/graduated.
    """
    tiers = tiers_of(properties["graduated_ranges"], rate="per_unit_amount")
    parts = [_part(tier, consumption.units) for tier in reached(tiers, consumption.units)]
    amount = sum((part for part, _, _ in parts), Fraction(0))
    return Price(
        amount=amount,
        unit_amount=per_unit(amount, consumption.full_units),
        amount_details={"graduated_ranges": [details for _, details, _ in parts]},
        steps={"tiers": [step for _, _, step in parts]},
    )


def _part(tier: Tier, units: Decimal) -> tuple[Fraction, dict[str, Any], dict[str, Any]]:
    """Price the part of the units in one tier: the amount, its details and its step."""
    inside = tier.units_inside(units)
    by_units = product(inside, tier.rate)
    amount = by_units + as_fraction(tier.flat) if tier.flat else by_units
    details = {
        "from_value": tier.shown[0],
        "to_value": tier.shown[1],
        "flat_unit_amount": decimal_text(tier.flat),
        "per_unit_amount": decimal_text(tier.rate if inside else 0),
        "units": decimal_text(inside),
        "per_unit_total_amount": decimal_text(by_units),
        "total_with_flat_amount": decimal_text(amount),
    }
    return amount, details, step_of(tier, units=decimal_text(inside), amount=amount)


def step_of(tier: Tier, *, units: str, amount: Fraction) -> dict[str, Any]:
    """Write what a tier came to."""
    return {
        "above": decimal_text(tier.floor),
        "up_to": None if tier.ceiling is None else decimal_text(tier.ceiling),
        "units": units,
        "rate": decimal_text(tier.rate),
        "flat": decimal_text(tier.flat),
        "amount": exact_text(amount),
    }


def price_prorated(consumption: Consumption, *, properties: Properties) -> Price:
    """
    Price units that come and go, each for the share of the period it was there, in the tier it stood in.

    Every change is worth what the cost of all units becomes more (or less) by it, times its share; units that go free the
    top tier first. Flat amounts are due in full for each tier that the highest number of units reached.
    8 units for the whole period, 4 of them gone for its second half, with 0-5 at 12 plus 10 and 6-15 at 9 plus 20:
    87 - (87 - 48) / 2 + 30 = 97.50. Source: Lago docs, prorated graduated charges; the formula is ours, exact at tier limits.
    """
    tiers = tiers_of(properties["graduated_ranges"], rate="per_unit_amount")
    earned = {tier: [Fraction(0), Fraction(0)] for tier in tiers}
    level = highest = Decimal(0)
    for change in consumption.changes:
        after = exact_sum((level, change.units))
        for tier in tiers:
            moved = Fraction(tier.units_inside(after)) - Fraction(tier.units_inside(level))
            earned[tier][0] += moved * change.share
            earned[tier][1] += moved * change.share * Fraction(tier.rate)
        level = after
        highest = max(highest, level)
    by_units = max(sum((amount for _, amount in earned.values()), Fraction(0)), Fraction(0))
    entered = reached(tiers, highest)
    amount = by_units + sum((Fraction(tier.flat) for tier in entered), Fraction(0))
    steps = [step_of(tier, units=exact_text(earned[tier][0]), amount=earned[tier][1] + Fraction(tier.flat)) for tier in entered]
    return Price(
        amount=amount,
        unit_amount=per_unit(amount, consumption.full_units),
        amount_details={},
        steps={"tiers": steps, "highest": decimal_text(highest), "changes": _changes(consumption.changes)},
    )


def _changes(changes: Sequence[Any]) -> list[dict[str, str]]:
    return [{"units": decimal_text(change.units), "share": exact_text(change.share)} for change in changes]
