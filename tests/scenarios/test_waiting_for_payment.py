"""Subscriptions that become active once their first invoice is paid."""

from typing import Any

import pytest

from tests.support.server import Api, Server

RULE = [{"type": "payment", "timeout_hours": 48}]


@pytest.fixture
def api(server: Server) -> Api:
    """A customer that is linked to a provider, and a plan of 31.00 a month in advance, on 11 July at 10:00."""
    api = server.organization(at="2026-07-11T10:00:00Z")
    api.ok("POST", "/payment_providers", {"payment_provider": {"provider_type": "simulator", "code": "sim", "name": "Simulated"}})
    # What its provider is asked for changes nothing: whether it is paid, the stories say.
    link = {"payment_provider": "simulator", "payment_provider_code": "sim", "provider_customer_id": "sim_too_small", "sync": True}
    api.customer(billing_configuration=link)
    api.plan(amount_cents=3100, pay_in_advance=True)
    return api


def first_fee(api: Api, external_id: str = "sub") -> dict[str, Any]:
    """Return the latest fee of a subscription; its invoice cannot be seen while it is open."""
    return api.ok("GET", "/fees", query={"external_subscription_id": external_id})["fees"][-1]


def set_payment(api: Api, fee: dict[str, Any], status: str) -> dict[str, Any]:
    return api.ok("PUT", f"/invoices/{fee['lago_invoice_id']}", {"invoice": {"payment_status": status}})["invoice"]


def shown(api: Api, status: str, external_id: str = "sub") -> dict[str, Any]:
    return api.ok("GET", f"/subscriptions/{external_id}", query={"status": status})["subscription"]


def test_a_paid_invoice_activates_the_subscription(api: Api) -> None:
    waiting = api.subscribe(activation_rules=RULE)

    [rule] = waiting["activation_rules"]
    assert (waiting["status"], waiting["started_at"], waiting["activated_at"]) == ("incomplete", "2026-07-11T10:00:00.000Z", None)
    assert rule | {"lago_id": ""} == {
        "lago_id": "",
        "type": "payment",
        "timeout_hours": 48,
        "status": "pending",
        "expires_at": "2026-07-13T10:00:00Z",
        "created_at": "2026-07-11T10:00:00Z",
        "updated_at": "2026-07-11T10:00:00Z",
    }
    # 21 of 31 days are 21.00; the invoice is there, but nobody sees it.
    fee = first_fee(api)
    assert fee["amount_cents"] == 2100
    assert api.invoices() == []
    assert api.call("GET", f"/invoices/{fee['lago_invoice_id']}").status == 404

    again = {"subscription": {"external_customer_id": "acme", "plan_code": "team", "external_id": "sub"}}
    refused = {
        ("POST", "/subscriptions"): (again, 422, {"subscription": ["subscription_incomplete"]}),
        ("PUT", "/subscriptions/sub"): ({"subscription": {"name": "x"}}, 405, None),
        ("DELETE", "/subscriptions/sub"): (None, 422, {"base": ["subscription_incomplete"]}),
        ("POST", "/subscriptions/sub/charges/none/filters"): ({"filter": {"values": {"a": ["b"]}}}, 404, None),
    }
    for (method, path), (body, status, details) in refused.items():
        reply = api.call(method, path, body)
        assert (reply.status, reply.body.get("error_details")) == (status, details), (method, path, reply.body)
    assert api.call("PUT", "/subscriptions/sub", {"subscription": {"name": "x"}}).body["code"] == "subscription_incomplete"
    overridden = api.call("PUT", "/subscriptions/sub", {"subscription": {"plan_overrides": {"amount_cents": 1}}, "status": "incomplete"})
    assert (overridden.status, overridden.body["code"]) == (405, "subscription_incomplete")
    assert api.event("early", code="seats")["warnings"][0]["code"] == "subscription_not_found"

    api.move_to("2026-07-12T09:00:00Z")
    invoice = set_payment(api, fee, "succeeded")
    assert (invoice["status"], invoice["number"][-4:], invoice["issuing_date"]) == ("finalized", "-001", "2026-07-12")
    assert (invoice["total_amount_cents"], invoice["total_paid_amount_cents"]) == (2100, 2100)
    active = shown(api, "active")
    assert (active["started_at"], active["activated_at"]) == ("2026-07-11T10:00:00.000Z", "2026-07-12T09:00:00Z")
    assert active["activation_rules"][0]["status"] == "satisfied"

    api.move_to("2026-08-01T00:00:00Z")
    assert [item["total_amount_cents"] for item in api.invoices()] == [2100, 3100]


