"""Current usage by parts (a charge, a group, without groups, since the start), broken down for presentation, and projected."""

import json
from typing import Any

import pytest

from tests.support.server import Api, Server

APRIL_9 = "2025-04-09T12:00:00Z"
REGIONS = [{"key": "region", "values": ["eu", "us"]}]


def calls(server: Server, *, charges: list[dict[str, Any]] | None = None, start: str = "2025-03-01T00:00:00Z", **charge: Any) -> Api:
    """A subscription since March that counts calls at 1.00, on 9 April."""
    api = server.organization(at=start)
    metric = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False, filters=REGIONS)
    base = {"billable_metric_id": metric["lago_id"], "charge_model": "standard", "properties": {"amount": "1"}}
    api.plan(charges=[base | own for own in charges or [charge]])
    api.customer()
    api.subscribe()
    api.move_to(APRIL_9)
    return api


def send(api: Api, *events: dict[str, Any], code: str = "calls", timestamp: str = "2025-04-02T00:00:00Z") -> None:
    seconds = {"2025-04-02T00:00:00Z": 1743552000, "2025-03-02T00:00:00Z": 1740873600}[timestamp]
    body = [
        {"transaction_id": f"{seconds}-{n}", "code": code, "external_subscription_id": "sub", "timestamp": seconds, "properties": event}
        for n, event in enumerate(events)
    ]
    api.ok("POST", "/events/batch", {"events": body})


EVENTS = (
    {"region": "eu", "team": "red", "tier": "pro"},
    {"region": "eu", "team": "red", "tier": "free"},
    {"region": "us", "team": "red", "tier": "pro"},
    {"region": "eu", "team": "blue", "tier": "pro"},
    {"region": "ap", "team": "blue"},
)
FILTERED: dict[str, Any] = {
    "properties": {"amount": "1", "pricing_group_keys": ["team"]},
    "filters": [{"values": {"region": ["eu"]}, "properties": {"amount": "10", "pricing_group_keys": ["team"]}}],
}


def one(api: Api, **query: Any) -> dict[str, Any]:
    [charge] = api.usage(**query)["charges_usage"]
    return charge


def filters_of(entry: dict[str, Any]) -> list[tuple[Any, str]]:
    return [((item["values"] or {}).get("region"), item["units"]) for item in entry["filters"]]


def groups_of(charge: dict[str, Any]) -> list[tuple[Any, str]]:
    return [(item["grouped_by"], item["units"]) for item in charge["grouped_usage"]]


def test_usage_of_one_group_leaves_the_others_out(server: Server) -> None:
    api = calls(server, **FILTERED)
    send(api, *EVENTS)

    red = one(api, **{"group[team]": "red"})

    # eu 2 x 10 and one elsewhere; the key that was chosen splits nothing any more
    assert (red["units"], red["events_count"], red["amount_cents"]) == ("3.0", 3, 2100)
    assert filters_of(red) == [(["eu"], "2.0"), (None, "1.0")]
    assert red["grouped_usage"] == []
    assert one(api, group=json.dumps({"team": "red"})) == one(api, filter_by_group=json.dumps({"team": ["red"]})) == red
    # a property that is no group key: the groups stay
    pro = one(api, **{"filter_by_group[tier]": "pro"})
    assert groups_of(pro) == [({"team": "blue"}, "1.0"), ({"team": "red"}, "2.0")]
    # the key of a filter: only what both allow
    assert filters_of(one(api, **{"group[region][]": ["us", "ap"]})) == [(["eu"], "0.0"), (None, "2.0")]
    assert one(api, **{"group[team]": "green"})["units"] == "0.0"
    assert api.call("GET", "/customers/acme/current_usage", query={"external_subscription_id": "sub", "group": "{"}).status == 422


def test_grouping_can_be_skipped(server: Server) -> None:
    api = calls(server, **FILTERED)
    send(api, *EVENTS)

    whole = one(api, skip_grouping="true")

    assert whole["grouped_usage"] == []
    assert filters_of(whole) == [(["eu"], "3.0"), (None, "2.0")]
    assert whole["amount_cents"] == one(api)["amount_cents"] == 3200


