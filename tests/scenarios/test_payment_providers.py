"""Customers charged by the simulator, over HTTP on a test clock."""

from typing import Any

import pytest

from tests.support.receiver import receiving
from tests.support.server import Api, Server

START = "2026-07-01T00:00:00Z"


@pytest.fixture
def api(server: Server) -> Api:
    made = server.organization(at=START)
    made.add_on("setup", amount_cents=12_000)
    body = {"provider_type": "simulator", "code": "sim", "name": "Simulated"}
    made.ok("POST", "/payment_providers", {"payment_provider": body})
    return made


def linked(api: Api, method: str, external_id: str = "acme", **fields: Any) -> dict[str, Any]:
    configuration = {"payment_provider": "simulator", "payment_provider_code": "sim", "provider_customer_id": method, "sync": True}
    return api.customer(external_id, currency="USD", billing_configuration=configuration, **fields)


def sell(api: Api, customer: str = "acme", **fields: Any) -> dict[str, Any]:
    body = {"external_customer_id": customer, "fees": [{"add_on_code": "setup"}]} | fields
    invoice: dict[str, Any] = api.ok("POST", "/invoices", {"invoice": body})["invoice"]
    api.move_to(api.ok("GET", "/test_clock")["test_clock"]["frozen_time"])
    return api.ok("GET", f"/invoices/{invoice['lago_id']}")["invoice"]


def payments(api: Api, invoice: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.ok("GET", "/payments", query={"invoice_id": invoice["lago_id"]})["payments"]
    return found


def test_an_invoice_is_charged_once_it_is_final(api: Api) -> None:
    customer = linked(api, "sim_success")
    assert customer["billing_configuration"]["provider_customer_id"] == "sim_success"
    [method] = api.ok("GET", "/customers/acme/payment_methods")["payment_methods"]
    assert (method["is_default"], method["payment_provider_type"], method["provider_method_id"]) == (True, "simulator", "sim_success")

    invoice = sell(api)
    assert (invoice["payment_status"], invoice["total_paid_amount_cents"], invoice["total_due_amount_cents"]) == ("succeeded", 12_000, 0)
    [payment] = payments(api, invoice)
    assert (payment["amount_cents"], payment["payment_status"], payment["type"], payment["reference"]) == (
        12_000,
        "succeeded",
        "provider",
        "",
    )
    assert (payment["payment_provider_code"], payment["provider_customer_id"]) == ("sim", "sim_success")
    assert payment["provider_payment_id"].startswith("sim_pay_")
    assert len(api.ok("GET", "/payment_receipts")["payment_receipts"]) == 1
    again = api.call("POST", f"/invoices/{invoice['lago_id']}/retry_payment")
    assert (again.status, again.body["code"]) == (405, "invalid_status")


def test_a_refused_payment_is_asked_for_again_by_another_method(api: Api) -> None:
    terms = {"code": "remind", "name": "Remind", "thresholds": [{"currency": "USD", "amount_cents": 1}]}
    campaign = api.ok("POST", "/dunning_campaigns", {"dunning_campaign": terms})["dunning_campaign"]["lago_id"]
    linked(api, "sim_decline_insufficient_funds", applied_dunning_campaign_id=campaign)
    invoice = sell(api)
    assert (invoice["payment_status"], [row["payment_status"] for row in payments(api, invoice)]) == ("failed", ["failed"])

    path = "/customers/acme/payment_methods"
    good = api.ok("POST", path, {"payment_method": {"provider_method_id": "sim_success_after_3d"}})["payment_method"]
    [bad] = [row for row in api.ok("GET", path)["payment_methods"] if row["lago_id"] != good["lago_id"]]
    assert (good["is_default"], bad["is_default"]) == (True, False)
    api.ok("PUT", f"{path}/{bad['lago_id']}/set_as_default")
    chosen = {"payment_method": {"payment_method_type": "provider", "payment_method_id": good["lago_id"]}}
    assert api.call("POST", f"/invoices/{invoice['lago_id']}/retry_payment", chosen).status == 200
    api.move_to(START)
    # Under way for three days: nothing else is asked for meanwhile.
    assert sorted(row["payment_status"] for row in payments(api, invoice)) == ["failed", "processing"]
    assert api.ok("GET", f"/invoices/{invoice['lago_id']}")["invoice"]["payment_status"] == "pending"
    busy = api.call("POST", f"/invoices/{invoice['lago_id']}/retry_payment")
    assert (busy.status, busy.body["code"]) == (405, "payment_processor_is_currently_handling_payment")
    api.move_to("2026-07-03T23:59:59Z")
    late = api.ok("GET", f"/invoices/{invoice['lago_id']}")["invoice"]
    assert (late["payment_status"], late["payment_overdue"]) == ("pending", True)
    # Overdue, but the provider is at it: neither a campaign nor anybody else asks a second time.
    asked = {"payment_request": {"external_customer_id": "acme", "lago_invoice_ids": [invoice["lago_id"]]}}
    refused = api.call("POST", "/payment_requests", asked)
    assert (refused.status, refused.body["code"]) == (405, "invoices_not_ready_for_payment_processing")
    assert api.ok("GET", "/payment_requests")["payment_requests"] == []
    api.move_to("2026-07-04T00:00:00Z")
    paid = api.ok("GET", f"/invoices/{invoice['lago_id']}")["invoice"]
    assert (paid["payment_status"], paid["total_due_amount_cents"]) == ("succeeded", 0)
    api.ok("DELETE", f"{path}/{bad['lago_id']}")
    assert [row["lago_id"] for row in api.ok("GET", path)["payment_methods"]] == [good["lago_id"]]


def test_what_is_not_charged(api: Api) -> None:
    linked(api, "sim_success")
    for fields in ({"skip_psp": True}, {"payment_method": {"payment_method_type": "manual"}}):
        invoice = sell(api, **fields)
        assert (invoice["payment_status"], payments(api, invoice)) == ("pending", [])
    api.ok("DELETE", "/payment_providers/sim")
    invoice = sell(api)
    assert (invoice["payment_status"], payments(api, invoice)) == ("pending", [])
    assert api.ok("GET", "/customers/acme/payment_methods")["payment_methods"] == []


def test_credits_that_are_bought_are_there_once_they_are_paid(api: Api) -> None:
    linked(api, "sim_success_after_1d")
    wallet = api.wallet(granted_credits=None, paid_credits="100", invoice_requires_successful_payment=True)
    api.move_to(START)
    assert api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]["credits_balance"] == "0.0"
    api.move_to("2026-07-02T00:00:00Z")
    assert api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]["credits_balance"] == "100.0"
    [invoice] = api.invoices()
    assert (invoice["status"], invoice["payment_status"], len(payments(api, invoice))) == ("finalized", "succeeded", 1)


