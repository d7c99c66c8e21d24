"""What stands on an invoice: its fields, its fees and periods, its dates and numbers, and which subscriptions share one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.support.instants import unix
from tests.support.invoices import charge_of, fees_of, numbers
from tests.support.server import Api, Server

JULY, AUGUST, SEPTEMBER = "2026-07-01T00:00:00Z", "2026-08-01T00:00:00Z", "2026-09-01T00:00:00Z"
AMOUNTS = [
    "fees_amount_cents",
    "progressive_billing_credit_amount_cents",
    "coupons_amount_cents",
    "sub_total_excluding_taxes_amount_cents",
    "taxes_amount_cents",
    "sub_total_including_taxes_amount_cents",
    "credit_notes_amount_cents",
    "prepaid_credit_amount_cents",
    "total_amount_cents",
    "total_paid_amount_cents",
    "total_offsetted_credit_note_amount_cents",
    "total_due_amount_cents",
]
FEE_FIELDS = """
lago_id lago_charge_id lago_charge_filter_id lago_fixed_charge_id lago_invoice_id lago_true_up_fee_id lago_true_up_parent_fee_id
lago_original_fee_id lago_subscription_id external_subscription_id lago_customer_id external_customer_id item pay_in_advance
invoiceable amount_cents amount_currency precise_amount precise_total_amount taxes_amount_cents taxes_precise_amount taxes_rate
total_aggregated_units total_amount_cents total_amount_currency units description precise_unit_amount
precise_coupons_amount_cents sub_total_excluding_taxes_amount_cents sub_total_excluding_taxes_precise_amount_cents events_count
payment_status created_at succeeded_at failed_at refunded_at amount_details self_billed pricing_unit_details
presentation_breakdowns from_date to_date plan_version
"""


def calls_charge(api: Api, amount: str = "1", **fields: Any) -> dict[str, Any]:
    metric = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False, description="Requests answered")
    return api.seat_charge(metric, amount, prorated=False, **fields)


@contextmanager
def database(server: Server) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(server.database_url().replace("+psycopg", "")) as connection:
        yield connection


def test_an_invoice_says_what_it_is_for_and_adds_up(server: Server) -> None:
    api = server.organization(at=JULY, document_number_prefix="ACM")
    plan = api.plan(amount_cents=4900, charges=[calls_charge(api, "0.125")])
    api.customer(currency="USD")
    subscription = api.subscribe(name="Production")
    for number in range(3):
        api.event(f"{number}", code="calls", timestamp=unix("2026-07-10T00:00:00Z"))

    api.move_to(AUGUST)

    [invoice] = api.invoices()
    # 3 × 0.125 = 0.375, which is 37.5 cents: 38
    expected = dict.fromkeys(AMOUNTS, 0) | dict.fromkeys(
        [
            "fees_amount_cents",
            "sub_total_excluding_taxes_amount_cents",
            "sub_total_including_taxes_amount_cents",
            "total_amount_cents",
            "total_due_amount_cents",
        ],
        4938,
    )
    assert {name: invoice[name] for name in AMOUNTS} == expected
    said = {
        "number": "ACM-001-001",
        "sequential_id": 1,
        "billing_entity_code": "default",
        "invoice_type": "subscription",
        "status": "finalized",
        "payment_status": "pending",
        "payment_overdue": False,
        "currency": "USD",
        "issuing_date": "2026-08-01",
        "payment_due_date": "2026-08-01",
        "net_payment_term": 0,
        "purchase_order_number": None,
        "created_at": AUGUST,
        "updated_at": AUGUST,
        "voided_at": None,
        "version_number": 4,
        "self_billed": False,
        "metadata": [],
        "applied_taxes": [],
        "credits": [],
        "error_details": [],
        "applied_invoice_custom_sections": [],
    }
    assert {name: invoice[name] for name in said} == said
    assert invoice["customer"]["external_id"] == "acme"
    assert [item["lago_id"] for item in invoice["subscriptions"]] == [subscription["lago_id"]]
    assert invoice["billing_periods"] == [
        {
            "lago_subscription_id": subscription["lago_id"],
            "external_subscription_id": "sub",
            "lago_plan_id": plan["lago_id"],
            "subscription_from_datetime": JULY,
            "subscription_to_datetime": "2026-07-31T23:59:59Z",
            "charges_from_datetime": JULY,
            "charges_to_datetime": "2026-07-31T23:59:59Z",
            "fixed_charges_from_datetime": JULY,
            "fixed_charges_to_datetime": "2026-07-31T23:59:59Z",
            "invoicing_reason": "subscription_periodic",
        }
    ]


def test_a_fee_says_what_was_billed_and_how_much_of_it(server: Server) -> None:
    api = server.organization(at=JULY)
    plan = api.plan("team", name="Team", description="For teams", amount_cents=4900, charges=[calls_charge(api, "0.125")])
    customer = api.customer()
    subscription = api.subscribe()
    for number in range(3):
        api.event(f"{number}", code="calls", timestamp=unix("2026-07-10T00:00:00Z"))

    api.move_to(AUGUST)

    [invoice] = api.invoices()
    [base] = fees_of(invoice, "subscription")
    charge = charge_of(invoice)
    assert set(base) == set(charge) == set(FEE_FIELDS.split())
    for fee in (base, charge):
        assert fee["lago_invoice_id"] == invoice["lago_id"]
        assert (fee["lago_subscription_id"], fee["external_subscription_id"]) == (subscription["lago_id"], "sub")
        assert (fee["lago_customer_id"], fee["external_customer_id"]) == (customer["lago_id"], "acme")
        assert (fee["from_date"], fee["to_date"], fee["created_at"]) == (JULY, "2026-07-31T23:59:59Z", AUGUST)
        assert (fee["amount_currency"], fee["payment_status"], fee["invoiceable"], fee["pay_in_advance"]) == ("USD", "pending", True, False)
    assert base["item"] == {
        "type": "subscription",
        "code": "team",
        "name": "Team",
        "description": "For teams",
        "invoice_display_name": "Team",
        "filters": None,
        "filter_invoice_display_name": None,
        "lago_item_id": subscription["lago_id"],
        "item_type": "Subscription",
        "grouped_by": {},
    }
    assert (base["units"], base["amount_cents"], base["precise_unit_amount"], base["events_count"]) == ("1.0", 4900, "49.0", 0)
    assert base["amount_details"] == {"plan_amount_cents": 4900}
    assert (charge["item"]["type"], charge["item"]["code"], charge["item"]["item_type"]) == ("charge", "calls", "BillableMetric")
    assert charge["lago_charge_id"] == plan["charges"][0]["lago_id"]
    assert (charge["units"], charge["total_aggregated_units"], charge["events_count"]) == ("3.0", "3.0", 3)
    assert (charge["amount_cents"], charge["precise_amount"], charge["precise_unit_amount"]) == (38, "0.375", "0.125")
    assert charge["sub_total_excluding_taxes_amount_cents"] == charge["total_amount_cents"] == 38


def test_fees_and_periods_are_called_what_the_plan_and_the_subscription_say(server: Server) -> None:
    api = server.organization(at=JULY)
    api.plan("named", invoice_display_name="Shown plan", amount_cents=100, charges=[calls_charge(api, invoice_display_name="Shown calls")])
    api.subscribe(plan="named", external_id="b", name="Zulu")
    api.subscribe(plan="named", external_id="a", name="Alpha")
    api.subscribe(plan="named", external_id="c")
    api.event("1", code="calls", subscription="a", timestamp=unix("2026-07-10T00:00:00Z"))

    api.move_to(AUGUST)

    [invoice] = api.invoices()
    shown = {fee["external_subscription_id"]: fee["item"]["invoice_display_name"] for fee in fees_of(invoice, "subscription")}
    assert shown == {"a": "Alpha", "b": "Zulu", "c": "Shown plan"}
    assert charge_of(invoice)["item"]["invoice_display_name"] == "Shown calls"
    named = [period["external_subscription_id"] for period in invoice["billing_periods"] if period["external_subscription_id"] != "c"]
    assert named == ["a", "b"]
    assert [item["external_id"] for item in invoice["subscriptions"]] == [
        period["external_subscription_id"] for period in invoice["billing_periods"]
    ]


def test_what_was_billed_keeps_its_names_when_the_plan_is_renamed(server: Server) -> None:
    api = server.organization(at=JULY)
    api.plan(name="Team", amount_cents=100)
    api.subscribe()
    api.move_to(AUGUST)

    api.ok("PUT", "/plans/team", {"plan": {"name": "Squad", "amount_cents": 900}})

    [invoice] = api.invoices()
    [fee] = fees_of(invoice, "subscription")
    assert (fee["item"]["name"], fee["amount_cents"], fee["amount_details"]) == ("Team", 100, {"plan_amount_cents": 100})


def test_subscriptions_of_a_customer_share_the_invoice_of_an_instant(server: Server) -> None:
    api = server.organization(at=JULY)
    api.plan("month", amount_cents=100)
    api.plan("quarter", amount_cents=1000, interval="quarterly")
    api.plan("advance", amount_cents=30, pay_in_advance=True)
    for plan in ("month", "quarter", "advance"):
        api.subscribe(plan=plan, external_id=plan)
    api.customer("other")
    api.subscribe("other", plan="month", external_id="other")

    api.move_to("2026-10-01T00:00:00Z")

    invoices = api.invoices(external_customer_id="acme")
    assert [(invoice["issuing_date"], invoice["total_amount_cents"]) for invoice in invoices] == [
        ("2026-07-01", 30),
        ("2026-08-01", 130),
        ("2026-09-01", 130),
        ("2026-10-01", 1130),
    ]
    assert len(invoices[-1]["billing_periods"]) == 3
    assert numbers(invoices) == [1, 2, 3, 4]
    assert numbers(api.invoices(external_customer_id="other")) == [1, 2, 3]


def test_what_must_stand_apart_gets_its_own_invoice(server: Server) -> None:
    api = server.organization(at=JULY)
    api.plan("usd", amount_cents=100)
    api.plan("eur", amount_cents=200, amount_currency="EUR")
    api.subscribe(plan="usd", external_id="plain1")
    api.subscribe(plan="usd", external_id="plain2")
    api.subscribe(plan="usd", external_id="order1", purchase_order_number=" PO-7 ")
    api.subscribe(plan="usd", external_id="order2", purchase_order_number="PO-7")
    api.subscribe(plan="usd", external_id="order3", purchase_order_number="PO-8")
    api.subscribe(plan="usd", external_id="alone", consolidate_invoice=False)
    api.subscribe(plan="usd", external_id="by hand", payment_method={"payment_method_type": "manual"})
    api.subscribe(plan="eur", external_id="euro")

    api.move_to(AUGUST)

    invoices = api.invoices()
    groups = sorted(
        (
            invoice["currency"],
            invoice["purchase_order_number"] or "",
            sorted(period["external_subscription_id"] for period in invoice["billing_periods"]),
        )
        for invoice in invoices
    )
    assert groups == [
        ("EUR", "", ["euro"]),
        ("USD", "", ["alone"]),
        ("USD", "", ["by hand"]),
        ("USD", "", ["plain1", "plain2"]),
        ("USD", "PO-7", ["order1", "order2"]),
        ("USD", "PO-8", ["order3"]),
    ]
    assert sorted(numbers(invoices)) == [1, 2, 3, 4, 5, 6]
    assert [invoice["number"] for invoice in api.invoices(purchase_order_number="po-8")] == [
        next(invoice["number"] for invoice in invoices if invoice["purchase_order_number"] == "PO-8")
    ]


def test_an_invoice_without_anything_to_pay_is_issued_by_default(server: Server) -> None:
    api = server.organization(at=JULY)
    api.plan(amount_cents=0)
    api.subscribe()

    api.move_to(AUGUST)

    [invoice] = api.invoices()
    assert (invoice["status"], invoice["payment_status"], invoice["total_amount_cents"], invoice["sequential_id"]) == (
        "finalized",
        "succeeded",
        0,
        1,
    )


def test_an_invoice_without_anything_to_pay_that_is_skipped_is_closed_unseen_and_takes_no_number(server: Server) -> None:
    api = server.organization(at=JULY)
    api.plan(amount_cents=0, charges=[calls_charge(api)])
    customer = api.customer(finalize_zero_amount_invoice="skip")
    api.subscribe()
    for month in (7, 9):
        api.event(f"{month}", code="calls", timestamp=unix(f"2026-0{month}-10T00:00:00Z"))

    api.move_to("2026-11-01T00:00:00Z")

    invoices = api.invoices()
    assert [(invoice["issuing_date"], invoice["sequential_id"]) for invoice in invoices] == [("2026-08-01", 1), ("2026-10-01", 2)]
    with database(server) as connection:
        rows = connection.execute(
            "select id::text, issuing_date::text, status, number from invoices where customer_id = %s and status = 'closed' order by 2",
            (customer["lago_id"],),
        ).fetchall()
    assert [row[1:] for row in rows] == [("2026-09-01", "closed", ""), ("2026-11-01", "closed", "")]
    assert api.call("GET", f"/invoices/{rows[0][0]}").status == 404


def test_payment_terms_are_those_of_the_day_of_issue(server: Server) -> None:
    api = server.organization(at=JULY)
    api.plan(amount_cents=100)
    api.customer(net_payment_term=30)
    api.subscribe()
    api.move_to(AUGUST)

    api.customer(net_payment_term=7)
    api.move_to(SEPTEMBER)

    assert [(invoice["issuing_date"], invoice["net_payment_term"], invoice["payment_due_date"]) for invoice in api.invoices()] == [
        ("2026-08-01", 30, "2026-08-31"),
        ("2026-09-01", 7, "2026-09-08"),
    ]


def test_an_invoice_may_be_dated_on_the_last_day_of_its_period(server: Server) -> None:
    api = server.organization(at=JULY)
    api.plan(amount_cents=100)
    api.customer(net_payment_term=10, billing_configuration={"subscription_invoice_issuing_date_anchor": "current_period_end"})
    api.subscribe()
    api.move_to("2026-08-11T12:00:00Z")

    api.terminate()

    dates = [(invoice["issuing_date"], invoice["payment_due_date"]) for invoice in api.invoices()]
    assert dates == [("2026-07-31", "2026-08-10"), ("2026-08-11", "2026-08-21")]  # only periodic invoices are moved


def test_each_customer_counts_its_own_invoices(server: Server) -> None:
    api = server.organization(at=JULY, document_number_prefix="acm-9f02")
    api.plan(amount_cents=100)
    for name in ("one", "two"):
        api.customer(name)
        api.subscribe(name, external_id=name)

    api.move_to(SEPTEMBER)

    assert [[invoice["number"] for invoice in api.invoices(external_customer_id=name)] for name in ("one", "two")] == [
        ["ACM-9F02-001-001", "ACM-9F02-001-002"],
        ["ACM-9F02-002-001", "ACM-9F02-002-002"],
    ]


@pytest.mark.parametrize(
    ("currency", "units", "price", "cents", "precise"),
    [
        ("USD", "1234", "0.00337", 416, "4.15858"),  # 415.858
        ("USD", "1", "0.005", 1, "0.005"),  # half a cent
        ("USD", "1", "0.0049999", 0, "0.0049999"),
        ("JPY", "10.5", "3.1", 33, "32.55"),  # no decimals
        ("JPY", "1", "0.5", 1, "0.5"),
        ("KWD", "3", "1.2345", 3704, "3.7035"),  # three decimals: 3 703.5
        ("KWD", "0.1", "0.004", 0, "0.0004"),
    ],
)
def test_amounts_are_rounded_once_to_the_currencys_own_decimals(
    server: Server, *, currency: str, units: str, price: str, cents: int, precise: str
) -> None:
    api = server.organization(at=JULY)
    metric = api.metric("volume", aggregation_type="sum_agg", field_name="value", recurring=False)
    api.plan(amount_currency=currency, charges=[api.seat_charge(metric, price, prorated=False)])
    api.subscribe()
    api.event("1", code="volume", timestamp=unix("2026-07-10T00:00:00Z"), value=units)
    usage = api.usage()

    api.move_to(AUGUST)

    [invoice] = api.invoices()
    fee = charge_of(invoice)
    assert (fee["amount_cents"], fee["precise_amount"]) == (cents, precise)
    assert (invoice["currency"], invoice["total_amount_cents"], usage["amount_cents"]) == (currency, cents, cents)


@pytest.mark.parametrize(("currency", "cents"), [("USD", 1000), ("JPY", 1000), ("KWD", 1000)])
def test_a_plans_price_is_in_minor_units_of_its_currency(server: Server, currency: str, cents: int) -> None:
    api = server.organization(at="2026-07-11T00:00:00Z")
    api.plan(amount_cents=cents, amount_currency=currency)
    api.subscribe()

    api.move_to(AUGUST)

    # 11–31 July: 21 of 31 days of 1 000 are 677.419…
    [fee] = fees_of(api.invoices()[0], "subscription")
    assert fee["amount_cents"] == 677
    assert fee["precise_unit_amount"] == {"USD": "6.77", "JPY": "677.0", "KWD": "0.677"}[currency]


def test_negative_usage_bills_nothing_and_is_carried_on(server: Server) -> None:
    api = server.organization(at=JULY)
    metric = api.metric("disks", aggregation_type="sum_agg", field_name="size")
    api.plan(charges=[api.seat_charge(metric, "10", prorated=False)])
    api.subscribe()
    api.event("1", code="disks", timestamp=unix("2026-07-10T00:00:00Z"), size=-3)
    api.event("2", code="disks", timestamp=unix("2026-08-10T00:00:00Z"), size=5)

    api.move_to(SEPTEMBER)

    [july, august] = [charge_of(invoice) for invoice in api.invoices()]
    assert (july["units"], july["amount_cents"], july["events_count"]) == ("0.0", 0, 1)
    assert (august["units"], august["amount_cents"]) == ("2.0", 2000)  # −3 + 5
