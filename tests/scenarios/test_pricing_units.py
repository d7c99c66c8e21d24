"""A plan with prices in credits, from its usage to its invoice."""

from typing import Any

import pytest

from tests.support.server import Api, Server

RATE = {"code": "credits", "conversion_rate": "0.37"}


@pytest.fixture(scope="module")
def api(server: Server) -> Api:
    api = server.organization(at="2026-07-01T00:00:00Z")
    api.ok("POST", "/pricing_units", {"pricing_unit": {"name": "Credits", "code": "credits", "short_name": "CR"}})
    return api


def a_charge(metric: dict[str, Any], amount: str, **fields: Any) -> dict[str, Any]:
    return {
        "billable_metric_id": metric["lago_id"],
        "charge_model": "standard",
        "properties": {"amount": amount},
        "applied_pricing_unit": RATE,
    } | fields


def test_e14_a_month_priced_in_credits(api: Api) -> None:
    counted = {"aggregation_type": "count_agg", "field_name": None, "recurring": False}
    calls, jobs, uploads = (api.metric(code, **counted) for code in ("calls", "jobs", "uploads"))
    plan = api.plan(
        charges=[
            a_charge(calls, "2.469", code="calls"),
            a_charge(jobs, "1", code="jobs", min_amount_cents=1000),
            a_charge(uploads, "0.125", code="uploads", pay_in_advance=True, invoiceable=False),
        ]
    )
    assert plan["charges"][0]["applied_pricing_unit"] == RATE
    api.customer()
    api.subscribe()
    for number in range(5):
        api.event(f"call {number}", code="calls")
    for number in range(3):
        api.event(f"job {number}", code="jobs")

    # Five calls at 2.469 are 12.345, 12.35 credits; × 0.37 = 4.5695. Three jobs are 3.00 credits, 1.11.
    usage = api.usage()
    assert [item["amount_cents"] for item in usage["charges_usage"]] == [457, 111, 0]
    assert usage["charges_usage"][0]["pricing_unit_details"] == {"amount_cents": 1235, "short_name": "CR", "conversion_rate": "0.37"}
    # On the first of 31 days everything is projected × 31: 155 calls are 382.695, 382.70 credits, 141.599.
    projected = api.ok("GET", "/customers/acme/projected_usage", query={"external_subscription_id": "sub"})["customer_projected_usage"]
    [foreseen, *_] = projected["charges_usage"]
    assert (foreseen["projected_amount_cents"], foreseen["pricing_unit_details"]["projected_amount_cents"]) == (14160, 38270)

    api.event("upload", code="uploads")
    # 0.125 credits are 0.13; × 0.37 = 0.0481 are 4.81 cents.
    [fee] = api.ok("GET", "/fees", query={"event_transaction_id": "upload"})["fees"]
    assert (fee["amount_cents"], fee["precise_amount"], fee["pricing_unit_details"]["amount_cents"]) == (5, "0.0481", 13)

    api.move_to("2026-08-01T00:00:00Z")
    [invoice] = api.invoices()
    billed = {(fee["item"]["code"], fee["lago_true_up_parent_fee_id"] is not None): fee for fee in invoice["fees"]}
    one = billed["calls", False]
    assert (one["amount_cents"], one["precise_amount"], one["precise_unit_amount"]) == (457, "4.5695", "0.9102")
    assert one["pricing_unit_details"] | {"lago_pricing_unit_id": ""} == {
        "lago_pricing_unit_id": "",
        "pricing_unit_code": "credits",
        "short_name": "CR",
        "amount_cents": 1235,
        "precise_amount_cents": "1234.5",
        "unit_amount_cents": 246,
        "precise_unit_amount": "2.469",
        "conversion_rate": "0.37",
    }
    # The minimum is 10.00 credits: 7.00 are missing, × 0.37 = 2.59.
    assert billed["jobs", False]["amount_cents"] == 111
    missing = billed["jobs", True]
    assert (missing["amount_cents"], missing["pricing_unit_details"]["amount_cents"]) == (259, 700)
    assert billed["subscription", False]["pricing_unit_details"] is None if ("subscription", False) in billed else True
    assert invoice["fees_amount_cents"] == 457 + 111 + 259

    past = api.ok("GET", "/customers/acme/past_usage", query={"external_subscription_id": "sub"})["usage_periods"][0]
    assert past["charges_usage"][0]["pricing_unit_details"] == {"amount_cents": 1235, "short_name": "CR", "conversion_rate": "0.37"}
    said = api.ok("GET", f"/fees/{one['lago_id']}/explain")["fee_explanation"]["sentences"]
    assert "5.0 units at CR 2.469 each are 12.345 CR." in said
    assert "12.345 CR, rounded half away from zero to 2 decimals 12.35, at 0.37 USD each are 4.5695 USD." in said
    assert "456.95 minor units, rounded half away from zero, once: $4.57." in said


