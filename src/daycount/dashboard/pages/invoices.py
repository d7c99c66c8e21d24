"""Invoices: the list by how they stand, the paper, what is done to them, and why a line is what it is."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from daycount.dashboard import store
from daycount.dashboard.explaining import drawings_of, step_title
from daycount.dashboard.http import Response, path_to, redirect
from daycount.dashboard.listing import Empty, Filter, Source, export, read_listing
from daycount.dashboard.money_input import read_cents
from daycount.dashboard.pages import rows
from daycount.dashboard.paper import paper_of
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()
_MOST_BESIDE: Final = 20

SHOWN: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "": ("All", {}),
    "draft": ("Draft", {"statuses": ["draft"]}),
    "outstanding": ("Outstanding", {"statuses": ["finalized"], "payment_statuses": ["pending", "failed"]}),
    "overdue": ("Overdue", {"payment_overdue": "true"}),
    "failed": ("Payment failed", {"payment_statuses": ["failed"]}),
    "paid": ("Paid", {"statuses": ["finalized"], "payment_statuses": ["succeeded"]}),
    "voided": ("Voided", {"statuses": ["voided"]}),
}


@pages.get("/invoices")
def list_invoices(visit: Visit) -> Response:
    """List invoices, the latest first, by how they stand."""
    show = visit.query.one("show") if visit.query.one("show") in SHOWN else ""
    query = {
        **SHOWN[show][1],
        "search_term": visit.query.one("search"),
        "issuing_date_from": visit.query.one("from"),
        "issuing_date_to": visit.query.one("to"),
    }
    source = Source("/invoices", [], "invoices", query, rows.invoice_row)
    if visit.query.one("as") == "csv":
        return export(visit, source, rows.INVOICE_COLUMNS, name="invoices")
    empty = Empty("No invoice here", "Invoices are made when periods end, and at once for plans in advance.")
    listing = read_listing(visit, source, rows.INVOICE_COLUMNS, filters=(Filter("search", "Number, customer or amount"),), empty=empty)
    return visit.render(
        "list.html",
        title="Invoices",
        nav="invoices",
        listing=listing,
        noun=("invoice", "invoices"),
        tabs=[(name, label, "/invoices" if not name else f"/invoices?show={name}") for name, (label, _) in SHOWN.items()],
        tab=show,
    )


@pages.get("/invoices/{lago_id}")
def show_invoice(visit: Visit) -> Response:
    """Show an invoice as it is on paper, with how it stands and what can be done."""
    return render_invoice(visit)


def render_invoice(visit: Visit, status: int = 200) -> Response:
    """Show an invoice with the payments, receipts, credit notes and e-mails that belong to it."""
    invoice = visit.get("/invoices/{}", visit.path["lago_id"])["invoice"]
    is_out = invoice["status"] in ("finalized", "voided")
    payments = visit.get("/payments", invoice_id=invoice["lago_id"], per_page=_MOST_BESIDE)["payments"]
    receipts = visit.get("/payment_receipts", invoice_id=invoice["lago_id"], per_page=_MOST_BESIDE)["payment_receipts"] if payments else []
    notes = visit.get("/credit_notes", invoice_number=invoice["number"], per_page=_MOST_BESIDE)["credit_notes"] if is_out else []
    mails = visit.get("/emails", document_id=invoice["lago_id"], per_page=_MOST_BESIDE)["emails"] if is_out else []
    entity = visit.get("/billing_entities/{}", invoice["billing_entity_code"])["billing_entity"]
    return visit.render(
        "invoice.html",
        status=status,
        title=invoice["number"] or "Draft",
        nav="invoices",
        invoice=invoice,
        paper=paper_of(invoice),
        standing=rows.invoice_status(invoice),
        entity=entity,
        payments=payments,
        receipts={receipt["payment"]["lago_id"]: receipt for receipt in receipts},
        notes=notes,
        mails=mails,
        here=path_to("/invoices/{}", invoice["lago_id"]),
        name=rows.name_of(invoice["customer"]),
    )


def _act(visit: Visit, method: str, action: str, done: str, body: Any = None) -> Response:
    invoice_id = visit.path["lago_id"]
    if visit.attempt(lambda: visit.send(method, "/invoices/{}" + action, invoice_id, body=body)) is None:
        return render_invoice(visit, status=409)
    return redirect(path_to("/invoices/{}", invoice_id), {"done": done})


@pages.post("/invoices/{lago_id}/refresh")
def refresh_invoice(visit: Visit) -> Response:
    """Compute a draft again."""
    return _act(visit, "PUT", "/refresh", "refreshed")


@pages.post("/invoices/{lago_id}/finalize")
def finalize_invoice(visit: Visit) -> Response:
    """Finalize a draft."""
    return _act(visit, "PUT", "/finalize", "finalized")


@pages.post("/invoices/{lago_id}/void")
def void_invoice(visit: Visit) -> Response:
    """Make an invoice void."""
    return _act(visit, "POST", "/void", "voided")


@pages.post("/invoices/{lago_id}/pay")
def pay_invoice(visit: Visit) -> Response:
    """Record a payment that came another way."""
    invoice_id = visit.path["lago_id"]

    def pay() -> Any:
        invoice = visit.get("/invoices/{}", invoice_id)["invoice"]
        payment = {
            "invoice_id": invoice_id,
            "amount_cents": read_cents(visit.form.one("amount"), invoice["currency"], field="amount_cents"),
            "reference": visit.form.one("reference"),
        }
        if visit.form.one("paid_at"):
            payment["paid_at"] = visit.form.one("paid_at")
        return visit.send("POST", "/payments", body={"payment": payment})

    if visit.attempt(pay) is None:
        return render_invoice(visit, status=422)
    return redirect(path_to("/invoices/{}", invoice_id), {"done": "paid"})


@pages.get("/invoices/{lago_id}/explain")
def explain_invoice(visit: Visit) -> Response:
    """Show how an invoice came from its fees to its total."""
    explained = visit.get("/invoices/{}/explain", visit.path["lago_id"])["invoice_explanation"]
    return visit.render(
        "explain_invoice.html",
        title=f"Why {explained['number']}",
        nav="invoices",
        explained=explained,
        here=path_to("/invoices/{}", explained["lago_invoice_id"]),
        steps=_steps(explained["steps"]),
    )


@pages.get("/fees/{lago_id}")
def explain_fee(visit: Visit) -> Response:
    """Show how a line of an invoice came to its amount, from the derivation that was stored with it."""
    explained = visit.get("/fees/{}/explain", visit.path["lago_id"])["fee_explanation"]
    fee = visit.get("/fees/{}", visit.path["lago_id"])["fee"]
    invoice_id = explained["lago_invoice_id"]
    number = None if invoice_id is None else store.find_number(visit.work.tx, organization_id=visit.organization.id, invoice_id=invoice_id)
    return visit.render(
        "explain.html",
        title=f"Why {explained['name']}",
        nav="invoices",
        explained=explained,
        fee=fee,
        number=number,
        here=None if invoice_id is None else path_to("/invoices/{}", str(invoice_id)),
        steps=_steps(explained["steps"]),
    )


def _steps(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    shown = [step for step in steps if step["sentences"]]
    return [
        {
            "title": step_title(step["step"]),
            "sentences": [] if drawings_of(step) and len(step["sentences"]) > 12 else step["sentences"],
            "drawings": drawings_of(step),
        }
        for step in shown
    ]
