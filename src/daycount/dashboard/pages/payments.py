"""Payments that were recorded of invoices."""

from daycount.dashboard.http import Response
from daycount.dashboard.listing import Empty, Source, export, read_listing
from daycount.dashboard.pages import rows
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()


@pages.get("/payments")
def list_payments(visit: Visit) -> Response:
    """List payments, the latest first."""
    source = Source("/payments", [], "payments", {}, rows.payment_row)
    if visit.query.one("as") == "csv":
        return export(visit, source, rows.PAYMENT_COLUMNS, name="payments")
    empty = Empty("No payment yet", "A payment is recorded on the page of a finalized invoice.", "Invoices", "/invoices?show=outstanding")
    listing = read_listing(visit, source, rows.PAYMENT_COLUMNS, empty=empty)
    return visit.render("list.html", title="Payments", nav="payments", listing=listing, noun=("payment", "payments"))