def test_a_failed_payment_cancels_it_and_gives_everything_back(api: Api) -> None:
    api.coupon("ten", amount_cents=1000)
    api.apply_coupon("ten")
    wallet = api.wallet(granted_credits="5")
    waiting = api.subscribe(activation_rules=RULE)
    fee = first_fee(api)
    # 21.00 less 10.00 of the coupon and 5.00 of the wallet.
    assert api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]["balance_cents"] == 0

    closed = set_payment(api, fee, "failed")

    assert (closed["status"], closed["total_amount_cents"], closed["number"]) == ("closed", 600, "")
    canceled = shown(api, "canceled")
    assert (canceled["lago_id"], canceled["cancellation_reason"]) == (waiting["lago_id"], "payment_failed")
    assert canceled["activation_rules"][0]["status"] == "failed"
    assert api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]["balance_cents"] == 500
    assert api.ok("GET", "/applied_coupons")["applied_coupons"][0]["status"] == "active"
    assert api.invoices() == []

    again = api.subscribe()
    assert again["status"] == "active"
    [invoice] = api.invoices()
    assert (invoice["coupons_amount_cents"], invoice["prepaid_credit_amount_cents"]) == (1000, 500)


def test_it_is_given_up_when_its_hours_are_over(api: Api) -> None:
    api.subscribe(activation_rules=RULE)

    api.move_to("2026-07-13T09:59:59Z")
    assert shown(api, "incomplete")["cancellation_reason"] is None
    api.move_to("2026-07-13T10:00:00Z")

    canceled = shown(api, "canceled")
    assert (canceled["cancellation_reason"], canceled["canceled_at"]) == ("timeout", "2026-07-13T10:00:00Z")
    assert canceled["activation_rules"][0]["status"] == "expired"
    assert api.call("PUT", f"/invoices/{first_fee(api)['lago_invoice_id']}", {"invoice": {"payment_status": "succeeded"}}).status == 404


def test_an_upgrade_waits_beside_the_plan_that_runs(api: Api) -> None:
    api.plan("more", amount_cents=9300, pay_in_advance=True)
    api.subscribe(subscription_at="2026-07-11T10:00:00Z")  # 21.00
    api.move_to("2026-07-16T14:30:00Z")
    waiting = api.subscribe(plan="more", activation_rules=[{"type": "payment", "timeout_hours": 0}])
    assert (waiting["status"], waiting["previous_plan_code"], waiting["activation_rules"][0]["expires_at"]) == ("incomplete", "team", None)
    assert shown(api, "active")["plan_code"] == "team"
    assert api.call("DELETE", "/subscriptions/sub").body["error_details"] == {"base": ["next_subscription_incomplete"]}

    api.move_to("2026-07-20T09:00:00Z")
    fee = first_fee(api)
    assert fee["amount_cents"] == 4800  # 16 of 31 days at 3.00
    paid = {"invoice_id": fee["lago_invoice_id"], "amount_cents": 4800, "reference": "wire"}
    api.ok("POST", "/payments", {"payment": paid})

    ended, active = shown(api, "terminated"), shown(api, "active")
    assert (ended["plan_code"], ended["terminated_at"]) == ("team", "2026-07-16T14:30:00Z")
    assert (active["plan_code"], active["started_at"], active["activated_at"]) == (
        "more",
        "2026-07-16T14:30:00.000Z",
        "2026-07-20T09:00:00Z",
    )
    # The day of the upgrade belongs to the new plan alone: 16 days at 1.00 come back, which pay a part of August.
    [note] = api.ok("GET", "/credit_notes")["credit_notes"]
    assert note["credit_amount_cents"] == 1600
    api.move_to("2026-08-01T00:00:00Z")
    # The old plan, which was paid in advance, closes with an invoice of nothing.
    assert [item["total_amount_cents"] for item in api.invoices()] == [2100, 4800, 0, 9300 - 1600]


def test_periods_that_closed_meanwhile_are_billed_at_once(api: Api) -> None:
    api.subscribe(activation_rules=[{"type": "payment", "timeout_hours": 0}])
    api.move_to("2026-08-02T10:00:00Z")
    assert api.invoices() == []

    set_payment(api, first_fee(api), "succeeded")

    august, july = api.invoices()  # by their issuing dates
    assert (july["total_amount_cents"], july["issuing_date"]) == (2100, "2026-08-02")
    assert (august["total_amount_cents"], august["issuing_date"]) == (3100, "2026-08-01")
    api.move_to("2026-09-01T00:00:00Z")
    assert [item["total_amount_cents"] for item in api.invoices()] == [3100, 2100, 3100]


