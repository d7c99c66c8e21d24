"""Making organizations, which is for administrators, and the clocks of sandboxes."""

import json
from typing import Any

import pytest

from tests.support.server import ADMIN_TOKEN, Api, Server

CLOCK = {"frozen_time": "2026-07-01T00:00:00Z"}


def made(server: Server, body: object, *, token: str | None = ADMIN_TOKEN) -> Any:
    return server.client(token).raw("POST", "/admin/organizations", json.dumps(body).encode())


def test_a_new_organization_shows_its_key(server: Server) -> None:
    fields = {
        "name": "Acme",
        "email": "ada@example.com",
        "country": "FR",
        "timezone": "Europe/Paris",
        "default_currency": "EUR",
        "document_number_prefix": "acm",
        "test_clock": CLOCK,
        "colour": "blue",
    }

    reply = made(server, {"organization": fields})

    shown = reply.body["organization"]
    key, uuid = shown.pop("api_key"), shown.pop("lago_id")
    assert (len(key), len(uuid)) == (36, 36)
    assert shown == {
        "name": "Acme",
        "email": "ada@example.com",
        "country": "FR",
        "timezone": "Europe/Paris",
        "default_currency": "EUR",
        "document_number_prefix": "ACM",
        "created_at": "2026-07-01T00:00:00Z",
        "test_clock": {"frozen_time": "2026-07-01T00:00:00Z", "status": "ready"},
    }
    assert server.client(key).ok("GET", "/plans")["plans"] == []


def test_a_name_is_enough(server: Server) -> None:
    shown = made(server, {"organization": {"name": "Acme"}}).body["organization"]

    assert (shown["timezone"], shown["default_currency"], shown["test_clock"]) == ("UTC", "USD", None)


def test_two_organizations_may_share_a_name(server: Server) -> None:
    first, second = (made(server, {"organization": {"name": "Acme"}}).body["organization"] for _ in range(2))

    assert first["api_key"] != second["api_key"]
    assert first["document_number_prefix"] != second["document_number_prefix"]


@pytest.mark.parametrize("token", [None, "", "wrong", ADMIN_TOKEN + "x", "\xff"])
def test_without_the_token_nobody_makes_one(server: Server, token: str | None) -> None:
    reply = made(server, {"organization": {"name": "Acme"}}, token=token)

    assert (reply.status, reply.body) == (401, {"status": 401, "error": "Unauthorized"})


def test_an_api_key_is_no_admin_token(server: Server, sandbox: Api) -> None:
    assert made(server, {"organization": {"name": "Acme"}}, token=sandbox.key).status == 401


REFUSED: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
    "no name": ({"name": None}, {"name": ["value_is_mandatory"]}),
    "a blank name": ({"name": " "}, {"name": ["value_is_mandatory"]}),
    "an unknown zone": ({"timezone": "Mars"}, {"timezone": ["invalid_timezone"]}),
    "an unknown currency": ({"default_currency": "XXX"}, {"default_currency": ["value_is_invalid"]}),
    "an unknown country": ({"country": "ZZ"}, {"country": ["not_a_valid_country_code"]}),
    "a bad address": ({"email": "nobody"}, {"email": ["invalid_email_format"]}),
    "a long prefix": ({"document_number_prefix": "x" * 11}, {"document_number_prefix": ["value_is_too_long"]}),
    "an empty prefix": ({"document_number_prefix": ""}, {"document_number_prefix": ["value_is_too_short"]}),
    "a clock without a time": ({"test_clock": {}}, {"frozen_time": ["value_is_mandatory"]}),
    "a clock at no time": ({"test_clock": {"frozen_time": "noon"}}, {"frozen_time": ["invalid_date"]}),
    "a clock of the wrong type": ({"test_clock": "noon"}, {"test_clock": ["value_is_invalid"]}),
    "a name of the wrong type": ({"name": {"first": "A"}}, {"name": ["value_is_invalid"]}),
}


@pytest.mark.parametrize(("fields", "details"), REFUSED.values(), ids=REFUSED)
def test_an_organization_is_refused_with_the_field_and_its_code(
    server: Server, fields: dict[str, Any], details: dict[str, list[str]]
) -> None:
    reply = made(server, {"organization": {"name": "Acme"} | fields})

    assert (reply.status, reply.body["error_details"]) == (422, details)


