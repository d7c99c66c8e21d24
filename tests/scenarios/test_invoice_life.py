"""The life of invoices: drafts and their grace, dates, numbers, what is overdue, voided, disputed or said to be paid."""

from typing import Any

import pytest

from tests.support.instants import unix
from tests.support.invoices import base_cents, charge_cents, numbers
from tests.support.server import Api, Server

APRIL, MAY = "2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z"


def a_story(server: Server, *, cents: int = 10000, term: int = 14, **configuration: Any) -> Api:
    """An organization with a customer on a plan of 100.00 a month in arrears, from April on."""
    api = server.organization(at=APRIL, document_number_prefix="ACM-9F02")
    metric = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan(amount_cents=cents, charges=[api.seat_charge(metric, "1", prorated=False)])
    api.customer(currency="USD", net_payment_term=term, billing_configuration=configuration)
    api.subscribe()
    return api


def only(api: Api, **query: Any) -> dict[str, Any]:
    [invoice] = api.invoices(**query)
    return invoice


def act(api: Api, verb: str, invoice: dict[str, Any], action: str, body: object = None) -> dict[str, Any]:
    return api.ok(verb, f"/invoices/{invoice['lago_id']}/{action}", body)["invoice"]


DATES = [
    # Period end 30 April, billing 1 May, 14 days to pay.
    (3, "next_period_start", "align_with_finalization_date", "2026-05-04", "2026-05-18"),
    (3, "next_period_start", "keep_anchor", "2026-05-01", "2026-05-15"),
    (3, "current_period_end", "keep_anchor", "2026-04-30", "2026-05-14"),
    (3, "current_period_end", "align_with_finalization_date", "2026-05-04", "2026-05-18"),
    (0, "next_period_start", "align_with_finalization_date", "2026-05-01", "2026-05-15"),
    (0, "next_period_start", "keep_anchor", "2026-05-01", "2026-05-15"),
    (0, "current_period_end", "keep_anchor", "2026-04-30", "2026-05-14"),
    (0, "current_period_end", "align_with_finalization_date", "2026-04-30", "2026-05-14"),
]


def test_invoicing_24_issuing_dates_follow_grace_anchor_and_adjustment(server: Server) -> None:
    api = a_story(server)
    for number, (grace, anchor, adjustment, *_) in enumerate(DATES):
        configuration = {
            "invoice_grace_period": grace,
            "subscription_invoice_issuing_date_anchor": anchor,
            "subscription_invoice_issuing_date_adjustment": adjustment,
        }
        api.customer(f"c{number}", currency="USD", net_payment_term=14, billing_configuration=configuration)
        api.subscribe(f"c{number}", external_id=f"s{number}")

    api.move_to(MAY)

    for number, (grace, _, _, issued, due) in enumerate(DATES):
        invoice = only(api, external_customer_id=f"c{number}")
        assert (invoice["issuing_date"], invoice["payment_due_date"]) == (issued, due), DATES[number]
        assert invoice["status"] == ("draft" if grace else "finalized")

    # Finalized by hand on 2 May: aligned → 2 May, due 16 May; kept → unchanged.
    api.move_to("2026-05-02T10:00:00Z")
    aligned = act(api, "PUT", only(api, external_customer_id="c0"), "finalize")
    kept = act(api, "PUT", only(api, external_customer_id="c1"), "finalize")
    assert (aligned["issuing_date"], aligned["payment_due_date"]) == ("2026-05-02", "2026-05-16")
    assert (kept["issuing_date"], kept["payment_due_date"]) == ("2026-05-01", "2026-05-15")

    # The others by themselves on 4 May, not before.
    api.move_to("2026-05-03T23:59:59Z")
    assert only(api, external_customer_id="c3")["status"] == "draft"
    api.move_to("2026-05-04T00:00:00Z")
    last = only(api, external_customer_id="c3")
    assert (last["status"], last["issuing_date"], last["payment_due_date"]) == ("finalized", "2026-05-04", "2026-05-18")