def test_usage_since_the_start_needs_a_charge_or_a_group(server: Server) -> None:
    api = calls(server, code="calls")
    send(api, {}, {}, timestamp="2025-03-02T00:00:00Z")
    send(api, {})
    path = "/customers/acme/current_usage"

    refused = api.call("GET", path, query={"external_subscription_id": "sub", "full_usage": "true"})
    usage = api.usage(full_usage="true", charge_code="calls")

    assert (refused.status, refused.body["code"]) == (405, "full_usage_not_allowed")
    assert (usage["from_datetime"], usage["to_datetime"]) == ("2025-03-01T00:00:00Z", "2025-04-30T23:59:59Z")
    assert (usage["charges_usage"][0]["units"], usage["amount_cents"]) == ("3.0", 300)
    assert api.usage(charge_code="calls")["amount_cents"] == 100


def test_prorated_charges_have_no_usage_since_the_start(sandbox: Api) -> None:
    sandbox.plan(charges=[sandbox.seat_charge(sandbox.metric())])
    sandbox.customer()
    sandbox.subscribe()
    query = {"external_subscription_id": "sub", "full_usage": "true", "billable_metric_code": "seats"}

    assert sandbox.call("GET", "/customers/acme/current_usage", query=query).body["code"] == "full_usage_not_allowed"


PRESENTED = {"presentation_group_keys": [{"value": "tier", "options": {"display_in_invoice": True}}]}


def shown(entry: dict[str, Any]) -> dict[str, str]:
    return {item["presentation_by"]["tier"]: item["units"] for item in entry["presentation_breakdowns"]}


def test_units_are_broken_down_where_they_are_not_split_further(server: Server) -> None:
    plain = {"code": "plain", "properties": {"amount": "1"} | PRESENTED}
    grouped = {"code": "grouped", "properties": {"amount": "1", "pricing_group_keys": ["team"]} | PRESENTED}
    filtered = {"code": "filtered", "properties": {"amount": "1"} | PRESENTED, "filters": [{"values": {"region": ["eu"]}}]}
    api = calls(server, charges=[plain, grouped, filtered])
    send(api, *EVENTS)

    found = {usage["charge"]["code"]: usage for usage in api.usage()["charges_usage"]}

    assert shown(found["plain"]) == {"pro": "3.0", "free": "1.0", "": "1.0"}
    assert found["grouped"]["presentation_breakdowns"] == found["filtered"]["presentation_breakdowns"] == []
    assert [(item["grouped_by"]["team"], shown(item)) for item in found["grouped"]["grouped_usage"]] == [
        ("blue", {"pro": "1.0", "": "1.0"}),
        ("red", {"pro": "2.0", "free": "1.0"}),
    ]
    assert [shown(item) for item in found["filtered"]["filters"]] == [{"pro": "2.0", "free": "1.0"}, {"pro": "1.0", "": "1.0"}]
    assert shown(one(api, charge_code="plain", filter_by_presentation='["tier"]')) == shown(found["plain"])
    assert shown(one(api, charge_code="plain", filter_by_presentation="[]")) == {}
    assert {usage["amount_cents"] for usage in found.values()} == {500, 200}

    api.move_to("2025-05-01T00:00:00Z")
    fees = [fee for fee in api.invoices()[-1]["fees"] if fee["item"]["type"] == "charge"]
    billed = [(fee["item"]["filters"], fee["item"]["grouped_by"], shown(fee)) for fee in fees]
    assert billed == [
        (None, {}, {"pro": "3.0", "free": "1.0", "": "1.0"}),
        (None, {"team": "blue"}, {"pro": "1.0", "": "1.0"}),
        (None, {"team": "red"}, {"pro": "2.0", "free": "1.0"}),
        ({"region": ["eu"]}, {}, {"pro": "2.0", "free": "1.0"}),
        (None, {}, {"pro": "1.0", "": "1.0"}),
    ]
    past = api.ok("GET", "/customers/acme/past_usage", query={"external_subscription_id": "sub"})["usage_periods"][0]
    assert shown(past["charges_usage"][0]) == {"pro": "3.0", "free": "1.0", "": "1.0"}


