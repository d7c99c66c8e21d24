"""Drawings and tables beside the sentences of an explanation: who was there when, and what each tier took."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple

from markupsafe import Markup

from daycount.dashboard import charts, formats

_TITLES: Final = {
    "share": "Share of the period",
    "minimum": "Minimum of the charge",
    "commitment": "Minimum commitment",
    "fixed_charge": "Fixed charge",
    "event": "The event",
    "events": "Events that were counted",
    "bucket": "Which of them belong to this line",
    "quantity": "Units",
    "price": "Price",
    "rounding": "The one rounding",
    "coupons": "Coupons",
    "taxes": "Taxes",
    "fees": "Sum of the lines",
    "progressive_billing": "Billed before",
    "credit_notes": "Credit notes",
    "prepaid_credits": "Prepaid credits",
}
_MOST_ROWS: Final = 60


class Drawing(NamedTuple):
    """A drawing, what it shows in words, and the table that says the same."""

    heading: str
    drawing: Markup
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str | None = None


def step_title(step: str) -> str:
    """Return what a step is called."""
    return _TITLES.get(step, formats.sentence(step))


def drawings_of(step: Mapping[str, Any]) -> list[Drawing]:
    """Return what can be drawn of a step's stored figures."""
    figures = step["figures"]
    found: list[Drawing] = []
    quantity, price = figures.get("quantity"), figures.get("price")
    if step["step"] == "quantity" and quantity and quantity.get("members"):
        found.append(_seats(quantity))
    if step["step"] == "price" and price and price.get("tiers"):
        found.append(_tiers(price))
    return found


def _seats(quantity: Mapping[str, Any]) -> Drawing:
    members = quantity["members"]
    days = [date.fromisoformat(day) for member in members for span in member["spans"] for day in span]
    first, last = min(days), max(days)
    length = (last - first).days + 1
    shown = [
        charts.Row(
            member["name"],
            [
                charts.Span(
                    Fraction((date.fromisoformat(start) - first).days, length),
                    Fraction((date.fromisoformat(end) - first).days + 1, length),
                    "",
                    f"{member['name']}: {_range(start, end)}",
                )
                for start, end in member["spans"]
            ],
            formats.plural(member["days"], "day"),
        )
        for member in members[:_MOST_ROWS]
    ]
    heading = f"{formats.plural(len(members), 'seat')}, {formats.plural(quantity['total_days'], 'day')} in all"
    drawing = charts.strips(
        shown,
        [charts.Mark(Fraction(0), formats.day(first), ""), charts.Mark(Fraction(1), formats.day(last), "")],
        title=heading,
        description="One line a seat, filled on the days on which it was active.",
    )
    rows = [(member["name"], ", ".join(_range(*span) for span in member["spans"]), str(member["days"])) for member in members]
    hidden = len(members) - _MOST_ROWS
    return Drawing(heading, drawing, ("Seat", "Active", "Days"), rows, f"{hidden} more are in the table." if hidden > 0 else None)


def _tiers(price: Mapping[str, Any]) -> Drawing:
    tiers = price["tiers"]
    most = max((Decimal(tier["amount"]) for tier in tiers), default=Decimal(0)) or Decimal(1)
    shown = [
        charts.Row(
            _bounds(tier),
            [
                charts.Span(
                    Fraction(0),
                    max(Fraction(Decimal(tier["amount"])) / Fraction(most), Fraction(0)),
                    "strong" if tier is tiers[-1] else "",
                    f"{formats.units(tier['units'])} units",
                )
            ],
            formats.major(tier["amount"]),
        )
        for tier in tiers
    ]
    heading = f"{formats.plural(len(tiers), 'tier')}, {formats.major(price['amount'])} together"
    drawing = charts.strips(shown, [], title=heading, description="One line a tier, as long as what the tier comes to.")
    rows = [
        (
            _bounds(tier),
            formats.units(tier["units"]),
            formats.units(tier["rate"]),
            formats.units(tier["flat"]),
            formats.major(tier["amount"]),
        )
        for tier in tiers
    ]
    return Drawing(heading, drawing, ("Tier", "Units", "Price a unit", "Flat", "Amount"), rows)


def _bounds(tier: Mapping[str, Any]) -> str:
    above = formats.units(tier["above"])
    return f"above {above}" if tier["up_to"] is None else f"{above} \u2013 {formats.units(tier['up_to'])}"


def _range(first: str, last: str) -> str:
    return formats.day(first) if first == last else f"{formats.day(first)} \u2013 {formats.day(last)}"
