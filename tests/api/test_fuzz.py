"""
Generated requests against the running server: whatever is sent, it answers, and errors have the contract's shape.

Requests are drawn from the API's own description, half of them against its rules. Most are anchored: their ids are made
to exist and their mandatory fields to be right, so that the rest of what was drawn gets past the first check.
The draws are the same in every run.
"""

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from daycount.api.openapi import describe_api
from daycount.api.routing import Route
from daycount.app import build_router
from tests.api.world import ROUTES, World, a_world, content_of, good_body, needed_query, path_of, path_to_nothing, why_no_error_body
from tests.support.server import Reply, Server

EXAMPLES = 50
LEAST_SUCCESS = 0.2
FRESH = ("external_id", "transaction_id", "code")
"""Fields that name what is made; nothing else may have the same."""
WORKS_SELDOM = {
    "create_wallet",
    "create_customer_wallet",
    "create_subscription_alert",
    "create_customer_wallet_alert",
    "void_invoice",
    "download_invoice",
    "create_credit_note",
    "create_adjusted_fee",
    "regenerate_voided_invoice",
    "create_webhook_endpoint",
    "update_quote_version",
    "approve_quote_version",
    "mark_order_form_as_signed",
    "execute_order",
}
"""
A draft is approved, a form signed and an order carried out once.

A customer has few wallets, and these one alert of a type;
an invoice is voided once, and made again once; endpoints are ten at most.
"""
_fresh = itertools.count(1)


@pytest.fixture(scope="module")
def fuzzed(server: Server) -> World:
    """An organization of its own, which the requests change."""
    return a_world(server)


@pytest.fixture(scope="module")
def schema() -> Any:
    """The API's description."""
    return schemathesis.openapi.from_dict(json.loads(json.dumps(describe_api(build_router()))))


@pytest.fixture(scope="module")
def tally() -> Iterator[Counter[int]]:
    """Count the answers to all requests of this process, of which a fifth must be successes whatever they were sent to."""
    counted: Counter[int] = Counter()
    yield counted
    assert counted[200] >= LEAST_SUCCESS * counted.total(), counted


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.pattern}")
def test_whatever_is_sent_is_answered(fuzzed: World, schema: Any, tally: Counter[int], route: Route) -> None:
    operation = schema["/api/v1" + route.pattern][route.method]
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes_of(route)))
    answers: Counter[int] = Counter()

    @settings(max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=cases, kept=st.sampled_from([None, 0, 1, 2, 3]))
    def send(case: Any, kept: int | None) -> None:
        reply = sent(fuzzed, route, case, kept=kept)
        answers[reply.status] += 1
        assert reply.status in {200, 400, 404, 405, 422}, (case.path_parameters, case.query, case.body, reply)
        if reply.status != 200:
            assert why_no_error_body(reply.status, reply.body) is None, reply

    send()

    print(f"{route.operation}: {dict(answers)}")
    tally.update(answers)
    assert answers.total() >= EXAMPLES
    if is_expected_to_work(route):
        assert answers[200] >= LEAST_SUCCESS * answers.total(), answers


def is_expected_to_work(route: Route) -> bool:
    """Tell whether an anchored request gets through: not where it removes something, or where the world is seldom in the state for it."""
    is_action = route.method in {"POST", "PUT"} and route.accepts is None
    is_part = ("{charge_code}" in route.pattern and route.method != "GET") or "{filter_id}" in route.pattern  # charges lose their filters
    return route.method != "DELETE" and not (is_action or is_part) and route.operation not in WORKS_SELDOM


def modes_of(route: Route) -> Iterator[GenerationMode]:
    """Yield how requests of a route can be drawn: what has no parameter cannot be drawn wrong."""
    yield GenerationMode.POSITIVE
    if route.accepts is not None or route.parameters or "{" in route.pattern:
        yield GenerationMode.NEGATIVE


def sent(world: World, route: Route, case: Any, *, kept: int | None) -> Reply:
    """Send a drawn request: as it is, or (`kept` is a number) anchored, with that many of the fields and filters drawn for it."""
    path, query, body = drawn_path(route, case), dict(case.query or {}), case.body
    if kept is not None:
        path = path_of(route, world) if route.method != "DELETE" else path_to_nothing(route)
        query = dict(list(query.items())[: kept // 2])
        query |= needed_query(route)
        body = anchored(route, world, body, kept=kept)
    has_body = route.accepts is not None
    try:
        text = json.dumps(body).encode() if has_body and not isinstance(body, schemathesis.core.NotSet) else None
    except (TypeError, ValueError):
        text = repr(body).encode(errors="replace")
    pairs = [(name, one) for name, value in query.items() for one in (value if isinstance(value, list) else [value])]
    search = "&".join(f"{quote(str(name), safe='')}={quote(str(value), safe='', errors='replace')}" for name, value in pairs)
    return world.api.raw(route.method, f"/api/v1{path}" + (f"?{search}" if search else ""), text)


def drawn_path(route: Route, case: Any) -> str:
    parts = route.pattern.split("{")
    drawn = [parts[0]]
    for part in parts[1:]:
        name, _, after = part.partition("}")
        value = str((case.path_parameters or {}).get(name, "x"))
        is_escaped = "%" in value and value.isascii() and value.isprintable() and " " not in value
        drawn.append((value if is_escaped else quote(value, safe="", errors="replace")) + after)
    return "".join(drawn)


def anchored(route: Route, world: World, body: Any, *, kept: int) -> Any:
    """Put what is mandatory right in a drawn body and drop what leads out of it; the rest stays as it was drawn."""
    if route.accepts is None:
        return None
    drawn = (body if route.root_in is None else body.get(route.root_in)) if isinstance(body, dict) else None
    good = content_of(route, good_body(route, world))
    number = next(_fresh)
    if isinstance(good, list):
        return {route.root_in: [good[0] | {"transaction_id": f"t{number}"}]}
    if route.operation.startswith("create_"):
        good |= {name: f"n{number}" for name in FRESH if name in good}
    extra = dict(list(drawn.items())[:kept]) if isinstance(drawn, dict) else {}
    return extra | good if route.root_in is None else {route.root_in: extra | good}
