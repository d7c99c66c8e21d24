"""
Spending: how invoices use what is left of credit notes.

Balances are loaded for all customers of a run, used invoice by invoice, the oldest note first, and written once. The caller
holds the customers.
"""

from collections.abc import Sequence
from uuid import UUID

from daycount.credit_notes import store
from daycount.credit_notes.records import CreditNote, CreditNoteUse
from daycount.engine.credits import CreditNoteBalance, CreditUse
from daycount.infra.work import Work


class Balances:
    """What is left of customers' credit notes while the invoices of one work are made."""

    def __init__(self, notes: Sequence[CreditNote]) -> None:
        self._notes: dict[tuple[UUID, str], list[CreditNote]] = {}
        for note in notes:
            self._notes.setdefault((note.customer_id, note.currency), []).append(note)
        self._left = {note.id: note.balance_amount_cents for note in notes}
        self._uses: list[CreditNoteUse] = []

    def offered(self, customer_id: UUID, *, currency: str, invoice_id: UUID | None = None) -> list[CreditNoteBalance]:
        """Return what an invoice may use, the oldest first; never a note of that same invoice."""
        return [
            CreditNoteBalance(note.id, self._left[note.id])
            for note in self._notes.get((customer_id, currency), ())
            if note.invoice_id != invoice_id and self._left[note.id] > 0
        ]

    def take(self, work: Work, *, invoice_id: UUID, uses: Sequence[CreditUse]) -> None:
        """Note what an invoice used."""
        for use in uses:
            self._left[use.source_id] -= use.amount_cents
            self._uses.append(
                CreditNoteUse(
                    id=work.new_id(),
                    organization_id=work.organization_id,
                    credit_note_id=use.source_id,
                    invoice_id=invoice_id,
                    amount_cents=use.amount_cents,
                    created_at=work.now,
                    returned_at=None,
                )
            )

    def write(self, work: Work) -> None:
        """Write what was used. Two statements where something was."""
        if not self._uses:
            return
        used: dict[UUID, int] = {}
        for use in self._uses:
            used[use.credit_note_id] = used.get(use.credit_note_id, 0) - use.amount_cents
        store.change_balances(work.tx, changes=used, at=work.now)
        store.insert_uses(work.tx, self._uses)
        self._uses = []


def load_balances(work: Work, customer_ids: Sequence[UUID]) -> Balances:
    """Load what is left of customers' credit notes. One query."""
    if not customer_ids:
        return Balances(())
    return Balances(store.list_available(work.tx, organization_id=work.organization_id, customer_ids=customer_ids))


def give_back(work: Work, *, invoice_id: UUID) -> None:
    """Return to credit notes what a voided invoice used of them; a note that is void itself stays so."""
    uses = [use for use, _ in store.list_uses(work.tx, organization_id=work.organization_id, invoice_ids=[invoice_id])]
    changes: dict[UUID, int] = {}
    for use in uses:
        if use.returned_at is None:
            changes[use.credit_note_id] = changes.get(use.credit_note_id, 0) + use.amount_cents
    store.change_balances(work.tx, changes=changes, at=work.now)
    store.mark_returned(work.tx, invoice_id=invoice_id, at=work.now)
