"""Prepaid credits that were sold are given back: refunded out of their wallet, or taken off an invoice that nobody paid."""

from typing import Any

import pytest

from tests.support.server import Api, Reply, Server


@pytest.fixture
def api(server: Server) -> Api:
    made = server.organization(at="2026-07-01T00:00:00Z")
    made.customer(currency="USD")
    return made


def buy(api: Api, wallet: dict[str, Any], credits: str = "20", *, is_paid: bool = True) -> tuple[dict[str, Any], dict[str, Any]]:
    """Buy credits and return the transaction and its invoice."""
    body = {"wallet_transaction": {"wallet_id": wallet["lago_id"], "paid_credits": credits}}
    [bought] = api.ok("POST", "/wallet_transactions", body)["wallet_transactions"]
    if is_paid:
        pay(api, bought)
    return bought, api.ok("GET", f"/invoices/{bought['lago_invoice_id']}")["invoice"]


def pay(api: Api, bought: dict[str, Any]) -> None:
    api.ok("PUT", f"/invoices/{bought['lago_invoice_id']}", {"invoice": {"payment_status": "succeeded"}})


def give_back(api: Api, invoice: dict[str, Any], amount: int, *, path: str = "/credit_notes", **split: int) -> Reply:
    items = [{"fee_id": invoice["fees"][0]["lago_id"], "amount_cents": amount}]
    return api.call("POST", path, {"credit_note": {"invoice_id": invoice["lago_id"], "items": items} | split})


def test_a_refund_takes_the_credits_out_of_the_purchase(api: Api) -> None:
    wallet = api.wallet(rate_amount="0.5", granted_credits="10")
    bought, invoice = buy(api, wallet)
    estimate = give_back(api, invoice, 400, path="/credit_notes/estimate").body["estimated_credit_note"]
    caps = [estimate[f"max_{kind}_amount_cents"] for kind in ("creditable", "refundable", "offsettable")]
    assert caps == [0, 400, 0]
    assert give_back(api, invoice, 400, credit_amount_cents=400).body["error_details"] == {"credit_amount_cents": ["cannot_credit_invoice"]}
    assert give_back(api, invoice, 400, offset_amount_cents=400).body["error_details"] == {
        "offset_amount_cents": ["cannot_apply_to_paid_invoice"]
    }
    note = give_back(api, invoice, 400, refund_amount_cents=400).body["credit_note"]
    assert (note["refund_amount_cents"], note["refund_status"], note["total_amount_cents"]) == (400, "pending", 400)
    # 4.00 at 0.5 are 8 credits, of the 20 that were bought; the 10 that were granted stay.
    now = api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]
    assert (now["balance_cents"], now["credits_balance"]) == (500 + 600, "22.0")
    listed = api.ok("GET", f"/wallets/{wallet['lago_id']}/wallet_transactions", query={"transaction_status": "voided"})
    [void] = listed["wallet_transactions"]
    assert (void["transaction_status"], void["credit_amount"], void["lago_credit_note_id"]) == ("voided", "8.0", note["lago_id"])
    [funding] = api.ok("GET", f"/wallet_transactions/{void['lago_id']}/fundings")["wallet_transaction_fundings"]
    assert funding["wallet_transaction"]["lago_id"] == bought["lago_id"]
    # What is spent is not given back: 6.00 are left of it.
    assert give_back(api, invoice, 601, refund_amount_cents=601).body["error_details"] == {
        "amount_cents": ["higher_than_remaining_fee_amount"]
    }
    one_lot = {"wallet_id": wallet["lago_id"], "voided_transaction_id": bought["lago_id"], "voided_credits": "2"}
    api.ok("POST", "/wallet_transactions", {"wallet_transaction": one_lot})
    assert give_back(api, invoice, 501, refund_amount_cents=501).body["error_details"] == {"amount_cents": ["higher_than_wallet_balance"]}
    assert give_back(api, invoice, 500, refund_amount_cents=500).status == 200


def test_what_nobody_paid_is_taken_off_as_a_whole(api: Api) -> None:
    wallet = api.wallet(granted_credits=None)
    bought, invoice = buy(api, wallet, is_paid=False)
    assert give_back(api, invoice, 2000, refund_amount_cents=2000).body["code"] == "invalid_type_or_status"
    assert give_back(api, invoice, 500, offset_amount_cents=500).body["error_details"] == {
        "offset_amount_cents": ["not_equal_to_total_amount"]
    }
    assert give_back(api, invoice, 2000, offset_amount_cents=2000).status == 200
    assert api.ok("GET", f"/wallet_transactions/{bought['lago_id']}")["wallet_transaction"]["status"] == "failed"
    assert api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]["balance_cents"] == 0
    # A void gives a purchase up as well.
    voided, other = buy(api, wallet, is_paid=False)
    api.ok("POST", f"/invoices/{other['lago_id']}/void", {})
    assert api.ok("GET", f"/wallet_transactions/{voided['lago_id']}")["wallet_transaction"]["status"] == "failed"


def test_a_wallet_that_ended_gets_nothing_and_the_money_goes_back(api: Api) -> None:
    wallet = api.wallet(granted_credits="3")
    _, kept = buy(api, wallet)
    bought, invoice = buy(api, wallet, is_paid=False)
    api.ok("DELETE", f"/wallets/{wallet['lago_id']}")
    pay(api, bought)
    after = api.ok("GET", f"/wallet_transactions/{bought['lago_id']}")["wallet_transaction"]
    assert (after["status"], after["remaining_amount_cents"]) == ("failed", None)
    assert api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]["balance_cents"] == 2300
    assert give_back(api, kept, 2000, refund_amount_cents=2000).body["code"] == "invalid_type_or_status"
    refunded = give_back(api, invoice, 2000, refund_amount_cents=2000)
    assert refunded.body["credit_note"]["refund_amount_cents"] == 2000
