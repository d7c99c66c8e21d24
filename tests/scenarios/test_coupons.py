"""Coupons through the API: given, used up by invoices, taken away."""

from typing import Any

from tests.support.server import Api, Server

MONTHS = ["2026-08-01T00:00:00Z", "2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z"]


def codes_of(reply: Any) -> Any:
    return reply.body.get("error_details") or reply.body["code"]


def a_customer_of_30_dollars(api: Api) -> None:
    api.tax(rate=20, applied_to_organization=True)
    api.plan(amount_cents=3000)
    api.customer()
    api.subscribe()


def test_a_fixed_coupon_is_used_up_over_invoices_and_a_percentage_goes_on(server: Server) -> None:
    api = server.organization()
    api.coupon("fixed", amount_cents=4000)
    api.coupon("part", percentage_rate="10", description="A tenth")
    a_customer_of_30_dollars(api)
    assert api.apply_coupon("fixed")["amount_cents_remaining"] == 4000
    assert api.apply_coupon("part")["percentage_rate"] == "10.0"

    for month in MONTHS:
        api.move_to(month)

    first, second, third = api.invoices()
    # The older coupon first: 3000 of 4000; the tenth of nothing is nothing.
    assert (first["coupons_amount_cents"], first["taxes_amount_cents"], first["total_amount_cents"]) == (3000, 0, 0)
    assert (first["payment_status"], [credit["item"]["code"] for credit in first["credits"]]) == ("succeeded", ["fixed"])
    # 1000 are left; 10 % of the 2000 that remain: 1800 + 20 %
    assert (second["coupons_amount_cents"], second["sub_total_excluding_taxes_amount_cents"]) == (1200, 1800)
    assert (second["taxes_amount_cents"], second["total_amount_cents"]) == (360, 2160)
    fee = second["fees"][0]
    assert (fee["precise_coupons_amount_cents"], fee["sub_total_excluding_taxes_amount_cents"]) == ("1200.0", 1800)
    assert (fee["amount_cents"], fee["taxes_amount_cents"], fee["total_amount_cents"]) == (3000, 360, 3360)
    assert [(credit["amount_cents"], credit["before_taxes"], credit["item"]["type"]) for credit in second["credits"]] == [
        (1000, True, "coupon"),
        (200, True, "coupon"),
    ]
    assert third["coupons_amount_cents"] == 300
    part, fixed = api.ok("GET", "/applied_coupons", query={"external_customer_id": "acme"})["applied_coupons"]
    assert (fixed["status"], fixed["amount_cents_remaining"], fixed["terminated_at"]) == ("terminated", 0, MONTHS[1])
    assert [credit["amount_cents"] for credit in fixed["credits"]] == [3000, 1000]
    assert (part["status"], [credit["amount_cents"] for credit in part["credits"]]) == ("active", [200, 300])
    listed = api.ok("GET", "/customers/acme/applied_coupons", query={"status": "active", "coupon_code[]": ["part"]})
    assert [item["coupon_code"] for item in listed["applied_coupons"]] == ["part"]


def test_a_recurring_coupon_counts_invoices_and_one_taken_away_is_gone(server: Server) -> None:
    api = server.organization()
    api.coupon("twice", amount_cents=500, frequency="recurring", frequency_duration=5)
    a_customer_of_30_dollars(api)
    api.coupon("gone")
    applied = api.apply_coupon("twice", frequency_duration=2)
    assert (applied["frequency_duration"], applied["frequency_duration_remaining"], applied["amount_cents_remaining"]) == (2, 2, None)
    taken = api.apply_coupon("gone")
    path = f"/customers/acme/applied_coupons/{taken['lago_id']}"
    assert api.ok("DELETE", path) == api.ok("DELETE", path)
    assert api.ok("DELETE", path)["applied_coupon"]["status"] == "terminated"

    for month in MONTHS:
        api.move_to(month)

    assert [invoice["coupons_amount_cents"] for invoice in api.invoices()] == [500, 500, 0]
    shown = api.ok("GET", "/applied_coupons", query={"status": "terminated"})["applied_coupons"][-1]
    assert (shown["coupon_code"], shown["frequency_duration_remaining"]) == ("twice", 0)


