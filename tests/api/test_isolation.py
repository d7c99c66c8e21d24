"""
One organization never sees or touches another's things: every route, called with a stranger's key and the owner's ids.

Each operation of the API has its case here; a route without one fails `test_every_route_has_a_case`.
"""

from collections.abc import Callable
from typing import Any

import pytest

from daycount.api.routing import Route
from tests.api.world import NOW, ROUTES, World, a_world, as_last_seen, content_of, everything_stored, good_body, needed_query, path_of
from tests.support.server import Api, Server

EMPTY_META = {"current_page": 0, "next_page": None, "prev_page": None, "total_pages": 0, "total_count": 0}
ALERT_OPERATIONS = (
    "find_all_{}_alerts",
    "create_{}_alert",
    "delete_all_{}_alerts",
    "find_{}_alert",
    "update_{}_alert",
    "delete_{}_alert",
)
Case = Callable[[Api, World, Route], None]


def is_not_found(code: str) -> Case:
    """The owner's id leads nowhere, whatever is sent along."""

    def check(stranger: Api, world: World, route: Route) -> None:
        body = good_body(route, world) if route.accepts is not None else None
        reply = stranger.call(route.method, path_of(route, world), body, needed_query(route))
        assert (reply.status, reply.body) == (404, {"status": 404, "error": "Not Found", "code": code})

    return check


def is_empty(*filters: dict[str, Any]) -> Case:
    """The list holds nothing, also when a filter names the owner's things."""

    def check(stranger: Api, world: World, route: Route) -> None:
        for query in ({}, *filters):
            assert stranger.ok("GET", path_of(route, world), query=query) == {route.root_out: [], "meta": EMPTY_META}

    return check


def has_its_own_safety(stranger: Api, world: World, route: Route) -> None:
    """Entries about the owner's keys are the owner's."""
    theirs = world.api.ok("GET", path_of(route, world), query=needed_query(route))["security_logs"]
    own = stranger.ok("GET", path_of(route, world), query=needed_query(route))["security_logs"]
    assert not {entry["log_id"] for entry in theirs} & {entry["log_id"] for entry in own}


def has_no_figures(stranger: Api, world: World, route: Route) -> None:
    """The owner's money and usage add nothing here, nor when a filter names the owner's things."""
    for query in ({}, {"external_customer_id": "acme", "from_date": "2026-07-01", "to_date": "2026-08-01"}):
        rows = stranger.ok("GET", path_of(route, world), query=query)[route.root_out]
        assert [row for row in rows if row["amount_cents"]] == []


def has_no_past(stranger: Api, world: World, route: Route) -> None:
    """The other's customer and subscription have no periods here."""
    assert stranger.ok("GET", path_of(route, world), query=needed_query(route)) == {"usage_periods": [], "meta": EMPTY_META}


def makes_its_own(again: str, name: str) -> Case:
    """The same code or id is free in the other organization, and makes a thing of its own there."""

    def check(stranger: Api, world: World, route: Route) -> None:
        body = good_body(route, world)
        thing = content_of(route, body)
        thing[name] = again
        thing.pop("charges", None)
        made = stranger.ok(route.method, route.pattern, body)[route.root_out]
        assert made[name] == again
        assert made["lago_id"] not in str(everything_stored(world.api))

    return check


def refuses_the_metric_of_another(stranger: Api, world: World, route: Route) -> None:
    makes_its_own("team", "code")(stranger, world, route)
    reply = stranger.call("POST", "/plans", good_body(route, world))
    assert (reply.status, reply.body["code"]) == (404, "billable_metrics_not_found")
    assert [plan["code"] for plan in stranger.ok("GET", "/plans")["plans"]] == ["team"]


def refuses_the_plan_of_another(stranger: Api, world: World, route: Route) -> None:
    reply = stranger.call("POST", "/subscriptions", good_body(route, world))
    assert (reply.status, reply.body["code"]) == (404, "plan_not_found")
    assert stranger.ok("GET", "/customers")["customers"] == []


def refuses_the_customer_of_another(stranger: Api, world: World, route: Route) -> None:
    reply = stranger.call("POST", route.pattern, good_body(route, world))
    assert (reply.status, reply.body["code"]) == (404, "customer_not_found")
    stranger.customer()
    reply = stranger.call("POST", route.pattern, good_body(route, world))
    assert (reply.status, reply.body["code"]) == (404, "coupon_not_found")


