"""Figures of an organization: a month of two customers, asked about in every way."""

from typing import Any

import pytest

from tests.support.server import Api, Server

APRIL, MARCH = "2026-04-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z"


@pytest.fixture(scope="module")
def api(server: Server) -> Api:
    """
    Acme pays 30.00 a month and 0.50 a call, 7.00 an upload at once; Beta pays 10.00 a month and owes it.

    Acme: four calls on 2 and 5 March, one upload. Of its April invoice of 30.00 + 2.00, which is paid, 5.00 are given back.
    """
    api = server.organization(at="2026-03-01T00:00:00Z")
    calls = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    uploads = api.metric("uploads", aggregation_type="count_agg", field_name=None, recurring=False)
    at_once = api.seat_charge(uploads, "7", prorated=False, pay_in_advance=True, invoiceable=False)
    api.plan(amount_cents=3000, charges=[api.seat_charge(calls, "0.5", prorated=False), at_once])
    api.plan("solo", amount_cents=1000)
    api.customer(country="DE")
    api.customer("beta")
    api.subscribe()
    api.subscribe("beta", "solo", "beta")
    api.move_to("2026-03-02T10:00:00Z")
    for number in range(3):
        api.event(f"call-{number}", code="calls")
    api.event("upload", code="uploads")
    api.move_to("2026-03-05T10:00:00Z")
    api.event("call-3", code="calls")
    api.move_to("2026-04-02T00:00:00Z")
    [acme] = [invoice for invoice in api.invoices() if invoice["customer"]["external_id"] == "acme"]
    api.ok("PUT", f"/invoices/{acme['lago_id']}", {"invoice": {"payment_status": "succeeded"}})
    base = next(fee for fee in acme["fees"] if fee["item"]["type"] == "subscription")
    note = {"invoice_id": acme["lago_id"], "refund_amount_cents": 500, "items": [{"fee_id": base["lago_id"], "amount_cents": 500}]}
    api.ok("POST", "/credit_notes", {"credit_note": note})
    return api


def figures(api: Api, name: str, root: str, **query: Any) -> list[tuple[Any, ...]]:
    keys = ("month", "code", "payment_status", "currency", "amount_cents", "invoices_count")
    return [tuple(row[key] for key in keys if key in row) for row in api.ok("GET", f"/analytics/{name}", query=query)[root]]


def test_gross_revenue_is_what_was_invoiced_less_refunds(api: Api) -> None:
    # April: 3200 - 500 + 1000; the upload of March stands alone
    assert figures(api, "gross_revenue", "gross_revenues") == [(MARCH, "USD", 700, 0), (APRIL, "USD", 3700, 2)]
    assert figures(api, "gross_revenue", "gross_revenues", external_customer_id="beta") == [(APRIL, "USD", 1000, 1)]
    assert figures(api, "gross_revenue", "gross_revenues", months=1) == [(APRIL, "USD", 3700, 2)]
    assert figures(api, "gross_revenue", "gross_revenues", months=0) == [(APRIL, "USD", 3700, 2)]
    assert figures(api, "gross_revenue", "gross_revenues", currency="eur") == []
    assert figures(api, "gross_revenue", "gross_revenues", currency="usd", billing_entity_code="nowhere", months=2)[-1][2] == 3700


def test_invoice_collection_counts_by_state_of_payment(api: Api) -> None:
    assert figures(api, "invoice_collection", "invoice_collections") == [
        (MARCH, None, None, 0, 0),
        (APRIL, "pending", "USD", 1000, 1),
        (APRIL, "succeeded", "USD", 3200, 1),
    ]
    assert figures(api, "invoice_collection", "invoice_collections", currency="EUR") == []


def test_invoiced_usage_is_that_of_fees_on_invoices(api: Api) -> None:
    assert figures(api, "invoiced_usage", "invoiced_usages") == [(APRIL, "calls", "USD", 200)]


def test_revenue_is_told_by_plan_and_by_customer(api: Api) -> None:
    rows = api.ok("GET", "/analytics/revenue_by_plan")["plan_revenues"]
    reply = api.ok("GET", "/analytics/revenue_by_customer", query={"per_page": 1})

    # the upload of 7.00 stands alone in March; April: 30.00 + 4 calls of 0.50, and 10.00; fees are told before what is given back
    assert [(row["month"], row["plan_code"], row["currency"], row["amount_cents"]) for row in rows] == [
        (MARCH, "team", "USD", 700),
        (APRIL, "team", "USD", 3200),
        (APRIL, "solo", "USD", 1000),
    ]
    # 7.00 + 32.00 - 5.00 given back
    assert reply["customer_revenues"] == [
        {"external_customer_id": "acme", "customer_name": "Acme", "currency": "USD", "amount_cents": 3400, "invoices_count": 1}
    ]
    assert reply["meta"]["total_count"] == 2
    assert api.ok("GET", "/analytics/revenue_by_customer", query={"page": 2, "per_page": 1})["customer_revenues"][0]["amount_cents"] == 1000
    assert api.ok("GET", "/analytics/revenue_by_plan", query={"currency": "EUR"})["plan_revenues"] == []


