"""
Plan changes, E36 to E42b and W30 to W32: what the old plan still bills, what the new one bills, and who gets which day.

June has 30 days, May 31; nothing is taxed. Plans are called by their price.
"""

from typing import Any

import pytest

from tests.support.instants import unix
from tests.support.invoices import Line, base_cents, charge_of, fees_of, line, line_of
from tests.support.server import Api, Server

CHANGE = "2025-06-11T14:30:00Z"


def a_change(
    server: Server,
    old: dict[str, Any],
    new: dict[str, Any],
    *,
    start: str = "2025-05-01T00:00:00Z",
    at: str = CHANGE,
    billing_time: str = "calendar",
    zone: str = "UTC",
) -> Api:
    """Run the plan `old` from `start` to `at`, then ask for the plan `new`."""
    api = server.organization(at=start)
    for code, plan in (("old", old), ("new", new)):
        api.plan(code, **plan)
    api.customer(timezone=zone)
    api.subscribe(plan="old", billing_time=billing_time)
    api.move_to(at)
    api.subscribe(plan="new")
    return api


def lines_of(invoice: dict[str, Any]) -> list[Line]:
    """Return the periods of an invoice, the ended row first."""
    return sorted((line(period) for period in invoice["billing_periods"]), key=lambda found: found.reason, reverse=True)


def row(api: Api, status: str = "active") -> dict[str, Any]:
    return api.ok("GET", "/subscriptions/sub", query={"status": status})["subscription"]


def test_E36_an_upgrade_in_arrears_bills_the_old_plan_to_the_day_before(server: Server) -> None:
    api = a_change(server, {"amount_cents": 3000}, {"amount_cents": 9000})

    [_may, switch] = api.invoices()
    assert base_cents(switch) == [1000]  # 1–10 June: 10 of 30 days of 30.00
    assert line_of(switch) == Line("terminating", "2025-06-01T00:00:00Z", CHANGE, "2025-06-01T00:00:00Z", CHANGE)
    ended, running = row(api, "terminated"), row(api)
    assert (ended["plan_code"], ended["next_plan_code"], ended["previous_plan_code"]) == ("old", "new", None)
    assert (ended["terminated_at"], running["started_at"]) == (CHANGE, "2025-06-11T14:30:00.000Z")
    assert (running["plan_code"], running["next_plan_code"], running["previous_plan_code"]) == ("new", None, "old")
    assert (running["subscription_at"], running["name"], running["downgrade_plan_date"]) == ("2025-05-01T00:00:00Z", "", None)
    assert (ended["downgrade_plan_date"], ended["lago_id"] == running["lago_id"]) == (None, False)

    api.move_to("2025-08-01T00:00:00Z")

    [june, july] = api.invoices()[2:]
    assert base_cents(june) == [6000]  # 11–30 June: 20 of 30 days of 90.00
    assert line_of(june) == Line("periodic", "2025-06-11T00:00:00Z", "2025-06-30T23:59:59Z", CHANGE, "2025-06-30T23:59:59Z")
    assert base_cents(july) == [9000]


def test_E37_an_upgrade_in_advance_bills_the_new_plan_from_its_day(server: Server) -> None:
    advance = {"pay_in_advance": True}
    api = a_change(server, {"amount_cents": 3000} | advance, {"amount_cents": 9000} | advance)

    switch = api.invoices()[-1]
    assert base_cents(switch) == [6000]  # 11–30 June: 20 of 30 days of 90.00
    assert lines_of(switch) == [
        Line("terminating", "2025-06-01T00:00:00Z", CHANGE, "2025-06-01T00:00:00Z", CHANGE),
        Line("starting", "2025-06-11T00:00:00Z", "2025-06-30T23:59:59Z", "2025-06-11T00:00:00Z", "2025-06-30T23:59:59Z"),
    ]
    api.move_to("2025-07-01T00:00:00Z")
    assert base_cents(api.invoices()[-1]) == [9000]


