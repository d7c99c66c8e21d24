"""
Giving back through the provider that took it what a credit note refunds.

    credit note ──► refund, pending ──► provider ──► outcome ──► refund_status of the note
                    committed first     same key, however often

A refund is written, and committed, with its credit note; the agenda asks the provider in a transaction after, under the credit note's
key. Whatever dies in between, the money goes back once.
"""

from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

import structlog
from msgspec import structs

from daycount import errors
from daycount.credit_notes.messages import CreditNoteCreated
from daycount.credit_notes.operations import set_refund_status
from daycount.customers.operations import lane_of
from daycount.infra.work import Work
from daycount.organizations.payment_providers import store as connections
from daycount.organizations.payment_providers.records import Connection
from daycount.payments.charging import store as payments
from daycount.payments.charging.sending import LOOK_AGAIN, MOST_AT_ONCE, MOST_TRIES, PAUSE, ask_each, wait_after
from daycount.payments.providers.port import MoneyBack, Outcome, PaymentState, Refused
from daycount.payments.providers.registry import Gateways
from daycount.payments.records import Payment
from daycount.payments.refunds import store
from daycount.payments.refunds.records import Refund, RefundFailed

REFUND: Final = "send_refund"
FOLLOW_REFUND: Final = "follow_refund"
PENDING, SUCCEEDED, FAILED = "pending", "succeeded", "failed"
_log = structlog.get_logger("payments")
_RANKS: Final = {PENDING: 0, SUCCEEDED: 1, FAILED: 2}
"""What is said later but stands lower changes nothing: a refund that arrived may come back, one that failed stays so."""


class Refunding:
    """Gives money back."""

    def __init__(self, gateways: Gateways) -> None:
        self._gateways = gateways

    def on_credit_note_created(self, work: Work, message: CreditNoteCreated) -> None:
        """
        Have a refund carried out by the provider that took the latest payment of the invoice.

        Where that was recorded by hand, or its provider is not connected any more, somebody says by hand what became of the refund.
        The caller holds the customer's lane.
        """
        note = message.credit_note
        payment = store.find_latest_payment(work.tx, invoice_id=note.invoice_id) if note.refund_amount_cents else None
        if payment is None or payment.provider_id is None or payment.provider_payment_id is None:
            return
        live = connections.find_connections(work.tx, organization_id=work.organization_id)
        if payment.provider_id not in {connection.id for connection in live}:
            return
        refund = Refund(
            id=work.new_id(),
            organization_id=work.organization_id,
            customer_id=note.customer_id,
            credit_note_id=note.id,
            payment_id=payment.id,
            provider_id=payment.provider_id,
            amount_cents=note.refund_amount_cents,
            currency=note.currency,
            status=PENDING,
            created_at=work.now,
        )
        store.insert_refund(work.tx, refund)
        work.agenda.put(REFUND, subject_id=refund.id, lane_id=lane_of(refund.customer_id), due_at=work.now)

    def refund(self, work: Work, refund_ids: Sequence[UUID]) -> None:
        """
        Ask providers to give back what they were not asked for yet. The agenda calls it, with lanes held.

        More than is left of a payment is not asked for: the refund fails.
        """
        now, later = refund_ids[:MOST_AT_ONCE], refund_ids[MOST_AT_ONCE:]
        postponed = store.find_refunds(work.tx, ids=later) if later else []
        work.agenda.put_many(REFUND, [(item.id, lane_of(item.customer_id), work.now + PAUSE) for item in postponed])
        waiting = [item for item in store.find_refunds(work.tx, ids=now, lock=True) if _is_unasked(item)]
        paid = {item.id: item for item in payments.find_payments(work.tx, ids={item.payment_id for item in waiting})}
        before = store.sum_before(work.tx, refunds=waiting)
        known = _connections(work, waiting)
        possible = [item for item in waiting if before.get(item.id, 0) + item.amount_cents <= paid[item.payment_id].amount_cents]
        for item in waiting:
            if item not in possible:
                _fail(work, item, code="refund_exceeds_payment", message="Less than the refund is left of the invoice's latest payment.")
        calls = [self._asking(known[item.provider_id], item, paid[item.payment_id]) for item in possible]
        for item, answer in zip(possible, ask_each(calls), strict=True):
            _take(work, item, answer)

    def _asking(self, connection: Connection, refund: Refund, payment: Payment) -> Callable[[], Outcome]:
        assert payment.provider_payment_id is not None
        wanted = MoneyBack(
            key=f"credit-note-{refund.credit_note_id}",
            provider_payment_id=payment.provider_payment_id,
            provider_method_id=payment.provider_method_id or "",
            amount_cents=refund.amount_cents,
            currency=refund.currency,
            metadata={
                "lago_customer_id": str(refund.customer_id),
                "lago_organization_id": str(refund.organization_id),
                "lago_credit_note_id": str(refund.credit_note_id),
            },
        )
        return lambda: self._gateways.of(connection).refund(connection, wanted)

    def follow(self, work: Work, refund_ids: Sequence[UUID]) -> None:
        """Hear what became of refunds that were under way; who does not say is asked again. The agenda calls it, with lanes held."""
        found = store.find_refunds(work.tx, ids=refund_ids, lock=True)
        known = _connections(work, found)
        paid = {item.id: item for item in payments.find_payments(work.tx, ids={item.payment_id for item in found})}
        for refund in found:
            assert refund.provider_refund_id is not None
            connection, method = known[refund.provider_id], paid[refund.payment_id].provider_method_id or ""
            try:
                outcome = self._gateways.of(connection).follow_refund(connection, refund.provider_refund_id, method)
            except errors.ProviderFailed as error:
                _log.warning("a provider does not say what became of a refund", refund=str(refund.id), error=str(error))
                due_at = work.now + LOOK_AGAIN
                work.agenda.put(FOLLOW_REFUND, subject_id=refund.id, lane_id=lane_of(refund.customer_id), due_at=due_at)
                continue
            if outcome is not None:
                apply_refund(work, refund, outcome)


