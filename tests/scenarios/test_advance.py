"""Charges in advance: each event makes its fee as it comes, and the period adds up."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.server import Api, Server

APRIL = "2026-04-01T00:00:00Z"
GRADUATED = [
    {"from_value": 0, "to_value": 100, "per_unit_amount": "0.30", "flat_amount": "7"},
    {"from_value": 101, "to_value": 500, "per_unit_amount": "0.20", "flat_amount": "4"},
    {"from_value": 501, "to_value": None, "per_unit_amount": "0.05", "flat_amount": "0"},
]


def at(day: int, hour: int = 0, *, month: int = 4) -> str:
    """Return an instant of 2026 in UTC as the clock takes it."""
    return datetime(2026, month, day, hour, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def api(server: Server) -> Api:
    made = server.organization(at=APRIL)
    made.customer()
    return made


def counted(api: Api, **charge: Any) -> dict[str, Any]:
    """Subscribe to a plan with one charge in advance on calls, and return the metric."""
    metric = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    in_advance(api, metric, **charge)
    return metric


def in_advance(api: Api, metric: dict[str, Any], **charge: Any) -> None:
    given = {"billable_metric_id": metric["lago_id"], "charge_model": "standard", "pay_in_advance": True, "properties": {"amount": "10"}}
    api.plan(charges=[given | charge])
    api.subscribe()


def fees(api: Api, **query: Any) -> list[dict[str, Any]]:
    """Return all fees of charges, the oldest first."""
    return api.ok("GET", "/fees", query={"per_page": 1000, "fee_type": "charge"} | query)["fees"]


def figures(found: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(fee["units"], fee["amount_cents"]) for fee in found]


def seat(api: Api, transaction_id: str, user_id: str, operation: str = "add", **properties: Any) -> None:
    api.event(transaction_id, user_id=user_id, operation_type=operation, **properties)


def test_an_event_makes_an_invoice_at_once_and_the_period_does_not_bill_it_again(api: Api) -> None:
    counted(api)
    api.move_to(at(10, 12))

    api.event("one", code="calls")

    [invoice] = api.invoices()
    assert (invoice["invoice_type"], invoice["status"], invoice["issuing_date"]) == ("subscription", "finalized", "2026-04-10")
    assert (invoice["fees_amount_cents"], invoice["total_amount_cents"]) == (1000, 1000)
    [period] = invoice["billing_periods"]
    assert period["invoicing_reason"] == "in_advance_charge"
    assert (period["charges_from_datetime"], period["charges_to_datetime"]) == (APRIL, "2026-04-30T23:59:59Z")
    [fee] = invoice["fees"]
    assert (fee["units"], fee["events_count"], fee["event_transaction_id"]) == ("1.0", 1, "one")
    assert (fee["pay_in_advance"], fee["invoiceable"], fee["precise_unit_amount"]) == (True, True, "10.0")
    assert api.usage()["amount_cents"] == 1000
    # Sent again it is a duplicate and costs nothing.
    repeated = {"transaction_id": "one", "code": "calls", "external_subscription_id": "sub"}
    assert api.call("POST", "/events", {"event": repeated}).status == 422
    api.move_to(at(1, month=5))
    assert [fee["item"]["type"] for fee in api.invoices()[1]["fees"]] == ["subscription"]


def test_a_batch_is_priced_event_by_event_in_its_order(api: Api) -> None:
    counted(api, invoiceable=False)
    names = [f"e{number}" for number in range(5)]
    sent = [{"transaction_id": name, "code": "calls", "external_subscription_id": "sub"} for name in names]

    api.ok("POST", "/events/batch", {"events": sent})

    assert [fee["event_transaction_id"] for fee in fees(api)] == names
    assert api.invoices() == []


def test_E12_events_below_a_cent_cost_nothing_each(api: Api) -> None:
    counted(api, properties={"amount": "0.0042"}, invoiceable=False)

    for number in range(3):
        api.event(str(number), code="calls")

    # 0.0042 a call is 0.42 cents, which rounds to 0 for each of them; together 1.26 cents were used.
    assert [(fee["amount_cents"], fee["precise_amount"]) for fee in fees(api)] == [(0, "0.0042")] * 3
    assert api.usage()["amount_cents"] == 1


def test_E13_graduated_prices_go_on_where_the_last_event_left_them(api: Api) -> None:
    metric = api.metric("gb", aggregation_type="sum_agg", field_name="gb", recurring=False)
    in_advance(api, metric, charge_model="graduated", properties={"graduated_ranges": GRADUATED}, invoiceable=False)

    api.event("1", code="gb", gb=1)
    api.event("2", code="gb", gb=98)
    api.event("3", code="gb", gb=1)
    api.event("4", code="gb", gb=1)
    api.event("5", code="gb", gb=-5)
    api.event("6", code="gb", gb=7)

    # 0.30 + 7 · 98 x 0.30 · the hundredth 0.30 · the 101st 0.20 + 4 · nothing for what goes · 5 of 7 only make up for it: 2 x 0.20
    assert figures(fees(api)) == [("1.0", 730), ("98.0", 2940), ("1.0", 30), ("1.0", 420), ("0.0", 0), ("2.0", 40)]
    # The period: 100 x 0.30 + 7 + 3 x 0.20 + 4 = 41.60, the sum of its fees.
    assert api.usage()["amount_cents"] == 4160


def test_W34_prorated_seats_are_paid_for_up_to_the_most_there_were(server: Server) -> None:
    api = server.organization(at=at(1, month=3))
    api.customer()
    in_advance(api, api.metric(), prorated=True, properties={"amount": "12"})
    seat(api, "1", "s1")
    seat(api, "2", "s2")
    api.move_to(APRIL)
    assert api.invoices()[-1]["fees"][-1]["amount_cents"] == 2400
    walk = [(6, "s3", "add"), (11, "s1", "remove"), (16, "s4", "add"), (21, "s5", "add"), (26, "s5", "remove"), (26, "s5", "add")]
    shown = []

    for number, (day, user, operation) in enumerate(walk):
        api.move_to(at(day, 9))
        seat(api, f"w{number}", user, operation)
        usage = api.usage()["charges_usage"][0]
        shown.append((usage["units"], usage["amount_cents"]))

    # 25/30 x 12 = 0.83334 x 12 = 10.00; 10/30 x 12 = 0.33334 x 12 = 4.00. With 2 renewed seats: 24 + 10 = 34, then 38.
    found = [fee for fee in fees(api) if fee.get("event_transaction_id", "").startswith("w")]
    assert figures(found) == [("1.0", 1000), ("0.0", 0), ("1.0", 0), ("1.0", 400), ("0.0", 0), ("1.0", 0)]
    assert shown == [("3.0", 3400), ("2.0", 3400), ("3.0", 3400), ("4.0", 3800), ("3.0", 3800), ("4.0", 3800)]
    api.move_to(at(1, month=5))
    renewal = api.invoices()[-1]["fees"][-1]
    assert (renewal["units"], renewal["amount_cents"], renewal["pay_in_advance"]) == ("4.0", 4800, False)
    assert (renewal["from_date"], renewal["to_date"]) == (at(1, month=5), "2026-05-31T23:59:59Z")


def test_a_recurring_sum_is_renewed_whole_and_raised_by_events(api: Api) -> None:
    in_advance(api, api.metric("gb", aggregation_type="sum_agg", field_name="gb", recurring=True))
    api.event("1", code="gb", gb=5)
    api.move_to(at(1, month=5))

    for number, gb in enumerate([3, -2, 1]):
        api.event(f"m{number}", code="gb", gb=gb)

    # 5 for April, 5 renewed for May, 3 more; 2 less and 1 more again stay below the 8 that are paid for.
    made = sorted(api.invoices(), key=lambda invoice: invoice["sequential_id"])
    assert [invoice["total_amount_cents"] for invoice in made] == [5000, 5000, 3000, 0, 0]
    usage = api.usage()["charges_usage"][0]
    assert (usage["units"], usage["amount_cents"]) == ("7.0", 8000)
    api.move_to(at(1, month=6))
    assert figures(api.invoices()[-1]["fees"][-1:]) == [("7.0", 7000)]


def test_W35_seats_of_a_period_alone_begin_with_nothing(api: Api) -> None:
    in_advance(api, api.metric(recurring=False), invoiceable=False)
    seat(api, "1", "a")
    api.move_to(at(5, month=5))

    seat(api, "2", "a", "remove")
    seat(api, "3", "b")

    assert figures(fees(api)) == [("1.0", 1000), ("0.0", 0), ("1.0", 1000)]
    assert api.usage()["charges_usage"][0]["units"] == "1.0"


def test_a_seat_that_takes_the_place_of_a_carried_one_is_not_billed_again(api: Api) -> None:
    in_advance(api, api.metric(), prorated=True, properties={"amount": "12"})
    seat(api, "1", "s1")
    api.move_to(at(11, month=5))

    seat(api, "2", "s1", "remove")
    between = api.usage()["amount_cents"]
    seat(api, "3", "s4")

    # The renewed seat stays paid for until the month is over; its place costs nothing more.
    assert (between, api.usage()["amount_cents"]) == (1200, 1200)
    assert fees(api)[-1]["amount_cents"] == 0


def test_filters_and_groups_stand_each_for_themselves(api: Api) -> None:
    metric = api.metric(
        "calls", aggregation_type="count_agg", field_name=None, recurring=False, filters=[{"key": "region", "values": ["eu", "us"]}]
    )
    tiers = {"graduated_ranges": GRADUATED, "pricing_group_keys": ["team"]}
    eu = {"values": {"region": ["eu"]}, "properties": {"graduated_ranges": GRADUATED}, "invoice_display_name": "Europe"}
    in_advance(api, metric, charge_model="graduated", properties=tiers, filters=[eu], invoiceable=False)

    for number, properties in enumerate([{"region": "eu"}, {"region": "eu"}, {"team": "red"}, {"team": "blue"}, {"team": "red"}]):
        api.event(str(number), code="calls", **properties)

    found = fees(api)
    assert [fee["amount_cents"] for fee in found] == [730, 30, 730, 730, 30]
    assert [fee["item"]["grouped_by"] for fee in found] == [{}, {}, {"team": "red"}, {"team": "blue"}, {"team": "red"}]
    assert found[0]["item"]["filter_invoice_display_name"] == "Europe"
    assert found[0]["lago_charge_filter_id"] is not None


def test_package_and_percentage_charge_what_an_event_adds(api: Api) -> None:
    metric = api.metric("gb", aggregation_type="sum_agg", field_name="gb", recurring=False)
    base = {"billable_metric_id": metric["lago_id"], "pay_in_advance": True, "invoiceable": False}
    package = {"charge_model": "package", "properties": {"amount": "5", "package_size": 10, "free_units": 3}}
    terms = {"rate": "2", "fixed_amount": "0.50", "free_units_per_events": 1}
    limited = {"rate": "2", "per_transaction_min_amount": "1", "per_transaction_max_amount": "3"}
    api.plan(
        charges=[
            base | package,
            base | {"charge_model": "percentage", "properties": terms},
            base | {"charge_model": "percentage", "properties": limited},
        ]
    )
    api.subscribe()

    api.event("1", code="gb", gb=10)
    api.event("2", code="gb", gb=100)
    api.event("3", code="gb", gb=1000)

    # package: 7 paid = 1 of 10 · 107 = 11, ten more · 1107 = 111, a hundred more
    # percentage: the first event is free · 2 + 0.50 · 20 + 0.50; limited: 0.20 → 1 · 2 · 20 → 3
    found = fees(api)
    assert [fee["amount_cents"] for fee in found] == [500, 0, 100, 5000, 250, 200, 50000, 2050, 300]
    second = found[4]["amount_details"]
    assert (second["units"], second["free_units"], second["paid_units"], second["paid_events"]) == ("100.0", "0.0", "100.0", 1)
    assert (second["rate"], second["fixed_fee_unit_amount"], second["per_unit_total_amount"]) == ("2.0", "0.5", "2.0")
    first = found[1]["amount_details"]
    assert (first["free_units"], first["free_events"], first["fixed_fee_total_amount"]) == ("10.0", 1, "0.0")


def test_lone_fees_are_paid_deleted_and_gathered(api: Api) -> None:
    counted(api, invoiceable=False, regroup_paid_fees="invoice")
    api.move_to(at(3, 6))
    for name in ("a", "b", "c", "d"):
        api.event(name, code="calls")
    paid, failed, late, gone = fees(api)
    assert (paid["lago_invoice_id"], paid["payment_status"], paid["invoiceable"], paid["pay_in_advance"]) == (None, "pending", False, True)
    assert (paid["from_date"], paid["to_date"]) == (APRIL, "2026-04-30T23:59:59Z")

    def report(fee: dict[str, Any], status: str) -> dict[str, Any]:
        return api.ok("PUT", f"/fees/{fee['lago_id']}", {"fee": {"payment_status": status}})["fee"]

    assert report(paid, "failed")["failed_at"] == at(3, 6)
    assert (report(paid, "succeeded")["succeeded_at"], api.ok("GET", f"/fees/{paid['lago_id']}")["fee"]["failed_at"]) == (at(3, 6), None)
    report(failed, "failed")
    assert "applied_taxes" not in api.ok("DELETE", f"/fees/{gone['lago_id']}")["fee"]
    assert api.call("GET", f"/fees/{gone['lago_id']}").body["code"] == "fee_not_found"
    assert [fee["event_transaction_id"] for fee in fees(api, payment_status="pending")] == ["c"]
    api.move_to(at(1, month=5))

    # May 1: the paid fee of April is gathered; one paid in June on July 1.
    [gathered] = [invoice for invoice in api.invoices() if invoice["invoice_type"] == "advance_charges"]
    assert (gathered["payment_status"], gathered["status"], gathered["total_amount_cents"]) == ("succeeded", "finalized", 1000)
    assert gathered["total_paid_amount_cents"] == 1000
    assert [fee["lago_id"] for fee in gathered["fees"]] == [paid["lago_id"]]
    [payment] = api.ok("GET", "/payments", query={"invoice_id": gathered["lago_id"]})["payments"]
    assert (payment["amount_cents"], payment["type"], payment["reference"]) == (1000, "manual", "Charges paid in advance")
    [period] = gathered["billing_periods"]
    assert period["invoicing_reason"] == "in_advance_charge_periodic"
    assert (period["charges_from_datetime"], period["charges_to_datetime"]) == (APRIL, "2026-04-30T23:59:59Z")
    refused = api.call("PUT", f"/fees/{paid['lago_id']}", {"fee": {"payment_status": "pending"}})
    assert (refused.status, refused.body["code"]) == (405, "invoiced_fee")
    api.move_to(at(10, month=6))
    report(late, "succeeded")
    api.terminate()
    found = [invoice for invoice in api.invoices() if invoice["invoice_type"] == "advance_charges"]
    assert [fee["lago_id"] for fee in found[1]["fees"]] == [late["lago_id"]]
    assert found[1]["billing_periods"][0]["charges_to_datetime"] == at(10, month=6)


def test_a_renewal_that_is_not_invoiced_stands_alone(api: Api) -> None:
    in_advance(api, api.metric(), prorated=True, invoiceable=False)
    seat(api, "1", "s1")

    api.move_to(at(1, month=5))

    event, renewal = fees(api)
    assert event["amount_cents"] == 1000
    assert (renewal["amount_cents"], renewal["units"], renewal["pay_in_advance"], renewal["lago_invoice_id"]) == (1000, "1.0", True, None)
    assert (renewal["from_date"], renewal["to_date"]) == (at(1, month=5), "2026-05-31T23:59:59Z")
    api.terminate()
    assert len(fees(api)) == 2


def test_estimates_say_what_the_event_would_cost(api: Api) -> None:
    metric = api.metric("gb", aggregation_type="sum_agg", field_name="gb", recurring=False)
    in_advance(api, metric, charge_model="graduated", properties={"graduated_ranges": GRADUATED}, invoiceable=False)
    api.event("1", code="gb", gb=100)
    asked: dict[str, dict[str, Any]] = {"event": {"code": "gb", "external_subscription_id": "sub", "properties": {"gb": 1}}}

    [estimate] = api.ok("POST", "/events/estimate_fees", asked)["fees"]

    assert (estimate["lago_id"], estimate["amount_cents"], estimate["units"], estimate["applied_taxes"]) == (None, 420, "1.0", [])
    assert len(fees(api)) == 1
    api.event("2", code="gb", gb=1)
    assert fees(api)[1]["amount_cents"] == 420
    for change, status, code in [
        ({"external_subscription_id": "other"}, 404, "subscription_not_found"),
        ({"code": "other"}, 404, "billable_metric_not_found"),
    ]:
        reply = api.call("POST", "/events/estimate_fees", {"event": asked["event"] | change})
        assert (reply.status, reply.body["code"]) == (status, code)
    wrongs: list[tuple[dict[str, Any], dict[str, list[str]]]] = [
        ({"properties": {"gb": "x"}}, {"properties": ["value_is_not_valid_number"]}),
        ({"timestamp": "yesterday"}, {"timestamp": ["invalid_format"]}),
    ]
    for wrong, details in wrongs:
        assert api.call("POST", "/events/estimate_fees", {"event": asked["event"] | wrong}).body["error_details"] == details
    refused = api.call("POST", "/events/estimate_instant_fees", asked)
    assert refused.body["error_details"] == {"code": ["does_not_match_an_instant_charge"]}


def test_instant_estimates_look_at_nothing_but_the_event(api: Api) -> None:
    metric = api.metric("gb", aggregation_type="sum_agg", field_name="gb", recurring=False)
    base = {"billable_metric_id": metric["lago_id"], "pay_in_advance": True}
    limited = {"rate": "2", "fixed_amount": "0.5", "per_transaction_max_amount": "3"}
    api.plan(
        charges=[
            base | {"charge_model": "standard", "properties": {"amount": "0.04"}},
            base | {"charge_model": "percentage", "properties": limited},
        ]
    )
    api.subscribe()
    event = {"code": "gb", "external_subscription_id": "sub", "properties": {"gb": 10}, "transaction_id": "t"}

    found = api.ok("POST", "/events/estimate_instant_fees", {"event": event})["fees"]
    many = [event, event | {"code": "other"}, event | {"properties": {"gb": 1000}}]
    batch = api.ok("POST", "/events/batch_estimate_instant_fees", {"events": many})["fees"]

    # 10 x 0.04 = 0.40; 10 x 2 % + 0.50 = 0.70; 1000 x 0.04 = 40; 20.50 is at most 3
    assert [fee["amount_cents"] for fee in found] == ["40.0", "70.0"]
    assert (found[0]["lago_id"], found[0]["payment_status"], found[0]["events_count"], found[0]["event_transaction_id"]) == (
        None,
        "pending",
        1,
        "t",
    )
    assert [fee["amount_cents"] for fee in batch] == ["40.0", "70.0", "4000.0", "300.0"]


@pytest.mark.parametrize(
    ("metric", "charge", "details"),
    [
        ({"aggregation_type": "max_agg", "recurring": False}, {}, {"pay_in_advance": ["invalid_aggregation_type_or_charge_model"]}),
        ({}, {"charge_model": "volume", "properties": {}}, {"pay_in_advance": ["invalid_aggregation_type_or_charge_model"]}),
        ({}, {"min_amount_cents": 100}, {"min_amount_cents": ["not_compatible_with_pay_in_advance"]}),
        ({}, {"pay_in_advance": False, "invoiceable": False}, {"invoiceable": ["must_be_true_unless_pay_in_advance"]}),
        ({}, {"regroup_paid_fees": "invoice"}, {"regroup_paid_fees": ["only_compatible_with_pay_in_advance_and_non_invoiceable"]}),
        (
            {},
            {"charge_model": "graduated", "prorated": True, "properties": {"graduated_ranges": GRADUATED}},
            {"prorated": ["invalid_billable_metric_or_charge_model"]},
        ),
    ],
)
def test_what_does_not_go_together_is_refused(api: Api, metric: dict[str, Any], charge: dict[str, Any], details: dict[str, Any]) -> None:
    made = api.metric("users", **metric)
    given = {"billable_metric_id": made["lago_id"], "charge_model": "standard", "pay_in_advance": True, "properties": {"amount": "1"}}
    plan = {"name": "P", "code": "p", "amount_cents": 0, "amount_currency": "USD", "interval": "monthly", "pay_in_advance": False}

    reply = api.call("POST", "/plans", {"plan": plan | {"charges": [given | charge]}})

    found = reply.body["error_details"]
    assert reply.status == 422
    assert {name: found[name] for name in details} == details
