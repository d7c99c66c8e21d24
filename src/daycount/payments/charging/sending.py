"""
Asking providers: for payments that are written and not asked for yet, and for what they said they would tell later.

Many are asked at once, each in a thread that touches no database; what they answered is written in the transaction that asked. If that
is lost, the same is asked again under the same key.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

import structlog
from msgspec import structs

from daycount import errors
from daycount.customers.operations import lane_of
from daycount.infra.work import Work
from daycount.invoicing import operations as invoicing
from daycount.invoicing import store as invoices
from daycount.invoicing.records import Invoice
from daycount.organizations.payment_providers import store as connections
from daycount.organizations.payment_providers.records import Connection
from daycount.payments.charging import store
from daycount.payments.charging.collecting import SEND, ask_to_collect, is_chargeable
from daycount.payments.charging.outcomes import FOLLOW, apply_outcome, describe, is_asked_again, refuse
from daycount.payments.charging.payers import Linked, load_linked
from daycount.payments.providers.port import Charge, DisputeEvent, Outcome, PaymentEvent, PaymentState, Refused
from daycount.payments.providers.registry import Gateways
from daycount.payments.records import Payment
from daycount.payments.requests import operations as requests

MOST_AT_ONCE: Final = 40
LOOK_AGAIN: Final = timedelta(hours=1)
"""After how long a provider is asked again that did not say what became of something."""
_THREADS: Final = 8
PAUSE: Final = timedelta(seconds=1)
_QUICK_TRIES: Final = 6
MOST_TRIES: Final = 24
_log = structlog.get_logger("payments")
T = TypeVar("T")


class _Ready(NamedTuple):
    payment: Payment
    payer: Linked
    charge: Charge


def wait_after(attempts: int) -> timedelta:
    """Return how long is waited after a provider could not be reached: 3, 18, 83, 258, 627, 1298 s, then an hour each time."""
    return timedelta(seconds=attempts**4 + 2) if attempts <= _QUICK_TRIES else timedelta(hours=1)


def ask_each(calls: Sequence[Callable[[], T]]) -> list[T | errors.ProviderFailed]:
    """Call providers, several at the same time; returns what each answered, or how it failed, in order."""

    def ask(call: Callable[[], T]) -> T | errors.ProviderFailed:
        try:
            return call()
        except errors.ProviderFailed as error:
            return error

    if len(calls) <= 1:
        return [ask(call) for call in calls]
    with ThreadPoolExecutor(min(_THREADS, len(calls)), thread_name_prefix="providers") as threads:
        return list(threads.map(ask, calls))


class Sending:
    """Asks providers for payments."""

    def __init__(self, gateways: Gateways) -> None:
        self._gateways = gateways

    def send(self, work: Work, payment_ids: Sequence[UUID]) -> None:
        """
        Ask for payments, and write what became of them. The agenda calls it, with lanes held.

        Forty at once, the others a second later. What is paid meanwhile is not asked for: its payment is removed.
        """
        now, later = payment_ids[:MOST_AT_ONCE], payment_ids[MOST_AT_ONCE:]
        postponed = store.find_payments(work.tx, ids=later) if later else []
        work.agenda.put_many(SEND, [(item.id, lane_of(item.customer_id), work.now + PAUSE) for item in postponed])
        waiting = [item for item in store.find_payments(work.tx, ids=now, lock=True) if _is_unasked(item)]
        ready = self._prepare(work, waiting)
        answers = ask_each([_asking(self._gateways, item) for item in ready])
        for item, answer in zip(ready, answers, strict=True):
            self._take(work, item.payment, answer)

    def _prepare(self, work: Work, waiting: Sequence[Payment]) -> list[_Ready]:
        ids = [item.invoice_id for item in waiting if item.invoice_id is not None]
        found = invoices.find_invoices(work.tx, organization_id=work.organization_id, ids=ids, lock=True) if ids else []
        by_id = {invoice.id: invoice for invoice in found}
        linked = load_linked(work, {item.customer_id for item in waiting})
        ready, moot = [], []
        for item in waiting:
            invoice = None if item.invoice_id is None else by_id[item.invoice_id]
            payer = linked.get(item.customer_id)
            if payer is None or payer.connection.id != item.provider_id or (invoice is not None and not _is_due(invoice, item)):
                moot.append(item)
            else:
                ready.append(_Ready(item, payer, _charge(work, item, payer, invoice)))
        store.delete_payments(work.tx, ids=[item.id for item in moot])
        rest = [by_id[item.invoice_id] for item in moot if item.invoice_id is not None]
        ask_to_collect(work, [invoice for invoice in rest if is_chargeable(invoice) and invoice.customer_id in linked])
        return ready

    def _take(self, work: Work, payment: Payment, answer: Outcome | errors.ProviderFailed) -> None:
        if isinstance(answer, Outcome):
            apply_outcome(work, payment, answer)
        elif isinstance(answer, Refused) or payment.attempts + 1 >= MOST_TRIES:
            message = answer.message if isinstance(answer, Refused) else answer.code
            refuse(work, payment, code=answer.code, message=message)
        else:
            tried = structs.replace(payment, attempts=payment.attempts + 1)
            store.update_payment(work.tx, tried)
            due_at = work.now + wait_after(tried.attempts)
            work.agenda.put(SEND, subject_id=payment.id, lane_id=lane_of(payment.customer_id), due_at=due_at)

    def follow(self, work: Work, payment_ids: Sequence[UUID]) -> None:
        """Hear what became of payments that were under way; who does not say is asked again. The agenda calls it, with lanes held."""
        found = store.find_payments(work.tx, ids=payment_ids, lock=True)
        known = _connections(work, found)
        for payment in found:
            assert payment.provider_id is not None
            assert payment.provider_payment_id is not None
            connection = known[payment.provider_id]
            try:
                event = self._gateways.of(connection).follow_up(
                    connection, payment.provider_payment_id, payment.provider_method_id or "", PaymentState(payment.status)
                )
            except errors.ProviderFailed as error:
                _log.warning("a provider does not say what became of a payment", payment=str(payment.id), error=str(error))
                due_at = work.now + LOOK_AGAIN
                work.agenda.put(FOLLOW, subject_id=payment.id, lane_id=lane_of(payment.customer_id), due_at=due_at)
                continue
            if isinstance(event, PaymentEvent):
                apply_outcome(work, payment, event.outcome)
            elif isinstance(event, DisputeEvent):
                lose_disputes(work, payment, reason=event.reason)


def lose_disputes(work: Work, payment: Payment, *, reason: str | None) -> None:
    """Note that a dispute about a payment is lost, for every invoice of it. Announces DisputeLost."""
    ids = [payment.invoice_id] if payment.invoice_id is not None else requests.get_request(work, _request_of(payment)).invoice_ids
    for invoice in invoices.find_invoices(work.tx, organization_id=work.organization_id, ids=ids):
        if invoice.status in ("finalized", "voided"):
            invoicing.lose_dispute(work, invoice.id, reason=reason)


def _request_of(payment: Payment) -> UUID:
    assert payment.payment_request_id is not None
    return payment.payment_request_id


def _connections(work: Work, found: Sequence[Payment]) -> Mapping[UUID, Connection]:
    ids = {payment.provider_id for payment in found if payment.provider_id is not None}
    return {item.id: item for item in connections.find_connections(work.tx, organization_id=work.organization_id, ids=ids)}


def _is_unasked(payment: Payment) -> bool:
    return payment.status == PaymentState.PENDING and payment.provider_payment_id is None


def _is_due(invoice: Invoice, payment: Payment) -> bool:
    return is_chargeable(invoice) and invoice.total_due_amount_cents == payment.amount_cents


def _asking(gateways: Gateways, item: _Ready) -> Callable[[], Outcome]:
    return lambda: gateways.of(item.payer.connection).charge(item.payer.connection, item.charge)


def _charge(work: Work, payment: Payment, payer: Linked, invoice: Invoice | None) -> Charge:
    metadata = dict(describe(payment))
    entity = payer.customer.entity.name
    if invoice is None:
        description = f"{entity} - Overdue invoices"
    else:
        metadata |= {
            "lago_billing_entity_id": str(invoice.billing_entity_id),
            "invoice_issuing_date": invoice.issuing_date.isoformat(),
            "invoice_type": invoice.invoice_type,
        }
        description = f"{entity} - Invoice {invoice.number or invoice.id}"
    return Charge(
        key=f"payment-{payment.id}",
        payer=payer.payer,
        provider_method_id=payment.provider_method_id or "",
        amount_cents=payment.amount_cents,
        currency=payment.currency,
        description=description,
        metadata=metadata,
        is_customer_present=is_asked_again(work, payment),
    )
