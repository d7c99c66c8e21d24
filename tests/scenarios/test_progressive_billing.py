"""Progressive billing by dated stories: thresholds of usage bill before the period ends. Ids of worked examples are in the names."""

from typing import Any

import pytest

from tests.support.receiver import receiving
from tests.support.server import Api, Server

START = "2026-07-01T00:00:00Z"
END = "2026-08-01T00:00:00Z"


def a_user(server: Server, thresholds: list[dict[str, Any]], *, base: int = 0, customer: dict[str, Any] | None = None, **plan: Any) -> Api:
    """Make an organization whose customer pays 0.01 for each unit used, in arrears."""
    api = server.organization(at=START)
    metric = api.metric("calls", aggregation_type="sum_agg", field_name="n", recurring=False)
    charge = api.seat_charge(metric, "0.01", prorated=False)
    api.plan(charges=[charge], amount_cents=base, pay_in_advance=False, usage_thresholds=thresholds, **plan)
    api.customer(**(customer or {}))
    api.subscribe()
    return api


def use(api: Api, name: str, units: int, *, subscription: str = "sub") -> None:
    """Use units at the instant the clock shows, and let what follows happen."""
    api.event(name, code="calls", n=str(units), subscription=subscription)
    api.move_to(api.ok("GET", "/test_clock")["test_clock"]["frozen_time"])


def made(api: Api) -> list[dict[str, Any]]:
    """Return all invoices, whole, in the order of their numbers; a draft stands last."""
    return sorted(api.invoices(), key=lambda invoice: invoice["sequential_id"] or 10**6)


def totals(invoice: dict[str, Any]) -> tuple[str, int, int, int, int]:
    names = ("fees_amount_cents", "progressive_billing_credit_amount_cents", "sub_total_excluding_taxes_amount_cents")
    return (invoice["invoice_type"], *(invoice[name] for name in names), invoice["total_amount_cents"])


def test_invoicing_14_each_threshold_bills_what_is_new(server: Server) -> None:
    api = a_user(server, [{"amount_cents": 5000}, {"amount_cents": 10_000, "threshold_display_name": "ten"}], base=2000)
    api.move_to("2026-07-05T10:00:00Z")
    use(api, "below", 4999)
    assert made(api) == []
    use(api, "one", 1001)
    api.move_to("2026-07-20T10:00:00Z")
    use(api, "two", 4000)
    use(api, "three", 3000)
    api.move_to(END)

    first, second, closing = made(api)
    assert totals(first) == ("progressive_billing", 6000, 0, 6000, 6000)
    assert totals(second) == ("progressive_billing", 10_000, 6000, 4000, 4000)
    # usage 13 000 + subscription 2 000 - 10 000
    assert totals(closing) == ("subscription", 15_000, 10_000, 5000, 5000)
    assert (first["status"], first["issuing_date"], first["number"][-3:]) == ("finalized", "2026-07-05", "001")
    [period] = first["billing_periods"]
    assert period["invoicing_reason"] == "progressive_billing"
    assert (period["charges_from_datetime"], period["charges_to_datetime"]) == (START, "2026-07-31T23:59:59Z")
    assert (period["subscription_from_datetime"], period["subscription_to_datetime"]) == (START, "2026-07-31T23:59:59Z")
    [applied] = second["applied_usage_thresholds"]
    assert (applied["lifetime_usage_amount_cents"], applied["usage_threshold"]["threshold_display_name"]) == (10_000, "ten")
    assert "applied_usage_thresholds" not in closing
    [credit] = closing["credits"]
    assert (credit["amount_cents"], credit["before_taxes"], credit["item"]["type"]) == (10_000, True, "invoice")
    assert credit["item"] | {"type": ""} == {
        "lago_item_id": second["lago_id"],
        "type": "",
        "code": second["number"],
        "name": second["number"],
        "description": None,
    }
    [fee] = [fee for fee in closing["fees"] if fee["item"]["type"] == "charge"]
    assert (fee["amount_cents"], fee["precise_coupons_amount_cents"]) == (13_000, "10000.0")
    steps = api.ok("GET", f"/invoices/{closing['lago_id']}/explain")["invoice_explanation"]["steps"]
    assert [step["figures"].get("change_cents") for step in steps if step["step"] == "progressive_billing"] == [-10_000]
    listed = api.ok("GET", "/invoices", query={"invoice_type": "progressive_billing"})["invoices"]
    assert [len(item["applied_usage_thresholds"]) for item in listed] == [1, 1]


