"""What e-mails tell of."""

from uuid import UUID

from daycount.credit_notes.messages import CreditNoteCreated
from daycount.infra.work import Work
from daycount.invoicing.messages_life import InvoicesFinalized, InvoicesMade
from daycount.mails import composing
from daycount.payments.charging.payers import is_charged
from daycount.payments.charging.store import find_linked
from daycount.payments.checkout.providing import Checkout
from daycount.payments.checkout.records import About, Door
from daycount.payments.receipts import get_receipt
from daycount.payments.records import PaymentFailed, ReceiptMade
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


class RequestMails:
    """Asks customers to pay what is overdue, and says where they can."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout

    def on_request_made(self, work: Work, message: PaymentRequestMade) -> None:
        """Ask a customer to pay what is overdue, unless its provider is asked first."""
        if not is_charged(work, message.request.customer_id):
            self._tell(work, message.request.id)

    def on_payment_failed(self, work: Work, message: PaymentFailed) -> None:
        """Ask a customer to pay what its provider could not take."""
        if message.payment.payment_request_id is not None:
            self._tell(work, message.payment.payment_request_id)

    def _tell(self, work: Work, request_id: UUID) -> None:
        shown = get_request(work, request_id)
        door = Door(work.organization_id, About.REQUEST, request_id)
        has_page = bool(find_linked(work.tx, customer_ids=[shown.request.customer_id]))
        composing.tell_request(work, shown, link=self._checkout.url_of(work, door) if has_page else None)
