"""Billable metrics: which fields may hold what, what changes while a plan uses one, and what deleting one leaves."""

from typing import Any

import pytest

from tests.support.server import Api


def made(api: Api, **fields: Any) -> Any:
    given = {"name": "Storage", "code": "gb", "aggregation_type": "sum_agg", "field_name": "gb"}
    return api.call("POST", "/billable_metrics", {"billable_metric": given | fields})


def test_a_new_metric_shows_every_field(sandbox: Api) -> None:
    reply = made(sandbox, description="Gigabytes stored", rounding_function="round", rounding_precision=-2)

    shown = reply.body["billable_metric"]
    assert len(shown.pop("lago_id")) == 36
    assert shown == {
        "name": "Storage",
        "code": "gb",
        "description": "Gigabytes stored",
        "aggregation_type": "sum_agg",
        "weighted_interval": None,
        "recurring": False,
        "rounding_function": "round",
        "rounding_precision": -2,
        "created_at": "2026-07-01T00:00:00Z",
        "field_name": "gb",
        "expression": None,
        "custom_aggregator": None,
        "filters": [],
        "active_subscriptions_count": 0,
        "draft_invoices_count": 0,
        "plans_count": 0,
    }


REFUSED: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
    "no name": ({"name": None}, {"name": ["value_is_mandatory"]}),
    "a blank name": ({"name": "  "}, {"name": ["value_is_mandatory"]}),
    "no code": ({"code": ""}, {"code": ["value_is_mandatory"]}),
    "a code of 256 characters": ({"code": "x" * 256}, {"code": ["value_is_too_long"]}),
    "no aggregation": ({"aggregation_type": None}, {"aggregation_type": ["value_is_mandatory"]}),
    "an unknown aggregation": ({"aggregation_type": "median_agg"}, {"aggregation_type": ["value_is_invalid"]}),
    "a custom aggregation of nothing": ({"aggregation_type": "custom_agg"}, {"custom_aggregator": ["value_is_mandatory"]}),
    "a sum of nothing": ({"field_name": None}, {"field_name": ["value_is_mandatory"]}),
    "a sum of an empty name": ({"field_name": ""}, {"field_name": ["value_is_mandatory"]}),
    "a recurring count": ({"aggregation_type": "count_agg", "recurring": True}, {"recurring": ["not_compatible_with_aggregation_type"]}),
    "an unknown rounding": ({"rounding_function": "up"}, {"rounding_function": ["value_is_invalid"]}),
    "a rounding to 31 places": ({"rounding_precision": 31}, {"rounding_precision": ["value_is_out_of_range"]}),
    "an unknown interval": ({"weighted_interval": "hours"}, {"weighted_interval": ["value_is_invalid"]}),
    "half an expression": ({"expression": "1 +"}, {"expression": ["invalid_expression"]}),
    "a filter without values": ({"filters": [{"key": "region", "values": []}]}, {"values": ["value_is_mandatory"]}),
    "a filter without a key": ({"filters": [{"values": ["eu"]}]}, {"key": ["value_is_mandatory"]}),
    "two mistakes": ({"name": "", "rounding_function": "up"}, {"name": ["value_is_mandatory"], "rounding_function": ["value_is_invalid"]}),
}


@pytest.mark.parametrize(("fields", "details"), REFUSED.values(), ids=REFUSED)
def test_a_metric_is_refused_with_the_field_and_its_code(sandbox: Api, fields: dict[str, Any], details: dict[str, list[str]]) -> None:
    reply = made(sandbox, **fields)

    assert (reply.status, reply.body["error_details"]) == (422, details)
    assert sandbox.ok("GET", "/billable_metrics")["billable_metrics"] == []


@pytest.mark.parametrize("code", ["a", "x" * 255, "Ünïcode 🎶", "with space", "a.b/c", "1", "-", "GET"])
def test_a_code_may_hold_any_characters(sandbox: Api, code: str) -> None:
    assert made(sandbox, code=code).body["billable_metric"]["code"] == code