def test_only_the_rate_of_a_unit_changes_and_overrides_follow_it(api: Api) -> None:
    metric = api.metric("tokens", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan("metered", charges=[a_charge(metric, "1", code="tokens"), a_charge(metric, "1", code="more")])
    api.customer("globex")
    plan = api.ok("GET", "/plans/metered")["plan"]
    own: dict[str, Any] = {"charges": [{"id": plan["charges"][1]["lago_id"], "applied_pricing_unit": {"conversion_rate": "0.5"}}]}
    api.subscribe("globex", "metered", "metered", plan_overrides=own)

    price = {"charge_model": "standard", "properties": {"amount": "1"}, "cascade_updates": True}
    for code in ("tokens", "more"):
        applied = {"code": "euros", "conversion_rate": 0.4}
        changed = api.ok("PUT", f"/plans/metered/charges/{code}", {"charge": price | {"applied_pricing_unit": applied}})["charge"]
        assert changed["applied_pricing_unit"] == {"code": "credits", "conversion_rate": "0.4"}

    charges = api.ok("GET", "/subscriptions/metered/charges")["charges"]
    assert [charge["applied_pricing_unit"]["conversion_rate"] for charge in charges] == ["0.4", "0.5"]


@pytest.mark.parametrize(
    ("applied", "details"),
    [
        ({"code": "credits"}, {"conversion_rate": ["value_is_mandatory"]}),
        ({"code": "credits", "conversion_rate": "0"}, {"conversion_rate": ["value_is_out_of_range"]}),
        ({"code": "credits", "conversion_rate": -1}, {"conversion_rate": ["value_is_out_of_range"]}),
        ({"code": "credits", "conversion_rate": "much"}, {"conversion_rate": ["value_is_invalid"]}),
        ({"code": "gold", "conversion_rate": "1"}, {"pricing_unit": ["relation_must_exist"]}),
    ],
)
def test_a_unit_without_a_rate_is_refused(api: Api, applied: dict[str, Any], details: dict[str, Any]) -> None:
    metric = api.ok(
        "POST",
        "/billable_metrics",
        {
            "billable_metric": {
                "name": "A",
                "code": f"m{len(str(applied))}{applied.get('conversion_rate')}",
                "aggregation_type": "count_agg",
            }
        },
    )["billable_metric"]
    charge = {
        "billable_metric_id": metric["lago_id"],
        "charge_model": "standard",
        "properties": {"amount": "1"},
        "applied_pricing_unit": applied,
    }
    plan = {"name": "No", "code": "no", "amount_cents": 0, "amount_currency": "USD", "interval": "monthly", "pay_in_advance": False}

    reply = api.call("POST", "/plans", {"plan": plan | {"charges": [charge]}})

    assert (reply.status, reply.body["error_details"]) == (422, details)
    assert api.call("GET", "/plans/no").status == 404


def test_a_pricing_unit_is_named_once_and_briefly(api: Api) -> None:
    refused: dict[str, tuple[dict[str, str], dict[str, list[str]]]] = {
        "code": ({"name": "A", "code": "credits", "short_name": "A"}, {"code": ["value_already_exist"]}),
        "long": (
            {"name": "A", "code": "a", "short_name": "LONG", "description": "x" * 601},
            {"short_name": ["value_is_too_long"], "description": ["value_is_too_long"]},
        ),
        "blank": ({}, {"code": ["value_is_mandatory"], "name": ["value_is_mandatory"], "short_name": ["value_is_mandatory"]}),
    }
    for body, details in refused.values():
        reply = api.call("POST", "/pricing_units", {"pricing_unit": body or {"description": "credits"}})
        assert (reply.status, reply.body["error_details"]) == (422, details)

    changed = api.ok("PUT", "/pricing_units/credits", {"pricing_unit": {"name": "Coins", "code": "other"}})["pricing_unit"]
    assert (changed["name"], changed["code"], changed["short_name"]) == ("Coins", "credits", "CR")
    assert [unit["code"] for unit in api.ok("GET", "/pricing_units")["pricing_units"]] == ["credits"]
    assert api.call("GET", "/pricing_units/none").body["code"] == "pricing_unit_not_found"
