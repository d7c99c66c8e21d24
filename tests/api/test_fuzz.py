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
from tests.api.world import ROUTES, World, a_world, content_of, good_body, needed_query, path_of, why_no_error_body
from tests.support.server import Reply, Server

EXAMPLES = 50
LEAST_SUCCESS = 0.2
_fresh = itertools.count(1)


@pytest.fixture(scope="module")
def fuzzed(server: Server) -> World:
    """An organization of its own, which the requests change."""
    return a_world(server)


@pytest.fixture(scope="module")
def schema() -> Any:
    """The API's description."""
    return schemathesis.openapi.from_dict(json.loads(json.dumps(describe_api(build_router()))))


ONCE = {
    "destroy_invoice",
    "finalize_invoice",
    "void_invoice",
    "retry_invoice",
    "retry_invoice_payment",
    "create_invoice_payment_url",
    "resend_invoice_email",
    "download_invoice",
    "download_invoice_pdf",
    "download_invoice_xml",
    "update_invoice",
    "create_credit_note",
    "estimate_credit_note",
    "void_credit_note",
    "resend_credit_note_email",
    "preview_invoice",
}
"""What the state of the one invoice and its credit note allows once or never."""


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.pattern}")
def test_whatever_is_sent_is_answered(fuzzed: World, schema: Any, route: Route) -> None:
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
    assert answers.total() >= 50
    assert route.operation in ONCE or answers[200] >= LEAST_SUCCESS * answers.total(), answers


def modes_of(route: Route) -> Iterator[GenerationMode]:
    """Yield how requests of a route can be drawn: what has no parameter cannot be drawn wrong."""
    yield GenerationMode.POSITIVE
    if route.accepts is not None or route.parameters or "{" in route.pattern:
        yield GenerationMode.NEGATIVE


def sent(world: World, route: Route, case: Any, *, kept: int | None) -> Reply:
    """Send a drawn request: as it is, or (`kept` is a number) anchored, with that many of the fields and filters drawn for it."""
    path, query, body = drawn_path(route, case), dict(case.query or {}), case.body
    if kept is not None:
        path = path_of(route, world) if route.method != "DELETE" else path_to_something_new(route, world)
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
    names = {"customer": "external_id", "event": "transaction_id", "subscription": "external_id", "plan": "code", "billable_metric": "code"}
    if route.method == "POST" and route.root_in in names:
        good |= {names[route.root_in]: f"n{number}"}
    extra = dict(list(drawn.items())[:kept]) if isinstance(drawn, dict) else {}
    return extra | good if route.root_in is None else {route.root_in: extra | good}


def path_to_something_new(route: Route, world: World) -> str:
    """Make what a DELETE is to remove, and return the path to it."""
    api, name = world.api, f"gone{next(_fresh)}"
    match route.operation:
        case "destroy_billable_metric":
            api.metric(name)
        case "destroy_plan":
            api.plan(name)
        case "destroy_customer":
            api.customer(name)
        case "destroy_subscription":
            api.subscribe(external_id=name)
        case "delete_credit_note_metadata" | "delete_credit_note_metadata_key" | "destroy_invoice":
            return path_of(route, world)
        case "destroy_plan_charge" | "destroy_plan_charge_filter" | "destroy_plan_fixed_charge":
            return path_to_new_part(route, world, name)
        case "delete_all_plan_metadata" | "delete_plan_metadata_key":
            api.plan(name, metadata={"tier": "1"})
            return route.pattern.replace("{code}", name).replace("{key}", "tier")
        case "destroy_subscription_charge_filter":
            return path_to_new_part(route, world, name)
        case _:
            raise NotImplementedError(f"say how to make what {route.operation} removes")
    return route.pattern.partition("{")[0] + name


def path_to_new_part(route: Route, world: World, name: str) -> str:
    """Make a plan with a charge, a filter and a fixed charge, and a subscription; return the path to the part that the route removes."""
    api = world.api
    charge = api.seat_charge(world.metric, filters=[{"values": {"region": ["eu"]}, "properties": {"amount": "8"}}])
    plan = api.plan(name, charges=[charge], fixed_charges=[{"add_on_code": "setup", "charge_model": "standard"}])
    api.subscribe(plan=name, external_id=name)
    values = {
        "code": name,
        "external_id": name,
        "charge_code": "seats",
        "fixed_charge_code": "setup",
        "filter_id": plan["charges"][0]["filters"][0]["lago_id"],
    }
    return route.pattern.format(**values)
