"""
Fixed charges through the API: June of 30 days, 5.00 a unit; a unit is what the plan bills each period.

Figures in minor units, worked out beside each story.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.invoices import fees_of
from tests.support.server import Api, Server

START = "2026-06-01T00:00:00Z"


@pytest.fixture
def june(server: Server) -> Api:
    api = server.organization(at=START)
    api.add_on("desk")
    api.customer()
    return api


def desk(units: int = 10, amount: str = "5", **fields: Any) -> dict[str, Any]:
    return {"add_on_code": "desk", "charge_model": "standard", "units": units, "properties": {"amount": amount}} | fields


def change_units(api: Api, units: int, *, now: bool, plan: str = "team") -> None:
    """Give the plan's fixed charge other units; with a move of the clock to now, all that follows has happened."""
    body = {"fixed_charge": {"units": units, "apply_units_immediately": now}}
    api.ok("PUT", f"/plans/{plan}/fixed_charges/desk", body)
    api.move_to(api.ok("GET", "/test_clock")["test_clock"]["frozen_time"])


def shown(invoice: Mapping[str, Any]) -> list[tuple[int, str, str]]:
    """Return amount, units and unit price of an invoice's fixed charges."""
    return [(fee["amount_cents"], fee["units"], fee["precise_unit_amount"]) for fee in fees_of(invoice, "fixed_charge")]


@pytest.mark.parametrize(
    ("prorated", "fee"),
    # 10 x 10/30 + 16 x 20/30 = 3.333333 + 10.666667 = 14 units of 5.00, and 70 / 16 = 4.375; else 16 x 5
    [(True, (7000, "16.0", "4.375")), (False, (8000, "16.0", "5.0"))],
)
def test_e52_units_in_arrears_count_by_their_days_where_prorated(june: Api, prorated: bool, fee: tuple[int, str, str]) -> None:
    june.plan(fixed_charges=[desk(prorated=prorated)])
    june.subscribe()
    june.move_to("2026-06-11T09:00:00Z")
    change_units(june, 16, now=True)

    june.move_to("2026-07-01T00:00:00Z")

    [invoice] = june.invoices()
    assert shown(invoice) == [fee]
    [period] = invoice["billing_periods"]
    assert (period["fixed_charges_from_datetime"], period["fixed_charges_to_datetime"]) == (START, "2026-06-30T23:59:59Z")
    [item] = fees_of(invoice, "fixed_charge")
    assert item["lago_fixed_charge_id"] is not None
    assert (item["item"]["item_type"], item["item"]["code"], item["pay_in_advance"]) == ("AddOn", "desk", False)


@pytest.mark.parametrize(
    ("prorated", "amount"),
    [(False, 3000), (True, 2000)],  # 6 x 5; 6 x 20/30 = 4 x 5
)
def test_e53_units_added_to_a_period_paid_in_advance_are_billed_now(june: Api, prorated: bool, amount: int) -> None:
    june.plan(fixed_charges=[desk(pay_in_advance=True, prorated=prorated)])
    june.subscribe()
    june.move_to("2026-06-11T09:00:00Z")

    change_units(june, 16, now=True)

    first, second = june.invoices()
    assert shown(first) == [(5000, "10.0", "5.0")]
    [period] = first["billing_periods"]
    assert (period["fixed_charges_from_datetime"], period["fixed_charges_to_datetime"]) == (START, "2026-06-30T23:59:59Z")
    assert [(fee["amount_cents"], fee["units"]) for fee in fees_of(second, "fixed_charge")] == [(amount, "6.0")]
    june.move_to("2026-07-01T00:00:00Z")
    assert shown(june.invoices()[-1]) == [(8000, "16.0", "5.0")]  # July in advance


def test_units_of_an_own_plan_bill_only_what_the_plan_before_was_not_paid_for(june: Api) -> None:
    june.plan(fixed_charges=[desk(pay_in_advance=True)])
    june.subscribe()
    fixed_id = june.ok("GET", "/plans/team/fixed_charges/desk")["fixed_charge"]["lago_id"]
    for day, units in ((11, 16), (12, 20)):
        june.move_to(f"2026-06-{day}T09:00:00Z")
        own = {"amount_cents": 100, "fixed_charges": [{"id": fixed_id, "units": units, "apply_units_immediately": True}]}
        june.ok("PUT", "/subscriptions/sub", {"subscription": {"plan_overrides": own}})
        june.move_to(f"2026-06-{day}T09:00:00Z")
    june.move_to("2026-07-01T00:00:00Z")

    # 10 paid on June 1; 6 more on June 11, 4 more on June 12; July in advance whole
    assert [[units for _, units, _ in shown(invoice)] for invoice in june.invoices()] == [["10.0"], ["6.0"], ["4.0"], ["20.0"]]


