"""Requests that cannot be accepted, sent to every route: the answer is the contract's error, and nothing is stored."""

import json
import typing
from decimal import Decimal
from types import UnionType
from typing import Any
from uuid import UUID

import pytest
from msgspec import Struct, UnsetType

from daycount.api.routing import Route
from tests.api.world import (
    ROOTED,
    ROUTES,
    WRITING,
    World,
    as_last_seen,
    content_of,
    everything_stored,
    good_body,
    needed_query,
    path_of,
    path_to_nothing,
    why_no_error_body,
)
from tests.support.server import ADMIN_TOKEN, Api, Server

CHECKED = tuple(route for route in WRITING if route.pattern not in ("/events", "/events/batch"))
"""Routes whose fields are described by a struct; events are read field by field and have tests of their own."""

UNREADABLE = {
    "nothing": b"",
    "blanks": b" \n",
    "a word": b"plan",
    "half an object": b'{"a": {"b": 1}',
    "two objects": b"{} {}",
    "a trailing comma": b'{"a": 1,}',
    "not a number": b'{"a": NaN}',
    "invalid UTF-8": b'{"a": "\xff\xfe"}',
    "a lone surrogate": b'{"a": "\\ud800"}',
    "a NUL byte": b'{"a": "\x00"}',
    "objects without end": b'{"a":' * 100_000,
    "lists in lists": b"[" * 5_000 + b"]" * 5_000,
}
WRONG_ROOTS: dict[str, Any] = {"null": None, "a text": "x", "a number": 1, "true": True, "a list of texts": ["x"], "a list in a list": [[]]}
WRONG_VALUES: dict[Any, tuple[Any, ...]] = {
    str: ({"a": 1}, ["a"]),
    int: ("many", {}, [1], True, "1e3", "٣", 10**40),
    bool: ("maybe", {}, [True], 2),
    Decimal: ("many", {}, [1], True, "Infinity", "NaN", "1e999"),
    dict: ("x", 1, ["a"]),
    list: ("x", 1, {"a": 1}),
    Struct: ("x", 1, ["a"]),
    Any: (),
}


def named(route: Route) -> str:
    return f"{route.method} {route.pattern}"


def fields_of(struct: Any) -> dict[str, Any]:
    """Return the kind of each field of an input: its type without absent, null and type arguments."""
    kinds = {}
    for name, hint in typing.get_type_hints(struct).items():
        options = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, UnionType) else (hint,)
        [kind] = [option for option in options if option not in (UnsetType, type(None))]
        kind = typing.get_origin(kind) or kind
        kinds[name] = Struct if issubclass(kind, Struct) else kind
    return kinds


def wrong_fields(route: Route) -> list[tuple[str, Any]]:
    """Return each field of an input with each value that is of no use for it; what takes anything says itself what is wrong."""
    kinds = fields_of(route.accepts)
    return [(field, value) for field, kind in kinds.items() if kind not in (UUID, Any) for value in WRONG_VALUES[kind]]


@pytest.mark.parametrize("route", ROOTED, ids=named)
def test_a_body_without_its_root_is_a_bad_request(world: World, route: Route) -> None:
    before = as_last_seen(world.api)

    bodies: list[Any] = [{}, {"other": {"name": "x"}}, [], "x", 1] + ([] if route.is_body_optional else [None])

    replies = [world.api.call(route.method, path_of(route, world), body) for body in bodies]

    if route.operation == "create_batch_events":  # an absent list of events is an empty one, by the contract
        assert replies[0].body["error_details"] == {"events": ["no_events"]}
        assert replies[1].body["error_details"] == {"events": ["no_events"]}
        replies = replies[2:]
    assert [reply.status for reply in replies] == [400] * len(replies)
    assert [why_no_error_body(400, reply.body) for reply in replies] == [None] * len(replies)
    assert everything_stored(world.api) == before


def test_the_answer_names_the_missing_root(sandbox: Api) -> None:
    reply = sandbox.call("POST", "/customers", {"plan": {"name": "x"}})

    assert reply.body == {"status": 400, "error": "BadRequest: param is missing or the value is empty or invalid: customer"}


