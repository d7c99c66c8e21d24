"""
What became of payments: written, and told to what they pay. A payment that succeeded stays so, whatever comes later.

Callers hold the customer's lane.
"""

from collections.abc import Mapping
from typing import Final

import structlog
from msgspec import structs

from daycount.customers.operations import lane_of
from daycount.infra.work import Work
from daycount.invoicing import operations as invoicing
from daycount.invoicing import store as invoices
from daycount.invoicing.records import Invoice
from daycount.payments.charging import store
from daycount.payments.charging.collecting import ask_to_collect
from daycount.payments.providers.port import Outcome, PaymentState
from daycount.payments.receipts import give_receipts
from daycount.payments.records import Payment, PaymentConfirmed, PaymentFailed, PaymentWaits
from daycount.payments.requests.operations import fail_request, settle_request

FOLLOW: Final = "follow_payment"
TOO_SMALL: Final = "amount_too_small"
NEEDS_CUSTOMER: Final = "authentication_required"
_log = structlog.get_logger("payments")


def apply_outcome(work: Work, payment: Payment, outcome: Outcome) -> Payment:
    """
    Write what a provider says of a payment, and do what follows. That it failed is told once.

    Paid: the invoice's amount paid grows, never beyond what is due. Failed: the invoice is too, unless it is paid by now.
    Announces what payments of invoices announce, PaymentFailed, PaymentWaits, PaymentConfirmed.
    """
    if payment.status == PaymentState.SUCCEEDED:
        return _confirm(work, payment, outcome)
    is_known = payment.provider_payment_id == outcome.provider_id
    if is_known and payment.status == PaymentState.FAILED and outcome.state is PaymentState.FAILED:
        return payment
    changed = structs.replace(
        payment,
        provider_payment_id=outcome.provider_id,
        provider_status=outcome.status,
        status=outcome.state.value,
        error_code=outcome.error_code,
        next_action=outcome.next_action,
    )
    store.update_payment(work.tx, changed)
    if outcome.follows_after is not None:
        due_at = work.now + outcome.follows_after
        work.agenda.put(FOLLOW, subject_id=changed.id, lane_id=lane_of(changed.customer_id), due_at=due_at)
    match outcome.state:
        case PaymentState.SUCCEEDED:
            _pay(work, changed)
            return _confirm(work, changed, outcome)
        case PaymentState.FAILED:
            _fail(work, changed, code=outcome.error_code or outcome.status, message=outcome.error_message or "")
        case PaymentState.PENDING | PaymentState.PROCESSING:
            _wait(work, changed)
            if changed.next_action and not payment.next_action:
                work.announce(PaymentWaits(changed))
    return changed


def refuse(work: Work, payment: Payment, *, code: str, message: str) -> None:
    """Write that a provider would not take a payment at all. Announces PaymentFailed."""
    failed = structs.replace(payment, status=PaymentState.FAILED.value, provider_status="failed", error_code=code, next_action={})
    store.update_payment(work.tx, failed)
    _fail(work, failed, code=code, message=message)


def _confirm(work: Work, payment: Payment, outcome: Outcome) -> Payment:
    if not (outcome.is_confirmed and outcome.state is PaymentState.SUCCEEDED) or payment.confirmed_at is not None:
        return payment
    confirmed = structs.replace(payment, confirmed_at=work.now)
    store.update_payment(work.tx, confirmed)
    if confirmed.invoice_id is not None:
        work.announce(PaymentConfirmed(confirmed))
    return confirmed


def _pay(work: Work, payment: Payment) -> None:
    if payment.payment_request_id is not None:
        settle_request(work, payment.payment_request_id)
    else:
        invoice = _lock(work, payment)
        taken = min(payment.amount_cents, max(invoice.total_due_amount_cents, 0))
        if taken:
            invoicing.add_payment(work, invoice, amount_cents=taken)
        if taken < payment.amount_cents:
            _log.warning("a provider took more than was due", payment=str(payment.id), beyond_cents=payment.amount_cents - taken)
    give_receipts(work, [payment])


def _fail(work: Work, payment: Payment, *, code: str, message: str) -> None:
    if payment.payment_request_id is not None:
        fail_request(work, payment.payment_request_id)
        work.announce(PaymentFailed(payment=payment, invoice=None, code=code, message=message))
        return
    invoice = _lock(work, payment)
    if code == TOO_SMALL:
        return
    if code == NEEDS_CUSTOMER and not is_asked_again(work, payment):
        ask_to_collect(work, [invoice])
        return
    if invoice.payment_status == "pending" and invoice.status in ("finalized", "open"):
        invoicing.set_payment_status(work, invoice, "failed")
    work.announce(PaymentFailed(payment=payment, invoice=invoice, code=code, message=message))


def is_asked_again(work: Work, payment: Payment) -> bool:
    """Tell whether an earlier payment of the same invoice failed because the customer had to be there."""
    if payment.invoice_id is None:
        return False
    return store.has_needed_customer(work.tx, invoice_id=payment.invoice_id, besides=payment.id)


def _wait(work: Work, payment: Payment) -> None:
    """Let an invoice that failed before be open again while another payment is under way."""
    if payment.invoice_id is None:
        return
    invoice = _lock(work, payment)
    if invoice.payment_status == "failed" and invoice.status == "finalized":
        invoicing.set_payment_status(work, invoice, "pending")


def _lock(work: Work, payment: Payment) -> Invoice:
    assert payment.invoice_id is not None
    [invoice] = invoices.find_invoices(work.tx, organization_id=work.organization_id, ids=[payment.invoice_id], lock=True)
    return invoice


def describe(payment: Payment) -> Mapping[str, str]:
    """Return what a provider keeps with a payment, so that its webhooks name what they are about."""
    named = {"lago_payment_id": payment.id, "lago_customer_id": payment.customer_id, "lago_organization_id": payment.organization_id}
    if payment.invoice_id is not None:
        named["lago_invoice_id"] = payment.invoice_id
    if payment.payment_request_id is not None:
        named["lago_payable_id"] = payment.payment_request_id
    return {name: str(value) for name, value in named.items()}
