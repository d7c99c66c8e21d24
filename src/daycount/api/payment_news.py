"""What webhooks show of what payment providers did, or would not do."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from daycount.customers import store as customers
from daycount.customers.records import Customer
from daycount.infra.work import Work
from daycount.invoicing.records import VISIBLE_STATUSES, Invoice
from daycount.payments.records import ChargeImpossible, LinkFailed, PaymentFailed
from daycount.payments.refunds.records import RefundFailed
from daycount.payments.requests import operations as requests
from daycount.wallets import store as wallets

Shown = Sequence[tuple[UUID | None, Any]]


def _provider(customer: Customer) -> dict[str, Any]:
    configuration = customer.billing_configuration
    return {
        "lago_customer_id": str(customer.id),
        "external_customer_id": customer.external_id,
        "provider_customer_id": configuration.get("provider_customer_id"),
        "payment_provider": configuration.get("payment_provider"),
        "payment_provider_code": configuration.get("payment_provider_code"),
    }


def _owner(work: Work, customer_id: UUID) -> Customer:
    return customers.find_customers(work.tx, organization_id=work.organization_id, ids=[customer_id])[customer_id]


def _failure(message: PaymentFailed) -> dict[str, str]:
    return {"message": message.message or message.code, "error_code": message.code}


def types_of_failure(message: PaymentFailed) -> list[str]:
    """Return which webhooks tell of a payment that failed: that of its invoice, if it is seen, of its purchase, or of its request."""
    invoice = message.invoice
    if invoice is None:
        return ["payment_request.payment_failure"]
    found = ["invoice.payment_failure"] if invoice.status in VISIBLE_STATUSES else []
    return [*found, *(["wallet_transaction.payment_failure"] if invoice.invoice_type == "credit" else [])]


def failed_invoice(message: PaymentFailed, work: Work) -> Shown:
    """Write an invoice that could not be paid."""
    assert message.invoice is not None
    shown = _invoice(message.invoice, _owner(work, message.payment.customer_id)) | {"provider_error": _failure(message)}
    return [(message.invoice.id, shown)]


def _invoice(invoice: Invoice, customer: Customer) -> dict[str, Any]:
    return {"lago_invoice_id": str(invoice.id), **_provider(customer), "provider_error": None, "error_details": None}


def failed_purchases(message: PaymentFailed, work: Work) -> Shown:
    """Write a purchase of credits that could not be paid."""
    assert message.invoice is not None
    provider = _provider(_owner(work, message.payment.customer_id))
    found = wallets.find_transactions(work.tx, organization_id=work.organization_id, invoice_ids=[message.invoice.id])
    return [
        (item.id, {"lago_wallet_transaction_id": str(item.id), **provider, "provider_error": _failure(message)})
        for item in found
        if item.transaction_status == "purchased"
    ]


def failed_request(message: PaymentFailed, work: Work) -> Shown:
    """Write a payment request that could not be paid."""
    assert message.payment.payment_request_id is not None
    request = requests.get_request(work, message.payment.payment_request_id)
    shown = {
        "lago_payment_request_id": str(request.request.id),
        "lago_invoice_ids": [str(one) for one in request.invoice_ids],
        **_provider(_owner(work, message.payment.customer_id)),
        "provider_error": _failure(message),
    }
    return [(request.request.id, shown)]


def impossible(message: ChargeImpossible, work: Work) -> Shown:
    """Write an invoice for which nobody can be charged."""
    shown = _invoice(message.invoice, message.customer) | {"error_details": {"code": message.code}}
    return [(message.invoice.id, shown)]


def link_failed(message: LinkFailed, work: Work) -> Shown:
    """Write a customer that a provider would not know."""
    provider = {name: value for name, value in _provider(message.customer).items() if name != "provider_customer_id"}
    return [(message.customer.id, provider | {"provider_error": {"message": message.message, "error_code": message.code}})]


def failed_refund(message: RefundFailed, work: Work) -> Shown:
    """Write a credit note whose refund a provider did not carry out."""
    refund = message.refund
    shown = {
        "lago_credit_note_id": str(refund.credit_note_id),
        **_provider(_owner(work, refund.customer_id)),
        "provider_error": {"message": message.message or message.code, "error_code": message.code},
    }
    return [(refund.credit_note_id, shown)]
