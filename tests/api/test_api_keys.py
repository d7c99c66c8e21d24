"""API keys: what a key may do, and how keys are made, rotated and ended."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daycount.api.permissions import resource_of
from daycount.organizations.permissions import RESOURCES
from tests.api.world import ROUTES
from tests.support.server import Api, Reply, Server


def made(api: Api, **fields: Any) -> dict[str, Any]:
    key: dict[str, Any] = api.ok("POST", "/api_keys", {"api_key": {"name": "Other"} | fields})["api_key"]
    return key


def code_of(reply: Reply) -> tuple[int, Any]:
    return reply.status, reply.body.get("code")


def test_every_route_belongs_to_a_resource() -> None:
    assert {resource_of(route) for route in ROUTES} <= {*RESOURCES, "api_key"}


def test_a_key_may_do_what_its_map_says(server: Server, sandbox: Api) -> None:
    key = made(sandbox, permissions={"event": ["write"], "plan": ["read"]})
    restricted = server.client(key["value"])

    assert key["permissions"]["event"] == ["write"]
    assert key["permissions"]["wallet"] == []
    restricted.event("1")
    assert restricted.ok("GET", "/plans")["plans"] == []
    assert code_of(restricted.call("GET", "/events")) == (403, "read_action_not_allowed_for_event")
    assert code_of(restricted.call("POST", "/plans", {"plan": {"name": "P"}})) == (403, "write_action_not_allowed_for_plan")
    usage = restricted.call("GET", "/customers/acme/current_usage")
    assert code_of(usage) == (403, "read_action_not_allowed_for_customer_usage")
    assert code_of(restricted.call("GET", "/api_keys")) == (403, "read_action_not_allowed_for_api_key")


def test_a_key_that_may_not_write_events_sends_none(server: Server, sandbox: Api) -> None:
    restricted = server.client(made(sandbox, permissions={"event": ["read"]})["value"])
    event = {"transaction_id": "1", "code": "seats", "external_subscription_id": "sub"}

    replies = [restricted.call("POST", "/events", {"event": event}), restricted.call("POST", "/events/batch", {"events": [event]})]

    assert [code_of(reply) for reply in replies] == [(403, "write_action_not_allowed_for_event")] * 2
    assert restricted.ok("GET", "/events")["events"] == []


def test_a_value_is_shown_once(sandbox: Api) -> None:
    key = made(sandbox)

    shown = sandbox.ok("GET", f"/api_keys/{key['lago_id']}")["api_key"]

    assert shown == key | {"value": "••••••••" + key["value"][-4:]}
    assert sandbox.ok("GET", "/api_keys")["api_keys"][0]["lago_id"] == key["lago_id"]
    assert set(key["permissions"]) == set(RESOURCES)


def test_a_key_can_be_changed(server: Server, sandbox: Api) -> None:
    key = made(sandbox)
    path = f"/api_keys/{key['lago_id']}"

    changed = sandbox.ok("PUT", path, {"api_key": {"name": "Reader", "permissions": {"plan": ["read"]}}})["api_key"]

    assert (changed["name"], changed["permissions"]["plan"], changed["permissions"]["event"]) == ("Reader", ["read"], [])
    assert server.client(key["value"]).call("GET", "/customers").status == 403
    assert sandbox.ok("PUT", path, {"api_key": {"permissions": None}})["api_key"]["permissions"] == key["permissions"]


def test_a_rotated_key_keeps_its_permissions_and_the_old_one_ends(server: Server, sandbox: Api) -> None:
    key = made(sandbox, permissions={"plan": ["read"]})
    path = f"/api_keys/{key['lago_id']}/rotate"
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()

    second = sandbox.ok("POST", path, {"api_key": {"expires_at": later}})["api_key"]
    still = server.client(key["value"]).call("GET", "/plans").status
    sandbox.ok("POST", path, {"api_key": {"expires_at": None}})

    assert second["permissions"] == key["permissions"]
    assert (still, server.client(key["value"]).call("GET", "/plans").status) == (200, 401)
    assert server.client(second["value"]).call("GET", "/plans").status == 200


def test_the_last_key_that_never_expires_stays(server: Server, sandbox: Api) -> None:
    [first] = sandbox.ok("GET", "/api_keys")["api_keys"]
    limited = made(sandbox, expires_at="2100-01-01")

    refused = sandbox.call("DELETE", f"/api_keys/{first['lago_id']}")
    gone = sandbox.ok("DELETE", f"/api_keys/{limited['lago_id']}")["api_key"]

    assert (refused.status, refused.body["error_details"]) == (422, {"base": ["last_non_expiring_api_key"]})
    assert gone["expires_at"] < "2100"
    assert server.client(limited["value"]).call("GET", "/plans").status == 401


def test_the_last_use_is_noted(sandbox: Api) -> None:
    sandbox.ok("GET", "/plans")

    [key] = sandbox.ok("GET", "/api_keys")["api_keys"]

    assert key["last_used_at"] is not None


@pytest.mark.parametrize(
    ("fields", "details"),
    [
        ({"permissions": {"moon": ["read"]}}, {"permissions": ["value_is_invalid"]}),
        ({"permissions": {"plan": ["fly"]}}, {"permissions": ["value_is_invalid"]}),
        ({"permissions": {"plan": "read"}}, {"permissions": ["value_is_invalid"]}),
        ({"expires_at": "soon"}, {"expires_at": ["invalid_date"]}),
        ({"expires_at": "2020-01-01"}, {"expires_at": ["value_is_out_of_range"]}),
        ({"name": "n" * 256}, {"name": ["value_is_too_long"]}),
    ],
)
def test_keys_that_cannot_be_are_refused(sandbox: Api, fields: dict[str, Any], details: dict[str, list[str]]) -> None:
    reply = sandbox.call("POST", "/api_keys", {"api_key": {"name": "Other"} | fields})

    assert (reply.status, reply.body["error_details"]) == (422, details)
    assert len(sandbox.ok("GET", "/api_keys")["api_keys"]) == 1