def test_e54_fewer_units_give_nothing_back_and_are_not_paid_twice(june: Api) -> None:
    june.plan(fixed_charges=[desk(pay_in_advance=True)])
    june.subscribe()
    june.move_to("2026-06-11T09:00:00Z")

    change_units(june, 8, now=True)
    change_units(june, 12, now=True)

    # 10 paid; 8 come to nothing; 12 are 2 more than paid, 2 x 5
    made = sorted(june.invoices(), key=lambda invoice: int(invoice["sequential_id"]))
    assert [[fee["amount_cents"] for fee in fees_of(invoice, "fixed_charge")] for invoice in made] == [[5000], [0], [1000]]


def test_e55_an_upgrade_deducts_what_the_old_plan_was_paid_for_the_same_days(june: Api) -> None:
    june.plan("old", amount_cents=1000, fixed_charges=[desk(pay_in_advance=True, prorated=True)])
    june.plan("new", amount_cents=2000, fixed_charges=[desk(amount="8", pay_in_advance=True, prorated=True)])
    june.subscribe(plan="old")
    june.move_to("2026-06-11T14:00:00Z")

    june.subscribe(plan="new")

    # 10 x 8 x 20/30 = 53.33 less 10 x 5 x 20/30 = 33.33
    assert [fee["amount_cents"] for invoice in june.invoices() for fee in fees_of(invoice, "fixed_charge")] == [5000, 2000]


def test_e56_units_that_do_not_count_at_once_count_from_the_next_period(june: Api) -> None:
    june.plan(fixed_charges=[desk(pay_in_advance=True)])
    june.subscribe()
    june.move_to("2026-06-11T09:00:00Z")
    change_units(june, 16, now=False)

    june.move_to("2026-07-01T00:00:00Z")

    assert [shown(invoice) for invoice in june.invoices()] == [[(5000, "10.0", "5.0")], [(8000, "16.0", "5.0")]]


def test_units_of_a_subscription_are_its_own_and_the_plan_leaves_them_alone(june: Api) -> None:
    june.plan(fixed_charges=[desk()])
    june.subscribe()
    june.subscribe(
        external_id="second",
        plan_overrides={"fixed_charges": [{"id": june.ok("GET", "/plans/team")["plan"]["fixed_charges"][0]["lago_id"], "units": 3}]},
    )
    path = "/subscriptions/sub/fixed_charges/desk"

    own = june.ok("PUT", path, {"fixed_charge": {"units": 4, "apply_units_immediately": True}})["fixed_charge"]
    change_units(june, 20, now=True)

    assert (own["units"], june.ok("GET", path)["fixed_charge"]["units"]) == (4, 4)
    assert june.ok("GET", "/plans/team/fixed_charges/desk")["fixed_charge"]["units"] == 20
    assert june.ok("GET", "/subscriptions/sub")["subscription"]["plan"]["parent_id"] is None
    june.move_to("2026-07-01T00:00:00Z")
    [invoice] = june.invoices()
    assert sorted(shown(invoice)) == [(1500, "3.0", "5.0"), (2000, "4.0", "5.0")]


def test_a_price_of_its_own_makes_a_plan_that_keeps_units_and_the_rest(june: Api) -> None:
    metric = june.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    charge = {"billable_metric_id": metric["lago_id"], "charge_model": "standard", "properties": {"amount": "1"}}
    june.plan(fixed_charges=[desk()], charges=[charge], minimum_commitment={"amount_cents": 1000})
    june.subscribe()
    june.ok("PUT", "/subscriptions/sub/fixed_charges/desk", {"fixed_charge": {"units": 2, "apply_units_immediately": True}})

    own = june.ok("PUT", "/subscriptions/sub/charges/calls", {"charge": {"properties": {"amount": "3"}}})["charge"]
    june.event("one", code="calls")

    plan = june.ok("GET", "/subscriptions/sub")["subscription"]["plan"]
    assert own["lago_parent_id"] == june.ok("GET", "/plans/team/charges/calls")["charge"]["lago_id"]
    assert (plan["parent_id"], plan["code"]) == (june.ok("GET", "/plans/team")["plan"]["lago_id"], "team")
    assert plan["minimum_commitment"]["amount_cents"] == 1000
    assert [item["code"] for item in june.ok("GET", "/plans")["plans"]] == ["team"]
    june.move_to("2026-07-01T00:00:00Z")
    [invoice] = june.invoices()
    assert {fee["item"]["type"]: fee["amount_cents"] for fee in invoice["fees"]} == {"subscription": 0, "charge": 300, "fixed_charge": 1000}


