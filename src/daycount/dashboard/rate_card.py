"""A charge as a rate card: its prices in a table, and the amount over units as a curve by the engine's own pricing."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from markupsafe import Markup

from daycount import errors
from daycount.dashboard import charts, formats
from daycount.engine.charges import dispatch
from daycount.engine.charges.consumption import Consumption
from daycount.engine.charges.models import ChargeModel
from daycount.money import decimal_text

_STEPS: Final = 40
_CURVED: Final = (ChargeModel.STANDARD, ChargeModel.GRADUATED, ChargeModel.VOLUME, ChargeModel.PACKAGE, ChargeModel.GRADUATED_PERCENTAGE)


class Rates(NamedTuple):
    """A price table: its columns, its rows, and what more there is to say."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]


class Curve(NamedTuple):
    """Amounts over units, drawn and as a table."""

    drawing: Markup
    rows: Sequence[tuple[str, str]]


def rates_of(priced: Mapping[str, Any], currency: str, model: str | None = None) -> Rates:
    """Write the prices of a charge, or of one of its filters (then `model` is the charge's)."""
    properties = priced["properties"]
    match model or priced["charge_model"]:
        case "standard":
            return Rates(("Price a unit",), [(_price(properties.get("amount"), currency),)], _groups(properties))
        case "graduated":
            return _tiers(properties.get("graduated_ranges", []), currency, "per_unit_amount")
        case "graduated_percentage":
            return _tiers(properties.get("graduated_percentage_ranges", []), currency, "rate")
        case "volume":
            return _tiers(properties.get("volume_ranges", []), currency, "per_unit_amount")
        case "package":
            rows = [(formats.units(properties.get("package_size")), _price(properties.get("amount"), currency))]
            return Rates(
                ("Units in a package", "Price a package"), rows, [f"{formats.units(properties.get('free_units') or 0)} units are free."]
            )
        case "percentage":
            rows = [(formats.percent(properties.get("rate")), _price(properties.get("fixed_amount") or "0", currency))]
            return Rates(("Rate", "Fixed amount an event"), rows, _limits(properties, currency))
        case kind:
            return Rates((), [], [f"Priced by the model {formats.words(kind)}."])


def _tiers(ranges: Sequence[Mapping[str, Any]], currency: str, price: str) -> Rates:
    is_rate = price == "rate"
    rows = [
        (
            f"{formats.units(item.get('from_value'))} \u2013 {formats.units(item['to_value'])}"
            if item.get("to_value") is not None
            else f"from {formats.units(item.get('from_value'))}",
            formats.percent(item[price]) if is_rate else _price(item[price], currency),
            _price(item.get("flat_amount") or "0", currency),
        )
        for item in ranges
    ]
    return Rates(("Units", "Rate" if is_rate else "Price a unit", "Flat"), rows, [])


def _limits(properties: Mapping[str, Any], currency: str) -> list[str]:
    said = []
    for name, words in (
        ("free_units_per_events", "{} events are free."),
        ("free_units_per_total_aggregation", "{} units are free."),
    ):
        if properties.get(name):
            said.append(words.format(formats.units(properties[name])))
    for name, words in (
        ("per_transaction_min_amount", "Each event costs at least {}."),
        ("per_transaction_max_amount", "Each event costs at most {}."),
    ):
        if properties.get(name):
            said.append(words.format(_price(properties[name], currency)))
    return said


def _groups(properties: Mapping[str, Any]) -> list[str]:
    keys = properties.get("pricing_group_keys") or []
    return [f"Split by {', '.join(keys)}."] if keys else []


def _price(value: Any, currency: str) -> str:
    return f"{formats.major(value)} {currency}"


def price_units(model: str, properties: Mapping[str, Any], units: Decimal) -> Decimal | None:
    """Return what some units cost by a charge's model, in major units; None where the model needs more than their number."""
    try:
        kind = ChargeModel(model)
    except ValueError:
        return None
    if kind not in _CURVED:
        return None
    kept, codes = dispatch.read_properties(kind, dict(properties))
    if codes:
        return None
    priced = dispatch.price(kind, properties=kept, consumption=Consumption(units=units, full_units=units))
    return Decimal(decimal_text(priced.amount))


def curve_of(priced: Mapping[str, Any], model: str | None = None) -> Curve | None:
    """Draw what units cost, from none to beyond the last tier; None where a model has no such curve."""
    name, properties = model or priced["charge_model"], priced["properties"]
    try:
        return _draw(name, properties)
    except (errors.DaycountError, ArithmeticError, KeyError, TypeError, ValueError):
        return None


def _draw(model: str, properties: Mapping[str, Any]) -> Curve | None:
    widest = _reach(properties)
    places = sorted({widest * step / _STEPS for step in range(_STEPS + 1)})
    points = []
    for place in places:
        amount = price_units(model, properties, Decimal(place))
        if amount is None:
            return None
        points.append(charts.Point(Decimal(place), amount))
    drawing = charts.curve(points, title="What units cost", description="The amount over the number of units.")
    sample = [Decimal(0), Decimal(1), Decimal(10), Decimal(100), Decimal(1000), Decimal(10_000)]
    rows = [(formats.units(units), formats.major(price_units(model, properties, units))) for units in sample]
    return Curve(drawing, rows)


def _reach(properties: Mapping[str, Any]) -> Decimal:
    """Return how many units to draw: half as many again as the last tier begins with."""
    ends = [
        Decimal(str(item["to_value"]))
        for name in ("graduated_ranges", "graduated_percentage_ranges", "volume_ranges")
        for item in properties.get(name) or []
        if item.get("to_value") is not None
    ]
    if ends:
        return (max(ends) * 3 / 2).to_integral_value()
    if properties.get("package_size"):
        return Decimal(str(properties["package_size"])) * 4 + Decimal(str(properties.get("free_units") or 0))
    return Decimal(100)
