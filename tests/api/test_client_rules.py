"""
The rules that the published clients put on a server, each as a test.

They were found by running the clients of Lago's API: how they join addresses, what they send with nothing to send, and
what they insist on in replies. The rules about webhooks are kept where webhooks are.
"""

import asyncio
import json
import socket
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from daycount.api.server import Server as AsgiServer
from daycount.app import build_router
from tests.api.world import ROUTES, World, a_world, needed_query, path_of
from tests.support.server import HOST, Api, Server

ODD_IDS = [
    "a.b",
    "v1.2.json",
    "ada@example.com",
    "urn:acme:1",
    "a/b",
    "a b",
    "a+b",
    "a%2Fb",
    "50%",
    "ünïcode 🎶",
    "batch",
    "..",
    "a?b#c",
    "~",
    "a;b=c",
]


def plan(**fields: Any) -> dict[str, Any]:
    given = {"name": "Team", "code": "team", "interval": "monthly", "amount_cents": 0, "amount_currency": "USD", "pay_in_advance": False}
    return {"plan": given | fields}


# Addressing


@pytest.mark.parametrize("path", ["//api/v1/plans", "/api//v1///plans", "/api/v1/plans/", "///api/v1/plans//"])
def test_repeated_slashes_are_squeezed(sandbox: Api, path: str) -> None:
    sandbox.plan()

    reply = sandbox.raw("GET", path)

    assert reply.status == 200
    assert [shown["code"] for shown in reply.body["plans"]] == ["team"]


@pytest.mark.parametrize("path", ["//api/v1/events", "/api/v1/events/", "/api/v1//events"])
def test_events_come_in_under_repeated_slashes_too(sandbox: Api, path: str) -> None:
    reply = sandbox.raw("POST", path, b'{"event": {"transaction_id": "t", "code": "x", "external_subscription_id": "s"}}')

    assert (reply.status, reply.body["event"]["transaction_id"]) == (200, "t")
    assert sandbox.ok("GET", "/events")["meta"]["total_count"] == 1


@pytest.mark.parametrize("name", ["api.example.com", "ingest.example.com", "localhost:1", "INGEST"])
def test_events_are_taken_under_any_host_name(sandbox: Api, name: str) -> None:
    body = b'{"event": {"transaction_id": "t", "code": "x", "external_subscription_id": "s"}}'

    assert sandbox.raw("POST", "/api/v1/events", body, {"Host": name}).status == 200


@pytest.mark.parametrize("id", ODD_IDS)
def test_an_id_is_cut_from_the_raw_path_and_decoded_once(sandbox: Api, id: str) -> None:
    escaped = quote(id, safe="")
    sandbox.metric(code=id)
    sandbox.plan(code=id)
    sandbox.customer(id)
    sandbox.subscribe(id, id, id)
    sandbox.event(id, subscription=id)

    assert sandbox.ok("GET", f"/billable_metrics/{escaped}")["billable_metric"]["code"] == id
    assert sandbox.ok("GET", f"/plans/{escaped}")["plan"]["code"] == id
    assert sandbox.ok("GET", f"/customers/{escaped}")["customer"]["external_id"] == id
    assert sandbox.ok("GET", f"/subscriptions/{escaped}")["subscription"]["external_id"] == id
    assert sandbox.ok("GET", f"/events/{escaped}")["event"]["transaction_id"] == id
    assert sandbox.ok("GET", f"/customers/{escaped}/current_usage", query={"external_subscription_id": id})["customer_usage"]
    assert sandbox.ok("GET", f"/customers/{escaped}/subscriptions")["meta"]["total_count"] == 1


@pytest.mark.parametrize("id", ["a.b", "ada@example.com", "urn:acme:1", "a;b=c", "a+b", "a,b", "$a", "(a)", "a!*'"])
def test_ids_may_come_unescaped(sandbox: Api, id: str) -> None:
    sandbox.customer(id)

    assert sandbox.raw("GET", f"/api/v1/customers/{id}").body["customer"]["external_id"] == id