@pytest.mark.parametrize("route", ROOTED, ids=named)
def test_a_root_of_the_wrong_type_is_a_bad_request(world: World, route: Route) -> None:
    before = as_last_seen(world.api)
    wrong = {name: value for name, value in WRONG_ROOTS.items() if (route.operation, name) != ("create_batch_events", "null")}

    replies = {name: world.api.call(route.method, path_of(route, world), {route.root_in: value}) for name, value in wrong.items()}

    assert {name: reply.status for name, reply in replies.items()} == dict.fromkeys(wrong, 400)
    assert everything_stored(world.api) == before


@pytest.mark.parametrize("route", WRITING, ids=named)
def test_a_body_that_is_no_json_is_a_bad_request(world: World, route: Route) -> None:
    before, path = as_last_seen(world.api), "/api/v1" + path_of(route, world)

    unreadable = {name: body for name, body in UNREADABLE.items() if body.strip() or not route.is_body_optional}
    replies = {name: world.api.raw(route.method, path, body) for name, body in unreadable.items()}

    if route.operation == "create_batch_events":  # the key `a` is skipped unread, so that its bytes do not matter
        assert replies.pop("invalid UTF-8").body["error_details"] == {"events": ["no_events"]}
    assert {name: reply.status for name, reply in replies.items()} == dict.fromkeys(replies, 400)
    assert {name: why_no_error_body(400, reply.body) for name, reply in replies.items()} == dict.fromkeys(replies)
    assert everything_stored(world.api) == before


