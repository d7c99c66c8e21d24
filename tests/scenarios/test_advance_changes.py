"""Charges in advance where plans change and subscriptions end, with taxes, and by filters of the list of fees."""

from typing import Any

import pytest

from tests.scenarios.test_advance import at, fees, seat
from tests.support.server import Api, Server


@pytest.fixture
def api(server: Server) -> Api:
    made = server.organization(at=at(1, month=3))
    made.customer()
    return made


def a_charge(metric: dict[str, Any], amount: str, **fields: Any) -> dict[str, Any]:
    given = {"billable_metric_id": metric["lago_id"], "charge_model": "standard", "pay_in_advance": True, "properties": {"amount": amount}}
    return given | fields


def charges_of(invoice: dict[str, Any]) -> list[tuple[str, int]]:
    return [(fee["units"], fee["amount_cents"]) for fee in invoice["fees"] if fee["item"]["type"] == "charge"]


def test_an_upgrade_bills_seats_in_advance_neither_again_nor_at_the_end(api: Api) -> None:
    metric = api.metric()
    api.plan("small", amount_cents=1000, charges=[a_charge(metric, "10")])
    api.plan("large", amount_cents=2000, charges=[a_charge(metric, "12")])
    api.subscribe(plan="small")
    seat(api, "1", "s1")
    api.move_to(at(10))
    api.subscribe(plan="large")

    seat(api, "2", "s2")
    api.move_to(at(1, month=5))

    # March: s1. April 1: renewed. April 10: nothing for s1; s2 by the new plan. May 1: both renewed by it.
    made = sorted(api.invoices(), key=lambda invoice: invoice["sequential_id"])
    assert [charges_of(invoice) for invoice in made] == [[("1.0", 1000)], [("1.0", 1000)], [], [("1.0", 1200)], [("2.0", 2400)]]
    api.move_to(at(10, month=5))
    api.terminate()
    assert charges_of(max(api.invoices(), key=lambda invoice: invoice["sequential_id"])) == []


def test_a_downgrade_renews_by_the_old_plan_once(api: Api) -> None:
    metric = api.metric()
    alone = {"invoiceable": False}
    api.plan("large", amount_cents=2000, charges=[a_charge(metric, "12"), a_charge(metric, "3", **alone)])
    api.plan("small", amount_cents=1000, charges=[a_charge(metric, "10"), a_charge(metric, "2", **alone)])
    api.subscribe(plan="large")
    seat(api, "1", "s1")
    api.move_to(at(10, month=3))
    api.subscribe(plan="small")

    api.move_to(at(1, month=5))

    # On April 1 the old plan bills April's seat, on May 1 the new one May's.
    assert [charges_of(invoice) for invoice in api.invoices()] == [[("1.0", 1200)], [("1.0", 1200)], [("1.0", 1000)]]
    found = [(fee["amount_cents"], fee["from_date"]) for fee in fees(api) if not fee["invoiceable"]]
    assert found == [(300, at(1, month=3)), (300, at(1)), (200, at(1, month=5))]


def test_fees_are_taxed_at_once_and_gathered_with_their_taxes(api: Api) -> None:
    api.tax("vat", 20)
    metric = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    gathered = {"invoiceable": False, "regroup_paid_fees": "invoice"}
    api.plan("old", charges=[a_charge(metric, "10", **gathered)], tax_codes=["vat"])
    api.plan("new", charges=[a_charge(metric, "20", **gathered)], tax_codes=["vat"])
    api.subscribe(plan="old")
    api.event("1", code="calls")
    api.move_to(at(10, month=3))
    api.subscribe(plan="new")
    api.event("2", code="calls")
    [estimate] = api.ok("POST", "/events/estimate_fees", {"event": {"code": "calls", "external_subscription_id": "sub"}})["fees"]

    for fee in fees(api):
        assert (fee["taxes_rate"], fee["taxes_amount_cents"] * 5) == (20, fee["amount_cents"])
        assert [(tax["tax_code"], tax["lago_fee_id"]) for tax in fee["applied_taxes"]] == [("vat", fee["lago_id"])]
        api.ok("PUT", f"/fees/{fee['lago_id']}", {"fee": {"payment_status": "succeeded"}})
    api.move_to(at(1))

    assert (estimate["amount_cents"], estimate["taxes_amount_cents"], estimate["total_amount_cents"]) == (2000, 400, 2400)
    [invoice] = [invoice for invoice in api.invoices() if invoice["invoice_type"] == "advance_charges"]
    # 10 of the row that the upgrade ended and 20 of the new one, each with a fifth of tax
    assert (invoice["fees_amount_cents"], invoice["taxes_amount_cents"], invoice["total_amount_cents"]) == (3000, 600, 3600)
    [tax] = invoice["applied_taxes"]
    assert (tax["amount_cents"], tax["fees_amount_cents"], tax["tax_rate"]) == (600, 3000, 20)
    assert len({period["lago_subscription_id"] for period in invoice["billing_periods"]}) == 2


