"""The addresses of every page in a furnished organization, from the table of pages, for suites that go through all of them."""

from collections.abc import Iterator
from urllib.parse import quote

from daycount.dashboard.pages import PARTS
from daycount.dashboard.routing import Page, Table
from tests.api.world import World

PAGES: tuple[Page, ...] = tuple(page for page in Table(PARTS).pages if page.access not in ("public", "portal", "payer"))
_LOOKED_AT = tuple(page for page in PAGES if page.method == "GET")
LISTS = tuple(page.pattern for page in _LOOKED_AT if "{" not in page.pattern and not page.pattern.endswith("/new"))
FORMS = tuple(page.pattern for page in _LOOKED_AT if "{" not in page.pattern and page.pattern.endswith("/new"))
_ELSEWHERE = ("/customers/{external_id}/portal",)
"""Leads to the customer's own pages, where no session counts."""
_OF_USERS = ("members", "invitations")


def objects(world: World) -> list[str]:
    """Return the pages of single things."""
    return list(_filled("GET", world))


def acts(world: World) -> list[str]:
    """Return where forms about single things are sent; those about users are left out, since users belong to no organization."""
    return list(_filled("POST", world))


def _filled(method: str, world: World) -> Iterator[str]:
    values = _values(world)
    for page in PAGES:
        if page.method == method and "{" in page.pattern and page.pattern not in _ELSEWHERE and page.segments[0] not in _OF_USERS:
            known = values[page.segments[0]]
            yield "/" + "/".join(quote(known[part.strip("{}")], safe="") if part.startswith("{") else part for part in page.segments)


def _values(world: World) -> dict[str, dict[str, str]]:
    """Return what the parameters of patterns are, by their first segment."""
    activity = world.api.ok("GET", "/activity_logs", query={"per_page": 1})["activity_logs"][0]
    request = world.api.ok("GET", "/api_logs", query={"per_page": 1})["api_logs"][0]
    charge = world.plan["charges"][0]
    return {
        "add-ons": {"code": world.add_on["code"]},
        "api-keys": {"lago_id": world.api_key["lago_id"]},
        "billable-metrics": {"code": world.metric["code"]},
        "coupons": {"code": world.coupon["code"]},
        "credit-notes": {"lago_id": world.credit_note["lago_id"]},
        "customers": {"external_id": world.customer["external_id"]},
        "events": {"transaction_id": world.event["transaction_id"]},
        "features": {"code": world.feature["code"], "privilege_code": "max"},
        "fees": {"lago_id": world.fee["lago_id"]},
        "invoices": {"lago_id": world.invoice["lago_id"]},
        "logs": {"activity_id": activity["activity_id"], "request_id": request["request_id"]},
        "plans": {
            "code": world.plan["code"],
            "charge_code": charge["code"],
            "filter_id": world.filter_id,
            "fixed_charge_code": world.plan["fixed_charges"][0]["code"],
        },
        "subscriptions": {"external_id": world.subscription["external_id"], "code": "much", "feature_code": world.feature["code"]},
        "taxes": {"code": world.tax["code"]},
        "wallets": {"lago_id": world.wallet["lago_id"], "code": "low"},
        "webhook-endpoints": {"lago_id": world.webhook_endpoint["lago_id"]},
        "webhooks": {"lago_id": world.webhook["lago_id"]},
    }
