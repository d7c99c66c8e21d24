"""What documents announce."""

from enum import StrEnum
from uuid import UUID

from msgspec import Struct


class DocumentKind(StrEnum):
    """What a document is of, by the name of its object on the wire."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    PAYMENT_RECEIPT = "payment_receipt"

    @property
    def webhook_type(self) -> str:
        """Return the type of the webhook that tells of its making."""
        return f"{self.value}.generated"


class DocumentMade(Struct, frozen=True, kw_only=True):
    """The files of a document were made; told once."""

    kind: DocumentKind
    subject_id: UUID
