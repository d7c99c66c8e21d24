"""Customers: the list, and one customer with all that belongs to it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from daycount import errors
from daycount.dashboard import store
from daycount.dashboard.http import Response, path_to, redirect
from daycount.dashboard.listing import PER_PAGE, Column, Empty, Filter, Listing, Source, csv_response, export, page_of, read_listing
from daycount.dashboard.pages import rows
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()
_TEXTS = (
    "name",
    "legal_name",
    "email",
    "phone",
    "currency",
    "timezone",
    "tax_identification_number",
    "country",
    "address_line1",
    "address_line2",
    "zipcode",
    "city",
    "state",
    "net_payment_term",
)


@pages.get("/customers")
def list_customers(visit: Visit) -> Response:
    """List customers with what they have and owe."""
    search, currency = visit.query.one("search"), visit.query.one("currency")
    is_export = visit.query.one("as") == "csv"
    query: dict[str, Any] = {"search_term": search, "currencies": [currency] if currency else None}
    reply = visit.get("/customers", page=1 if is_export else page_of(visit), per_page=1000 if is_export else PER_PAGE, **query)
    found = reply["customers"]
    standings = store.find_standings(visit.work.tx, organization_id=visit.organization.id, ids=[customer["lago_id"] for customer in found])
    shown = [rows.customer_row(customer, standings.get(customer["lago_id"])) for customer in found]
    if is_export:
        return csv_response(rows.CUSTOMER_COLUMNS, shown, name="customers")
    listing = Listing(
        rows.CUSTOMER_COLUMNS,
        shown,
        reply["meta"],
        (Filter("search", "Name, id or e-mail"), Filter("currency", "Any currency", _currencies(visit))),
        Empty(
            "No customer yet",
            "A customer is whoever gets invoices. Your own system's id names it everywhere.",
            "New customer",
            "/customers/new",
        ),
    )
    return visit.render(
        "list.html",
        title="Customers",
        nav="customers",
        listing=listing,
        noun=("customer", "customers"),
        actions=[("New customer", "/customers/new")] if visit.may("customer") else [],
    )


def _currencies(visit: Visit) -> Sequence[tuple[str, str]]:
    return [(code, code) for code in store.list_currencies(visit.work.tx, organization_id=visit.organization.id)]


TABS = (
    ("overview", "Overview"),
    ("subscriptions", "Subscriptions"),
    ("invoices", "Invoices"),
    ("payments", "Payments"),
    ("credit-notes", "Credit notes"),
    ("wallets", "Wallets"),
    ("coupons", "Coupons"),
)


class _Tab:
    """What a tab of a customer lists."""

    def __init__(
        self,
        path: str,
        root: str,
        columns: Sequence[Column],
        row: Callable[[Mapping[str, Any]], Sequence[Any]],
        empty: tuple[str, str],
        *,
        noun: tuple[str, str],
        query: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = path
        self.root = root
        self.columns = columns
        self.row = row
        self.empty = empty
        self.noun = noun
        self.query = query or {}


_LISTS = {
    "subscriptions": _Tab(
        "/customers/{}/subscriptions",
        "subscriptions",
        rows.SUBSCRIPTION_COLUMNS,
        rows.subscription_row,
        ("No subscription", "Assign a plan, and billing begins by itself."),
        noun=("subscription", "subscriptions"),
        query={"status": ["active", "pending", "terminated", "canceled", "incomplete"]},
    ),
    "invoices": _Tab(
        "/customers/{}/invoices",
        "invoices",
        rows.INVOICE_COLUMNS,
        rows.invoice_row,
        ("No invoice yet", "The first one is made when the first period ends, or at once for a plan in advance."),
        noun=("invoice", "invoices"),
    ),
    "payments": _Tab(
        "/customers/{}/payments",
        "payments",
        rows.PAYMENT_COLUMNS,
        rows.payment_row,
        ("No payment yet", "Payments are recorded on the page of an invoice."),
        noun=("payment", "payments"),
    ),
    "credit-notes": _Tab(
        "/customers/{}/credit_notes",
        "credit_notes",
        rows.CREDIT_NOTE_COLUMNS,
        rows.credit_note_row,
        ("No credit note", "A credit note is made from a finalized invoice."),
        noun=("credit note", "credit notes"),
    ),
    "wallets": _Tab(
        "/customers/{}/wallets",
        "wallets",
        rows.WALLET_COLUMNS,
        rows.wallet_row,
        ("No wallet", "A wallet holds credits that are paid or granted before they are used."),
        noun=("wallet", "wallets"),
    ),
    "coupons": _Tab(
        "/customers/{}/applied_coupons",
        "applied_coupons",
        rows.APPLIED_COUPON_COLUMNS,
        rows.applied_coupon_row,
        ("No coupon", "A coupon takes something off the invoices that follow."),
        noun=("coupon", "coupons"),
    ),
}


def _shell(visit: Visit, customer: Mapping[str, Any], tab: str) -> dict[str, Any]:
    external_id = customer["external_id"]
    standing = store.find_standings(visit.work.tx, organization_id=visit.organization.id, ids=[customer["lago_id"]])
    here = path_to("/customers/{}", external_id)
    return {
        "customer": customer,
        "zone": ZoneInfo(customer["applicable_timezone"]),
        "name": rows.name_of(customer),
        "standing": standing[customer["lago_id"]],
        "here": here,
        "tab": tab,
        "tabs": [(name, label, here if name == "overview" else f"{here}/{name}") for name, label in TABS],
        "nav": "customers",
        "title": rows.name_of(customer),
    }


@pages.get("/customers/{external_id}")
def open_customer(visit: Visit) -> Response:
    """Show a customer: what it owes, what it subscribes to, its latest invoices, its details."""
    return show_customer(visit)


def show_customer(visit: Visit, status: int = 200) -> Response:
    """Show a customer as its page does, also where something asked of it was refused."""
    external_id = visit.path["external_id"]
    customer = visit.get("/customers/{}", external_id)["customer"]
    subscriptions = visit.get("/customers/{}/subscriptions", external_id, status=["active", "pending"], per_page=10)
    invoices = visit.get("/customers/{}/invoices", external_id, per_page=6)
    subscribed = [rows.subscription_row(item) for item in subscriptions["subscriptions"]]
    billed = [rows.invoice_row(item) for item in invoices["invoices"]]
    has_provider = customer["billing_configuration"].get("payment_provider") is not None
    methods = visit.get("/customers/{}/payment_methods", external_id, per_page=10)["payment_methods"] if has_provider else []
    return visit.render(
        "customer.html",
        status=status,
        methods=methods,
        **_shell(visit, customer, "overview"),
        subscriptions=subscriptions["subscriptions"],
        subscribed=rows.without_customer(rows.SUBSCRIPTION_COLUMNS, subscribed),
        billed=rows.without_customer(rows.INVOICE_COLUMNS, billed),
        entity=visit.organization.entity,
    )


def _show_tab(visit: Visit, tab: str) -> Response:
    external_id = visit.path["external_id"]
    customer = visit.get("/customers/{}", external_id)["customer"]
    what = _LISTS[tab]
    source = Source(what.path, [external_id], what.root, what.query, what.row)
    if visit.query.one("as") == "csv":
        return export(visit, source, what.columns, name=f"{tab}-of-customer")
    listing = read_listing(visit, source, what.columns, empty=Empty(*what.empty))
    columns, shown = rows.without_customer(listing.columns, listing.rows)
    listing = listing._replace(columns=columns, rows=shown)
    return visit.render("customer_list.html", **_shell(visit, customer, tab), listing=listing, noun=what.noun)


for _name in _LISTS:
    _handler = partial(_show_tab, tab=_name)
    _handler.__name__ = f"show_customer_{_name}"  # type: ignore[attr-defined]  # a partial takes attributes, and pages are named by theirs
    pages.get(f"/customers/{{external_id}}/{_name}")(_handler)


@pages.get("/customers/new")
def new_customer(visit: Visit) -> Response:
    """Ask for a new customer's details."""
    return visit.render("customer_form.html", title="New customer", nav="customers", customer={}, here="/customers")