def test_an_event_at_the_instant_of_an_upgrade_is_the_new_plan_s(api: Api) -> None:
    metric = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan("small", amount_cents=1000, charges=[a_charge(metric, "10", invoiceable=False)])
    api.plan("large", amount_cents=2000, charges=[a_charge(metric, "12", invoiceable=False)])
    api.subscribe(plan="small")
    api.move_to(at(10))
    api.subscribe(plan="large")

    api.event("at once", code="calls")
    api.event("late", code="calls", timestamp="1772500000")
    api.event("before all", code="calls", timestamp="1700000000")

    # The second is of March 3, when the small plan ran; the third is older than the subscription.
    assert [(fee["event_transaction_id"], fee["amount_cents"]) for fee in fees(api)] == [("at once", 1200), ("late", 1000)]
    assert [fee["from_date"] for fee in fees(api)] == [at(10), at(1, month=3)]


def test_tiers_go_on_above_what_was_renewed(api: Api) -> None:
    # 0.30 up to 2 and 7 flat, then 0.20 and 4 flat, for seats and for a sum.
    ranges = [
        {"from_value": 0, "to_value": 2, "per_unit_amount": "0.30", "flat_amount": "7"},
        {"from_value": 3, "to_value": None, "per_unit_amount": "0.20", "flat_amount": "4"},
    ]
    tiers = {"charge_model": "graduated", "properties": {"graduated_ranges": ranges}, "invoiceable": False}
    seats, gb = api.metric(), api.metric("gb", aggregation_type="sum_agg", field_name="gb", recurring=True)
    api.plan(charges=[a_charge(seats, "", **tiers), a_charge(gb, "", **tiers)])
    api.subscribe()
    for user in ("s1", "s2"):
        seat(api, user, user)
    api.event("gb", code="gb", gb=2)
    api.move_to(at(1))

    seat(api, "s3", "s3")
    api.event("more", code="gb", gb="1.5")
    seat(api, "gone", "s1", "remove")
    seat(api, "instead", "s4")

    # March: 7.30, 0.30 and 7.60. On April 1 both are renewed: 2 x 0.30 + 7. Then the third unit opens the second tier.
    amounts = [fee["amount_cents"] for fee in fees(api)]
    assert amounts == [730, 30, 760, 760, 760, 420, 430, 0, 0]
    # Usage of seats: 3 are paid for; 7 + 0.60 + 4 + 0.20. Of the sum: 3.5.
    assert {used["billable_metric"]["code"]: used["amount_cents"] for used in api.usage()["charges_usage"]} == {"seats": 1180, "gb": 1190}


def test_paid_fees_are_gathered_also_where_the_last_invoice_is_skipped(api: Api) -> None:
    calls = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan(amount_cents=500, charges=[a_charge(calls, "1", invoiceable=False, regroup_paid_fees="invoice")])
    api.subscribe()
    api.event("1", code="calls")
    api.ok("PUT", f"/fees/{fees(api)[0]['lago_id']}", {"fee": {"payment_status": "succeeded"}})
    api.move_to(at(9, month=3))

    api.terminate(on_termination_invoice="skip")

    [invoice] = api.invoices()
    assert (invoice["invoice_type"], invoice["total_amount_cents"]) == ("advance_charges", 100)


def test_fees_in_advance_count_towards_a_commitment(api: Api) -> None:
    calls = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan(charges=[a_charge(calls, "30"), a_charge(calls, "5", invoiceable=False)], minimum_commitment={"amount_cents": 10000})
    api.subscribe()
    api.event("1", code="calls")
    api.event("2", code="calls")
    [_, gone] = [fee for fee in fees(api) if not fee["invoiceable"]]
    api.ok("DELETE", f"/fees/{gone['lago_id']}")

    api.move_to(at(1))

    # 2 x 30 and 5 of 100; the deleted 5 do not count.
    [missing] = [fee for fee in api.invoices()[-1]["fees"] if fee["item"]["type"] == "commitment"]
    assert missing["amount_cents"] == 3500


def test_amounts_that_events_bring_along_are_due_with_them(api: Api) -> None:
    gb = api.metric("gb", aggregation_type="sum_agg", field_name="gb", recurring=False)
    api.plan(charges=[a_charge(gb, "", charge_model="dynamic", properties={}, invoiceable=False)])
    api.subscribe()

    for number, cents in enumerate(["12.5", "30", None]):
        body = {"transaction_id": str(number), "code": "gb", "external_subscription_id": "sub", "properties": {"gb": 1}}
        api.ok("POST", "/events", {"event": body | {"precise_total_amount_cents": cents}})

    # 12.5 cents are 13, rounded by itself.
    assert [(fee["amount_cents"], fee["precise_amount"]) for fee in fees(api)] == [(13, "0.125"), (30, "0.3"), (0, "0.0")]
    assert api.usage()["amount_cents"] == 43