@pytest.mark.parametrize("given", ["", None, "seats"])
def test_a_count_has_no_field(sandbox: Api, given: str | None) -> None:
    assert made(sandbox, aggregation_type="count_agg", field_name=given).body["billable_metric"]["field_name"] is None


@pytest.mark.parametrize("aggregation", ["sum_agg", "unique_count_agg"])
def test_sums_and_unique_counts_may_recur(sandbox: Api, aggregation: str) -> None:
    assert made(sandbox, aggregation_type=aggregation, recurring=True).body["billable_metric"]["recurring"] is True


def test_filters_are_sorted_and_hold_each_value_once(sandbox: Api) -> None:
    filters = [{"key": "region", "values": ["us", "eu", "us"]}, {"key": "cloud", "values": ["b", "a"]}]

    assert made(sandbox, filters=filters).body["billable_metric"]["filters"] == [
        {"key": "cloud", "values": ["a", "b"]},
        {"key": "region", "values": ["eu", "us"]},
    ]


def test_filters_of_null_are_left_alone_and_of_an_empty_list_removed(sandbox: Api) -> None:
    made(sandbox, filters=[{"key": "region", "values": ["eu"]}])

    kept = sandbox.ok("PUT", "/billable_metrics/gb", {"billable_metric": {"filters": None, "name": "x"}})["billable_metric"]
    gone = sandbox.ok("PUT", "/billable_metrics/gb", {"billable_metric": {"filters": []}})["billable_metric"]

    assert (kept["filters"], gone["filters"]) == ([{"key": "region", "values": ["eu"]}], [])


def test_a_free_metric_changes_in_everything(sandbox: Api) -> None:
    made(sandbox)
    changes = {"code": "seats", "aggregation_type": "unique_count_agg", "field_name": "user_id", "recurring": True, "description": "Seats"}

    sandbox.ok("PUT", "/billable_metrics/gb", {"billable_metric": changes})

    shown = sandbox.ok("GET", "/billable_metrics/seats")["billable_metric"]
    assert {name: shown[name] for name in changes} == changes
    assert shown["name"] == "Storage"
    assert sandbox.call("GET", "/billable_metrics/gb").status == 404


def test_while_a_plan_uses_it_only_name_description_and_filters_change(sandbox: Api) -> None:
    metric = sandbox.metric()
    sandbox.plan(charges=[sandbox.seat_charge(metric)])
    locked = {"code": "other", "aggregation_type": "sum_agg", "field_name": "x", "recurring": False, "rounding_function": "ceil"}
    free = {"name": "People", "description": "Seats", "filters": [{"key": "region", "values": ["eu"]}]}

    shown = sandbox.ok("PUT", "/billable_metrics/seats", {"billable_metric": locked | free})["billable_metric"]

    assert shown == metric | free


def test_a_change_to_a_code_that_is_taken_is_refused(sandbox: Api) -> None:
    made(sandbox)
    made(sandbox, code="other")

    reply = sandbox.call("PUT", "/billable_metrics/other", {"billable_metric": {"code": "gb"}})

    assert (reply.status, reply.body["error_details"]) == (422, {"code": ["value_already_exist"]})


def test_a_change_that_breaks_a_rule_is_refused(sandbox: Api) -> None:
    made(sandbox)

    replies = [
        sandbox.call("PUT", "/billable_metrics/gb", {"billable_metric": change})
        for change in ({"field_name": None}, {"aggregation_type": "count_agg", "recurring": True}, {"name": None})
    ]

    assert [list(reply.body["error_details"]) for reply in replies] == [["field_name"], ["recurring"], ["name"]]


def test_a_deleted_metric_frees_its_code_and_takes_its_charges_along(sandbox: Api) -> None:
    metric = sandbox.metric()
    sandbox.plan(charges=[sandbox.seat_charge(metric)])

    sandbox.ok("DELETE", "/billable_metrics/seats")

    assert sandbox.call("GET", "/billable_metrics/seats").status == 404
    assert sandbox.ok("GET", "/plans/team")["plan"]["charges"] == []
    assert sandbox.metric()["lago_id"] != metric["lago_id"]