def test_E38_an_upgrade_to_a_year_keeps_the_anniversary(server: Server) -> None:
    api = a_change(
        server,
        {"amount_cents": 3000, "pay_in_advance": True},
        {"amount_cents": 73_000, "pay_in_advance": True, "interval": "yearly"},
        start="2025-05-03T00:00:00Z",
        billing_time="anniversary",
    )

    switch = api.invoices()[-1]
    assert base_cents(switch) == [65_200]  # 11 June 2025 – 2 May 2026: 326 of 365 days of 730.00
    assert lines_of(switch)[1][1:3] == ("2025-06-11T00:00:00Z", "2026-05-02T23:59:59Z")
    api.move_to("2026-05-03T00:00:00Z")
    assert [base_cents(invoice) for invoice in api.invoices()[-1:]] == [[73_000]]


def test_E39_an_upgrade_from_arrears_to_advance_is_one_invoice(server: Server) -> None:
    api = a_change(server, {"amount_cents": 3000}, {"amount_cents": 9000, "pay_in_advance": True})

    switch = api.invoices()[-1]
    assert (base_cents(switch), switch["total_amount_cents"]) == ([1000, 6000], 7000)


def test_E40_a_downgrade_waits_for_the_end_of_the_period(server: Server) -> None:
    api = a_change(server, {"amount_cents": 9000}, {"amount_cents": 3000, "pay_in_advance": True})

    running, pending = row(api), row(api, "pending")
    assert (running["plan_code"], running["next_plan_code"], running["downgrade_plan_date"]) == ("old", "new", "2025-07-01")
    assert (pending["plan_code"], pending["previous_plan_code"], pending["started_at"]) == ("new", "old", None)
    assert len(api.invoices()) == 1
    api.move_to("2025-07-01T00:00:00Z")

    [_may, switch] = api.invoices()
    assert (base_cents(switch), switch["total_amount_cents"]) == ([9000, 3000], 12_000)
    june = ("2025-06-01T00:00:00Z", "2025-06-30T23:59:59Z")
    assert lines_of(switch)[0] == Line("terminating", *june, *june)
    assert lines_of(switch)[1][:3] == ("starting", "2025-07-01T00:00:00Z", "2025-07-31T23:59:59Z")
    ended, running = row(api, "terminated"), row(api)
    assert (ended["terminated_at"], running["started_at"]) == ("2025-07-01T00:00:00Z", "2025-07-01T00:00:00.000Z")
    assert (ended["downgrade_plan_date"], running["lago_id"]) == ("2025-07-01", pending["lago_id"])
    api.move_to("2025-08-01T00:00:00Z")
    assert base_cents(api.invoices()[-1]) == [3000]


def test_E41_yearly_prices_are_compared(server: Server) -> None:
    # 134.00 a year against 12 × 17.00 = 204.00: to the month is an upgrade. Equal is one, too.
    yearly = {"amount_cents": 13_400, "interval": "yearly"}
    up = a_change(server, yearly, {"amount_cents": 1700})
    same = a_change(server, {"amount_cents": 1200}, {"amount_cents": 14_400, "interval": "yearly"})
    down = a_change(server, yearly, {"amount_cents": 1100})

    assert [row(api)["plan_code"] for api in (up, same, down)] == ["new", "new", "old"]
    assert row(down)["downgrade_plan_date"] == "2026-01-01"
    assert base_cents(up.invoices()[-1]) == [1505]  # 1 May – 10 June: 41 of 365 days of 134.00 are 15.0520…


