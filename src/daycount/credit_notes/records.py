"""What a credit note is."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

REASONS = ("duplicated_charge", "product_unsatisfactory", "order_change", "order_cancellation", "fraudulent_charge", "other")
CREDIT_STATUSES = ("available", "consumed", "voided")
REFUND_STATUSES = ("pending", "succeeded", "failed")
TYPES = ("credit", "refund", "offset")


class NotedTax(Struct, frozen=True, kw_only=True):
    """A tax of a credit note as it was on the invoice; amounts are minor units."""

    id: UUID
    tax_id: UUID | None
    code: str
    name: str
    rate: Decimal
    description: str | None
    base_cents: int
    amount_cents: int


class CreditNote(Struct, frozen=True, kw_only=True):
    """A credit note; amounts are minor units of its currency, `precise_…` with up to five decimals."""

    id: UUID
    organization_id: UUID
    customer_id: UUID
    billing_entity_id: UUID
    invoice_id: UUID
    invoice_number: str
    sequential_id: int | None
    number: str
    status: str
    purchase_order_number: str | None
    issuing_date: date
    credit_status: str
    refund_status: str | None
    reason: str
    description: str | None
    currency: str
    total_amount_cents: int
    precise_total_amount_cents: Decimal
    taxes_amount_cents: int
    precise_taxes_amount_cents: Decimal
    taxes_rate: Decimal
    sub_total_excluding_taxes_amount_cents: int
    coupons_adjustment_amount_cents: int
    credit_amount_cents: int
    refund_amount_cents: int
    offset_amount_cents: int
    balance_amount_cents: int
    applied_taxes: Sequence[NotedTax]
    metadata: Mapping[str, str | None] | None
    self_billed: bool
    voided_at: datetime | None
    created_at: datetime
    updated_at: datetime
    refunded_at: datetime | None = None


class CreditNoteItem(Struct, frozen=True, kw_only=True):
    """What is given back of one fee, without taxes and before coupons."""

    id: UUID
    organization_id: UUID
    credit_note_id: UUID
    fee_id: UUID
    position: int
    amount_cents: int
    precise_amount_cents: Decimal


class CreditNoteUse(Struct, frozen=True, kw_only=True):
    """What an invoice used of a credit note, in minor units; given back when the invoice is voided."""

    id: UUID
    organization_id: UUID
    credit_note_id: UUID
    invoice_id: UUID
    amount_cents: int
    created_at: datetime
    returned_at: datetime | None


class CreditNoteItemInput(Struct, frozen=True, kw_only=True):
    """One item as a caller gives it."""

    fee_id: str | None | UnsetType = UNSET
    amount_cents: int | None | UnsetType = UNSET


class CreditNoteInput(Struct, frozen=True, kw_only=True):
    """A credit note as a caller gives it; amounts include taxes, those of items do not."""

    invoice_id: str | None | UnsetType = UNSET
    reason: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    credit_amount_cents: int | None | UnsetType = UNSET
    refund_amount_cents: int | None | UnsetType = UNSET
    offset_amount_cents: int | None | UnsetType = UNSET
    items: Any = UNSET
    metadata: Any = UNSET


class CreditNoteChanges(Struct, frozen=True, kw_only=True):
    """What a caller changes of a credit note."""

    refund_status: str | None | UnsetType = UNSET
    metadata: Any = UNSET


class CreditNoteFilter(Struct, frozen=True, kw_only=True):
    """Which credit notes a list shows; dates and amounts are inclusive."""

    entity_ids: tuple[UUID, ...] = ()
    external_customer_id: str | None = None
    amount_from: int | None = None
    amount_to: int | None = None
    credit_statuses: tuple[str, ...] = ()
    currency: str | None = None
    invoice_number: str | None = None
    purchase_order_number: str | None = None
    issuing_date_from: date | None = None
    issuing_date_to: date | None = None
    reasons: tuple[str, ...] = ()
    refund_statuses: tuple[str, ...] = ()
    self_billed: bool | None = None
    types: tuple[str, ...] = ()
    search_term: str | None = None
