"""Billing runs: when periods were billed and what came of it, and customers that stand still."""

from typing import Any, Final

from daycount.dashboard import formats
from daycount.dashboard.http import Response, path_to
from daycount.dashboard.listing import Cell, Column, Empty, Source, export, read_listing
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()
_COLUMNS: Final = (
    Column("Billed for", "moment"),
    Column("Subscriptions", "number"),
    Column("Invoices", "number"),
    Column("They come to", "chips"),
)
_PARKED_COLUMNS: Final = (Column("Customer"), Column("What could not be done"), Column("Was due", "moment"), Column("Why", is_extra=True))
_TABS: Final = (("runs", "Runs", "/billing-runs"), ("parked", "Standing still", "/billing-runs/parked"))


@pages.get("/billing-runs")
def list_runs(visit: Visit) -> Response:
    """List the instants at which periods were billed, the latest first."""

    def row(item: Any) -> tuple[Cell, ...]:
        sums = item["sums"]
        return (
            Cell(item["billed_at"]),
            Cell(item["subscriptions_count"]),
            Cell(sum(part["invoices_count"] for part in sums)),
            Cell(
                [
                    f"{formats.money_with_code(part['total_amount_cents'], part['currency'])} {formats.words(part['status'])}"
                    for part in sums
                ]
            ),
        )

    source = Source("/billing_runs", [], "billing_runs", {}, row)
    if visit.query.one("as") == "csv":
        return export(visit, source, _COLUMNS, name="billing-runs")
    listing = read_listing(
        visit, source, _COLUMNS, empty=Empty("Nothing was billed yet", "Periods are billed by themselves when they end.")
    )
    return visit.render(
        "list.html", title="Billing runs", nav="billing-runs", listing=listing, noun=("run", "runs"), tabs=_TABS, tab="runs"
    )


@pages.get("/billing-runs/parked")
def list_parked(visit: Visit) -> Response:
    """List customers for whom something could not be done; nothing else of them is done until it is tried again."""

    def row(item: Any) -> tuple[Cell, ...]:
        return (
            Cell(item["external_customer_id"], path_to("/customers/{}", item["external_customer_id"])),
            Cell(formats.sentence(item["kind"])),
            Cell(item["due_at"]),
            Cell(item["reason"]),
        )

    source = Source("/parked_customers", [], "parked_customers", {}, row)
    if visit.query.one("as") == "csv":
        return export(visit, source, _PARKED_COLUMNS, name="standing-still")
    empty = Empty(
        "Nobody stands still", "When something cannot be done for a customer, all else of it waits, and it stands here with the reason."
    )
    listing = read_listing(visit, source, _PARKED_COLUMNS, empty=empty)
    return visit.render(
        "list.html", title="Billing runs", nav="billing-runs", listing=listing, noun=("customer", "customers"), tabs=_TABS, tab="parked"
    )
