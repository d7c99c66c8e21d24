"""Which resource of a key's permissions a route belongs to, and in which mode."""

from typing import Final

from daycount.api.routing import Route
from daycount.organizations.permissions import READ, WRITE, check_permission
from daycount.organizations.records import Caller

API_KEYS: Final = "api_key"
"""Is in no map of permissions, so that only a key that may do everything manages keys."""
_BY_COLLECTION: Final = {
    "activity_logs": "activity_log",
    "add_ons": "add_on",
    "adjusted_fees": "fee",
    "alerts": "alert",
    "analytics": "analytic",
    "api_keys": API_KEYS,
    "api_logs": "api_log",
    "applied_coupons": "applied_coupon",
    "billable_metrics": "billable_metric",
    "billing_entities": "billing_entity",
    "billing_runs": "invoice",
    "coupons": "coupon",
    "credit_notes": "credit_note",
    "current_usage": "customer_usage",
    "customers": "customer",
    "dunning_campaigns": "payment_request",
    "emails": "invoice",
    "events": "event",
    "events_enriched": "event",
    "features": "feature",
    "fees": "fee",
    "invoice_custom_sections": "invoice_custom_section",
    "invoices": "invoice",
    "lifetime_usage": "lifetime_usage",
    "order_forms": "order_form",
    "orders": "order",
    "organizations": "organization",
    "past_usage": "customer_usage",
    "payment_methods": "payment_method",
    "payment_providers": "organization",
    "payment_receipts": "invoice",
    "payment_requests": "payment_request",
    "payments": "payment",
    "plans": "plan",
    "pricing_units": "plan",
    "projected_usage": "customer_usage",
    "quote_versions": "quote",
    "quotes": "quote",
    "security_logs": "security_log",
    "subscriptions": "subscription",
    "taxes": "tax",
    "test_clock": "organization",
    "triggered_alerts": "alert",
    "authorizations": "wallet_transaction",
    "wallet_authorizations": "wallet_transaction",
    "wallet_transactions": "wallet_transaction",
    "wallets": "wallet",
    "webhook_endpoints": "webhook_endpoint",
    "webhooks": "webhook_jwt_public_key",
}
_BY_NAMES: Final = {("webhooks",): "webhook_endpoint", ("webhooks", "resend"): "webhook_endpoint"}
"""Routes of a collection that belong to another resource than the rest of it: what was told, beside the key that signs it."""
_OWNERS: Final = frozenset({"customers", "subscriptions", "wallets"})
"""Collections whose members hold collections that are resources of their own."""


def resource_of(route: Route) -> str:
    """
    Return the resource of a route.

    `/customers/{id}/wallets` is about wallets, `/customers/{id}/wallets/{code}/alerts` about alerts, `/plans/{code}/charges` about plans.
    """
    names = [segment for segment in route.segments if not segment.startswith("{")]
    if tuple(names) in _BY_NAMES:
        return _BY_NAMES[tuple(names)]
    place = 0
    while names[place] in _OWNERS and len(names) > place + 1 and names[place + 1] in _BY_COLLECTION:
        place += 1
    return _BY_COLLECTION.get(names[place], "organization")


def check_caller(caller: Caller, route: Route) -> None:
    """Let a caller pass whose key may do what the route does. Raises Forbidden."""
    check_permission(caller.permissions, resource=resource_of(route), mode=READ if route.method == "GET" else WRITE)
