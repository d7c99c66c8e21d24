"""
An organization in which something of everything exists, and how each route of the API is addressed in it.

Suites that go through the whole route table take their paths and bodies from here, so that a new route needs one entry.
"""

from copy import deepcopy
from typing import Any, NamedTuple
from urllib.parse import quote

from daycount.api.routing import Route
from daycount.app import build_router
from tests.support.server import Api, Server

ROUTES: tuple[Route, ...] = tuple(route for resource in build_router().resources for route in resource.found)
WRITING = tuple(route for route in ROUTES if route.accepts is not None)
ROOTED = tuple(route for route in WRITING if route.root_in is not None)
START = "2026-07-01T00:00:00Z"
NOW = "2026-08-01T00:00:00Z"
NOBODY = "00000000-0000-4000-8000-000000000000"
ERROR_KEYS = {"status", "error", "code", "error_details", "provider"}
PHRASES = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Payload Too Large",
    422: "Unprocessable Entity",
    500: "Internal Server Error",
}


INVOICE_ACTIONS = (
    "refresh",
    "finalize",
    "void",
    "lose_dispute",
    "retry",
    "retry_payment",
    "payment_url",
    "resend_email",
    "download",
    "download_pdf",
    "download_xml",
    "explain",
    "sync_salesforce_id",
    "check",
)


CREDIT_NOTE_ACTIONS = ("void", "download", "download_pdf", "download_xml", "resend_email", "metadata")