def test_the_fee_of_an_event_shows_its_own_values(server: Server) -> None:
    api = calls(server, pay_in_advance=True, invoiceable=False, properties={"amount": "1"} | PRESENTED)
    send(api, EVENTS[0])

    [fee] = api.ok("GET", "/fees", query={"fee_type": "charge"})["fees"]
    assert shown(fee) == {"pro": "1.0"}


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ("tier", "invalid_type"),
        ([{"value": ""}], "invalid_type"),
        (["tier"], "invalid_type"),
        ([{"value": "a"}, {"value": "b"}, {"value": "c"}], "too_many_keys"),
        ([{"value": "a"}, {"value": "a"}], "value_is_duplicated"),
    ],
)
def test_presentation_keys_that_cannot_be_are_refused(sandbox: Api, keys: Any, code: str) -> None:
    charge = sandbox.seat_charge(sandbox.metric(), properties={"amount": "1", "presentation_group_keys": keys})
    plan = {"name": "P", "code": "p", "interval": "monthly", "amount_cents": 0, "amount_currency": "USD", "pay_in_advance": False}

    reply = sandbox.call("POST", "/plans", {"plan": plan | {"charges": [charge]}})

    assert (reply.status, reply.body["error_details"]) == (422, {"properties": [code]})


def projected(api: Api) -> dict[str, Any]:
    query = {"external_subscription_id": "sub"}
    return api.ok("GET", "/customers/acme/projected_usage", query=query)["customer_projected_usage"]


def test_the_running_period_is_projected_to_its_end(server: Server) -> None:
    package = {"amount": "5", "package_size": 100, "free_units": 0}
    by_region = {"properties": {"amount": "1"} | PRESENTED, "filters": [{"values": {"region": ["eu"]}, "properties": {"amount": "10"}}]}
    api = calls(server, charges=[{"code": "a", **by_region}, {"code": "b", "charge_model": "package", "properties": package}])
    send(api, *EVENTS, {"region": "eu", "tier": "pro"})

    usage = projected(api)

    # 9 of 30 days have passed: 4 calls of eu become 13.33, 133.30; 2 others become 6.67, 6.67; 6 calls in all 20.00
    by_filter, by_package = usage["charges_usage"]
    assert [(item["projected_units"], item["projected_amount_cents"]) for item in by_filter["filters"]] == [("13.33", 13330), ("6.67", 667)]
    assert (by_filter["units"], by_filter["projected_units"], by_filter["projected_amount_cents"]) == ("6.0", "20.0", 13997)
    # pro: 3 of eu become 10.00
    assert by_filter["filters"][0]["projected_presentation_breakdowns"][1] == {"presentation_by": {"tier": "pro"}, "units": "10.0"}
    # one package of 100 is enough for 20 calls, too
    assert (by_package["amount_cents"], by_package["projected_amount_cents"]) == (500, 500)
    assert (usage["amount_cents"], usage["projected_amount_cents"], usage["taxes_amount_cents"]) == (4700, 14497, 0)
    assert "code" not in by_package["charge"]


def test_recurring_seats_are_projected_as_they_are(sandbox: Api) -> None:
    sandbox.plan(charges=[sandbox.seat_charge(sandbox.metric())])
    sandbox.customer()
    sandbox.subscribe()
    sandbox.event("1", user_id="ada")
    sandbox.move_to("2026-07-09T12:00:00Z")

    [charge] = projected(sandbox)["charges_usage"]

    assert (charge["projected_units"], charge["amount_cents"], charge["projected_amount_cents"]) == ("1.0", 1000, 1000)
    assert sandbox.call("GET", "/customers/acme/projected_usage").body["code"] == "no_active_subscription"


def test_taxes_are_added_unless_nobody_wants_them(server: Server) -> None:
    api = calls(server)
    api.tax("vat", rate="20")
    api.customer(tax_codes=["vat"])
    send(api, *EVENTS)

    taxed, untaxed = api.usage(), api.usage(apply_taxes="false")

    # 5 calls at 1.00 with 20 %
    assert [taxed[name] for name in ("amount_cents", "taxes_amount_cents", "total_amount_cents")] == [500, 100, 600]
    assert [untaxed[name] for name in ("amount_cents", "taxes_amount_cents", "total_amount_cents")] == [500, 0, 500]
    assert [projected(api)[name] for name in ("taxes_amount_cents", "total_amount_cents", "projected_amount_cents")] == [100, 600, 1667]
