"""How objects of the API become rows of lists; the same row wherever an object is listed."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from daycount.dashboard import formats
from daycount.dashboard.http import path_to
from daycount.dashboard.listing import Cell, Column
from daycount.dashboard.store import Standing

Thing = Mapping[str, Any]

INVOICE_COLUMNS: Final = (
    Column("Number", "name"),
    Column("Customer", is_extra=True),
    Column("Status", "status"),
    Column("Issued", "day", is_extra=True),
    Column("Due", "day", is_extra=True),
    Column("Total", "money"),
    Column("To pay", "money", is_extra=True),
)
SUBSCRIPTION_COLUMNS: Final = (
    Column("Subscription"),
    Column("Customer", is_extra=True),
    Column("Plan"),
    Column("Status", "status"),
    Column("Base fee", "money", is_extra=True),
    Column("Started", "date", is_extra=True),
    Column("Current period ends", "date", is_extra=True),
)
CUSTOMER_COLUMNS: Final = (
    Column("Customer"),
    Column("Plans", "chips"),
    Column("Due", "money"),
    Column("Overdue", "money", is_extra=True),
    Column("Wallets", "money", is_extra=True),
    Column("E-mail", is_extra=True),
    Column("Since", "date", is_extra=True),
)
PAYMENT_COLUMNS: Final = (
    Column("Paid", "date"),
    Column("Invoice", "name"),
    Column("Customer", is_extra=True),
    Column("Status", "status"),
    Column("Reference", is_extra=True),
    Column("Amount", "money"),
)
CREDIT_NOTE_COLUMNS: Final = (
    Column("Number", "name"),
    Column("Invoice", "name", is_extra=True),
    Column("Customer", is_extra=True),
    Column("Credit", "status"),
    Column("Refund", "status", is_extra=True),
    Column("Reason", is_extra=True),
    Column("Issued", "day", is_extra=True),
    Column("Total", "money"),
    Column("Left", "money", is_extra=True),
)
WALLET_COLUMNS: Final = (
    Column("Wallet"),
    Column("Customer", is_extra=True),
    Column("Status", "status"),
    Column("Balance", "money"),
    Column("Credits", "number", is_extra=True),
    Column("After usage of now", "money", is_extra=True),
    Column("Expires", "date", is_extra=True),
)
APPLIED_COUPON_COLUMNS: Final = (
    Column("Coupon"),
    Column("Worth"),
    Column("Status", "status"),
    Column("Left", "money", is_extra=True),
    Column("Since", "date", is_extra=True),
)
EVENT_COLUMNS: Final = (
    Column("Time", "moment"),
    Column("Code", "code"),
    Column("Subscription", is_extra=True),
    Column("Counts", "status"),
    Column("Properties", "code", is_extra=True),
    Column("Transaction", "code", is_extra=True),
)


def without_customer(columns: Sequence[Column], found: Sequence[Sequence[Cell]]) -> tuple[Sequence[Column], list[Sequence[Cell]]]:
    """Take the customer out of the columns and rows of a list that stands on its page."""
    kept = [number for number, column in enumerate(columns) if column.title != "Customer"]
    return [columns[number] for number in kept], [[row[number]._replace(narrow=None) for number in kept] for row in found]


def name_of(customer: Thing) -> str:
    """Return what a customer is called."""
    return str(customer.get("name") or customer["external_id"])


def invoice_status(invoice: Thing) -> str:
    """Return the one word that says how an invoice stands."""
    if invoice["status"] != "finalized":
        return str(invoice["status"])
    if invoice["payment_status"] == "succeeded":
        return "paid"
    if invoice["payment_overdue"]:
        return "overdue"
    if invoice["payment_status"] == "failed":
        return "failed"
    return "partially_paid" if invoice["total_paid_amount_cents"] else "finalized"


def invoice_row(invoice: Thing) -> Sequence[Cell]:
    """Return a row of invoices."""
    customer, currency = invoice["customer"], invoice["currency"]
    is_open = invoice["status"] == "finalized"
    return (
        Cell(invoice["number"] or "Draft", path_to("/invoices/{}", invoice["lago_id"]), narrow=name_of(customer)),
        Cell(name_of(customer), path_to("/customers/{}", customer["external_id"])),
        Cell(invoice_status(invoice)),
        Cell(invoice["issuing_date"]),
        Cell(invoice["payment_due_date"]),
        Cell(invoice["total_amount_cents"], currency=currency),
        Cell(invoice["total_due_amount_cents"] if is_open else None, currency=currency),
    )


def subscription_path(item: Thing) -> str:
    """Return the address of a subscription's page; what has ended is named by its status."""
    path = path_to("/subscriptions/{}", item["external_id"])
    return path if item["status"] == "active" else f"{path}?status={item['status']}"


