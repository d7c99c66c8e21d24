"""Subscriptions: when they start by the customer's local dates, what may be given, changed and listed, and how they end."""

from typing import Any

import pytest

from tests.support.server import Api

# The sandbox's clock shows midnight of 1 July 2026, UTC: 09:00 in Tokyo, 20:00 of 30 June in New York.
TODAY = "2026-07-01T00:00:00Z"


@pytest.fixture
def api(sandbox: Api) -> Api:
    """A sandbox with two plans, in arrears and in advance, and a customer."""
    sandbox.plan(amount_cents=3100)
    sandbox.plan("upfront", amount_cents=3100, pay_in_advance=True)
    sandbox.customer()
    return sandbox


def subscribe(api: Api, **fields: Any) -> Any:
    given = {"external_customer_id": "acme", "plan_code": "team", "external_id": "sub"}
    return api.call("POST", "/subscriptions", {"subscription": given | fields})


def test_a_new_subscription_shows_every_field(api: Api) -> None:
    shown = subscribe(api, name="Main").body["subscription"]

    plan = api.ok("GET", "/plans/team")["plan"]
    customer = api.ok("GET", "/customers/acme")["customer"]
    assert len(shown.pop("lago_id")) == 36
    assert shown == {
        "external_id": "sub",
        "lago_customer_id": customer["lago_id"],
        "external_customer_id": "acme",
        "name": "Main",
        "plan_code": "team",
        "plan_amount_cents": 3100,
        "plan_amount_currency": "USD",
        "status": "active",
        "billing_time": "calendar",
        "subscription_at": TODAY,
        "started_at": "2026-07-01T00:00:00.000Z",
        "trial_ended_at": None,
        "ending_at": None,
        "terminated_at": None,
        "canceled_at": None,
        "created_at": TODAY,
        "previous_plan_code": None,
        "next_plan_code": None,
        "downgrade_plan_date": None,
        "current_billing_period_started_at": TODAY,
        "current_billing_period_ending_at": "2026-07-31T23:59:59Z",
        "on_termination_credit_note": None,
        "on_termination_invoice": "generate",
        "progressive_billing_disabled": False,
        "consolidate_invoice": True,
        "purchase_order_number": None,
        "cancellation_reason": None,
        "activated_at": TODAY,
        "billing_entity_code": "default",
        "payment_method": {"payment_method_id": None, "payment_method_type": "provider"},
        "activation_rules": [],
        "plan": plan,
        "entitlements": [],
        "applicable_usage_thresholds": [],
        "applied_invoice_custom_sections": [],
    }


def test_only_its_own_endpoints_show_the_plan_of_a_subscription(api: Api) -> None:
    whole = {"plan", "applicable_usage_thresholds", "applied_invoice_custom_sections"}
    created = subscribe(api).body["subscription"]

    found = api.ok("GET", "/subscriptions/sub")["subscription"]
    changed = api.ok("PUT", "/subscriptions/sub", {"subscription": {"name": "x"}})["subscription"]
    [listed] = api.ok("GET", "/subscriptions")["subscriptions"]
    ended = api.terminate()

    assert found == created
    assert set(created) - set(changed) == {"entitlements"}
    assert set(created) - set(ended) == {"entitlements"}
    assert set(created) - set(listed) == whole | {"entitlements"}


# Starting


@pytest.mark.parametrize(
    ("timezone", "subscription_at", "status", "invoices"),
    [
        ("UTC", "2026-07-01T00:00:00Z", "active", 1),
        ("UTC", "2026-07-01T23:59:59Z", "active", 1),
        ("UTC", "2026-07-02T00:00:00Z", "pending", 0),
        ("UTC", "2026-06-30T23:59:59Z", "active", 0),
        ("Asia/Tokyo", "2026-06-30T15:00:00Z", "active", 1),  # midnight of 1 July
        ("Asia/Tokyo", "2026-06-30T14:59:59Z", "active", 0),  # the last second of 30 June
        ("Asia/Tokyo", "2026-07-01T14:59:59Z", "active", 1),
        ("Asia/Tokyo", "2026-07-01T15:00:00Z", "pending", 0),
        ("America/New_York", "2026-07-01T03:59:59Z", "active", 1),  # the last second of 30 June, which is today
        ("America/New_York", "2026-07-01T04:00:00Z", "pending", 0),
        ("America/New_York", "2026-06-30T04:00:00Z", "active", 1),
        ("America/New_York", "2026-06-30T03:59:59Z", "active", 0),
    ],
)
def test_the_local_date_of_the_start_decides(api: Api, timezone: str, subscription_at: str, status: str, invoices: int) -> None:
    api.customer(timezone=timezone)

    shown = subscribe(api, plan_code="upfront", subscription_at=subscription_at).body["subscription"]

    assert (shown["status"], shown["subscription_at"]) == (status, subscription_at)
    assert shown["started_at"] == (None if status == "pending" else subscription_at.replace("Z", ".000Z"))
    assert len(api.invoices()) == invoices


