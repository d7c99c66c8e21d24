"""Customers charged by Stripe, of which a small fake stands on the loopback."""

import json
from typing import Any

import pytest

from tests.scenarios.test_payment_providers import START, payments, sell
from tests.scenarios.test_provider_webhooks import invoice_of
from tests.scenarios.test_refunds import credit, note_of
from tests.support.receiver import receiving
from tests.support.server import Api, Server
from tests.support.stripe_fake import KEY, WEBHOOK_SECRET, FakeStripe, sign


@pytest.fixture
def api(server: Server, stripe: FakeStripe) -> Api:
    made = server.organization(at=START)
    made.add_on("setup", amount_cents=12_000)
    body = {"provider_type": "stripe", "code": "st", "name": "Stripe", "secret_key": KEY, "webhook_secret": WEBHOOK_SECRET}
    made.ok("POST", "/payment_providers", {"payment_provider": body | {"success_redirect_url": "https://acme.example/paid"}})
    return made


def linked(api: Api, method: str | None, external_id: str = "acme", *, known_as: str | None = None, **fields: Any) -> dict[str, Any]:
    """Link a customer, at once, and give it a payment method."""
    configuration: dict[str, Any] = {"payment_provider": "stripe", "payment_provider_code": "st", "sync_with_provider": True, "sync": True}
    if known_as is not None:
        configuration["provider_customer_id"] = known_as
    made = api.customer(external_id, currency="USD", billing_configuration=configuration, **fields)
    if method is not None:
        api.ok("POST", f"/customers/{external_id}/payment_methods", {"payment_method": {"provider_method_id": method}})
    return made


def tell(api: Api, event_id: str, event_type: str, thing: dict[str, Any]) -> int:
    body = json.dumps({"id": event_id, "object": "event", "type": event_type, "data": {"object": thing}}).encode()
    url = api.ok("GET", "/payment_providers/st")["payment_provider"]["webhook_url"]
    reply = api.raw("POST", "/webhooks/" + url.partition("/webhooks/")[2], body, {"Stripe-Signature": sign(body)})
    return int(reply.status)


def test_what_is_due_is_charged_and_given_back(api: Api, stripe: FakeStripe) -> None:
    customer = linked(api, "pm_ok", email="a@acme.example, b@acme.example", country="DE")
    assert customer["billing_configuration"]["provider_customer_id"].startswith("cus_")
    assert customer["billing_configuration"]["provider_payment_methods"] == ["card"]

    invoice = sell(api)
    assert (invoice["payment_status"], invoice["total_paid_amount_cents"]) == ("succeeded", 12_000)
    [payment] = payments(api, invoice)
    assert payment["payment_provider_type"] == "PaymentProviders::StripeProvider"
    asked = next(one for one in reversed(stripe.asked) if one.path == "/v1/payment_intents" and one.method == "POST")
    assert asked.key == f"payment-{payment['lago_id']}"
    assert {name: asked.body.get(name) for name in ("amount", "currency", "off_session", "error_on_requires_action", "confirm")} == {
        "amount": "12000",
        "currency": "usd",
        "off_session": "true",
        "error_on_requires_action": "true",
        "confirm": "true",
    }
    assert asked.body["metadata[lago_invoice_id]"] == invoice["lago_id"]
    assert asked.body["description"].endswith(f"Invoice {invoice['number']}")

    at_once, later = credit(api, invoice, refund=5_000), credit(api, invoice, refund=1_050)
    assert (at_once["refund_status"], later["refund_status"]) == ("succeeded", "pending")
    refund = next(one for one in stripe.made("re") if one["status"] == "pending")
    assert refund["metadata"]["lago_credit_note_id"] == later["lago_id"]
    assert tell(api, "evt_1", "charge.refund.updated", refund | {"status": "failed", "failure_reason": "lost_or_stolen_card"}) == 200
    assert note_of(api, later)["refund_status"] == "failed"


def test_payments_that_need_somebody_or_fail(api: Api, stripe: FakeStripe) -> None:
    linked(api, "pm_declined", "poor")
    linked(api, "pm_3ds", "careful")
    linked(api, "pm_slow", "slow")
    with receiving() as receiver:
        types = ["invoice.payment_failure", "payment.requires_action", "payment.succeeded"]
        api.ok("POST", "/webhook_endpoints", {"webhook_endpoint": {"webhook_url": receiver.url, "event_types": types}})
        poor, careful, slow = sell(api, "poor"), sell(api, "careful"), sell(api, "slow")
        failed = receiver.wait_for_type("invoice.payment_failure")[0].json["payment_provider_invoice_payment_error"]
        action = receiver.wait_for_type("payment.requires_action")[0].json["payment"]
        assert (poor["payment_status"], careful["payment_status"], slow["payment_status"]) == ("failed", "pending", "pending")
        assert failed["provider_error"] == {"message": "Your card was declined.", "error_code": "card_declined"}
        # First without the customer, then with it there.
        assert sorted(row["payment_status"] for row in payments(api, careful)) == ["failed", "processing"]
        assert action["next_action"] == {"type": "use_stripe_sdk"}

        for invoice in (careful, slow):
            [open_one] = [row for row in payments(api, invoice) if row["payment_status"] == "processing"]
            intent = stripe.things[open_one["provider_payment_id"]] | {"status": "succeeded"}
            assert tell(api, f"evt_{intent['id']}", "payment_intent.succeeded", intent) == 200
            assert invoice_of(api, invoice)["payment_status"] == "succeeded"
        [declined] = payments(api, poor)
        intent = stripe.things[declined["provider_payment_id"]]
        assert tell(api, "evt_poor", "payment_intent.payment_failed", intent) == 200  # what is known already is not told again
        receiver.wait_for_type("payment.succeeded", 2)
    assert [delivery.type for delivery in receiver.deliveries].count("invoice.payment_failure") == 1


