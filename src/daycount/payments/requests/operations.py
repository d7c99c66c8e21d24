"""Use cases of payment requests."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.catalog.fields import read_uuid
from daycount.customers.operations import get_customer, lane_of
from daycount.customers.records import Customer
from daycount.given import given, given_or_default
from daycount.infra.work import Work
from daycount.invoicing import operations as invoicing
from daycount.invoicing import store as invoices
from daycount.invoicing.records import Invoice
from daycount.payments.operations import keep_payments
from daycount.payments.records import Payment
from daycount.payments.requests import store
from daycount.payments.requests.records import (
    PaymentRequest,
    PaymentRequestInput,
    PaymentRequestMade,
    PaymentRequestStatusChanged,
    ShownRequest,
)
from daycount.payments.store import list_under_way

_STATUSES = ("pending", "succeeded", "failed")


class Asked(NamedTuple):
    """A customer and the overdue invoices it is asked for, by whose campaign if by one; without `email` its own counts."""

    customer: Customer
    invoices: Sequence[Invoice]
    email: str | None = None
    campaign_id: UUID | None = None


def create_request(work: Work, wanted: PaymentRequestInput) -> ShownRequest:
    """
    Ask for overdue invoices of a customer in one amount: what is due of them now.

    Announces PaymentRequestMade. Raises NotFound (customer, invoice), NotAllowed. Source: Lago API, payment requests.
    """
    customer = get_customer(work, given(wanted.external_customer_id, None) or "")
    found = _find_invoices(work, customer, given_or_default(wanted.lago_invoice_ids, []))
    return request_payment(work, customer, found, email=given(wanted.email, None))


def request_payment(work: Work, customer: Customer, found: Sequence[Invoice], *, email: str | None = None) -> ShownRequest:
    """Ask for overdue invoices of one currency and billing entity. Announces PaymentRequestMade. Raises NotAllowed."""
    if not all(invoice.payment_overdue for invoice in found):
        raise errors.NotAllowed("invoices_not_overdue")
    if len({invoice.currency for invoice in found}) > 1:
        raise errors.NotAllowed("invoices_have_different_currencies")
    if len({invoice.billing_entity_id for invoice in found}) > 1:
        raise errors.NotAllowed("invoices_have_different_billing_entities")
    if len(find_ready(work, found)) < len(found):
        raise errors.NotAllowed("invoices_not_ready_for_payment_processing")
    [shown] = request_payments(work, [Asked(customer, found, email=email)])
    return get_request(work, shown.request.id)


def find_ready(work: Work, found: Sequence[Invoice]) -> list[Invoice]:
    """Return the invoices for which no provider is being asked already, by themselves or with a payment request. Two queries."""
    ids = [invoice.id for invoice in found]
    busy = list_under_way(work.tx, invoice_ids=ids) | set(store.find_under_way(work.tx, invoice_ids=ids))
    return [invoice for invoice in found if invoice.id not in busy]


def request_payments(work: Work, asks: Sequence[Asked]) -> list[ShownRequest]:
    """
    Ask customers for overdue invoices, each time of one currency and billing entity: what is due of them now.

    The caller holds the customers' lanes. Announces PaymentRequestMade for each. Two statements.
    """
    made = [ShownRequest(_request_of(work, asked), [invoice.id for invoice in asked.invoices]) for asked in asks]
    if made:
        store.insert_requests(work.tx, made)
    for shown in made:
        work.announce(PaymentRequestMade(shown.request))
    return made


def _request_of(work: Work, asked: Asked) -> PaymentRequest:
    first = asked.invoices[0]
    return PaymentRequest(
        id=work.new_id(),
        organization_id=work.organization_id,
        customer_id=asked.customer.id,
        billing_entity_id=first.billing_entity_id,
        dunning_campaign_id=asked.campaign_id,
        email=asked.email or asked.customer.texts["email"],
        amount_cents=sum(invoice.total_due_amount_cents for invoice in asked.invoices),
        currency=first.currency,
        payment_status="pending",
        created_at=work.now,
        updated_at=work.now,
    )


def update_request(work: Work, request_id: UUID, changes: PaymentRequestInput) -> ShownRequest:
    """
    Say what became of a payment request: once it is paid, all its invoices are, in full.

    Announces PaymentRequestStatusChanged, and what payments of invoices announce. Raises NotFound, NotAllowed, Invalid.
    """
    status = given(changes.payment_status, None)
    if status not in _STATUSES:
        raise errors.Invalid({"payment_status": ["value_is_invalid"]})
    shown = get_request(work, request_id)
    work.agenda.hold(lane_of(shown.request.customer_id))
    request = get_request(work, request_id, lock=True).request
    if request.payment_status == status:
        return shown
    if request.payment_status == "succeeded":
        raise errors.NotAllowed("payment_request_is_already_succeeded")
    if status == "succeeded":
        paid_cents = settle_request(work, request_id)
        if paid_cents:
            keep_payments(work, [_payment_of(work, request, paid_cents)])
    else:
        _set_status(work, request, status, paid={})
    return get_request(work, request_id)


def settle_request(work: Work, request_id: UUID) -> int:
    """
    Write a payment request that is paid: so are its invoices, in full. Returns what was due of them, in minor units.

    The caller holds the customer's lane, and keeps the payment. Announces PaymentRequestStatusChanged, PaymentStatusChanged.
    """
    shown = get_request(work, request_id, lock=True)
    if shown.request.payment_status == "succeeded":
        return 0
    locked = invoices.find_invoices(work.tx, organization_id=work.organization_id, ids=shown.invoice_ids, lock=True)
    paid = {invoice.id: invoice.total_due_amount_cents for invoice in locked if invoice.total_due_amount_cents > 0}
    for invoice in locked:
        if invoice.id in paid:
            invoicing.add_payment(work, invoice, amount_cents=paid[invoice.id])
    _set_status(work, shown.request, "succeeded", paid=paid)
    return sum(paid.values())


def fail_request(work: Work, request_id: UUID) -> None:
    """Write a payment request that could not be paid. The caller holds the customer's lane. Announces PaymentRequestStatusChanged."""
    request = get_request(work, request_id, lock=True).request
    if request.payment_status == "pending":
        _set_status(work, request, "failed", paid={})