def test_without_a_start_it_is_now(api: Api) -> None:
    api.move_to("2026-07-10T11:12:13Z")

    for given in ({}, {"subscription_at": None}):
        shown = subscribe(api, external_id=f"s{len(given)}", **given).body["subscription"]
        assert (shown["subscription_at"], shown["started_at"]) == ("2026-07-10T11:12:13Z", "2026-07-10T11:12:13.000Z")


def test_the_first_invoice_of_a_plan_in_advance_says_why(api: Api) -> None:
    subscribe(api, plan_code="upfront")

    [invoice] = api.invoices()
    assert [period["invoicing_reason"] for period in invoice["billing_periods"]] == ["subscription_starting"]
    assert invoice["total_amount_cents"] == 3100


def test_a_pending_subscription_starts_at_its_instant(api: Api) -> None:
    subscribe(api, plan_code="upfront", subscription_at="2026-07-05T10:00:00Z")
    api.move_to("2026-07-05T09:59:59Z")
    before = api.ok("GET", "/subscriptions/sub", query={"status": "pending"})["subscription"]
    api.move_to("2026-07-05T10:00:00Z")

    after = api.ok("GET", "/subscriptions/sub")["subscription"]

    assert (before["status"], before["started_at"], before["current_billing_period_started_at"]) == ("pending", None, None)
    assert (after["status"], after["started_at"], after["activated_at"]) == ("active", "2026-07-05T10:00:00.000Z", "2026-07-05T10:00:00Z")
    assert len(api.invoices()) == 1


def test_an_unknown_customer_is_made(api: Api) -> None:
    subscribe(api, external_customer_id="globex")

    customer = api.ok("GET", "/customers/globex")["customer"]
    assert (customer["name"], customer["sequential_id"], customer["currency"]) == (None, 2, "USD")


def test_the_plan_s_currency_fills_only_a_blank_one(api: Api) -> None:
    api.customer("euro", currency="EUR")

    subscribe(api, external_customer_id="euro")
    subscribe(api, external_id="other")

    assert api.ok("GET", "/customers/euro")["customer"]["currency"] == "EUR"
    assert api.ok("GET", "/customers/acme")["customer"]["currency"] == "USD"


