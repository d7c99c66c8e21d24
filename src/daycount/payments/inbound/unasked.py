"""
Payments that providers tell of, found or made: what was paid on a provider's page had no payment of ours before.

Such a payment names, in what the provider keeps with it, the invoice or payment request it is for.
"""

from uuid import UUID

from daycount.catalog.fields import read_uuid
from daycount.customers.payment_methods import store as methods
from daycount.infra.work import Work
from daycount.invoicing import store as invoices
from daycount.invoicing.records import Invoice
from daycount.organizations.payment_providers.records import Connection
from daycount.payments import store as recorded
from daycount.payments.charging import store as payments
from daycount.payments.providers.port import PaymentEvent, PaymentState
from daycount.payments.records import Payment
from daycount.payments.requests import store as requests
from daycount.payments.requests.records import PaymentRequest

_PAYABLE = ("finalized", "open", "voided")


def find_payment_of(work: Work, connection: Connection, event: PaymentEvent, *, lock: bool = False) -> Payment | None:
    """
    Return our payment that an event is about; `lock` holds its row.

    By the provider's id of it, or, where its answer has not reached us yet, by our own id that the provider keeps.
    """
    told = event.outcome.provider_id
    found = payments.find_by_provider_id(work.tx, provider_id=connection.id, provider_payment_id=told, lock=lock)
    own_id = read_uuid(event.metadata.get("lago_payment_id", ""))
    if found is not None or own_id is None:
        return found
    named = payments.find_payments(work.tx, ids=[own_id], lock=lock)
    return next((one for one in named if one.provider_id == connection.id and one.provider_payment_id is None), None)


def find_owner_of(work: Work, event: PaymentEvent) -> UUID | None:
    """Return the customer of the invoice or payment request that a payment names; None where it names none of ours."""
    invoice, request = _find_invoice(work, event, lock=False), _find_request(work, event)
    if invoice is not None:
        return invoice.customer_id
    return None if request is None else request.customer_id


def write_unasked(work: Work, connection: Connection, event: PaymentEvent) -> Payment | None:
    """
    Write a payment that we did not ask for, as one that has brought nothing yet. The caller holds the lane.

    None where it names nothing of ours that can be paid, or is under way while we ask for another payment of the same.
    """
    invoice, request = _find_invoice(work, event, lock=True), _find_request(work, event)
    owner = invoice or request
    if owner is None or event.amount_cents <= 0 or event.currency != owner.currency:
        return None
    if event.outcome.state not in (PaymentState.SUCCEEDED, PaymentState.FAILED):
        ids = ([invoice.id] if invoice is not None else [], [request.id] if request is not None else [])
        if payments.find_under_way(work.tx, invoice_ids=ids[0], request_ids=ids[1]):
            return None
    known = methods.find_by_provider_id(work.tx, provider_id=connection.id, provider_method_id=event.provider_method_id or "")
    own = next((method.id for method in known if method.customer_id == owner.customer_id), None)
    payment = Payment(
        id=work.new_id(),
        organization_id=work.organization_id,
        customer_id=owner.customer_id,
        invoice_id=None if invoice is None else invoice.id,
        payment_request_id=None if invoice is not None or request is None else request.id,
        amount_cents=event.amount_cents,
        currency=owner.currency,
        payment_type="provider",
        status=PaymentState.FAILED.value,
        reference=None,
        created_at=work.now,
        provider_id=connection.id,
        provider_customer_id=event.provider_customer_id,
        provider_method_id=event.provider_method_id,
        payment_method_id=own,
    )
    recorded.insert_payments(work.tx, [payment])
    return payment


def _find_invoice(work: Work, event: PaymentEvent, *, lock: bool) -> Invoice | None:
    invoice_id = read_uuid(event.metadata.get("lago_invoice_id", ""))
    if invoice_id is None:
        return None
    found = invoices.find_invoices(work.tx, organization_id=work.organization_id, ids=[invoice_id], lock=lock)
    return next((invoice for invoice in found if invoice.status in _PAYABLE), None)


def _find_request(work: Work, event: PaymentEvent) -> PaymentRequest | None:
    request_id = read_uuid(event.metadata.get("lago_payable_id", ""))
    if request_id is None:
        return None
    shown = requests.find_request(work.tx, organization_id=work.organization_id, request_id=request_id)
    return None if shown is None else shown.request