@pytest.mark.parametrize(
    ("second", "cents"),
    [
        ("2025-06-11T15:30:00Z", 2400),  # E42: the same day, 20 of 30 days of 36.00
        ("2025-06-21T10:00:00Z", 1200),  # E42b: 10 of 30 days of 36.00
    ],
)
def test_E42_two_upgrades_of_one_month_bill_each_new_plan_for_its_days(server: Server, second: str, cents: int) -> None:
    advance: dict[str, Any] = {"pay_in_advance": True}
    api = a_change(server, {"amount_cents": 1200} | advance, {"amount_cents": 2400} | advance)
    api.plan("third", amount_cents=3600, **advance)
    api.move_to(second)

    api.subscribe(plan="third")

    assert [base_cents(invoice) for invoice in api.invoices()[1:]] == [[1200], [1600], [cents]]
    api.move_to("2025-08-01T00:00:00Z")
    assert [base_cents(invoice) for invoice in api.invoices()[4:]] == [[3600], [3600]]


def test_two_upgrades_on_one_day_in_arrears_leave_the_day_to_the_last(server: Server) -> None:
    api = a_change(server, {"amount_cents": 3000}, {"amount_cents": 6000})
    api.plan("third", amount_cents=9000)
    api.move_to("2025-06-11T18:00:00Z")

    api.subscribe(plan="third")
    api.move_to("2025-07-01T00:00:00Z")

    # 1–10 June by the first plan, no day by the second, 11–30 June by the third: 10, 0 and 20 of 30 days.
    assert [base_cents(invoice) for invoice in api.invoices()[1:]] == [[1000], [0], [6000]]


@pytest.mark.parametrize(
    ("at", "closing"),
    [
        ("2025-06-01T00:00:00Z", []),  # May is billed, and no instant of June was the old plan's
        ("2025-06-01T10:00:00Z", [0]),  # ten hours, but no day
    ],
)
def test_an_upgrade_on_a_billing_day_bills_the_closed_period_once(server: Server, at: str, closing: list[int]) -> None:
    api = a_change(server, {"amount_cents": 3100}, {"amount_cents": 9000}, at=at)
    api.move_to("2025-07-01T00:00:00Z")

    bases = [cents for invoice in api.invoices() for cents in base_cents(invoice)]
    assert bases == [3100, *closing, 9000]


def test_the_day_of_an_upgrade_is_local(server: Server) -> None:
    # 11 June 22:30 in New York
    api = a_change(server, {"amount_cents": 3000}, {"amount_cents": 9000}, at="2025-06-12T02:30:00Z", zone="America/New_York")
    api.move_to("2025-07-02T00:00:00Z")

    assert [base_cents(invoice) for invoice in api.invoices()[-2:]] == [[1000], [6000]]


def test_a_pending_downgrade_is_replaced_canceled_or_overtaken(server: Server) -> None:
    api = a_change(server, {"amount_cents": 9000}, {"amount_cents": 3000})
    api.plan("less", amount_cents=1000)
    api.plan("more", amount_cents=12_000)

    api.subscribe(plan="less")
    assert (row(api)["next_plan_code"], row(api, "canceled")["plan_code"]) == ("less", "new")
    api.ok("POST", "/webhook_endpoints", {"webhook_endpoint": {"webhook_url": "http://127.0.0.1:9/nobody"}})
    api.terminate(status="pending")
    assert (row(api)["next_plan_code"], row(api)["downgrade_plan_date"]) == (None, None)
    told = api.ok("GET", "/webhooks")["webhooks"]
    assert [item["webhook_type"] for item in told] == ["subscription.updated", "subscription.terminated"]
    api.subscribe(plan="new")
    api.subscribe(plan="more")
    assert (row(api)["plan_code"], row(api)["next_plan_code"]) == ("more", None)
    api.subscribe(plan="less")
    api.terminate()
    api.move_to("2025-08-02T00:00:00Z")

    assert api.ok("GET", "/subscriptions", query={"status[]": ["active", "pending"]})["subscriptions"] == []
    assert len(api.ok("GET", "/subscriptions", query={"status[]": ["canceled"]})["subscriptions"]) == 4
    # May; 1–10 June of 90.00 at the upgrade; the new plan was there for its first day alone, 1 of 30 of 120.00.
    assert sorted(base_cents(invoice) for invoice in api.invoices()) == [[400], [3000], [9000]]