class World(NamedTuple):
    """An organization with a metric, a plan, a customer, a subscription, an event and the invoice of July."""

    api: Api
    metric: dict[str, Any]
    plan: dict[str, Any]
    customer: dict[str, Any]
    subscription: dict[str, Any]
    event: dict[str, Any]
    invoice: dict[str, Any]
    add_on: dict[str, Any]
    tax: dict[str, Any]
    pricing_unit: dict[str, Any]
    fee: dict[str, Any]
    api_key: dict[str, Any]
    credit_note: dict[str, Any]
    wallet: dict[str, Any]
    authorization: dict[str, Any]
    payment: dict[str, Any]
    credit: dict[str, Any]
    void: dict[str, Any]
    coupon: dict[str, Any]
    applied_coupon: dict[str, Any]
    webhook_endpoint: dict[str, Any]
    webhook: dict[str, Any]
    section: dict[str, Any]
    feature: dict[str, Any]
    draft: dict[str, Any]
    voided: dict[str, Any]
    overdue: dict[str, Any]
    payment_request: dict[str, Any]
    receipt: dict[str, Any]
    quote: dict[str, Any]
    order_form: dict[str, Any]
    order: dict[str, Any]

    @property
    def filter_id(self) -> str:
        """Return the id of the charge filter of the plan."""
        return str(self.plan["charges"][0]["filters"][0]["lago_id"])

    @property
    def version_id(self) -> str:
        """Return the id of the draft of the quote."""
        return str(self.quote["current_version"]["lago_id"])

    @property
    def subscription_filter_id(self) -> str:
        """Return the id of that filter for the subscription, which may have a plan of its own by now."""
        found = self.api.ok("GET", f"/subscriptions/{self.subscription['external_id']}/charges/seats/filters")["filters"]
        return str(found[0]["lago_id"]) if found else NOBODY

    @property
    def ids(self) -> dict[str, str | tuple[str, ...]]:
        """Return the value of each path parameter, by pattern, that leads to a thing of this organization; several as a tuple."""
        return {
            "/add_ons/{code}": self.add_on["code"],
            "/adjusted_fees/{fee_id}": self.draft["fees"][0]["lago_id"],
            "/invoices/{lago_id}/adjusted_fees": self.draft["lago_id"],
            "/invoices/{lago_id}/adjusted_fees/estimate": self.draft["lago_id"],
            "/invoices/{lago_id}/regenerate": self.voided["lago_id"],
            "/api_keys/{lago_id}": self.api_key["lago_id"],
            "/api_keys/{lago_id}/rotate": self.api_key["lago_id"],
            "/billable_metrics/{code}": self.metric["code"],
            "/billing_entities/{code}": "default",
            "/plans/{code}": self.plan["code"],
            "/plans/{code}/charges": self.plan["code"],
            "/plans/{code}/charges/{charge_code}": (self.plan["code"], "seats"),
            "/plans/{code}/charges/{charge_code}/filters": (self.plan["code"], "seats"),
            "/plans/{code}/charges/{charge_code}/filters/{filter_id}": (self.plan["code"], "seats", self.filter_id),
            "/plans/{code}/fixed_charges": self.plan["code"],
            "/plans/{code}/fixed_charges/{fixed_charge_code}": (self.plan["code"], "setup"),
            "/features/{code}": self.feature["code"],
            "/features/{code}/privileges/{privilege_code}": (self.feature["code"], "max"),
            "/plans/{code}/entitlements": self.plan["code"],
            "/plans/{code}/entitlements/{feature_code}": (self.plan["code"], self.feature["code"]),
            "/plans/{code}/entitlements/{feature_code}/privileges/{privilege_code}": (self.plan["code"], self.feature["code"], "max"),
            "/subscriptions/{external_id}/entitlements": self.subscription["external_id"],
            "/subscriptions/{external_id}/entitlements/{feature_code}": (self.subscription["external_id"], self.feature["code"]),
            "/subscriptions/{external_id}/entitlements/{feature_code}/privileges/{privilege_code}": (
                self.subscription["external_id"],
                self.feature["code"],
                "max",
            ),
            "/plans/{code}/metadata": self.plan["code"],
            "/plans/{code}/metadata/{key}": (self.plan["code"], "tier"),
            "/plans/{code}/versions": self.plan["code"],
            "/subscriptions/{external_id}/charges": self.subscription["external_id"],
            "/subscriptions/{external_id}/charges/{charge_code}": (self.subscription["external_id"], "seats"),
            "/subscriptions/{external_id}/charges/{charge_code}/filters": (self.subscription["external_id"], "seats"),
            "/subscriptions/{external_id}/charges/{charge_code}/filters/{filter_id}": (
                self.subscription["external_id"],
                "seats",
                self.subscription_filter_id,
            ),
            "/subscriptions/{external_id}/fixed_charges": self.subscription["external_id"],
            "/subscriptions/{external_id}/fixed_charges/{fixed_charge_code}": (self.subscription["external_id"], "setup"),
            "/customers/{external_customer_id}": self.customer["external_id"],
            "/customers/{external_customer_id}/checkout_url": self.customer["external_id"],
            "/customers/{external_customer_id}/current_usage": self.customer["external_id"],
            "/customers/{external_customer_id}/portal_url": self.customer["external_id"],
            "/customers/{external_customer_id}/projected_usage": self.customer["external_id"],
            "/customers/{external_customer_id}/past_usage": self.customer["external_id"],
            "/customers/{external_customer_id}/invoices": self.customer["external_id"],
            "/customers/{external_customer_id}/subscriptions": self.customer["external_id"],
            "/subscriptions/{external_id}": self.subscription["external_id"],
            "/subscriptions/{external_id}/preview_change": self.subscription["external_id"],
            "/events/{transaction_id}/explain": self.event["transaction_id"],
            "/subscriptions/{external_id}/lifetime_usage": self.subscription["external_id"],
            "/subscriptions/{external_id}/alerts": self.subscription["external_id"],
            "/subscriptions/{external_id}/alerts/{code}": (self.subscription["external_id"], "much"),
            "/events/{transaction_id}": self.event["transaction_id"],
            "/invoice_custom_sections/{code}": self.section["code"],
            "/invoices/{lago_id}": self.invoice["lago_id"],
            **{f"/invoices/{{lago_id}}/{action}": self.invoice["lago_id"] for action in INVOICE_ACTIONS},
            "/invoices/{lago_id}/retry_payment": self.overdue["lago_id"],
            "/invoices/{lago_id}/resend_email": self.overdue["lago_id"],
            "/coupons/{code}": self.coupon["code"],
            "/customers/{external_customer_id}/applied_coupons": self.customer["external_id"],
            "/customers/{external_customer_id}/applied_coupons/{applied_coupon_id}": (
                self.customer["external_id"],
                self.applied_coupon["lago_id"],
            ),
            "/taxes/{code}": self.tax["code"],
            "/pricing_units/{code}": self.pricing_unit["code"],
            "/emails/{lago_id}": self.api.ok("GET", "/emails")["emails"][-1]["lago_id"],
            "/payment_receipts/{lago_id}/resend_email": self.receipt["lago_id"],
            "/dunning_campaigns/{code}": self.api.ok("GET", "/dunning_campaigns")["dunning_campaigns"][-1]["lago_id"],
            "/payments/{lago_id}": self.payment["lago_id"],
            "/quotes/{lago_id}": self.quote["lago_id"],
            "/quotes/{lago_id}/versions": self.quote["lago_id"],
            **{
                f"/quote_versions/{{lago_id}}{end}": self.quote["current_version"]["lago_id"] for end in ("", "/approve", "/void", "/clone")
            },
            **{f"/order_forms/{{lago_id}}{end}": self.order_form["lago_id"] for end in ("", "/mark_as_signed", "/void")},
            **{f"/orders/{{lago_id}}{end}": self.order["lago_id"] for end in ("", "/execute")},
            "/payment_receipts/{lago_id}": self.receipt["lago_id"],
            "/payment_requests/{lago_id}": self.payment_request["lago_id"],
            "/customers/{external_customer_id}/payment_requests": "late",
            "/customers/{external_customer_id}/payments": self.customer["external_id"],
            **self._wallet_ids,
            **self._log_ids,
            "/payment_providers/{code}": "sim",
            "/customers/{external_customer_id}/payment_methods": self.customer["external_id"],
            "/customers/{external_customer_id}/payment_methods/{lago_id}": (self.customer["external_id"], NOBODY),
            "/customers/{external_customer_id}/payment_methods/{lago_id}/set_as_default": (self.customer["external_id"], NOBODY),
            "/webhook_endpoints/{lago_id}": self.webhook_endpoint["lago_id"],
            "/webhooks/{lago_id}": self.webhook["lago_id"],
            "/webhooks/{lago_id}/resend": self.webhook["lago_id"],
            "/fees/{lago_id}": self.fee["lago_id"],
            "/fees/{lago_id}/explain": self.fee["lago_id"],
            "/fees/{lago_id}/events": self.fee["lago_id"],
            "/fees/{lago_id}/events.csv": self.fee["lago_id"],
            "/parked_customers/{external_customer_id}/retry": self.customer["external_id"],
            "/customers/{external_customer_id}/credit_notes": self.customer["external_id"],
            "/credit_notes/{lago_id}": self.credit_note["lago_id"],
            **{f"/credit_notes/{{lago_id}}/{action}": self.credit_note["lago_id"] for action in CREDIT_NOTE_ACTIONS},
            "/credit_notes/{lago_id}/metadata/{key}": (self.credit_note["lago_id"], "po"),
        }

    @property
    def _log_ids(self) -> dict[str, str | tuple[str, ...]]:
        requests = self.api.ok("GET", "/api_logs", query={"per_page": 1})["api_logs"]
        activities = self.api.ok("GET", "/activity_logs", query={"per_page": 1})["activity_logs"]
        security = self.api.ok("GET", "/security_logs", query={"per_page": 1, "to_date": "2100-01-01"})["security_logs"]
        return {
            "/api_logs/{request_id}": requests[0]["request_id"],
            "/activity_logs/{activity_id}": activities[0]["activity_id"],
            "/security_logs/{log_id}": security[0]["log_id"],
        }

    @property
    def _wallet_ids(self) -> dict[str, str | tuple[str, ...]]:
        owned = (self.customer["external_id"], self.wallet["code"])
        return {
            "/customers/{external_customer_id}/wallets": self.customer["external_id"],
            "/customers/{external_customer_id}/wallets/{code}": owned,
            "/customers/{external_customer_id}/wallets/{code}/metadata": owned,
            "/customers/{external_customer_id}/wallets/{code}/metadata/{key}": (*owned, "tier"),
            "/customers/{external_customer_id}/wallets/{wallet_code}/alerts": owned,
            "/customers/{external_customer_id}/wallets/{wallet_code}/alerts/{code}": (*owned, "low"),
            "/wallets/{lago_id}": self.wallet["lago_id"],
            "/wallets/{lago_id}/metadata": self.wallet["lago_id"],
            "/wallets/{lago_id}/authorize": self.wallet["lago_id"],
            "/wallets/{lago_id}/authorizations": self.wallet["lago_id"],
            "/wallet_authorizations/{lago_id}": self.authorization["lago_id"],
            "/wallet_authorizations/{lago_id}/capture": self.authorization["lago_id"],
            "/wallet_authorizations/{lago_id}/release": self.authorization["lago_id"],
            "/wallets/{lago_id}/metadata/{key}": (self.wallet["lago_id"], "tier"),
            "/wallets/{lago_id}/wallet_transactions": self.wallet["lago_id"],
            "/wallet_transactions/{lago_id}": self.credit["lago_id"],
            "/wallet_transactions/{lago_id}/consumptions": self.credit["lago_id"],
            "/wallet_transactions/{lago_id}/fundings": self.void["lago_id"],
            "/wallet_transactions/{lago_id}/payment_url": self.credit["lago_id"],
        }


