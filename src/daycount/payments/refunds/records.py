"""What a refund is."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class Refund(Struct, frozen=True, kw_only=True):
    """What a credit note gives back through the provider that took a payment, in minor units; one at most for every note."""

    id: UUID
    organization_id: UUID
    customer_id: UUID
    credit_note_id: UUID
    payment_id: UUID
    provider_id: UUID
    amount_cents: int
    currency: str
    status: str
    """The word of the credit note: pending, succeeded or failed."""
    created_at: datetime
    provider_refund_id: str | None = None
    """None until the provider was asked."""
    provider_status: str | None = None
    error_code: str | None = None
    attempts: int = 0
    """How often the provider was asked in vain."""


class RefundFailed(Struct, frozen=True, kw_only=True):
    """A provider did not give back what a credit note refunds; `message` is for people."""

    refund: Refund
    code: str
    message: str
