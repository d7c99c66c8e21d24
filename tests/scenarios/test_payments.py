"""Payments by hand over HTTP."""

from typing import Any

import pytest

from tests.support.files import words_of
from tests.support.server import Api, Reply, Server
from tests.support.threads import at_once


@pytest.fixture
def api(server: Server) -> Api:
    made = server.organization(at="2026-07-01T00:00:00Z")
    made.customer(currency="USD")
    made.add_on("setup", amount_cents=12_000)
    return made


def sell(api: Api) -> dict[str, Any]:
    body = {"external_customer_id": "acme", "fees": [{"add_on_code": "setup"}]}
    return api.ok("POST", "/invoices", {"invoice": body})["invoice"]


def pay(api: Api, invoice: dict[str, Any], cents: int, **fields: Any) -> dict[str, Any]:
    body = {"invoice_id": invoice["lago_id"], "amount_cents": cents, "reference": "wire"} | fields
    return api.ok("POST", "/payments", {"payment": body})["payment"]


def test_an_invoice_is_paid_in_parts(api: Api) -> None:
    # 120.00 less 20.00 offset by a credit note: 40.00, then 60.00; 60.01 would be too much.
    invoice = sell(api)
    items = [{"fee_id": invoice["fees"][0]["lago_id"], "amount_cents": 2000}]
    note = {"invoice_id": invoice["lago_id"], "offset_amount_cents": 2000, "items": items}
    api.ok("POST", "/credit_notes", {"credit_note": note})
    first = pay(api, invoice, 4000, paid_at="2026-06-30T12:00:00Z")
    assert first | {"lago_id": "", "lago_customer_id": "", "invoice_ids": [], "lago_payable_id": "", "invoice_numbers": []} == {
        "lago_id": "",
        "lago_customer_id": "",
        "external_customer_id": "acme",
        "invoice_ids": [],
        "invoice_numbers": [],
        "lago_payable_id": "",
        "payable_type": "Invoice",
        "amount_cents": 4000,
        "amount_currency": "USD",
        "status": "succeeded",
        "payment_status": "succeeded",
        "type": "manual",
        "reference": "wire",
        "payment_provider_code": None,
        "payment_provider_type": None,
        "external_payment_id": None,
        "provider_payment_id": None,
        "provider_customer_id": None,
        "payment_method_id": None,
        "next_action": {},
        "created_at": "2026-06-30T12:00:00Z",
    }
    now = api.ok("GET", f"/invoices/{invoice['lago_id']}")["invoice"]
    assert (now["payment_status"], now["total_paid_amount_cents"], now["total_due_amount_cents"]) == ("pending", 4000, 6000)
    body = {"payment": {"invoice_id": invoice["lago_id"], "amount_cents": 6001, "reference": "wire"}}
    assert api.call("POST", "/payments", body).body["error_details"] == {"amount_cents": ["value_is_out_of_range"]}
    pay(api, invoice, 6000)
    paid = api.ok("GET", f"/invoices/{invoice['lago_id']}")["invoice"]
    assert (paid["payment_status"], paid["total_paid_amount_cents"], paid["total_due_amount_cents"]) == ("succeeded", 10_000, 0)
    listed = api.ok("GET", "/payments", query={"invoice_id": invoice["lago_id"]})["payments"]
    assert [row["amount_cents"] for row in listed] == [6000, 4000]
    assert api.ok("GET", "/customers/acme/payments")["payments"] == listed
    assert api.ok("GET", f"/payments/{first['lago_id']}")["payment"] == first


@pytest.mark.parametrize(
    ("fields", "status", "answer"),
    [
        ({"invoice_id": ""}, 422, {"invoice_id": ["value_is_mandatory"]}),
        ({"invoice_id": "nothing"}, 404, "invoice_not_found"),
        ({"amount_cents": 0}, 422, {"amount_cents": ["invalid_value"]}),
        ({"reference": ""}, 422, {"reference": ["value_is_mandatory"]}),
        ({"reference": "x" * 41}, 422, {"reference": ["value_is_too_long"]}),
        ({"paid_at": "soon"}, 422, {"paid_at": ["invalid_date"]}),
        ({"amount_cents": 12_001}, 422, {"amount_cents": ["value_is_out_of_range"]}),
    ],
)
def test_what_is_refused_pays_nothing(api: Api, fields: dict[str, Any], status: int, answer: Any) -> None:
    invoice = sell(api)
    body = {"invoice_id": invoice["lago_id"], "amount_cents": 100, "reference": "wire"} | fields
    reply = api.call("POST", "/payments", {"payment": body})
    assert (reply.status, reply.body.get("error_details", reply.body["code"])) == (status, answer)
    assert api.ok("GET", "/payments")["payments"] == []


def test_wallets_22_a_purchase_that_must_be_paid_first(api: Api) -> None:
    wallet = api.wallet(granted_credits=None, paid_credits="100", invoice_requires_successful_payment=True)
    [bought] = api.ok("GET", f"/wallets/{wallet['lago_id']}/wallet_transactions")["wallet_transactions"]
    api.move_to("2026-07-03T00:00:00Z")
    body = {"payment": {"invoice_id": bought["lago_invoice_id"], "amount_cents": 9999, "reference": "wire"}}
    assert api.call("POST", "/payments", body).body["error_details"] == {"amount_cents": ["invalid_amount"]}
    pay(api, {"lago_id": bought["lago_invoice_id"]}, 10_000)
    [invoice] = api.invoices()
    assert (invoice["status"], invoice["issuing_date"], invoice["payment_due_date"]) == ("finalized", "2026-07-03", "2026-07-03")
    assert invoice["number"].endswith("-001-001")
    assert api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]["credits_balance"] == "100.0"