def subscription_row(item: Thing) -> Sequence[Cell]:
    """Return a row of subscriptions."""
    return (
        Cell(
            item["name"] or item["external_id"],
            subscription_path(item),
            item["external_id"] if item["name"] else None,
            narrow=item["external_customer_id"],
        ),
        Cell(item["external_customer_id"], path_to("/customers/{}", item["external_customer_id"])),
        Cell(
            item["plan_code"],
            path_to("/plans/{}", item["plan_code"]),
            None if item["next_plan_code"] is None else f"then {item['next_plan_code']}",
        ),
        Cell(item["status"]),
        Cell(item["plan_amount_cents"], currency=item["plan_amount_currency"]),
        Cell(item["started_at"] or item["subscription_at"]),
        Cell(item["current_billing_period_ending_at"]),
    )


def customer_row(customer: Thing, standing: Standing | None) -> Sequence[Cell]:
    """Return a row of customers."""
    currency = customer["currency"]
    found = standing or Standing((), 0, 0, None)
    return (
        Cell(name_of(customer), path_to("/customers/{}", customer["external_id"]), customer["external_id"] if customer["name"] else None),
        Cell(list(found.plans)),
        Cell(found.due_cents, currency=currency),
        Cell(found.overdue_cents or None, currency=currency),
        Cell(found.wallet_cents, currency=currency),
        Cell(customer["email"]),
        Cell(customer["created_at"]),
    )


def payment_row(item: Thing) -> Sequence[Cell]:
    """Return a row of payments."""
    invoice_ids, numbers = item["invoice_ids"], item["invoice_numbers"]
    return (
        Cell(item["created_at"]),
        Cell(
            numbers[0] if numbers else "",
            path_to("/invoices/{}", invoice_ids[0]) if invoice_ids else None,
            narrow=item["external_customer_id"],
        ),
        Cell(item["external_customer_id"], path_to("/customers/{}", item["external_customer_id"])),
        Cell(item["payment_status"]),
        Cell(item["reference"]),
        Cell(item["amount_cents"], currency=item["amount_currency"]),
    )


def credit_note_row(item: Thing) -> Sequence[Cell]:
    """Return a row of credit notes."""
    currency, customer = item["currency"], item.get("customer")
    return (
        Cell(item["number"], path_to("/credit-notes/{}", item["lago_id"]), narrow=name_of(customer) if customer else None),
        Cell(item["invoice_number"], path_to("/invoices/{}", item["lago_invoice_id"])),
        Cell("") if not customer else Cell(name_of(customer), path_to("/customers/{}", customer["external_id"])),
        Cell(item["credit_status"]),
        Cell(item["refund_status"]),
        Cell(formats.sentence(item["reason"])),
        Cell(item["issuing_date"]),
        Cell(item["total_amount_cents"], currency=currency),
        Cell(item["balance_amount_cents"], currency=currency),
    )


def wallet_row(item: Thing) -> Sequence[Cell]:
    """Return a row of wallets."""
    return (
        Cell(item["name"] or item["code"], path_to("/wallets/{}", item["lago_id"]), narrow=item["external_customer_id"]),
        Cell(item["external_customer_id"], path_to("/customers/{}", item["external_customer_id"])),
        Cell(item["status"]),
        Cell(item["balance_cents"], currency=item["currency"]),
        Cell(item["credits_balance"]),
        Cell(item["ongoing_balance_cents"], currency=item["currency"]),
        Cell(item["expiration_at"]),
    )


def worth_of(coupon: Thing) -> str:
    """Say what a coupon takes off, and how often."""
    worth = (
        formats.percent(coupon["percentage_rate"])
        if coupon["percentage_rate"] is not None
        else formats.money_with_code(coupon["amount_cents"], coupon["amount_currency"])
    )
    duration = coupon["frequency_duration"]
    often = {"once": "once", "forever": "for ever"}.get(coupon["frequency"], f"for {formats.plural(int(duration or 0), 'period')}")
    return f"{worth} off, {often}"


def applied_coupon_row(item: Thing) -> Sequence[Cell]:
    """Return a row of coupons a customer has."""
    return (
        Cell(item["coupon_name"], path_to("/coupons/{}", item["coupon_code"]), item["coupon_code"]),
        Cell(worth_of(item)),
        Cell(item["status"]),
        Cell(item["amount_cents_remaining"], currency=item["amount_currency"]),
        Cell(item["created_at"]),
    )


def event_row(item: Thing) -> Sequence[Cell]:
    """Return a row of events."""
    warnings = item["warnings"]
    said = ", ".join(f"{name}: {value}" for name, value in item["properties"].items())
    subscription = item["external_subscription_id"]
    return (
        Cell(item["timestamp"]),
        Cell(item["code"], path_to("/events/{}", item["transaction_id"]), narrow=subscription),
        Cell(subscription, path_to("/subscriptions/{}", subscription) if subscription and item["lago_subscription_id"] else None),
        Cell("not_billed" if warnings else "counted", below=formats.sentence(warnings[0]["code"]) if warnings else None),
        Cell(formats.shorten(said, 60)),
        Cell(item["transaction_id"], path_to("/events/{}", item["transaction_id"])),
    )