def subscribes_under_the_same_ids(stranger: Api, world: World, route: Route) -> None:
    refuses_the_plan_of_another(stranger, world, route)
    stranger.plan("team")
    made = stranger.subscribe("acme", "team", "sub")
    assert made["lago_id"] != world.subscription["lago_id"]
    assert made["lago_customer_id"] != world.customer["lago_id"]


def takes_the_same_event(stranger: Api, world: World, route: Route) -> None:
    event = {"transaction_id": "first", "code": "seats", "external_subscription_id": "sub"}
    body = {route.root_in: [event] if route.is_list else event}
    sent = stranger.ok("POST", route.pattern, body)[route.root_out]
    shown = sent[0] if route.is_list else sent
    assert shown["lago_id"] != world.event["lago_id"]
    assert {warning["code"] for warning in shown["warnings"]} == {"subscription_not_found", "billable_metric_not_found"}


def shows_its_own_clock(stranger: Api, world: World, route: Route) -> None:
    assert stranger.ok("GET", "/test_clock")["test_clock"]["frozen_time"] == "2026-07-15T00:00:00Z"


def moves_its_own_clock(stranger: Api, world: World, route: Route) -> None:
    stranger.move_to("2027-01-01T00:00:00Z")
    assert world.api.ok("GET", "/test_clock")["test_clock"]["frozen_time"] == NOW


def makes_a_key_of_its_own(stranger: Api, world: World, route: Route) -> None:
    made = stranger.ok("POST", "/api_keys", good_body(route, world))["api_key"]
    assert made["lago_id"] not in {key["lago_id"] for key in world.api.ok("GET", "/api_keys")["api_keys"]}


def sees_its_own_keys(stranger: Api, world: World, route: Route) -> None:
    [key] = stranger.ok("GET", "/api_keys")["api_keys"]
    assert key["value"].endswith(str(stranger.key)[-4:])


def computes_without_looking(stranger: Api, world: World, route: Route) -> None:
    """What is sent is all there is to it."""
    reply = stranger.ok(route.method, route.pattern, good_body(route, world))
    assert reply == world.api.ok(route.method, route.pattern, good_body(route, world))


def refuses_the_owner_of_another(stranger: Api, world: World, route: Route) -> None:
    reply = stranger.call("POST", "/wallets", good_body(route, world))
    assert (reply.status, reply.body["error_details"]) == (422, {"customer": ["customer_not_found"]})


def refuses_the_wallet_of_another(stranger: Api, world: World, route: Route) -> None:
    reply = stranger.call("POST", "/wallet_transactions", good_body(route, world))
    assert (reply.status, reply.body["error_details"]) == (422, {"wallet_id": ["wallet_not_found"]})


def shows_its_own_entity(stranger: Api, world: World, route: Route) -> None:
    """Every organization has a default billing entity of its own."""
    body = good_body(route, world) if route.accepts is not None else None
    theirs = world.api.ok("GET", "/billing_entities")["billing_entities"][0]["lago_id"]
    assert theirs not in str(stranger.ok(route.method, path_of(route, world), body))


def has_a_place_of_its_own(stranger: Api, world: World, route: Route) -> None:
    """The same address is free in the other organization."""
    makes_its_own("https://example.com/hooks", "webhook_url")(stranger, world, route)


def shows_the_key_of_the_server(stranger: Api, world: World, route: Route) -> None:
    """One key signs for all."""
    read = Api.text if route.content_type == "text/plain" else Api.ok_get
    assert read(stranger, route.pattern) == read(world.api, route.pattern)


