"""Webhooks from what happens to a receiver that verifies them."""

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import time
from typing import Any

import jwt
from lago_python_client.client import Client

from tests.support.receiver import Delivery, Handler, Receiver, close_early, hang, receiving
from tests.support.server import HOST, Api, Server


def listen(api: Api, receiver: Receiver, **fields: Any) -> Any:
    sent = {"webhook_url": receiver.url} | fields
    return api.ok("POST", "/webhook_endpoints", {"webhook_endpoint": sent})["webhook_endpoint"]


def settled(api: Api, **query: Any) -> list[dict[str, Any]]:
    """Return the log once nothing is on its way any more, the earliest first."""
    deadline = time.monotonic() + 20
    while True:
        found = api.ok("GET", "/webhooks", query={"per_page": 1000} | query)["webhooks"]
        if all(item["status"] in ("succeeded", "failed") for item in found) or time.monotonic() > deadline:
            return list(reversed(found))
        time.sleep(0.02)


def types(deliveries: list[Delivery]) -> list[str]:
    return [delivery.type for delivery in deliveries]


def test_a_webhook_is_signed_so_that_the_published_client_verifies_it(sandbox: Api) -> None:
    with receiving() as receiver:
        endpoint = listen(sandbox, receiver)
        customer = sandbox.customer("acme", name="Zoë & <Söhne>")
        [got] = receiver.wait_for(1)
    organization = sandbox.ok("GET", "/organizations")["organization"]
    assert got.json == {
        "webhook_type": "customer.created",
        "object_type": "customer",
        "organization_id": organization["lago_id"],
        "customer": customer,
    }
    assert b": " not in got.body.replace(b"http: ", b"") and "Zoë & <Söhne>".encode() in got.body
    key = Client(api_key=str(sandbox.key), api_url=f"http://{HOST}:{sandbox.port}").webhooks.public_key()
    assert key.startswith(b"-----BEGIN PUBLIC KEY-----")
    assert (got.headers["x-lago-signature-algorithm"], got.headers["content-type"]) == ("jwt", "application/json")
    claims = jwt.decode(got.headers["x-lago-signature"], key, algorithms=["RS256"], issuer=f"http://{HOST}:{sandbox.port}")
    assert set(claims) == {"data", "iss"} and claims["data"].encode() == got.body
    plain = sandbox.text("/webhooks/public_key")
    assert base64.b64decode(plain) == key
    [logged] = settled(sandbox)
    assert (logged["lago_id"], logged["status"], logged["http_status"]) == (got.headers["x-lago-unique-key"], "succeeded", 200)
    assert logged["lago_webhook_endpoint_id"] == endpoint["lago_id"]
    whole = sandbox.ok("GET", f"/webhooks/{logged['lago_id']}")["webhook"]
    assert whole["payload"] == got.json
    assert [(attempt["number"], attempt["http_status"], attempt["response"]) for attempt in whole["attempts"]] == [(1, 200, "thanks")]


def test_entitlements_are_told_with_the_plan_and_the_subscription(sandbox: Api) -> None:
    sandbox.plan()
    sandbox.customer()
    sandbox.subscribe()
    with receiving() as receiver:
        listen(sandbox, receiver)
        sandbox.ok("POST", "/features", {"feature": {"code": "seats", "privileges": [{"code": "max", "value_type": "integer"}]}})
        sandbox.ok("POST", "/plans/team/entitlements", {"entitlements": {"seats": {"max": 5}}})
        sandbox.ok("PATCH", "/subscriptions/sub/entitlements", {"entitlements": {"seats": {"max": 9}}})
        sandbox.ok("DELETE", "/features/seats")
        got = receiver.wait_for(5)
    assert sorted(types(got)) == ["feature.created", "feature.deleted", "plan.updated", "plan.updated", "subscription.updated"]
    [subscription] = [item.json["subscription"] for item in got if item.type == "subscription.updated"]
    assert subscription["entitlements"][0]["privileges"][0]["value"] == 9
    shown = [item.json["plan"]["entitlements"] for item in got if item.type == "plan.updated"]
    assert sorted(len(entitlements) for entitlements in shown) == [0, 1]


