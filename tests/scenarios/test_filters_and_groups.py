"""Filters and groups: a charge split into buckets, each event in one of them, each bucket priced by itself."""

from typing import Any

import pytest

from tests.support.server import Api, Server

APRIL = "2026-04-01T00:00:00Z"
MAY = "2026-05-01T00:00:00Z"


def at(day: int, hour: int = 0, *, month: int = 4) -> str:
    """Return Unix seconds of an instant of 2026 in UTC."""
    from datetime import UTC, datetime

    return str(int(datetime(2026, month, day, hour, tzinfo=UTC).timestamp()))


@pytest.fixture
def api(server: Server) -> Api:
    made = server.organization(at=APRIL)
    made.customer()
    return made


def start(api: Api, metric: dict[str, Any], charge: dict[str, Any], *, start_at: str = "2026-01-01T00:00:00Z") -> None:
    """Subscribe to a plan with one charge, since January."""
    given = {"billable_metric_id": metric["lago_id"], "charge_model": "standard", "properties": {"amount": "10"}}
    api.plan(charges=[given | charge])
    api.subscribe(subscription_at=start_at)


def buckets(usage: dict[str, Any]) -> list[tuple[Any, str, int]]:
    """Return (values, units, amount) of each filter of the first charge."""
    return [(item["values"], item["units"], item["amount_cents"]) for item in usage["charges_usage"][0]["filters"]]


def test_W39_a_metered_sum_falls_into_the_narrowest_filter(api: Api) -> None:
    listed = [{"key": "region", "values": ["eu", "us", "ap"]}, {"key": "tier", "values": ["pro", "free"]}]
    metric = api.metric("gb", aggregation_type="sum_agg", field_name="gb", recurring=False, filters=listed)
    filters = [
        {"values": {"region": ["eu", "us"]}, "properties": {"amount": "1"}, "invoice_display_name": "A"},
        {"values": {"region": ["eu"]}, "properties": {"amount": "2"}, "invoice_display_name": "B"},
        {"values": {"region": ["eu"], "tier": ["pro"]}, "properties": {"amount": "3"}, "invoice_display_name": "C"},
    ]
    start(api, metric, {"filters": filters})
    for number, (gb, properties) in enumerate(
        [(5, {"region": "eu"}), (7, {"region": "us"}), (11, {"region": "eu", "tier": "pro"}), (2, {"region": "ap"})]
    ):
        api.event(str(number), code="gb", timestamp=at(3), gb=gb, **properties)

    usage = api.usage()

    # A 7 × 1, B 5 × 2, C 11 × 3, default 2 × 10: 7 + 10 + 33 + 20 = 70.00
    assert buckets(usage) == [
        ({"region": ["eu", "us"]}, "7.0", 700),
        ({"region": ["eu"]}, "5.0", 1000),
        ({"region": ["eu"], "tier": ["pro"]}, "11.0", 3300),
        (None, "2.0", 2000),
    ]
    assert usage["amount_cents"] == 7000
    api.move_to(MAY)
    fees = [fee for fee in api.invoices()[-1]["fees"] if fee["item"]["type"] == "charge"]
    assert sorted((fee["item"]["filter_invoice_display_name"], fee["amount_cents"]) for fee in fees if fee["lago_charge_filter_id"]) == [
        ("A", 700),
        ("B", 1000),
        ("C", 3300),
    ]
    assert [fee["amount_cents"] for fee in fees if fee["lago_charge_filter_id"] is None] == [2000]


def test_W36_a_seat_counts_in_every_team_it_is_active_in(api: Api) -> None:
    start(api, api.metric(), {"prorated": True, "properties": {"amount": "10", "pricing_group_keys": ["team"]}})
    api.event("1", timestamp=at(1, month=3), user_id="s1", team="red")
    api.event("2", timestamp=at(16), user_id="s1", team="blue")

    groups = api.usage()["charges_usage"][0]["grouped_usage"]

    # red 30/30 = 10.00; blue from 16 April 15/30 = 5.00
    assert [(group["grouped_by"], group["amount_cents"]) for group in groups] == [({"team": "blue"}, 500), ({"team": "red"}, 1000)]
    api.event("3", timestamp=at(16), user_id="s1", team="red", operation_type="remove")
    api.event("4", timestamp=at(16), user_id="s1", operation_type="remove")
    groups = api.usage()["charges_usage"][0]["grouped_usage"]
    # the removal day counts: red 16/30 = 0.53334, 5.33; the removal without a team removes nothing
    assert {group["grouped_by"]["team"]: group["amount_cents"] for group in groups} == {"blue": 500, "red": 533, None: 0}
    api.move_to(MAY)
    fees = [fee for fee in api.invoices()[-1]["fees"] if fee["item"]["type"] == "charge"]
    assert {fee["item"]["grouped_by"]["team"]: fee["amount_cents"] for fee in fees} == {"blue": 500, "red": 533, None: 0}


