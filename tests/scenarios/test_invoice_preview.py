"""Previews of invoices, runs of billing, and customers that are set aside."""

import os
import subprocess
import sys
from typing import Any

import psycopg

from tests.support.instants import unix
from tests.support.invoices import base_cents, charge_cents
from tests.support.server import Api, Server

JULY = "2026-07-01T00:00:00Z"


def a_story(server: Server) -> Api:
    api = server.organization(at=JULY, document_number_prefix="ACM")
    api.tax()
    metric = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan(amount_cents=3100, tax_codes=["vat"], charges=[api.seat_charge(metric, "1", prorated=False)])
    api.plan("big", amount_cents=6200, tax_codes=["vat"], pay_in_advance=True, charges=[])
    api.customer(currency="USD", billing_configuration={"invoice_grace_period": 3})
    return api


def preview(api: Api, **fields: Any) -> dict[str, Any]:
    return api.ok("POST", "/invoices/preview", {"customer": {"external_id": "acme"}} | fields)["invoice"]


def test_a_preview_is_what_would_be_billed_and_leaves_nothing(server: Server) -> None:
    api = a_story(server)
    api.subscribe()
    api.event("one", code="calls", timestamp=unix("2026-07-05T00:00:00Z"))
    before = api.ok("GET", "/subscriptions"), api.ok("GET", "/customers"), api.invoices()

    # The next invoice: 31.00 and a call of 1.00, 20 %: 32.00 + 6.40
    coming = preview(api, subscriptions={"external_ids": ["sub"]})
    said = ("status", "payment_status", "number", "issuing_date", "sub_total_excluding_taxes_amount_cents", "taxes_amount_cents")
    assert [coming[name] for name in said] == ["finalized", "pending", "", "2026-08-01", 3200, 640]
    assert (base_cents(coming), charge_cents(coming)) == ([3100], [100])

    # The end on 10 July: 10 of 31 days and the call
    ended = preview(api, subscriptions={"external_ids": ["sub"], "terminated_at": "2026-07-10T12:00:00Z"})
    assert (base_cents(ended), charge_cents(ended)) == ([1000], [100])

    # The other plan from today: 62.00 in advance for July, nothing of the old plan, whose first day is the new one's
    changed = preview(api, subscriptions={"external_ids": ["sub"], "plan_code": "big"})
    assert base_cents(changed)[-1] == 6200

    # Somebody new, and another start: in advance from 10 July, 22 of 31 days of 62.00 = 44.00
    new = {"customer": {"name": "New", "currency": "USD"}, "plan_code": "big", "subscription_at": "2026-07-10T00:00:00Z"}
    proposed = preview(api, **new)
    assert (base_cents(proposed), proposed["customer"]["name"]) == ([4400], "New")
    anniversary = preview(api, plan_code="team", billing_time="anniversary", subscription_at="2026-07-10T00:00:00Z")
    assert (base_cents(anniversary), anniversary["issuing_date"]) == ([3100], "2026-08-10")

    assert (api.ok("GET", "/subscriptions"), api.ok("GET", "/customers"), api.invoices()) == before


