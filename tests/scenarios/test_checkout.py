"""Pages to pay at: given out by the API, e-mails and the customer's own pages, and used by the simulator's payer."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.browsing import Seen, Visitor
from tests.support.receiver import receiving
from tests.support.server import Api, Server

START = "2026-07-01T00:00:00Z"


@pytest.fixture
def api(server: Server) -> Api:
    made = server.organization(at=START, name="Shop")
    made.add_on("setup", amount_cents=12_000)
    made.ok("POST", "/payment_providers", {"payment_provider": {"provider_type": "simulator", "code": "sim", "name": "Simulated"}})
    return made


def linked(api: Api, external_id: str = "acme", *, provider_customer_id: str = "cus_1", **fields: Any) -> dict[str, Any]:
    configuration = {"payment_provider": "simulator", "payment_provider_code": "sim", "provider_customer_id": provider_customer_id}
    return api.customer(external_id, currency="USD", billing_configuration=configuration | {"sync": True}, **fields)


def sell(api: Api, customer: str = "acme", **fields: Any) -> dict[str, Any]:
    body = {"external_customer_id": customer, "fees": [{"add_on_code": "setup"}]} | fields
    made: dict[str, Any] = api.ok("POST", "/invoices", {"invoice": body})["invoice"]
    return made


def read(api: Api, invoice: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api.ok("GET", f"/invoices/{invoice['lago_id']}")["invoice"]
    return found


def url_of(api: Api, invoice: dict[str, Any]) -> str:
    return str(api.ok("POST", f"/invoices/{invoice['lago_id']}/payment_url")["invoice_payment_details"]["payment_url"])


def act(visitor: Visitor, path: str, fields: dict[str, str]) -> Seen:
    """Send the form of a page to pay at, and follow where it leads."""
    reply = visitor.request("POST", path, fields)
    assert reply.status == 303, reply.words
    return visitor.look(reply.headers["location"])


def why_not(api: Api, path: str) -> Any:
    reply = api.call("POST", path)
    return reply.status, reply.body.get("error_details", {}).get("base", reply.body.get("code"))


def test_an_invoice_is_paid_on_its_page(api: Api, server: Server) -> None:
    customer = linked(api)
    invoice = sell(api)
    given = api.ok("POST", f"/invoices/{invoice['lago_id']}/payment_url")["invoice_payment_details"]
    assert given == {
        "lago_customer_id": customer["lago_id"],
        "external_customer_id": "acme",
        "payment_provider": "simulator",
        "lago_invoice_id": invoice["lago_id"],
        "payment_url": given["payment_url"],
    }
    path, visitor = urlsplit(given["payment_url"]).path, Visitor(server)
    assert path.startswith("/pay/")
    seen = visitor.look(path)
    assert (seen.status, seen.title) == (200, "Pay")
    assert "120.00 USD" in seen.words
    assert invoice["number"] in seen.words
    # Refused first: the invoice failed, and can be tried again; then a confirmation is asked for, and given.
    assert "Nothing was paid" in act(visitor, path, {"act": "pay", "outcome": "sim_decline"}).words
    assert read(api, invoice)["payment_status"] == "failed"
    waiting = act(visitor, path, {"act": "pay", "outcome": "sim_action"})
    assert waiting.title == "Confirm the payment"
    assert read(api, invoice)["payment_status"] == "pending"
    busy = api.call("POST", f"/invoices/{invoice['lago_id']}/retry_payment")
    assert (busy.status, busy.body["code"]) == (405, "payment_processor_is_currently_handling_payment")
    again = visitor.request("POST", path, {"act": "pay", "outcome": "sim_success"})
    assert (again.status, "Nothing was paid" in again.text) == (422, True)
    assert act(visitor, path, {"act": "confirm"}).title == "Paid"
    paid = read(api, invoice)
    assert (paid["payment_status"], paid["total_paid_amount_cents"], paid["total_due_amount_cents"]) == ("succeeded", 12_000, 0)
    made = api.ok("GET", "/payments", query={"invoice_id": invoice["lago_id"]})["payments"]
    assert sorted((one["payment_status"], one["amount_cents"], one["type"]) for one in made) == [
        ("failed", 12_000, "provider"),
        ("succeeded", 12_000, "provider"),
    ]
    assert len(api.ok("GET", "/payment_receipts")["payment_receipts"]) == 1
    assert why_not(api, f"/invoices/{invoice['lago_id']}/payment_url") == (422, ["invalid_invoice_status_or_payment_status"])
    twice = visitor.request("POST", path, {"act": "pay", "outcome": "sim_success"})
    assert (twice.status, len(api.ok("GET", "/payments")["payments"])) == (422, 2)


def test_a_payment_that_waits_is_settled_once_whoever_says_so(api: Api, server: Server) -> None:
    linked(api, provider_customer_id="sim_action_after_1d")
    invoice = sell(api)
    api.move_to(START)
    page, visitor = urlsplit(url_of(api, invoice)).path, Visitor(server)
    assert visitor.look(page).title == "Confirm the payment"
    assert act(visitor, page, {"act": "confirm"}).title == "Paid"
    # A day later the provider would have said the same.
    api.move_to("2026-07-03T00:00:00Z")
    [payment] = api.ok("GET", "/payments", query={"invoice_id": invoice["lago_id"]})["payments"]
    assert (payment["payment_status"], read(api, invoice)["total_paid_amount_cents"]) == ("succeeded", 12_000)
    assert len(api.ok("GET", "/payment_receipts")["payment_receipts"]) == 1
    assert visitor.request("POST", page, {"act": "confirm"}).status == 404  # its day is over


def test_a_page_is_given_out_again_for_a_day_unless_what_is_due_changes(api: Api, server: Server) -> None:
    linked(api)
    invoice = sell(api)
    first = url_of(api, invoice)
    api.move_to("2026-07-01T23:59:59Z")
    assert url_of(api, invoice) == first
    part = {"invoice_id": invoice["lago_id"], "amount_cents": 2_000, "reference": "wire"}
    api.ok("POST", "/payments", {"payment": part})
    second = url_of(api, invoice)
    assert second != first
    visitor = Visitor(server)
    assert "100.00 USD" in visitor.look(urlsplit(second).path).words
    api.move_to("2026-07-02T23:59:59Z")
    third = url_of(api, invoice)
    assert third != second
    assert visitor.request("GET", urlsplit(second).path).status == 404
    assert visitor.request("GET", urlsplit(third).path[:-2] + "AA").status == 404
    assert visitor.request("POST", urlsplit(second).path, {"act": "pay", "outcome": "sim_success"}).status == 404
    api.ok("POST", f"/invoices/{invoice['lago_id']}/void")
    assert visitor.look(urlsplit(third).path).title == "Nothing to pay"


def test_why_there_is_no_page(api: Api) -> None:
    draft_of = {"invoice_grace_period": 3}
    cases: dict[str, dict[str, Any]] = {
        "nobody": {},
        "gocardless": {"payment_provider": "gocardless"},
        "unconnected": {"payment_provider": "stripe"},
        "unlinked": {"payment_provider": "simulator", "payment_provider_code": "sim"},
    }
    for name, configuration in cases.items():
        api.customer(name, currency="USD", billing_configuration=configuration | draft_of)
    found = {name: why_not(api, f"/invoices/{sell(api, name)['lago_id']}/payment_url") for name in cases}
    assert found == {
        "nobody": (422, ["no_linked_payment_provider"]),
        "gocardless": (422, ["invalid_payment_provider"]),
        "unconnected": (422, ["missing_payment_provider"]),
        "unlinked": (422, ["missing_payment_provider_customer"]),
    }
    found = {name: why_not(api, f"/customers/{name}/checkout_url") for name in cases}
    assert found == {
        "nobody": (422, ["no_linked_payment_provider"]),
        "gocardless": (422, ["no_linked_payment_provider"]),
        "unconnected": (422, ["no_linked_payment_provider"]),
        "unlinked": (422, ["missing_payment_provider_customer"]),
    }
    unknown = "00000000-0000-4000-8000-000000000000"
    assert why_not(api, f"/invoices/{unknown}/payment_url") == (404, "invoice_not_found")
    assert why_not(api, "/customers/none/checkout_url") == (404, "customer_not_found")


def test_a_purchase_is_paid_on_its_page_and_its_credits_are_there_once(api: Api, server: Server) -> None:
    linked(api)
    wallet = api.wallet(granted_credits=None, paid_credits="30", invoice_requires_successful_payment=True)
    [bought] = api.ok("GET", f"/wallets/{wallet['lago_id']}/wallet_transactions")["wallet_transactions"]
    path = f"/wallet_transactions/{bought['lago_id']}/payment_url"
    details = api.ok("POST", path)["wallet_transaction_payment_details"]
    assert (details["payment_provider"], details["lago_wallet_transaction_id"]) == ("simulator", bought["lago_id"])
    # The invoice of the purchase is open: nobody sees it but through its page.
    assert why_not(api, f"/invoices/{bought['lago_invoice_id']}/payment_url") == (404, "invoice_not_found")
    page = urlsplit(details["payment_url"]).path
    assert act(Visitor(server), page, {"act": "pay", "outcome": "sim_success"}).title == "Paid"
    assert api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]["credits_balance"] == "30.0"
    assert why_not(api, path) == (422, ["wallet_transaction_already_settled"])


def test_a_way_to_pay_is_left_and_charged_from_then_on(api: Api, server: Server) -> None:
    with receiving() as receiver:
        api.ok("POST", "/webhook_endpoints", {"webhook_endpoint": {"webhook_url": receiver.url}})
        configuration = {"payment_provider": "simulator", "payment_provider_code": "sim", "sync_with_provider": True, "sync": True}
        customer = api.customer("acme", currency="USD", billing_configuration=configuration)
        told = receiver.wait_for_type("customer.checkout_url_generated")[0].json["payment_provider_customer_checkout_url"]
    given = api.ok("POST", "/customers/acme/checkout_url")["customer"]
    assert (
        given
        == told
        == {
            "lago_customer_id": customer["lago_id"],
            "external_customer_id": "acme",
            "payment_provider": "simulator",
            "payment_provider_code": "sim",
            "checkout_url": given["checkout_url"],
        }
    )
    visitor, path = Visitor(server), urlsplit(given["checkout_url"]).path
    assert visitor.look(path).title == "Leave a way to pay"
    assert visitor.request("POST", path, {"act": "keep", "method": "card"}).status == 422
    assert "It is kept" in act(visitor, path, {"act": "keep", "method": "sim_success"}).words
    [method] = api.ok("GET", "/customers/acme/payment_methods")["payment_methods"]
    assert (method["provider_method_id"], method["is_default"]) == ("sim_success", True)
    invoice = sell(api)
    api.move_to(START)
    assert read(api, invoice)["payment_status"] == "succeeded"


def test_an_overdue_balance_is_paid_at_the_address_in_the_mail(api: Api, server: Server) -> None:
    api.ok("PUT", "/billing_entities/default", {"billing_entity": {"email": "shop@example.com"}})
    linked(api, email="buyer@example.com")
    invoice = sell(api, net_payment_term=0)
    api.move_to("2026-07-03T00:00:00Z")
    body = {"payment_request": {"external_customer_id": "acme", "lago_invoice_ids": [invoice["lago_id"]]}}
    api.ok("POST", "/payment_requests", body)
    [mail] = [one for one in api.ok("GET", "/emails")["emails"] if one["email_type"] == "payment_request.created"]
    text = api.ok("GET", f"/emails/{mail['lago_id']}")["email"]["text"]
    [address] = [word for word in text.split() if "/pay/" in word]
    visitor, path = Visitor(server), urlsplit(address).path
    portal = urlsplit(api.ok("GET", "/customers/acme/portal_url")["customer"]["portal_url"]).path
    [own] = [link for link in visitor.look(f"{portal}/invoices/{invoice['lago_id']}").links if link.startswith("/pay/")]
    assert invoice["number"] in visitor.look(own).words
    api.move_to("2026-08-03T00:00:00Z")
    assert act(visitor, path, {"act": "pay", "outcome": "sim_success"}).title == "Paid"
    assert visitor.look(own).title == "Paid"
    [asked] = api.ok("GET", "/payment_requests")["payment_requests"]
    assert (asked["payment_status"], read(api, invoice)["payment_overdue"]) == ("succeeded", False)
