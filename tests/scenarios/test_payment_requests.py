"""Overdue invoices are asked for together, and what is paid gets a receipt."""

from typing import Any

import pytest

from tests.support.server import Api


@pytest.fixture
def api(sandbox: Api) -> Api:
    """Two invoices of 31.00, of July and August, both overdue: what is due on 1 August and 1 September is not paid by the 2nd."""
    sandbox.plan("team", amount_cents=3100)
    sandbox.customer(email="pay@acme.test")
    sandbox.subscribe()
    sandbox.move_to("2026-09-02T00:00:00Z")
    return sandbox


def ids(api: Api) -> list[str]:
    return [invoice["lago_id"] for invoice in sorted(api.invoices(), key=lambda invoice: invoice["issuing_date"])]


def ask(api: Api, invoices: list[str], **more: Any) -> dict[str, Any]:
    body = {"external_customer_id": "acme", "lago_invoice_ids": invoices, **more}
    made: dict[str, Any] = api.ok("POST", "/payment_requests", {"payment_request": body})["payment_request"]
    return made


def pay(api: Api, invoice_id: str, amount_cents: Any) -> Any:
    return api.call("POST", "/payments", {"payment": {"invoice_id": invoice_id, "amount_cents": amount_cents, "reference": "wire"}})


def test_a_request_asks_for_what_is_due_and_pays_all_its_invoices(api: Api) -> None:
    july, august = ids(api)
    assert pay(api, july, 1000).status == 200

    made = ask(api, [august, july])

    # 31.00 less 10.00 that was paid, and 31.00: 52.00.
    assert (made["amount_cents"], made["amount_currency"], made["payment_status"], made["email"]) == (
        5200,
        "USD",
        "pending",
        "pay@acme.test",
    )
    assert [invoice["lago_id"] for invoice in made["invoices"]] == [july, august]
    assert made["customer"]["external_id"] == "acme"
    assert api.ok("GET", f"/payment_requests/{made['lago_id']}")["payment_request"] == made
    assert api.ok("GET", "/customers/acme/payment_requests", query={"payment_status": "pending"})["payment_requests"] == [made]
    for query in ({"payment_status": "failed"}, {"currency": "EUR"}, {"external_customer_id": "blue"}):
        assert api.ok("GET", "/payment_requests", query=query)["payment_requests"] == []

    paid = api.ok("PUT", f"/payment_requests/{made['lago_id']}", {"payment_request": {"payment_status": "succeeded"}})["payment_request"]

    assert paid["payment_status"] == "succeeded"
    assert [(one["payment_status"], one["total_paid_amount_cents"], one["payment_overdue"]) for one in api.invoices()] == [
        ("succeeded", 3100, False),
        ("succeeded", 3100, False),
    ]
    [payment] = api.ok("GET", "/payments", query={"invoice_id": august})["payments"]
    assert (payment["payable_type"], payment["lago_payable_id"], payment["amount_cents"]) == ("PaymentRequest", made["lago_id"], 5200)
    assert payment["invoice_ids"] == [july, august]
    again = api.call("PUT", f"/payment_requests/{made['lago_id']}", {"payment_request": {"payment_status": "failed"}})
    assert (again.status, again.body["code"]) == (405, "payment_request_is_already_succeeded")
    assert pay(api, july, 1).body["error_details"] == {"base": ["payment_request_is_already_succeeded"]}
    # Taken back, an invoice keeps what was paid of it, with the request too.
    api.ok("PUT", f"/invoices/{july}", {"invoice": {"payment_status": "pending"}})
    assert api.ok("GET", f"/invoices/{july}")["invoice"]["total_paid_amount_cents"] == 3100


def test_what_cannot_be_asked_for_together(api: Api) -> None:
    july, august = ids(api)
    api.customer("blue")

    def refusal(invoices: list[str], customer: str = "acme") -> tuple[int, str]:
        body = {"external_customer_id": customer, "lago_invoice_ids": invoices}
        reply = api.call("POST", "/payment_requests", {"payment_request": body})
        return reply.status, reply.body["code"]

    assert refusal([july], "nobody") == (404, "customer_not_found")
    assert refusal([july], "blue") == (404, "invoice_not_found")
    assert refusal([]) == (404, "invoice_not_found")
    assert refusal([july, "none"]) == (404, "invoice_not_found")
    pay(api, august, 3100)
    assert refusal([july, august]) == (405, "invoices_not_overdue")
    assert api.ok("GET", "/payment_requests")["payment_requests"] == []
    made = ask(api, [july])
    wrong = api.call("PUT", f"/payment_requests/{made['lago_id']}", {"payment_request": {"payment_status": "lost"}})
    assert wrong.body["error_details"] == {"payment_status": ["value_is_invalid"]}


def test_every_payment_gets_a_receipt_numbered_by_customer(api: Api) -> None:
    july, august = ids(api)
    for invoice_id, amount in ((july, 100), (august, 200), (july, 3000)):
        assert pay(api, invoice_id, amount).status == 200

    receipts = api.ok("GET", "/payment_receipts")["payment_receipts"]

    slug = api.ok("GET", "/customers/acme")["customer"]["slug"]
    assert sorted(one["number"] for one in receipts) == [f"{slug}-RCPT-{number:06}" for number in (1, 2, 3)]
    assert {one["number"][-1]: one["payment"]["amount_cents"] for one in receipts} == {"1": 100, "2": 200, "3": 3000}
    own = api.ok("GET", "/payment_receipts", query={"invoice_id": august})["payment_receipts"]
    assert [one["payment"]["invoice_ids"] for one in own] == [[august]]
    assert api.ok("GET", f"/payment_receipts/{own[0]['lago_id']}")["payment_receipt"] == own[0]
    assert api.call("GET", "/payment_receipts", query={"invoice_id": "none"}).status == 422


@pytest.mark.parametrize("amount", [None, 0, -1, 10.5, "10.5", "ten", True, [1]])
def test_an_amount_that_is_no_whole_number_of_cents_is_refused(api: Api, amount: Any) -> None:
    reply = pay(api, ids(api)[0], amount)

    assert (reply.status, reply.body["error_details"]) == (422, {"amount_cents": ["invalid_value"]})
    assert api.ok("GET", "/payments")["payments"] == []