def test_an_answer_that_is_lost_charges_once(api: Api, stripe: FakeStripe) -> None:
    for method in ("pm_lost", "pm_fault"):
        linked(api, method, method)
        invoice = sell(api, method)
        api.move_to(api.ok("GET", "/test_clock")["test_clock"]["frozen_time"][:17] + "09Z")
        assert invoice_of(api, invoice)["payment_status"] == "succeeded"
        [payment] = payments(api, invoice)
        assert len([one for one in stripe.made("pi") if one["metadata"]["lago_payment_id"] == payment["lago_id"]]) == 1
    linked(api, None, "nobody", known_as="cus_unknown")
    with_old = linked(api, None, "known", known_as="cus_known")
    assert with_old["billing_configuration"]["provider_customer_id"] == "cus_known"
    methods = api.ok("GET", "/customers/known/payment_methods")["payment_methods"]
    assert {one["provider_method_id"]: one["is_default"] for one in methods} == {"pm_ok": True, "pm_old": False}

    setup = {"id": "seti_1", "customer": "cus_known", "payment_method": "pm_new"}
    assert tell(api, "evt_setup", "setup_intent.succeeded", setup) == 200
    assert tell(api, "evt_gone", "payment_method.detached", {"id": "pm_old", "customer": None}) == 200
    methods = api.ok("GET", "/customers/known/payment_methods")["payment_methods"]
    assert {one["provider_method_id"]: one["is_default"] for one in methods} == {"pm_ok": False, "pm_new": True}
    default = {"id": "cus_known", "invoice_settings": {"default_payment_method": "pm_ok"}}
    assert tell(api, "evt_default", "customer.updated", default) == 200
    methods = api.ok("GET", "/customers/known/payment_methods")["payment_methods"]
    assert {one["provider_method_id"]: one["is_default"] for one in methods} == {"pm_ok": True, "pm_new": False}


def test_without_webhooks_what_is_open_is_looked_at_every_day(api: Api, stripe: FakeStripe) -> None:
    linked(api, "pm_slow")
    api.ok("PUT", "/payment_providers/st", {"payment_provider": {"webhook_secret": None}})
    invoice = sell(api)
    [open_one] = payments(api, invoice)
    intent = stripe.things[open_one["provider_payment_id"]]
    api.move_to("2026-07-02T00:00:00Z")  # still in process
    stripe.is_down = True
    api.move_to("2026-07-03T00:00:00Z")  # nobody answers: in an hour again
    stripe.is_down = False
    intent["status"] = "succeeded"
    api.move_to("2026-07-03T00:59:59Z")
    assert invoice_of(api, invoice)["payment_status"] == "pending"
    api.move_to("2026-07-03T01:00:00Z")
    assert invoice_of(api, invoice)["payment_status"] == "succeeded"
    later = credit(api, invoice, refund=1_050)
    refund = next(one for one in stripe.made("re") if one["metadata"]["lago_credit_note_id"] == later["lago_id"])
    api.move_to("2026-07-04T01:00:00Z")
    assert note_of(api, later)["refund_status"] == "pending"
    refund["status"] = "succeeded"
    api.move_to("2026-07-05T01:00:00Z")
    assert note_of(api, later)["refund_status"] == "succeeded"


def test_connections_to_stripe_are_checked_and_keep_their_secrets(api: Api, server: Server) -> None:
    def refusal(at: Api, **fields: Any) -> Any:
        wanted = {"provider_type": "stripe", "code": "x", "name": "X"} | fields
        return at.call("POST", "/payment_providers", {"payment_provider": wanted}).body.get("error_details")

    assert refusal(api) == {"secret_key": ["value_is_mandatory"]}
    assert refusal(api, secret_key="key") == {"secret_key": ["value_is_invalid"]}
    assert refusal(api, secret_key="sk_live_1") == {"secret_key": ["value_is_invalid"]}  # no real money in a sandbox
    assert refusal(server.organization(at=None), secret_key="sk_live_1") is None
    assert refusal(api, provider_type="simulator", secret_key="sk_test_1") == {"secret_key": ["value_must_be_blank"]}
    shown = json.dumps(api.ok("GET", "/payment_providers")) + json.dumps(api.ok("GET", "/api_logs"))
    log = api.ok("GET", "/api_logs")["api_logs"]
    shown += json.dumps([api.ok("GET", f"/api_logs/{one['request_id']}") for one in log])
    assert KEY not in shown and WEBHOOK_SECRET not in shown and "[hidden]" in shown