def test_W37_a_removal_without_the_filters_value_removes_nothing_there(api: Api) -> None:
    metric = api.metric(filters=[{"key": "tier", "values": ["pro"]}])
    start(api, metric, {"prorated": True, "filters": [{"values": {"tier": ["pro"]}, "properties": {"amount": "20"}}]})
    api.event("1", timestamp=at(1, month=3), user_id="s1", tier="pro")
    api.event("2", timestamp=at(10), user_id="s1", operation_type="remove")

    assert buckets(api.usage()) == [({"tier": ["pro"]}, "1.0", 2000), (None, "0.0", 0)]


def test_events_without_a_group_value_stand_under_null(api: Api) -> None:
    metric = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    start(api, metric, {"properties": {"amount": "1", "pricing_group_keys": ["team"]}})
    assert [group["grouped_by"] for group in api.usage()["charges_usage"][0]["grouped_usage"]] == [{"team": None}]
    for number, team in enumerate(["red", "", "red"]):
        api.event(str(number), code="calls", timestamp=at(2), team=team)
    api.event("9", code="calls", timestamp=at(2))

    charge = api.usage()["charges_usage"][0]

    assert [(group["grouped_by"]["team"], group["units"]) for group in charge["grouped_usage"]] == [("red", "2.0"), (None, "2.0")]
    assert (charge["units"], charge["events_count"], charge["amount_cents"]) == ("4.0", 4, 400)


@pytest.mark.parametrize(
    ("aggregation", "units", "amount"),
    [("max_agg", "9.0", 9000), ("latest_agg", "4.0", 4000)],
)
def test_the_largest_and_the_latest_value_are_billed(api: Api, aggregation: str, units: str, amount: int) -> None:
    metric = api.metric("gauge", aggregation_type=aggregation, field_name="value", recurring=False)
    start(api, metric, {})
    for number, (day, value) in enumerate([(2, 3), (5, 9), (7, 4), (6, "many")]):
        api.event(str(number), code="gauge", timestamp=at(day), value=value)

    charge = api.usage()["charges_usage"][0]

    assert (charge["units"], charge["events_count"], charge["amount_cents"]) == (units, 3, amount)


def test_a_weighted_sum_bills_each_level_for_its_time(api: Api) -> None:
    metric = api.metric("gb", aggregation_type="weighted_sum_agg", field_name="gb", recurring=True, weighted_interval="seconds")
    start(api, metric, {"properties": {"amount": "1"}})
    for number, (day, hour, gb) in enumerate([(4, 0, 120), (16, 12, -20), (25, 6, 50)]):
        api.event(str(number), code="gb", timestamp=at(day, hour), gb=gb)

    charge = api.usage()["charges_usage"][0]

    # (120 × 27 − 20 × 14.5 + 50 × 5.75) / 30 days = 3237.5 / 30 = 107.91666…, rounded up at 20 decimals
    assert charge["units"] == "107.91666666666666666667"
    assert (charge["total_aggregated_units"], charge["amount_cents"], charge["events_count"]) == ("150.0", 10792, 3)
    api.move_to(MAY)
    assert api.usage()["charges_usage"][0]["units"] == "150.0"


@pytest.mark.parametrize(
    ("filters", "codes"),
    [
        ([{"values": {}}], {"values": ["value_is_mandatory"]}),
        ([{"values": {"region": ["mars"]}}], {"values": ["value_is_invalid"]}),
        ([{"values": {"shape": ["round"]}}], {"billable_metric_filter": ["relation_must_exist"]}),
        ([{"values": {"region": ["eu"]}}, {"values": {"region": ["eu"]}}], {"values": ["value_already_exist"]}),
        ([{"values": {"region": ["eu"]}, "properties": {"amount": 1}}], {"properties": ["invalid_amount"]}),
    ],
)
def test_filters_that_cannot_be_are_refused(api: Api, filters: list[dict[str, Any]], codes: dict[str, list[str]]) -> None:
    metric = api.metric("calls", aggregation_type="count_agg", recurring=False, filters=[{"key": "region", "values": ["eu", "us"]}])
    charge = {"billable_metric_id": metric["lago_id"], "charge_model": "standard", "properties": {"amount": "1"}, "filters": filters}
    plan = {
        "name": "P",
        "code": "p",
        "interval": "monthly",
        "amount_cents": 0,
        "amount_currency": "USD",
        "pay_in_advance": False,
        "charges": [charge],
    }

    reply = api.call("POST", "/plans", {"plan": plan})

    assert reply.status == 422
    assert codes.items() <= reply.body["error_details"].items()
    assert api.ok("GET", "/plans")["plans"] == []