def test_a_change_may_come_as_put_and_as_patch(sandbox: Api) -> None:
    sandbox.plan()

    assert sandbox.ok("PATCH", "/plans/team", {"plan": {"name": "Crew"}})["plan"]["name"] == "Crew"
    assert sandbox.ok("PUT", "/plans/team/metadata", {"metadata": {"tier": "2"}}) == {"metadata": {"tier": "2"}}
    assert sandbox.ok("PUT", "/plans/team/metadata", {"metadata": {"seats": "5"}}) == {"metadata": {"tier": "2", "seats": "5"}}


def test_codes_and_ids_of_subscriptions_may_hold_slashes_that_are_not_escaped(sandbox: Api) -> None:
    for make in (sandbox.plan, sandbox.metric, sandbox.add_on, sandbox.tax, sandbox.coupon):
        make("a/b")
    sandbox.customer()
    sandbox.subscribe(plan="a/b", external_id="acme/eu/1")

    found = [sandbox.ok_get(f"/{plural}/a/b") for plural in ("plans", "billable_metrics", "add_ons", "taxes", "coupons")]

    assert [thing["code"] for reply in found for thing in reply.values()] == ["a/b"] * 5
    assert sandbox.ok("PUT", "/subscriptions/acme/eu/1", {"subscription": {"name": "One"}})["subscription"]["name"] == "One"
    assert sandbox.call("GET", "/plans/a/charges").body["code"] == "plan_not_found"
    assert sandbox.ok("POST", "/plans/a/b/metadata", {"metadata": {"tier": "2"}}) == {"metadata": {"tier": "2"}}
    assert sandbox.call("GET", "/subscriptions/acme/eu/1/charges/c").body["code"] == "charge_not_found"
    assert sandbox.call("DELETE", "/plans/a/c").body["code"] == "plan_not_found"
    assert sandbox.call("POST", "/plans/a/b").body["code"] == "resource_not_found"
    assert sandbox.ok("DELETE", "/subscriptions/acme/eu/1")["subscription"]["status"] == "terminated"


def test_invoices_are_found_by_uuid_in_any_spelling(world: World) -> None:
    uuid = world.invoice["lago_id"]

    for spelling in (uuid, uuid.upper(), uuid.replace("-", "")):
        assert world.api.ok("GET", f"/invoices/{spelling}")["invoice"]["lago_id"] == uuid
    assert world.api.call("GET", f"/invoices/{world.invoice['number']}").status == 404


# Requests


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.accepts is None and route.method == "GET"], ids=lambda route: route.pattern
)
def test_a_content_type_may_come_with_an_empty_body(world: World, route: Any) -> None:
    query = f"?{urlencode(needed_query(route))}"

    reply = world.api.raw(route.method, f"/api/v1{path_of(route, world)}{query}", b"", {"Content-Type": "application/json"})

    assert reply.status == 200


def test_a_content_type_may_come_with_an_empty_body_of_a_delete(sandbox: Api) -> None:
    sandbox.metric()

    reply = sandbox.raw("DELETE", "/api/v1/billable_metrics/seats", b"", {"Content-Type": "application/json", "Content-Length": "0"})

    assert (reply.status, reply.body["billable_metric"]["code"]) == (200, "seats")


def test_no_content_type_is_needed(sandbox: Api) -> None:
    body = json.dumps(plan()).encode()

    replies = [
        sandbox.raw("POST", "/api/v1/plans", body, {"Content-Type": "text/plain"}),
        sandbox.raw("PUT", "/api/v1/plans/team", body, {"Content-Type": ""}),
    ]

    assert [reply.status for reply in replies] == [200, 200]


@pytest.mark.parametrize("body", [b'{"charge": {"cascade_updates": true}}', b"{}", b"null", b"no JSON"])
def test_a_delete_may_carry_a_body(sandbox: Api, body: bytes) -> None:
    sandbox.metric()

    assert sandbox.raw("DELETE", "/api/v1/billable_metrics/seats", body).body["billable_metric"]["code"] == "seats"


