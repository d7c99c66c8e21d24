"""Explaining events: where each counts, and every reason why one does not; enriched events; lifetime usage."""

import subprocess
import sys
from typing import Any

import pytest

from tests.support.instants import unix
from tests.support.server import Api, Server

JULY_5 = unix("2026-07-05T00:00:00Z")


@pytest.fixture
def seats(sandbox: Api) -> Api:
    """A subscription since 1 July that pays for seats and calls; on 10 July."""
    calls = sandbox.metric(
        "calls", aggregation_type="count_agg", field_name=None, recurring=False, filters=[{"key": "region", "values": ["eu", "us"]}]
    )
    by_team = {"amount": "1", "pricing_group_keys": ["team"]}
    filters = [{"values": {"region": ["eu"]}, "properties": by_team}]
    counted = {"billable_metric_id": calls["lago_id"], "charge_model": "standard", "properties": {"amount": "2"}, "filters": filters}
    sandbox.plan(charges=[sandbox.seat_charge(sandbox.metric()), counted])
    sandbox.metric("unpriced", aggregation_type="sum_agg", field_name="value", recurring=False)
    sandbox.customer()
    sandbox.subscribe()
    sandbox.move_to("2026-07-10T00:00:00Z")
    return sandbox


def explained(api: Api, transaction_id: str) -> dict[str, Any]:
    return api.ok("GET", f"/events/{transaction_id}/explain")["event_explanation"]


def test_an_event_is_followed_to_its_bucket(seats: Api) -> None:
    seats.event("1", code="calls", timestamp=JULY_5, region="eu", team="red")
    seats.event("2", code="calls", timestamp=JULY_5, region="us")

    found, other = explained(seats, "1"), explained(seats, "2")

    [charge] = found["charges"]
    assert (charge["code"], charge["filter"]["values"], charge["grouped_by"]) == ("calls", {"region": ["eu"]}, {"team": "red"})
    assert (found["is_billed"], found["reasons"], found["subscription"]["plan_code"]) == (True, [], "team")
    assert (found["from_datetime"], found["to_datetime"]) == ("2026-07-01T00:00:00Z", "2026-07-31T23:59:59Z")
    assert found["lago_invoice_id"] is None
    assert (other["charges"][0]["filter"], other["charges"][0]["grouped_by"]) == (None, {})
    assert "Charge 'calls' (standard) counts it under the filter region eu, team red." in found["sentences"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"subscription": "nobody"}, "subscription_not_found"),
        ({"code": "nothing"}, "billable_metric_not_found"),
        ({"code": "unpriced", "value": 1}, "not_charged"),
        ({"user_id": None}, "property_missing"),
        ({"code": "unpriced", "value": "many"}, "property_not_numeric"),
        ({"user_id": "ada", "operation_type": "delete"}, "operation_type_unknown"),
        ({"code": "calls", "timestamp": unix("2026-06-05T00:00:00Z")}, "outside_subscription"),
    ],
)
def test_every_reason_not_to_bill_is_said(seats: Api, fields: dict[str, Any], code: str) -> None:
    event = seats.event("1", **{"timestamp": JULY_5} | fields)

    found = explained(seats, "1")

    assert code in {reason["code"] for reason in found["reasons"]}
    assert found["event"]["warnings"] == event["warnings"]
    assert found["is_billed"] is False
    assert found["sentences"][-1].startswith("Not billed: ")


def test_an_event_that_comes_after_its_period_was_billed_says_so(seats: Api) -> None:
    seats.event("1", code="calls", timestamp=JULY_5)
    seats.move_to("2026-08-02T00:00:00Z")
    invoice = seats.invoices()[-1]
    seats.event("2", code="calls", timestamp=JULY_5)
    seats.event("3", timestamp=JULY_5, user_id="ada")

    first, late, carried = (explained(seats, name) for name in "123")

    assert (first["is_billed"], first["lago_invoice_id"]) == (True, invoice["lago_id"])
    assert [reason["code"] for reason in late["reasons"]] == ["period_already_billed"]
    assert "it is not billed any more" in late["reasons"][0]["message"]
    assert "it counts from the next period on" in carried["reasons"][0]["message"]
    assert seats.call("GET", "/events/unknown/explain").body["code"] == "event_not_found"


