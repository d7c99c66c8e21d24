"""The charges of a plan as people fill them in: rows of fields, turned into what the API takes, and back."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from daycount import errors
from daycount.dashboard.money_input import read_cents, write_cents

TIERS: Final = 5
MODELS: Final = (
    ("standard", "Standard: a price a unit"),
    ("graduated", "Graduated: each tier prices its own units"),
    ("volume", "Volume: the total chooses the tier for all units"),
    ("package", "Package: a price for so many units"),
    ("percentage", "Percentage of an amount"),
)
_RANGES: Final = {"graduated": "graduated_ranges", "volume": "volume_ranges"}
_KEPT: Final = ("invoiceable", "regroup_paid_fees", "accepts_target_wallet")

Row = Mapping[str, str]


def has_content(row: Row) -> bool:
    """Tell whether somebody chose a metric in a row and did not take the charge out."""
    return bool(row.get("metric")) and "remove" not in row


def properties_of(row: Row) -> dict[str, Any]:
    """
    Read the prices of a row by its model; what is missing is left to the API to refuse.

    Models that have no fields of their own come as JSON. Raises Invalid (properties) where it is none.
    """
    match row.get("model"):
        case _ if "json" in row:
            return _read_json(row["json"])
        case "graduated" | "volume" as model:
            return {_RANGES[model]: _ranges(row)}
        case "package":
            return {
                "amount": row.get("package_amount") or None,
                "package_size": _number(row.get("package_size")),
                "free_units": _number(row.get("free_units")) or 0,
            }
        case "percentage":
            return {"rate": row.get("rate") or None, "fixed_amount": row.get("fixed_amount") or "0"}
        case _:
            return {"amount": row.get("amount") or None}


def _read_json(text: str) -> dict[str, Any]:
    try:
        properties = json.loads(text or "{}", parse_float=str)
    except (ValueError, RecursionError) as error:
        raise errors.Invalid({"properties": ["invalid_json"]}) from error
    if not isinstance(properties, dict):
        raise errors.Invalid({"properties": ["invalid_json"]})
    return properties


def _ranges(row: Row) -> list[dict[str, Any]]:
    """Read tiers: each begins where the one before ends, and the last is open."""
    ranges: list[dict[str, Any]] = []
    start: Any = 0
    for number in range(1, TIERS + 1):
        price, end = row.get(f"price_{number}", ""), row.get(f"up_to_{number}", "")
        if not price and not end:
            continue
        up_to = _number(end) if end else None
        ranges.append(
            {"from_value": start, "to_value": up_to, "per_unit_amount": price or "0", "flat_amount": row.get(f"flat_{number}") or "0"}
        )
        start = up_to
    return ranges


def _number(text: str | None) -> Any:
    """Read a whole number; anything else is handed on for the API to refuse."""
    try:
        return int(text or "")
    except ValueError:
        return text or None


def to_input(row: Row, known: Mapping[str, Any] | None, *, currency: str) -> dict[str, Any]:
    """Turn a row into a charge for the API; of a known charge everything the form does not show is kept."""
    properties = properties_of(row)
    charge: dict[str, Any] = {
        "billable_metric_id": row["metric"],
        "charge_model": row.get("model") or "standard",
        "invoice_display_name": row.get("display_name") or None,
        "prorated": "prorated" in row,
        "pay_in_advance": "pay_in_advance" in row,
        "min_amount_cents": read_cents(row["min_amount"], currency, field="min_amount_cents") if row.get("min_amount") else 0,
        "properties": properties,
    }
    if known is None:
        return charge
    for name in ("pricing_group_keys", "presentation_group_keys"):
        if name in known["properties"]:
            properties[name] = known["properties"][name]
    kept = {name: known[name] for name in _KEPT if name in known}
    filters = [
        {"invoice_display_name": item["invoice_display_name"], "properties": item["properties"], "values": item["values"]}
        for item in known["filters"]
    ]
    is_same_model = known["charge_model"] == charge["charge_model"]
    taxes = {"tax_codes": [tax["code"] for tax in known["taxes"]]}
    return {"id": known["lago_id"], "code": known["code"], **kept, **taxes, **charge, "filters": filters if is_same_model else []}


def to_row(charge: Mapping[str, Any], *, currency: str) -> dict[str, str]:
    """Turn a charge of the API into a row of the form."""
    row: dict[str, Any] = {
        "id": charge["lago_id"],
        "metric": charge["lago_billable_metric_id"],
        "model": charge["charge_model"],
        "display_name": charge["invoice_display_name"] or "",
        "min_amount": write_cents(charge["min_amount_cents"], currency) if charge["min_amount_cents"] else "",
    }
    row |= {name: "1" for name in ("prorated", "pay_in_advance") if charge[name]}
    return {name: str(value) for name, value in row.items()} | to_price_fields(charge["charge_model"], charge["properties"])


def to_price_fields(model: str, properties: Mapping[str, Any]) -> dict[str, str]:
    """Turn the prices of a model into fields of the form; those of a model without fields into JSON."""
    row: dict[str, Any] = {}
    match model:
        case "graduated" | "volume":
            row |= _tier_fields(properties[_RANGES[model]])
        case "package":
            row |= {
                "package_amount": properties["amount"],
                "package_size": properties["package_size"],
                "free_units": properties.get("free_units") or 0,
            }
        case "percentage":
            row |= {"rate": properties["rate"], "fixed_amount": properties.get("fixed_amount") or ""}
        case "standard":
            row["amount"] = properties.get("amount") or ""
        case _:
            row["json"] = msgspec.json.format(msgspec.json.encode(properties), indent=2).decode()
    return {name: str(value) for name, value in row.items()}


def _tier_fields(ranges: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for number, tier in enumerate(ranges[:TIERS], start=1):
        fields[f"up_to_{number}"] = "" if tier["to_value"] is None else tier["to_value"]
        fields[f"price_{number}"] = tier["per_unit_amount"]
        fields[f"flat_{number}"] = tier["flat_amount"]
    return fields


def is_editable(charge: Mapping[str, Any]) -> bool:
    """Tell whether the form can show a charge whole; others are kept as they are."""
    return has_fields(charge["charge_model"], charge["properties"])


def has_fields(model: str, properties: Mapping[str, Any]) -> bool:
    """Tell whether fields can show all prices of a model: those of some models, and of many tiers, come as JSON instead."""
    return model in dict(MODELS) and len(properties.get(_RANGES.get(model, ""), [])) <= TIERS


def sample_units(row: Row) -> Decimal:
    """Return the units that a sample invoice is made for."""
    try:
        units = Decimal(row.get("sample") or "10")
    except InvalidOperation:
        return Decimal(10)
    return units if units.is_finite() and 0 <= units <= Decimal(10) ** 12 else Decimal(10)