def test_a_status_that_is_taken_back_keeps_what_was_paid(api: Api) -> None:
    # 40.00 of 120.00 is paid; said to be paid and then not, 80.00 is due again, not 120.00.
    invoice = sell(api)
    pay(api, invoice, 4000)
    path = f"/invoices/{invoice['lago_id']}"
    said = api.ok("PUT", path, {"invoice": {"payment_status": "succeeded"}})["invoice"]
    assert (said["total_paid_amount_cents"], said["total_due_amount_cents"]) == (12_000, 0)
    for status in ("pending", "failed"):
        api.ok("PUT", path, {"invoice": {"payment_status": "succeeded"}})
        back = api.ok("PUT", path, {"invoice": {"payment_status": status}})["invoice"]
        assert (back["payment_status"], back["total_paid_amount_cents"], back["total_due_amount_cents"]) == (status, 4000, 8000)
        assert api.ok("GET", path)["invoice"]["total_due_amount_cents"] == 8000
    body = {"payment": {"invoice_id": invoice["lago_id"], "amount_cents": 8001, "reference": "wire"}}
    assert api.call("POST", "/payments", body).body["error_details"] == {"amount_cents": ["value_is_out_of_range"]}


def test_a_payment_of_half_a_cent_is_refused(api: Api) -> None:
    invoice = sell(api)
    for amount in (0.5, "10.5", 0, -1, None):
        body = {"payment": {"invoice_id": invoice["lago_id"], "amount_cents": amount, "reference": "wire"}}
        refused = api.call("POST", "/payments", body)
        assert (refused.status, refused.body["error_details"]) == (422, {"amount_cents": ["invalid_value"]}), amount
    assert api.ok("GET", "/payments")["payments"] == []
    assert api.ok("GET", "/payment_receipts")["payment_receipts"] == []
    assert pay(api, invoice, 1)["amount_cents"] == 1


def test_every_payment_has_one_receipt_numbered_by_customer(api: Api) -> None:
    first, second = sell(api), sell(api)
    paid = [pay(api, first, 4000), pay(api, first, 8000), pay(api, second, 1)]
    receipts = api.ok("GET", "/payment_receipts")["payment_receipts"]
    by_payment = {receipt["payment"]["lago_id"]: receipt for receipt in receipts}
    assert len(receipts) == 3
    slug = api.ok("GET", "/customers/acme")["customer"]["slug"]
    numbers = [by_payment[payment["lago_id"]]["number"] for payment in paid]
    assert numbers == [f"{slug}-RCPT-000001", f"{slug}-RCPT-000002", f"{slug}-RCPT-000003"]
    one = api.ok("GET", f"/payment_receipts/{by_payment[paid[0]['lago_id']]['lago_id']}")["payment_receipt"]
    assert one["payment"] == paid[0]
    assert (one["xml_url"], one["created_at"]) == (None, "2026-07-01T00:00:00Z")
    api.move_to("2026-07-01T00:00:00Z")
    made = api.ok("GET", "/payment_receipts", query={"invoice_id": first["lago_id"]})["payment_receipts"]
    texts = [words_of(receipt["file_url"]) for receipt in made]
    assert all("Payment receipt" in text and first["number"] in text for text in texts)
    assert sorted(["$40.00" in text, "$80.00" in text] for text in texts) == [[False, True], [True, False]]
    of_first = api.ok("GET", "/payment_receipts", query={"invoice_id": first["lago_id"], "per_page": 1})
    assert (len(of_first["payment_receipts"]), of_first["meta"]["total_count"]) == (1, 2)
    assert api.call("GET", "/payment_receipts", query={"invoice_id": "nothing"}).status == 422
    unknown = api.call("GET", f"/payment_receipts/{paid[0]['lago_id']}")
    assert (unknown.status, unknown.body["code"]) == (404, "payment_receipt_not_found")


def test_a_partner_gets_no_receipt(api: Api) -> None:
    api.customer("partner", currency="USD", account_type="partner")
    body = {"external_customer_id": "partner", "fees": [{"add_on_code": "setup"}]}
    pay(api, api.ok("POST", "/invoices", {"invoice": body})["invoice"], 12_000)
    assert api.ok("GET", "/payment_receipts")["payment_receipts"] == []


def test_payments_at_the_same_moment_never_come_to_more_than_is_due(api: Api, server: Server) -> None:
    # Four of 50.00 at once for 120.00: two are taken, for the third and fourth only 20.00 is left.
    invoice = sell(api)

    def pay_fifty(other: Api) -> Reply:
        body = {"invoice_id": invoice["lago_id"], "amount_cents": 5000, "reference": "wire"}
        return other.call("POST", "/payments", {"payment": body})

    replies = at_once(server, api.key, [pay_fifty] * 4)
    assert sorted(reply.status for reply in replies) == [200, 200, 422, 422]
    now = api.ok("GET", f"/invoices/{invoice['lago_id']}")["invoice"]
    assert (now["payment_status"], now["total_paid_amount_cents"], now["total_due_amount_cents"]) == ("pending", 10_000, 2000)
    assert len(api.ok("GET", "/payments")["payments"]) == len(api.ok("GET", "/payment_receipts")["payment_receipts"]) == 2
