"""Search over everything: customers, invoices by number, subscriptions, plans, metrics, events by transaction."""

from typing import Any

from daycount.dashboard.http import Response, path_to
from daycount.dashboard.listing import Cell
from daycount.dashboard.pages import rows
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()
_FEW = 8


@pages.get("/search")
def search(visit: Visit) -> Response:
    """Show what is called as asked for."""
    text = visit.query.one("q")
    groups: list[tuple[str, list[Cell]]] = []
    if text:
        groups = [group for group in _find(visit, text) if group[1]]
    return visit.render("search.html", title="Search", nav="search", text=text, groups=groups)


def _find(visit: Visit, text: str) -> list[tuple[str, list[Cell]]]:
    customers = visit.get("/customers", search_term=text, per_page=_FEW)["customers"]
    invoices = visit.get("/invoices", search_term=text, per_page=_FEW)["invoices"]
    subscription = visit.find("/subscriptions/{}", text)
    plan, metric = visit.find("/plans/{}", text), visit.find("/billable_metrics/{}", text)
    coupon, event = visit.find("/coupons/{}", text), visit.find("/events/{}", text)
    return [
        ("Customers", [Cell(rows.name_of(item), path_to("/customers/{}", item["external_id"]), item["external_id"]) for item in customers]),
        (
            "Invoices",
            [
                Cell(item["number"] or "Draft", path_to("/invoices/{}", item["lago_id"]), rows.name_of(item["customer"]))
                for item in invoices
            ],
        ),
        ("Subscriptions", _one(subscription, "subscription", "/subscriptions/{}", "external_id")),
        ("Plans", _one(plan, "plan", "/plans/{}", "code")),
        ("Billable metrics", _one(metric, "billable_metric", "/billable-metrics/{}", "code")),
        ("Coupons", _one(coupon, "coupon", "/coupons/{}", "code")),
        ("Events", _one(event, "event", "/events/{}", "transaction_id")),
    ]


def _one(reply: Any, root: str, pattern: str, key: str) -> list[Cell]:
    if reply is None:
        return []
    item = reply[root]
    return [Cell(item.get("name") or item[key], path_to(pattern, item[key]), item[key])]
