"""Wallets that see usage as it grows: threshold rules fire by events alone, once for what they see."""

import time
from typing import Any

from tests.support.server import Api, Server

START = "2026-07-01T00:00:00Z"


def a_caller(server: Server) -> Api:
    """Make an organization whose customer pays 1.00 for each call."""
    api = server.organization(at=START)
    metric = api.metric("calls", aggregation_type="sum_agg", field_name="n", recurring=False)
    api.plan(charges=[api.seat_charge(metric, "1", prorated=False)])
    api.customer(currency="USD")
    api.subscribe()
    return api


def topped_up(api: Api, wallet: dict[str, Any]) -> list[str]:
    found = api.ok("GET", f"/wallets/{wallet['lago_id']}/wallet_transactions")["wallet_transactions"]
    return [item["credit_amount"] for item in found if item["source"] == "threshold"]


def test_an_event_alone_lets_a_threshold_rule_fire(server: Server) -> None:
    api = a_caller(server)
    api.event("before", code="calls", n="1")  # what is known of the subscription is in the cache now
    rule = {"trigger": "threshold", "threshold_credits": "20", "paid_credits": "0", "granted_credits": "50"}
    wallet = api.wallet(recurring_transaction_rules=[rule])
    api.move_to(START)

    # 100 - 79 = 21 is above 20; 100 - 80 = 20 reaches it. No clock is moved and no wallet touched.
    api.event("more", code="calls", n="78")
    api.move_to(START)
    assert topped_up(api, wallet) == []
    api.event("last", code="calls", n="1")
    for _ in range(200):
        if topped_up(api, wallet):
            break
        time.sleep(0.05)
    assert topped_up(api, wallet) == ["50.0"]
    assert api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]["ongoing_balance_cents"] == 7000


def test_a_threshold_rule_fires_once_for_the_same_usage(server: Server) -> None:
    api = a_caller(server)
    rule = {"trigger": "threshold", "threshold_credits": "20", "paid_credits": "0", "granted_credits": "5"}
    wallet = api.wallet(recurring_transaction_rules=[rule])
    # 100 - 95 = 5: five credits are granted, and though 10 is still below 20 nothing more until usage grows.
    api.event("one", code="calls", n="95")
    api.move_to(START)
    api.move_to("2026-07-02T00:00:00Z")
    assert topped_up(api, wallet) == ["5.0"]
    api.event("two", code="calls", n="1", timestamp=1780272000)  # before the subscription: changes nothing
    api.move_to("2026-07-02T00:00:00Z")
    assert topped_up(api, wallet) == ["5.0"]
    api.event("three", code="calls", n="1")
    api.move_to("2026-07-02T00:00:00Z")
    assert topped_up(api, wallet) == ["5.0", "5.0"]


def test_a_purchase_that_waits_for_its_payment_is_not_made_again(server: Server) -> None:
    api = a_caller(server)
    rule = {"trigger": "threshold", "threshold_credits": "20", "paid_credits": "50", "granted_credits": "0"}
    wallet = api.wallet(recurring_transaction_rules=[rule])
    api.event("one", code="calls", n="85")
    api.event("two", code="calls", n="1")
    api.move_to("2026-07-03T00:00:00Z")
    # 100 - 86 = 14, with the 50 that wait 64: one purchase of 50 by one credit invoice.
    assert topped_up(api, wallet) == ["50.0"]
    assert [row["invoice_type"] for row in api.invoices()] == ["credit"]