@pytest.mark.parametrize(
    ("advance", "amounts"),
    [(False, {"2026-04-01T00:00:00Z": [2000, 18000, 12258]}), (True, {})],
)
def test_e20_e21_a_commitment_is_prorated_by_days_and_made_up_a_period_later_in_advance(
    server: Server, advance: bool, amounts: dict[str, list[int]]
) -> None:
    # 500.00 for 20 of 31 days are 322.58; 20.00 of 31.00 base fee and 180.00 of usage leave 122.58.
    api = server.organization(at="2026-03-12T15:20:00Z")
    api.customer()
    metric = api.metric("gb", aggregation_type="sum_agg", field_name="gb", recurring=False)
    charge = {"billable_metric_id": metric["lago_id"], "charge_model": "standard", "properties": {"amount": "1"}}
    if advance:
        # E21: April of 30.00 base fee in advance and 215.00 of usage against 500.00: 255.00 on May 1.
        api.move_to("2026-04-01T00:00:00Z")
        api.plan(amount_cents=3000, pay_in_advance=True, charges=[charge], minimum_commitment={"amount_cents": 50000})
        api.subscribe()
        api.event("use", code="gb", gb=215)
        api.move_to("2026-05-01T00:00:00Z")
        first, second = api.invoices()
        assert [fee["amount_cents"] for fee in first["fees"]] == [3000]
        [fee] = fees_of(second, "commitment")
        assert (fee["amount_cents"], fee["units"]) == (25500, "1.0")
        return
    api.plan(amount_cents=3100, charges=[charge], minimum_commitment={"amount_cents": 50000, "invoice_display_name": "Floor"})
    api.subscribe()
    api.event("use", code="gb", gb=180)
    api.move_to("2026-04-01T00:00:00Z")
    [invoice] = api.invoices()
    assert [fee["amount_cents"] for fee in invoice["fees"]] == amounts["2026-04-01T00:00:00Z"]
    [fee] = fees_of(invoice, "commitment")
    assert (fee["item"]["invoice_display_name"], fee["item"]["item_type"]) == ("Floor", "Subscription")


def test_a_fee_names_the_version_of_the_plan_that_priced_it(june: Api) -> None:
    june.plan(amount_cents=1000)
    june.subscribe()
    june.move_to("2026-07-01T00:00:00Z")
    june.ok("PUT", "/plans/team", {"plan": {"amount_cents": 1500}})
    june.move_to("2026-08-01T00:00:00Z")

    versions = june.ok("GET", "/plans/team/versions")["versions"]

    assert [(fee["amount_cents"], fee["plan_version"]) for invoice in june.invoices() for fee in invoice["fees"]] == [(1000, 1), (1500, 2)]
    assert [(item["version"], item["plan"]["amount_cents"]) for item in versions] == [(2, 1500), (1, 1000)]


def test_e32_a_yearly_plan_bills_charges_monthly_and_fixed_charges_with_its_period(server: Server) -> None:
    api = server.organization(at="2025-02-10T00:00:00Z")
    api.add_on("desk")
    api.customer()
    metric = api.metric("gb", aggregation_type="sum_agg", field_name="gb", recurring=False)
    charge = {"billable_metric_id": metric["lago_id"], "charge_model": "standard", "properties": {"amount": "1"}}
    fields: dict[str, Any] = {"interval": "yearly", "bill_charges_monthly": True, "charges": [charge], "fixed_charges": [desk()]}
    api.plan(amount_cents=120000, pay_in_advance=True, **fields)
    api.subscribe()
    api.event("use", code="gb", gb=7)

    api.move_to("2026-01-01T00:00:00Z")

    made = sorted(api.invoices(), key=lambda invoice: int(invoice["sequential_id"]))
    # 325 of 365 days of 1 200.00 are 1 068.49; February's usage on Mar 1; ten months of nothing; 2026 with 10 x 5 for 2025
    amounts = [[(fee["item"]["type"], fee["amount_cents"]) for fee in invoice["fees"]] for invoice in made]
    assert amounts[:2] == [[("subscription", 106849)], [("charge", 700)]]
    assert amounts[2:-1] == [[]] * 9
    assert amounts[-1] == [("subscription", 120000), ("fixed_charge", 5000)]