def test_a_draft_takes_in_what_comes_late_and_nothing_of_the_next_period(server: Server) -> None:
    api = a_story(server, invoice_grace_period=3)
    api.event("first", code="calls", timestamp=unix("2026-04-10T00:00:00Z"))
    api.move_to(MAY)
    draft = only(api)
    assert (draft["number"], draft["sequential_id"], draft["status"]) == ("ACM-9F02-DRAFT", None, "draft")
    assert (base_cents(draft), charge_cents(draft), draft["total_amount_cents"]) == ([10000], [100], 10100)

    api.move_to("2026-05-02T00:00:00Z")
    api.event("late", code="calls", timestamp=unix("2026-04-30T23:00:00Z"))
    api.event("next", code="calls", timestamp=unix("2026-05-01T01:00:00Z"))
    api.ok("PUT", "/plans/team", {"plan": {"amount_cents": 11000}})
    refreshed = act(api, "PUT", draft, "refresh")

    # 110.00 of the plan as it is now, two calls of 1.00 in April
    assert (base_cents(refreshed), charge_cents(refreshed), refreshed["status"]) == ([11000], [200], "draft")
    assert refreshed["billing_periods"] == draft["billing_periods"]
    assert refreshed["fees"][0]["lago_id"] == draft["fees"][0]["lago_id"]
    assert refreshed["fees"][0]["created_at"] == draft["fees"][0]["created_at"] == MAY

    api.event("later", code="calls", timestamp=unix("2026-04-29T00:00:00Z"))
    api.move_to("2026-05-04T00:00:00Z")
    final = only(api)
    assert (final["number"], charge_cents(final), final["total_amount_cents"]) == ("ACM-9F02-001-001", [300], 11300)
    assert act(api, "PUT", final, "refresh") == final
    assert api.call("PUT", f"/invoices/{final['lago_id']}/finalize").body["code"] == "invoice_not_found"

    api.move_to("2026-06-04T00:00:00Z")
    assert [charge_cents(invoice) for invoice in api.invoices()] == [[300], [100]]  # "next" alone


def test_a_draft_follows_prices_filters_and_metrics_within_minutes(server: Server) -> None:
    api = server.organization(at=APRIL)
    metric = api.metric(
        "gb", aggregation_type="sum_agg", field_name="gb", recurring=False, filters=[{"key": "region", "values": ["eu", "us"]}]
    )
    calls = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    by_region = [{"values": {"region": ["eu"]}, "properties": {"amount": "10"}}]
    api.plan(charges=[api.seat_charge(metric, "1", prorated=False) | {"filters": by_region}, api.seat_charge(calls, "3", prorated=False)])
    api.customer(currency="USD", billing_configuration={"invoice_grace_period": 3})
    api.subscribe()
    api.event("eu", code="gb", gb=2, region="eu")
    api.event("call", code="calls")
    api.move_to(MAY)

    found = [charge_cents(only(api))]
    for minute, (verb, path, body) in enumerate(
        [
            ("PUT", "/plans/team/charges/calls", {"charge": {"charge_model": "standard", "properties": {"amount": "4"}}}),
            ("PUT", "/billable_metrics/gb", {"billable_metric": {"filters": [{"key": "region", "values": ["us"]}]}}),
            ("DELETE", "/billable_metrics/calls", None),
        ],
        start=1,
    ):
        api.ok(verb, path, body)
        api.move_to(f"2026-05-01T00:{6 * minute:02}:00Z")
        found.append(charge_cents(only(api)))

    # 2 at 10.00 and a call at 3.00; then at 4.00; then no filter takes the 2 any more: 1.00 each; then calls are gone
    assert found == [[2000, 300], [2000, 400], [200, 400], [200]]


def test_invoicing_25_numbers_have_no_gaps_and_stay_with_what_is_voided(server: Server) -> None:
    api = a_story(server, invoice_grace_period=3)
    api.move_to(MAY)
    assert only(api)["number"] == "ACM-9F02-DRAFT"
    api.move_to("2026-05-04T00:00:00Z")
    api.move_to("2026-06-04T00:00:00Z")
    second = api.invoices()[1]
    assert second["number"] == "ACM-9F02-001-002"
    voided = act(api, "POST", second, "void")
    assert (voided["number"], voided["status"], voided["total_due_amount_cents"]) == ("ACM-9F02-001-002", "voided", 0)
    assert voided["voided_at"] == "2026-06-04T00:00:00Z"

    api.move_to("2026-07-01T00:00:00Z")
    draft = api.invoices()[-1]
    deleted = api.ok("DELETE", f"/invoices/{draft['lago_id']}")["invoice"]
    assert deleted["status"] == "deleted"
    assert api.call("GET", f"/invoices/{draft['lago_id']}").status == 404
    api.move_to("2026-08-04T00:00:00Z")
    assert [invoice["number"] for invoice in api.invoices()] == [f"ACM-9F02-001-00{number}" for number in (1, 2, 3)]
    assert numbers(api.invoices()) == [1, 2, 3]