def _set_status(work: Work, request: PaymentRequest, status: str, *, paid: Mapping[UUID, int]) -> None:
    changed = structs.replace(request, payment_status=status, updated_at=work.now)
    store.update_status(work.tx, changed, paid=paid)
    work.announce(PaymentRequestStatusChanged(changed, paid))


def _payment_of(work: Work, request: PaymentRequest, amount_cents: int) -> Payment:
    return Payment(
        id=work.new_id(),
        organization_id=work.organization_id,
        customer_id=request.customer_id,
        invoice_id=None,
        payment_request_id=request.id,
        amount_cents=amount_cents,
        currency=request.currency,
        payment_type="manual",
        status="succeeded",
        reference=None,
        created_at=work.now,
    )


def get_request(work: Work, request_id: UUID, *, lock: bool = False) -> ShownRequest:
    """Return a payment request. Raises NotFound."""
    found = store.find_request(work.tx, organization_id=work.organization_id, request_id=request_id, lock=lock)
    if found is None:
        raise errors.NotFound("payment_request")
    return found


def _find_invoices(work: Work, customer: Customer, texts: Sequence[str]) -> list[Invoice]:
    """Return a customer's invoices, locked, so that what is due of them stays. Raises NotFound (invoice)."""
    ids = {one for text in texts if (one := read_uuid(text)) is not None}
    work.agenda.hold(lane_of(customer.id))
    found = invoices.find_invoices(work.tx, organization_id=work.organization_id, ids=list(ids), lock=True) if ids else []
    own = [invoice for invoice in found if invoice.customer_id == customer.id]
    if not own or len(own) != len(set(texts)):
        raise errors.NotFound("invoice")
    return own
