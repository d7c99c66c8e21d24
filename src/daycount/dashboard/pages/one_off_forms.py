"""One-off invoices: what add-ons are sold to a customer beside its subscriptions, shown as an invoice before it is made."""

from collections.abc import Mapping
from typing import Any, Final

from daycount.dashboard.http import Response, path_to, redirect
from daycount.dashboard.money_input import read_cents
from daycount.dashboard.pages import rows
from daycount.dashboard.paper import paper_of
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()
_MOST_LINES: Final = 60


@pages.get("/customers/{external_id}/one-off")
def new_one_off(visit: Visit) -> Response:
    """Ask what is sold."""
    return _form(visit)


@pages.post("/customers/{external_id}/one-off")
def create_one_off(visit: Visit) -> Response:
    """Show the invoice, or make it; it is final at once."""
    customer = visit.get("/customers/{}", visit.path["external_id"])["customer"]
    if visit.form.one("act") == "preview":
        shown = visit.attempt(lambda: visit.preview("/invoices", body={"invoice": _read(visit, customer)}))
        return _form(visit, status=200 if shown else 422, preview=None if shown is None else shown["invoice"])
    made = visit.attempt(lambda: visit.send("POST", "/invoices", body={"invoice": _read(visit, customer)}))
    if made is None:
        return _form(visit, status=422)
    return redirect(path_to("/invoices/{}", made["invoice"]["lago_id"]), {"done": "created"})


def _currency(visit: Visit, customer: Mapping[str, Any]) -> str:
    return visit.form.one("currency") or customer["currency"] or visit.organization.entity.default_currency


def _read(visit: Visit, customer: Mapping[str, Any]) -> dict[str, Any]:
    """Read the lines. Raises Invalid (unit_amount_cents) for amounts that are none."""
    currency = _currency(visit, customer)
    fees = []
    for row in visit.form.groups("line"):
        if row.get("add_on"):
            fee: dict[str, Any] = {"add_on_code": row["add_on"], "units": row.get("units") or "1"}
            if row.get("price"):
                fee["unit_amount_cents"] = read_cents(row["price"], currency, field="unit_amount_cents")
            if row.get("name"):
                fee["invoice_display_name"] = row["name"]
            fees.append(fee)
    number = visit.form.one("purchase_order_number")
    return {
        "external_customer_id": customer["external_id"],
        "currency": currency,
        "fees": fees,
        **({"purchase_order_number": number} if number else {}),
    }


def _form(visit: Visit, *, status: int = 200, preview: Mapping[str, Any] | None = None) -> Response:
    customer = visit.get("/customers/{}", visit.path["external_id"])["customer"]
    add_ons = visit.get("/add_ons", per_page=200)["add_ons"]
    return visit.render(
        "one_off.html",
        status=status,
        title="New one-off invoice",
        nav="customers",
        name=rows.name_of(customer),
        currency=_currency(visit, customer),
        add_ons=[("", "Choose an add-on"), *((item["code"], item["name"]) for item in add_ons)],
        rows=[*visit.form.groups("line"), {}][:_MOST_LINES],
        preview=preview,
        paper=None if preview is None else paper_of(preview),
        here=path_to("/customers/{}", customer["external_id"]),
    )
