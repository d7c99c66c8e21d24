"""
Tiers: the ranges that graduated, graduated percentage and volume prices are written in.

A tier holds the units above the upper bound of the one before it up to its own: with 0 to 100 and 101 to 500, the half unit
of 100.5 lies in the second. That 101 and 100 both may open the second is notation only.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from daycount.engine.charges.properties import Properties, Read, read_bound, read_decimal, stored_bound
from daycount.money import exact_sum


class Tier(NamedTuple):
    """
    Units above `floor` up to `ceiling` (None: without end).

    `rate` is what one unit costs (major units, or percent), `flat` what entering the tier costs; `shown` are the bounds as they
    were given.
    """

    floor: Decimal
    ceiling: Decimal | None
    rate: Decimal
    flat: Decimal
    shown: tuple[Any, Any]

    def units_inside(self, units: Decimal) -> Decimal:
        """Return how many of so many units lie in this tier."""
        top = units if self.ceiling is None else min(units, self.ceiling)
        return max(exact_sum((top, self.floor.copy_negate())), Decimal(0))


def tiers_of(ranges: Sequence[Mapping[str, Any]], *, rate: str) -> list[Tier]:
    """Turn stored ranges into tiers; `rate` names the property that holds the price of a unit."""
    tiers = []
    floor = Decimal(0)
    for item in ranges:
        ceiling = None if item["to_value"] is None else Decimal(str(item["to_value"]))
        shown = (item["from_value"], item["to_value"])
        tiers.append(Tier(floor, ceiling, Decimal(str(item[rate])), Decimal(str(item["flat_amount"])), shown))
        floor = floor if ceiling is None else ceiling
    return tiers


def reached(tiers: Sequence[Tier], units: Decimal) -> list[Tier]:
    """Return the tiers that so many units reach: the first always, another when there are more units than its floor."""
    return [tier for place, tier in enumerate(tiers) if place == 0 or units > tier.floor]


def read_ranges(properties: Properties, *, name: str, rate: str, rate_code: str) -> Read:
    """
    Read the ranges of a tiered model: `{name: [{from_value, to_value, <rate>, flat_amount}]}`.

    The first opens at 0 or 1, each next one at the upper bound before it or one more; all but the last end above their
    beginning, the last is open. Codes: missing_<name>, invalid_<name>, invalid_amount, and `rate_code`.
    Source: Lago API, charge properties; adjacent bounds are accepted for volume too, a gap is not.
    """
    default = {"from_value": 0, "to_value": None, rate: "0", "flat_amount": "0"}
    if not properties:
        return {name: [default]}, []
    given = properties.get(name)
    if not isinstance(given, list) or not given:
        return {name: [default]}, [f"missing_{name}"]
    kept, codes = [], []
    end: Decimal | None = None
    for place, item in enumerate(given):
        fields = item if isinstance(item, Mapping) else {}
        price, flat = read_decimal(fields.get(rate)), read_decimal(fields.get("flat_amount"))
        codes += [code for code, value in ((rate_code, price), ("invalid_amount", flat)) if value is None]
        low, high = read_bound(fields.get("from_value")), read_bound(fields.get("to_value"))
        if not _fits(fields, low, high, end=end, is_first=place == 0, is_last=place == len(given) - 1):
            codes.append(f"invalid_{name}")
        kept.append(
            {
                "from_value": None if low is None else stored_bound(low),
                "to_value": None if high is None else stored_bound(high),
                rate: price,
                "flat_amount": flat,
            }
        )
        end = high
    return {name: kept}, codes


def _fits(
    fields: Mapping[str, Any], low: Decimal | None, high: Decimal | None, *, end: Decimal | None, is_first: bool, is_last: bool
) -> bool:
    """Tell whether a range joins the one before it, which ends at `end`, and ends itself as it must."""
    if low is None or (not is_first and end is None):
        return False
    joins = low in (0, 1) if is_first else end is not None and low in (end, end + 1)
    ends = fields.get("to_value") is None if is_last else high is not None and high > low
    return joins and ends
