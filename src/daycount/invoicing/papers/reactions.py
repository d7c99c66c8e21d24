"""
When documents are made without being asked for: where somebody listens for them.

Such a document is due at the instant of its invoice or credit note, in a lane of its own, so that no customer waits for it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from daycount.credit_notes import store as notes
from daycount.credit_notes.messages import CreditNoteCreated
from daycount.infra.work import Work
from daycount.invoicing import store as invoices
from daycount.invoicing.messages_life import InvoicesFinalized, InvoicesMade
from daycount.invoicing.papers.messages import DocumentKind
from daycount.invoicing.papers.operations import provide_credit_notes, provide_invoices
from daycount.webhooks.outbox import is_listened_for

MAKE: Final = "make_document"
_MOST_TOGETHER: Final = 25
"""So many are made in one transaction of a live organization; a month-end goes on with other things between."""


class PaperReactions:
    """Makes documents whose files are found at `public_url`."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url

    def on_invoices_made(self, work: Work, message: InvoicesMade | InvoicesFinalized) -> None:
        """Have the documents of final invoices made where somebody listens for them."""
        if is_listened_for(work, DocumentKind.INVOICE.webhook_type):
            _put(work, [invoice.id for invoice in message.invoices if invoice.status == "finalized"], at=work.now)

    def on_credit_note_created(self, work: Work, message: CreditNoteCreated) -> None:
        """Have the document of a credit note made where somebody listens for it."""
        if is_listened_for(work, DocumentKind.CREDIT_NOTE.webhook_type):
            _put(work, [message.credit_note.id], at=work.now)

    def make(self, work: Work, subject_ids: Sequence[UUID], due_at: datetime) -> None:
        """Make the documents of invoices and credit notes that are still final. The agenda calls it."""
        together = subject_ids if work.is_sandbox else subject_ids[:_MOST_TOGETHER]
        found = invoices.find_invoices(work.tx, organization_id=work.organization_id, ids=together)
        provide_invoices(work, [invoice for invoice in found if invoice.status == "finalized"], public_url=self._public_url)
        noted = notes.find_final(work.tx, organization_id=work.organization_id, ids=together)
        provide_credit_notes(work, noted, public_url=self._public_url)
        _put(work, subject_ids[len(together) :], at=due_at + timedelta(milliseconds=1))


def _put(work: Work, subject_ids: Sequence[UUID], *, at: datetime) -> None:
    work.agenda.put_many(MAKE, [(subject_id, subject_id, at) for subject_id in subject_ids])
