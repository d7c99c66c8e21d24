"""Wallets pay invoices last, on the amount with taxes. Names carry the numbers of the worked examples of wallets."""

from typing import Any

import pytest

from tests.support.server import Api, Server


@pytest.fixture
def api(server: Server) -> Api:
    made = server.organization(at="2026-07-01T00:00:00Z")
    made.customer(currency="USD")
    return made


def calls(api: Api, code: str = "calls", price: str = "1", **fields: Any) -> dict[str, Any]:
    metric = api.metric(code, aggregation_type="sum_agg", field_name="n", recurring=False)
    return api.seat_charge(metric, price, prorated=False) | fields


def shown(api: Api, wallet: dict[str, Any]) -> dict[str, Any]:
    return api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]


def test_wallets_6_a_simple_payment(api: Api) -> None:
    api.tax(applied_to_organization=True)
    api.plan(charges=[calls(api, price="9")])
    api.subscribe()
    wallet = api.wallet(rate_amount="0.9", granted_credits=None)
    # 50.00 / 0.9 = 55.55556 credits -> 50.00
    api.ok("POST", "/wallet_transactions", {"wallet_transaction": {"wallet_id": wallet["lago_id"], "granted_credits": "55.55556"}})
    api.event("one", code="calls", n="3")
    # 27.00 + 20 % = 32.40 shows at once
    assert shown(api, wallet)["ongoing_balance_cents"] == 5000 - 3240
    api.move_to("2026-08-01T00:00:00Z")
    [invoice] = api.invoices()
    assert {
        name: invoice[name]
        for name in invoice
        if name.endswith("_cents") and ("prepaid" in name or "total" in name) and "offset" not in name
    } == {
        "sub_total_excluding_taxes_amount_cents": 2700,
        "sub_total_including_taxes_amount_cents": 3240,
        "prepaid_credit_amount_cents": 3240,
        "prepaid_granted_credit_amount_cents": 3240,
        "prepaid_purchased_credit_amount_cents": None,
        "total_amount_cents": 0,
        "total_due_amount_cents": 0,
        "total_paid_amount_cents": 0,
    }
    assert invoice["payment_status"] == "succeeded"
    after = shown(api, wallet)
    assert (after["balance_cents"], after["ongoing_balance_cents"], after["consumed_credits"]) == (1760, 1760, "36.0")
    [paid] = [
        item
        for item in api.ok("GET", f"/wallets/{wallet['lago_id']}/wallet_transactions")["wallet_transactions"]
        if item["transaction_status"] == "invoiced"
    ]
    assert (paid["credit_amount"], paid["amount"], paid["lago_invoice_id"]) == ("36.0", "32.4", invoice["lago_id"])

    # wallets_21: a voided invoice gives the credits back, as granted ones.
    api.ok("POST", f"/invoices/{invoice['lago_id']}/void", {})
    back = shown(api, wallet)
    assert (back["balance_cents"], back["consumed_credits"]) == (5000, "0.0")


def test_wallets_7_priority_and_limitation(api: Api) -> None:
    api.plan(amount_cents=4900, charges=[calls(api, "storage"), calls(api, "requests")])
    api.subscribe()
    first = api.wallet(name="a", granted_credits="20", priority=1, applies_to={"billable_metric_codes": ["storage"]})
    second = api.wallet(name="b", granted_credits="100", priority=2)
    api.event("one", code="storage", n="30")
    api.event("two", code="requests", n="12")
    api.move_to("2026-08-01T00:00:00Z")
    [invoice] = api.invoices()
    # 49.00 + 30.00 + 12.00 = 91.00: 20.00 of the first, 71.00 of the second
    assert (invoice["sub_total_including_taxes_amount_cents"], invoice["total_amount_cents"]) == (9100, 0)
    assert (shown(api, first)["balance_cents"], shown(api, second)["balance_cents"]) == (0, 2900)