def reprice(api: Api, plan: str, cents: int) -> None:
    """Give a plan another price, and let what follows from it happen."""
    api.ok("PUT", f"/plans/{plan}", {"plan": {"amount_cents": cents}})
    api.move_to(api.ok("GET", "/test_clock")["test_clock"]["frozen_time"])


def test_a_waiting_plan_that_got_dearer_takes_over_at_once(server: Server) -> None:
    api = a_change(server, {"amount_cents": 9000}, {"amount_cents": 3000})

    reprice(api, "new", 8999)
    assert (row(api)["plan_code"], row(api)["next_plan_code"]) == ("old", "new")
    reprice(api, "new", 9000)
    assert (row(api)["plan_code"], row(api)["started_at"]) == ("new", "2025-06-11T14:30:00.000Z")
    api.move_to("2025-07-01T00:00:00Z")

    # May; 1–10 June and 11–30 June, 10 and 20 of 30 days of 90.00
    assert [base_cents(invoice) for invoice in api.invoices()] == [[9000], [3000], [6000]]


def test_a_change_waits_no_more_when_the_running_plan_got_cheaper(server: Server) -> None:
    api = a_change(server, {"amount_cents": 9000}, {"amount_cents": 3000})

    reprice(api, "old", 2000)
    assert (row(api)["next_plan_code"], row(api, "canceled")["plan_code"]) == (None, "new")
    api.move_to("2025-07-01T00:00:00Z")

    assert base_cents(api.invoices()[-1]) == [2000]


def test_a_downgrade_of_a_year_billed_monthly_waits_for_the_year(server: Server) -> None:
    api = a_change(server, {"amount_cents": 120_000, "interval": "yearly", "bill_charges_monthly": True}, {"amount_cents": 1000})

    assert row(api)["downgrade_plan_date"] == "2026-01-01"
    api.move_to("2026-02-01T00:00:00Z")

    # 1 May – 31 December: 245 of 365 days of 1 200.00 are 805.479…; then January by the new plan.
    assert [base_cents(invoice) for invoice in api.invoices()] == [*([[]] * 7), [80_548], [1000]]


def test_a_downgrade_moves_with_the_customers_days(server: Server) -> None:
    api = a_change(server, {"amount_cents": 9000}, {"amount_cents": 3000})

    api.customer(timezone="Asia/Tokyo")
    api.move_to("2025-06-30T15:00:00Z")

    assert row(api)["plan_code"] == "new"
    assert row(api)["started_at"] == "2025-06-30T15:00:00.000Z"
    assert base_cents(api.invoices()[-1]) == [9000]


def test_a_trial_counts_from_the_first_row(server: Server) -> None:
    # Five days are over on 6 May; a plan with sixty goes on until 30 June, and bills the one day left.
    api = a_change(server, {"amount_cents": 3000, "trial_period": 5}, {"amount_cents": 9000, "trial_period": 60, "pay_in_advance": True})
    assert base_cents(api.invoices()[-1]) == [1000]
    api.move_to("2025-07-01T00:00:00Z")

    assert [base_cents(invoice) for invoice in api.invoices()[2:]] == [[300], [9000]]


def test_a_start_in_the_future_gets_the_new_plan(server: Server) -> None:
    api = server.organization(at="2025-06-01T00:00:00Z")
    api.plan("old", amount_cents=9000)
    api.plan("new", amount_cents=3000)
    first = api.subscribe(plan="old", subscription_at="2025-06-15T00:00:00Z")

    again = api.subscribe(plan="new")

    assert (again["lago_id"], again["plan_code"], again["status"]) == (first["lago_id"], "new", "pending")
    api.move_to("2025-07-01T00:00:00Z")
    assert base_cents(api.invoices()[0]) == [1600]  # 15–30 June: 16 of 30 days


