"""What payments do when others announce."""

from daycount.infra.work import Work
from daycount.invoicing import operations as invoicing
from daycount.invoicing.messages_life import InvoicesMade, PaymentStatusChanged
from daycount.payments import store
from daycount.payments.operations import by_hand, keep_payments

PAID_IN_ADVANCE = "Charges paid in advance"
"""What payments of invoices refer to that gather fees paid one by one."""


def on_payment_status_changed(work: Work, message: PaymentStatusChanged) -> None:
    """Let an invoice that is not paid any more keep what payments of it were recorded."""
    invoice = message.invoice
    if invoice.payment_status != "succeeded":
        invoicing.set_total_paid(work, invoice, amount_cents=store.sum_of_invoice(work.tx, invoice_id=invoice.id))


def on_invoices_made(work: Work, message: InvoicesMade) -> None:
    """Record the payments of invoices that gather fees which were paid one by one."""
    gathered = [row for row in message.invoices if row.invoice_type == "advance_charges" and row.total_paid_amount_cents > 0]
    if gathered:
        made = [
            by_hand(work, row, amount_cents=row.total_paid_amount_cents, reference=PAID_IN_ADVANCE, paid_at=row.created_at)
            for row in gathered
        ]
        keep_payments(work, made)
