"""What is wrong with events that were taken is told to whoever listens: at once, or five minutes after the hour."""

import json
from typing import Any

from tests.scenarios.test_webhooks import listen
from tests.support.receiver import receiving
from tests.support.server import Api, Server


def told(api: Api, kind: str) -> list[dict[str, Any]]:
    found = api.ok("GET", "/webhooks", query={"per_page": 1000, "event_types[]": kind})["webhooks"]
    whole = [api.ok("GET", f"/webhooks/{item['lago_id']}")["webhook"]["payload"] for item in reversed(found)]
    return [item for item in whole if item["webhook_type"] == kind]


def test_faults_of_an_hour_are_told_together(server: Server) -> None:
    api = server.organization(at="2026-07-01T10:20:00Z")
    api.customer(currency="USD")
    metric = api.metric(
        "storage", aggregation_type="sum_agg", field_name="gb", recurring=False, filters=[{"key": "region", "values": ["eu", "us"]}]
    )
    gone = api.metric("gone", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan(charges=[api.seat_charge(metric, "1", prorated=False)])
    api.subscribe()
    api.event("before", code="nothing")
    with receiving() as receiver:
        listen(api, receiver)
        api.ok("DELETE", f"/billable_metrics/{gone['code']}")
        api.event("good", code="storage", gb="1", region="eu")
        api.event("no region", code="storage", gb="1")
        api.event("unknown", code="nothing")
        api.event("deleted", code="gone")
        api.event("missing", code="storage")
        api.event("odd", code="storage", gb="many", region="mars")
        api.move_to("2026-07-01T11:04:59Z")
        assert told(api, "events.errors") == []
        api.event("later", code="still nothing")
        api.move_to("2026-07-01T11:05:00Z")
        organization = api.ok("GET", "/organizations")["organization"]["lago_id"]
        first = {
            "webhook_type": "events.errors",
            "object_type": "events_errors",
            "organization_id": organization,
            "events_errors": {
                "invalid_code": ["unknown"],
                "missing_aggregation_property": ["missing", "odd"],
                "missing_group_key": None,
                "invalid_filter_values": ["odd"],
            },
        }
        assert told(api, "events.errors") == [first]
        api.move_to("2026-07-01T13:00:00Z")
        assert [item["events_errors"]["invalid_code"] for item in told(api, "events.errors")] == [["unknown"], ["later"]]


def test_an_event_that_names_a_wallet_nobody_has_is_told_of_and_counts(server: Server) -> None:
    api = server.organization(at="2026-07-01T10:20:00Z")
    api.customer(currency="USD")
    metric = api.metric("calls", aggregation_type="sum_agg", field_name="n", recurring=False)
    api.plan(charges=[api.seat_charge(metric, "1", prorated=False, accepts_target_wallet=True)])
    api.subscribe()
    api.wallet(name="first", granted_credits="10")
    with receiving() as receiver:
        listen(api, receiver)
        api.event("named", code="calls", n="1", target_wallet_code="first")
        sent = api.event("lost", code="calls", n="2", target_wallet_code="second")
        api.event("plain", code="calls", n="4")
        [error] = told(api, "event.error")
    shown = error["event_error"]
    assert json.loads(shown["message"]) == {"target_wallet_code": ["target_wallet_code_not_found"]}
    assert (shown["status"], shown["error"]) == (422, "Unprocessable entity")
    assert shown["event"] == {name: value for name, value in sent.items() if name != "warnings"}
    assert api.usage()["amount_cents"] == 700