def test_nulls_of_an_event_are_absent(sandbox: Api) -> None:
    event = {
        "transaction_id": "t",
        "external_subscription_id": "s",
        "code": "x",
        "timestamp": None,
        "precise_total_amount_cents": None,
        "properties": None,
    }

    single = sandbox.ok("POST", "/events", {"event": event})["event"]
    [batched] = sandbox.ok("POST", "/events/batch", {"events": [event | {"transaction_id": "u"}]})["events"]

    for shown in (single, batched):
        assert shown["timestamp"] == "2026-07-01T00:00:00.000Z"
        assert shown["properties"] == {}
        assert shown["precise_total_amount_cents"] is None


RUBY_KEYS = [
    "name",
    "firstname",
    "lastname",
    "customer_type",
    "country",
    "address_line1",
    "address_line2",
    "city",
    "state",
    "zipcode",
    "email",
    "url",
    "phone",
    "logo_url",
    "legal_name",
    "legal_number",
    "net_payment_term",
    "tax_identification_number",
    "currency",
    "timezone",
    "finalize_zero_amount_invoice",
]
"""The keys of a customer that Ruby's client always sends and that hold a value of their own."""


def test_nulls_of_a_customer_clear_what_is_stored(sandbox: Api) -> None:
    texts: dict[str, Any] = dict.fromkeys(RUBY_KEYS, "x") | {
        "customer_type": "company",
        "country": "FR",
        "email": "ada@example.com",
        "net_payment_term": 30,
        "currency": "EUR",
        "timezone": "Europe/Paris",
        "finalize_zero_amount_invoice": "skip",
    }
    before = sandbox.customer(**texts)

    after = sandbox.ok("POST", "/customers", {"customer": {"external_id": "acme"} | dict.fromkeys(RUBY_KEYS)})["customer"]

    assert {key: before[key] for key in RUBY_KEYS} == texts
    assert {key: after[key] for key in RUBY_KEYS} == dict.fromkeys(RUBY_KEYS) | {"finalize_zero_amount_invoice": "inherit"}
    assert (after["lago_id"], after["applicable_timezone"]) == (before["lago_id"], "UTC")


def test_nulls_of_a_customer_s_lists_and_objects_are_taken(sandbox: Api) -> None:
    lists = dict.fromkeys(["metadata", "tax_codes", "integration_customers", "billing_configuration", "shipping_address"])
    sandbox.customer(metadata=[{"key": "team", "value": "blue"}])

    kept = sandbox.ok("POST", "/customers", {"customer": {"external_id": "acme"} | lists})["customer"]

    assert [pair["key"] for pair in kept["metadata"]] == ["team"]


def test_arrays_come_as_repeated_names_with_brackets(sandbox: Api) -> None:
    for zipcode in ("1", "2", "3"):
        sandbox.customer(f"c{zipcode}", zipcode=zipcode)

    found = sandbox.raw("GET", "/api/v1/customers?zipcodes[]=1&zipcodes[]=3").body["customers"]
    escaped = sandbox.raw("GET", "/api/v1/customers?zipcodes%5B%5D=1&zipcodes%5B%5D=3").body["customers"]
    single = sandbox.raw("GET", "/api/v1/customers?zipcodes=2").body["customers"]

    assert sorted(customer["external_id"] for customer in found) == ["c1", "c3"]
    assert escaped == found
    assert [customer["external_id"] for customer in single] == ["c2"]


@pytest.mark.parametrize("value", [500, "500", " 500 ", "500.0", "+500", 500.0, 500.9])
def test_numbers_may_come_as_strings_and_lose_their_fraction(sandbox: Api, value: Any) -> None:
    assert sandbox.ok("POST", "/plans", plan(amount_cents=value))["plan"]["amount_cents"] == 500


