"""Giving money back and taking it in before: credit notes, coupons of a customer, wallets."""

from collections.abc import Mapping
from typing import Any, Final

from daycount import errors
from daycount.dashboard.http import Response, path_to, redirect
from daycount.dashboard.money_input import read_cents
from daycount.dashboard.pages import rows
from daycount.dashboard.pages.rows import worth_of
from daycount.dashboard.pages.wallets import render_wallet
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()
REASONS: Final = (
    ("product_unsatisfactory", "Product unsatisfactory"),
    ("order_change", "Order changed"),
    ("order_cancellation", "Order cancelled"),
    ("duplicated_charge", "Charged twice"),
    ("fraudulent_charge", "Fraudulent charge"),
    ("other", "Other"),
)
WAYS: Final = (
    ("credit", "as credit for later invoices"),
    ("refund", "as a refund of what was paid"),
    ("offset", "off what this invoice still asks for"),
)


@pages.get("/invoices/{lago_id}/credit")
def new_credit_note(visit: Visit) -> Response:
    """Ask what of an invoice is given back."""
    return _credit_form(visit, status=200)


def _credit_form(visit: Visit, *, status: int, estimate: Mapping[str, Any] | None = None) -> Response:
    invoice = visit.get("/invoices/{}", visit.path["lago_id"])["invoice"]
    return visit.render(
        "credit_form.html",
        status=status,
        title="Give back",
        nav="invoices",
        invoice=invoice,
        fees=[fee for fee in invoice["fees"] if fee["amount_cents"] > 0],
        reasons=REASONS,
        ways=WAYS,
        estimate=estimate,
        here=path_to("/invoices/{}", invoice["lago_id"]),
    )


@pages.post("/invoices/{lago_id}/credit")
def create_credit_note(visit: Visit) -> Response:
    """Work out what is given back with taxes, or make the credit note of it."""
    estimate = visit.attempt(lambda: _estimate(visit))
    if estimate is None or visit.form.one("act") == "preview":
        return _credit_form(visit, status=200 if estimate else 422, estimate=estimate)
    total = estimate["sub_total_excluding_taxes_amount_cents"] + estimate["taxes_amount_cents"]
    way = visit.form.one("way") if visit.form.one("way") in dict(WAYS) else "credit"
    note = {
        "invoice_id": visit.path["lago_id"],
        "reason": visit.form.one("reason") or "other",
        "description": visit.form.one("description") or None,
        f"{way}_amount_cents": total,
        "items": _items(visit, estimate["currency"]),
    }
    made = visit.attempt(lambda: visit.send("POST", "/credit_notes", body={"credit_note": note}))
    if made is None:
        return _credit_form(visit, status=422, estimate=estimate)
    return redirect(path_to("/credit-notes/{}", made["credit_note"]["lago_id"]), {"done": "credited"})


def _items(visit: Visit, currency: str) -> list[dict[str, Any]]:
    """Read the amounts a line. Raises Invalid (items) where one is no amount, or there is none."""
    items = [
        {"fee_id": row["fee"], "amount_cents": read_cents(row["amount"], currency, field="items")}
        for row in visit.form.groups("item")
        if row.get("fee") and row.get("amount")
    ]
    if not items:
        raise errors.Invalid({"items": ["value_is_mandatory"]})
    return items


def _estimate(visit: Visit) -> Any:
    invoice = visit.get("/invoices/{}", visit.path["lago_id"])["invoice"]
    body = {"credit_note": {"invoice_id": invoice["lago_id"], "items": _items(visit, invoice["currency"])}}
    return visit.preview("/credit_notes/estimate", body=body)["estimated_credit_note"]


@pages.post("/credit-notes/{lago_id}/void")
def void_credit_note(visit: Visit) -> Response:
    """Take back what is left of a credit note."""
    visit.send("PUT", "/credit_notes/{}/void", visit.path["lago_id"])
    return redirect(path_to("/credit-notes/{}", visit.path["lago_id"]), {"done": "voided"})