def test_what_a_change_keeps_and_what_it_takes_from_the_caller(server: Server) -> None:
    api = server.organization(at="2025-06-01T00:00:00Z")
    api.plan("old", amount_cents=1000)
    api.plan("new", amount_cents=3000)
    kept: dict[str, Any] = {"ending_at": "2025-12-31T00:00:00Z", "purchase_order_number": "PO-1", "consolidate_invoice": False}
    api.subscribe(plan="old", name="Old", billing_time="anniversary", progressive_billing_disabled=True, **kept)
    api.move_to(CHANGE)

    changed = api.subscribe(plan="new", billing_time="calendar", name="New")

    assert {name: changed[name] for name in kept} == kept
    assert (changed["billing_time"], changed["name"], changed["progressive_billing_disabled"]) == ("anniversary", "New", False)


def two_prices(server: Server, metric: dict[str, Any], *, at: str = "2025-05-01T00:00:00Z", prorated: bool = True) -> Api:
    """Sell one metric for 10 in the plan `old` and for 15 in `new`, by subscription."""
    api = server.organization(at=at)
    made = api.metric(**metric)
    for code, price, cents in (("old", "10", 1000), ("new", "15", 1500)):
        charge = api.seat_charge(made, price, prorated=prorated)
        api.plan(code, amount_cents=cents, charges=[charge])
    api.customer()
    api.subscribe(plan="old")
    return api


def test_W30_the_day_of_an_upgrade_of_seats_belongs_to_the_new_plan(server: Server) -> None:
    api = two_prices(server, {})
    api.event("ada", user_id="ada", timestamp=unix("2025-05-01T00:00:00Z"))
    api.move_to("2025-05-17T10:00:00Z")

    api.subscribe(plan="new")
    api.move_to("2025-06-01T00:00:00Z")

    [old, new] = api.invoices()
    # 1–16 May: 16/31 × 10 = 0.51613 × 10; 17–31 May: 15/31 × 15 = 0.48388 × 15, by the quantity rounded up to 0.48388.
    assert (charge_of(old)["precise_amount"], charge_of(old)["amount_cents"]) == ("5.1613", 516)
    assert (charge_of(new)["precise_amount"], charge_of(new)["amount_cents"]) == ("7.2582", 726)


def test_W30_a_seat_of_the_upgrade_days_morning_bills_its_day_by_the_new_plan(server: Server) -> None:
    api = two_prices(server, {})
    api.event("in", user_id="ada", timestamp=unix("2025-05-17T08:00:00Z"))
    api.event("out", user_id="ada", operation_type="remove", timestamp=unix("2025-05-17T09:00:00Z"))
    api.move_to("2025-05-17T10:00:00Z")

    api.subscribe(plan="new")
    api.move_to("2025-06-01T00:00:00Z")

    [old, new] = api.invoices()
    assert [fee["amount_cents"] for fee in fees_of(old, "charge")] in ([], [0])
    assert charge_of(new)["amount_cents"] == 48  # 1/31 × 15 = 0.03226 × 15


def test_W31_a_prorated_sum_is_split_by_days_between_the_plans(server: Server) -> None:
    api = two_prices(server, {"code": "cores", "aggregation_type": "sum_agg", "field_name": "cores"})
    api.event("6", code="cores", cores=6, timestamp=unix("2025-05-10T09:00:00Z"))
    api.move_to("2025-05-17T10:00:00Z")

    api.subscribe(plan="new")
    api.move_to("2025-06-01T00:00:00Z")

    [old, new] = api.invoices()
    # 10–16 May: 6 × 7/31 = 1.35484; 17–31 May: 6 × 15/31 = 2.90323
    assert charge_of(old)["precise_amount"] == "13.5484"
    assert charge_of(new)["precise_amount"] == "43.54845"