@pytest.mark.parametrize(
    ("value", "read"),
    [(True, True), ("true", True), ("1", True), (1, True), ("t", True), (False, False), ("false", False), (0, False), ("f", False)],
)
def test_booleans_may_come_as_strings_and_numbers(sandbox: Api, value: Any, read: bool) -> None:
    assert sandbox.ok("POST", "/plans", plan(pay_in_advance=value))["plan"]["pay_in_advance"] is read


@pytest.mark.parametrize(("value", "read"), [(7, "7"), (12.5, "12.5"), (True, "true"), (9007199254740993, "9007199254740993")])
def test_strings_may_come_as_numbers(sandbox: Api, value: Any, read: str) -> None:
    assert sandbox.ok("POST", "/customers", {"customer": {"external_id": value}})["customer"]["external_id"] == read


@pytest.mark.parametrize("timestamp", [1782864000, "1782864000", 1782864000.0, "1782864000.0"])
def test_timestamps_may_come_as_numbers_and_strings(sandbox: Api, timestamp: Any) -> None:
    assert sandbox.event("t", timestamp=timestamp)["timestamp"] == "2026-07-01T00:00:00.000Z"


def test_a_page_may_be_asked_for_in_strings(sandbox: Api) -> None:
    sandbox.plan()

    assert sandbox.ok("GET", "/plans", query={"page": "1", "per_page": "1"})["meta"]["total_pages"] == 1


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Token", "x"])
def test_the_second_word_of_the_authorization_is_the_key(server: Server, sandbox: Api, scheme: str) -> None:
    nobody = server.client(None)

    for value in (f"{scheme} {sandbox.key}", f"{scheme}   {sandbox.key}", f"{scheme}\t{sandbox.key}", f"{scheme} {sandbox.key} more"):
        assert nobody.raw("GET", "/api/v1/plans", None, {"Authorization": value}).status == 200
        body = b'{"event": {"transaction_id": "t", "code": "x"}}'
        assert nobody.raw("POST", "/api/v1/events", body, {"Authorization": value}).status == 200


@pytest.mark.parametrize("agent", ["Lago Python v1.55.0", "Lago Ruby v1.49.0", "lago-go-client github.com/getlago/lago-go-client/v1", ""])
def test_any_user_agent_is_welcome(sandbox: Api, agent: str) -> None:
    assert sandbox.raw("GET", "/api/v1/plans", None, {"User-Agent": agent, "Accept": "text/html"}).status == 200


# Replies


@pytest.mark.parametrize("path", ["", "/", "/plans/", "/plans//x", "/Plans", "/plans.json", "/customers/a/", "/../plans", "/./plans"])
def test_nothing_redirects(sandbox: Api, path: str) -> None:
    reply = sandbox.raw("GET", f"/api/v1{path}")

    assert reply.status in (200, 404)
    assert "location" not in reply.headers