@pytest.mark.parametrize("body", [{}, {"organization": {}}, {"organization": []}, {"organization": "x"}, [], None, {"name": "Acme"}])
def test_without_the_root_it_is_a_bad_request(server: Server, body: object) -> None:
    reply = made(server, body)

    assert (reply.status, reply.body["error"]) == (400, "BadRequest: param is missing or the value is empty or invalid: organization")


def test_health_and_readiness_need_no_key(server: Server) -> None:
    anybody = server.client(None)

    health, ready = anybody.raw("GET", "/health"), anybody.raw("GET", "/ready")

    assert (health.status, health.body["message"], set(health.body)) == (200, "Success", {"version", "github_url", "message"})
    assert (ready.status, ready.body) == (200, {"status": "ok"})


# Test clocks


def test_a_sandbox_shows_its_clock(sandbox: Api) -> None:
    assert sandbox.ok("GET", "/test_clock") == {"test_clock": CLOCK | {"status": "ready"}}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2026-07-02T12:34:56Z", "2026-07-02T12:34:56Z"),
        ("2026-07-02T12:34:56+02:00", "2026-07-02T10:34:56Z"),
        ("2026-07-02", "2026-07-02T00:00:00Z"),
        ("2026-07-02T12:34:56.789Z", "2026-07-02T12:34:56Z"),
        ("2026-07-02T12:34:56", "2026-07-02T12:34:56Z"),
    ],
)
def test_a_clock_moves_to_an_instant(sandbox: Api, given: str, shown: str) -> None:
    moved = sandbox.ok("PUT", "/test_clock", {"test_clock": {"frozen_time": given}})

    assert moved == {"test_clock": {"frozen_time": shown, "status": "ready"}}
    assert sandbox.ok("GET", "/test_clock") == moved
    assert sandbox.customer()["created_at"] == shown


def test_the_same_instant_again_changes_nothing(sandbox: Api) -> None:
    sandbox.plan(amount_cents=100)
    sandbox.subscribe()
    for _ in range(3):
        sandbox.move_to("2026-08-01T00:00:00Z")

    assert len(sandbox.invoices()) == 1
    assert sandbox.ok("GET", "/test_clock")["test_clock"]["frozen_time"] == "2026-08-01T00:00:00Z"


@pytest.mark.parametrize("instant", ["2026-06-30T23:59:59Z", "2026-07-01T00:00:00+00:01", "1970-01-01", "0001-01-01"])
def test_a_clock_does_not_go_back(sandbox: Api, instant: str) -> None:
    reply = sandbox.call("PUT", "/test_clock", {"test_clock": {"frozen_time": instant}})

    assert (reply.status, reply.body["error_details"]) == (422, {"frozen_time": ["value_is_out_of_range"]})
    assert sandbox.ok("GET", "/test_clock")["test_clock"]["frozen_time"] == "2026-07-01T00:00:00Z"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (None, "value_is_mandatory"),
        ("", "value_is_mandatory"),
        ("noon", "invalid_date"),
        ("2026-13-01", "invalid_date"),
        (1782864000, "invalid_date"),
        ("10000-01-01T00:00:00Z", "invalid_date"),
        ({"at": "noon"}, "value_is_invalid"),
    ],
)
def test_a_clock_needs_an_instant(sandbox: Api, given: Any, code: str) -> None:
    reply = sandbox.call("PUT", "/test_clock", {"test_clock": {"frozen_time": given}})

    assert (reply.status, reply.body["error_details"]) == (422, {"frozen_time": [code]})


def test_a_live_organization_has_no_clock(server: Server) -> None:
    live = server.organization(at=None)
    refusal = (405, {"status": 405, "error": "Method Not Allowed", "code": "test_clock_not_available"})

    replies = [live.call("GET", "/test_clock"), live.call("PUT", "/test_clock", {"test_clock": {"frozen_time": "2099-01-01"}})]

    assert [(reply.status, reply.body) for reply in replies] == [refusal, refusal]
