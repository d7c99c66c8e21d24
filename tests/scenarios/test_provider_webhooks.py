"""What payment providers tell by webhooks, as the simulator tells it, over HTTP on a test clock."""

import hashlib
import json
import time
from typing import Any

import pytest

from daycount.payments.providers.simulated_webhooks import sign
from tests.scenarios.test_payment_providers import START, linked, payments, sell
from tests.scenarios.test_refunds import credit, note_of
from tests.support.receiver import receiving
from tests.support.server import Api, Server
from tests.support.threads import at_once

SECRET = "whsec_of_the_simulator"


@pytest.fixture
def api(server: Server) -> Api:
    made = server.organization(at=START)
    made.add_on("setup", amount_cents=12_000)
    body = {"provider_type": "simulator", "code": "sim", "name": "Simulated", "webhook_secret": SECRET}
    made.ok("POST", "/payment_providers", {"payment_provider": body})
    return made


def path_of(api: Api) -> str:
    provider = api.ok("GET", "/payment_providers/sim")["payment_provider"]
    assert "webhook_secret" not in provider and "secret_key" not in provider and provider["has_webhook_secret"]
    return "/webhooks/" + str(provider["webhook_url"]).partition("/webhooks/")[2]


def tell(api: Api, event_id: str, event_type: str, *, secret: str = SECRET, age_s: int = 0, path: str | None = None, **data: Any) -> Any:
    body = json.dumps({"id": event_id, "type": event_type, "data": data}).encode()
    headers = {"Simulator-Signature": sign(secret, body, sent=int(time.time()) - age_s), "Authorization": ""}
    return api.raw("POST", path or path_of(api), body, headers)


def provider_id(api: Api) -> str:
    return str(api.ok("GET", "/payment_providers/sim")["payment_provider"]["lago_id"])