@pages.post("/customers/new")
def create_customer(visit: Visit) -> Response:
    """Make a customer; an external id that is taken is refused, so that nobody is changed by accident."""
    external_id = visit.form.one("external_id")

    def create() -> Any:
        if external_id and visit.find("/customers/{}", external_id) is not None:
            raise errors.Invalid({"external_id": ["value_already_exist"]})
        return visit.send("POST", "/customers", body={"customer": {"external_id": external_id} | visit.form.given(*_TEXTS)})

    made = visit.attempt(create)
    if made is None:
        return visit.render_refused("customer_form.html", title="New customer", nav="customers", customer={}, here="/customers")
    return redirect(path_to("/customers/{}", made["customer"]["external_id"]), {"done": "customer_created"})


@pages.get("/customers/{external_id}/edit")
def edit_customer(visit: Visit) -> Response:
    """Show a customer's details to be changed."""
    customer = visit.get("/customers/{}", visit.path["external_id"])["customer"]
    here = path_to("/customers/{}", customer["external_id"])
    return visit.render("customer_form.html", title=f"Edit {rows.name_of(customer)}", nav="customers", customer=customer, here=here)


@pages.post("/customers/{external_id}/edit")
def update_customer(visit: Visit) -> Response:
    """Change a customer's details."""
    customer = visit.get("/customers/{}", visit.path["external_id"])["customer"]
    here = path_to("/customers/{}", customer["external_id"])
    body = {"customer": {"external_id": customer["external_id"]} | visit.form.given(*_TEXTS)}
    if visit.attempt(lambda: visit.send("POST", "/customers", body=body)) is None:
        title = f"Edit {rows.name_of(customer)}"
        return visit.render_refused("customer_form.html", title=title, nav="customers", customer=customer, here=here)
    return redirect(here, {"done": "saved"})


@pages.post("/customers/{external_id}/delete")
def delete_customer(visit: Visit) -> Response:
    """Delete a customer."""
    visit.send("DELETE", "/customers/{}", visit.path["external_id"])
    return redirect("/customers", {"done": "deleted"})


@pages.post("/customers/{external_id}/retry")
def retry_customer(visit: Visit) -> Response:
    """Try again what could not be done for a customer."""
    visit.send("POST", "/parked_customers/{}/retry", visit.path["external_id"])
    return redirect("/", {"done": "retried"})


@pages.get("/customers/{external_id}/portal")
def open_portal(visit: Visit) -> Response:
    """Open the customer's own pages, by a link as the API makes it."""
    address = visit.get("/customers/{}/portal_url", visit.path["external_id"])["customer"]["portal_url"]
    return redirect(address.removeprefix(visit.public_url))
