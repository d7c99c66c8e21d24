"""Parts of plans by their own endpoints: codes and refusals, what is handed on to overriding plans, and what deletion leaves."""

from typing import Any

import pytest

from tests.support.server import Api


@pytest.fixture
def api(sandbox: Api) -> Api:
    """A sandbox with a plan of one charge (filter eu) and one fixed charge, and a subscription whose own plan has its amount alone."""
    metric = sandbox.metric(filters=[{"key": "region", "values": ["eu", "us"]}])
    sandbox.add_on("desk")
    charge = sandbox.seat_charge(metric, filters=[{"values": {"region": ["eu"]}, "properties": {"amount": "8"}}])
    fixed = {"add_on_code": "desk", "charge_model": "standard", "units": 2, "properties": {"amount": "5"}}
    sandbox.plan(amount_cents=1000, charges=[charge], fixed_charges=[fixed])
    sandbox.customer()
    sandbox.subscribe(plan_overrides={"name": "Ours"})
    return sandbox


CHARGE = "/plans/team/charges/seats"
FIXED = "/plans/team/fixed_charges/desk"

REFUSED: dict[str, tuple[str, str, dict[str, Any], Any]] = {
    "a charge without a code": ("/plans/team/charges", "charge", {"charge_model": "standard"}, {"code": ["value_is_mandatory"]}),
    "a charge's code twice": (
        "/plans/team/charges",
        "charge",
        {"code": "seats", "charge_model": "standard"},
        {"code": ["value_already_exist"]},
    ),
    "a filter twice": (
        CHARGE + "/filters",
        "filter",
        {"values": {"region": ["eu"]}, "properties": {"amount": "1"}},
        {"values": ["value_already_exist"]},
    ),
    "a filter of nothing": (CHARGE + "/filters", "filter", {"properties": {"amount": "1"}}, {"values": ["value_is_mandatory"]}),
    "a fixed charge without a code": (
        "/plans/team/fixed_charges",
        "fixed_charge",
        {"add_on_code": "desk", "charge_model": "standard"},
        {"code": ["value_is_mandatory"]},
    ),
    "a fixed charge of an unknown model": (
        "/plans/team/fixed_charges",
        "fixed_charge",
        {"add_on_code": "desk", "code": "x", "charge_model": "package"},
        {"charge_model": ["value_is_invalid"]},
    ),
    "negative units": (
        "/plans/team/fixed_charges",
        "fixed_charge",
        {"add_on_code": "desk", "code": "x", "charge_model": "standard", "units": -1},
        {"units": ["value_is_out_of_range"]},
    ),
    "volume in advance": (
        "/plans/team/fixed_charges",
        "fixed_charge",
        {"add_on_code": "desk", "code": "x", "charge_model": "volume", "pay_in_advance": True},
        {"pay_in_advance": ["invalid_charge_model"]},
    ),
    "graduated in advance and prorated": (
        "/plans/team/fixed_charges",
        "fixed_charge",
        {"add_on_code": "desk", "code": "x", "charge_model": "graduated", "pay_in_advance": True, "prorated": True},
        {"prorated": ["invalid_charge_model"]},
    ),
}


@pytest.mark.parametrize(("path", "root", "fields", "details"), REFUSED.values(), ids=REFUSED)
def test_a_part_is_refused_with_the_field_and_its_code(api: Api, path: str, root: str, fields: dict[str, Any], details: Any) -> None:
    before = api.ok("GET", "/plans/team")
    if root == "charge":
        fields = fields | {"billable_metric_id": before["plan"]["charges"][0]["lago_billable_metric_id"]}

    reply = api.call("POST", path, {root: fields})

    assert (reply.status, reply.body["error_details"]) == (422, details)
    assert api.ok("GET", "/plans/team") == before


@pytest.mark.parametrize(
    ("path", "root", "fields", "code"),
    [
        ("/plans/team/charges", "charge", {"code": "x", "charge_model": "standard"}, "billable_metric_not_found"),
        ("/plans/team/fixed_charges", "fixed_charge", {"code": "x", "add_on_code": "y", "charge_model": "standard"}, "add_on_not_found"),
        ("/plans/team/charges/x/filters", "filter", {"values": {"region": ["us"]}}, "charge_not_found"),
    ],
)
def test_what_a_part_refers_to_must_be_there(api: Api, path: str, root: str, fields: dict[str, Any], code: str) -> None:
    assert api.call("POST", path, {root: fields}).body["code"] == code


@pytest.mark.parametrize("path", [CHARGE + "x", FIXED + "x"])
def test_an_unknown_part_is_not_found(api: Api, path: str) -> None:
    code = "fixed_charge_not_found" if "fixed" in path else "charge_not_found"

    assert [api.call(method, path).body["code"] for method in ("GET", "DELETE")] == [code, code]