@pytest.mark.parametrize(
    "path", ["/api", "/api/v1", "/api/v2/plans", "/api/v1/nothing", "/api/v1/customers/a/b", "/api/v1/invoices/a/b/c", "/x.html"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_an_unknown_route_is_not_found_in_json(sandbox: Api, method: str, path: str) -> None:
    reply = sandbox.raw(method, path)

    assert (reply.status, reply.body) == (404, {"status": 404, "error": "Not Found", "code": "resource_not_found"})
    assert reply.headers["content-type"] == "application/json"


def can_mean(pattern: str, route: Any) -> bool:
    """Tell whether a path of the pattern can lead to the route: `/events/batch` may be the event of that transaction id."""
    parts = [segment for segment in pattern.split("/") if segment]
    pairs = zip(parts, route.segments, strict=False)
    return len(parts) == len(route.segments) and all(own == part or own.startswith("{") for part, own in pairs)


@pytest.mark.parametrize("pattern", sorted({route.pattern for route in ROUTES}))
def test_a_method_that_a_route_does_not_have_is_refused_in_json(world: World, pattern: str) -> None:
    known = {route.method for route in ROUTES if can_mean(pattern, route)}
    known |= {"PUT", "PATCH"} if known & {"PUT", "PATCH"} else set()  # a change may come as either
    path = path_of(next(route for route in ROUTES if route.pattern == pattern), world)

    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} - known:
        reply = world.api.raw(method, f"/api/v1{path}", b"")
        assert (reply.status, reply.body) == (405, {"status": 405, "error": "Method Not Allowed", "code": "method_not_allowed"}), method
        assert reply.headers["content-type"] == "application/json"


def test_a_body_beyond_the_limit_is_refused_in_json(sandbox: Api) -> None:
    reply = sandbox.raw("POST", "/api/v1/plans", b" " * 6_000_000)

    assert (reply.status, reply.body) == (413, {"status": 413, "error": "Payload Too Large", "code": "payload_too_large"})


def test_a_failure_of_the_server_is_json_and_tells_nothing() -> None:
    limits = {"rate_limit_events": 0, "rate_limit_usage": 0, "rate_limit_requests": 1}
    settings = SimpleNamespace(database_pool_size=2, max_body_bytes=1000, **limits)
    services: Any = SimpleNamespace(
        settings=settings, clock=SimpleNamespace(now=lambda: None), workplace=None
    )  # nothing can be done with this
    ingest: Any = SimpleNamespace()
    administration: Any = SimpleNamespace(find=lambda *_: None)
    server = AsgiServer(services, build_router(), ingest, administration)

    status, headers, body = answer_of(server, "GET", "/api/v1/plans")

    assert (status, json.loads(body)) == (500, {"status": 500, "error": "Internal Server Error"})
    assert headers[b"content-type"] == b"application/json"
    assert (headers[b"x-ratelimit-limit"], headers[b"x-ratelimit-remaining"]) == (b"1", b"0")
    refused = [answer_of(server, "GET", "/api/v1/plans") for _ in range(4)][-1]
    assert (refused[0], json.loads(refused[2])["code"], refused[1][b"x-ratelimit-reset"]) == (429, "too_many_requests", b"1")


def answer_of(server: AsgiServer, method: str, path: str) -> tuple[int, dict[bytes, bytes], bytes]:
    """Send one request to an ASGI application of this process."""
    sent: list[Any] = []
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"authorization", b"x y")],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(server(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def test_every_kind_of_error_has_the_contract_s_shape(sandbox: Api) -> None:
    sandbox.customer()

    bodies = {
        reply.status: reply.body
        for reply in (
            sandbox.raw("POST", "/api/v1/plans", b"{}"),
            sandbox.raw("GET", "/api/v1/plans", None, {"Authorization": "Bearer x"}),
            sandbox.call("GET", "/plans/unknown"),
            sandbox.call("GET", "/customers/acme/current_usage"),
            sandbox.call("POST", "/plans", plan(name="", interval="daily")),
        )
    }

    assert bodies == {
        400: {"status": 400, "error": "BadRequest: param is missing or the value is empty or invalid: plan"},
        401: {"status": 401, "error": "Unauthorized"},
        404: {"status": 404, "error": "Not Found", "code": "plan_not_found"},
        405: {"status": 405, "error": "Method Not Allowed", "code": "no_active_subscription"},
        422: {
            "status": 422,
            "error": "Unprocessable Entity",
            "code": "validation_errors",
            "error_details": {"name": ["value_is_mandatory"], "interval": ["value_is_invalid"]},
        },
    }
    assert all(HTTPStatus(status) for status in bodies)


LISTS = ["billable_metrics", "plans", "customers", "subscriptions", "events", "invoices"]
NOTHING = {"current_page": 0, "next_page": None, "prev_page": None, "total_pages": 0, "total_count": 0}


@pytest.mark.parametrize("plural", LISTS)
@pytest.mark.parametrize("query", [{}, {"page": 3}, {"per_page": 1}])
def test_an_empty_list_is_page_zero_of_zero(sandbox: Api, plural: str, query: dict[str, int]) -> None:
    assert sandbox.ok("GET", f"/{plural}", query=query) == {plural: [], "meta": NOTHING}


def test_the_lists_of_a_customer_without_anything_are_empty(sandbox: Api) -> None:
    sandbox.customer()

    assert sandbox.ok("GET", "/customers/acme/subscriptions") == {"subscriptions": [], "meta": NOTHING}
    assert sandbox.ok("GET", "/customers/acme/invoices") == {"invoices": [], "meta": NOTHING}


@pytest.mark.parametrize(
    ("query", "codes", "meta"),
    [
        ({}, "gfedcba", (1, None, None, 1)),
        ({"per_page": 3}, "gfe", (1, 2, None, 3)),
        ({"per_page": 3, "page": 2}, "dcb", (2, 3, 1, 3)),
        ({"per_page": 3, "page": 3}, "a", (3, None, 2, 3)),
        ({"per_page": 3, "page": 4}, "", (4, None, 3, 3)),
        ({"per_page": 3, "page": 9}, "", (9, None, 8, 3)),
        ({"per_page": 7}, "gfedcba", (1, None, None, 1)),
        ({"per_page": 1000}, "gfedcba", (1, None, None, 1)),
        ({"page": 0}, "gfedcba", (1, None, None, 1)),
        ({"page": -3}, "gfedcba", (1, None, None, 1)),
        ({"page": "x", "per_page": "x"}, "gfedcba", (1, None, None, 1)),
        ({"per_page": -1}, "gfedcba", (1, None, None, 1)),
        ({"page": "", "per_page": ""}, "gfedcba", (1, None, None, 1)),
    ],
)
def test_a_page_tells_where_it_stands(sandbox: Api, query: dict[str, Any], codes: str, meta: tuple[Any, ...]) -> None:
    for day, code in enumerate("abcdefg", 2):
        sandbox.plan(code=code)
        sandbox.move_to(f"2026-07-{day:02}T00:00:00Z")

    reply = sandbox.ok("GET", "/plans", query=query)

    assert "".join(shown["code"] for shown in reply["plans"]) == codes
    current, following, previous, pages = meta
    assert reply["meta"] == {"current_page": current, "next_page": following, "prev_page": previous, "total_pages": pages, "total_count": 7}


def test_a_page_holds_a_hundred_unless_asked_and_twenty_five_when_asked_in_vain(sandbox: Api) -> None:
    for first in (0, 100):
        events = [{"transaction_id": f"t{number}", "code": "x", "external_subscription_id": "s"} for number in range(first, first + 100)]
        sandbox.ok("POST", "/events/batch", {"events": events})

    sizes = [
        len(sandbox.ok("GET", "/events", query=query)["events"]) for query in ({}, {"per_page": "x"}, {"per_page": -5}, {"per_page": 150})
    ]

    assert sizes == [100, 25, 25, 150]
    refused = sandbox.call("GET", "/events", query={"per_page": 0})
    assert (refused.status, refused.body["error_details"]) == (422, {"per_page": ["value_is_out_of_range"]})


def test_things_made_at_the_same_instant_are_listed_in_the_same_order_each_time(sandbox: Api) -> None:
    for code in "abcdef":
        sandbox.plan(code=code)

    pages = [sandbox.ok("GET", "/plans", query={"per_page": 2, "page": page})["plans"] for page in (1, 2, 3)]

    ids = [shown["lago_id"] for page in pages for shown in page]
    assert ids == sorted(ids)
    assert len(set(ids)) == 6


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.is_list and route.has_meta and route.method == "GET"], ids=lambda route: route.pattern
)
def test_a_list_has_nothing_beside_its_plural_and_meta(world: World, route: Any) -> None:
    reply = world.api.ok("GET", path_of(route, world), query=needed_query(route))

    assert list(reply) == [route.root_out, "meta"]
    assert list(reply["meta"]) == ["current_page", "next_page", "prev_page", "total_pages", "total_count"]