def test_a_preview_tries_coupons_on(server: Server) -> None:
    api = a_story(server)
    api.subscribe()
    sub = {"external_ids": ["sub"]}
    ten: dict[str, Any] = {"code": "ten", "name": "Ten", "coupon_type": "percentage", "percentage_rate": "10", "frequency": "once"}
    five = {"code": "five", "coupon_type": "fixed_amount", "amount_cents": 500, "amount_currency": "USD", "frequency": "recurring"}

    # 31.00 - 3.10 = 27.90, 20 % of it 5.58
    said = preview(api, subscriptions=sub, coupons=[ten])
    assert [said[f"{name}_amount_cents"] for name in ("coupons", "sub_total_excluding_taxes", "taxes", "total")] == [310, 2790, 558, 3348]
    [credit] = said["credits"]
    assert (credit["amount_cents"], credit["item"]["code"], credit["before_taxes"]) == (310, "ten", True)
    # 31.00 - 3.10 - 5.00, in the order sent
    both = preview(api, subscriptions=sub, coupons=[ten, five | {"frequency_duration_remaining": 2}])
    assert (both["coupons_amount_cents"], [item["amount_cents"] for item in both["credits"]]) == (810, [310, 500])
    # A coupon that exists is found by its code, with what it is limited to; it is given as it would be.
    api.coupon("half", percentage_rate="50", applies_to={"plan_codes": ["big"]})
    assert preview(api, subscriptions=sub, coupons=[{"code": "half"}])["coupons_amount_cents"] == 0
    assert preview(api, plan_code="big", coupons=[{"code": "half"}])["coupons_amount_cents"] == 3100
    assert preview(api, plan_code="team", coupons=[{"amount_cents": 100}])["coupons_amount_cents"] == 100

    # What the customer has counts, and the list sent does not.
    api.coupon("own", percentage_rate="20")
    api.apply_coupon("own")
    assert preview(api, subscriptions=sub, coupons=[ten])["coupons_amount_cents"] == 620
    assert sorted(item["code"] for item in api.ok("GET", "/coupons")["coupons"]) == ["half", "own"]
    assert len(api.ok("GET", "/applied_coupons")["applied_coupons"]) == 1

    wrong = api.call("POST", "/invoices/preview", {"customer": {"external_id": "acme"}, "plan_code": "team", "coupons": "ten"})
    assert (wrong.status, wrong.body) == (400, {"status": 400, "error": "coupons_must_be_an_array"})
    wrong = api.call("POST", "/invoices/preview", {"customer": {"external_id": "acme"}, "subscriptions": "sub"})
    assert (wrong.status, wrong.body) == (400, {"status": 400, "error": "subscriptions_must_be_an_object"})
    stranger = {"customer": {"name": "New"}, "plan_code": "team", "coupons": [{"coupon_type": "percentage"}]}
    refused = api.call("POST", "/invoices/preview", stranger)
    assert (refused.status, refused.body["error_details"]) == (422, {"percentage_rate": ["value_is_mandatory"]})
    assert preview(api, subscriptions=sub, coupons=[])["coupons_amount_cents"] == 620


def test_a_subscription_that_ends_in_its_period_is_previewed_to_its_end(server: Server) -> None:
    api = a_story(server)
    api.subscribe(ending_at="2026-07-10T12:00:00Z")

    said = preview(api, subscriptions={"external_ids": ["sub"]})

    # 10 of 31 days of 31.00
    assert (base_cents(said), said["billing_periods"][0]["invoicing_reason"]) == ([1000], "subscription_terminating")


def test_what_cannot_be_previewed_is_refused(server: Server) -> None:
    api = a_story(server)
    api.subscribe()
    known = {"external_id": "acme"}

    def refusal(**body: Any) -> tuple[int, Any]:
        reply = api.call("POST", "/invoices/preview", body)
        return reply.status, reply.body.get("error_details") or reply.body.get("code")

    one = {"external_ids": ["sub"]}
    assert refusal(customer=known, plan_code="none") == (404, "plan_not_found")
    assert refusal(customer={"external_id": "nobody"}, plan_code="team") == (404, "customer_not_found")
    assert refusal(subscriptions=one) == (422, {"customer": ["must_be_persisted"]})
    assert refusal(customer=known, subscriptions={"external_ids": ["other"]}) == (404, "subscription_not_found")
    past = {"terminated_at": "2026-06-01T00:00:00Z"}
    assert refusal(customer=known, subscriptions=one | past) == (422, {"terminated_at": ["cannot_be_in_past"]})
    assert refusal(customer=known, subscriptions=one | {"terminated_at": "soon"}) == (422, {"terminated_at": ["invalid_timestamp"]})
    same = (422, {"base": ["new_plan_should_be_different_from_existing_plan"]})
    assert refusal(customer=known, subscriptions=one | {"plan_code": "team"}) == same
    two = {"external_ids": ["sub", "more"], "plan_code": "big"}
    assert refusal(customer=known, subscriptions=two) == (422, {"subscriptions": ["only_one_subscription_allowed_for_plan_change"]})
    assert refusal(customer=known, plan_code="team", coupons={})[0] == 400
    api.ok("POST", "/billing_entities", {"billing_entity": {"code": "zed", "name": "Zed"}})
    api.subscribe(external_id="elsewhere", billing_entity_code="zed")
    both = {"external_ids": ["sub", "elsewhere"]}
    assert refusal(customer=known, subscriptions=both) == (422, {"base": ["subscription_billing_entities_do_not_match"]})
    assert refusal(customer=known, subscriptions=[1])[0] == 400