def test_invoicing_29_a_draft_of_nothing_is_closed_where_that_is_wanted(server: Server) -> None:
    api = a_story(server, cents=0, invoice_grace_period=2)
    api.customer(finalize_zero_amount_invoice="skip")
    api.move_to(MAY)
    assert only(api)["status"] == "draft"
    api.move_to("2026-05-03T00:00:00Z")
    assert api.invoices() == []

    api.customer(finalize_zero_amount_invoice="finalize")
    api.move_to("2026-06-03T00:00:00Z")
    kept = only(api)
    assert (kept["number"], kept["payment_status"], kept["total_amount_cents"]) == ("ACM-9F02-001-001", "succeeded", 0)


def test_other_settings_move_the_dates_of_drafts(server: Server) -> None:
    api = a_story(server, invoice_grace_period=5)
    api.move_to("2026-05-02T12:00:00Z")
    api.customer(net_payment_term=7, billing_configuration={"invoice_grace_period": 3})
    draft = only(api)
    assert (draft["issuing_date"], draft["payment_due_date"], draft["net_payment_term"]) == ("2026-05-04", "2026-05-11", 7)

    # Its grace would have been over on 2 May; it is finalized by the change, a day later.
    api.move_to("2026-05-03T12:00:00Z")
    api.customer(billing_configuration={"invoice_grace_period": 1})
    api.move_to("2026-05-03T12:00:00Z")
    final = only(api)
    assert (final["status"], final["issuing_date"], final["payment_due_date"]) == ("finalized", "2026-05-03", "2026-05-10")


def test_an_unpaid_invoice_falls_overdue_the_day_after_it_is_due(server: Server) -> None:
    api = a_story(server)
    api.move_to("2026-05-15T23:59:59Z")
    invoice = only(api)
    assert (invoice["payment_due_date"], invoice["payment_overdue"]) == ("2026-05-15", False)
    api.move_to("2026-05-16T00:00:00Z")
    assert only(api, payment_overdue=True)["payment_overdue"] is True
    assert api.invoices(payment_overdue=False) == []

    paid = api.ok("PUT", f"/invoices/{invoice['lago_id']}", {"invoice": {"payment_status": "succeeded"}})["invoice"]
    amounts = ("total_paid_amount_cents", "total_due_amount_cents", "payment_overdue")
    assert [paid[name] for name in amounts] == [10000, 0, False]
    assert [fee["payment_status"] for fee in paid["fees"]] == ["succeeded"]
    assert len(api.invoices(**{"settlements[]": "payment"})) == 1
    assert api.call("POST", f"/invoices/{invoice['lago_id']}/retry_payment").body["code"] == "invalid_status"

    api.move_to("2026-06-20T00:00:00Z")
    late = only(api, payment_overdue=True)
    lost = act(api, "PUT", late, "lose_dispute")
    assert (lost["payment_dispute_lost_at"], lost["payment_overdue"]) == ("2026-06-20T00:00:00Z", False)
    api.move_to("2026-06-21T00:00:00Z")
    assert act(api, "POST", late, "lose_dispute")["payment_dispute_lost_at"] == "2026-06-20T00:00:00Z"
    assert [row["number"] for row in api.invoices(payment_dispute_lost=True)] == [late["number"]]
    assert [row["number"] for row in api.invoices(payment_dispute_lost=False)] == [invoice["number"]]


def test_metadata_is_replaced_as_a_whole_and_found_again(server: Server) -> None:
    api = a_story(server)
    api.move_to(MAY)
    path = f"/invoices/{only(api)['lago_id']}"
    pairs = [{"key": "po", "value": "77"}, {"key": "team", "value": "red"}]
    first = api.ok("PUT", path, {"invoice": {"metadata": pairs}})["invoice"]["metadata"]
    kept = [{"id": first[0]["lago_id"], "value": "78"}]
    assert [(pair["key"], pair["value"]) for pair in api.ok("PUT", path, {"invoice": {"metadata": kept}})["invoice"]["metadata"]] == [
        ("po", "78")
    ]
    assert len(api.invoices(**{"metadata[po]": "78", "metadata[team]": ""})) == 1
    assert api.invoices(**{"metadata[po]": "77"}) == []
    assert api.invoices(**{"metadata[po]": ""}) == []


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({"payment_status": "paid"}, {"payment_status": ["value_is_invalid"]}),
        ({"metadata": [{"key": str(n), "value": "x"} for n in range(6)]}, {"metadata": ["invalid_count"]}),
        ({"metadata": [{"key": "k" * 21, "value": "x" * 141}]}, {"key": ["value_is_too_long"], "value": ["value_is_too_long"]}),
        ({"metadata": [{"key": "a", "value": "x"}, {"key": "a", "value": "y"}]}, {"key": ["value_already_exist"]}),
    ],
)
def test_a_change_that_cannot_be_is_refused(server: Server, body: dict[str, Any], details: dict[str, list[str]]) -> None:
    api = a_story(server)
    api.move_to(MAY)
    reply = api.call("PUT", f"/invoices/{only(api)['lago_id']}", {"invoice": body})
    assert (reply.status, reply.body["error_details"]) == (422, details)


