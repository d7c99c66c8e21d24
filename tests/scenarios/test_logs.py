"""Logs: what was asked of the API, what happened, and what is not kept."""

import json
from typing import Any

import pytest

from tests.support.server import Api, Server


def requests(api: Api, **query: Any) -> list[dict[str, Any]]:
    return api.ok("GET", "/api_logs", query=query)["api_logs"]


def activities(api: Api, **query: Any) -> list[tuple[str, str, str]]:
    rows = api.ok("GET", "/activity_logs", query=query)["activity_logs"]
    return [(row["activity_type"], row["activity_source"], row["resource_type"]) for row in rows]


def test_requests_that_change_something_are_logged_with_their_answers(sandbox: Api) -> None:
    customer = {"customer": {"external_id": "acme", "name": "Acme", "webhook_secret": "hush"}}
    sandbox.raw("POST", "/api/v1/customers?a=b", json.dumps(customer).encode(), {"User-Agent": "Lago Ruby v1.26.0"})
    sandbox.call("POST", "/plans", {"plan": {"name": "Team"}})
    sandbox.call("DELETE", "/plans/nothing")
    sandbox.call("GET", "/plans")
    sandbox.event("first", code="calls")

    found = requests(sandbox)
    made = found[-1]

    assert [(entry["http_method"], entry["http_status"], entry["request_path"]) for entry in found] == [
        ("delete", 404, "/api/v1/plans/nothing"),
        ("post", 422, "/api/v1/plans"),
        ("post", 200, "/api/v1/customers"),
    ]
    assert (made["client"], made["api_version"], made["logged_at"]) == ("Lago Ruby v1.26.0", "v1", "2026-07-01T00:00:00Z")
    assert made["request_origin"] == f"http://127.0.0.1:{sandbox.port}/"
    assert made["request_body"] == {"customer": {"external_id": "acme", "name": "Acme", "webhook_secret": "[hidden]"}}
    assert made["request_response"]["customer"]["external_id"] == "acme"
    assert found[1]["request_response"]["code"] == "validation_errors"
    assert sandbox.ok("GET", f"/api_logs/{made['request_id']}")["api_log"] == made


def test_requests_are_found_by_method_status_path_and_time(sandbox: Api) -> None:
    sandbox.customer()
    sandbox.call("POST", "/plans", {"plan": {"name": "Team"}})
    sandbox.call("PUT", "/plans/nothing", {"plan": {"name": "Team"}})

    def statuses(**query: Any) -> list[int]:
        return [entry["http_status"] for entry in requests(sandbox, **query)]

    assert statuses(**{"http_methods[]": "put"}) == [404]
    assert statuses(**{"http_statuses[]": "failed"}) == [404, 422]
    assert statuses(**{"http_statuses[]": ["succeeded", "404"]}) == [404, 200]
    assert statuses(request_paths="/plans/*") == [404]
    assert statuses(request_paths="/api/v1/customers/") == [200]
    assert statuses(api_version="v2") == []
    assert statuses(from_date="2026-07-02") == []
    assert len(statuses(from_date="2026-07-01", to_date="2026-07-01")) == 3
    refused = [{"http_methods[]": "trace"}, {"http_statuses[]": "fine"}, {"from_date": "soon"}]
    assert [sandbox.call("GET", "/api_logs", query=query).status for query in refused] == [422] * 3
    assert sandbox.call("GET", "/api_logs/nothing").body["code"] == "api_log_not_found"


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (
            b'{"customer": {"external_id": "a\\u0000", "name": 1' + b"0" * 30 + b"}}",
            {"customer": {"external_id": "a", "name": "1" + "0" * 30}},
        ),
        (b'{"customer": "\xff"}', {}),
        (b'{"customer": {"external_id": "a", "name": "' + b"x" * 70_000 + b'"}}', {}),
        (b'{"other": ' + b"[" * 40 + b"]" * 40 + b"}", None),
        (b"[1]", {}),
    ],
)
def test_whatever_was_sent_can_be_logged(sandbox: Api, body: bytes, kept: Any) -> None:
    sandbox.raw("POST", "/api/v1/customers", body)

    [entry] = requests(sandbox)
    assert kept is None or entry["request_body"] == kept


def test_what_happened_is_logged_whoever_caused_it(sandbox: Api) -> None:
    sandbox.metric()
    sandbox.plan(amount_cents=1000)
    sandbox.customer()
    sandbox.customer(name="Acme Inc.")
    sandbox.subscribe(ending_at="2026-07-25T00:00:00Z")
    sandbox.subscribe(external_id="later", subscription_at="2026-07-10T00:00:00Z")
    sandbox.move_to("2026-07-12T00:00:00Z")
    sandbox.terminate("later")
    sandbox.move_to("2026-07-25T00:00:00Z")

    assert activities(
        sandbox, **{"activity_types[]": ["plan.created", "customer.created", "customer.updated", "billable_metric.created"]}
    ) == [
        ("customer.updated", "api", "Customer"),
        ("customer.created", "api", "Customer"),
        ("plan.created", "api", "Plan"),
        ("billable_metric.created", "api", "BillableMetric"),
    ]
    lives = activities(sandbox, **{"resource_types[]": "Subscription"})
    assert lives == [
        ("subscription.terminated", "system", "Subscription"),
        ("subscription.terminated", "api", "Subscription"),
        ("subscription.started", "system", "Subscription"),
        ("subscription.started", "api", "Subscription"),
    ]
    made = activities(sandbox, **{"activity_types[]": "invoice.created", "activity_sources[]": "system", "external_customer_id": "acme"})
    assert ("invoice.created", "system", "Invoice") in made
    assert activities(sandbox, external_customer_id="nobody") == []
    assert activities(sandbox, external_subscription_id="later", **{"activity_sources[]": "api"}) == [
        ("subscription.terminated", "api", "Subscription")
    ]