def test_a_delete_returns_what_is_gone(server: Server) -> None:
    world = a_world(server)

    metric = world.api.ok("DELETE", "/billable_metrics/seats")
    subscription = world.api.ok("DELETE", "/subscriptions/sub")

    assert metric == {"billable_metric": world.metric}
    assert list(subscription) == ["subscription"]
    assert (subscription["subscription"]["external_id"], subscription["subscription"]["status"]) == ("sub", "terminated")


def test_decimals_are_texts_and_money_is_whole(sandbox: Api) -> None:
    metric = sandbox.metric("gb", aggregation_type="sum_agg", field_name="gb", recurring=False)
    sandbox.plan(amount_cents=1500, trial_period=0, charges=[sandbox.seat_charge(metric, "0.125", prorated=False)])
    sandbox.customer()
    sandbox.subscribe()
    sandbox.event("t", code="gb", gb="3.10")
    usage = sandbox.usage()
    sandbox.move_to("2026-08-01T00:00:00Z")

    [invoice] = sandbox.invoices()

    [charge] = [fee for fee in invoice["fees"] if fee["item"]["type"] == "charge"]
    [used] = usage["charges_usage"]
    # 3.1 × 0.125 = 0.3875, that is 38.75 and so 39 cents
    assert (used["units"], used["total_aggregated_units"], used["amount_cents"], used["events_count"]) == ("3.1", "3.1", 39, 1)
    assert (charge["units"], charge["precise_amount"], charge["precise_unit_amount"], charge["amount_cents"]) == (
        "3.1",
        "0.3875",
        "0.125",
        39,
    )
    assert charge["taxes_rate"] == 0
    assert not isinstance(charge["taxes_rate"], str)
    assert (invoice["fees_amount_cents"], invoice["total_amount_cents"]) == (1539, 1539)
    amounts = {name: value for shown in (invoice, charge, used) for name, value in shown.items() if name.endswith("amount_cents")}
    texts = {"precise_coupons_amount_cents", "sub_total_excluding_taxes_precise_amount_cents"}
    assert [name for name, value in amounts.items() if name not in texts and not isinstance(value, int | None)] == []


