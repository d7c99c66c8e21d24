"""What e-mails tell of."""

from daycount.credit_notes.messages import CreditNoteCreated
from daycount.infra.work import Work
from daycount.invoicing.messages_life import InvoicesFinalized, InvoicesMade
from daycount.mails import composing
from daycount.payments.receipts import get_receipt
from daycount.payments.records import ReceiptMade
from daycount.payments.requests.operations import get_request
from daycount.payments.requests.records import PaymentRequestMade


def on_invoices_made(work: Work, message: InvoicesMade | InvoicesFinalized) -> None:
    """Tell customers of final invoices."""
    composing.tell_invoices(work, message.invoices)


def on_credit_note_created(work: Work, message: CreditNoteCreated) -> None:
    """Tell a customer of a credit note."""
    composing.tell_credit_note(work, message.credit_note)


def on_receipt_made(work: Work, message: ReceiptMade) -> None:
    """Tell a customer of a receipt."""
    composing.tell_receipt(work, get_receipt(work, message.receipt.id))


def on_request_made(work: Work, message: PaymentRequestMade) -> None:
    """Ask a customer to pay what is overdue."""
    composing.tell_request(work, get_request(work, message.request.id))