REFUSED: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
    "a start in words": ({"subscription_at": "tomorrow"}, {"subscription_at": ["invalid_date"]}),
    "a start on 30 February": ({"subscription_at": "2026-02-30"}, {"subscription_at": ["invalid_date"]}),
    "an end in words": ({"ending_at": "never"}, {"ending_at": ["invalid_date"]}),
    "an end yesterday": ({"ending_at": "2026-06-30T00:00:00Z"}, {"ending_at": ["invalid_date"]}),
    "an end today": ({"ending_at": "2026-07-01T23:59:59Z"}, {"ending_at": ["invalid_date"]}),
    "an end on the day of the start": (
        {"subscription_at": "2026-08-01T00:00:00Z", "ending_at": "2026-08-01T23:59:59Z"},
        {"ending_at": ["invalid_date"]},
    ),
    "two dates": ({"subscription_at": "x", "ending_at": "x"}, {"subscription_at": ["invalid_date"], "ending_at": ["invalid_date"]}),
    "no customer": ({"external_customer_id": None}, {"external_customer_id": ["value_is_mandatory"]}),
    "a blank customer": ({"external_customer_id": " "}, {"external_customer_id": ["value_is_mandatory"]}),
    "no id": ({"external_id": None}, {"external_id": ["value_is_mandatory"]}),
    "a blank id": ({"external_id": " "}, {"external_id": ["value_is_mandatory"]}),
    "an unknown billing time": ({"billing_time": "lunar"}, {"billing_time": ["value_is_invalid"]}),
    "a long order number": ({"purchase_order_number": "x" * 256}, {"purchase_order_number": ["value_is_too_long"]}),
    "an unknown credit note": ({"on_termination_credit_note": "gift"}, {"on_termination_credit_note": ["invalid_value"]}),
    "an unknown invoice": ({"on_termination_invoice": "maybe"}, {"on_termination_invoice": ["invalid_value"]}),
    "overrides": ({"plan_overrides": {"amount_cents": -1}}, {"amount_cents": ["value_is_out_of_range"]}),
    "thresholds": ({"usage_thresholds": [{"recurring": True}]}, {"usage_thresholds": ["missing_amount_cents"]}),
    "thresholds twice": (
        {"usage_thresholds": [{"amount_cents": 1}], "plan_overrides": {"usage_thresholds": [{"amount_cents": 1}]}},
        {"usage_thresholds": ["incompatible_params"], "plan_overrides": ["incompatible_params"]},
    ),
    "activation rules without a provider": (
        {"activation_rules": [{"type": "payment", "timeout_hours": 24}]},
        {"customer": ["no_linked_payment_provider"]},
    ),
    "activation rules in a word": ({"activation_rules": "payment"}, {"activation_rules": ["invalid_format"]}),
    "an activation rule in words": ({"activation_rules": ["payment"]}, {"activation_rules": ["invalid_format"]}),
    "an activation rule of another type": ({"activation_rules": [{"type": "moon"}]}, {"activation_rules": ["invalid_type"]}),
    "two rules of a type": ({"activation_rules": [{"type": "payment"}] * 2}, {"activation_rules": ["duplicated_type"]}),
    "a timeout before the start": (
        {"activation_rules": [{"type": "payment", "timeout_hours": -1}]},
        {"timeout_hours": ["value_must_be_positive_or_zero"]},
    ),
    "an unknown way to pay": ({"payment_method": {"payment_method_type": "shells"}}, {"payment_method": ["invalid_payment_method"]}),
    "a way to pay of no kind": ({"payment_method": {"payment_method_type": [None]}}, {"payment_method": ["invalid_payment_method"]}),
    "an unknown payment method": (
        {"payment_method": {"payment_method_type": "provider", "payment_method_id": "01a210f3-3209-7000-8acb-fe2a725a5ff4"}},
        {"payment_method": ["invalid_payment_method"]},
    ),
}


@pytest.mark.parametrize(("fields", "details"), REFUSED.values(), ids=REFUSED)
def test_a_subscription_is_refused_with_the_field_and_its_code(api: Api, fields: dict[str, Any], details: dict[str, list[str]]) -> None:
    reply = subscribe(api, **({"external_customer_id": "new"} | fields))

    assert (reply.status, reply.body["error_details"]) == (422, details)
    assert api.ok("GET", "/subscriptions", query={"status[]": "all"})["subscriptions"] == []
    assert api.call("GET", "/customers/new").status == 404


def test_the_id_of_a_subscription_has_a_length(api: Api) -> None:
    incompressible = "".join(f"{number:x}" for number in range(2000))

    assert subscribe(api, external_id=incompressible).status == 422


def test_an_unknown_plan_or_billing_entity_is_not_found(api: Api) -> None:
    codes = [
        subscribe(api, plan_code="unknown").body["code"],
        subscribe(api, plan_code=None).body["code"],
        subscribe(api, billing_entity_code="nowhere", plan_code="unknown").body["code"],
    ]

    assert codes == ["plan_not_found", "plan_not_found", "billing_entity_not_found"]


def test_no_amount_is_held_before_a_subscription_is_made(api: Api) -> None:
    wanted = {"subscription": {"external_customer_id": "acme", "plan_code": "team", "external_id": "held"}}

    reply = api.call("POST", "/subscriptions", wanted | {"authorization": {"amount_cents": 100, "amount_currency": "USD"}})

    assert (reply.status, reply.body["code"]) == (403, "feature_not_available")
    assert api.call("GET", "/subscriptions/held").status == 404
    assert api.call("POST", "/subscriptions", wanted | {"authorization": None}).status == 200