def test_hmac_and_standard_webhooks_sign_the_bytes_that_are_sent(sandbox: Api) -> None:
    with receiving() as receiver:
        secret = listen(sandbox, receiver, signature_algo="hmac")["secret"]
        other = listen(sandbox, receiver, webhook_url=receiver.url + "2", signature_algo="standard_webhooks")["secret"]
        sandbox.customer()
        got = {delivery.path: delivery for delivery in receiver.wait_for(2)}
    by_hmac, by_standard = got["/hooks"], got["/hooks2"]
    digest = hmac.digest(secret.encode(), by_hmac.body, hashlib.sha256)
    assert by_hmac.headers["x-lago-signature"] == base64.b64encode(digest).decode()
    assert by_hmac.headers["x-lago-signature-algorithm"] == "hmac"
    assert by_hmac.headers["x-lago-unique-key"] != by_standard.headers["x-lago-unique-key"]
    key = base64.b64decode(other.removeprefix("whsec_"))
    for delivery in (by_hmac, by_standard):
        signed = f"{delivery.headers['webhook-id']}.{delivery.headers['webhook-timestamp']}.".encode() + delivery.body
        expected = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        assert delivery.headers["webhook-signature"] == expected
        assert abs(int(delivery.headers["webhook-timestamp"]) - time.time()) < 60
        assert delivery.headers["webhook-id"] == delivery.headers["x-lago-unique-key"]
    assert by_standard.headers["x-lago-signature"] == by_standard.headers["webhook-signature"]


def test_a_month_of_a_subscription_is_told_in_order(sandbox: Api) -> None:
    with receiving() as receiver:
        listen(sandbox, receiver)
        metric = sandbox.metric()
        plan = sandbox.plan(amount_cents=1000, charges=[sandbox.seat_charge(metric)])
        sandbox.customer()
        subscription = sandbox.subscribe()
        sandbox.move_to("2026-08-01T00:00:00Z")
        [invoice] = sandbox.invoices()
        sandbox.ok("PUT", f"/invoices/{invoice['lago_id']}", {"invoice": {"payment_status": "succeeded"}})
        sandbox.terminate()
        receiver.wait_for(8)
        log = settled(sandbox)
    assert [item["webhook_type"] for item in log] == [
        "billable_metric.created",
        "plan.created",
        "customer.created",
        "subscription.started",
        "invoice.created",
        "invoice.generated",
        "invoice.payment_status_updated",
        "subscription.terminated",
    ]
    told = {delivery.type: delivery.json for delivery in receiver.deliveries}
    assert told["plan.created"]["plan"] == plan
    started = told["subscription.started"]["subscription"]
    assert {name: started[name] for name in subscription} == subscription
    assert started["customer"]["external_id"] == "acme" and started["plan"]["code"] == "team"
    assert told["invoice.created"]["invoice"] == invoice | {"file_url": None}
    assert told["invoice.generated"]["invoice"] == invoice and invoice["file_url"].endswith(".pdf")
    assert told["invoice.payment_status_updated"]["invoice"]["payment_status"] == "succeeded"
    ended = told["subscription.terminated"]["subscription"]
    assert ended["status"] == "terminated" and "entitlements" not in ended


def test_an_endpoint_hears_only_what_it_asks_for_and_previews_tell_nothing(sandbox: Api) -> None:
    with receiving() as receiver:
        listen(sandbox, receiver, event_types=["customer.updated", "invoice.created"])
        listen(sandbox, receiver, webhook_url=receiver.url + "/none", event_types=[])
        sandbox.plan(amount_cents=1000, pay_in_advance=True)
        sandbox.customer()
        preview = {"customer": {"external_id": "acme"}, "plan_code": "team"}
        sandbox.ok("POST", "/invoices/preview", preview)
        assert settled(sandbox) == []
        sandbox.customer(name="Other")
        sandbox.subscribe()
        assert types(receiver.wait_for(2)) == ["customer.updated", "invoice.created"]


def test_what_is_refused_tells_nothing(sandbox: Api) -> None:
    with receiving() as receiver:
        listen(sandbox, receiver)
        assert sandbox.call("POST", "/customers", {"customer": {"external_id": "acme", "currency": "???"}}).status == 422
        assert settled(sandbox) == []