@pages.get("/customers/{external_id}/coupons/apply")
def ask_coupon(visit: Visit) -> Response:
    """Ask which coupon a customer gets."""
    return _coupon_form(visit, status=200)


def _coupon_form(visit: Visit, *, status: int) -> Response:
    customer = visit.get("/customers/{}", visit.path["external_id"])["customer"]
    coupons = visit.get("/coupons", per_page=200)["coupons"]
    return visit.render(
        "coupon_apply.html",
        status=status,
        title="Apply a coupon",
        nav="customers",
        name=rows.name_of(customer),
        coupons=[(item["code"], f"{item['name']}: {worth_of(item)}") for item in coupons if item["terminated_at"] is None],
        here=path_to("/customers/{}/coupons", customer["external_id"]),
    )


@pages.post("/customers/{external_id}/coupons/apply")
def apply_coupon(visit: Visit) -> Response:
    """Give a coupon to a customer."""
    body = {"applied_coupon": {"external_customer_id": visit.path["external_id"], "coupon_code": visit.form.one("coupon_code")}}
    if visit.attempt(lambda: visit.send("POST", "/applied_coupons", body=body)) is None:
        return _coupon_form(visit, status=422)
    return redirect(path_to("/customers/{}/coupons", visit.path["external_id"]), {"done": "applied"})


@pages.get("/customers/{external_id}/wallets/new")
def new_wallet(visit: Visit) -> Response:
    """Ask for a new wallet."""
    return _wallet_form(visit, status=200)


def _wallet_form(visit: Visit, *, status: int) -> Response:
    customer = visit.get("/customers/{}", visit.path["external_id"])["customer"]
    return visit.render(
        "wallet_form.html",
        status=status,
        title="New wallet",
        nav="customers",
        customer=customer,
        name=rows.name_of(customer),
        currency=customer["currency"] or visit.organization.entity.default_currency,
        here=path_to("/customers/{}/wallets", customer["external_id"]),
    )


@pages.post("/customers/{external_id}/wallets/new")
def create_wallet(visit: Visit) -> Response:
    """Make a wallet, with a rule that tops it up where one is asked for."""
    form = visit.form
    given = form.given("name", "rate_amount", "currency", "paid_credits", "granted_credits", "expiration_at")
    wallet: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if form.one("threshold"):
        rule = {"trigger": "threshold", "threshold_credits": form.one("threshold"), "method": "fixed"}
        topped = {"granted_credits": form.one("rule_granted") or "0", "paid_credits": form.one("rule_paid") or "0"}
        wallet["recurring_transaction_rules"] = [rule | topped]
    body = {"wallet": {"external_customer_id": visit.path["external_id"], **wallet}}
    made = visit.attempt(lambda: visit.send("POST", "/wallets", body=body))
    if made is None:
        return _wallet_form(visit, status=422)
    return redirect(path_to("/wallets/{}", made["wallet"]["lago_id"]), {"done": "created"})


@pages.post("/wallets/{lago_id}/top-up")
def top_up_wallet(visit: Visit) -> Response:
    """Put credits into a wallet."""
    given = visit.form.given("granted_credits", "paid_credits", "name")
    body = {
        "wallet_transaction": {"wallet_id": visit.path["lago_id"], **{name: value for name, value in given.items() if value is not None}}
    }
    if visit.attempt(lambda: visit.send("POST", "/wallet_transactions", body=body)) is None:
        return render_wallet(visit, status=422)
    return redirect(path_to("/wallets/{}", visit.path["lago_id"]), {"done": "topped_up"})


@pages.post("/wallets/{lago_id}/end")
def end_wallet(visit: Visit) -> Response:
    """End a wallet."""
    visit.send("DELETE", "/wallets/{}", visit.path["lago_id"])
    return redirect(path_to("/wallets/{}", visit.path["lago_id"]), {"done": "terminated"})