def test_two_invoices_of_one_instant_share_a_wallet(api: Api) -> None:
    api.plan(amount_cents=3000)
    api.subscribe(consolidate_invoice=False)
    api.subscribe(external_id="other", consolidate_invoice=False)
    wallet = api.wallet(granted_credits="50")
    api.move_to("2026-08-01T00:00:00Z")
    assert sorted(invoice["prepaid_credit_amount_cents"] for invoice in api.invoices()) == [2000, 3000]
    assert shown(api, wallet)["balance_cents"] == 0


def test_a_draft_leaves_wallets_alone_until_it_is_final(api: Api) -> None:
    api.customer(billing_configuration={"invoice_grace_period": 3})
    api.plan(amount_cents=3000)
    api.subscribe()
    wallet = api.wallet(granted_credits="20")
    api.move_to("2026-08-02T00:00:00Z")
    [draft] = api.invoices()
    assert (draft["status"], draft["prepaid_credit_amount_cents"]) == ("draft", 0)
    now = shown(api, wallet)
    assert (now["balance_cents"], now["ongoing_balance_cents"]) == (2000, -1000)
    api.move_to("2026-08-04T00:00:00Z")
    [final] = api.invoices()
    assert (final["status"], final["prepaid_credit_amount_cents"], final["total_due_amount_cents"]) == ("finalized", 2000, 1000)


def test_credits_that_are_bought_come_when_their_invoice_is_paid(api: Api) -> None:
    wallet = api.wallet(rate_amount="0.5", granted_credits=None, paid_credits="20")
    [bought] = api.ok("GET", f"/wallets/{wallet['lago_id']}/wallet_transactions")["wallet_transactions"]
    assert (bought["status"], bought["transaction_status"], bought["amount"], wallet["balance_cents"]) == (
        "pending",
        "purchased",
        "10.0",
        0,
    )
    invoice = api.ok("GET", f"/invoices/{bought['lago_invoice_id']}")["invoice"]
    assert (invoice["invoice_type"], invoice["status"], invoice["total_amount_cents"], invoice["taxes_amount_cents"]) == (
        "credit",
        "finalized",
        1000,
        0,
    )
    [fee] = invoice["fees"]
    assert (fee["item"]["type"], fee["item"]["item_type"], fee["units"], fee["amount_cents"], fee["precise_unit_amount"]) == (
        "credit",
        "WalletTransaction",
        "20.0",
        1000,
        "0.5",
    )
    assert fee["external_customer_id"] == "acme"
    assert ("from_date" not in fee, fee["item"]["invoice_display_name"]) == (True, "credit")
    # wallets_20: it failed first, and was paid after all.
    api.ok("PUT", f"/invoices/{invoice['lago_id']}", {"invoice": {"payment_status": "failed"}})
    assert api.ok("GET", f"/wallet_transactions/{bought['lago_id']}")["wallet_transaction"]["status"] == "failed"
    api.ok("PUT", f"/invoices/{invoice['lago_id']}", {"invoice": {"payment_status": "succeeded"}})
    paid = api.ok("GET", f"/wallet_transactions/{bought['lago_id']}")["wallet_transaction"]
    assert (paid["status"], paid["remaining_amount_cents"], paid["settled_at"]) == ("settled", 1000, "2026-07-01T00:00:00Z")
    assert shown(api, wallet)["credits_balance"] == "20.0"
    # Said again, nothing comes twice.
    api.ok("PUT", f"/invoices/{invoice['lago_id']}", {"invoice": {"payment_status": "pending"}})
    api.ok("PUT", f"/invoices/{invoice['lago_id']}", {"invoice": {"payment_status": "succeeded"}})
    assert shown(api, wallet)["credits_balance"] == "20.0"


def test_credits_that_must_be_paid_first_wait_on_an_invoice_nobody_sees(api: Api) -> None:
    wallet = api.wallet(granted_credits=None, paid_credits="100", invoice_requires_successful_payment=True)
    [bought] = api.ok("GET", f"/wallets/{wallet['lago_id']}/wallet_transactions")["wallet_transactions"]
    assert bought["status"] == "pending"
    assert bought["lago_invoice_id"] is not None
    assert api.invoices() == []
