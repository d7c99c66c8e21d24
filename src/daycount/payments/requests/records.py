"""What a payment request is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType


class PaymentRequest(Struct, frozen=True, kw_only=True):
    """Overdue invoices that are asked for in one amount, in minor units: what was due of them then."""

    id: UUID
    organization_id: UUID
    customer_id: UUID
    billing_entity_id: UUID
    dunning_campaign_id: UUID | None
    email: str | None
    amount_cents: int
    currency: str
    payment_status: str
    created_at: datetime
    updated_at: datetime


class ShownRequest(NamedTuple):
    """A payment request with its invoices, oldest first."""

    request: PaymentRequest
    invoice_ids: Sequence[UUID]


class PaymentRequestInput(Struct, frozen=True, kw_only=True):
    """The body of a payment request; once made, only its `payment_status` is read."""

    external_customer_id: str | None | UnsetType = UNSET
    lago_invoice_ids: list[str] | None | UnsetType = UNSET
    email: str | None | UnsetType = UNSET
    payment_status: str | None | UnsetType = UNSET


class PaymentRequestFilter(NamedTuple):
    """Which payment requests a list shows."""

    external_customer_id: str | None = None
    payment_status: str | None = None
    currency: str | None = None
    entity_ids: Sequence[UUID] = ()


class PaymentRequestMade(Struct, frozen=True):
    """A payment request was made."""

    request: PaymentRequest


class PaymentRequestStatusChanged(Struct, frozen=True):
    """A payment request was paid, or could not be; `paid` is what was paid of each invoice, in minor units."""

    request: PaymentRequest
    paid: Mapping[UUID, int]
