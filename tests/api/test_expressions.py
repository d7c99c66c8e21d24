"""Trying an expression on an event, and what a metric does with one."""

from typing import Any

import pytest

from tests.support.server import Api, Reply

EVENT = {"code": "calls", "timestamp": 1651240791, "properties": {"seats": 3, "price": "2.50", "ratio": 0.5, "word": "abc"}}
PATH = "/billable_metrics/evaluate_expression"


def tried(api: Api, expression: Any, **event: Any) -> Reply:
    return api.call("POST", PATH, {"expression": expression, "event": EVENT | event})


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("event.properties.seats", "3.0"),
        ("round(event.properties.seats * event.properties.price, 1)", "7.5"),
        ("event.properties.ratio / 2", "0.25"),
        ("concat(event.code, '-', event.properties.seats)", "calls-3"),
        ("event.timestamp", "1651240791.0"),
        ("CEIL(event.timestamp / 3600)", "458678.0"),
        ("event.properties.word", "abc"),
        ("''", ""),
    ],
)
def test_an_expression_is_tried_on_an_event(sandbox, expression, value):
    reply = tried(sandbox, expression)

    assert (reply.status, reply.body) == (200, {"expression_result": {"value": value}})


def test_numbers_come_in_every_spelling(sandbox):
    properties = {"a": 1, "b": 1.25, "c": "1e1", "d": 1e3, "e": -0.5, "f": 12345678901234567890}
    parts = ", '|', ".join(f"event.properties.{name}" for name in properties)

    reply = tried(sandbox, f"concat({parts})", properties=properties)

    assert reply.body == {"expression_result": {"value": "1|1.25|10|1000.0|-0.5|12345678901234567890"}}


def test_properties_are_read_as_texts(sandbox):
    """True is the text true; null and nested values are missing."""
    properties = {"yes": True, "no": False, "nothing": None, "nested": {"a": 1}, "list": [1]}

    replies = {name: tried(sandbox, f"event.properties.{name}", properties=properties) for name in properties}

    assert replies["yes"].body == {"expression_result": {"value": "true"}}
    assert replies["no"].body == {"expression_result": {"value": "false"}}
    assert [replies[name].status for name in ("nothing", "nested", "list")] == [422] * 3


@pytest.mark.parametrize(
    ("timestamp", "value"),
    [(1651240791, "1651240791.0"), ("1651240791", "1651240791.0"), ("1651240791.987", "1651240791.0"), (None, "1782864000.0")],
)
def test_a_timestamp_is_whole_seconds_and_now_when_there_is_none(sandbox, timestamp, value):
    # The sandbox's clock shows 2026-07-01T00:00:00Z, which is 1782864000.
    assert tried(sandbox, "event.timestamp", timestamp=timestamp).body == {"expression_result": {"value": value}}


def test_an_event_may_be_left_out(sandbox):
    assert sandbox.ok("POST", PATH, {"expression": "1+1"}) == {"expression_result": {"value": "2.0"}}
    assert sandbox.ok("POST", PATH, {"expression": "event.timestamp", "event": {}}) == {"expression_result": {"value": "1782864000.0"}}


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({"event": EVENT}, {"expression": ["value_is_mandatory"]}),
        ({"expression": None, "event": EVENT}, {"expression": ["value_is_mandatory"]}),
        ({"expression": " ", "event": EVENT}, {"expression": ["value_is_mandatory"]}),
        ({"expression": "1+", "event": EVENT}, {"expression": ["invalid_expression"]}),
        ({"expression": "(" * 3000, "event": EVENT}, {"expression": ["invalid_expression"]}),
        ({"expression": "1+" * 5000 + "1", "event": EVENT}, {"expression": ["invalid_expression"]}),
        ({"expression": "event.properties.users", "event": EVENT}, {"event": ["invalid_event"]}),
        ({"expression": "event.properties.word + 1", "event": EVENT}, {"event": ["invalid_event"]}),
        ({"expression": "1 / 0", "event": EVENT}, {"event": ["invalid_event"]}),
        ({"expression": "round(1, 99999999999)", "event": EVENT}, {"event": ["invalid_event"]}),
    ],
)
def test_what_cannot_be_evaluated_is_refused(sandbox, body, details):
    reply = sandbox.call("POST", PATH, body)

    assert (reply.status, reply.body["code"], reply.body["error_details"]) == (422, "validation_errors", details)


@pytest.mark.parametrize("body", [None, b"", b" ", b"null", b"{}", b"[]", b'"x"', b"1", b"{", b"expression=1"])
def test_a_body_that_is_no_object_is_a_bad_request(sandbox, body):
    reply = sandbox.raw("POST", f"/api/v1{PATH}", body)

    assert reply.status == 400
    assert reply.body["error"].startswith("BadRequest: ")


def test_nothing_is_stored(sandbox):
    tried(sandbox, "event.properties.seats")

    assert sandbox.ok("GET", "/events")["events"] == []