def test_an_unknown_filter_is_not_found(api: Api) -> None:
    path = f"{CHARGE}/filters/00000000-0000-4000-8000-000000000000"

    assert {api.call(method, path).body["code"] for method in ("GET", "DELETE")} == {"charge_filter_not_found"}


def test_an_override_keeps_the_model_of_a_fixed_charge(api: Api) -> None:
    fixed = api.ok("GET", FIXED)["fixed_charge"]
    overrides = {"fixed_charges": [{"id": fixed["lago_id"], "charge_model": "graduated"}]}

    reply = api.call("PUT", "/subscriptions/sub", {"subscription": {"plan_overrides": overrides}})

    assert (reply.status, reply.body["code"]) == (403, "cannot_override_charge_model")


def own(api: Api) -> dict[str, Any]:
    plan: dict[str, Any] = api.ok("GET", "/subscriptions/sub")["subscription"]["plan"]
    return plan


def test_prices_are_handed_on_only_where_asked_and_still_as_copied(api: Api) -> None:
    api.ok("PUT", CHARGE, {"charge": {"charge_model": "standard", "prorated": True, "properties": {"amount": "11"}}})
    assert own(api)["charges"][0]["properties"]["amount"] == "10"

    api.ok("PUT", FIXED, {"fixed_charge": {"properties": {"amount": "6"}, "cascade_updates": True}})
    assert own(api)["fixed_charges"][0]["properties"]["amount"] == "6"

    # The child's charge is at 10 and the parent's was at 11: it keeps its price, the filter at 8 as copied follows.
    filter_id = api.ok("GET", CHARGE + "/filters")["filters"][0]["lago_id"]
    api.ok("PUT", f"{CHARGE}/filters/{filter_id}", {"filter": {"properties": {"amount": "9"}, "cascade_updates": True}})
    [charge] = own(api)["charges"]
    assert (charge["properties"]["amount"], charge["filters"][0]["properties"]["amount"]) == ("10", "9")


def test_parts_that_come_and_go_are_handed_on(api: Api) -> None:
    metric_id = api.ok("GET", CHARGE)["charge"]["lago_billable_metric_id"]
    more = {"billable_metric_id": metric_id, "code": "more", "charge_model": "standard", "properties": {"amount": "1"}}
    api.ok("POST", "/plans/team/charges", {"charge": more | {"cascade_updates": True}})
    assert [charge["code"] for charge in own(api)["charges"]] == ["seats", "more"]

    api.ok("DELETE", "/plans/team/charges/more", {"charge": {"cascade_updates": True}})
    filter_id = api.ok("GET", CHARGE + "/filters")["filters"][0]["lago_id"]
    api.ok("DELETE", f"{CHARGE}/filters/{filter_id}", {"filter": {"cascade_updates": True}})
    api.ok("DELETE", FIXED, {"fixed_charge": {"cascade_updates": True}})

    plan = own(api)
    assert [(charge["code"], charge["filters"]) for charge in plan["charges"]] == [("seats", [])]
    assert plan["fixed_charges"] == []


def test_the_amount_is_handed_on_where_it_is_still_the_old_one(api: Api) -> None:
    api.ok("PUT", "/plans/team", {"plan": {"amount_cents": 1100, "cascade_updates": True}})
    assert own(api)["amount_cents"] == 1100
    api.ok("PUT", "/subscriptions/sub", {"subscription": {"plan_overrides": {"amount_cents": 900}}})
    api.ok("PUT", "/plans/team", {"plan": {"amount_cents": 1200, "cascade_updates": True}})
    assert own(api)["amount_cents"] == 900


def test_group_keys_and_codes_always_follow_and_names_never(api: Api) -> None:
    api.ok("PUT", "/subscriptions/sub/charges/seats", {"charge": {"properties": {"amount": "3"}}})
    keys = {"pricing_group_keys": ["team"], "presentation_group_keys": [{"value": "tier"}]}
    price = {"charge_model": "standard", "prorated": True, "properties": {"amount": "12"} | keys, "invoice_display_name": "Seats!"}

    api.ok("PUT", CHARGE, {"charge": price | {"cascade_updates": True}})
    api.ok("PUT", "/plans/team", {"plan": {"name": "Other", "description": "x", "cascade_updates": True}})

    plan = own(api)
    [charge] = plan["charges"]
    assert charge["properties"] == {"amount": "3", "grouped_by": ["team"]} | keys
    assert (charge["invoice_display_name"], plan["name"], plan["description"]) == (None, "Ours", None)


def test_filters_and_overrides_suit_another_model_or_do_not_follow_it(api: Api) -> None:
    package = {"charge_model": "package", "properties": {"amount": "1", "package_size": 5, "free_units": 0}}
    kept = api.call("PUT", CHARGE, {"charge": package})  # the filter's price of a unit is none of a package
    assert (kept.status, kept.body["error_details"]) == (422, {"properties": ["invalid_package_size", "invalid_free_units"]})
    api.ok(
        "PUT", "/subscriptions/sub/charges/seats", {"charge": {"filters": [{"values": {"region": ["eu"]}, "properties": {"amount": "7"}}]}}
    )

    own_price = {"values": {"region": ["eu"]}, "properties": package["properties"]}
    api.ok("PUT", CHARGE, {"charge": package | {"filters": [own_price], "cascade_updates": True}})

    [charge] = own(api)["charges"]
    assert (charge["charge_model"], charge["filters"][0]["properties"]) == ("standard", {"amount": "7"})
    assert api.usage()["amount_cents"] == 0