def test_nothing_is_waited_for_where_nothing_is_to_be_paid(api: Api) -> None:
    api.plan("arrears", amount_cents=3100)
    api.plan("tried", amount_cents=3100, pay_in_advance=True, trial_period=7)
    for plan in ("arrears", "tried"):
        made = api.subscribe(plan=plan, external_id=plan, activation_rules=RULE)
        assert (made["status"], made["activation_rules"][0]["status"]) == ("active", "not_applicable"), plan
    past = api.subscribe(external_id="past", subscription_at="2026-07-01T00:00:00Z", activation_rules=RULE)
    assert (past["status"], past["activation_rules"][0]["status"]) == ("active", "not_applicable")
    assert api.invoices() == []

    api.coupon("all", percentage_rate="100")
    api.apply_coupon("all")
    free = api.subscribe(external_id="free", activation_rules=RULE)
    assert (free["status"], free["activation_rules"][0]["status"]) == ("active", "satisfied")
    assert [item["total_amount_cents"] for item in api.invoices()] == [0]


def test_a_pending_one_waits_from_its_start_on_and_ends_with_its_customer(api: Api) -> None:
    body = {"subscription": {"activation_rules": RULE}}
    pending = api.subscribe(subscription_at="2026-07-15T00:00:00Z")
    assert pending["activation_rules"] == []
    changed = api.ok("PUT", "/subscriptions/sub", body)["subscription"]
    assert changed["activation_rules"][0]["status"] == "inactive"

    api.move_to("2026-07-15T00:00:00Z")
    assert shown(api, "incomplete")["activation_rules"][0]["expires_at"] == "2026-07-17T00:00:00Z"
    api.ok("DELETE", "/customers/acme")
    api.move_to("2026-07-15T00:00:00Z")
    listed = api.ok("GET", "/subscriptions", query={"status[]": "canceled"})["subscriptions"]
    assert [(item["cancellation_reason"], item["activation_rules"][0]["status"]) for item in listed] == [(None, "declined")]


def test_rules_are_refused_where_nothing_could_be_waited_for(api: Api) -> None:
    api.subscribe(external_id="running")
    reply = api.call("PUT", "/subscriptions/running", {"subscription": {"activation_rules": RULE}})
    assert (reply.status, reply.body["error_details"]) == (422, {"activation_rules": ["subscription_not_pending"]})

    fields = {"external_customer_id": "acme", "plan_code": "team", "external_id": "sub", "activation_rules": RULE}
    by_hand = {"payment_method": {"payment_method_type": "manual"}}
    reply = api.call("POST", "/subscriptions", {"subscription": fields | by_hand})
    code = "manual_payment_method_invalid_for_payment_activation_rules"
    assert (reply.status, reply.body["error_details"]) == (422, {"customer": [code]})

    def answer(customer: str, **chosen: Any) -> Any:
        wanted = fields | {"external_customer_id": customer, "external_id": "of-" + customer}
        body = {"subscription": wanted | ({"payment_method": chosen} if chosen else {})}
        return api.call("POST", "/subscriptions", body).body.get("error_details")

    api.customer("alone")
    api.customer("bare", billing_configuration={"payment_provider": "simulator", "provider_customer_id": "cus_1"})
    assert answer("alone") == {"customer": ["no_linked_payment_provider"]}
    assert answer("bare") == {"customer": ["no_default_payment_method"]}
    [method] = api.ok("GET", "/customers/acme/payment_methods")["payment_methods"]
    for stranger in (method["lago_id"], "01a210f3-3209-7000-8acb-fe2a725a5ff4", "card"):
        assert answer("bare", payment_method_type="provider", payment_method_id=stranger) == {
            "payment_method": ["invalid_payment_method"],
            "customer": ["payment_method_not_found"],
        }
    assert answer("acme", payment_method_id=method["lago_id"]) is None
    assert shown(api, "incomplete", "of-acme")["payment_method"] == {
        "payment_method_type": "provider",
        "payment_method_id": method["lago_id"],
    }
    assert api.call("GET", "/subscriptions/of-bare").status == 404