def test_W32_a_downgrade_leaves_the_month_to_the_old_plan_and_carries_the_seats(server: Server) -> None:
    api = two_prices(server, {}, at="2025-04-01T00:00:00Z")
    api.plan("less", amount_cents=500, charges=[api.seat_charge({"lago_id": metric_id(api)}, "4")])
    api.event("ada", user_id="ada", timestamp=unix("2025-05-01T00:00:00Z"))
    api.move_to("2025-05-17T10:00:00Z")

    api.subscribe(plan="less")
    api.event("edge", user_id="ben", timestamp=unix("2025-06-01T00:00:00Z"))
    api.move_to("2025-07-01T00:00:00Z")

    [_april, may, june] = api.invoices()
    assert (charge_of(may)["units"], charge_of(may)["amount_cents"]) == ("1.0", 1000)
    # The seat of the very instant of the switch belongs to the new plan: two seats for all of June.
    assert (charge_of(june)["units"], charge_of(june)["amount_cents"]) == ("2.0", 800)


def metric_id(api: Api) -> str:
    return str(api.ok("GET", "/billable_metrics/seats")["billable_metric"]["lago_id"])


def test_recurring_units_that_are_not_prorated_are_billed_by_the_new_plan_alone(server: Server) -> None:
    api = two_prices(server, {}, prorated=False)
    api.event("ada", user_id="ada", timestamp=unix("2025-05-02T00:00:00Z"))
    api.move_to("2025-05-17T10:00:00Z")

    api.subscribe(plan="new")
    api.move_to("2025-06-01T00:00:00Z")

    [old, new] = api.invoices()
    assert fees_of(old, "charge") == []
    assert charge_of(new)["amount_cents"] == 1500


def test_a_level_weighted_by_time_is_billed_by_each_plan_for_its_own_time(server: Server) -> None:
    weighted = {"aggregation_type": "weighted_sum_agg", "field_name": "gb", "weighted_interval": "seconds"}
    api = two_prices(server, weighted, prorated=False)
    api.event("level", gb=31, timestamp=unix("2025-05-01T00:00:00Z"))
    api.move_to("2025-05-17T12:00:00Z")

    api.subscribe(plan="new")
    api.move_to("2025-06-01T00:00:00Z")

    # 31 for 16.5 of 31 days at 10.00, then for 14.5 of them at 15.00
    assert [charge_of(invoice)["amount_cents"] for invoice in api.invoices()] == [16500, 21750]


def test_an_event_of_the_instant_between_two_subscriptions_is_the_second_ones_unless_it_was_billed(server: Server) -> None:
    api = two_prices(server, {"code": "calls", "aggregation_type": "count_agg", "field_name": None, "recurring": False}, prorated=False)
    api.move_to("2025-05-17T10:00:00Z")
    api.terminate()
    api.event("between", code="calls")  # dated by the clock, which stands still

    api.subscribe(plan="new")
    api.event("after", code="calls")

    assert api.usage()["charges_usage"][0]["units"] == "2.0"
    api.move_to("2025-06-01T00:00:00Z")
    counts = [fee["events_count"] for invoice in api.invoices() for fee in fees_of(invoice, "charge")]
    assert counts == [2]


def test_metered_usage_is_billed_by_the_plan_of_its_instant(server: Server) -> None:
    api = two_prices(server, {"code": "calls", "aggregation_type": "count_agg", "field_name": None, "recurring": False}, prorated=False)
    for instant in ("2025-05-17T09:59:59Z", "2025-05-17T10:00:00Z", "2025-05-17T10:00:01Z"):
        api.event(instant, code="calls", timestamp=unix(instant))
    api.move_to("2025-05-17T10:00:00Z")

    api.subscribe(plan="new")
    usage = api.usage()
    api.move_to("2025-06-01T00:00:00Z")

    [old, new] = api.invoices()
    # The event of the very instant of the change belongs to the new row.
    assert (charge_of(old)["amount_cents"], charge_of(new)["amount_cents"]) == (1000, 3000)
    assert (usage["from_datetime"], usage["charges_usage"][0]["units"]) == ("2025-05-17T10:00:00Z", "2.0")