def test_a_metric_may_be_called_like_the_endpoint(sandbox):
    sandbox.metric("evaluate_expression")

    assert sandbox.ok("GET", PATH)["billable_metric"]["code"] == "evaluate_expression"
    assert sandbox.ok("PUT", PATH, {"billable_metric": {"name": "Other"}})["billable_metric"]["name"] == "Other"
    assert sandbox.ok("DELETE", PATH)["billable_metric"]["name"] == "Other"


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("1+", "invalid_expression"),
        ("seats", "invalid_expression"),
        (" ", "invalid_expression"),
    ],
)
def test_a_metric_refuses_what_is_no_expression(sandbox, expression, code):
    metric = {"name": "Sum", "code": "sum", "aggregation_type": "sum_agg", "field_name": "total", "expression": expression}
    sandbox.metric()

    created = sandbox.call("POST", "/billable_metrics", {"billable_metric": metric})
    changed = sandbox.call("PUT", "/billable_metrics/seats", {"billable_metric": {"expression": expression}})

    assert [(reply.status, reply.body["error_details"]) for reply in (created, changed)] == [(422, {"expression": [code]})] * 2
    assert [item["code"] for item in sandbox.ok("GET", "/billable_metrics")["billable_metrics"]] == ["seats"]


def test_no_expression_is_none(sandbox):
    assert sandbox.metric("a", expression="")["expression"] is None
    assert sandbox.metric("b", expression=None)["expression"] is None


GB = {"aggregation_type": "sum_agg", "field_name": "gb", "recurring": False, "expression": "round(event.properties.bytes / 1000, 2) * 2"}


def sent(transaction_id: str, **properties: Any) -> dict[str, Any]:
    return {"transaction_id": transaction_id, "code": "gb", "external_subscription_id": "sub", "properties": properties}


def test_an_event_is_computed_when_it_comes_in(sandbox):
    metric = sandbox.metric("gb", **GB)
    sandbox.plan(charges=[{"billable_metric_id": metric["lago_id"], "charge_model": "standard", "properties": {"amount": "1"}}])
    sandbox.customer()
    sandbox.subscribe()

    # 2500 / 1000 = 2.5, twice is 5; what the sender put in its place does not count
    event = sandbox.event("1", code="gb", bytes=2500, gb=99, exact=1.10)

    assert event["properties"] == {"bytes": 2500, "gb": "5.0", "exact": 1.1}
    assert event["warnings"] == []
    assert sandbox.ok("GET", "/events/1")["event"]["properties"]["gb"] == "5.0"
    assert sandbox.usage()["charges_usage"][0]["units"] == "5.0"
    # the plan locks the metric: the change is ignored, and so is what it would have done to stored events
    sandbox.ok("PUT", "/billable_metrics/gb", {"billable_metric": {"expression": "1"}})
    assert sandbox.usage()["charges_usage"][0]["units"] == "5.0"


def test_an_event_that_cannot_be_computed_is_refused(sandbox):
    sandbox.metric("gb", **GB)
    missing = ["expression_evaluation_failed: Variable: bytes not found"]
    batch = [sent("1", bytes=1), sent("2"), sent("3", bytes="many")]
    mixed = [{}, sent("1", bytes=1), sent("2"), {"transaction_id": "3"}, sent("4", bytes="many")]

    single = sandbox.call("POST", "/events", {"event": sent("1")})
    several = sandbox.call("POST", "/events/batch", {"events": batch})

    assert (single.status, single.body["error_details"]) == (422, {"expression": missing})
    assert several.body["error_details"] == {
        "1": {"expression": missing},
        "2": {"expression": ["expression_evaluation_failed: Expected a decimal"]},
    }
    # What cannot be read and what cannot be computed are told together, each at its place.
    told = sandbox.call("POST", "/events/batch", {"events": mixed})
    assert (told.status, list(told.body["error_details"])) == (422, ["0", "2", "3", "4"])
    assert told.body["error_details"]["0"].keys() == {"transaction_id", "code"}
    assert told.body["error_details"]["2"] == {"expression": missing}
    assert told.body["error_details"]["3"] == {"code": ["value_is_mandatory"]}
    assert sandbox.ok("GET", "/events")["events"] == []


def test_an_edited_expression_counts_from_then_on(sandbox):
    sandbox.metric("gb", **GB)
    sandbox.event("1", code="gb", bytes=1000)
    sandbox.ok("PUT", "/billable_metrics/gb", {"billable_metric": {"expression": "event.timestamp"}})

    later = sandbox.event("2", code="gb", timestamp=1751328000.75)

    assert later["properties"] == {"gb": "1751328000.0"}
    assert sandbox.ok("GET", "/events/1")["event"]["properties"]["gb"] == "2.0"


def test_a_count_may_have_an_expression_that_must_work(sandbox):
    sandbox.metric("gb", aggregation_type="count_agg", recurring=False, field_name=None, expression="event.properties.bytes + 1")

    assert sandbox.event("1", code="gb", bytes=1)["properties"] == {"bytes": 1}
    assert sandbox.call("POST", "/events", {"event": sent("2", bytes="x")}).status == 422