def test_the_same_id_and_plan_give_back_what_is_there(api: Api) -> None:
    first = subscribe(api, name="Main").body["subscription"]
    api.move_to("2026-07-02T00:00:00Z")

    again = subscribe(api, name="Other", billing_time="anniversary", subscription_at="2026-08-01T00:00:00Z").body["subscription"]

    assert again == first
    assert api.ok("GET", "/subscriptions", query={"status[]": ["active", "pending"]})["meta"]["total_count"] == 1


def test_the_same_id_and_plan_give_back_a_pending_one_too(api: Api) -> None:
    first = subscribe(api, subscription_at="2026-09-01T00:00:00Z").body["subscription"]

    assert subscribe(api).body["subscription"] == first


def test_the_same_id_with_another_plan_changes_the_plan(api: Api) -> None:
    first = subscribe(api).body["subscription"]

    changed = subscribe(api, plan_code="upfront").body["subscription"]

    assert (changed["plan_code"], changed["previous_plan_code"], changed["status"]) == ("upfront", "team", "active")
    assert changed["lago_id"] != first["lago_id"]


def test_the_status_beside_the_root_chooses_which_row_changes(api: Api) -> None:
    api.plan("less", amount_cents=100)
    subscribe(api)
    subscribe(api, plan_code="less")

    running = api.ok("PUT", "/subscriptions/sub", {"subscription": {"name": "Now"}})["subscription"]
    waiting = api.ok("PUT", "/subscriptions/sub", {"status": "pending", "subscription": {"name": "Then"}})["subscription"]

    assert (running["plan_code"], running["name"]) == ("team", "Now")
    assert (waiting["plan_code"], waiting["name"], waiting["status"]) == ("less", "Then", "pending")
    # A start may be moved only where it is a date of its own, not the end of another plan's period.
    moved = api.ok("PUT", "/subscriptions/sub", {"status": "pending", "subscription": {"subscription_at": TODAY}})["subscription"]
    assert (moved["status"], moved["subscription_at"]) == ("pending", TODAY)


def test_how_it_is_paid_is_kept_and_changed(api: Api) -> None:
    made = subscribe(api, payment_method={"payment_method_type": "manual"}).body["subscription"]
    cleared = api.ok("PUT", "/subscriptions/sub", {"subscription": {"payment_method": None}})["subscription"]
    refused = api.call("PUT", "/subscriptions/sub", {"subscription": {"activation_rules": [{"type": "payment"}]}})

    assert made["payment_method"] == {"payment_method_id": None, "payment_method_type": "manual"}
    assert cleared["payment_method"] == {"payment_method_id": None, "payment_method_type": "provider"}
    assert "subscription_not_pending" in refused.body["error_details"]["activation_rules"]


def test_an_id_that_is_active_for_another_customer_is_taken(api: Api) -> None:
    subscribe(api)

    reply = subscribe(api, external_customer_id="globex")

    assert (reply.status, reply.body["error_details"]) == (422, {"external_id": ["value_already_exist"]})
    assert api.call("GET", "/customers/globex").status == 404


def test_an_id_that_ended_is_free_again(api: Api) -> None:
    first = subscribe(api).body["subscription"]
    api.move_to("2026-07-10T00:00:00Z")
    api.terminate()

    second = subscribe(api, subscription_at="2026-07-05T00:00:00Z").body["subscription"]

    assert second["lago_id"] != first["lago_id"]
    assert second["started_at"] == "2026-07-10T00:00:00.000Z"  # not before the end of the first


# Reading


def test_a_subscription_is_found_by_id_and_status(api: Api) -> None:
    subscribe(api, subscription_at="2026-09-01T00:00:00Z")

    assert api.call("GET", "/subscriptions/sub").body["code"] == "subscription_not_found"
    assert api.ok("GET", "/subscriptions/sub", query={"status": "pending"})["subscription"]["status"] == "pending"


def test_of_several_that_ended_the_latest_is_found(api: Api) -> None:
    for day in ("03", "06"):
        subscribe(api)
        api.move_to(f"2026-07-{day}T00:00:00Z")
        api.terminate()

    found = api.ok("GET", "/subscriptions/sub", query={"status": "terminated"})["subscription"]

    assert found["terminated_at"] == "2026-07-06T00:00:00Z"