def test_a_change_shows_what_was_before(sandbox: Api) -> None:
    sandbox.plan()
    plan = sandbox.ok("PUT", "/plans/team", {"plan": {"name": "Crew"}})["plan"]

    [entry] = sandbox.ok("GET", "/activity_logs", query={"activity_types[]": "plan.updated"})["activity_logs"]

    assert entry["activity_object_changes"]["name"] == ["Team", "Crew"]
    assert (entry["activity_object"]["name"], entry["resource_id"]) == ("Crew", plan["lago_id"])
    assert sandbox.ok("GET", f"/activity_logs/{entry['activity_id']}")["activity_log"] == entry
    assert activities(sandbox, **{"resource_ids[]": plan["lago_id"]})[0] == ("plan.updated", "api", "Plan")
    assert activities(sandbox, **{"resource_ids[]": "nothing"}) == []


def test_a_change_of_a_part_of_a_plan_is_a_change_of_the_plan(sandbox: Api) -> None:
    plan = sandbox.plan(charges=[sandbox.seat_charge(sandbox.metric())])
    price = {"charge_model": "standard", "prorated": True, "properties": {"amount": "11"}}
    sandbox.ok("PUT", "/plans/team/charges/seats", {"charge": price})
    sandbox.ok("POST", "/plans/team/metadata", {"metadata": {"tier": "2"}})
    sandbox.call("PUT", "/plans/team/charges/seats", {"charge": price | {"properties": {"amount": "x"}}})
    sandbox.ok("DELETE", "/plans/team/charges/seats")

    entries = sandbox.ok("GET", "/activity_logs", query={"activity_types[]": "plan.updated"})["activity_logs"]
    removed, described, repriced = (entry["activity_object_changes"] for entry in entries)

    assert {entry["resource_id"] for entry in entries} == {plan["lago_id"]}
    assert [[charge["properties"]["amount"] for charge in side] for side in repriced["charges"]] == [["10"], ["11"]]
    assert described == {"metadata": [None, {"tier": "2"}], "version": [2, 3]}
    assert [len(side) for side in removed["charges"]] == [1, 0]


def test_entitlements_are_changes_of_plans_and_subscriptions(sandbox: Api) -> None:
    sandbox.plan()
    sandbox.customer()
    sandbox.subscribe()
    sandbox.ok("POST", "/features", {"feature": {"code": "seats", "privileges": [{"code": "max", "value_type": "integer"}]}})
    sandbox.ok("POST", "/plans/team/entitlements", {"entitlements": {"seats": {"max": 5}}})
    sandbox.ok("PATCH", "/subscriptions/sub/entitlements", {"entitlements": {"seats": {"max": 9}}})

    assert activities(sandbox)[:3] == [
        ("subscription.updated", "api", "Subscription"),
        ("plan.updated", "api", "Plan"),
        ("feature.created", "api", "Feature"),
    ]


def test_a_refused_change_is_no_activity(sandbox: Api) -> None:
    sandbox.plan()
    sandbox.call("PUT", "/plans/team", {"plan": {"amount_cents": -1}})

    assert activities(sandbox, **{"activity_types[]": "plan.updated"}) == []


def test_entries_are_shown_for_thirty_days(sandbox: Api) -> None:
    sandbox.plan()
    sandbox.move_to("2026-07-30T00:00:00Z")
    assert len(requests(sandbox)) == 1

    sandbox.move_to("2026-08-01T00:00:00Z")

    assert requests(sandbox) == []
    assert activities(sandbox) == []


def test_matters_of_keys_are_logged_without_their_values(server: Server) -> None:
    api = server.organization()
    made = api.ok("POST", "/api_keys", {"api_key": {"name": "Second"}})["api_key"]
    api.ok("PUT", f"/api_keys/{made['lago_id']}", {"api_key": {"name": "Third"}})

    rows = api.ok("GET", "/security_logs", query={"to_date": "2026-07-01"})["security_logs"]

    assert [(row["log_type"], row["log_event"]) for row in rows] == [("api_key", "api_key.updated"), ("api_key", "api_key.created")]
    assert rows[1]["resources"]["value"] == made["value"][-4:]
    assert rows[0]["resources"]["name"] == {"deleted": "Second", "added": "Third"}
    assert made["value"] not in str(requests(api)) + str(rows)
    assert api.ok("GET", f"/security_logs/{rows[0]['log_id']}")["security_log"] == rows[0]
    assert api.call("GET", "/security_logs").body["error_details"] == {"to_date": ["value_is_mandatory"]}
    assert api.ok("GET", "/security_logs", query={"to_date": "2026-07-01", "log_types[]": "role"})["security_logs"] == []
