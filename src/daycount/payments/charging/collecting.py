"""
What is to be charged: an invoice that became final, or open, gets a payment; a provider is asked for it in the transaction after.

    invoice ──► collect ──► payment, pending ──► send ──► provider ──► outcome
              (agenda)     committed first      (agenda)  same key, however often

A payment is written, and committed, before its provider is asked, and its id is the key it is asked with: whatever dies in between,
the customer is charged once. The database keeps payments under way to one for every invoice and payment request.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from daycount.customers.operations import lane_of
from daycount.customers.payment_methods.records import MANUAL, PaymentMethod, Reference
from daycount.infra.work import Work
from daycount.invoicing import store as invoices
from daycount.invoicing.deadlines import COLLECT
from daycount.invoicing.messages_life import InvoicesFinalized, InvoicesMade, InvoicesOpened, PaymentChosen
from daycount.invoicing.records import Invoice
from daycount.organizations.payment_providers import store as connections
from daycount.payments import store as payments
from daycount.payments.charging import store
from daycount.payments.charging.payers import Linked, load_linked
from daycount.payments.records import Payment
from daycount.payments.requests import store as requests
from daycount.payments.requests.records import PaymentRequestMade

COLLECT_REQUEST: Final = "collect_request"
SEND: Final = "send_payment"
_CHARGEABLE: Final = ("finalized", "open")


def is_chargeable(invoice: Invoice) -> bool:
    """Tell whether something can be charged for an invoice."""
    is_open = invoice.status in _CHARGEABLE and invoice.payment_status != "succeeded" and not invoice.self_billed
    return is_open and invoice.total_due_amount_cents > 0


def on_invoices_made(work: Work, message: InvoicesMade | InvoicesFinalized | InvoicesOpened) -> None:
    """Have invoices paid whose customers are linked to a provider. One small query where nobody is."""
    due = [invoice for invoice in message.invoices if is_chargeable(invoice)]
    if not due or not connections.has_connections(work.tx, organization_id=work.organization_id):
        return
    linked = store.find_linked(work.tx, customer_ids=[invoice.customer_id for invoice in due])
    ask_to_collect(work, [invoice for invoice in due if invoice.customer_id in linked])


def on_payment_chosen(work: Work, message: PaymentChosen) -> None:
    """Pay a one-off invoice the way that was said with it, or do not."""
    if message.is_skipped or message.kind == MANUAL:
        work.agenda.drop_kind(COLLECT, subject_id=message.invoice.id)
    if message.kind is not None:
        reference = Reference(message.kind, message.method_id)
        store.save_choice(work.tx, organization_id=work.organization_id, invoice_id=message.invoice.id, reference=reference)


def ask_to_collect(work: Work, found: Sequence[Invoice]) -> None:
    """Have invoices paid right after this."""
    work.agenda.put_many(COLLECT, [(invoice.id, lane_of(invoice.customer_id), work.now) for invoice in found])


def on_request_made(work: Work, message: PaymentRequestMade) -> None:
    """Have a payment request paid whose customer is linked to a provider."""
    request = message.request
    if store.find_linked(work.tx, customer_ids=[request.customer_id]):
        work.agenda.put(COLLECT_REQUEST, subject_id=request.id, lane_id=lane_of(request.customer_id), due_at=work.now)


def collect(work: Work, invoice_ids: Sequence[UUID]) -> list[Payment]:
    """
    Write the payments of invoices that can be charged now and are not being charged. The agenda calls it, with lanes held.

    Who pays by hand, or has no payment method, is not charged. A constant number of statements.
    """
    found = invoices.find_invoices(work.tx, organization_id=work.organization_id, ids=invoice_ids, lock=True)
    due = [invoice for invoice in found if is_chargeable(invoice)]
    if not due:
        return []
    ids = [invoice.id for invoice in due]
    linked = load_linked(work, {invoice.customer_id for invoice in due})
    references = store.find_references(work.tx, invoice_ids=ids)
    busy = {payment.invoice_id for payment in store.find_under_way(work.tx, invoice_ids=ids)}
    busy |= set(requests.find_under_way(work.tx, invoice_ids=ids))
    made = []
    for invoice in due:
        payer = linked.get(invoice.customer_id)
        method = None if payer is None else payer.method_for(references.get(invoice.id, Reference()))
        if payer is not None and method is not None and invoice.id not in busy:
            cents = invoice.total_due_amount_cents
            made.append(_payment(work, payer, method, invoice_id=invoice.id, cents=cents, currency=invoice.currency))
    _write(work, made)
    return made


def collect_requests(work: Work, request_ids: Sequence[UUID]) -> None:
    """Write the payments of payment requests. The agenda calls it, with lanes held."""
    pending = [
        shown
        for shown in requests.find_requests(work.tx, organization_id=work.organization_id, ids=request_ids)
        if shown.request.payment_status != "succeeded"
    ]
    linked = load_linked(work, {shown.request.customer_id for shown in pending})
    busy = {payment.payment_request_id for payment in store.find_under_way(work.tx, request_ids=request_ids)}
    made = []
    for shown in pending:
        request = shown.request
        payer = linked.get(request.customer_id)
        method = None if payer is None else payer.method_for(Reference())
        if payer is not None and method is not None and request.id not in busy and request.amount_cents > 0:
            made.append(_payment(work, payer, method, request_id=request.id, cents=request.amount_cents, currency=request.currency))
    _write(work, made)


def _write(work: Work, made: Sequence[Payment]) -> None:
    payments.insert_payments(work.tx, made)
    work.agenda.put_many(SEND, [(payment.id, lane_of(payment.customer_id), work.now) for payment in made])


def _payment(
    work: Work,
    payer: Linked,
    method: PaymentMethod,
    *,
    cents: int,
    currency: str,
    invoice_id: UUID | None = None,
    request_id: UUID | None = None,
) -> Payment:
    return Payment(
        id=work.new_id(),
        organization_id=work.organization_id,
        customer_id=payer.customer.id,
        invoice_id=invoice_id,
        payment_request_id=request_id,
        amount_cents=cents,
        currency=currency,
        payment_type="provider",
        status="pending",
        reference=None,
        created_at=work.now,
        provider_id=payer.connection.id,
        provider_customer_id=payer.customer.billing_configuration.get("provider_customer_id"),
        provider_method_id=method.provider_method_id,
        payment_method_id=method.id,
        provider_status="pending",
    )