def test_a_customer_with_broken_inputs_is_set_aside_alone(server: Server) -> None:
    api = a_story(server)
    api.subscribe()
    api.customer("globex", currency="USD")
    api.subscribe("globex", external_id="good")
    with psycopg.connect(server.database_url().replace("+psycopg", "")) as connection:
        # What no code of ours writes: a zone nobody knows.
        connection.execute("update customers set timezone = 'Mars/Base' where external_id = 'acme'")
    api.move_to("2026-08-01T00:00:00Z")

    assert [invoice["customer"]["external_id"] for invoice in api.invoices()] == ["globex"]
    [parked] = api.ok("GET", "/parked_customers")["parked_customers"]
    assert (parked["external_customer_id"], parked["kind"], parked["due_at"]) == ("acme", "bill_period", "2026-08-01T00:00:00Z")
    assert "Mars/Base" in parked["reason"]
    shown = api.ok("PUT", "/test_clock", {"test_clock": {"frozen_time": "2026-08-01T00:00:00Z"}})["test_clock"]
    assert shown["parked"] == [parked]

    with psycopg.connect(server.database_url().replace("+psycopg", "")) as connection:
        connection.execute("update customers set timezone = null where external_id = 'acme'")
    assert api.call("POST", "/parked_customers/acme/retry").status == 200
    api.move_to("2026-08-01T00:00:00Z")
    assert len(api.invoices()) == 2
    assert api.ok("GET", "/parked_customers")["parked_customers"] == []
    [run] = api.ok("GET", "/billing_runs")["billing_runs"]
    # 31.00 and 6.20 of tax each
    draft = {"currency": "USD", "status": "draft", "invoices_count": 1, "total_amount_cents": 3720}
    assert run == {"billed_at": "2026-08-01T00:00:00Z", "subscriptions_count": 2, "sums": [draft, draft | {"status": "finalized"}]}


def test_a_dry_run_prints_what_would_be_billed_and_keeps_nothing(server: Server) -> None:
    api = a_story(server)
    api.subscribe()
    api.customer("globex", currency="USD")
    api.subscribe("globex", external_id="good")
    api.move_to("2026-08-01T00:00:00Z")
    organization = named(server, api)
    before = api.invoices()
    command = [sys.executable, "-m", "daycount", "bill", "run", organization, "--as-of", "2026-09-01T00:00:00Z"]
    variables = {**os.environ, "DAYCOUNT_DATABASE_URL": server.database_url()}
    done = subprocess.run([*command, "--dry-run"], env=variables, capture_output=True, text=True, check=True, timeout=60)

    # The draft of July is finalized on 4 August; August is a draft of one and an invoice of the other: 31.00 and 20 %.
    lines = [line.split() for line in done.stdout.splitlines()]
    assert sorted((line[0], line[1], line[3], line[5]) for line in lines[:-1]) == [
        ("+", "2026-09-01", "draft", "3720"),
        ("+", "2026-09-01", "finalized", "3720"),
        ("~", "2026-08-01", "finalized", "3720"),
    ]
    assert done.stdout.splitlines()[-1] == "2 invoices made, 1 drafts changed, 0 entries set aside; nothing is kept"
    assert api.invoices() == before


def named(server: Server, api: Api) -> str:
    """Return the id of the organization."""
    with psycopg.connect(server.database_url().replace("+psycopg", "")) as connection:
        customer = api.ok("GET", "/customers/acme")["customer"]["lago_id"]
        row = connection.execute("select organization_id from customers where id = %s::uuid", (customer,)).fetchone()
    assert row is not None
    return str(row[0])