def test_the_command_line_explains_an_event(server: Server) -> None:
    api = server.organization(name="Whose event is explained")
    api.plan(charges=[api.seat_charge(api.metric())])
    api.customer()
    api.subscribe()
    api.event("1", user_id="ada")
    owner = ["--organization", "Whose event is explained", "--data-dir", str(server.data_dir)]
    command = [sys.executable, "-m", "daycount", "events", "explain", "1", *owner]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert "It belongs to the subscription 'sub' of 'acme', plan 'team'." in done.stdout
    assert "Charge 'seats' (standard) counts it." in done.stdout


def test_enriched_events_carry_the_value_their_metric_reads(seats: Api) -> None:
    seats.event("1", code="unpriced", timestamp=unix("2026-07-05T00:00:01Z"), value="2.50")
    seats.event("2", code="unpriced", timestamp=JULY_5, value="many")
    seats.event("3", code="calls", timestamp=JULY_5)
    seats.event("4", code="nothing", timestamp=JULY_5)

    reply = seats.call("GET", "/events_enriched", query={"per_page": 3})
    rest = seats.ok("GET", "/events_enriched", query={"per_page": 3, "page": 2})["events"]

    assert reply.headers["x-lago-endpoint-status"] == "beta"
    assert [(event["transaction_id"], event["value"], event["decimal_value"]) for event in [*reply.body["events"], *rest]] == [
        ("4", None, "0.0"),
        ("3", "1", "1.0"),
        ("2", "many", "0.0"),
        ("1", "2.50", "2.5"),
    ]
    assert rest[0]["timestamp"] == "2026-07-05T00:00:01.000Z"
    assert reply.body["meta"]["total_count"] == 4


def test_lifetime_usage_adds_up_what_was_what_is_billed_and_what_runs(seats: Api) -> None:
    path = "/subscriptions/sub/lifetime_usage"
    seats.event("1", code="calls", timestamp=JULY_5)
    seats.move_to("2026-08-02T00:00:00Z")
    seats.event("2", code="calls")
    seats.event("3", code="calls")

    usage = seats.ok("PUT", path, {"lifetime_usage": {"external_historical_usage_amount_cents": 1234}})["lifetime_usage"]

    assert usage == seats.ok("GET", path)["lifetime_usage"]
    assert {name: usage[name] for name in usage if name.endswith(("_cents", "_datetime"))} == {
        "external_historical_usage_amount_cents": 1234,
        "invoiced_usage_amount_cents": 200,  # a call at 2.00 in July
        "current_usage_amount_cents": 400,
        "from_datetime": "2026-07-01T00:00:00Z",
        "to_datetime": "2026-08-02T00:00:00Z",
    }


def test_lifetime_usage_survives_a_change_of_plan(seats: Api) -> None:
    path = "/subscriptions/sub/lifetime_usage"
    seats.event("1", code="calls", timestamp=JULY_5)
    before = seats.ok("PUT", path, {"lifetime_usage": {"external_historical_usage_amount_cents": 5}})["lifetime_usage"]
    seats.plan("large", amount_cents=9900)
    seats.subscribe(plan="large")

    after = seats.ok("GET", path)["lifetime_usage"]

    assert after["lago_id"] == before["lago_id"]
    assert after["lago_subscription_id"] != before["lago_subscription_id"]
    assert (after["external_historical_usage_amount_cents"], after["invoiced_usage_amount_cents"]) == (5, 200)
    assert after["current_usage_amount_cents"] == 0


def test_historical_usage_is_no_less_than_nothing(seats: Api) -> None:
    path = "/subscriptions/sub/lifetime_usage"

    reply = seats.call("PUT", path, {"lifetime_usage": {"external_historical_usage_amount_cents": -1}})

    assert (reply.status, reply.body["error_details"]) == (422, {"external_historical_usage_amount_cents": ["value_is_out_of_range"]})
    assert seats.ok("GET", path)["lifetime_usage"]["external_historical_usage_amount_cents"] == 0
    assert seats.call("GET", "/subscriptions/nobody/lifetime_usage").body["code"] == "subscription_not_found"
    assert seats.call("GET", path, query={"status": "pending"}).body["code"] == "subscription_not_found"
