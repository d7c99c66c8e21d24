"""The published client reads an organization in which something of everything exists: every list, and one of each kind."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from lago_python_client import Client

from tests.api.world import World
from tests.support.server import HOST

LISTS = (
    *("activity_logs", "add_ons", "api_logs", "applied_coupons", "billable_metrics", "billing_entities", "coupons", "credit_notes"),
    *("customers", "fees", "gross_revenues", "invoice_collections", "invoiced_usages", "invoices", "mrrs", "order_forms", "orders"),
    *("overdue_balances", "payment_receipts", "payment_requests", "payments", "plans", "quotes", "subscriptions", "taxes", "usages"),
    "webhook_endpoints",
)
OF_CUSTOMERS = (
    "applied_coupons",
    "credit_notes",
    "invoices",
    "payment_methods",
    "payment_requests",
    "payments",
    "subscriptions",
    "wallets",
)


@pytest.fixture
def lago(world: World, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The client for that organization; its lists of children, which send no key, are given it."""
    send = httpx.HTTPTransport.handle_request

    def send_with_key(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        request.headers.setdefault("Authorization", f"Bearer {world.api.key}")
        return send(transport, request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", send_with_key)
    return Client(api_key=str(world.api.key), api_url=f"http://{HOST}:{world.api.port}")


def test_every_list_is_read(lago: Client, world: World) -> None:
    empty = {"payment_methods"}
    for name in LISTS:
        [rows] = [value for key, value in getattr(lago, name).find_all().items() if key != "meta"]
        assert rows, name
    for name in OF_CUSTOMERS:
        owner = "late" if name == "payment_requests" else "acme"
        [rows] = [value for key, value in getattr(lago, f"customer_{name}").find_all(owner).items() if key != "meta"]
        assert bool(rows) is (name not in empty), name
    wallet, code = world.wallet["lago_id"], world.wallet["code"]
    others: dict[str, Callable[[], Any]] = {
        "wallets": lambda: lago.wallets.find_all({"external_customer_id": "acme"}),
        "wallet_transactions": lambda: lago.wallet_transactions.find_all(wallet),
        "fundings": lambda: lago.wallet_transactions.fundings(world.void["lago_id"]),
        "customer wallets": lambda: lago.customers.wallets.find_all("acme"),
        "alerts": lambda: lago.customers.wallets.alerts.find_all("acme", code),
        "plan charges": lambda: lago.plan_charges.find_all("team"),
        "plan fixed charges": lambda: lago.plan_fixed_charges.find_all("team"),
        "charges": lambda: lago.subscription_charges.find_all("sub"),
        "fixed charges": lambda: lago.subscription_fixed_charges.find_all("sub"),
        "filters": lambda: lago.plans.find_all_charge_filters("team", "seats"),
        "versions": lambda: lago.quotes.versions(world.quote["lago_id"]),
    }
    for name, read in others.items():
        [rows] = [value for key, value in read().items() if key != "meta"]
        assert rows, name


def test_one_of_each_is_read(lago: Client, world: World) -> None:
    by_id = {
        name: getattr(world, name[:-1])["lago_id"]
        for name in ("credit_notes", "fees", "invoices", "order_forms", "orders", "payment_requests", "payments", "quotes", "wallets")
    }
    by_id |= {"payment_receipts": world.receipt["lago_id"], "webhook_endpoints": world.webhook_endpoint["lago_id"]}
    by_id |= {"quote_versions": world.version_id}
    by_code = {"add_ons": "setup", "billable_metrics": "seats", "billing_entities": "default", "coupons": "welcome", "plans": "team"}
    by_code |= {"taxes": "vat"}

    assert {name: getattr(lago, name).find(one).lago_id for name, one in by_id.items()} == by_id
    assert {name: getattr(lago, name).find(code).code for name, code in by_code.items()} == by_code
    assert (lago.customers.find("acme").external_id, lago.subscriptions.find("sub").external_id) == ("acme", "sub")
    assert lago.events.find("first").code == "seats"
    assert lago.customers.wallets.alerts.find("acme", world.wallet["code"], "low").direction == "decreasing"
    assert lago.customers.wallets.find("acme", world.wallet["code"]).lago_id == world.wallet["lago_id"]
    assert lago.customers.current_usage("acme", "sub").currency == lago.customers.projected_usage("acme", "sub").currency == "USD"
    assert lago.customers.past_usage("acme", "sub")["usage_periods"]
    assert lago.subscriptions.lifetime_usage("sub").external_subscription_id == "sub"
    assert lago.webhooks.public_key()