def test_e22_a_recurring_threshold_goes_on_behind_the_last_one(server: Server) -> None:
    api = a_user(server, [{"amount_cents": 2000}, {"amount_cents": 6000}, {"amount_cents": 3000, "recurring": True}])
    for name, units in (("a", 2500), ("b", 3900), ("c", 2599), ("d", 1), ("e", 2999), ("f", 1)):
        use(api, name, units)
    # 2 500 passes 2 000; 6 400 passes 6 000; 8 999 nothing; 9 000 = 6 000 + 3 000; 12 000 = 6 000 + 2 x 3 000
    assert [totals(invoice)[1:4] for invoice in made(api)] == [
        (2500, 0, 2500),
        (6400, 2500, 3900),
        (9000, 6400, 2600),
        (12_000, 9000, 3000),
    ]
    usage = api.ok("GET", "/subscriptions/sub/lifetime_usage")["lifetime_usage"]
    assert usage["current_usage_amount_cents"] == 12_000
    assert [(item["amount_cents"], item["completion_ratio"], item["reached_at"]) for item in usage["usage_thresholds"]] == [
        (2000, 1.0, START),
        (6000, 1.0, START),
        (9000, 1.0, START),
        (12_000, 1.0, START),
        (15_000, 0.0, None),
    ]


def test_thresholds_count_over_all_periods_and_what_was_used_elsewhere(server: Server) -> None:
    api = a_user(server, [{"amount_cents": 5000}])
    api.ok("PUT", "/subscriptions/sub/lifetime_usage", {"lifetime_usage": {"external_historical_usage_amount_cents": 1000}})
    use(api, "july", 3000)
    api.move_to(END)
    use(api, "august", 999)
    assert [totals(invoice)[:2] for invoice in made(api)] == [("subscription", 3000)]
    use(api, "more", 1)
    # 1 000 elsewhere + 3 000 invoiced + 1 000 now
    assert [totals(invoice)[:2] for invoice in made(api)] == [("subscription", 3000), ("progressive_billing", 1000)]
    api.move_to("2026-09-01T00:00:00Z")
    assert totals(made(api)[-1]) == ("subscription", 1000, 1000, 0, 0)
    usage = api.ok("GET", "/subscriptions/sub/lifetime_usage")["lifetime_usage"]
    assert (usage["invoiced_usage_amount_cents"], usage["current_usage_amount_cents"]) == (4000, 0)


def test_what_was_billed_on_the_way_is_taken_off_also_where_the_subscription_gets_a_plan_of_its_own(server: Server) -> None:
    api = a_user(server, [{"amount_cents": 5000}])
    use(api, "one", 6000)
    api.ok("PUT", "/subscriptions/sub/charges/calls", {"charge": {"properties": {"amount": "0.005"}}})
    api.move_to(END)

    on_the_way, closing = made(api)
    assert totals(on_the_way) == ("progressive_billing", 6000, 0, 6000, 6000)
    assert totals(closing) == ("subscription", 3000, 3000, 0, 0)  # by the new price; what is left of the 6 000 comes back
    assert [note["total_amount_cents"] for note in api.ok("GET", "/credit_notes")["credit_notes"]] == [3000]


def a_correction(api: Api, *, base: int = 0) -> None:
    """Take usage back by a metric whose events may be negative."""
    use(api, "back", -1000)
    api.move_to(END)


def test_invoicing_14_what_was_billed_too_much_comes_back_in_full(server: Server) -> None:
    api = a_user(server, [{"amount_cents": 10_000}], base=2000)
    use(api, "all", 10_000)
    a_correction(api)
    progressive, closing = made(api)
    # usage 9 000 + subscription 2 000: 9 000 are taken off, 1 000 come back as a note that this invoice uses
    assert totals(closing) == ("subscription", 11_000, 9000, 2000, 1000)
    assert closing["credit_notes_amount_cents"] == 1000
    [note] = api.ok("GET", "/credit_notes")["credit_notes"]
    assert (note["lago_invoice_id"], note["total_amount_cents"], note["reason"]) == (progressive["lago_id"], 1000, "other")