def apply_refund(work: Work, refund: Refund, outcome: Outcome) -> Refund:
    """
    Write what a provider says of a refund, and the credit note's `refund_status`. The caller holds the lane and the refund's row.

    Announces RefundFailed, once.
    """
    status = _status_of(outcome.state)
    is_known = refund.provider_refund_id == outcome.provider_id
    if status == PENDING == refund.status and outcome.follows_after is not None:
        due_at = work.now + outcome.follows_after
        work.agenda.put(FOLLOW_REFUND, subject_id=refund.id, lane_id=lane_of(refund.customer_id), due_at=due_at)
    if _RANKS[status] < _RANKS[refund.status] or (is_known and status == refund.status):
        return refund
    asked = structs.replace(refund, provider_refund_id=outcome.provider_id, provider_status=outcome.status)
    if status == FAILED:
        return _fail(work, asked, code=outcome.error_code or outcome.status, message=outcome.error_message or "")
    changed = structs.replace(asked, status=status)
    store.update_refund(work.tx, changed)
    if status == SUCCEEDED:
        set_refund_status(work, refund.credit_note_id, SUCCEEDED)
    return changed


def _take(work: Work, refund: Refund, answer: Outcome | errors.ProviderFailed) -> None:
    if isinstance(answer, Outcome):
        apply_refund(work, refund, answer)
    elif isinstance(answer, Refused) or refund.attempts + 1 >= MOST_TRIES:
        _fail(work, refund, code=answer.code, message=answer.message if isinstance(answer, Refused) else answer.code)
    else:
        tried = structs.replace(refund, attempts=refund.attempts + 1)
        store.update_refund(work.tx, tried)
        due_at = work.now + wait_after(tried.attempts)
        work.agenda.put(REFUND, subject_id=refund.id, lane_id=lane_of(refund.customer_id), due_at=due_at)


def _fail(work: Work, refund: Refund, *, code: str, message: str) -> Refund:
    failed = structs.replace(refund, status=FAILED, error_code=code)
    store.update_refund(work.tx, failed)
    set_refund_status(work, refund.credit_note_id, FAILED)
    work.announce(RefundFailed(refund=failed, code=code, message=message))
    return failed


def _status_of(state: PaymentState) -> str:
    return {PaymentState.SUCCEEDED: SUCCEEDED, PaymentState.FAILED: FAILED}.get(state, PENDING)


def _is_unasked(refund: Refund) -> bool:
    return refund.status == PENDING and refund.provider_refund_id is None


def _connections(work: Work, found: Sequence[Refund]) -> dict[UUID, Connection]:
    ids = {refund.provider_id for refund in found}
    return {item.id: item for item in connections.find_connections(work.tx, organization_id=work.organization_id, ids=ids)}
