"""What callers do to credit notes that exist. Each holds the customer's lane, so that no invoice uses the note meanwhile."""

from typing import Any
from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.credit_notes import store
from daycount.credit_notes.fields import merge_metadata, read_metadata
from daycount.credit_notes.records import REFUND_STATUSES, CreditNote, CreditNoteChanges
from daycount.customers.operations import lane_of
from daycount.given import given, is_given
from daycount.infra.work import Work


def get_credit_note(work: Work, credit_note_id: UUID) -> CreditNote:
    """Return a finalized credit note. Raises NotFound."""
    note = store.find(work.tx, organization_id=work.organization_id, credit_note_id=credit_note_id)
    if note is None:
        raise errors.NotFound("credit_note")
    return note


def _lock(work: Work, credit_note_id: UUID) -> CreditNote:
    work.agenda.hold(lane_of(get_credit_note(work, credit_note_id).customer_id))
    note = store.find(work.tx, organization_id=work.organization_id, credit_note_id=credit_note_id, lock=True)
    assert note is not None
    return note


def update_credit_note(work: Work, credit_note_id: UUID, changes: CreditNoteChanges) -> CreditNote:
    """Say what became of the refund, and add metadata. Raises NotFound, Invalid."""
    note = _lock(work, credit_note_id)
    refund_status = given(changes.refund_status, note.refund_status)
    if is_given(changes.refund_status) and refund_status not in REFUND_STATUSES:
        raise errors.Invalid({"refund_status": ["value_is_invalid"]})
    metadata = merge_metadata(note.metadata, changes.metadata) if is_given(changes.metadata) else note.metadata
    return _write(work, _with_refund(work, structs.replace(note, metadata=metadata), refund_status))


def set_refund_status(work: Work, credit_note_id: UUID, status: str) -> CreditNote:
    """Note what a provider says of a refund. Holds the customer's lane. Raises NotFound."""
    return _write(work, _with_refund(work, _lock(work, credit_note_id), status))


def _with_refund(work: Work, note: CreditNote, status: str | None) -> CreditNote:
    refunded_at = (note.refunded_at or work.now) if status == "succeeded" else None
    return structs.replace(note, refund_status=status, refunded_at=refunded_at, updated_at=work.now)


def void_credit_note(work: Work, credit_note_id: UUID) -> CreditNote:
    """
    Take back what is left of a note. Its fees stay counted as credited.

    Raises NotFound, NotAllowed where nothing is left. Source: Lago API, void.
    """
    note = _lock(work, credit_note_id)
    if note.balance_amount_cents <= 0 or note.credit_status == "voided":
        raise errors.NotAllowed("no_voidable_amount")
    return _write(work, structs.replace(note, credit_status="voided", voided_at=work.now, balance_amount_cents=0, updated_at=work.now))


def replace_metadata(work: Work, credit_note_id: UUID, sent: Any) -> CreditNote:
    """Put other metadata in the place of what is there. Raises NotFound, Invalid."""
    note = _lock(work, credit_note_id)
    return _write(work, structs.replace(note, metadata=read_metadata(sent), updated_at=work.now))


def merge_into_metadata(work: Work, credit_note_id: UUID, sent: Any) -> CreditNote:
    """Add pairs to the metadata. Raises NotFound, Invalid."""
    note = _lock(work, credit_note_id)
    return _write(work, structs.replace(note, metadata=merge_metadata(note.metadata, sent), updated_at=work.now))


def delete_metadata(work: Work, credit_note_id: UUID, *, key: str | None = None) -> CreditNote:
    """Remove one pair of the metadata, or all. Raises NotFound."""
    note = _lock(work, credit_note_id)
    kept = None if key is None or note.metadata is None else {name: value for name, value in note.metadata.items() if name != key}
    return _write(work, structs.replace(note, metadata=kept, updated_at=work.now))


def _write(work: Work, note: CreditNote) -> CreditNote:
    store.update(work.tx, note)
    return note