def test_invoicing_14_with_two_invoices_on_the_way_it_comes_back_in_full_too(server: Server) -> None:
    api = a_user(server, [{"amount_cents": 6000}, {"amount_cents": 10_000}], base=2000, customer={"currency": "USD"})
    use(api, "first", 6000)
    use(api, "second", 4000)
    a_correction(api)
    _, second, closing = made(api)
    assert totals(closing) == ("subscription", 11_000, 9000, 2000, 1000)
    [note] = api.ok("GET", "/credit_notes")["credit_notes"]
    assert (note["lago_invoice_id"], note["total_amount_cents"]) == (second["lago_id"], 1000)


def test_more_than_the_latest_invoice_billed_comes_back_from_those_before(server: Server) -> None:
    api = a_user(server, [{"amount_cents": 6000}, {"amount_cents": 10_000}])
    use(api, "first", 6000)
    use(api, "second", 4000)
    use(api, "back", -10_000)
    api.move_to(END)
    # nothing is left: 4 000 come back from the second invoice and 6 000 from the first
    notes = api.ok("GET", "/credit_notes")["credit_notes"]
    assert sorted(note["total_amount_cents"] for note in notes) == [4000, 6000]
    assert [invoice["invoice_type"] for invoice in made(api)] == ["progressive_billing", "progressive_billing", "subscription"]


def test_invoicing_15_a_coupon_on_the_way_and_at_the_end(server: Server) -> None:
    api = a_user(server, [{"amount_cents": 10_000}])
    api.tax(applied_to_organization=True)
    api.coupon("fifth", coupon_type="percentage", percentage_rate="20", frequency="forever")
    api.apply_coupon("fifth")
    use(api, "first", 10_000)
    use(api, "second", 5000)
    api.move_to(END)
    progressive, closing = made(api)
    shown = ("coupons_amount_cents", "sub_total_excluding_taxes_amount_cents", "taxes_amount_cents")
    assert [progressive[name] for name in shown] == [2000, 8000, 1600]
    # to credit 10 000 - 2 000 = 8 000; 15 000 - 8 000 = 7 000; 20 % off 1 400; taxes 20 % of 5 600
    assert closing["progressive_billing_credit_amount_cents"] == 8000
    assert [closing[name] for name in shown] == [1400, 5600, 1120]


def test_a_draft_takes_it_off_and_gives_back_once_it_is_final(server: Server) -> None:
    api = a_user(server, [{"amount_cents": 10_000}], base=2000, customer={"billing_configuration": {"invoice_grace_period": 3}})
    use(api, "all", 10_000)
    a_correction(api)
    progressive, draft = made(api)
    assert (progressive["status"], draft["status"]) == ("finalized", "draft")
    assert totals(draft) == ("subscription", 11_000, 9000, 2000, 2000)
    assert api.ok("GET", "/credit_notes")["credit_notes"] == []
    again = api.ok("PUT", f"/invoices/{draft['lago_id']}/refresh")["invoice"]
    assert totals(again) == totals(draft)
    assert len(api.ok("GET", f"/invoices/{draft['lago_id']}")["invoice"]["credits"]) == 1
    api.move_to("2026-08-04T00:00:00Z")
    final = made(api)[-1]
    assert totals(final) == ("subscription", 11_000, 9000, 2000, 1000)
    assert len(api.ok("GET", "/credit_notes")["credit_notes"]) == 1


def test_an_end_in_the_period_takes_off_what_was_billed(server: Server) -> None:
    api = a_user(server, [{"amount_cents": 3000}])
    use(api, "one", 3500)
    use(api, "two", 500)
    api.move_to("2026-07-10T12:00:00Z")
    api.terminate()
    assert [totals(invoice) for invoice in made(api)] == [
        ("progressive_billing", 3500, 0, 3500, 3500),
        ("subscription", 4000, 3500, 500, 500),
    ]


