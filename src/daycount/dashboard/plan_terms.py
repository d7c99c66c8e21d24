"""What a plan says beside its prices, as people fill it in: minimum commitment, usage thresholds, metadata."""

from collections.abc import Mapping
from typing import Any, Final

from daycount.dashboard.http import Fields
from daycount.dashboard.money_input import read_cents, write_cents

_MOST_ROWS: Final = 60


def to_input(form: Fields, plan: Mapping[str, Any] | None, *, currency: str) -> dict[str, Any]:
    """Turn the fields into what the API takes; a form without them changes nothing. Raises Invalid for amounts that are none."""
    if not form.has("has_terms"):
        return {}
    read: dict[str, Any] = {}
    if form.one("commitment"):
        cents = read_cents(form.one("commitment"), currency, field="commitment")
        read["minimum_commitment"] = {"amount_cents": cents, "invoice_display_name": form.one("commitment_name") or None}
    elif plan is not None and "minimum_commitment" in plan:
        read["minimum_commitment"] = {}
    read["usage_thresholds"] = [
        {
            "amount_cents": read_cents(row["amount"], currency, field="usage_thresholds"),
            "threshold_display_name": row.get("name") or None,
            "recurring": "recurring" in row,
        }
        for row in form.groups("threshold")
        if row.get("amount")
    ]
    read["metadata"] = read_pairs(form) or None
    return read


def to_fields(form: Fields, plan: Mapping[str, Any] | None, *, currency: str) -> dict[str, Any]:
    """Turn what a plan has, or what was sent, into fields, with one empty row more of each kind."""
    if form.has("has_terms"):
        return {
            "commitment": form.one("commitment"),
            "commitment_name": form.one("commitment_name"),
            "thresholds": [*form.groups("threshold"), {}][:_MOST_ROWS],
            "pairs": [*form.groups("pair"), {}][:_MOST_ROWS],
        }
    known = plan or {}
    commitment = known.get("minimum_commitment")
    thresholds = [
        {"amount": write_cents(item["amount_cents"], currency), "name": item["threshold_display_name"] or ""}
        | ({"recurring": "1"} if item["recurring"] else {})
        for item in known.get("usage_thresholds", [])
    ]
    return {
        "commitment": write_cents(commitment["amount_cents"], currency) if commitment else "",
        "commitment_name": (commitment["invoice_display_name"] or "") if commitment else "",
        "thresholds": [*thresholds, {}],
        "pairs": [*to_pairs(known.get("metadata")), {}],
    }


def read_pairs(form: Fields) -> dict[str, str]:
    """Read metadata from rows of keys and values; a row without a key is left out."""
    return {row["key"]: row.get("value", "") for row in form.groups("pair") if row.get("key")}


def to_pairs(metadata: Mapping[str, str | None] | None) -> list[dict[str, str]]:
    """Turn metadata into rows."""
    return [{"key": key, "value": value or ""} for key, value in (metadata or {}).items()]
