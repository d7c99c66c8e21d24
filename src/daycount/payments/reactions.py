"""What payments do when others announce."""

from daycount.infra.work import Work
from daycount.invoicing import operations as invoicing
from daycount.invoicing.messages_life import PaymentStatusChanged
from daycount.payments import store


def on_payment_status_changed(work: Work, message: PaymentStatusChanged) -> None:
    """Let an invoice that is not paid any more keep what payments of it were recorded."""
    invoice = message.invoice
    if invoice.payment_status != "succeeded":
        invoicing.set_total_paid(work, invoice, amount_cents=store.sum_of_invoice(work.tx, invoice_id=invoice.id))
