"""
The rows of a fee on paper: the fee itself, and below it what it was worked out from.

Days of seats, tiers, packages, percentages and the rate of a pricing unit are read from the derivation that was stored with the fee.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from daycount.invoicing.papers.records import Row
from daycount.invoicing.papers.words import Words
from daycount.invoicing.records import Fee
from daycount.money import round_half_away

_MOST_ROWS = 200
_PLACES = 6
_MINIMUMS = frozenset({"commitment", "true_up"})


class _Pen(NamedTuple):
    """Writes prices in what a fee was priced in: its currency, or its pricing unit."""

    words: Words
    currency: str
    unit: str | None

    def price(self, amount: Decimal) -> str:
        return self.words.price(amount, self.currency) if self.unit is None else f"{self.words.number(amount)}\u00a0{self.unit}"


def rows_of(fee: Fee, words: Words, *, days: str) -> list[Row]:
    """Return the row of a fee and the smaller rows below it. Its days are left out where they are those of its section, `days`."""
    pen = _Pen(words, fee.currency, None if fee.in_units is None else fee.in_units.short_name)
    rate = f"{words.number(fee.taxes_rate)}\u00a0%"
    main = Row(
        name=name_of(fee, words),
        note=_note(fee, words, shown_days=days),
        units=words.number(fee.units),
        unit_price=words.price(fee.precise_unit_amount, fee.currency),
        tax_rate=rate,
        amount=words.cents(fee.amount_cents, fee.currency),
    )
    return [
        main,
        *_seat_rows(fee, words),
        *_day_rows(fee, words),
        *_group_rows(fee, words),
        *_price_rows(fee, pen),
        *_conversion_rows(fee, words),
    ]


def name_of(fee: Fee, words: Words) -> str:
    """Return what a fee is called: its own name, the values of its group and the name of its filter."""
    groups = " • ".join(value for value in fee.grouped_by.values() if value)
    name = fee.derivation.get("paper_name") or fee.item["invoice_display_name"]
    if fee.derivation.get("kind") == "true_up":
        name = f"{name} - {words['true_up']}"
    return " • ".join(part for part in (name, groups, fee.item.get("filter_invoice_display_name")) if part)


def _note(fee: Fee, words: Words, *, shown_days: str) -> str:
    """Return what stands below the name: days that are billed, what a minimum is, and the description of something sold once."""
    period = fee.derivation.get("period", {})
    first, last = period.get("first_day"), period.get("last_day")
    days = "" if first is None else words.days(date.fromisoformat(first), date.fromisoformat(last))
    minimum = ""
    if fee.derivation.get("kind") in _MINIMUMS:
        found = fee.derivation.get("minimum") or fee.derivation.get("share", {})
        cents = found.get("cents", found.get("amount_cents"))
        minimum = "" if cents is None or fee.in_units is not None else f"{words['minimum']}: {words.cents(cents, fee.currency)}"
    about = fee.item.get("description") if fee.fee_type in ("add_on", "credit") else None
    return " · ".join(part for part in (about, "" if days == shown_days else days, minimum) if part)


def _seat_rows(fee: Fee, words: Words) -> list[Row]:
    """Say for each seat on which days it was there."""
    members = fee.derivation.get("quantity", {}).get("members", [])
    full_days = fee.derivation.get("period", {}).get("full_days")
    rows = [
        Row(
            name=f"{member['name']}: {', '.join(_span(span, words) for span in member['spans'])}",
            units=f"{member['days']}/{full_days} {words['days']}",
            is_detail=True,
        )
        for member in members[:_MOST_ROWS]
    ]
    left = len(members) - _MOST_ROWS
    return rows + ([Row(name=f"+ {left} {words['more']}", is_detail=True)] if left > 0 else [])


def _span(span: Sequence[str], words: Words) -> str:
    first, last = (date.fromisoformat(day) for day in span)
    return words.days(first, last)


def _day_rows(fee: Fee, words: Words) -> list[Row]:
    """Say of units that come and go by the day how many were there before, and what each day changed for the days left."""
    quantity = fee.derivation.get("quantity", {})
    period = fee.derivation.get("period", {})
    changes = {date.fromisoformat(day): _decimal(change) for day, change in quantity.get("by_day", {}).items()}
    if not changes:
        return []
    last = date.fromisoformat(period["last_day"])
    carried = _decimal(quantity["carried"])
    rows = [Row(name=words.day(date.fromisoformat(period["first_day"])), units=words.number(carried), is_detail=True)] if carried else []
    for day, change in sorted(changes.items()):
        days = f"{(last - day).days + 1}/{period['full_days']} {words['days']}"
        rows.append(Row(name=f"{words.day(day)}: {days}", units=words.change(change), is_detail=True))
    return rows


def _group_rows(fee: Fee, words: Words) -> list[Row]:
    """Say how many units each value of the presentation keys stands for."""
    return [
        Row(
            name=" • ".join(f"{key}: {value}" for key, value in item.presentation_by.items()),
            units=words.number(item.units),
            is_detail=True,
        )
        for item in fee.breakdowns[:_MOST_ROWS]
    ]


def _conversion_rows(fee: Fee, words: Words) -> list[Row]:
    """Say what one of a pricing unit is worth, and how many of them the fee is."""
    found = fee.in_units
    if found is None:
        return []
    rate = words.price(found.conversion_rate, fee.currency)
    units = f"{words.number(Decimal(found.amount_cents) / 100)}\u00a0{found.short_name}"
    return [Row(name=f"1\u00a0{found.short_name} = {rate}", units=units, is_detail=True)]


def _price_rows(fee: Fee, pen: _Pen) -> list[Row]:
    """Show what each step of a price came to; a standard price has none."""
    price = fee.derivation.get("price", {})
    match price.get("model"):
        case "graduated" | "graduated_percentage" if "tiers" in price:
            return [row for tier in price["tiers"] for row in _tier_rows(tier, pen, is_percentage=price["model"] == "graduated_percentage")]
        case "volume" if "tier" in price:
            return list(_tier_rows(price["tier"], pen, is_percentage=False))
        case "package" if "packages" in price:
            return list(_package_rows(price, pen))
        case "percentage" if "percentage" in price:
            return list(_percentage_rows(price["percentage"], pen))
        case _:
            return []


def _tier_rows(tier: Mapping[str, Any], pen: _Pen, *, is_percentage: bool) -> Iterator[Row]:
    """Write the units of a tier at its rate, and its flat amount where it has one."""
    words, rate, flat = pen.words, _decimal(tier["rate"]), _decimal(tier["flat"])
    edge = f"{words['up_to']} {words.number(_decimal(tier['up_to']))}" if tier["up_to"] is not None else ""
    start = f"{words['above']} {words.number(_decimal(tier['above']))}" if _decimal(tier["above"]) else ""
    name = " ".join(part for part in (words["tier"], start, edge) if part)
    if _decimal(tier["units"]) or not flat:
        yield Row(
            name=name,
            units=words.number(_decimal(tier["units"])),
            unit_price=f"{words.number(rate)}\u00a0%" if is_percentage else pen.price(rate),
            amount=pen.price(_decimal(tier["amount"]) - flat),
            is_detail=True,
        )
    if flat:
        yield Row(name=f"{name}: {words['flat_fee']}", units="1", unit_price=pen.price(flat), amount=pen.price(flat), is_detail=True)


def _package_rows(price: Mapping[str, Any], pen: _Pen) -> Iterator[Row]:
    """Write the units that were free, and the packages that were begun."""
    words = pen.words
    free = min(_decimal(price["free_units"]), _decimal(price["units"]))
    if free:
        yield _free_row(free, pen)
    yield Row(
        name=f"{words['packages_of']} {words.number(_decimal(price['package_size']))}",
        units=words.number(Decimal(price["packages"])),
        unit_price=pen.price(_decimal(price["package_amount"])),
        amount=pen.price(_decimal(price["amount"])),
        is_detail=True,
    )


def _percentage_rows(found: Mapping[str, Any], pen: _Pen) -> Iterator[Row]:
    """Write what was free, the rate on the rest, the fixed amount of each event, and what limits of transactions changed."""
    words = pen.words
    if _decimal(found["free_units"]):
        yield _free_row(_decimal(found["free_units"]), pen)
    yield Row(
        name=words["percentage"],
        units=words.number(_decimal(found["paid_units"])),
        unit_price=f"{words.number(_decimal(found['rate']))}\u00a0%",
        amount=pen.price(_decimal(found["per_unit_total_amount"])),
        is_detail=True,
    )
    if _decimal(found["fixed_fee_total_amount"]):
        yield Row(
            name=words["per_transaction"],
            units=words.number(Decimal(found["paid_events"])),
            unit_price=pen.price(_decimal(found["fixed_fee_unit_amount"])),
            amount=pen.price(_decimal(found["fixed_fee_total_amount"])),
            is_detail=True,
        )
    adjustment = _decimal(found["min_max_adjustment_total_amount"])
    if adjustment:
        yield Row(name=words["limits"], amount=pen.price(adjustment), is_detail=True)


def _free_row(units: Decimal, pen: _Pen) -> Row:
    nothing = pen.price(Decimal(0))
    return Row(name=pen.words["free_units"], units=pen.words.number(units), unit_price=nothing, amount=nothing, is_detail=True)


def _decimal(exact: Any) -> Decimal:
    return round_half_away(Fraction(str(exact)), places=_PLACES)