def a_world(server: Server) -> World:
    """Make an organization in which July is billed: one seat of 10.00 by the team plan, and an upload that was paid for in advance."""
    api = server.organization(at=START)
    endpoint = {"webhook_url": "http://127.0.0.1:9/hooks", "event_types": ["plan.created"]}
    hooked = api.ok("POST", "/webhook_endpoints", {"webhook_endpoint": endpoint})["webhook_endpoint"]
    settings = ["invoice.finalized", "credit_note.created", "payment_receipt.created"]
    api.ok("PUT", "/billing_entities/default", {"billing_entity": {"email": "us@world.test", "email_settings": settings}})
    tax = api.tax()
    unit = api.ok("POST", "/pricing_units", {"pricing_unit": {"name": "Credits", "code": "credits", "short_name": "CR"}})["pricing_unit"]
    metric = api.metric(filters=[{"key": "region", "values": ["eu", "us"]}])
    uploads = api.metric("uploads", aggregation_type="count_agg", field_name=None, recurring=False)
    in_advance = api.seat_charge(uploads, "1", prorated=False, pay_in_advance=True, invoiceable=False)
    add_on = api.add_on()
    seats = api.seat_charge(metric, filters=[{"values": {"region": ["eu"]}, "properties": {"amount": "8"}}])
    fixed = {"add_on_code": "setup", "charge_model": "standard"}
    plan = api.plan(charges=[seats, in_advance], fixed_charges=[fixed], metadata={"tier": "2"})
    connection = {"provider_type": "simulator", "code": "sim", "name": "Simulated"}
    api.ok("POST", "/payment_providers", {"payment_provider": connection})
    customer = api.customer(billing_configuration={"payment_provider": "simulator", "provider_customer_id": "cus_1"})
    api.subscribe()
    event = api.event("first", user_id="ada")
    api.event("upload", code="uploads")
    api.ok("POST", "/dunning_campaigns", {"dunning_campaign": _a_campaign("gentle")})
    api.customer("draft", billing_configuration={"invoice_grace_period": 90})
    api.subscribe("draft", external_id="drafted")
    api.customer("late")
    owed = {"external_customer_id": "late", "currency": "USD", "fees": [{"add_on_code": "setup"}]}
    overdue = api.ok("POST", "/invoices", {"invoice": owed})["invoice"]
    api.move_to(NOW)
    [draft] = api.invoices(external_customer_id="draft")
    sold = {"external_customer_id": "draft", "currency": "USD", "fees": [{"add_on_code": "setup"}]}
    voided = api.ok("POST", "/invoices", {"invoice": sold})["invoice"]
    api.ok("POST", f"/invoices/{voided['lago_id']}/void")
    subscription = api.ok("GET", "/subscriptions/sub")["subscription"]
    coupon, applied = api.coupon(), api.apply_coupon()
    [fee] = api.ok("GET", "/fees", query={"event_transaction_id": "upload"})["fees"]
    spare = api.ok("POST", "/api_keys", {"api_key": {"name": "Spare"}})["api_key"]
    invoice = api.invoices(external_customer_id="acme")[0]
    note = api.ok("POST", "/credit_notes", {"credit_note": _a_note(invoice)})["credit_note"]
    wallet = api.wallet(currency="EUR", metadata={"tier": "gold"})
    held = {"wallet_authorization": {"amount_cents": 100, "reference": "call"}}
    authorization = api.ok("POST", f"/wallets/{wallet['lago_id']}/authorize", held)["wallet_authorization"]
    [credit] = api.ok("GET", f"/wallets/{wallet['lago_id']}/wallet_transactions")["wallet_transactions"]
    [void] = api.ok("POST", "/wallet_transactions", {"wallet_transaction": {"wallet_id": wallet["lago_id"], "voided_credits": "1"}})[
        "wallet_transactions"
    ]
    much = {"alert_type": "current_usage_amount", "code": "much", "thresholds": [{"value": "1000000"}]}
    api.ok("POST", "/subscriptions/sub/alerts", {"alert": much})
    low = {"alert_type": "wallet_balance_amount", "code": "low", "thresholds": [{"code": "warn", "value": 500}]}
    api.ok("POST", f"/customers/acme/wallets/{wallet['code']}/alerts", {"alert": low})
    paid = {"invoice_id": invoice["lago_id"], "amount_cents": 1, "reference": "wire 1"}
    payment = api.ok("POST", "/payments", {"payment": paid})["payment"]
    feature = api.ok("POST", "/features", {"feature": _a_feature("sso")})["feature"]
    api.ok("POST", "/plans/team/entitlements", {"entitlements": {"sso": {"max": 10}}})
    plan = api.ok("GET", "/plans/team")["plan"]
    signed, waiting, quote = (api.ok("POST", "/quotes", {"quote": _a_quote()})["quote"] for _ in range(3))
    for made in (signed, waiting):
        api.ok("POST", f"/quote_versions/{made['current_version']['lago_id']}/approve")
    forms = {form["lago_quote_id"]: form for form in api.ok_get("/order_forms")["order_forms"]}
    api.ok("POST", f"/order_forms/{forms[signed['lago_id']]['lago_id']}/mark_as_signed")
    return World(
        api=api,
        metric=metric,
        plan=plan,
        customer=customer,
        subscription=subscription,
        event=event,
        invoice=invoice,
        add_on=add_on,
        tax=tax,
        pricing_unit=unit,
        fee=fee,
        api_key=spare,
        credit_note=note,
        wallet=wallet,
        authorization=authorization,
        payment=payment,
        credit=credit,
        void=void,
        coupon=coupon,
        applied_coupon=applied,
        webhook_endpoint=hooked,
        webhook=api.ok("GET", "/webhooks")["webhooks"][0],
        section=api.section(),
        feature=feature,
        draft=draft,
        voided=voided,
        payment_request=api.ok("POST", "/payment_requests", {"payment_request": _a_request(overdue)})["payment_request"],
        overdue=overdue,
        receipt=api.ok("GET", "/payment_receipts")["payment_receipts"][0],
        quote=quote,
        order_form=forms[waiting["lago_id"]],
        order=api.ok_get("/orders")["orders"][0],
    )


