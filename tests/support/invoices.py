"""How stories read an invoice: its fees, its periods, and the same invoice without what no two runs share."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

Invoice = Mapping[str, Any]


class Line(NamedTuple):
    """What an invoice covers of one subscription, as an invoice shows it: inclusive ends."""

    reason: str
    base_from: str
    base_to: str
    charges_from: str
    charges_to: str


def line_of(invoice: Invoice) -> Line:
    """Return the only period of an invoice."""
    [period] = invoice["billing_periods"]
    return line(period)


def line(period: Mapping[str, Any]) -> Line:
    """Read one entry of `billing_periods`."""
    return Line(
        period["invoicing_reason"].removeprefix("subscription_"),
        period["subscription_from_datetime"],
        period["subscription_to_datetime"],
        period["charges_from_datetime"],
        period["charges_to_datetime"],
    )


def fees_of(invoice: Invoice, kind: str) -> list[Mapping[str, Any]]:
    """Return the fees of one type: `subscription` or `charge`."""
    return [fee for fee in invoice["fees"] if fee["item"]["type"] == kind]


def base_cents(invoice: Invoice) -> list[int]:
    """Return the amounts of the base fees."""
    return [fee["amount_cents"] for fee in fees_of(invoice, "subscription")]


def charge_cents(invoice: Invoice) -> list[int]:
    """Return the amounts of the charge fees."""
    return [fee["amount_cents"] for fee in fees_of(invoice, "charge")]


def charge_of(invoice: Invoice) -> Mapping[str, Any]:
    """Return the only charge fee."""
    [fee] = fees_of(invoice, "charge")
    return fee


def numbers(invoices: Sequence[Invoice]) -> list[int]:
    """Return the sequential ids."""
    return [invoice["sequential_id"] for invoice in invoices]


def normalised(value: Any) -> Any:
    """Take out what differs from one organization to the next: ids, slugs and the prefix of numbers."""
    if isinstance(value, Mapping):
        kept = {}
        for key, item in value.items():
            if key.startswith("lago_") or key in ("slug", "file_url", "xml_url", "web_url"):
                continue
            kept[key] = item.split("-", 2)[2] if key == "number" else normalised(item)
        return kept
    if isinstance(value, list):
        return [normalised(item) for item in value]
    return value