def invoice_of(api: Api, invoice: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api.ok("GET", f"/invoices/{invoice['lago_id']}")["invoice"]
    return found


def test_only_who_knows_the_secret_is_heard(api: Api) -> None:
    path = path_of(api)
    assert tell(api, "evt_1", "nothing.of.interest").status == 200
    for faulty in (tell(api, "evt_2", "x", secret="guessed"), tell(api, "evt_2", "x", age_s=400)):
        assert (faulty.status, faulty.body["error"].partition(":")[0]) == (400, "BadRequest")
    assert api.raw("POST", path, b"{}", {}).status == 400
    for wrong in (path.replace("code=sim", "code=other"), "/webhooks/simulator/none", "/webhooks/gocardless/" + path.split("/")[3]):
        reply = tell(api, "evt_3", "x", path=wrong)
        assert (reply.status, reply.body["code"]) == (404, "payment_provider_not_found")
    api.ok("PUT", "/payment_providers/sim", {"payment_provider": {"webhook_secret": None}})
    assert api.raw("POST", path, b"{}", {}).status == 400


def test_a_payment_is_told_of_in_any_order_and_more_than_once(server: Server, api: Api) -> None:
    linked(api, "sim_action")  # waits for the customer, who never comes by itself
    invoice = sell(api)
    [waiting] = payments(api, invoice)
    assert (waiting["payment_status"], waiting["status"]) == ("processing", "requires_action")
    paid: dict[str, Any] = {"payment_id": waiting["provider_payment_id"], "amount_cents": 12_000, "currency": "USD"}
    with receiving() as receiver:
        types = ["payment.succeeded", "invoice.payment_failure", "invoice.payment_dispute_lost"]
        api.ok("POST", "/webhook_endpoints", {"webhook_endpoint": {"webhook_url": receiver.url, "event_types": types}})
        path = path_of(api)

        def tell_it(other: Api) -> Any:
            return tell(other, "evt_paid", "payment.succeeded", path=path, **paid).status

        assert at_once(server, None, [tell_it] * 4) == [200] * 4
        assert tell(api, "evt_late", "payment.failed", error_code="expired_card", **paid).status == 200  # too late: it is paid
        assert tell(api, "evt_lost", "dispute.lost", payment_id=paid["payment_id"], reason="fraudulent").status == 200
        receiver.wait_for_type("invoice.payment_dispute_lost")
        assert sorted(delivery.type for delivery in receiver.deliveries) == ["invoice.payment_dispute_lost", "payment.succeeded"]

    after = invoice_of(api, invoice)
    assert (after["payment_status"], after["total_due_amount_cents"], after["payment_dispute_lost_at"][:10]) == (
        "succeeded",
        0,
        "2026-07-01",
    )
    assert [one["payment_status"] for one in payments(api, invoice)] == ["succeeded"]
    assert len(api.ok("GET", "/payment_receipts")["payment_receipts"]) == 1


def test_what_was_paid_elsewhere_is_written_where_it_names_an_invoice(api: Api) -> None:
    linked(api, "sim_cus")
    invoice = sell(api, skip_psp=True)
    names: dict[str, Any] = {
        "metadata": {"lago_invoice_id": invoice["lago_id"]},
        "amount_cents": 12_000,
        "currency": "USD",
        "customer_id": "sim_cus",
    }
    assert tell(api, "evt_1", "payment.failed", payment_id="page_1", error_code="expired_card", **names).status == 200
    assert invoice_of(api, invoice)["payment_status"] == "failed"
    # The same attempt, with another card.
    assert tell(api, "evt_2", "payment.succeeded", payment_id="page_1", **names).status == 200
    assert (invoice_of(api, invoice)["payment_status"], [row["amount_cents"] for row in payments(api, invoice)]) == ("succeeded", [12_000])
    # Of nothing of ours, of another currency, or of another organization: nothing happens.
    stranger: dict[str, Any] = {
        "metadata": {"lago_invoice_id": "00000000-0000-4000-8000-000000000000"},
        "amount_cents": 1,
        "currency": "USD",
    }
    assert tell(api, "evt_3", "payment.succeeded", payment_id="page_2", **stranger).status == 200
    assert tell(api, "evt_4", "payment.succeeded", payment_id="page_3", **names | {"currency": "EUR"}).status == 200
    assert len(api.ok("GET", "/payments")["payments"]) == 1


def test_methods_come_and_go_and_refunds_arrive(api: Api) -> None:
    linked(api, "sim_refund_success_after_3d")
    methods = "/customers/acme/payment_methods"
    invoice = sell(api)

    attached: dict[str, Any] = {"customer_id": "sim_refund_success_after_3d", "payment_method_id": "sim_success"}
    assert tell(api, "evt_1", "payment_method.attached", **attached).status == 200
    assert {one["provider_method_id"]: one["is_default"] for one in api.ok("GET", methods)["payment_methods"]} == {
        "sim_success": True,
        "sim_refund_success_after_3d": False,
    }
    assert tell(api, "evt_3", "payment_method.detached", payment_method_id="sim_gone").status == 200
    assert tell(api, "evt_2", "payment_method.attached", **attached | {"payment_method_id": "sim_gone"}).status == 200  # told late
    assert tell(api, "evt_4", "payment_method.detached", payment_method_id="sim_success").status == 200
    assert [one["provider_method_id"] for one in api.ok("GET", methods)["payment_methods"]] == ["sim_refund_success_after_3d"]

    note = credit(api, invoice, refund=3_000)
    assert note["refund_status"] == "pending"
    refund: dict[str, Any] = {"refund_id": "sim_ref_elsewhere", "metadata": {"lago_credit_note_id": note["lago_id"]}}
    assert tell(api, "evt_5", "refund.succeeded", **refund).status == 200
    assert note_of(api, note)["refund_status"] == "pending"  # we know it under another id
    own = hashlib.blake2b(f"{provider_id(api)}|credit-note-{note['lago_id']}".encode(), digest_size=12).hexdigest()
    refund = {"refund_id": f"sim_ref_{own}"}
    for number, (event, status) in enumerate((("succeeded", "succeeded"), ("failed", "failed"), ("succeeded", "failed"))):
        # What arrived may come back; what came back is not there any more.
        assert tell(api, f"evt_refund_{number}", f"refund.{event}", **refund).status == 200
        assert note_of(api, note)["refund_status"] == status
    api.move_to("2026-07-05T00:00:00Z")
    assert note_of(api, note)["refund_status"] == "failed"
