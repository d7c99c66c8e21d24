"""Plans: what a period costs and what is charged for usage."""

from typing import Any, Final

from daycount.dashboard import formats
from daycount.dashboard.http import Response, path_to
from daycount.dashboard.listing import Cell, Column, Empty, Source, export, read_listing
from daycount.dashboard.rate_card import curve_of, rates_of
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()
_COLUMNS: Final = (
    Column("Plan"),
    Column("Code", "code"),
    Column("Charges", "chips", is_extra=True),
    Column("Interval"),
    Column("Base fee", "money"),
    Column("Made", "date", is_extra=True),
)


@pages.get("/plans")
def list_plans(visit: Visit) -> Response:
    """List plans."""

    def row(item: dict[str, Any]) -> tuple[Cell, ...]:
        return (
            Cell(item["name"], path_to("/plans/{}", item["code"])),
            Cell(item["code"]),
            Cell([charge["billable_metric_code"] for charge in item["charges"]][:4]),
            Cell(f"{formats.sentence(item['interval'])}, {'in advance' if item['pay_in_advance'] else 'in arrears'}"),
            Cell(item["amount_cents"], currency=item["amount_currency"]),
            Cell(item["created_at"]),
        )

    source = Source("/plans", [], "plans", {}, row)
    if visit.query.one("as") == "csv":
        return export(visit, source, _COLUMNS, name="plans")
    text = "A plan says what a period costs and what is charged for usage. Customers subscribe to it."
    listing = read_listing(visit, source, _COLUMNS, empty=Empty("No plan yet", text, "New plan", "/plans/new"))
    actions = [("New plan", "/plans/new")] if visit.may("plan") else []
    return visit.render("list.html", title="Plans", nav="plans", listing=listing, noun=("plan", "plans"), actions=actions)


@pages.get("/plans/{code}")
def show_plan(visit: Visit) -> Response:
    """Show a plan as a rate card."""
    plan = visit.get("/plans/{}", visit.path["code"])["plan"]
    versions = visit.get("/plans/{}/versions", plan["code"], per_page=10)["versions"]
    subscribed = visit.get("/subscriptions", plan_code=plan["code"], per_page=1)["meta"]["total_count"]
    charges = [
        {"charge": charge, "rates": rates_of(charge, plan["amount_currency"]), "curve": curve_of(charge)} for charge in plan["charges"]
    ]
    return visit.render(
        "plan.html",
        title=plan["name"],
        nav="plans",
        plan=plan,
        charges=charges,
        versions=versions,
        subscribed=subscribed,
        here=path_to("/plans/{}", plan["code"]),
    )
