"""What credit notes announce."""

from msgspec import Struct

from daycount.credit_notes.records import CreditNote


class CreditNoteCreated(Struct, frozen=True, kw_only=True):
    """A credit note was made, or became final with its invoice."""

    credit_note: CreditNote
