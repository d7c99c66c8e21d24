"""Coupons, add-ons and taxes."""

from typing import Any, Final

from daycount.dashboard import formats
from daycount.dashboard.http import Response, path_to
from daycount.dashboard.listing import Cell, Column, Empty, Source, export, read_listing
from daycount.dashboard.pages import rows
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()
_COUPON_COLUMNS: Final = (
    Column("Coupon"),
    Column("Code", "code"),
    Column("Worth"),
    Column("Limited to", "chips", is_extra=True),
    Column("Expires", is_extra=True),
    Column("Status", "status"),
)
_ADD_ON_COLUMNS: Final = (Column("Add-on"), Column("Code", "code"), Column("Description", is_extra=True), Column("Price", "money"))
_TAX_COLUMNS: Final = (
    Column("Tax"),
    Column("Code", "code"),
    Column("Rate", "number"),
    Column("Applied to", is_extra=True),
)


@pages.get("/coupons")
def list_coupons(visit: Visit) -> Response:
    """List coupons."""

    def row(item: Any) -> tuple[Cell, ...]:
        is_over = item["terminated_at"] is not None
        expires = formats.local_day(item["expiration_at"], visit.zone) if item["expiration_at"] else "Never"
        return (
            Cell(item["name"], path_to("/coupons/{}", item["code"])),
            Cell(item["code"]),
            Cell(rows.worth_of(item)),
            Cell([*item["plan_codes"], *item["billable_metric_codes"]]),
            Cell(expires),
            Cell("terminated" if is_over else "active"),
        )

    source = Source("/coupons", [], "coupons", {}, row)
    if visit.query.one("as") == "csv":
        return export(visit, source, _COUPON_COLUMNS, name="coupons")
    empty = Empty(
        "No coupon yet",
        "A coupon takes an amount or a share off invoices, once, for some periods or for ever.",
        "New coupon",
        "/coupons/new",
    )
    listing = read_listing(visit, source, _COUPON_COLUMNS, empty=empty)
    actions = [("New coupon", "/coupons/new")] if visit.may("coupon") else []
    return visit.render("list.html", title="Coupons", nav="coupons", listing=listing, noun=("coupon", "coupons"), actions=actions)


@pages.get("/coupons/{code}")
def show_coupon(visit: Visit) -> Response:
    """Show a coupon and who has it."""
    coupon = visit.get("/coupons/{}", visit.path["code"])["coupon"]

    def row(item: Any) -> tuple[Cell, ...]:
        return (
            Cell(item["external_customer_id"], path_to("/customers/{}", item["external_customer_id"])),
            Cell(rows.worth_of(item)),
            Cell(item["status"]),
            Cell(item["amount_cents_remaining"], currency=item["amount_currency"]),
            Cell(item["created_at"]),
        )

    columns = (Column("Customer"), *rows.APPLIED_COUPON_COLUMNS[1:])
    source = Source("/applied_coupons", [], "applied_coupons", {"coupon_code": [coupon["code"]]}, row)
    listing = read_listing(visit, source, columns, empty=Empty("Nobody has it", "Open a customer to apply it."))
    return visit.render(
        "coupon.html",
        title=coupon["name"],
        nav="coupons",
        coupon=coupon,
        worth=rows.worth_of(coupon),
        listing=listing,
        here=path_to("/coupons/{}", coupon["code"]),
    )


@pages.get("/add-ons")
def list_add_ons(visit: Visit) -> Response:
    """List add-ons."""
    may_write = visit.may("add_on")

    def row(item: Any) -> tuple[Cell, ...]:
        return (
            Cell(item["name"], path_to("/add-ons/{}/edit", item["code"]) if may_write else None),
            Cell(item["code"]),
            Cell(item["description"]),
            Cell(item["amount_cents"], currency=item["amount_currency"]),
        )

    source = Source("/add_ons", [], "add_ons", {}, row)
    if visit.query.one("as") == "csv":
        return export(visit, source, _ADD_ON_COLUMNS, name="add-ons")
    text = "An add-on has a fixed price: for one-off invoices, and for fixed charges of plans."
    listing = read_listing(visit, source, _ADD_ON_COLUMNS, empty=Empty("No add-on yet", text, "New add-on", "/add-ons/new"))
    actions = [("New add-on", "/add-ons/new")] if may_write else []
    return visit.render("list.html", title="Add-ons", nav="add-ons", listing=listing, noun=("add-on", "add-ons"), actions=actions)


@pages.get("/taxes")
def list_taxes(visit: Visit) -> Response:
    """List taxes."""
    may_write = visit.may("tax")

    def row(item: Any) -> tuple[Cell, ...]:
        everywhere = "The whole organization" if item["applied_to_organization"] else ", ".join(item["applied_to_billing_entities_codes"])
        return (
            Cell(item["name"], path_to("/taxes/{}/edit", item["code"]) if may_write else None, item["description"]),
            Cell(item["code"]),
            Cell(formats.units(item["rate"]) + "\u00a0%"),
            Cell(everywhere or "What it is added to"),
        )

    source = Source("/taxes", [], "taxes", {}, row)
    if visit.query.one("as") == "csv":
        return export(visit, source, _TAX_COLUMNS, name="taxes")
    listing = read_listing(
        visit, source, _TAX_COLUMNS, empty=Empty("No tax yet", "A tax is a rate that is added to what is billed.", "New tax", "/taxes/new")
    )
    actions = [("New tax", "/taxes/new")] if may_write else []
    return visit.render("list.html", title="Taxes", nav="taxes", listing=listing, noun=("tax", "taxes"), actions=actions)