def test_a_change_of_plan_takes_off_what_was_billed_and_usage_goes_on_counting(server: Server) -> None:
    api = a_user(server, [{"amount_cents": 3000}])
    metric = api.ok("GET", "/billable_metrics/calls")["billable_metric"]
    api.plan(
        "large",
        charges=[api.seat_charge(metric, "0.01", prorated=False)],
        amount_cents=0,
        usage_thresholds=[{"amount_cents": 3000}, {"amount_cents": 5000}],
    )
    use(api, "one", 3500)
    api.move_to("2026-07-10T12:00:00Z")
    api.subscribe(plan="large")
    assert [totals(invoice) for invoice in made(api)][-1] == ("subscription", 3500, 3500, 0, 0)
    use(api, "two", 1499)
    assert len(made(api)) == 2
    use(api, "three", 1)
    # 3 500 invoiced + 1 500 now = 5 000; 3 000 was passed before
    assert totals(made(api)[-1]) == ("progressive_billing", 1500, 0, 1500, 1500)
    api.move_to(END)
    assert totals(made(api)[-1]) == ("subscription", 1500, 1500, 0, 0)


def test_a_voided_one_takes_nothing_off_and_its_threshold_is_not_reached_again(server: Server) -> None:
    api = a_user(server, [{"amount_cents": 3000}])
    use(api, "one", 3500)
    [invoice] = made(api)
    api.ok("POST", f"/invoices/{invoice['lago_id']}/void")
    use(api, "two", 500)
    api.move_to(END)
    assert [totals(row)[:4] for row in made(api)] == [
        ("progressive_billing", 3500, 0, 3500),
        ("subscription", 4000, 0, 4000),
    ]


def test_own_thresholds_count_instead_and_can_be_switched_off(server: Server) -> None:
    api = a_user(server, [{"amount_cents": 1000}])
    api.ok("PUT", "/subscriptions/sub", {"subscription": {"progressive_billing_disabled": True}})
    use(api, "one", 2000)
    assert made(api) == []
    changed = {"progressive_billing_disabled": False, "usage_thresholds": [{"amount_cents": 2500}]}
    api.ok("PUT", "/subscriptions/sub", {"subscription": changed})
    api.move_to(START)
    assert made(api) == []
    use(api, "two", 500)
    assert [totals(invoice)[:2] for invoice in made(api)] == [("progressive_billing", 2500)]
    # A threshold that usage passed already is reached as soon as it is set.
    api.ok("PUT", "/subscriptions/sub", {"subscription": {"usage_thresholds": [{"amount_cents": 2700}]}})
    use(api, "three", 300)
    assert [totals(invoice)[1:4] for invoice in made(api)][-1] == (2800, 2500, 300)


def test_switched_on_again_usage_that_is_there_reaches_its_threshold(server: Server) -> None:
    api = a_user(server, [{"amount_cents": 1000}])
    api.ok("PUT", "/subscriptions/sub", {"subscription": {"progressive_billing_disabled": True}})
    use(api, "one", 2000)
    assert made(api) == []
    api.ok("PUT", "/subscriptions/sub", {"subscription": {"progressive_billing_disabled": False}})
    api.move_to(START)
    assert [totals(invoice)[:2] for invoice in made(api)] == [("progressive_billing", 2000)]


def test_thresholds_set_on_a_plan_are_reached_by_usage_that_is_there(server: Server) -> None:
    api = a_user(server, [])
    use(api, "one", 2000)
    api.ok("PUT", "/plans/team", {"plan": {"usage_thresholds": [{"amount_cents": 1500}]}})
    api.move_to(START)
    assert [totals(invoice)[:2] for invoice in made(api)] == [("progressive_billing", 2000)]


def test_wallets_pay_it_and_do_not_count_it_twice(server: Server) -> None:
    api = a_user(server, [{"amount_cents": 3000}], customer={"currency": "USD"})
    wallet = api.wallet(granted_credits="50")
    use(api, "one", 3500)
    [invoice] = made(api)
    assert (invoice["prepaid_credit_amount_cents"], invoice["total_amount_cents"], invoice["payment_status"]) == (3500, 0, "succeeded")
    use(api, "two", 500)
    # 50 - 35 are settled; of 40 used 35 are billed: 5 are still to pay
    shown = api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]
    assert [shown[name] for name in ("balance_cents", "ongoing_usage_balance_cents", "ongoing_balance_cents")] == [1500, 500, 1000]