def test_a_trial_is_a_float(sandbox: Api) -> None:
    sandbox.plan(trial_period="14")

    assert '"trial_period":14.0,' in text_of(sandbox, "/plans/team")


def text_of(api: Api, path: str) -> str:
    """Return a reply as it came over the wire."""
    request = f"GET /api/v1{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\nConnection: close\r\n\r\n"
    with socket.create_connection((HOST, api.port)) as connection:
        connection.sendall(request.encode())
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


def test_unknown_keys_are_dropped(sandbox: Api) -> None:
    made = sandbox.ok("POST", "/plans", plan(colour="blue", charges=[]) | {"other": 1})["plan"]
    changed = sandbox.ok("PUT", "/plans/team", {"plan": {"colour": {"a": [1]}, "name": "Crew"}})["plan"]
    customer = sandbox.ok(
        "POST", "/customers", {"customer": {"external_id": "acme", "colour": "blue", "shipping_address": {"planet": "Mars"}}}
    )
    event = sandbox.ok("POST", "/events", {"event": {"transaction_id": "t", "code": "x", "external_customer_id": "acme"}, "x": 1})["event"]

    assert "colour" not in made
    assert changed["name"] == "Crew"
    assert "planet" not in customer["customer"]["shipping_address"]
    assert "external_customer_id" not in event


def test_a_reply_is_json_whatever_is_accepted(sandbox: Api) -> None:
    for accept in ("text/html", "application/xml", "*/*", ""):
        assert sandbox.raw("GET", "/api/v1/plans", None, {"Accept": accept}).headers["content-type"] == "application/json"


def test_the_id_of_a_request_is_sent_back(sandbox: Api) -> None:
    assert sandbox.raw("GET", "/api/v1/plans", None, {"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