@pytest.fixture
def many(api: Api) -> Api:
    """Five subscriptions: a and b active, the plan of b in euros, c pending, d terminated, e canceled."""
    api.plan("euro", amount_currency="EUR")
    subscribe(api, external_id="a", subscription_at="2026-06-01T00:00:00Z")
    subscribe(api, external_id="b", external_customer_id="globex", plan_code="euro", subscription_at="2026-06-20T00:00:00Z")
    subscribe(api, external_id="c", subscription_at="2026-09-01T00:00:00Z")
    subscribe(api, external_id="d")
    subscribe(api, external_id="e", subscription_at="2026-10-01T00:00:00Z")
    api.terminate("d")
    api.terminate("e", status="pending")
    return api


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "ba"),
        ("status[]=active", "ba"),
        ("status[]=pending", "c"),
        ("status[]=pending&status[]=active", "cba"),
        ("status[]=terminated", "d"),
        ("status[]=canceled", "e"),
        ("status[]=whatever", "ecdba"),
        ("status[]=active&status[]=whatever", "ecdba"),
        ("external_customer_id=acme", "a"),
        ("external_customer_id=nobody", ""),
        ("plan_code=euro", "b"),
        ("external_id=a", "a"),
        ("currency=EUR", "b"),
        ("currency=EUR&plan_code=team", ""),
        ("external_customer_id=acme&status[]=pending", "c"),
        ("billing_entity_codes[]=default", "ba"),
    ],
)
def test_a_list_is_filtered(many: Api, query: str, found: str) -> None:
    reply = many.raw("GET", f"/api/v1/subscriptions?{query}").body

    assert "".join(subscription["external_id"] for subscription in reply["subscriptions"]) == found
    assert reply["meta"]["total_count"] == len(found)


def test_a_customer_s_list_holds_its_own(many: Api) -> None:
    def ids(query: dict[str, Any]) -> list[str]:
        return [row["external_id"] for row in many.ok("GET", "/customers/acme/subscriptions", query=query)["subscriptions"]]

    assert ids({}) == ["a"]
    assert ids({"status[]": ["pending", "terminated"]}) == ["c", "d"]
    assert ids({"external_customer_id": "globex"}) == ["a"]
    assert ids({"plan_code": "euro"}) == []


# Changing


def change(api: Api, **fields: Any) -> Any:
    return api.call("PUT", "/subscriptions/sub", {"subscription": fields})


def test_what_may_change_changes(api: Api) -> None:
    before = subscribe(api, plan_code="upfront").body["subscription"]
    fields = {
        "name": "Head office",
        "ending_at": "2026-12-31T00:00:00Z",
        "on_termination_credit_note": "refund",
        "on_termination_invoice": "skip",
        "progressive_billing_disabled": True,
        "consolidate_invoice": False,
        "purchase_order_number": " PO-1 ",
    }

    after = change(api, plan_code="team", external_id="other", billing_time="anniversary", **fields).body["subscription"]

    expected = before | fields | {"purchase_order_number": "PO-1"}
    del expected["entitlements"]
    assert after == expected


def test_absent_keys_stay_and_null_clears(api: Api) -> None:
    subscribe(api, name="Main", ending_at="2026-12-31", purchase_order_number="PO-1")

    kept = change(api, consolidate_invoice=False).body["subscription"]
    cleared = change(api, name=None, ending_at=None, purchase_order_number=" ").body["subscription"]

    assert [kept[name] for name in ("name", "ending_at", "purchase_order_number")] == ["Main", "2026-12-31T00:00:00Z", "PO-1"]
    assert [cleared[name] for name in ("name", "ending_at", "purchase_order_number")] == [None, None, None]


def test_a_credit_note_is_chosen_for_plans_in_advance_only(api: Api) -> None:
    arrears = subscribe(api, on_termination_credit_note="refund").body["subscription"]
    advance = subscribe(api, external_id="other", plan_code="upfront").body["subscription"]

    assert (arrears["on_termination_credit_note"], advance["on_termination_credit_note"]) == (None, "credit")