def test_a_plan_whose_subscription_is_over_gets_the_amount_alone(api: Api) -> None:
    api.terminate()
    api.ok("PUT", "/plans/team", {"plan": {"amount_cents": 1100, "cascade_updates": True}})
    api.ok("PUT", FIXED, {"fixed_charge": {"properties": {"amount": "6"}, "cascade_updates": True}})

    plan = api.ok("GET", "/subscriptions/sub", query={"status": "terminated"})["subscription"]["plan"]
    assert (plan["amount_cents"], plan["fixed_charges"][0]["properties"]) == (1100, {"amount": "5"})


def test_a_deleted_plan_makes_its_drafts_final(api: Api) -> None:
    api.customer(billing_configuration={"invoice_grace_period": 5})
    api.move_to("2026-08-01T00:00:00Z")
    [draft] = api.invoices()
    assert draft["status"] == "draft"

    api.ok("DELETE", "/plans/team")
    api.move_to("2026-08-01T00:00:00Z")

    assert api.ok("GET", f"/invoices/{draft['lago_id']}")["invoice"]["status"] == "finalized"


def test_a_deleted_plan_ends_what_runs_by_plans_that_override_it(api: Api) -> None:
    assert api.ok("DELETE", "/plans/team")["plan"]["pending_deletion"] is True
    api.move_to("2026-07-01T00:00:00Z")

    assert api.ok("GET", "/subscriptions/sub", query={"status": "terminated"})["subscription"]["status"] == "terminated"


def test_a_commitment_and_thresholds_come_change_and_go(api: Api) -> None:
    thresholds = [{"amount_cents": 500, "threshold_display_name": "Half"}, {"amount_cents": 100, "recurring": True}]
    made = api.ok("PUT", "/plans/team", {"plan": {"minimum_commitment": {"amount_cents": 500}, "usage_thresholds": thresholds}})["plan"]
    changed = api.ok("PUT", "/plans/team", {"plan": {"minimum_commitment": {"amount_cents": 600, "invoice_display_name": "Floor"}}})["plan"]

    assert made["minimum_commitment"]["plan_code"] == "team"
    assert changed["minimum_commitment"]["lago_id"] == made["minimum_commitment"]["lago_id"]
    assert (changed["minimum_commitment"]["amount_cents"], changed["minimum_commitment"]["invoice_display_name"]) == (600, "Floor")
    assert [(item["amount_cents"], item["recurring"]) for item in changed["usage_thresholds"]] == [(500, False), (100, True)]
    shown = api.ok("GET", "/subscriptions/sub")["subscription"]["applicable_usage_thresholds"]
    assert [item["threshold_display_name"] for item in shown] == ["Half", None]
    gone = api.ok("PUT", "/plans/team", {"plan": {"minimum_commitment": {}, "usage_thresholds": []}})["plan"]
    assert ("minimum_commitment" in gone, gone["usage_thresholds"]) == (False, [])


def test_taxes_of_parts_are_their_own(api: Api) -> None:
    api.tax()
    code = api.ok("GET", "/taxes")["taxes"][0]["code"]
    api.ok("PUT", FIXED, {"fixed_charge": {"tax_codes": [code]}})
    api.ok("PUT", "/plans/team", {"plan": {"minimum_commitment": {"amount_cents": 500, "tax_codes": [code]}}})

    plan = api.ok("GET", "/plans/team")["plan"]

    assert [tax["code"] for tax in plan["fixed_charges"][0]["taxes"]] == [code]
    assert [tax["code"] for tax in plan["minimum_commitment"]["taxes"]] == [code]
    assert api.call("PUT", FIXED, {"fixed_charge": {"tax_codes": ["x"]}}).body["code"] == "tax_not_found"


def test_subscriptions_with_plans_of_their_own_are_listed_apart(api: Api) -> None:
    api.subscribe(external_id="plain")

    def listed(**query: str) -> list[str]:
        return [row["external_id"] for row in api.ok("GET", "/subscriptions", query=query)["subscriptions"]]

    assert (listed(overridden="true"), listed(overridden="false")) == (["sub"], ["plain"])
    assert listed(overriden="true") == ["sub"]
    assert listed(plan_code="team") == listed()


def test_posting_the_plan_again_returns_what_runs_by_a_plan_that_overrides_it(api: Api) -> None:
    before = api.ok("GET", "/subscriptions/sub")["subscription"]

    assert api.subscribe()["lago_id"] == before["lago_id"]