def test_what_a_state_forbids_is_refused(server: Server) -> None:
    api = a_story(server, invoice_grace_period=3)
    api.move_to(MAY)
    path = f"/invoices/{only(api)['lago_id']}"

    def code(verb: str, tail: str = "", body: object = None) -> tuple[int, str]:
        reply = api.call(verb, path + tail, body)
        return reply.status, reply.body["code"]

    assert code("PUT", body={"invoice": {"metadata": []}}) == (405, "metadata_on_draft_invoice")
    assert code("PUT", body={"invoice": {"payment_status": "succeeded"}}) == (405, "payment_status_update_on_draft_invoice")
    assert code("POST", "/void") == (405, "not_voidable")
    assert code("POST", "/lose_dispute") == (405, "not_disputable")
    assert code("POST", "/download") == (404, "invoice_not_found")
    assert code("POST", "/retry") == (405, "invalid_status")
    assert code("POST", "/resend_email") == (405, "invoice_not_finalized")
    api.move_to("2026-05-04T00:00:00Z")
    assert code("DELETE") == (405, "not_deletable")
    assert code("POST", "/payment_url") == (422, "validation_errors")
    assert api.call("POST", path + "/download").status == 200
    assert api.call("POST", path + "/retry_payment").status == 200
    act(api, "POST", only(api), "void", {"generate_credit_note": False})
    assert code("PUT", body={"invoice": {"metadata": []}}) == (405, "update_on_voided_invoice")
    assert code("POST", "/void") == (405, "not_voidable")


def test_a_draft_follows_prices_and_taxes_within_minutes(server: Server) -> None:
    api = a_story(server, invoice_grace_period=3)
    api.move_to(MAY)
    api.ok("PUT", "/plans/team", {"plan": {"amount_cents": 20000}})
    api.tax(rate=10)
    api.customer(tax_codes=["vat"])
    assert only(api)["total_amount_cents"] == 10000
    api.move_to("2026-05-01T00:05:00Z")

    # 200.00 and 10 % of it
    draft = only(api)
    assert (draft["status"], draft["taxes_amount_cents"], draft["total_amount_cents"]) == ("draft", 2000, 22000)


def test_a_deleted_customer_leaves_nothing_open(server: Server) -> None:
    api = server.organization(at="2026-07-01T00:00:00Z")
    api.plan(amount_cents=3100)
    api.plan("in_advance", amount_cents=6200, pay_in_advance=True)
    api.customer(currency="USD", billing_configuration={"invoice_grace_period": 30})
    api.subscribe()
    api.subscribe(plan="in_advance", external_id="paid")
    api.subscribe(external_id="later", subscription_at="2026-09-01T00:00:00Z")
    api.coupon()
    given = api.apply_coupon()
    wallet = api.wallet()
    api.move_to("2026-07-10T12:00:00Z")
    [draft] = api.invoices()
    assert draft["status"] == "draft"

    api.ok("DELETE", "/customers/acme")
    api.move_to("2026-07-10T12:10:00Z")

    shown = api.invoices()
    assert {item["status"] for item in shown} == {"finalized"}
    assert [item["customer"]["external_id"] for item in shown] == ["acme"] * len(shown)
    # the fee of July in advance; 10 of 31 days of the plan in arrears
    assert sorted(fee["amount_cents"] for item in shown for fee in item["fees"]) == [1000, 6200]
    rows = api.ok("GET", "/subscriptions", query={"status[]": ["terminated", "canceled", "active", "pending"]})["subscriptions"]
    assert {row["external_id"]: row["status"] for row in rows} == {"sub": "terminated", "paid": "terminated", "later": "canceled"}
    assert api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]["status"] == "terminated"
    assert given["status"] == "active"
    assert api.ok("GET", "/applied_coupons", query={"external_customer_id": "acme"})["applied_coupons"] == []
    assert api.customer()["sequential_id"] == 2