def _a_quote() -> dict[str, Any]:
    items = {"addOns": [{"payload": {"add_on_code": "setup"}}]}
    return {"external_customer_id": "acme", "order_type": "one_off", "currency": "USD", "billing_items": items}


def _a_feature(code: str) -> dict[str, Any]:
    return {"code": code, "name": "Single sign-on", "privileges": [{"code": "max", "value_type": "integer"}]}


def _a_campaign(code: str) -> dict[str, Any]:
    return {"code": code, "name": "Reminders", "thresholds": [{"currency": "USD", "amount_cents": 1_000}]}


def _a_request(invoice: dict[str, Any]) -> dict[str, Any]:
    return {"external_customer_id": "late", "lago_invoice_ids": [invoice["lago_id"]], "email": "pay@late.test"}


def _a_note(invoice: dict[str, Any]) -> dict[str, Any]:
    items = [{"fee_id": invoice["fees"][-1]["lago_id"], "amount_cents": 1}]
    return {"invoice_id": invoice["lago_id"], "credit_amount_cents": 1, "items": items}


def path_of(route: Route, world: World) -> str:
    """Return the route's path below /api/v1 with ids that exist."""
    return _filled(route, world.ids[route.pattern] if "{" in route.pattern else "")


def needed_query(route: Route) -> dict[str, str]:
    """Return what a route's query must hold: usage is of a subscription."""
    if route.pattern == "/security_logs":
        return {"to_date": "2100-01-01"}
    return {"external_subscription_id": "sub"} if route.pattern.endswith("_usage") else {}