@pytest.mark.parametrize("minimum", [5000])
def test_minimums_are_not_made_up_before_the_end_and_a_commitment_counts_usage_once(server: Server, minimum: int) -> None:
    api = a_user(server, [{"amount_cents": 1000}], minimum_commitment={"amount_cents": minimum})
    use(api, "one", 1000)
    api.move_to(END)
    progressive, closing = made(api)
    assert totals(progressive)[1] == 1000
    # usage 1 000 + what is missing to 5 000, less 1 000
    assert totals(closing) == ("subscription", 5000, 1000, 4000, 4000)


def test_usage_paid_for_in_advance_counts_once_and_is_not_billed_again(server: Server) -> None:
    api = a_user(server, [{"amount_cents": 1500}])
    sent = api.metric("sent", aggregation_type="sum_agg", field_name="n", recurring=False)
    metric = api.ok("GET", "/billable_metrics/calls")["billable_metric"]
    charges = [api.seat_charge(metric, "0.01", prorated=False), api.seat_charge(sent, "0.01", prorated=False, pay_in_advance=True)]
    api.plan("both", charges=charges, amount_cents=0, usage_thresholds=[{"amount_cents": 1500}])
    api.subscribe(plan="both", external_id="both")
    api.event("paid", code="sent", n="1000", subscription="both")
    use(api, "below", 499, subscription="both")
    assert [totals(invoice)[:2] for invoice in made(api)] == [("subscription", 1000)]
    use(api, "on", 1, subscription="both")
    # 1 000 are paid for; the 500 in arrears are billed
    assert [totals(invoice)[:2] for invoice in made(api)] == [("subscription", 1000), ("progressive_billing", 500)]


def test_filters_groups_and_taxes_each_bear_their_own_part(server: Server) -> None:
    api = server.organization(at=START)
    api.tax("vat", 20, applied_to_organization=True)
    api.tax("low", 5)
    metric = api.metric(
        "calls", aggregation_type="sum_agg", field_name="n", recurring=False, filters=[{"key": "region", "values": ["eu", "us"]}]
    )
    other = api.metric("bytes", aggregation_type="sum_agg", field_name="n", recurring=False)
    split = api.seat_charge(metric, "0.01", prorated=False, filters=[{"values": {"region": ["eu"]}, "properties": {"amount": "0.02"}}])
    split["properties"] = {"amount": "0.01", "pricing_group_keys": ["team"]}
    low = api.seat_charge(other, "0.01", prorated=False, tax_codes=["low"])
    api.plan(charges=[split, low], amount_cents=0, usage_thresholds=[{"amount_cents": 1000}])
    api.customer()
    api.subscribe()
    api.event("a", code="calls", n="100", region="eu")  # 200
    api.event("b", code="calls", n="300", team="x")  # 300
    api.event("c", code="bytes", n="500")  # 500 with 5 %
    api.move_to(START)
    api.event("d", code="calls", n="100", team="y")  # 100
    api.event("e", code="bytes", n="100")  # 600 with 5 %
    api.move_to(END)
    progressive, closing = made(api)
    # 500 at 20 % and 500 at 5 %: 100 + 25
    assert (progressive["fees_amount_cents"], progressive["taxes_amount_cents"]) == (1000, 125)
    # 200 + 300 + 100 + 600, less 200, 300 and 500: 100 at 20 % and 100 at 5 %
    assert totals(closing) == ("subscription", 1200, 1000, 200, 225)
    shares = sorted((fee["amount_cents"], fee["precise_coupons_amount_cents"], fee["taxes_amount_cents"]) for fee in closing["fees"])
    assert shares == [(0, "0.0", 0), (100, "0.0", 20), (200, "200.0", 0), (300, "300.0", 0), (600, "500.0", 5)]