CASES: dict[str, Case] = {
    "create_webhook_endpoint": has_a_place_of_its_own,
    "find_all_webhook_endpoints": is_empty(),
    **dict.fromkeys(
        ("find_webhook_endpoint", "update_webhook_endpoint", "destroy_webhook_endpoint"), is_not_found("webhook_endpoint_not_found")
    ),
    "find_public_key": shows_the_key_of_the_server,
    "find_json_public_key": shows_the_key_of_the_server,
    "find_all_webhooks": is_empty(),
    "find_webhook": is_not_found("webhook_not_found"),
    "resend_webhook": is_not_found("webhook_not_found"),
    **dict.fromkeys([route.operation for route in ROUTES if route.pattern.startswith("/plans/{code}/")], is_not_found("plan_not_found")),
    **dict.fromkeys(
        [
            route.operation
            for route in ROUTES
            if route.pattern.startswith(tuple(f"/subscriptions/{{external_id}}/{part}" for part in ("charges", "fixed", "entitlements")))
        ],
        is_not_found("subscription_not_found"),
    ),
    "create_feature": makes_its_own("sso", "code"),
    "find_all_features": is_empty({"search_term": "sign-on"}),
    **dict.fromkeys(("find_feature", "update_feature", "destroy_feature", "delete_feature_privilege"), is_not_found("feature_not_found")),
    "create_pricing_unit": makes_its_own("credits", "code"),
    "find_all_pricing_units": is_empty(),
    "find_pricing_unit": is_not_found("pricing_unit_not_found"),
    "update_pricing_unit": is_not_found("pricing_unit_not_found"),
    "create_adjusted_fee": is_not_found("invoice_not_found"),
    "estimate_adjusted_fee": is_not_found("invoice_not_found"),
    "destroy_adjusted_fee": is_not_found("adjusted_fee_not_found"),
    "regenerate_voided_invoice": is_not_found("invoice_not_found"),
    "create_invoice_custom_section": makes_its_own("terms", "code"),
    "find_all_invoice_custom_sections": is_empty(),
    "find_invoice_custom_section": is_not_found("invoice_custom_section_not_found"),
    "update_invoice_custom_section": is_not_found("invoice_custom_section_not_found"),
    "destroy_invoice_custom_section": is_not_found("invoice_custom_section_not_found"),
    "generate_customer_checkout_url": is_not_found("customer_not_found"),
    "create_add_on": makes_its_own("setup", "code"),
    "find_all_api_logs": is_empty({"request_paths": "*"}),
    "find_api_log": is_not_found("api_log_not_found"),
    "find_all_activity_logs": is_empty({"external_customer_id": "acme"}, {"resource_types[]": "Invoice"}),
    "find_activity_log": is_not_found("activity_log_not_found"),
    "find_all_security_logs": has_its_own_safety,
    "find_security_log": is_not_found("security_log_not_found"),
    "find_all_customer_payment_methods": is_not_found("customer_not_found"),
    "set_customer_payment_method_as_default": is_not_found("customer_not_found"),
    "destroy_customer_payment_method": is_not_found("customer_not_found"),
    "create_customer_payment_method": is_not_found("customer_not_found"),
    "create_payment_provider": makes_its_own("other", "code"),
    "find_all_payment_providers": is_empty(),
    "find_payment_provider": is_not_found("payment_provider_not_found"),
    "update_payment_provider": is_not_found("payment_provider_not_found"),
    "destroy_payment_provider": is_not_found("payment_provider_not_found"),
    "find_all_gross_revenues": has_no_figures,
    "find_all_plan_revenues": has_no_figures,
    "find_all_customer_revenues": has_no_figures,
    "find_all_wallet_liabilities": has_no_figures,
    "find_all_invoice_collections": has_no_figures,
    "find_all_invoiced_usages": has_no_figures,
    "find_all_mrrs": has_no_figures,
    "find_all_overdue_balances": has_no_figures,
    "find_all_usages": has_no_figures,
    "find_all_add_ons": is_empty(),
    "find_add_on": is_not_found("add_on_not_found"),
    "update_add_on": is_not_found("add_on_not_found"),
    "destroy_add_on": is_not_found("add_on_not_found"),
    "evaluate_billable_metric_expression": computes_without_looking,
    "create_api_key": makes_a_key_of_its_own,
    "find_all_api_keys": sees_its_own_keys,
    "find_api_key": is_not_found("api_key_not_found"),
    "update_api_key": is_not_found("api_key_not_found"),
    "rotate_api_key": is_not_found("api_key_not_found"),
    "destroy_api_key": is_not_found("api_key_not_found"),
    "create_billable_metric": makes_its_own("seats", "code"),
    "find_all_billable_metrics": is_empty(),
    "find_billable_metric": is_not_found("billable_metric_not_found"),
    "update_billable_metric": is_not_found("billable_metric_not_found"),
    "destroy_billable_metric": is_not_found("billable_metric_not_found"),
    "create_plan": refuses_the_metric_of_another,
    "find_all_plans": is_empty(),
    "find_plan": is_not_found("plan_not_found"),
    "update_plan": is_not_found("plan_not_found"),
    "destroy_plan": is_not_found("plan_not_found"),
    "create_customer": makes_its_own("acme", "external_id"),
    "find_all_customers": is_empty({"external_id": "acme"}, {"search_term": "Acme"}),
    "find_customer": is_not_found("customer_not_found"),
    "destroy_customer": is_not_found("customer_not_found"),
    "find_customer_current_usage": is_not_found("customer_not_found"),
    "find_all_customer_invoices": is_not_found("customer_not_found"),
    "find_customer_projected_usage": is_not_found("customer_not_found"),
    "find_all_customer_past_usage": has_no_past,
    "find_all_customer_subscriptions": is_not_found("customer_not_found"),
    "create_subscription": subscribes_under_the_same_ids,
    "find_all_subscriptions": is_empty({"external_customer_id": "acme"}, {"plan_code": "team"}, {"external_id": "sub"}),
    "find_subscription": is_not_found("subscription_not_found"),
    "get_subscription_lifetime_usage": is_not_found("subscription_not_found"),
    "update_subscription_lifetime_usage": is_not_found("subscription_not_found"),
    "update_subscription": is_not_found("subscription_not_found"),
    "preview_subscription_change": is_not_found("subscription_not_found"),
    "destroy_subscription": is_not_found("subscription_not_found"),
    "create_event": takes_the_same_event,
    "create_batch_events": takes_the_same_event,
    "find_all_events": is_empty({"external_subscription_id": "sub"}, {"code": "seats"}),
    "find_all_enriched_events": is_empty({"external_subscription_id": "sub"}, {"code": "seats"}),
    "explain_event": is_not_found("event_not_found"),
    "find_event": is_not_found("event_not_found"),
    "event_estimate_fees": is_not_found("subscription_not_found"),
    "event_estimate_instant_fees": is_not_found("subscription_not_found"),
    "event_batch_estimate_instant_fees": is_not_found("subscription_not_found"),
    "find_all_fees": is_empty({"external_customer_id": "acme"}, {"event_transaction_id": "upload"}),
    "find_fee": is_not_found("fee_not_found"),
    "update_fee": is_not_found("fee_not_found"),
    "delete_fee": is_not_found("fee_not_found"),
    "find_all_invoices": is_empty({"external_customer_id": "acme"}, {"search_term": "Acme"}),
    "find_invoice": is_not_found("invoice_not_found"),
    "create_billing_entity": makes_its_own("paris", "code"),
    "find_all_billing_entities": shows_its_own_entity,
    "find_billing_entity": shows_its_own_entity,
    "update_billing_entity": shows_its_own_entity,
    "find_organization": shows_its_own_entity,
    "update_organization": shows_its_own_entity,
    "find_all_emails": is_empty({"external_customer_id": "late"}),
    "find_email": is_not_found("email_not_found"),
    "resend_payment_receipt_email": is_not_found("payment_receipt_not_found"),
    "create_dunning_campaign": makes_its_own("gentle", "code"),
    "find_all_dunning_campaigns": is_empty({"search_term": "gentle"}),
    **{f"{verb}_dunning_campaign": is_not_found("dunning_campaign_not_found") for verb in ("find", "update", "destroy")},
    "create_payment": is_not_found("invoice_not_found"),
    "find_all_payments": is_empty({"external_customer_id": "acme"}),
    "find_payment": is_not_found("payment_not_found"),
    "find_all_customer_payments": is_not_found("customer_not_found"),
    "get_customer_portal_url": is_not_found("customer_not_found"),
    "find_all_payment_receipts": is_empty(),
    "find_payment_receipt": is_not_found("payment_receipt_not_found"),
    "create_quote": is_not_found("customer_not_found"),
    "find_all_quotes": is_empty({"external_customer_id": "acme"}, {"number": "QT-2026-0001"}),
    "find_quote": is_not_found("quote_not_found"),
    "find_all_quote_versions": is_not_found("quote_not_found"),
    **dict.fromkeys(
        (f"{verb}_quote_version" for verb in ("find", "update", "approve", "void", "clone")), is_not_found("quote_version_not_found")
    ),
    "find_all_order_forms": is_empty({"external_customer_id": "acme"}, {"status[]": "generated"}),
    **dict.fromkeys(("find_order_form", "mark_order_form_as_signed", "void_order_form"), is_not_found("order_form_not_found")),
    "find_all_orders": is_empty({"external_customer_id": "acme"}),
    **dict.fromkeys(("find_order", "execute_order"), is_not_found("order_not_found")),
    "create_payment_request": is_not_found("customer_not_found"),
    "find_all_payment_requests": is_empty({"external_customer_id": "late"}, {"currency": "USD"}),
    "find_all_customer_payment_requests": is_not_found("customer_not_found"),
    "find_payment_request": is_not_found("payment_request_not_found"),
    "update_payment_request": is_not_found("payment_request_not_found"),
    "create_invoice": is_not_found("customer_not_found"),
    "update_invoice": is_not_found("invoice_not_found"),
    "destroy_invoice": is_not_found("invoice_not_found"),
    "refresh_invoice": is_not_found("invoice_not_found"),
    "finalize_invoice": is_not_found("invoice_not_found"),
    "void_invoice": is_not_found("invoice_not_found"),
    "lose_invoice_dispute": is_not_found("invoice_not_found"),
    "put_lost_invoice_dispute": is_not_found("invoice_not_found"),
    "retry_invoice": is_not_found("invoice_not_found"),
    "retry_invoice_payment": is_not_found("invoice_not_found"),
    "create_invoice_payment_url": is_not_found("invoice_not_found"),
    "sync_invoice_salesforce_id": is_not_found("invoice_not_found"),
    "resend_invoice_email": is_not_found("invoice_not_found"),
    "explain_one_invoice": is_not_found("invoice_not_found"),
    "check_one_invoice": is_not_found("invoice_not_found"),
    "explain_one_fee": is_not_found("fee_not_found"),
    "find_all_fee_events": is_not_found("fee_not_found"),
    "export_fee_events": is_not_found("fee_not_found"),
    "download_invoice": is_not_found("invoice_not_found"),
    "download_invoice_pdf": is_not_found("invoice_not_found"),
    "download_invoice_xml": is_not_found("invoice_not_found"),
    "preview_invoice": is_not_found("customer_not_found"),
    "find_all_billing_runs": is_empty(),
    "find_all_parked_customers": is_empty(),
    "retry_parked_customer": is_not_found("customer_not_found"),
    "create_credit_note": is_not_found("invoice_not_found"),
    "estimate_credit_note": is_not_found("invoice_not_found"),
    "find_all_credit_notes": is_empty({"external_customer_id": "acme"}, {"search_term": "Acme"}),
    "find_all_customer_credit_notes": is_not_found("customer_not_found"),
    "find_credit_note": is_not_found("credit_note_not_found"),
    "update_credit_note": is_not_found("credit_note_not_found"),
    "void_credit_note": is_not_found("credit_note_not_found"),
    "download_credit_note": is_not_found("credit_note_not_found"),
    "download_credit_note_pdf": is_not_found("credit_note_not_found"),
    "download_credit_note_xml": is_not_found("credit_note_not_found"),
    "resend_credit_note_email": is_not_found("credit_note_not_found"),
    "replace_credit_note_metadata": is_not_found("credit_note_not_found"),
    "put_credit_note_metadata": is_not_found("credit_note_not_found"),
    "merge_credit_note_metadata": is_not_found("credit_note_not_found"),
    "delete_credit_note_metadata": is_not_found("credit_note_not_found"),
    "delete_credit_note_metadata_key": is_not_found("credit_note_not_found"),
    "create_coupon": makes_its_own("welcome", "code"),
    "find_all_coupons": is_empty(),
    "find_coupon": is_not_found("coupon_not_found"),
    "update_coupon": is_not_found("coupon_not_found"),
    "destroy_coupon": is_not_found("coupon_not_found"),
    "create_applied_coupon": refuses_the_customer_of_another,
    "find_all_applied_coupons": is_empty({"external_customer_id": "acme"}, {"coupon_code[]": "welcome"}),
    "find_all_customer_applied_coupons": is_not_found("customer_not_found"),
    "destroy_applied_coupon": is_not_found("customer_not_found"),
    "create_tax": makes_its_own("vat", "code"),
    "find_all_taxes": is_empty(),
    "find_tax": is_not_found("tax_not_found"),
    "update_tax": is_not_found("tax_not_found"),
    "destroy_tax": is_not_found("tax_not_found"),
    "create_wallet": refuses_the_owner_of_another,
    "find_all_wallets": is_empty({"currency": "EUR"}),
    "create_customer_wallet": is_not_found("customer_not_found"),
    "find_all_customer_wallets": is_not_found("customer_not_found"),
    **{f"{verb}_customer_wallet": is_not_found("customer_not_found") for verb in ("find", "update", "destroy")},
    **{f"{verb}_wallet": is_not_found("wallet_not_found") for verb in ("find", "update", "destroy")},
    **{f"{verb}_wallet_metadata": is_not_found("wallet_not_found") for verb in ("replace", "merge", "delete_all", "delete_key")},
    **{f"{verb}_customer_wallet_metadata": is_not_found("customer_not_found") for verb in ("replace", "merge", "delete_all", "delete_key")},
    "create_wallet_transaction": refuses_the_wallet_of_another,
    "authorize_wallet": is_not_found("wallet_not_found"),
    "find_all_wallet_authorizations": is_not_found("wallet_not_found"),
    **{f"{verb}_wallet_authorization": is_not_found("wallet_authorization_not_found") for verb in ("find", "capture", "release")},
    "find_all_wallet_transactions": is_not_found("wallet_not_found"),
    "find_wallet_transaction": is_not_found("wallet_transaction_not_found"),
    "find_all_wallet_transaction_consumptions": is_not_found("wallet_transaction_not_found"),
    "find_all_wallet_transaction_fundings": is_not_found("wallet_transaction_not_found"),
    "wallet_transaction_payment_url": is_not_found("wallet_transaction_not_found"),
    **{f"{operation.format('subscription')}": is_not_found("subscription_not_found") for operation in ALERT_OPERATIONS},
    **{f"{operation.format('customer_wallet')}": is_not_found("customer_not_found") for operation in ALERT_OPERATIONS},
    "find_all_triggered_alerts": is_empty({"external_subscription_id": "sub"}, {"alert_code": "much"}),
    "find_test_clock": shows_its_own_clock,
    "update_test_clock": moves_its_own_clock,
}