def path_to_nothing(route: Route) -> str:
    """Return the route's path with an id that exists nowhere."""
    return _filled(route, NOBODY)


def _filled(route: Route, value: str | tuple[str, ...]) -> str:
    """Put values into a pattern, in order; a single one goes wherever there is a hole."""
    parts = route.pattern.split("{")
    values = (value,) * (len(parts) - 1) if isinstance(value, str) else value
    filled = [quote(given, safe="") + part.partition("}")[2] for given, part in zip(values, parts[1:], strict=True)]
    return "".join([parts[0], *filled])


def good_body(route: Route, world: World) -> dict[str, Any]:
    """Return a body that the route accepts, for a thing that does not exist yet or the one that `path_of` leads to."""
    content = deepcopy(GOOD[route.operation](world))
    return content if route.root_in is None else {route.root_in: content}


def content_of(route: Route, body: dict[str, Any]) -> Any:
    """Return what stands under the route's root in a body, or the body itself where a route has no root."""
    return body if route.root_in is None else body[route.root_in]


def _a_plan(world: World) -> dict[str, Any]:
    return {
        "name": "Solo",
        "code": "solo",
        "interval": "monthly",
        "amount_cents": 500,
        "amount_currency": "USD",
        "pay_in_advance": False,
        "charges": [world.api.seat_charge(world.metric)],
    }


