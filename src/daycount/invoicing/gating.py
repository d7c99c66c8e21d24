"""
The invoice that an activation waits for: open, which nobody sees and which has no number, until it is paid or given up.

Coupons, credit notes and wallets are used when it is made, so that what is asked for is what will be due; they are given back
when it is closed.
"""

from collections.abc import Sequence

from msgspec import structs

from daycount.customers import store as customers
from daycount.engine.calendar import Occasion
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.billing_run import bill
from daycount.invoicing.documents import Heading, find_senders
from daycount.invoicing.messages_life import InvoiceClosed, InvoicesOpened, PaymentStatusChanged
from daycount.invoicing.plain import finalize_open
from daycount.invoicing.records import Bill, Invoice
from daycount.invoicing.unused_time import give_back_unused_time
from daycount.subscriptions import gating
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.messages import ActivationCanceled, ActivationPaid, ActivationWaits
from daycount.subscriptions.records import RuleStatus, Status, Subscription
from daycount.usage.port import EventStore


def bill_waiting(work: Work, message: ActivationWaits, *, events: EventStore) -> None:
    """Make the open invoice of a row that waits; where nothing is to be paid, the row is activated at once."""
    row = message.subscription
    made = bill(work, [Bill(row.id, Occasion.STARTING, row.updated_at)], events=events)
    opened = [invoice for invoice in made if invoice.status == "open"]
    unpaid = [invoice for invoice in opened if invoice.payment_status != "succeeded"]
    if unpaid:
        work.announce(InvoicesOpened(invoices=unpaid))
        return
    for invoice in opened:
        _finalize(work, invoice)
    [row] = subscriptions.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[row.id], lock=True)
    gating.finish_waiting(work, row)


def bill_ended(work: Work, message: ActivationPaid, *, events: EventStore) -> None:
    """Bill what the row still owes that gave way to one that was paid for first, and give back what it paid for later days."""
    ended = message.ended
    if ended is None:
        return
    give_back_unused_time(work, ended, at=ended.updated_at)
    closing = Bill(ended.id, Occasion.TERMINATING, ended.updated_at, closes_boundary=message.unbilled_boundary is not None)
    bill(work, [closing], events=events)


def on_payment_status_changed(work: Work, message: PaymentStatusChanged) -> None:
    """Activate the row whose open invoice is paid, or give it up when the payment failed."""
    if message.invoice.status != "open" or message.invoice.invoice_type != "subscription":
        return
    [invoice] = store.find_invoices(work.tx, organization_id=work.organization_id, ids=[message.invoice.id], lock=True)
    for row in _waiting_rows(work, [invoice]):
        if invoice.payment_status == "succeeded":
            _finalize(work, invoice)
            gating.finish_waiting(work, row)
        elif invoice.payment_status == "failed":
            reason = gating.Reason.PAYMENT_FAILED
            gating.give_up_waiting(work, row, reason=reason, rule_status=RuleStatus.FAILED, at=work.now)


def _waiting_rows(work: Work, invoices: Sequence[Invoice]) -> list[Subscription]:
    lines = store.list_lines(work.tx, organization_id=work.organization_id, invoice_ids=[invoice.id for invoice in invoices])
    ids = [line.subscription_id for line in lines]
    found = subscriptions.find_subscriptions(work.tx, organization_id=work.organization_id, ids=ids, lock=True)
    return [row for row in found if row.status is Status.INCOMPLETE]


def _finalize(work: Work, invoice: Invoice) -> None:
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[invoice.customer_id], lock=True)
    heading = Heading(
        customer=owners[invoice.customer_id],
        currency=invoice.currency,
        at=work.now,
        purchase_order_number=invoice.purchase_order_number,
        sender=find_senders(work, [invoice], owners)[invoice.billing_entity_id],
    )
    finalize_open(work, invoice, heading)


def close_canceled(work: Work, message: ActivationCanceled) -> None:
    """Close the open invoice of a row that was given up. Announces InvoiceClosed, upon which what it used is given back."""
    for invoice in store.list_open(work.tx, organization_id=work.organization_id, subscription_id=message.subscription.id):
        closed = structs.replace(invoice, status="closed", updated_at=work.now)
        store.update_invoices(work.tx, [closed])
        work.announce(InvoiceClosed(invoice=closed))
