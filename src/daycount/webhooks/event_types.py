"""The types of webhooks an endpoint may ask for, each with the root that its object stands under. Source: Lago API, webhooks."""

from typing import Final

EVENT_TYPES: Final[dict[str, str]] = {
    "alert.triggered": "triggered_alert",
    "billable_metric.created": "billable_metric",
    "billable_metric.updated": "billable_metric",
    "billable_metric.deleted": "billable_metric",
    "customer.created": "customer",
    "customer.updated": "customer",
    "customer.accounting_provider_created": "customer",
    "customer.accounting_provider_error": "accounting_provider_customer_error",
    "customer.crm_provider_created": "customer",
    "customer.crm_provider_error": "crm_provider_customer_error",
    "customer.payment_provider_created": "customer",
    "customer.payment_provider_error": "payment_provider_customer_error",
    "customer.checkout_url_generated": "payment_provider_customer_checkout_url",
    "customer.tax_provider_error": "tax_provider_customer_error",
    "customer.vies_check": "customer",
    "credit_note.created": "credit_note",
    "credit_note.generated": "credit_note",
    "credit_note.provider_refund_failure": "credit_note_payment_provider_refund_error",
    "dunning_campaign.finished": "dunning_campaign",
    "event.error": "event_error",
    "events.errors": "events_errors",
    "feature.created": "feature",
    "feature.updated": "feature",
    "feature.deleted": "feature",
    "fee.created": "fee",
    "fee.tax_provider_error": "tax_provider_fee_error",
    "integration.provider_error": "provider_error",
    "invoice.created": "invoice",
    "invoice.one_off_created": "invoice",
    "invoice.paid_credit_added": "invoice",
    "invoice.generated": "invoice",
    "invoice.drafted": "invoice",
    "invoice.ready_to_finalize": "invoice",
    "invoice.voided": "invoice",
    "invoice.deleted": "invoice",
    "invoice.resynced": "invoice",
    "invoice.payment_status_updated": "invoice",
    "invoice.payment_overdue": "invoice",
    "invoice.payment_dispute_lost": "payment_dispute_lost",
    "invoice.payment_failure": "payment_provider_invoice_payment_error",
    "order.created": "order",
    "order.executed": "order",
    "order_form.created": "order_form",
    "order_form.signed": "order_form",
    "order_form.expired": "order_form",
    "order_form.voided": "order_form",
    "quote.created": "quote",
    "quote.approved": "quote",
    "quote.voided": "quote",
    "payment.requires_action": "payment",
    "payment.succeeded": "payment",
    "payment_provider.error": "payment_provider_error",
    "payment_receipt.created": "payment_receipt",
    "payment_receipt.generated": "payment_receipt",
    "payment_request.created": "payment_request",
    "payment_request.payment_status_updated": "payment_request",
    "payment_request.payment_failure": "payment_provider_payment_request_payment_error",
    "plan.created": "plan",
    "plan.updated": "plan",
    "plan.deleted": "plan",
    "subscription.started": "subscription",
    "subscription.updated": "subscription",
    "subscription.terminated": "subscription",
    "subscription.canceled": "subscription",
    "subscription.incomplete": "subscription",
    "subscription.termination_alert": "subscription",
    "subscription.trial_ended": "subscription",
    "subscription.usage_threshold_reached": "subscription",
    "wallet.created": "wallet",
    "wallet.updated": "wallet",
    "wallet.terminated": "wallet",
    "wallet.depleted_ongoing_balance": "wallet",
    "wallet_transaction.created": "wallet_transaction",
    "wallet_transaction.updated": "wallet_transaction",
    "wallet_transaction.payment_failure": "payment_provider_wallet_transaction_payment_error",
}

ALIASES: Final[dict[str, str]] = {"credit_note.refund_failure": "credit_note.provider_refund_failure"}
"""Second names of types: what has one is told of under both, so that whoever asks for either gets it."""


def root_of(event_type: str) -> str:
    """Return the root that the object of a type stands under."""
    return EVENT_TYPES[ALIASES.get(event_type, event_type)]


def is_wanted(event_type: str, wanted: list[str] | None) -> bool:
    """Tell whether an endpoint that asks for `wanted` (None: everything) gets webhooks of a type."""
    return wanted is None or event_type in wanted