def _adjusting(world: World) -> dict[str, Any]:
    return {"fee_id": world.draft["fees"][0]["lago_id"], "units": 2, "unit_precise_amount": "1.5"}


_OTHER_FILTER = {"values": {"region": ["us"]}, "properties": {"amount": "7"}}
_SEAT_PRICE = {"charge_model": "standard", "prorated": True, "properties": {"amount": "11"}}
_AN_ALERT = {"code": "next", "thresholds": [{"code": "one", "value": "10.5", "recurring": True}]}
GOOD: dict[str, Any] = {
    "create_plan_charge": lambda world: world.api.seat_charge(world.metric) | {"code": "more_seats"},
    "update_plan_charge": lambda _: _SEAT_PRICE,
    "create_plan_charge_filter": lambda _: _OTHER_FILTER,
    "update_plan_charge_filter": lambda _: {"properties": {"amount": "9"}},
    "create_plan_fixed_charge": lambda _: {"add_on_code": "setup", "code": "more", "charge_model": "standard"},
    "update_plan_fixed_charge": lambda _: {"invoice_display_name": "Setting up"},
    "replace_plan_metadata": lambda _: {"metadata": {"tier": "3"}},
    "merge_plan_metadata": lambda _: {"metadata": {"note": None}},
    "override_subscription_charge": lambda _: {"properties": {"amount": "6"}},
    "create_subscription_charge_filter": lambda _: {"values": {"region": ["eu", "us"]}, "properties": {"amount": "7"}},
    "update_subscription_charge_filter": lambda _: {"properties": {"amount": "9"}},
    "override_subscription_fixed_charge": lambda _: {"units": 0},
    "create_pricing_unit": lambda _: {"name": "Tokens", "code": "tokens", "short_name": "TK"},
    "update_pricing_unit": lambda _: {"short_name": "CRD"},
    "create_add_on": lambda _: {"name": "Training", "code": "training", "amount_cents": 20000, "amount_currency": "USD"},
    "create_adjusted_fee": _adjusting,
    "estimate_adjusted_fee": _adjusting,
    "regenerate_voided_invoice": lambda world: {"fees": [{"id": world.voided["fees"][0]["lago_id"], "units": 2}]},
    "create_invoice_custom_section": lambda _: {"code": "bank", "name": "Bank", "details": "BE68 5390 0754 7034"},
    "update_invoice_custom_section": lambda _: {"display_name": "How we work"},
    "update_add_on": lambda _: {"name": "Set-up of 2026"},
    "create_api_key": lambda _: {"name": "Ingest", "permissions": {"event": ["write"]}},
    "update_api_key": lambda _: {"name": "Default"},
    "rotate_api_key": lambda _: {"expires_at": "2100-01-01"},
    "create_billable_metric": lambda _: {"name": "Calls", "code": "calls", "aggregation_type": "count_agg"},
    "update_billable_metric": lambda _: {"name": "Seats in use"},
    "evaluate_billable_metric_expression": lambda _: {"expression": "1 + 1", "event": {"code": "seats"}},
    "create_payment_provider": lambda _: {"provider_type": "simulator", "code": "other", "name": "Other"},
    "update_payment_provider": lambda _: {"name": "Simulated"},
    "create_customer_payment_method": lambda _: {"provider_method_id": "sim_success"},
    "retry_invoice_payment": lambda _: {"payment_method": {"payment_method_type": "manual"}},
    "create_customer": lambda _: {"external_id": "globex", "name": "Globex"},
    "create_event": lambda _: {
        "transaction_id": "second",
        "code": "seats",
        "external_subscription_id": "sub",
        "properties": {"user_id": "ben"},
    },
    "create_batch_events": lambda _: [{"transaction_id": "third", "code": "seats", "external_subscription_id": "sub"}],
    "update_fee": lambda _: {"payment_status": "succeeded"},
    "event_estimate_fees": lambda _: {"code": "uploads", "external_subscription_id": "sub"},
    "event_estimate_instant_fees": lambda _: {"code": "uploads", "external_subscription_id": "sub"},
    "event_batch_estimate_instant_fees": lambda _: {"events": [{"code": "uploads", "external_subscription_id": "sub"}]},
    "update_test_clock": lambda _: {"frozen_time": NOW},
    "create_plan": _a_plan,
    "update_plan": lambda _: {"name": "Team of 2026"},
    "create_subscription": lambda _: {"external_customer_id": "acme", "plan_code": "team", "external_id": "other"},
    "create_coupon": lambda _: {
        "name": "Half",
        "code": "half",
        "coupon_type": "percentage",
        "percentage_rate": "50",
        "frequency": "forever",
        "expiration": "no_expiration",
    },
    "update_coupon": lambda _: {"name": "Welcome to 2026"},
    "create_applied_coupon": lambda _: {"external_customer_id": "acme", "coupon_code": "welcome"},
    "create_feature": lambda _: _a_feature("support"),
    "update_feature": lambda _: {"name": "SSO"},
    **dict.fromkeys(
        ("create_entitlement", "update_entitlement", "update_subscription_entitlements"),
        lambda _: {"entitlements": {"sso": {"max": 12}}},
    ),
    "create_tax": lambda _: {"name": "Sales tax", "code": "sales", "rate": "7.5"},
    "update_tax": lambda _: {"name": "VAT of 2026"},
    "preview_invoice": lambda _: {"customer": {"external_id": "acme"}, "plan_code": "team"},
    "create_credit_note": lambda world: _a_note(world.invoice),
    "estimate_credit_note": lambda world: _a_note(world.invoice),
    "update_credit_note": lambda _: {"metadata": {"po": "77"}},
    "replace_credit_note_metadata": lambda _: {"metadata": {"po": "77"}},
    "put_credit_note_metadata": lambda _: {"metadata": {"po": "77"}},
    "merge_credit_note_metadata": lambda _: {"metadata": {"po": "77"}},
    "create_billing_entity": lambda _: {"code": "paris", "name": "Paris"},
    "update_billing_entity": lambda _: {"legal_name": "Acme Inc."},
    "update_organization": lambda _: {"legal_name": "Acme Inc."},
    **dict.fromkeys(("resend_invoice_email", "resend_credit_note_email", "resend_payment_receipt_email"), lambda _: {"to": ["a@b.test"]}),
    "create_dunning_campaign": lambda _: _a_campaign("strict"),
    "update_dunning_campaign": lambda _: {"name": "Reminders of 2026"},
    "create_payment": lambda world: {"invoice_id": world.invoice["lago_id"], "amount_cents": 1, "reference": "wire 2"},
    "create_quote": lambda _: _a_quote(),
    "update_quote_version": lambda _: {"content": "As we said"},
    "approve_quote_version": lambda _: {"expires_at": "2100-01-01"},
    "mark_order_form_as_signed": lambda _: {"execution_mode": "order_only"},
    "execute_order": lambda _: {"execution_mode": "order_only"},
    "create_payment_request": lambda world: _a_request(world.overdue),
    "update_payment_request": lambda _: {"payment_status": "failed"},
    "create_invoice": lambda _: {"external_customer_id": "acme", "currency": "USD", "fees": [{"add_on_code": "setup"}]},
    "update_invoice": lambda _: {"metadata": [{"key": "po", "value": "77"}]},
    "void_invoice": lambda _: {"generate_credit_note": False},
    "create_subscription_alert": lambda _: {"alert": _AN_ALERT | {"alert_type": "lifetime_usage_amount"}},
    "create_customer_wallet_alert": lambda _: {"alert": _AN_ALERT | {"alert_type": "wallet_credits_balance"}},
    "update_subscription_alert": lambda _: {"code": "much", "name": "Much"},
    "update_customer_wallet_alert": lambda _: {"code": "low", "name": "Low"},
    "update_subscription_lifetime_usage": lambda _: {"external_historical_usage_amount_cents": 100},
    "update_subscription": lambda _: {"name": "Main"},
    "create_webhook_endpoint": lambda _: {"webhook_url": "https://example.com/hooks", "signature_algo": "hmac"},
    "update_webhook_endpoint": lambda _: {"webhook_url": "https://example.com/other", "event_types": None},
    "create_wallet": lambda _: {"external_customer_id": "acme", "name": "Second", "rate_amount": "2", "currency": "EUR"},
    "update_wallet": lambda _: {"name": "Credits of 2026", "priority": 5, "expiration_at": "2029-12-31T00:00:00Z"},
    "create_customer_wallet": lambda _: {"name": "Second", "rate_amount": "2", "currency": "EUR"},
    "update_customer_wallet": lambda _: {"name": "Credits of 2026", "priority": 5, "expiration_at": "2029-12-31T00:00:00Z"},
    "authorize_wallet": lambda _: {"amount_cents": 50},
    "capture_wallet_authorization": lambda _: {"amount_cents": 40},
    "create_wallet_transaction": lambda world: {"wallet_id": world.wallet["lago_id"], "granted_credits": "5"},
    **{
        f"{verb}_{owner}_metadata": lambda _: {"metadata": {"tier": "silver"}}
        for verb in ("replace", "merge")
        for owner in ("wallet", "customer_wallet")
    },
    "preview_subscription_change": lambda _: {"on_termination_invoice": "generate"},
}


