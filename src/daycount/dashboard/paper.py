"""An invoice as it stands on paper: its lines grouped by subscription, and the way from their sum to the total."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from daycount.dashboard import formats


class Line(NamedTuple):
    """One line: what it is for, the period, units at a price, the amount; `parts` are the tiers it is made of."""

    fee_id: str | None
    name: str
    about: str
    first: Any
    last: Any
    units: Any
    unit_amount: Any
    amount_cents: int
    is_zero: bool


class Group(NamedTuple):
    """The lines of one subscription, or those without one."""

    title: str
    first: Any
    last: Any
    lines: Sequence[Line]
    total_cents: int


class Sum(NamedTuple):
    """A step on the way to the total."""

    label: str
    amount_cents: int
    is_total: bool = False


class Paper(NamedTuple):
    """What the paper shows."""

    groups: Sequence[Group]
    sums: Sequence[Sum]


def paper_of(invoice: Mapping[str, Any]) -> Paper:
    """Lay an invoice of the API out."""
    names = {item["lago_id"]: item["name"] or item["plan_code"] for item in invoice.get("subscriptions", [])}
    plans = {fee["lago_subscription_id"]: fee["item"]["name"] for fee in invoice["fees"] if fee["item"]["type"] == "subscription"}
    named = {item["lago_id"] for item in invoice.get("subscriptions", []) if item["name"]}
    names |= {key: name for key, name in plans.items() if key not in named}
    periods = {item["lago_subscription_id"]: item for item in invoice.get("billing_periods", [])}
    by_subscription: dict[str | None, list[Mapping[str, Any]]] = {}
    for fee in invoice["fees"]:
        by_subscription.setdefault(fee["lago_subscription_id"], []).append(fee)
    groups = [
        Group(
            title=names.get(subscription_id or "", "One-off"),
            first=periods.get(subscription_id or "", {}).get("subscription_from_datetime"),
            last=periods.get(subscription_id or "", {}).get("subscription_to_datetime"),
            lines=[_line(fee) for fee in fees],
            total_cents=sum(fee["amount_cents"] for fee in fees),
        )
        for subscription_id, fees in by_subscription.items()
    ]
    return Paper(groups, _sums(invoice))


def _line(fee: Mapping[str, Any]) -> Line:
    item = fee["item"]
    about = [" or ".join(values) for values in (item["filters"] or {}).values()]
    about.extend(f"{key} {value}" for key, value in (item["grouped_by"] or {}).items() if value is not None)
    name = item["invoice_display_name"] or item["name"]
    if item["type"] == name == "credit":
        name = "Prepaid credits"
    if fee.get("lago_true_up_parent_fee_id"):
        name = f"{name}, up to the minimum"
    return Line(
        fee_id=fee["lago_id"],
        name=name,
        about=item["filter_invoice_display_name"] or ", ".join(about),
        first=fee.get("from_date"),
        last=fee.get("to_date"),
        units=fee["units"],
        unit_amount=fee["precise_unit_amount"],
        amount_cents=fee["amount_cents"],
        is_zero=not fee["amount_cents"],
    )


def _sums(invoice: Mapping[str, Any]) -> list[Sum]:
    found: list[Sum] = []
    if invoice["progressive_billing_credit_amount_cents"] or invoice["coupons_amount_cents"]:
        found.append(Sum("Sum of the lines", invoice["fees_amount_cents"]))
    if invoice["progressive_billing_credit_amount_cents"]:
        found.append(Sum("Billed before", -invoice["progressive_billing_credit_amount_cents"]))
    if invoice["coupons_amount_cents"]:
        found.append(Sum("Coupons", -invoice["coupons_amount_cents"]))
    if found or invoice["taxes_amount_cents"]:
        found.append(Sum("Net", invoice["sub_total_excluding_taxes_amount_cents"]))
    found.extend(Sum(f"{tax['tax_name']} {formats.percent(tax['tax_rate'])}", tax["amount_cents"]) for tax in invoice["applied_taxes"])
    if invoice["credit_notes_amount_cents"]:
        found.append(Sum("Credit notes", -invoice["credit_notes_amount_cents"]))
    if invoice["prepaid_credit_amount_cents"]:
        found.append(Sum("Prepaid credits", -invoice["prepaid_credit_amount_cents"]))
    found.append(Sum("Total", invoice["total_amount_cents"], is_total=True))
    return found
