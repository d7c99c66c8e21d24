"""Minimums of charges and target wallets: what stands on invoices beside usage."""

from typing import Any

from tests.support.invoices import charge_cents, fees_of
from tests.support.server import Api, Server


def traffic_plan(api: Api, *, filters: list[dict[str, Any]] | None = None, **fields: Any) -> None:
    """Charge one cent a gigabyte; start on 12 March at 15:20."""
    regions = [{"key": "region", "values": ["eu", "us"]}]
    metric = api.metric("traffic", aggregation_type="sum_agg", field_name="gb", recurring=False, filters=regions)
    charge = {"billable_metric_id": metric["lago_id"], "charge_model": "standard", "properties": {"amount": "0.01"}} | fields
    api.plan(charges=[charge | {"filters": filters or []}])
    api.customer()
    api.subscribe(subscription_at="2025-03-12T15:20:00Z")


def test_e16_e17_an_invoice_lifts_a_charge_to_its_minimum(server: Server) -> None:
    api = server.organization(at="2025-03-12T15:20:00Z")
    traffic_plan(api, min_amount_cents=5000)
    api.event("1", code="traffic", gb=1400)

    usage = api.usage()
    api.move_to("2025-04-01T00:00:00Z")
    api.event("2", code="traffic", gb=5200)
    api.move_to("2025-05-01T00:00:00Z")
    march, april = api.invoices()

    assert usage["amount_cents"] == 1400  # usage is usage
    assert charge_cents(march) == [1400, 1826]  # 5 000 × 20/31 − 1 400
    parent, true_up = fees_of(march, "charge")
    assert parent["lago_true_up_fee_id"] == true_up["lago_id"]
    assert true_up["lago_true_up_parent_fee_id"] == parent["lago_id"]
    assert (parent["lago_true_up_parent_fee_id"], true_up["lago_true_up_fee_id"]) == (None, None)
    assert (true_up["units"], true_up["events_count"], true_up["lago_charge_id"]) == ("1.0", 0, parent["lago_charge_id"])
    assert march["fees_amount_cents"] == march["total_amount_cents"] == 3226
    assert charge_cents(april) == [5200]
    past = api.ok("GET", "/customers/acme/past_usage", query={"external_subscription_id": "sub"})["usage_periods"]
    assert [period["charges_usage"][0]["units"] for period in past] == ["5200.0", "1400.0"]


def test_e18_a_true_up_belongs_to_the_default_bucket(server: Server) -> None:
    api = server.organization(at="2025-03-12T15:20:00Z")
    filters = [{"values": {"region": [region]}, "properties": {"amount": "0.01"}} for region in ("eu", "us")]
    traffic_plan(api, min_amount_cents=3000, filters=filters)
    api.move_to("2025-04-02T00:00:00Z")
    api.event("1", code="traffic", gb=900, region="eu")
    api.event("2", code="traffic", gb=700, region="us")
    api.move_to("2025-05-01T00:00:00Z")

    fees = fees_of(api.invoices()[-1], "charge")

    assert [fee["amount_cents"] for fee in fees] == [900, 700, 0, 1400]
    assert fees[3]["lago_true_up_parent_fee_id"] == fees[2]["lago_id"]
    assert [fee["lago_charge_filter_id"] is None for fee in fees] == [False, False, True, True]


def test_e19_an_end_within_a_day_counts_time_on_the_wall(server: Server) -> None:
    api = server.organization(at="2025-03-12T15:20:00Z")
    traffic_plan(api, min_amount_cents=3100)
    api.move_to("2025-03-20T09:00:00Z")
    api.terminate()
    api.move_to("2025-03-20T09:00:00Z")

    assert charge_cents(api.invoices()[-1]) == [0, 800]  # 7.74 days are 8 of 31


def test_fees_are_split_by_the_wallet_that_events_name(server: Server) -> None:
    api = server.organization(at="2025-03-12T15:20:00Z")
    traffic_plan(api, accepts_target_wallet=True)
    for name, gb, wallet in (("1", 100, {"target_wallet_code": "gold"}), ("2", 20, {}), ("3", 3, {"target_wallet_code": "gold"})):
        api.event(name, code="traffic", gb=gb, **wallet)

    [usage] = api.usage()["charges_usage"]
    api.move_to("2025-04-01T00:00:00Z")
    fees = fees_of(api.invoices()[-1], "charge")

    assert [(item["grouped_by"], item["amount_cents"]) for item in usage["grouped_usage"]] == [
        ({"target_wallet_code": "gold"}, 103),
        ({"target_wallet_code": None}, 20),
    ]
    assert [(fee["item"]["grouped_by"], fee["amount_cents"]) for fee in fees] == [
        ({"target_wallet_code": "gold"}, 103),
        ({"target_wallet_code": None}, 20),
    ]
