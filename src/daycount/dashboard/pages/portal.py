"""What a customer sees of itself: usage so far, invoices, wallets with a top-up, its own details."""

from typing import Any, Final
from uuid import UUID

from daycount import errors
from daycount.dashboard.http import Response, redirect
from daycount.dashboard.listing import page_number
from daycount.dashboard.pages import rows
from daycount.dashboard.paper import paper_of
from daycount.dashboard.portal import Guest
from daycount.dashboard.routing import Pages
from daycount.payments.checkout.doors import path_of
from daycount.payments.checkout.records import About, Door

pages = Pages()
_ROOT: Final = "/customer-portal/{token}"
_TEXTS: Final = (
    "name",
    "legal_name",
    "email",
    "tax_identification_number",
    "address_line1",
    "address_line2",
    "zipcode",
    "city",
    "state",
    "country",
)
_VISIBLE: Final = ("finalized", "voided", "failed")
_FEW: Final = 5


@pages.get(_ROOT, access="portal")
def show_own_usage(guest: Guest) -> Response:
    """Show what the customer used so far, and what it owes. At most five subscriptions are looked at."""
    customer = guest.customer()
    subscriptions = guest.get("/customers/{}/subscriptions", guest.external_id, per_page=_FEW)["subscriptions"]
    used = [(item, _usage(guest, item)) for item in subscriptions]
    invoices = guest.get("/customers/{}/invoices", guest.external_id, statuses=["finalized"], per_page=100)["invoices"]
    due = [invoice for invoice in invoices if invoice["total_due_amount_cents"] > 0]
    return guest.render("portal_usage.html", title="Usage", tab="usage", customer=customer, used=used, due=due)


def _usage(guest: Guest, item: Any) -> Any:
    try:
        reply = guest.get(
            "/customers/{}/projected_usage", guest.external_id, external_subscription_id=item["external_id"], apply_taxes="false"
        )
    except (errors.NotFound, errors.Invalid, errors.NotAllowed):
        return None
    return reply["customer_projected_usage"]


@pages.get(_ROOT + "/invoices", access="portal")
def list_own_invoices(guest: Guest) -> Response:
    """List the customer's invoices; drafts are not among them."""
    query = {"statuses": list(_VISIBLE), "search_term": guest.query.one("search")}
    reply = guest.get("/customers/{}/invoices", guest.external_id, page=page_number(guest.query), per_page=20, **query)
    shown = [(invoice, rows.invoice_status(invoice)) for invoice in reply["invoices"]]
    return guest.render(
        "portal_invoices.html", title="Invoices", tab="invoices", customer=guest.customer(), invoices=shown, meta=reply["meta"]
    )


@pages.get(_ROOT + "/invoices/{lago_id}", access="portal")
def show_own_invoice(guest: Guest) -> Response:
    """Show one of the customer's invoices. Raises NotFound for drafts and for those of others."""
    invoice = guest.get("/invoices/{}", guest.path["lago_id"])["invoice"]
    guest.own(invoice, invoice["customer"]["external_id"])
    if invoice["status"] not in _VISIBLE:
        raise errors.NotFound("invoice")
    entity = guest.get("/billing_entities/{}", invoice["billing_entity_code"])["billing_entity"]
    return guest.render(
        "portal_invoice.html",
        title=f"Invoice {invoice['number']}",
        tab="invoices",
        customer=guest.customer(),
        invoice=invoice,
        standing=rows.invoice_status(invoice),
        paper=paper_of(invoice),
        entity=entity,
        pay_path=_path_to_pay(guest, invoice),
    )


def _path_to_pay(guest: Guest, invoice: Any) -> str | None:
    """Return where an invoice can be paid; None where nothing is due, or the customer is linked to no provider."""
    is_due = invoice["status"] == "finalized" and invoice["total_due_amount_cents"] > 0 and not invoice["self_billed"]
    if not is_due or not invoice["customer"]["billing_configuration"].get("provider_customer_id"):
        return None
    return path_of(guest.work.tx, Door(guest.organization.id, About.INVOICE, UUID(invoice["lago_id"])))


@pages.get(_ROOT + "/wallets", access="portal")
def show_own_wallets(guest: Guest) -> Response:
    """Show the customer's wallets."""
    return _wallets(guest)


def _wallets(guest: Guest, status: int = 200) -> Response:
    wallets = guest.get("/customers/{}/wallets", guest.external_id, per_page=20)["wallets"]
    active = [wallet for wallet in wallets if wallet["status"] == "active"]
    return guest.render("portal_wallets.html", title="Wallet", tab="wallets", customer=guest.customer(), wallets=active, status=status)


@pages.post(_ROOT + "/wallets/{lago_id}/top-up", access="portal")
def top_up_own_wallet(guest: Guest) -> Response:
    """Buy credits for one of the customer's wallets; they are there when their invoice is paid."""
    wallet = guest.get("/wallets/{}", guest.path["lago_id"])["wallet"]
    guest.own(wallet, wallet["external_customer_id"])
    body = {"wallet_transaction": {"wallet_id": wallet["lago_id"], "paid_credits": guest.form.one("paid_credits") or "0"}}

    def buy() -> Any:
        if not guest.form.one("paid_credits"):
            raise errors.Invalid({"paid_credits": ["value_is_mandatory"]})
        return guest.send("POST", "/wallet_transactions", body=body)

    if guest.attempt(buy) is None:
        return _wallets(guest, status=422)
    return redirect(f"{guest.here}/wallets", {"done": "bought"})


@pages.get(_ROOT + "/details", access="portal")
def show_own_details(guest: Guest) -> Response:
    """Show the customer's details to be changed."""
    return guest.render("portal_details.html", title="Details", tab="details", customer=guest.customer())


@pages.post(_ROOT + "/details", access="portal")
def change_own_details(guest: Guest) -> Response:
    """Change the customer's details."""
    body = {"customer": {"external_id": guest.external_id, **guest.form.given(*_TEXTS)}}
    if guest.attempt(lambda: guest.send("POST", "/customers", body=body)) is None:
        return guest.render("portal_details.html", title="Details", tab="details", customer=guest.customer(), status=422)
    return redirect(f"{guest.here}/details", {"done": "saved"})
