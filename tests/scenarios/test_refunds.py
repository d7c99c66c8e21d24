"""What credit notes refund, given back by the simulator, over HTTP on a test clock."""

from typing import Any

import pytest

from tests.scenarios.test_payment_providers import START, linked, payments, sell
from tests.support.receiver import receiving
from tests.support.server import Api, Server


@pytest.fixture
def api(server: Server) -> Api:
    made = server.organization(at=START)
    made.add_on("setup", amount_cents=12_000)
    made.ok("POST", "/payment_providers", {"payment_provider": {"provider_type": "simulator", "code": "sim", "name": "Simulated"}})
    return made


def credit(api: Api, invoice: dict[str, Any], *, refund: int, credit: int = 0) -> dict[str, Any]:
    """Make a credit note, and let what is due now happen."""
    items = [{"fee_id": invoice["fees"][0]["lago_id"], "amount_cents": refund + credit}]
    body = {"invoice_id": invoice["lago_id"], "refund_amount_cents": refund, "credit_amount_cents": credit, "items": items}
    made = api.ok("POST", "/credit_notes", {"credit_note": body})["credit_note"]
    assert made["refund_status"] == ("pending" if refund else None)
    api.move_to(api.ok("GET", "/test_clock")["test_clock"]["frozen_time"])
    return note_of(api, made)


def note_of(api: Api, note: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api.ok("GET", f"/credit_notes/{note['lago_id']}")["credit_note"]
    return found


def test_a_refund_goes_back_the_way_it_came(api: Api) -> None:
    linked(api, "sim_success", "fast")
    linked(api, "sim_refund_success_after_3d", "slow")
    fast, slow = sell(api, "fast"), sell(api, "slow")

    done = credit(api, fast, refund=2_000, credit=500)
    assert (done["refund_status"], done["refunded_at"], done["credit_status"]) == ("succeeded", START, "available")
    assert credit(api, fast, refund=0, credit=100)["refund_status"] is None

    waits = credit(api, slow, refund=12_000)
    assert (waits["refund_status"], waits["refunded_at"]) == ("pending", None)
    api.move_to("2026-07-03T23:59:59Z")
    assert note_of(api, waits)["refund_status"] == "pending"
    api.move_to("2026-07-04T00:00:00Z")
    assert (note_of(api, waits)["refund_status"], note_of(api, waits)["refunded_at"]) == ("succeeded", "2026-07-04T00:00:00Z")
    listed = api.ok("GET", "/credit_notes", query={"refund_status[]": "succeeded"})["credit_notes"]
    assert {note["lago_id"] for note in listed} == {done["lago_id"], waits["lago_id"]}
    # What was paid stays what it was.
    assert api.ok("GET", f"/invoices/{slow['lago_id']}")["invoice"]["total_paid_amount_cents"] == 12_000


def test_a_refund_that_fails_is_told_of(api: Api) -> None:
    linked(api, "sim_refund_decline_after_1d", "late")
    linked(api, "sim_refund_decline_lost_or_stolen_card", "lost")
    linked(api, "sim_refund_error", "down")
    with receiving() as receiver:
        url = {"webhook_url": receiver.url, "event_types": ["credit_note.refund_failure"]}
        api.ok("POST", "/webhook_endpoints", {"webhook_endpoint": url})
        other = url | {"webhook_url": receiver.url + "/2", "event_types": ["credit_note.provider_refund_failure"]}
        api.ok("POST", "/webhook_endpoints", {"webhook_endpoint": other})

        late, lost, down = (credit(api, sell(api, customer), refund=1_000) for customer in ("late", "lost", "down"))
        assert (late["refund_status"], lost["refund_status"], down["refund_status"]) == ("pending", "failed", "pending")
        told = receiver.wait_for_type("credit_note.refund_failure")[0].json["credit_note_payment_provider_refund_error"]
        assert len(receiver.wait_for_type("credit_note.provider_refund_failure")) == 1
        api.move_to("2026-07-02T00:00:00Z")  # 24 tries: six within 38 minutes, then one an hour

    assert (told["lago_credit_note_id"], told["external_customer_id"], told["payment_provider_code"]) == (lost["lago_id"], "lost", "sim")
    assert told["provider_error"] == {"message": "Lost or stolen card.", "error_code": "lost_or_stolen_card"}
    assert [note_of(api, note)["refund_status"] for note in (late, lost, down)] == ["failed", "failed", "failed"]
    types = [item["activity_type"] for item in api.ok("GET", "/activity_logs")["activity_logs"]]
    assert types.count("credit_note.refund_failure") == 3
    # Somebody gave it back by other means.
    path = f"/credit_notes/{lost['lago_id']}"
    by_hand = api.ok("PUT", path, {"credit_note": {"refund_status": "succeeded"}})["credit_note"]
    assert (by_hand["refund_status"], by_hand["refunded_at"]) == ("succeeded", "2026-07-02T00:00:00Z")


def test_only_the_latest_payment_is_given_back(api: Api) -> None:
    linked(api, "sim_success")
    by_hand = sell(api, skip_psp=True)
    for cents in (4_000, 8_000):
        body = {"invoice_id": by_hand["lago_id"], "amount_cents": cents, "reference": f"transfer {cents}"}
        api.ok("POST", "/payments", {"payment": body})
    assert credit(api, by_hand, refund=1_000)["refund_status"] == "pending"  # reported by PUT

    mixed = sell(api, skip_psp=True)
    api.ok("POST", "/payments", {"payment": {"invoice_id": mixed["lago_id"], "amount_cents": 9_000, "reference": "transfer"}})
    api.move_to("2026-07-02T00:00:00Z")
    assert api.call("POST", f"/invoices/{mixed['lago_id']}/retry_payment").status == 200
    api.move_to("2026-07-02T00:00:00Z")
    assert sorted((row["type"], row["amount_cents"]) for row in payments(api, mixed)) == [("manual", 9_000), ("provider", 3_000)]
    # 30.00 came by the provider: 20.00 can go back by it, and not 20.00 more.
    assert credit(api, mixed, refund=2_000)["refund_status"] == "succeeded"
    assert credit(api, mixed, refund=2_000)["refund_status"] == "failed"
    assert credit(api, mixed, refund=1_000)["refund_status"] == "succeeded"