def test_thresholds_of_its_own_take_the_place_of_those_in_its_own_plan(server: Server) -> None:
    api = a_user(server, [{"amount_cents": 9000}])
    api.ok("PUT", "/subscriptions/sub", {"subscription": {"plan_overrides": {"usage_thresholds": [{"amount_cents": 4000}]}}})
    shown = api.ok("GET", "/subscriptions/sub")["subscription"]
    assert [item["amount_cents"] for item in shown["applicable_usage_thresholds"]] == [4000]
    both = {"usage_thresholds": [{"amount_cents": 1}], "plan_overrides": {"usage_thresholds": [{"amount_cents": 2}]}}
    reply = api.call("PUT", "/subscriptions/sub", {"subscription": both})
    assert reply.body["error_details"] == {"usage_thresholds": ["incompatible_params"], "plan_overrides": ["incompatible_params"]}
    api.ok("PUT", "/subscriptions/sub", {"subscription": {"usage_thresholds": [{"amount_cents": 5000}]}})
    use(api, "one", 4500)
    assert made(api) == []
    cleared = api.ok("PUT", "/subscriptions/sub", {"subscription": {"usage_thresholds": []}})["subscription"]
    # those of the overriding plan went when it got its own; what counts now is its plan's
    assert [item["amount_cents"] for item in cleared["applicable_usage_thresholds"]] == [9000]


def test_an_invoice_made_again_takes_it_off_again(server: Server) -> None:
    api = a_user(server, [{"amount_cents": 3000}, {"amount_cents": 6000}], base=1000)
    use(api, "one", 3500)
    api.move_to("2026-07-01T01:00:00Z")
    use(api, "two", 3500)
    # the first of a day, made again behind the second, is still the first: what counts at the end is the second's 7000
    first, second = made(api)
    assert totals(second) == ("progressive_billing", 7000, 3500, 3500, 3500)
    api.ok("POST", f"/invoices/{first['lago_id']}/void")
    api.ok("POST", f"/invoices/{first['lago_id']}/regenerate")
    api.move_to(END)
    closing = made(api)[-1]
    assert totals(closing) == ("subscription", 8000, 7000, 1000, 1000)
    api.ok("POST", f"/invoices/{closing['lago_id']}/void")
    again = api.ok("POST", f"/invoices/{closing['lago_id']}/regenerate", {"invoice": {}})["invoice"]
    assert totals(again) == ("subscription", 8000, 7000, 1000, 1000)
    assert [credit["amount_cents"] for credit in again["credits"]] == [7000]


def test_what_usage_causes_is_told_once_each(server: Server) -> None:
    api = a_user(server, [{"amount_cents": 2000, "threshold_display_name": "first"}, {"amount_cents": 3000}], customer={"currency": "USD"})
    api.wallet(granted_credits="30")
    thresholds = [{"code": "warn", "value": "2500"}]
    api.ok("POST", "/subscriptions/sub/alerts", {"alert": {"alert_type": "current_usage_amount", "code": "much", "thresholds": thresholds}})
    api.move_to(START)
    told = ["alert.triggered", "subscription.usage_threshold_reached", "wallet.depleted_ongoing_balance"]
    with receiving() as receiver:
        endpoint = {"webhook_url": receiver.url, "event_types": [*told, "invoice.created"]}
        api.ok("POST", "/webhook_endpoints", {"webhook_endpoint": endpoint})
        use(api, "one", 3100)
        use(api, "two", 10)
        got = receiver.wait_for(5)
    # 31.00 pass both thresholds and the alert, and take all 30.00 of the wallet; 0.10 more change nothing.
    assert sorted(item.type for item in got) == sorted([*told, "subscription.usage_threshold_reached", "invoice.created"])
    bodies = {item.type: item.json for item in got}
    alert = bodies["alert.triggered"]["triggered_alert"]
    assert (alert["previous_value"], alert["current_value"], alert["alert_code"]) == ("0.0", "3100.0", "much")
    assert alert["crossed_thresholds"] == [{"code": "warn", "value": "2500.0", "recurring": False}]
    reached = [item.json["subscription"] for item in got if item.type == "subscription.usage_threshold_reached"]
    assert [item["usage_threshold"]["amount_cents"] for item in reached] == [2000, 3000]
    assert [item["amount_cents"] for item in reached[0]["applicable_usage_thresholds"]] == [2000, 3000]
    invoice = bodies["invoice.created"]["invoice"]
    assert (invoice["invoice_type"], len(invoice["applied_usage_thresholds"])) == ("progressive_billing", 2)
    assert bodies["wallet.depleted_ongoing_balance"]["wallet"]["ongoing_balance_cents"] == 0