def test_wallets_are_owed_what_they_hold_at_the_end_of_a_month(server: Server) -> None:
    api = server.organization(at="2026-03-10T00:00:00Z")
    api.customer()
    first = api.wallet(rate_amount="2", granted_credits="10", name="First")
    second = api.wallet(granted_credits="5", name="Second", code="second")
    api.move_to("2026-04-10T00:00:00Z")
    api.ok("POST", "/wallet_transactions", {"wallet_transaction": {"wallet_id": first["lago_id"], "voided_credits": "4"}})
    api.move_to("2026-05-10T00:00:00Z")
    api.ok("DELETE", f"/wallets/{second['lago_id']}")
    rows = api.ok("GET", "/analytics/wallet_liability")["wallet_liabilities"]

    # 10 credits of 2.00 and 5 of 1.00; in April 4 of 2.00 are taken back; in May the second wallet ends
    assert [(row["month"][:7], row["currency"], row["amount_cents"], row["wallets_count"]) for row in rows] == [
        ("2026-03", "USD", 2500, 2),
        ("2026-04", "USD", 1700, 2),
        ("2026-05", "USD", 1200, 1),
    ]
    assert api.ok("GET", f"/wallets/{first['lago_id']}")["wallet"]["balance_cents"] == 1200


def test_recurring_revenue_is_that_of_plans(api: Api) -> None:
    assert figures(api, "mrr", "mrrs") == [(MARCH, None, None), (APRIL, "USD", 4000)]


def test_overdue_balances_name_their_invoices(api: Api) -> None:
    [owed] = [invoice for invoice in api.invoices() if invoice["customer"]["external_id"] == "beta"]

    [row] = api.ok("GET", "/analytics/overdue_balance")["overdue_balances"]

    assert (row["month"], row["currency"], row["amount_cents"], row["lago_invoice_ids"]) == (APRIL, "USD", 1000, [owed["lago_id"]])
    assert figures(api, "overdue_balance", "overdue_balances", external_customer_id="acme") == []


def used(api: Api, **query: Any) -> list[tuple[Any, ...]]:
    rows = api.ok("GET", "/analytics/usage", query=query)["usages"]
    return [
        (row["start_of_period_dt"], row["end_of_period_dt"], row["billable_metric_code"], row["units"], row["amount_cents"]) for row in rows
    ]


MONTH = {"from_date": "2026-03-01", "to_date": "2026-03-31"}


def test_usage_is_what_each_day_added(api: Api) -> None:
    assert used(api, **MONTH) == [
        ("2026-03-02", "2026-03-02", "calls", "3.0", 150),
        ("2026-03-02", "2026-03-02", "uploads", "1.0", 700),
        ("2026-03-05", "2026-03-05", "calls", "1.0", 50),
    ]
    assert used(api, from_date="2026-03-03", to_date="2026-03-31") == [("2026-03-05", "2026-03-05", "calls", "1.0", 50)]
    assert used(api, **MONTH, time_granularity="weekly", billable_metric_code="calls") == [
        ("2026-03-02", "2026-03-08", "calls", "4.0", 200)
    ]
    assert used(api, **MONTH, time_granularity="monthly")[0] == ("2026-03-01", "2026-03-31", "calls", "4.0", 200)


@pytest.mark.parametrize(
    "limit",
    [
        {"currency": "EUR"},
        {"external_customer_id": "beta"},
        {"external_subscription_id": "beta"},
        {"customer_country": "FR"},
        {"customer_type": "company"},
        {"plan_code": "solo"},
        {"billable_metric_code": "seats"},
        {"is_billable_metric_recurring": "true"},
        {"from_date": "2026-03-06"},
    ],
    ids=str,
)
def test_usage_can_be_limited(api: Api, limit: dict[str, str]) -> None:
    assert used(api, **MONTH | limit) == []


def test_an_unknown_granularity_is_refused(api: Api) -> None:
    reply = api.call("GET", "/analytics/usage", query={"time_granularity": "hourly"})

    assert (reply.status, reply.body["error_details"]) == (422, {"time_granularity": ["value_is_invalid"]})


def test_a_prorated_seat_adds_a_day_of_its_price_each_day(server: Server) -> None:
    # 30.00 a seat in 30 days of June: 1.00 a day; an invoice of the month comes to 30.00 as well
    api = server.organization(at="2026-06-01T00:00:00Z")
    api.plan(charges=[api.seat_charge(api.metric(), "30")])
    api.customer()
    api.subscribe()
    api.event("join", user_id="ada", operation_type="add")
    api.move_to("2026-07-01T00:00:00Z")

    rows = used(api, from_date="2026-06-01", to_date="2026-06-30")

    assert len(rows) == 30
    assert {row[4] for row in rows} == {100}
