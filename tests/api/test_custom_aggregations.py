"""Custom aggregations: a reducer on a metric, priced by what it makes of the events."""

from typing import Any

import pytest

from tests.support.server import Api

PAGES = {
    "filter": "event.properties.pages > 0",
    "init": {"vars": {"seen": "0"}},
    "step": {
        "units": "state.units + event.properties.pages",
        "amount": "if(state.vars.seen < 2, 0, charge.price * event.properties.pages)",
        "vars": {"seen": "state.vars.seen + 1"},
    },
}
METRIC = {"name": "Pages", "code": "pages", "aggregation_type": "custom_agg", "custom_aggregator": PAGES}


def start(api: Api, **charge: Any) -> dict[str, Any]:
    metric: dict[str, Any] = api.ok("POST", "/billable_metrics", {"billable_metric": METRIC | {"recurring": True}})["billable_metric"]
    custom = {"charge_model": "custom", "properties": {"custom_properties": {"price": "0.10"}}}
    api.plan(charges=[{"billable_metric_id": metric["lago_id"]} | custom | charge])
    api.customer()
    api.subscribe()
    return metric


def test_events_are_reduced_in_usage_and_on_the_invoice(sandbox: Api) -> None:
    assert start(sandbox)["custom_aggregator"] == PAGES
    for number, pages in enumerate([5, 0, 7, 30], 1):
        sandbox.event(str(number), code="pages", pages=pages)

    [charge] = sandbox.usage()["charges_usage"]

    # two free, one event without a page, then 30 x 0.10
    assert (charge["units"], charge["events_count"], charge["amount_cents"]) == ("42.0", 3, 300)
    sandbox.move_to("2026-08-01T00:00:00Z")
    [fee] = [fee for fee in sandbox.invoices()[-1]["fees"] if fee["item"]["type"] == "charge"]
    assert (fee["units"], fee["amount_cents"], fee["events_count"]) == ("42.0", 300, 3)
    # August goes on where July ended, and bills what comes
    sandbox.event("5", code="pages", pages=4)
    [charge] = sandbox.usage()["charges_usage"]
    assert (charge["units"], charge["events_count"], charge["amount_cents"]) == ("46.0", 1, 40)


def test_groups_are_reduced_by_themselves(sandbox: Api) -> None:
    start(sandbox, properties={"custom_properties": {"price": "1"}, "pricing_group_keys": ["team"]})
    for number, team in enumerate(["red", "red", "red", "blue"]):
        sandbox.event(str(number), code="pages", pages=2, team=team)

    [charge] = sandbox.usage()["charges_usage"]

    assert [(group["grouped_by"]["team"], group["units"], group["amount_cents"]) for group in charge["grouped_usage"]] == [
        ("blue", "2.0", 0),
        ("red", "6.0", 200),
    ]


@pytest.mark.parametrize(
    ("fields", "details"),
    [
        ({"custom_aggregator": None}, {"custom_aggregator": ["value_is_mandatory"]}),
        ({"custom_aggregator": {"step": {"units": "1 +"}}}, {"custom_aggregator": ["invalid_expression"]}),
        ({"custom_aggregator": {"code": "import os"}}, {"custom_aggregator": ["invalid_expression"]}),
    ],
)
def test_a_reducer_must_be_one(sandbox: Api, fields: dict[str, Any], details: dict[str, list[str]]) -> None:
    reply = sandbox.call("POST", "/billable_metrics", {"billable_metric": METRIC | fields})

    assert (reply.status, reply.body["error_details"]) == (422, details)


def test_custom_prices_and_custom_aggregations_need_each_other(sandbox: Api) -> None:
    pages = sandbox.ok("POST", "/billable_metrics", {"billable_metric": METRIC})["billable_metric"]["lago_id"]
    seats = sandbox.metric()["lago_id"]
    plan = {"name": "P", "code": "p", "interval": "monthly", "amount_cents": 0, "amount_currency": "USD", "pay_in_advance": False}

    for metric, model in ((pages, "standard"), (seats, "custom")):
        charge = {"billable_metric_id": metric, "charge_model": model, "properties": {"amount": "1"}}
        reply = sandbox.call("POST", "/plans", {"plan": plan | {"charges": [charge]}})
        assert reply.body["error_details"]["charge_model"] == ["invalid_aggregation_type_or_charge_model"]
