"""The published Python client's methods for the parts of plans and subscriptions: charges, filters, fixed charges, metadata."""

from typing import Any

import pytest
from lago_python_client.client import Client
from lago_python_client.models import Charge, Plan, Subscription
from lago_python_client.models.alert import Alert, AlertsList, AlertThreshold, AlertThresholdList
from lago_python_client.models.charge import ChargeFilter
from lago_python_client.models.fixed_charge import FixedCharge, FixedChargeProperties
from lago_python_client.models.usage_threshold import UsageThreshold, UsageThresholds

from tests.support.server import HOST, Api


@pytest.fixture
def lago(sandbox: Api) -> Client:
    """The client for a sandbox with a plan of a charge, a filter and a fixed charge, and a subscription to it."""
    metric = sandbox.metric(filters=[{"key": "region", "values": ["eu", "us"]}])
    charge = sandbox.seat_charge(metric, filters=[{"values": {"region": ["eu"]}, "properties": {"amount": "8"}}])
    sandbox.add_on("desk")
    fixed = {"add_on_code": "desk", "charge_model": "standard", "units": 2.5, "properties": {"amount": "5"}}
    sandbox.plan(charges=[charge], fixed_charges=[fixed], minimum_commitment={"amount_cents": 1000})
    sandbox.customer()
    sandbox.subscribe()
    return Client(api_key=str(sandbox.key), api_url=f"http://{HOST}:{sandbox.port}")


def price(amount: str) -> dict[str, Any]:
    return {"amount": amount}


def test_charges_of_a_plan(lago: Client) -> None:
    metric_id = lago.billable_metrics.find("seats").lago_id
    made = lago.plan_charges.create(
        "team", Charge(billable_metric_id=metric_id, code="more", charge_model="standard", properties=price("1"))
    )
    changed = lago.plan_charges.update("team", "more", Charge(charge_model="standard", properties=price("2")))

    assert (made.code, changed.properties["amount"]) == ("more", "2")
    assert lago.plan_charges.find("team", "more") == changed
    assert lago.plan_charges.destroy("team", "more").lago_id == made.lago_id


def test_filters_of_a_charge(lago: Client) -> None:
    made = lago.plans.create_charge_filter("team", "seats", ChargeFilter(values={"region": ["us"]}, properties=price("7")))
    changed = lago.plans.update_charge_filter("team", "seats", made.lago_id, ChargeFilter(properties=price("6")))

    assert (made.values, changed.properties["amount"], changed.values) == ({"region": ["us"]}, "6", {"region": ["us"]})
    assert lago.plans.find_charge_filter("team", "seats", made.lago_id) == changed
    assert len(lago.plans.find_all_charge_filters("team", "seats")["filters"]) == 2
    assert lago.plans.destroy_charge_filter("team", "seats", made.lago_id).lago_id == made.lago_id


def test_fixed_charges_of_a_plan(lago: Client) -> None:
    shown = lago.plan_fixed_charges.find("team", "desk")
    more = FixedCharge(add_on_code="desk", code="more", charge_model="standard", properties=FixedChargeProperties(amount="3"), units=1)
    made = lago.plan_fixed_charges.create("team", more)
    changed = lago.plan_fixed_charges.update("team", "more", FixedCharge(units=4))

    assert (shown.units, shown.invoice_display_name, shown.prorated) == (2.5, "Desk", False)
    assert (made.code, changed.units, changed.properties.amount) == ("more", 4, "3")
    assert lago.plan_fixed_charges.destroy("team", "more").lago_id == made.lago_id
    plan = lago.plans.find("team")
    assert plan.minimum_commitment.amount_cents == 1000
    assert [item.code for item in plan.fixed_charges.__root__] == ["desk"]


def test_metadata_of_a_plan(lago: Client) -> None:
    assert lago.plans.replace_metadata("team", {"a": "1"}) == {"a": "1"}
    assert lago.plans.merge_metadata("team", {"b": None}) == {"a": "1", "b": None}
    assert lago.plans.delete_metadata_key("team", "a") == {"b": None}
    assert lago.plans.delete_all_metadata("team") is None


def test_what_a_subscription_has_of_its_own(lago: Client) -> None:
    own = lago.subscription_charges.update("sub", "seats", Charge(properties=price("4")))
    made = lago.subscriptions.create_charge_filter("sub", "seats", ChargeFilter(values={"region": ["us"]}, properties=price("3")))
    changed = lago.subscriptions.update_charge_filter("sub", "seats", made.lago_id, ChargeFilter(properties=price("2")))
    units = lago.subscription_fixed_charges.update("sub", "desk", FixedCharge(units=7))

    assert (own.properties["amount"], changed.properties["amount"], units.units) == ("4", "2", 7)
    assert lago.subscription_charges.find("sub", "seats").properties["amount"] == "4"
    assert lago.plan_charges.find("team", "seats").properties["amount"] == "10"
    assert len(lago.subscriptions.find_all_charge_filters("sub", "seats")["filters"]) == 2
    assert lago.subscriptions.find_charge_filter("sub", "seats", made.lago_id) == changed
    assert lago.subscriptions.destroy_charge_filter("sub", "seats", made.lago_id).lago_id == made.lago_id
    assert lago.subscription_fixed_charges.find("sub", "desk").units == 7


def test_a_plan_of_its_own_comes_with_the_subscription(lago: Client) -> None:
    lago.plans.update(Plan(name="Team"), "team")
    made = lago.subscriptions.create(
        Subscription(
            external_customer_id="acme", plan_code="team", external_id="second", plan_overrides={"amount_cents": 700, "name": "Ours"}
        )
    )

    assert (made.plan_code, int(made.plan_amount_cents)) == ("team", 700)
    assert lago.plans.find("team").amount_cents == 0


def test_thresholds_and_alerts_of_a_subscription(lago: Client, sandbox: Api) -> None:
    thresholds = UsageThresholds(__root__=[UsageThreshold(amount_cents=800, threshold_display_name="first")])
    lago.plans.update(Plan(name="Team", usage_thresholds=thresholds), "team")
    levels = AlertThresholdList(__root__=[AlertThreshold(code=None, value="500", recurring=None)])
    wanted = Alert(alert_type="current_usage_amount", code="much", thresholds=levels)
    [alert] = lago.subscriptions.create_alerts("sub", AlertsList(alerts=[wanted]))["alerts"]
    assert (alert.external_subscription_id, alert.previous_value, alert.direction) == ("sub", "0.0", "increasing")

    sandbox.event("first", user_id="ada")
    sandbox.move_to(sandbox.ok("GET", "/test_clock")["test_clock"]["frozen_time"])

    [invoice] = lago.invoices.find_all({"invoice_type": "progressive_billing"})["invoices"]
    [applied] = lago.invoices.find(invoice.lago_id).applied_usage_thresholds.__root__
    # a seat of the whole month costs 10.00
    assert (applied.lifetime_usage_amount_cents, applied.usage_threshold.threshold_display_name) == (1000, "first")
    usage = lago.subscriptions.lifetime_usage("sub")
    assert [(item.amount_cents, item.completion_ratio) for item in usage.usage_thresholds] == [(800, 1.0)]
    lago.subscriptions.delete_alerts("sub")
    assert sandbox.ok("GET", "/subscriptions/sub/alerts")["alerts"] == []