def test_drafts_fees_notes_wallets_and_disputes_are_told(sandbox: Api) -> None:
    with receiving() as receiver:
        listen(sandbox, receiver)
        uploads = sandbox.metric("uploads", aggregation_type="count_agg", field_name=None, recurring=False)
        sandbox.plan(charges=[sandbox.seat_charge(uploads, "2", prorated=False, pay_in_advance=True)], amount_cents=100)
        sandbox.customer(billing_configuration={"invoice_grace_period": 2}, net_payment_term=0)
        sandbox.subscribe()
        sandbox.event("one", code="uploads")
        wallet = sandbox.wallet(paid_credits="10")
        sandbox.move_to("2026-08-01T00:00:00Z")
        sandbox.move_to("2026-08-04T00:00:00Z")
        final = next(invoice for invoice in sandbox.invoices() if invoice["invoice_type"] == "subscription")
        items = [{"fee_id": final["fees"][0]["lago_id"], "amount_cents": 1}]
        note = {"invoice_id": final["lago_id"], "credit_amount_cents": 1, "items": items}
        sandbox.ok("POST", "/credit_notes", {"credit_note": note})
        sandbox.ok("POST", f"/invoices/{final['lago_id']}/lose_dispute")
        sandbox.ok("DELETE", f"/wallets/{wallet['lago_id']}")
        sandbox.move_to("2026-08-04T00:00:00Z")
        log = settled(sandbox)
    told = {item["webhook_type"] for item in log}
    assert {
        "fee.created",
        "invoice.drafted",
        "invoice.ready_to_finalize",
        "invoice.created",
        "invoice.paid_credit_added",
        "invoice.payment_dispute_lost",
        "credit_note.created",
        "credit_note.generated",
        "wallet.created",
        "wallet.updated",
        "wallet.terminated",
        "wallet_transaction.created",
    } <= told, told
    bodies = {delivery.type: delivery.json for delivery in receiver.deliveries}
    assert bodies["invoice.payment_dispute_lost"]["payment_dispute_lost"]["invoice"]["customer"]["external_id"] == "acme"
    assert bodies["wallet_transaction.created"]["wallet_transaction"]["wallet"]["lago_id"] == wallet["lago_id"]
    assert bodies["fee.created"]["fee"]["event_transaction_id"] == "one"
    assert "applies_to" not in bodies["wallet.created"]["wallet"]


def test_a_receiver_that_fails_is_tried_three_times(sandbox: Api) -> None:
    def answer_500(handler: Handler, _number: int) -> None:
        handler.answer(500, b"out of order")

    with receiving(answer_500) as receiver:
        listen(sandbox, receiver)
        sandbox.customer()
        [log] = settled(sandbox)
        assert (log["status"], log["http_status"], log["attempts_count"], log["retries"]) == ("failed", 500, 3, 2)
        assert len({delivery.headers["x-lago-unique-key"] for delivery in receiver.wait_for(3)}) == 1
        assert len({delivery.body for delivery in receiver.deliveries}) == 1
        whole = sandbox.ok("GET", f"/webhooks/{log['lago_id']}")["webhook"]
        assert [(item["number"], item["http_status"], item["response"]) for item in whole["attempts"]] == [
            (number, 500, "out of order") for number in (1, 2, 3)
        ]
        receiver.behave = lambda handler, _number: handler.answer(201)
        again = sandbox.ok("POST", f"/webhooks/{log['lago_id']}/resend")["webhook"]
        assert again["status"] == "retrying"
        [log] = settled(sandbox)
        assert (log["status"], log["http_status"], log["attempts_count"]) == ("succeeded", 201, 4)
        sandbox.ok("POST", f"/webhooks/{log['lago_id']}/resend")
        assert settled(sandbox)[0]["attempts_count"] == 5
    assert sandbox.ok("GET", "/webhooks", query={"status[]": "failed"})["webhooks"] == []
    assert sandbox.call("POST", "/webhooks/00000000-0000-4000-8000-000000000000/resend").body["code"] == "webhook_not_found"