def test_every_route_has_a_case() -> None:
    assert sorted(CASES) == sorted(route.operation for route in ROUTES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.pattern}")
def test_a_stranger_neither_sees_nor_changes_what_is_not_theirs(server: Server, world: World, route: Route) -> None:
    stranger = server.organization(at="2026-07-15T00:00:00Z")
    before = as_last_seen(world.api)

    CASES[route.operation](stranger, world, route)

    assert everything_stored(world.api) == before


def test_a_charge_of_another_organization_is_no_charge_to_change(server: Server, world: World) -> None:
    stranger = server.organization()
    metric = stranger.metric()
    stranger.plan("team")
    foreign = world.plan["charges"][0]["lago_id"]

    plan = stranger.ok("PUT", "/plans/team", {"plan": {"charges": [stranger.seat_charge(metric) | {"id": foreign}]}})["plan"]

    assert [charge["lago_id"] == foreign for charge in plan["charges"]] == [False]
    assert world.api.ok("GET", "/plans/team")["plan"] == world.plan


def test_the_usage_of_one_organization_is_not_that_of_another_with_the_same_ids(server: Server) -> None:
    first, second = a_world(server), a_world(server)
    first.api.event("more", user_id="ben")

    assert first.api.usage()["charges_usage"][0]["units"] == "2.0"  # ada goes on from July, and ben
    assert second.api.usage()["charges_usage"][0]["units"] == "1.0"


def test_a_live_organization_s_clock_is_not_a_sandbox_s(server: Server) -> None:
    live = server.organization(at=None)
    refusal = {"status": 405, "error": "Method Not Allowed", "code": "test_clock_not_available"}

    assert live.call("GET", "/test_clock").body == refusal
    assert live.call("PUT", "/test_clock", {"test_clock": {"frozen_time": NOW}}).body == refusal