def test_e33_a_yearly_plan_in_arrears_by_anniversary(server: Server) -> None:
    api = server.organization(at="2025-02-10T00:00:00Z")
    api.add_on("desk")
    api.customer()
    fields: dict[str, Any] = {"interval": "yearly", "bill_charges_monthly": True, "fixed_charges": [desk(prorated=True)]}
    api.plan(amount_cents=120000, minimum_commitment={"amount_cents": 130000}, **fields)
    api.subscribe(billing_time="anniversary")

    api.move_to("2026-02-10T00:00:00Z")

    made = sorted(api.invoices(), key=lambda invoice: int(invoice["sequential_id"]))
    assert [invoice["fees"] for invoice in made[:-1]] == [[]] * 11
    # 1 300.00 less 1 200.00 and 10 x 5.00
    assert [(fee["item"]["type"], fee["amount_cents"], fee["from_date"]) for fee in made[-1]["fees"]] == [
        ("subscription", 120000, "2025-02-10T00:00:00Z"),
        ("fixed_charge", 5000, "2025-02-10T00:00:00Z"),
        ("commitment", 5000, "2025-02-10T00:00:00Z"),
    ]


def test_fixed_charges_in_advance_ignore_the_trial_and_are_billed_once(june: Api) -> None:
    june.plan(amount_cents=3000, pay_in_advance=True, trial_period=10, fixed_charges=[desk(pay_in_advance=True)])
    june.subscribe()

    june.move_to("2026-06-12T00:00:00Z")

    # at the start the fixed charge alone; at the trial's end 20 of 30 days of the plan
    made = [[(fee["item"]["type"], fee["amount_cents"]) for fee in invoice["fees"]] for invoice in reversed(june.invoices())]
    assert sorted(made) == [[("fixed_charge", 5000)], [("subscription", 2000)]]


def test_a_termination_bills_fixed_charges_in_arrears_to_its_day_and_the_rest_of_the_commitment(june: Api) -> None:
    june.plan(fixed_charges=[desk(prorated=True)], minimum_commitment={"amount_cents": 30000})
    june.subscribe()
    june.move_to("2026-06-15T12:00:00Z")

    june.terminate()

    # 10 x 15/30 x 5 = 25.00; half of 300.00 less 25.00
    [invoice] = june.invoices()
    assert [(fee["item"]["type"], fee["amount_cents"]) for fee in invoice["fees"]] == [
        ("subscription", 0),
        ("fixed_charge", 2500),
        ("commitment", 12500),
    ]


def test_a_start_that_comes_to_more_than_clients_read_exactly_is_refused(june: Api) -> None:
    june.plan(fixed_charges=[desk(10**9, "100000000", pay_in_advance=True)])  # 10^19 cents
    wanted = {"external_customer_id": "acme", "plan_code": "team", "external_id": "sub"}

    reply = june.call("POST", "/subscriptions", {"subscription": wanted})

    assert (reply.status, reply.body["error_details"]) == (422, {"amount_cents": ["value_is_out_of_range"]})
    assert june.ok("GET", "/subscriptions")["subscriptions"] == []


def test_a_commitment_counts_each_months_fees_once_also_where_the_customer_moves(server: Server) -> None:
    api = server.organization(at="2026-06-01T14:00:00Z")
    api.customer(timezone="America/New_York")
    api.plan(amount_cents=3000, pay_in_advance=True, minimum_commitment={"amount_cents": 30000})
    api.subscribe()
    for instant, zone in (("2026-06-15T00:00:00Z", "Asia/Tokyo"), ("2026-07-20T00:00:00Z", "America/Los_Angeles")):
        api.move_to(instant)
        api.customer(timezone=zone)
    api.move_to("2026-09-01T07:00:00Z")

    # 300.00 less the 30.00 of the month that is over, whichever hours of another zone it began or ended with
    found = [[fee["amount_cents"] for fee in fees_of(invoice, "commitment")] for invoice in api.invoices()]
    assert found == [[], [27000], [27000], [27000]]