def test_a_provider_that_is_down_is_asked_again_and_a_lost_dispute_is_noted(api: Api) -> None:
    linked(api, "sim_error", "down")
    linked(api, "sim_dispute_after_3d", "angry")
    linked(api, "sim_too_small", "small")
    down, angry, small = sell(api, "down"), sell(api, "angry"), sell(api, "small")
    assert (down["payment_status"], angry["payment_status"], small["payment_status"]) == ("pending", "succeeded", "pending")
    api.move_to("2026-07-04T00:00:00Z")
    # 24 tries: six within 38 minutes, then one an hour.
    assert api.ok("GET", f"/invoices/{down['lago_id']}")["invoice"]["payment_status"] == "failed"
    assert api.ok("GET", f"/invoices/{angry['lago_id']}")["invoice"]["payment_dispute_lost_at"].startswith("2026-07-04T00:00:00")


def test_an_overdue_balance_is_charged_as_one_payment(api: Api) -> None:
    api.customer(currency="USD")
    sold = [sell(api, net_payment_term=0)["lago_id"] for _ in range(2)]
    api.move_to("2026-07-03T00:00:00Z")
    body = {"payment_request": {"external_customer_id": "acme", "lago_invoice_ids": sold}}
    with receiving() as receiver:
        api.ok("POST", "/webhook_endpoints", {"webhook_endpoint": {"webhook_url": receiver.url}})

        linked(api, "sim_decline_expired_card")
        refused = api.ok("POST", "/payment_requests", body)["payment_request"]
        api.move_to("2026-07-03T00:00:00Z")
        failure = receiver.wait_for_type("payment_request.payment_failure")[0].json

        good = {"payment_method": {"provider_method_id": "sim_success"}}
        api.ok("POST", "/customers/acme/payment_methods", good)
        asked = api.ok("POST", "/payment_requests", body)["payment_request"]
        api.move_to("2026-07-03T00:00:00Z")

    told = failure["payment_provider_payment_request_payment_error"]
    assert (told["lago_payment_request_id"], told["provider_error"]["error_code"]) == (refused["lago_id"], "expired_card")
    states = {one["lago_id"]: one["payment_status"] for one in api.ok("GET", "/payment_requests")["payment_requests"]}
    assert states == {refused["lago_id"]: "failed", asked["lago_id"]: "succeeded"}
    # Two times 120.00, in one payment that names the request.
    paid = [one for one in api.ok("GET", "/payments")["payments"] if one["payment_status"] == "succeeded"]
    assert [(one["amount_cents"], one["payable_type"], sorted(one["invoice_ids"])) for one in paid] == [
        (24_000, "PaymentRequest", sorted(sold))
    ]
    assert [(one["payment_status"], one["total_due_amount_cents"], one["payment_overdue"]) for one in api.invoices()] == [
        ("succeeded", 0, False),
        ("succeeded", 0, False),
    ]


def test_links_are_checked(api: Api) -> None:
    def answer(configuration: dict[str, Any]) -> tuple[int, Any]:
        reply = api.call("POST", "/customers", {"customer": {"external_id": "x", "billing_configuration": configuration}})
        return reply.status, reply.body.get("error_details", reply.body.get("code"))

    unknown = {"payment_provider": "stripe", "payment_provider_code": "none", "sync_with_provider": True}
    assert answer(unknown) == (404, "payment_provider_not_found")
    assert answer({"payment_provider": "stripe"})[0] == 200  # named, and nobody is charged
    assert answer({"payment_provider": "stripe", "provider_payment_methods": ["link"]}) == (
        422,
        {"provider_payment_methods": ["value_is_invalid"]},
    )
    made = api.customer("y", billing_configuration={"payment_provider": "simulator", "sync_with_provider": True, "sync": True})
    assert made["external_id"] == "y"
    shown = api.ok("GET", "/customers/y")["customer"]["billing_configuration"]
    assert shown["provider_customer_id"].startswith("sim_cus_")
    refused = api.call("POST", "/customers/y/payment_methods", {"payment_method": {"provider_method_id": "card"}})
    assert refused.status == 422
    taken = {"payment_provider": {"provider_type": "simulator", "code": "sim", "name": "Again"}}
    assert api.call("POST", "/payment_providers", taken).body["error_details"] == {"code": ["value_already_exist"]}
    wrong = {"payment_provider": {"provider_type": "adyen", "code": "s", "name": "S"}}
    assert api.call("POST", "/payment_providers", wrong).body["error_details"] == {"provider_type": ["value_is_invalid"]}
