"""Volume pricing: one tier, chosen by the number of all units, prices them all."""

from daycount.engine.charges.consumption import Consumption, Price, per_unit
from daycount.engine.charges.properties import Properties, Read
from daycount.engine.charges.tiers import read_ranges, tiers_of
from daycount.money import as_fraction, decimal_text, exact_text, product


def read_properties(properties: Properties) -> Read:
    """Keep `volume_ranges` and tell what is wrong with them; see `tiers.read_ranges`. Source: Lago docs, charges/volume."""
    return read_ranges(properties, name="volume_ranges", rate="per_unit_amount", rate_code="invalid_amount")


def price(consumption: Consumption, *, properties: Properties) -> Price:
    """
    Price all units at the rate of the tier that holds them, plus its flat amount; without units that of the first tier.

    A prorated charge chooses the tier by its full units and prices the prorated ones; the flat amount is due in full.
    13 units of which 9.5 are billed, with 0-10 at 8 plus 3 and 11- at 6 plus 5: 9.5 x 6 + 5 = 62.
    Source: Lago docs, charges/volume.
    """
    tiers = tiers_of(properties["volume_ranges"], rate="per_unit_amount")
    tier = next(tier for tier in tiers if tier.ceiling is None or consumption.full_units <= tier.ceiling)
    by_units = product(consumption.units, tier.rate)
    amount = by_units + as_fraction(tier.flat) if tier.flat else by_units
    return Price(
        amount=amount,
        unit_amount=per_unit(amount, consumption.full_units),
        amount_details={
            "flat_unit_amount": decimal_text(tier.flat),
            "per_unit_amount": decimal_text(per_unit(by_units, consumption.full_units)),
            "per_unit_total_amount": decimal_text(by_units),
        },
        steps={
            "tier": {
                "above": decimal_text(tier.floor),
                "up_to": None if tier.ceiling is None else decimal_text(tier.ceiling),
                "units": decimal_text(consumption.units),
                "full_units": decimal_text(consumption.full_units),
                "rate": decimal_text(tier.rate),
                "flat": decimal_text(tier.flat),
                "amount": exact_text(amount),
            }
        },
    )
