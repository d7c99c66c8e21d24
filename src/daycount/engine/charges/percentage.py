"""
Percentage pricing: a rate on the sum of what events carry, and a fixed amount for each event.

A free allowance covers the first events, or the first units, or whichever ends first. With a least or a most for each
transaction every event is priced by itself.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from daycount.engine.charges.consumption import Consumption, Price, per_unit
from daycount.engine.charges.properties import Properties, Read, decimal_of, read_decimal, read_whole
from daycount.money import decimal_text, exact_sum, exact_text

_DECIMALS = {
    "fixed_amount": "invalid_fixed_amount",
    "free_units_per_total_aggregation": "invalid_free_units_per_total_aggregation",
    "per_transaction_min_amount": "invalid_amount",
    "per_transaction_max_amount": "invalid_amount",
}


def read_properties(properties: Properties) -> Read:
    """
    Keep the rate, the fixed amount, the free allowances and the limits of a transaction, and tell what is wrong with them.

    All but `rate` may be null or absent. Source: Lago docs, charges/percentage.
    """
    if not properties:
        return {"rate": "0"}, []
    kept: dict[str, object] = {"rate": read_decimal(properties.get("rate"))}
    codes = ["invalid_rate"] if kept["rate"] is None else []
    for name, code in _DECIMALS.items():
        if name in properties:
            kept[name] = read_decimal(properties[name])
            if kept[name] is None and properties[name] is not None:
                codes.append(code)
    events = properties.get("free_units_per_events")
    if "free_units_per_events" in properties:
        kept["free_units_per_events"] = read_whole(events, least=1)
    if events is not None and kept["free_units_per_events"] is None:
        codes.append("invalid_free_units_per_events")
    least, most = kept.get("per_transaction_min_amount"), kept.get("per_transaction_max_amount")
    if least is not None and most is not None and Decimal(str(most)) < Decimal(str(least)):
        codes.append("per_transaction_max_lower_than_per_transaction_min")
    return ({"rate": "0"}, codes) if codes else (kept, [])


def is_limited(properties: Properties) -> bool:
    """Tell whether every transaction has a least or a most of its own."""
    return properties.get("per_transaction_min_amount") is not None or properties.get("per_transaction_max_amount") is not None


def looks_at_events(properties: Properties) -> bool:
    """Tell whether the price depends on what single events carry, and not on their sum and number alone."""
    has_free = properties.get("free_units_per_events") is not None or properties.get("free_units_per_total_aggregation") is not None
    return has_free or is_limited(properties)


class _Free(NamedTuple):
    """What is free: so many units and so many events, wholly."""

    units: Decimal
    events: int


def price(consumption: Consumption, *, properties: Properties) -> Price:
    """
    Take `rate` percent of the units beyond the free ones, and the fixed amount of each event that is not free.

    An event is free when the running total, itself included, is below the free units, or when it is among the free events.
    1.9 % and 0.40 on events of 500, 450 and 300: 23.75 + 1.20 = 24.95; with 600 units free 650 x 1.9 % + 2 x 0.40 = 13.15.
    Source: Lago docs, charges/percentage; with both allowances whichever is used up first, for every metric. Where already the
    first event uses up the free units, the number of free events alone says which are spared the fixed amount.
    """
    if is_limited(properties):
        return _price_each(consumption, properties=properties)
    rate, fixed = decimal_of(properties, "rate"), decimal_of(properties, "fixed_amount")
    free = _free(consumption, properties=properties)
    paid_events = max(consumption.events_count - free.events, 0) if consumption.units else 0
    by_rate = Fraction(_beyond(consumption.units, free.units)) * Fraction(rate) / 100
    amount = by_rate + paid_events * Fraction(fixed)
    return _answer(consumption, properties, free=free, paid_events=paid_events, amount=amount, events=None)


def _free(consumption: Consumption, *, properties: Properties) -> _Free:
    most_events: int | None = properties.get("free_units_per_events")
    most_units: str | None = properties.get("free_units_per_total_aggregation")
    if most_events is None and most_units is None:
        return _Free(Decimal(0), 0)
    within = consumption.values[:most_events]
    if most_units is None:
        return _Free(exact_sum(within), most_events or 0)
    limit = Decimal(most_units)
    covered = _count_below(within, limit)
    if most_events is None:
        return _Free(min(limit, consumption.units), covered)
    return _Free(min(exact_sum(within), limit), covered or most_events)


def _count_below(values: Sequence[Decimal], limit: Decimal) -> int:
    """Count the events up to which, themselves included, less than `limit` was consumed."""
    total, count = Decimal(0), 0
    for value in values:
        total = exact_sum((total, value))
        count += total < limit
    return count


def _beyond(units: Decimal, free: Decimal) -> Decimal:
    return max(exact_sum((units, free.copy_negate())), Decimal(0))


def _price_each(consumption: Consumption, *, properties: Properties) -> Price:
    """
    Price every event by itself, between the least and the most of a transaction.

    Free units are used up event by event; the one that uses them up is priced on what is left of it, and then free events
    do not count. 1.9 % + 0.40 between 2 and 8 on 40, 450, 760: 1.16 becomes 2, 8.95 and 14.84 become 8 each; 18.
    """
    rate, fixed = Fraction(decimal_of(properties, "rate")), Fraction(decimal_of(properties, "fixed_amount"))
    most_events = properties.get("free_units_per_events")
    most_units = properties.get("free_units_per_total_aggregation")
    left = Decimal(0) if most_units is None else Decimal(str(most_units))
    free_units, free_events = Decimal(0), 0
    priced: list[tuple[Decimal, Fraction, Fraction]] = []
    for place, value in enumerate(consumption.values):
        used = Decimal(0)
        if most_units is not None:
            used = min(value, left)
        elif most_events is not None and place < most_events:
            used = value
        is_free = value < left if most_units is not None else most_events is not None and place < most_events
        left = max(exact_sum((left, used.copy_negate())), Decimal(0))
        free_units = exact_sum((free_units, used))
        if is_free:
            free_events += 1
            continue
        rest = exact_sum((value, used.copy_negate()))
        alone = Fraction(rest) * rate / 100 + fixed
        priced.append((rest, alone, _within_limits(alone, properties)))
    amount = sum((billed for _, _, billed in priced), Fraction(0))
    return _answer(consumption, properties, free=_Free(free_units, free_events), paid_events=len(priced), amount=amount, events=priced)


def _within_limits(amount: Fraction, properties: Properties) -> Fraction:
    least, most = properties.get("per_transaction_min_amount"), properties.get("per_transaction_max_amount")
    if most is not None:
        amount = min(amount, Fraction(Decimal(str(most))))
    return amount if least is None else max(amount, Fraction(Decimal(str(least))))


def _answer(
    consumption: Consumption,
    properties: Properties,
    *,
    free: _Free,
    paid_events: int,
    amount: Fraction,
    events: Sequence[tuple[Decimal, Fraction, Fraction]] | None,
) -> Price:
    rate, fixed = decimal_of(properties, "rate"), decimal_of(properties, "fixed_amount")
    free_units = min(free.units, consumption.units)
    paid_units = _beyond(consumption.units, free_units)
    by_rate = Fraction(paid_units) * Fraction(rate) / 100
    by_events = paid_events * Fraction(fixed)
    details = {
        "units": decimal_text(consumption.units),
        "free_units": decimal_text(free_units),
        "free_events": free.events,
        "paid_units": decimal_text(paid_units),
        "rate": decimal_text(rate),
        "per_unit_total_amount": decimal_text(by_rate),
        "paid_events": paid_events,
        "fixed_fee_unit_amount": decimal_text(fixed),
        "fixed_fee_total_amount": decimal_text(by_events),
        "min_max_adjustment_total_amount": decimal_text(amount - by_rate - by_events),
    }
    steps: dict[str, object] = {"percentage": details}
    if events is not None:
        steps["transactions"] = [
            {"units": decimal_text(units), "amount": exact_text(alone), "billed": exact_text(billed)}
            for units, alone, billed in events[:_MOST_SHOWN]
        ]
        steps["limits"] = [properties.get("per_transaction_min_amount"), properties.get("per_transaction_max_amount")]
    return Price(amount=amount, unit_amount=per_unit(amount, consumption.full_units), amount_details=details, steps=steps)


_MOST_SHOWN = 100
"""Transactions whose own price the derivation keeps; a million of them would be no explanation."""