def test_a_coupon_for_a_plan_or_a_metric_lowers_its_own_fees_alone(server: Server) -> None:
    api = server.organization()
    metric = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan("team", amount_cents=5000, charges=[api.seat_charge(metric, "30", prorated=False)])
    api.plan("other", amount_cents=700)
    made = api.coupon("calls", amount_cents=4000, applies_to={"billable_metric_codes": ["calls"]})
    assert (made["limited_billable_metrics"], made["billable_metric_codes"], made["limited_plans"]) == (True, ["calls"], False)
    api.coupon("other", percentage_rate="50", applies_to={"plan_codes": ["other"]})
    api.customer(currency="USD")
    api.subscribe()
    api.subscribe(plan="other", external_id="second")
    api.event("one", code="calls")
    api.apply_coupon("calls")
    api.apply_coupon("other")

    api.move_to(MONTHS[0])

    [invoice] = api.invoices()
    assert {fee["item"]["code"]: fee["precise_coupons_amount_cents"] for fee in invoice["fees"]} == {
        "team": "0.0",
        "calls": "3000.0",
        "other": "350.0",
    }
    assert [credit["amount_cents"] for credit in invoice["credits"]] == [3000, 350]
    api.coupon("team", applies_to={"plan_codes": ["team"]})  # its charge is on the metric
    overlap = api.call("POST", "/applied_coupons", {"applied_coupon": {"external_customer_id": "acme", "coupon_code": "team"}})
    assert (overlap.status, overlap.body["code"]) == (405, "plan_overlapping")


def test_what_cannot_be_a_coupon_is_refused(server: Server) -> None:
    api = server.organization()
    api.plan()
    api.metric()
    good = {"name": "N", "code": "n", "coupon_type": "percentage", "percentage_rate": 5, "frequency": "once", "expiration": "no_expiration"}
    amounts = {"amount_cents": ["value_is_mandatory"], "amount_currency": ["value_is_invalid"]}
    for change, answer in (
        ({"name": None, "code": ""}, {"name": ["value_is_mandatory"], "code": ["value_is_mandatory"]}),
        ({"coupon_type": "fixed_amount"}, amounts),
        ({"percentage_rate": None}, {"percentage_rate": ["value_is_mandatory"]}),
        ({"frequency": "recurring"}, {"frequency_duration": ["value_is_mandatory"]}),
        ({"expiration": "time_limit", "expiration_at": "2026-06-30T00:00:00Z"}, {"expiration_at": ["invalid_date"]}),
        ({"applies_to": {"plan_codes": ["gone"]}}, "plans_not_found"),
        ({"applies_to": {"billable_metric_codes": ["gone"]}}, "billable_metrics_not_found"),
        ({"applies_to": {"plan_codes": ["team"], "billable_metric_codes": ["seats"]}}, "only_one_limitation_type_per_coupon_allowed"),
    ):
        assert codes_of(api.call("POST", "/coupons", {"coupon": good | change})) == answer
    assert api.ok("GET", "/coupons")["coupons"] == []


def test_a_coupon_is_given_once_and_until_it_expires(server: Server) -> None:
    api = server.organization()
    api.coupon("single", reusable=False, expiration="time_limit", expiration_at="2026-07-10T00:00:00Z")
    give = {"applied_coupon": {"external_customer_id": "acme", "coupon_code": "single"}}
    assert codes_of(api.call("POST", "/applied_coupons", give)) == "customer_not_found"
    api.customer()
    applied = api.apply_coupon("single")
    assert codes_of(api.call("POST", "/applied_coupons", give)) == {"coupon": ["coupon_is_not_reusable"]}
    kept = api.ok("PUT", "/coupons/single", {"coupon": {"name": "New", "percentage_rate": 99, "code": "other"}})["coupon"]
    assert (kept["name"], kept["percentage_rate"], kept["code"]) == ("New", "10.0", "single")

    api.move_to("2026-07-10T00:00:00Z")

    assert codes_of(api.call("POST", "/applied_coupons", give)) == "coupon_not_found"
    [shown] = api.ok("GET", "/applied_coupons")["applied_coupons"]
    assert (shown["lago_id"], shown["status"], shown["coupon_status"]) == (applied["lago_id"], "active", "terminated")
    api.ok("DELETE", "/coupons/single")
    [shown] = api.ok("GET", "/applied_coupons")["applied_coupons"]
    assert (shown["status"], shown["coupon_deleted_at"]) == ("terminated", "2026-07-10T00:00:00Z")