_seen: dict[str | None, dict[str, Any]] = {}


def as_last_seen(api: Api) -> dict[str, Any]:
    """Return all that an organization held at the last look: what changes nothing leaves the next test what it saw itself."""
    return _seen.get(api.key) or everything_stored(api)


def everything_stored(api: Api) -> dict[str, Any]:
    """Return all that an organization holds, so that two looks at it can be compared."""
    statuses = ["pending", "active", "terminated", "canceled"]
    _seen[api.key] = {
        "add_ons": api.ok("GET", "/add_ons", query={"per_page": 1000}),
        "billable_metrics": api.ok("GET", "/billable_metrics", query={"per_page": 1000}),
        "plans": api.ok("GET", "/plans", query={"per_page": 1000}),
        "customers": api.ok("GET", "/customers", query={"per_page": 1000}),
        "subscriptions": api.ok("GET", "/subscriptions", query={"per_page": 1000, "status[]": statuses}),
        "coupons": api.ok("GET", "/coupons", query={"per_page": 1000}),
        "applied_coupons": api.ok("GET", "/applied_coupons", query={"per_page": 1000}),
        "pricing_units": api.ok("GET", "/pricing_units", query={"per_page": 1000}),
        "features": api.ok("GET", "/features", query={"per_page": 1000}),
        "entitlements": api.ok("GET", "/subscriptions/sub/entitlements"),
        "taxes": api.ok("GET", "/taxes", query={"per_page": 1000}),
        "triggered_alerts": api.ok("GET", "/triggered_alerts", query={"per_page": 1000}),
        "wallets": api.ok("GET", "/wallets", query={"per_page": 1000}),
        "events": api.ok("GET", "/events", query={"per_page": 1000}),
        "invoices": api.ok("GET", "/invoices", query={"per_page": 1000}),
        "fees": api.ok("GET", "/fees", query={"per_page": 1000}),
        "quotes": api.ok("GET", "/quotes", query={"per_page": 1000}),
        "orders": api.ok("GET", "/orders", query={"per_page": 1000}),
        "credit_notes": api.ok("GET", "/credit_notes", query={"per_page": 1000}),
        "webhook_endpoints": api.ok("GET", "/webhook_endpoints"),
        "test_clock": api.ok("GET", "/test_clock"),
    }
    return _seen[api.key]


def why_no_error_body(status: int, body: Any) -> str | None:
    """Return what is wrong with an error's body by the contract, None when it is as it must be."""
    if not isinstance(body, dict) or body.get("status") != status or not set(body) <= ERROR_KEYS:
        return f"not an error object: {body}"
    if status == 400:
        return None if set(body) == {"status", "error"} and body["error"].startswith("BadRequest: ") else f"400: {body}"
    if body["error"] != PHRASES.get(status):
        return f"phrase of {status}: {body}"
    if status in (401, 500):
        return None if set(body) == {"status", "error"} else f"{status}: {body}"
    if status in (403, 404, 405, 413):
        return None if set(body) == {"status", "error", "code"} else f"{status}: {body}"
    details = body.get("error_details")
    if body["code"] != "validation_errors" or not isinstance(details, dict) or not details:
        return f"422 without details: {body}"
    if all(_is_codes(codes) or (isinstance(codes, dict) and all(map(_is_codes, codes.values()))) for codes in details.values()):
        return None
    if all(
        isinstance(entry, dict) and set(entry) == {"params", "errors"} and all(map(_is_codes, entry["errors"].values()))
        for entry in details.values()
    ):
        return None
    return f"details of another shape: {details}"


def _is_codes(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(code, str) for code in value)
