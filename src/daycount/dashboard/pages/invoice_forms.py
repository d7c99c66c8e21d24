"""What is done with invoices that are out: sent by e-mail, charged again, asked for, and made again after they were voided."""

from collections.abc import Mapping
from typing import Any, Final

from daycount.dashboard.http import Response, path_to, redirect
from daycount.dashboard.money_input import read_unit_cents
from daycount.dashboard.pages.customers import show_customer
from daycount.dashboard.pages.invoices import render_invoice
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()
_MOST_LINES: Final = 500
_MOST_ASKED: Final = 100


@pages.post("/invoices/{lago_id}/email")
def email_invoice(visit: Visit) -> Response:
    """Send an invoice by e-mail, to the customer's address or to another one."""
    invoice_id = visit.path["lago_id"]
    to = visit.form.one("to")
    body = {"to": [to]} if to else None
    if visit.attempt(lambda: (visit.send("POST", "/invoices/{}/resend_email", invoice_id, body=body), True)) is None:
        return render_invoice(visit, status=422)
    return redirect(path_to("/invoices/{}", invoice_id), {"done": "emailed"})


@pages.post("/invoices/{lago_id}/charge")
def charge_invoice(visit: Visit) -> Response:
    """Ask the customer's payment provider for an invoice again."""
    invoice_id = visit.path["lago_id"]
    if visit.attempt(lambda: (visit.send("POST", "/invoices/{}/retry_payment", invoice_id), True)) is None:
        return render_invoice(visit, status=409)
    return redirect(path_to("/invoices/{}", invoice_id), {"done": "charged"})


@pages.post("/customers/{external_id}/ask-payment")
def ask_payment(visit: Visit) -> Response:
    """Ask a customer for all that is overdue, in one amount."""
    external_id = visit.path["external_id"]
    found = visit.get("/customers/{}/invoices", external_id, payment_overdue="true", per_page=_MOST_ASKED)["invoices"]
    wanted = {
        "external_customer_id": external_id,
        "email": visit.form.one("email") or None,
        "lago_invoice_ids": [invoice["lago_id"] for invoice in found],
    }
    if visit.attempt(lambda: visit.send("POST", "/payment_requests", body={"payment_request": wanted})) is None:
        return show_customer(visit, status=422)
    return redirect(path_to("/customers/{}/payments", external_id), {"done": "asked"})


@pages.get("/invoices/{lago_id}/regenerate")
def edit_voided_invoice(visit: Visit) -> Response:
    """Show the lines of a voided invoice, to be made again with other units or prices."""
    return _form(visit, _find(visit))


def _find(visit: Visit) -> Mapping[str, Any]:
    invoice: Mapping[str, Any] = visit.get("/invoices/{}", visit.path["lago_id"])["invoice"]
    return invoice


def _form(visit: Visit, invoice: Mapping[str, Any], *, status: int = 200, preview: Mapping[str, Any] | None = None) -> Response:
    return visit.render(
        "regenerate.html",
        status=status,
        title="Make it again",
        nav="invoices",
        invoice=invoice,
        fees=invoice["fees"][:_MOST_LINES],
        is_voided=invoice["status"] == "voided",
        preview=preview,
        here=path_to("/invoices/{}", invoice["lago_id"]),
    )


@pages.post("/invoices/{lago_id}/regenerate")
def regenerate_invoice(visit: Visit) -> Response:
    """Make an invoice again, or show what it would come to."""
    invoice = _find(visit)
    is_preview = visit.form.one("act") == "preview"

    def make() -> Any:
        body = {"fees": _fees(visit, invoice["currency"])}
        if is_preview:
            return visit.preview("/invoices/{}/regenerate", invoice["lago_id"], body=body)
        return visit.send("POST", "/invoices/{}/regenerate", invoice["lago_id"], body=body)

    made = visit.attempt(make)
    if made is None:
        return _form(visit, invoice, status=422)
    if is_preview:
        return _form(visit, invoice, preview=made["invoice"])
    return redirect(path_to("/invoices/{}", made["invoice"]["lago_id"]), {"done": "regenerated"})


def _fees(visit: Visit, currency: str) -> list[dict[str, Any]]:
    """Read the lines that stay; what is left empty is as it was. Raises Invalid (fees)."""
    fees = []
    for row in visit.form.groups("line"):
        if not row.get("fee") or "kept" not in row:
            continue
        fee: dict[str, Any] = {"id": row["fee"]}
        if row.get("units"):
            fee["units"] = row["units"]
        if row.get("price"):
            fee["unit_amount_cents"] = read_unit_cents(row["price"], currency, field="fees")
        fees.append(fee)
    return fees
