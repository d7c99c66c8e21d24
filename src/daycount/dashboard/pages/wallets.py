"""Wallets: the list, and one with every credit that came and went."""

from decimal import Decimal
from typing import Any, Final

from daycount.dashboard import charts, formats
from daycount.dashboard.http import Response, path_to
from daycount.dashboard.listing import Cell, Column, Empty, Source, export, read_listing
from daycount.dashboard.pages import rows
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()
_COLUMNS: Final = (
    Column("Time", "moment"),
    Column("What"),
    Column("Status", "status", is_extra=True),
    Column("Source", is_extra=True),
    Column("Credits", "number"),
    Column("Left of it", "number", is_extra=True),
)


@pages.get("/wallets")
def list_wallets(visit: Visit) -> Response:
    """List wallets."""
    source = Source("/wallets", [], "wallets", {}, rows.wallet_row)
    if visit.query.one("as") == "csv":
        return export(visit, source, rows.WALLET_COLUMNS, name="wallets")
    empty = Empty("No wallet yet", "A wallet holds credits that are paid or granted before they are used. Open a customer to give it one.")
    listing = read_listing(visit, source, rows.WALLET_COLUMNS, empty=empty)
    return visit.render("list.html", title="Wallets", nav="wallets", listing=listing, noun=("wallet", "wallets"))


def _row(item: Any) -> Any:
    sign = -1 if item["transaction_type"] == "outbound" else 1
    what = {"purchased": "Bought", "granted": "Granted", "voided": "Taken back", "invoiced": "Used"}
    invoice = item["lago_invoice_id"]
    return (
        Cell(item["settled_at"] or item["created_at"]),
        Cell(
            what.get(item["transaction_status"], formats.sentence(item["transaction_status"])),
            path_to("/invoices/{}", invoice) if invoice else None,
            item["name"],
        ),
        Cell(item["status"]),
        Cell(formats.sentence(item["source"])),
        Cell(sign * Decimal(item["credit_amount"])),
        Cell(item["remaining_credit_amount"]),
    )


@pages.get("/wallets/{lago_id}")
def show_wallet(visit: Visit) -> Response:
    """Show a wallet."""
    return render_wallet(visit)


def render_wallet(visit: Visit, *, status: int = 200) -> Response:
    """Render the page of a wallet."""
    wallet = visit.get("/wallets/{}", visit.path["lago_id"])["wallet"]
    source = Source("/wallets/{}/wallet_transactions", [wallet["lago_id"]], "wallet_transactions", {}, _row)
    if visit.query.one("as") == "csv":
        return export(visit, source, _COLUMNS, name="wallet")
    listing = read_listing(visit, source, _COLUMNS, empty=Empty("Nothing moved yet", "Top the wallet up, or let usage draw from it."))
    values = _balances(Decimal(wallet["credits_balance"]), listing.rows) if listing.meta["current_page"] <= 1 else []
    return visit.render(
        "wallet.html",
        status=status,
        title=wallet["name"] or wallet["code"],
        nav="wallets",
        wallet=wallet,
        listing=listing,
        trend=charts.trend(values, title="Balance over the latest movements"),
        here=path_to("/wallets/{}", wallet["lago_id"]),
    )


def _balances(now: Decimal, found: Any) -> list[Decimal]:
    """Return the balance before and after each of the latest movements, oldest first."""
    values = [now]
    for row in found:
        if row[2].value == "settled":
            values.append(values[-1] - row[4].value)
    return values[::-1]