def test_receivers_that_hang_redirect_or_break_off_hold_nobody_up(sandbox: Api) -> None:
    def redirect(handler: Handler, _number: int) -> None:
        handler.answer(302, location="/elsewhere")

    with receiving(hang) as hanging, receiving(redirect) as redirecting, receiving(close_early) as breaking, receiving() as good:
        ids = {name: listen(sandbox, one)["lago_id"] for name, one in (("hang", hanging), ("302", redirecting), ("break", breaking))}
        listen(sandbox, good)
        began = time.monotonic()
        for number in range(20):
            sandbox.customer(f"customer {number}")
        good.wait_for(20)
        assert time.monotonic() - began < 10
        broken = settled(sandbox, webhook_endpoint_id=ids["break"])
        moved = settled(sandbox, webhook_endpoint_id=ids["302"])
    assert {(item["status"], item["http_status"], item["attempts_count"]) for item in broken} == {("failed", None, 3)}
    assert {(item["status"], item["http_status"], item["attempts_count"]) for item in moved} == {("failed", 302, 3)}
    assert {delivery.path for delivery in redirecting.deliveries} == {"/hooks"}
    attempts = sandbox.ok("GET", f"/webhooks/{broken[0]['lago_id']}")["webhook"]["attempts"]
    assert all(attempt["error"] and attempt["http_status"] is None for attempt in attempts)
    sandbox.ok("DELETE", f"/webhook_endpoints/{ids['hang']}")
    assert sandbox.ok("GET", "/webhooks", query={"webhook_endpoint_id": ids["hang"]})["webhooks"] == []


def test_webhooks_about_one_thing_arrive_in_their_order(sandbox: Api) -> None:
    def refuse_often(handler: Handler, number: int) -> None:
        handler.answer(503 if number % 3 == 1 else 200)

    with receiving(refuse_often) as receiver:
        listen(sandbox, receiver, event_types=["customer.created", "customer.updated"])
        for number in range(8):
            sandbox.customer(name=f"name {number}")
        log = settled(sandbox)
    assert [item["status"] for item in log] == ["succeeded"] * 8
    assert list(dict.fromkeys(delivery.json["customer"]["name"] for delivery in receiver.deliveries)) == [f"name {n}" for n in range(8)]


def test_a_live_organization_is_told_as_well(server: Server) -> None:
    api = server.organization(at=None)
    with receiving() as receiver:
        listen(api, receiver)
        api.customer()
        assert types(receiver.wait_for(1)) == ["customer.created"]


def test_the_command_line_lists_and_sends_again(server: Server, sandbox: Api) -> None:
    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "daycount", "webhooks", *arguments, "--data-dir", str(server.data_dir)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    with receiving() as receiver:
        listen(sandbox, receiver)
        sandbox.customer()
        [log] = settled(sandbox)
        organization_id = sandbox.ok("GET", "/organizations")["organization"]["lago_id"]
        listed = json.loads(run("list", organization_id, "--status", "succeeded", "--json"))
        assert (listed["lago_id"], listed["webhook_type"], listed["http_status"]) == (log["lago_id"], "customer.created", 200)
        run("resend", organization_id, log["lago_id"])
        assert types(receiver.wait_for(2)) == ["customer.created", "customer.created"]


def test_an_end_is_told_of_45_and_15_days_before(sandbox: Api) -> None:
    # 20 September less 45 days is 6 August, less 15 days 5 September; each at midnight UTC.
    with receiving() as receiver:
        listen(sandbox, receiver, event_types=["subscription.termination_alert"])
        sandbox.plan()
        sandbox.customer()
        sandbox.subscribe(ending_at="2026-09-20T12:00:00Z")
        sandbox.move_to("2026-08-05T23:59:59Z")
        assert settled(sandbox) == []
        sandbox.move_to("2026-09-19T00:00:00Z")
        log = settled(sandbox)
        assert [(item["webhook_type"], item["created_at"]) for item in log] == [
            ("subscription.termination_alert", "2026-08-06T00:00:00Z"),
            ("subscription.termination_alert", "2026-09-05T00:00:00Z"),
        ]
        assert receiver.wait_for(2)[0].json["subscription"]["ending_at"] == "2026-09-20T12:00:00Z"