def test_the_list_of_fees_is_filtered(api: Api) -> None:
    calls = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan(amount_cents=500, pay_in_advance=True, charges=[a_charge(calls, "1", invoiceable=False)])
    api.subscribe()
    api.event("e1", code="calls")
    api.move_to(at(5, month=3))
    api.event("e2", code="calls")
    paid = fees(api, event_transaction_id="e2")[0]
    api.ok("PUT", f"/fees/{paid['lago_id']}", {"fee": {"payment_status": "refunded"}})

    def listed(**query: Any) -> list[str | None]:
        found = api.ok("GET", "/fees", query=query)["fees"]
        return [fee.get("event_transaction_id") for fee in found]

    # The base fee of March comes first; it is on an invoice.
    assert listed() == [None, "e1", "e2"]
    assert listed(fee_type="subscription") == [None]
    assert listed(billable_metric_code="calls", external_customer_id="acme", external_subscription_id="sub", currency="USD") == ["e1", "e2"]
    assert listed(payment_status="refunded", refunded_at_from=at(5, month=3)) == ["e2"]
    assert listed(refunded_at_to=at(4, month=3)) == listed(currency="EUR") == listed(external_customer_id="other") == []
    assert listed(created_at_from=at(2, month=3)) == ["e2"]
    assert listed(created_at_to=at(1, month=3), fee_type="charge") == ["e1"]
    for query, details in [
        ({"fee_type": "gift"}, {"fee_type": ["value_is_invalid"]}),
        ({"payment_status": "lost"}, {"payment_status": ["value_is_invalid"]}),
        ({"failed_at_from": "soon"}, {"failed_at_from": ["invalid_date"]}),
    ]:
        assert api.call("GET", "/fees", query=query).body["error_details"] == details
    wrong = api.call("PUT", f"/fees/{paid['lago_id']}", {"fee": {"payment_status": "lost"}})
    assert (wrong.status, wrong.body["error_details"]) == (422, {"payment_status": ["value_is_invalid"]})
    [base] = api.ok("GET", "/fees", query={"fee_type": "subscription"})["fees"]
    assert api.call("DELETE", f"/fees/{base['lago_id']}").body["code"] == "invoiced_fee"


def test_an_invoice_of_nothing_is_closed_where_the_customer_says_so(api: Api) -> None:
    api.customer("acme", finalize_zero_amount_invoice="skip")
    metric = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan(charges=[a_charge(metric, "0.001")])
    api.subscribe()

    api.event("1", code="calls")

    assert api.invoices() == []
    [fee] = fees(api)
    assert (fee["amount_cents"], fee["precise_amount"]) == (0, "0.001")


def test_what_was_paid_for_stands_where_a_subscription_gets_a_plan_of_its_own(api: Api) -> None:
    metric = api.metric(filters=[{"key": "region", "values": ["eu"]}])
    calls = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    eu = {"values": {"region": ["eu"]}, "properties": {"amount": "8"}}
    tiers = [
        {"from_value": 0, "to_value": 2, "per_unit_amount": "1", "flat_amount": "5"},
        {"from_value": 3, "to_value": None, "per_unit_amount": "0.5", "flat_amount": "2"},
    ]
    by_tier = {"charge_model": "graduated", "properties": {"graduated_ranges": tiers}}
    api.plan(charges=[a_charge(metric, "10", filters=[eu], invoiceable=False), a_charge(calls, "0", invoiceable=False, **by_tier)])
    api.subscribe()
    for number, operation in enumerate(("add", "remove")):
        api.event(f"s{number}", user_id="s1", region="eu", operation_type=operation)
        api.event(f"c{number}", code="calls")
    assert sorted(fee["amount_cents"] for fee in fees(api)) == [0, 100, 600, 800]  # the seat, and nothing back; 1 + 5 and 1

    api.ok("PUT", "/subscriptions/sub", {"subscription": {"plan_overrides": {"name": "Ours"}}})
    api.event("s2", user_id="s1", region="eu", operation_type="add")
    api.event("s3", user_id="s2", region="eu", operation_type="add")
    api.event("c2", code="calls")

    # The seat that comes back is paid for, another one is not; the third call is the first of the second tier: 0.5 + 2.
    assert sorted(fee["amount_cents"] for fee in fees(api)) == [0, 0, 100, 250, 600, 800, 800]