@pytest.mark.parametrize(
    ("fields", "details"),
    [
        ({"ending_at": "2026-07-01T12:00:00Z"}, {"ending_at": ["invalid_date"]}),
        ({"ending_at": "x"}, {"ending_at": ["invalid_date"]}),
        ({"on_termination_invoice": "maybe"}, {"on_termination_invoice": ["invalid_value"]}),
        ({"on_termination_credit_note": "gift"}, {"on_termination_credit_note": ["invalid_value"]}),
        ({"purchase_order_number": "x" * 256}, {"purchase_order_number": ["value_is_too_long"]}),
        ({"plan_overrides": {"amount_cents": -1}}, {"amount_cents": ["value_is_out_of_range"]}),
    ],
)
def test_a_change_is_refused_with_the_field_and_its_code(api: Api, fields: dict[str, Any], details: dict[str, list[str]]) -> None:
    before = subscribe(api).body["subscription"]

    reply = change(api, name="x", **fields)

    assert (reply.status, reply.body["error_details"]) == (422, details)
    assert api.ok("GET", "/subscriptions/sub")["subscription"] == before


def test_the_start_of_an_active_subscription_stays(api: Api) -> None:
    subscribe(api)

    assert change(api, subscription_at="2026-06-01").body["subscription"]["subscription_at"] == TODAY


@pytest.mark.parametrize(
    ("subscription_at", "status", "invoices"),
    [("2026-10-01T00:00:00Z", "pending", 0), ("2026-07-01T00:00:00Z", "active", 1), ("2026-06-15T00:00:00Z", "active", 0)],
)
def test_the_start_of_a_pending_one_moves(api: Api, subscription_at: str, status: str, invoices: int) -> None:
    subscribe(api, plan_code="upfront", subscription_at="2026-09-01T00:00:00Z")

    shown = change(api, subscription_at=subscription_at).body["subscription"]

    assert (shown["status"], shown["subscription_at"]) == (status, subscription_at)
    assert len(api.invoices()) == invoices


def test_the_order_number_of_an_ended_one_stays(api: Api) -> None:
    subscribe(api)
    api.terminate()

    reply = change(api, purchase_order_number="PO-1")

    assert (reply.status, reply.body["code"]) == (405, "purchase_order_number_not_editable")
    assert change(api, name="Old").body["subscription"]["name"] == "Old"


# Ending


def test_the_active_one_ends_now_and_is_billed(api: Api) -> None:
    subscribe(api)
    api.move_to("2026-07-10T12:00:00Z")

    shown = api.terminate()

    [invoice] = api.invoices()
    assert (shown["status"], shown["terminated_at"], shown["canceled_at"]) == ("terminated", "2026-07-10T12:00:00Z", None)
    assert [period["invoicing_reason"] for period in invoice["billing_periods"]] == ["subscription_terminating"]
    assert invoice["total_amount_cents"] == 1000  # 10 of 31 days of 31.00
    assert api.call("DELETE", "/subscriptions/sub").body["code"] == "subscription_not_found"


def test_the_last_invoice_may_be_skipped(api: Api) -> None:
    subscribe(api)
    api.move_to("2026-07-10T12:00:00Z")

    shown = api.terminate(on_termination_invoice="skip")

    assert shown["on_termination_invoice"] == "skip"
    assert api.invoices() == []


def test_a_pending_one_is_canceled_when_asked_by_status(api: Api) -> None:
    subscribe(api, subscription_at="2026-09-01T00:00:00Z")

    refused = api.call("DELETE", "/subscriptions/sub")
    shown = api.terminate(status="pending")
    api.move_to("2026-10-01T00:00:00Z")

    assert (refused.status, refused.body["code"]) == (404, "subscription_not_found")
    assert (shown["status"], shown["canceled_at"], shown["terminated_at"]) == ("canceled", TODAY, None)
    assert api.invoices() == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"on_termination_invoice": "maybe"}, "on_termination_invoice"),
        ({"on_termination_credit_note": "gift"}, "on_termination_credit_note"),
    ],
)
def test_an_unknown_choice_ends_nothing(api: Api, query: dict[str, str], field: str) -> None:
    before = subscribe(api, plan_code="upfront").body["subscription"]

    reply = api.call("DELETE", "/subscriptions/sub", query=query)

    assert (reply.status, reply.body["error_details"]) == (422, {field: ["invalid_value"]})
    assert api.ok("GET", "/subscriptions/sub")["subscription"] == before
