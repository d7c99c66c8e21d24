"""Use cases of payments that somebody records."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from daycount import errors
from daycount.customers.operations import lane_of
from daycount.given import given
from daycount.infra.work import Work
from daycount.invoicing import operations as invoicing
from daycount.invoicing import store as invoices
from daycount.invoicing.records import Invoice
from daycount.payments import store
from daycount.payments.receipts import give_receipts
from daycount.payments.records import Payment, PaymentInput, PaymentMade, ShownPayment
from daycount.payments.requests import store as requests
from daycount.periods import parse_instant

_MAX_REFERENCE = 40
_MAX_DIGITS = 18
_PAYABLE = ("finalized", "open")


def record_payment(work: Work, wanted: PaymentInput) -> ShownPayment:
    """
    Record that an invoice was paid by hand, in full or in part; a purchase of credits only in full.

    Holds the customer's lane and locks the invoice. Announces PaymentMade, and PaymentStatusChanged when nothing is due any more, and
    ReceiptMade. Raises NotFound (invoice), Forbidden, Invalid. Source: Lago API, payments.
    """
    text = given(wanted.invoice_id, None)
    if not text:
        raise errors.Invalid({"invoice_id": ["value_is_mandatory"]})
    amount = _read_amount(wanted.amount_cents)
    invoice = _lock(work, text)
    paid_at = _paid_at(work, given(wanted.paid_at, None))
    reference = given(wanted.reference, None)
    if not (reference or "").strip():
        raise errors.Invalid({"reference": ["value_is_mandatory"]})
    if len(reference or "") > _MAX_REFERENCE:
        raise errors.Invalid({"reference": ["value_is_too_long"]})
    if requests.is_settled(work.tx, invoice_id=invoice.id):
        raise errors.Invalid({"base": ["payment_request_is_already_succeeded"]})
    if invoice.invoice_type == "credit" and amount != invoice.total_amount_cents:
        raise errors.Invalid({"amount_cents": ["invalid_amount"]})
    if amount > invoice.total_due_amount_cents:
        raise errors.Invalid({"amount_cents": ["value_is_out_of_range"]})
    payment = by_hand(work, invoice, amount_cents=amount, reference=reference, paid_at=paid_at)
    invoicing.add_payment(work, invoice, amount_cents=payment.amount_cents)
    keep_payments(work, [payment])
    return get_payment(work, payment.id)


def by_hand(work: Work, invoice: Invoice, *, amount_cents: int, reference: str | None, paid_at: datetime) -> Payment:
    """Make the payment of an invoice, in minor units, that no provider took."""
    return Payment(
        id=work.new_id(),
        organization_id=work.organization_id,
        customer_id=invoice.customer_id,
        invoice_id=invoice.id,
        payment_request_id=None,
        amount_cents=amount_cents,
        currency=invoice.currency,
        payment_type="manual",
        status="succeeded",
        reference=reference,
        created_at=paid_at,
    )


def keep_payments(work: Work, payments: Sequence[Payment]) -> None:
    """Keep payments and give receipts for them; the caller holds the customers' lanes. Announces PaymentMade and ReceiptMade."""
    store.insert_payments(work.tx, payments)
    for payment in payments:
        work.announce(PaymentMade(payment))
    give_receipts(work, payments)


def _read_amount(value: object) -> int:
    """Read an amount in minor units, more than 0. Raises Invalid."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _MAX_DIGITS:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise errors.Invalid({"amount_cents": ["invalid_value"]})
    return value


def _lock(work: Work, text: str) -> Invoice:
    try:
        invoice_id = UUID(text)
    except ValueError as error:
        raise errors.NotFound("invoice") from error
    found = invoices.find_invoices(work.tx, organization_id=work.organization_id, ids=[invoice_id])
    if not found:
        raise errors.NotFound("invoice")
    work.agenda.hold(lane_of(found[0].customer_id))
    [invoice] = invoices.find_invoices(work.tx, organization_id=work.organization_id, ids=[invoice_id], lock=True)
    if invoice.status not in _PAYABLE:
        raise errors.Forbidden("invoice_not_payable")
    return invoice


def _paid_at(work: Work, text: str | None) -> datetime:
    if not text:
        return work.now
    try:
        return parse_instant(text)
    except ValueError as error:
        raise errors.Invalid({"paid_at": ["invalid_date"]}) from error


def get_payment(work: Work, payment_id: UUID) -> ShownPayment:
    """Return a payment. Raises NotFound."""
    found = store.find_payment(work.tx, organization_id=work.organization_id, payment_id=payment_id)
    if found is None:
        raise errors.NotFound("payment")
    return found