@pytest.mark.parametrize("route", ROOTED, ids=named)
def test_what_is_broken_inside_the_root_is_a_bad_request_too(world: World, route: Route) -> None:
    before = as_last_seen(world.api)
    bodies = {
        "invalid UTF-8": b'"code": "\xff", "name": "\xff"',
        "a lone surrogate": b'"code": "\\udc00"',
        "invalid UTF-8 in an id": b'"transaction_id": "\xff", "code": "x"',
        "invalid UTF-8 in an object": b'"transaction_id": "t", "code": "x", "properties": {"a": "\xff"}',
        "5000 lists": b'"transaction_id": "t", "code": "x", "properties": {"a": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    }
    root = json.dumps(route.root_in).encode()
    opened, closed = (b"[{", b"}]") if route.operation == "create_batch_events" else (b"{", b"}")

    replies = {
        name: world.api.raw(route.method, "/api/v1" + path_of(route, world), b"{" + root + b":" + opened + inner + closed + b"}")
        for name, inner in bodies.items()
    }

    assert {name: reply.status for name, reply in replies.items()} == dict.fromkeys(bodies, 400)
    assert everything_stored(world.api) == before


@pytest.mark.parametrize("route", WRITING, ids=named)
def test_a_body_of_ten_megabytes_is_too_large(world: World, route: Route) -> None:
    body = json.dumps({route.root_in: {"name": "x" * 10_000_000}}).encode()

    reply = world.api.raw(route.method, "/api/v1" + path_of(route, world), body)

    assert (reply.status, reply.body) == (413, {"status": 413, "error": "Payload Too Large", "code": "payload_too_large"})


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_without_a_valid_key_nobody_is_let_in(server: Server, world: World, route: Route) -> None:
    body = json.dumps(good_body(route, world)).encode() if route.accepts is not None else None
    before = as_last_seen(world.api)
    stranger = server.client(None)
    headers = [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {world.api.key}x"},
        {"Authorization": str(world.api.key)},
        {"Authorization": "Bearer 0"},
        {"Authorization": "Bearer \xff\xfe"},
        {"Authorization": f"Bearer {ADMIN_TOKEN}"},
    ]

    replies = [stranger.raw(route.method, "/api/v1" + path_of(route, world), body, sent) for sent in headers]

    assert [(reply.status, reply.body) for reply in replies] == [(401, {"status": 401, "error": "Unauthorized"})] * len(headers)
    assert everything_stored(world.api) == before


SINGULAR = {"taxes": "tax", "parked_customers": "customer", "billing_entities": "billing_entity"}
"""What one of a resource is called where that is not its plural without an s."""
LISTS_NOTHING = {"find_all_customer_past_usage"}
"""Past usage of whom nobody knows is an empty list: the contract has it so."""


def missing(route: Route) -> str:
    """Return the code that says what is not found: what the first id of the path stands for."""
    plural = route.segments[0]
    return f"{SINGULAR.get(plural, plural.removesuffix('s'))}_not_found"


@pytest.mark.parametrize("route", [route for route in ROUTES if "{" in route.pattern and route.operation not in LISTS_NOTHING], ids=named)
def test_an_unknown_id_is_not_found(world: World, route: Route) -> None:
    body = good_body(route, world) if route.accepts is not None else None

    reply = world.api.call(route.method, path_to_nothing(route), body)

    assert (reply.status, reply.body) == (404, {"status": 404, "error": "Not Found", "code": missing(route)})


STRANGE_IDS = ("%00", "a%00b", "%FF%FE", "%ED%A0%80", "%2F", "..", "%2E%2E", "%25", "%", "%zz", "x" * 3000, "'--", "*", "%F0%9F%92%B6")


@pytest.mark.parametrize("route", [route for route in ROUTES if "{" in route.pattern and route.operation not in LISTS_NOTHING], ids=named)
def test_an_id_of_any_bytes_is_just_unknown(world: World, route: Route) -> None:
    before, _, rest = route.pattern.partition("{")
    body = json.dumps(good_body(route, world)).encode() if route.accepts is not None else None

    replies = {one: world.api.raw(route.method, f"/api/v1{before}{one}{rest.partition('}')[2]}", body) for one in STRANGE_IDS}

    assert {one: (reply.status, reply.body["code"]) for one, reply in replies.items()} == dict.fromkeys(STRANGE_IDS, (404, missing(route)))


@pytest.mark.parametrize("route", CHECKED, ids=named)
def test_values_of_the_wrong_type_are_refused_under_their_fields(world: World, route: Route) -> None:
    before = as_last_seen(world.api)

    for field, value in wrong_fields(route):
        body = good_body(route, world)
        content_of(route, body)[field] = value

        reply = world.api.call(route.method, path_of(route, world), body)

        assert reply.status == 422, (field, value, reply)
        assert why_no_error_body(422, reply.body) is None, (field, value, reply)
        assert field in reply.body["error_details"], (field, value, reply)
    assert everything_stored(world.api) == before


def test_all_mistakes_are_told_at_once(sandbox: Api) -> None:
    reply = sandbox.call("POST", "/plans", {"plan": {"amount_cents": "many", "pay_in_advance": "maybe", "name": ["x"]}})

    assert reply.body["error_details"] == {
        "amount_cents": ["value_is_invalid"],
        "pay_in_advance": ["value_is_invalid"],
        "name": ["value_is_invalid"],
    }


EVENT_MISTAKES = {
    "no transaction id": ({"transaction_id": None}, {"transaction_id": ["value_is_mandatory"]}),
    "a blank transaction id": ({"transaction_id": " "}, {"transaction_id": ["value_is_mandatory"]}),
    "an object as transaction id": ({"transaction_id": {"a": 1}}, {"transaction_id": ["value_is_mandatory"]}),
    "no code": ({"code": None}, {"code": ["value_is_mandatory"]}),
    "a code of 256 characters": ({"code": "x" * 256}, {"code": ["value_is_too_long"]}),
    "an id of 256 characters": ({"external_subscription_id": "x" * 256}, {"external_subscription_id": ["value_is_too_long"]}),
    "ISO 8601": ({"timestamp": "2026-07-01T00:00:00Z"}, {"timestamp": ["invalid_format"]}),
    "an empty timestamp": ({"timestamp": ""}, {"timestamp": ["invalid_format"]}),
    "a boolean timestamp": ({"timestamp": True}, {"timestamp": ["invalid_format"]}),
    "a list as timestamp": ({"timestamp": [1]}, {"timestamp": ["invalid_format"]}),
    "digits of another script": ({"timestamp": "\u0663"}, {"timestamp": ["invalid_format"]}),
    "an exponent": ({"timestamp": "1e9"}, {"timestamp": ["invalid_format"]}),
    "a timestamp of 40 digits": ({"timestamp": 10**40}, {"timestamp": ["invalid_format"]}),
    "a text as properties": ({"properties": "x"}, {"properties": ["value_is_invalid"]}),
    "a list as properties": ({"properties": [1]}, {"properties": ["value_is_invalid"]}),
    "two mistakes": ({"code": "", "timestamp": "x"}, {"code": ["value_is_mandatory"], "timestamp": ["invalid_format"]}),
}


@pytest.mark.parametrize(("change", "details"), EVENT_MISTAKES.values(), ids=EVENT_MISTAKES)
def test_an_event_is_refused_under_the_wrong_field(world: World, change: dict[str, Any], details: dict[str, Any]) -> None:
    event = {"transaction_id": "bad", "code": "seats", "external_subscription_id": "sub"} | change
    good = {"transaction_id": "good", "code": "seats", "external_subscription_id": "sub"}

    single = world.api.call("POST", "/events", {"event": event})
    batch = world.api.call("POST", "/events/batch", {"events": [good, event]})

    assert (single.status, single.body["error_details"]) == (422, details)
    assert (batch.status, batch.body["error_details"]) == (422, {"1": details})
    assert world.api.call("GET", "/events/bad").status == 404
    assert world.api.call("GET", "/events/good").status == 404


def test_a_refused_batch_stores_none_of_its_events(sandbox: Api) -> None:
    events = [{"transaction_id": f"t{number}", "code": "x", "external_subscription_id": "s"} for number in range(5)]

    refused = sandbox.call("POST", "/events/batch", {"events": [*events, events[2]]})

    assert refused.body["error_details"] == {"5": {"transaction_id": ["value_already_exist"]}}
    assert sandbox.ok("GET", "/events")["events"] == []


def test_batches_hold_between_one_and_a_hundred_events(sandbox: Api) -> None:
    event = {"code": "x", "external_subscription_id": "s"}

    too_many = sandbox.call("POST", "/events/batch", {"events": [event | {"transaction_id": f"t{number}"} for number in range(101)]})
    none = sandbox.call("POST", "/events/batch", {"events": []})
    full = sandbox.call("POST", "/events/batch", {"events": [event | {"transaction_id": f"t{number}"} for number in range(100)]})

    assert (too_many.status, too_many.body["error_details"]) == (422, {"events": ["too_many_events"]})
    assert (none.status, none.body["error_details"]) == (422, {"events": ["no_events"]})
    assert (full.status, len(full.body["events"]), list(full.body)) == (200, 100, ["events"])


def test_a_code_is_taken_once(world: World) -> None:
    before = as_last_seen(world.api)
    metric = {"name": "Other", "code": "seats", "aggregation_type": "count_agg"}

    replies = [
        world.api.call("POST", "/billable_metrics", {"billable_metric": metric}),
        world.api.call("POST", "/plans", {"plan": good_body_of_plan(world) | {"code": "team"}}),
    ]

    assert [(reply.status, reply.body["error_details"]) for reply in replies] == [(422, {"code": ["value_already_exist"]})] * 2
    assert everything_stored(world.api) == before


def good_body_of_plan(world: World) -> dict[str, Any]:
    route = next(route for route in ROUTES if route.operation == "create_plan")
    return good_body(route, world)["plan"]


def test_an_event_is_taken_once(world: World) -> None:
    again = world.api.call("POST", "/events", {"event": {"transaction_id": "first", "code": "seats", "external_subscription_id": "sub"}})

    assert (again.status, again.body["error_details"]) == (422, {"transaction_id": ["value_already_exist"]})


LONG = "".join(f"{number:x}" for number in range(2000))  # 6 743 characters that hardly compress


def test_what_an_index_holds_has_a_length(sandbox: Api) -> None:
    sandbox.plan()
    plan = {"name": "x", "code": LONG, "interval": "monthly", "amount_cents": 0, "amount_currency": "USD", "pay_in_advance": False}
    subscription = {"external_customer_id": LONG, "plan_code": "team", "external_id": "s"}

    replies = [
        sandbox.call("POST", "/billable_metrics", {"billable_metric": {"name": "x", "code": LONG, "aggregation_type": "count_agg"}}),
        sandbox.call("POST", "/plans", {"plan": plan}),
        sandbox.call("POST", "/customers", {"customer": {"external_id": LONG}}),
        sandbox.call("POST", "/subscriptions", {"subscription": subscription}),
    ]

    assert [(reply.status, reply.body.get("error_details")) for reply in replies] == [
        (422, {"code": ["value_is_too_long"]}),
        (422, {"code": ["value_is_too_long"]}),
        (422, {"external_id": ["value_is_too_long"]}),
        (422, {"external_customer_id": ["value_is_too_long"]}),
    ]
    assert sandbox.ok("GET", "/customers")["customers"] == []


def test_a_transaction_id_may_be_long(sandbox: Api) -> None:
    sandbox.ok("POST", "/events", {"event": {"transaction_id": LONG, "code": "x", "external_subscription_id": "s"}})

    [event] = sandbox.ok("GET", "/events")["events"]
    assert event["transaction_id"] == LONG


def test_nul_characters_are_dropped(sandbox: Api) -> None:
    customer = sandbox.ok("POST", "/customers", {"customer": {"external_id": "a\0b", "metadata": [{"key": "k\0", "value": "v\0w"}]}})[
        "customer"
    ]
    event = sandbox.ok("POST", "/events", {"event": {"transaction_id": "t", "code": "x", "properties": {"a": "b\0c"}}})["event"]

    assert customer["external_id"] == "ab"
    assert [(pair["key"], pair["value"]) for pair in customer["metadata"]] == [("k", "vw")]
    assert event["properties"] == {"a": "bc"}
    assert sandbox.ok("GET", "/customers/a%00b")["customer"] == customer


def test_nesting_of_any_depth_is_answered(sandbox: Api) -> None:
    plan = {"name": "x", "interval": "monthly", "amount_cents": 0, "amount_currency": "USD", "pay_in_advance": False}
    body = json.dumps({"plan": plan | {"code": "CODE", "metadata": "HERE"}})
    answers = set()

    for depth in (10, 100, 300, 600, 900, 1200, 10_000):
        nested = '{"a":' * depth + "1" + "}" * depth
        reply = sandbox.raw("POST", "/api/v1/plans", body.replace('"HERE"', nested).replace("CODE", f"c{depth}").encode())
        answers.add(reply.status)
        assert why_no_error_body(reply.status, reply.body) is None

    assert answers <= {400, 422}
    assert sandbox.ok("GET", "/plans")["plans"] == []


QUERIES = {
    "/invoices": {
        "amount_from": ("x", "1.5", "1e3", "9" * 30, "٣"),
        "amount_to": ("x",),
        "statuses[]": ("x", "generating", "open", "closed", "deleted"),
        "status": ("x",),
        "payment_statuses[]": ("x",),
        "payment_status": ("x",),
    },
    "/customers": {"account_type[]": ("x",), "customer_type": ("x",), "currencies[]": ("XXX", "usd")},
    "/events": {
        "timestamp_from": ("x", "2026-13-01", "1782864000x", "2" * 200, "0001-01-01T00:00:00+14:00"),
        "timestamp_to": ("x",),
        "timestamp_from_started_at": ("x",),
    },
}


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [(path, name, value) for path, names in QUERIES.items() for name, values in names.items() for value in values],
)
def test_a_filter_that_means_nothing_is_refused(world: World, path: str, name: str, value: str) -> None:
    reply = world.api.call("GET", path, query={name: value})

    assert reply.status == 422, reply
    assert list(reply.body["error_details"]) == [name.removesuffix("[]")]


@pytest.mark.parametrize("path", ["/invoices", "/customers", "/subscriptions", "/customers/acme/invoices", "/customers/acme/subscriptions"])
def test_an_unknown_billing_entity_is_not_found(world: World, path: str) -> None:
    reply = world.api.call("GET", path, query={"billing_entity_codes[]": "nowhere"})

    assert (reply.status, reply.body["code"]) == (404, "billing_entity_not_found")


STRANGE_QUERIES = ("a=%", "=&&=&", "page[]=1", "%00=%00", "external_id=%FF", "x=" + "y" * 5000, "&".join(["a=1"] * 900))


@pytest.mark.parametrize("route", [route for route in ROUTES if route.is_list and route.method == "GET"], ids=named)
def test_a_strange_query_is_no_failure(world: World, route: Route) -> None:
    needed = "".join(f"{name}={value}&" for name, value in needed_query(route).items())

    replies = {query: world.api.raw("GET", f"/api/v1{path_of(route, world)}?{needed}{query}").status for query in STRANGE_QUERIES}

    assert replies == dict.fromkeys(STRANGE_QUERIES, 200)


def test_a_thousand_and_one_parameters_are_too_many(world: World) -> None:
    assert world.api.raw("GET", "/api/v1/plans?" + "&".join(["a=1"] * 1001)).status == 400
