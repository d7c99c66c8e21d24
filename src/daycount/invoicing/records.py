"""What an invoice, its lines and its fees are once they are stored."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import Struct

from daycount.engine.calendar import Occasion
from daycount.engine.fees import Breakdown
from daycount.engine.pricing_units import UnitAmounts


class Reason(StrEnum):
    """Why a subscription stands on an invoice."""

    STARTING = "subscription_starting"
    PERIODIC = "subscription_periodic"
    TERMINATING = "subscription_terminating"
    IN_ADVANCE = "in_advance_charge"
    IN_ADVANCE_PERIODIC = "in_advance_charge_periodic"
    PROGRESSIVE = "progressive_billing"


REASONS = {
    Occasion.STARTING: Reason.STARTING,
    Occasion.PERIODIC: Reason.PERIODIC,
    Occasion.TERMINATING: Reason.TERMINATING,
    Occasion.USAGE: Reason.IN_ADVANCE,
}


class Bill(NamedTuple):
    """
    One subscription to be put on an invoice.

    `at` is the instant it is due. `closes_boundary` is for a termination at the very end of a period that is not billed
    yet: the closed period is what it takes in.
    """

    subscription_id: UUID
    occasion: Occasion
    at: datetime
    closes_boundary: bool = False


class AppliedTax(Struct, frozen=True, kw_only=True):
    """A tax as it was when it was charged: later changes of the tax do not touch it. Amounts are minor units."""

    id: UUID
    tax_id: UUID | None
    code: str
    name: str
    rate: Decimal
    description: str | None
    base_cents: int
    amount_cents: int


class InvoiceMetadata(Struct, frozen=True, kw_only=True):
    """One pair of an invoice's metadata."""

    lago_id: UUID
    key: str
    value: str
    created_at: datetime


class Invoice(Struct, frozen=True, kw_only=True):
    """An invoice; amounts are minor units of its currency."""

    id: UUID
    organization_id: UUID
    customer_id: UUID
    billing_entity_id: UUID
    sequential_id: int | None
    number: str
    purchase_order_number: str | None
    issuing_date: date
    payment_due_date: date
    net_payment_term: int
    invoice_type: str
    status: str
    payment_status: str
    currency: str
    zone: str
    tz_version: str
    fees_amount_cents: int
    progressive_billing_credit_amount_cents: int
    coupons_amount_cents: int
    sub_total_excluding_taxes_amount_cents: int
    taxes_amount_cents: int
    sub_total_including_taxes_amount_cents: int
    credit_notes_amount_cents: int
    prepaid_credit_amount_cents: int
    total_amount_cents: int
    total_paid_amount_cents: int
    finalized_at: datetime | None
    created_at: datetime
    updated_at: datetime
    taxes_rate: Decimal = Decimal(0)
    applied_taxes: Sequence[AppliedTax] = ()
    is_recurring: bool = False
    """Whether it closes a period; its issuing date may then be kept when it is finalized."""
    expected_finalization_date: date | None = None
    payment_overdue: bool = False
    payment_dispute_lost_at: datetime | None = None
    voided_at: datetime | None = None
    self_billed: bool = False
    metadata: Sequence[InvoiceMetadata] = ()
    offset_amount_cents: int = 0
    """What credit notes took off the amount due."""
    voided_invoice_id: UUID | None = None
    prepaid_granted_credit_amount_cents: int | None = None
    """What of the prepaid credits had been granted, and what bought; None where that is nothing."""
    prepaid_purchased_credit_amount_cents: int | None = None

    @property
    def total_due_amount_cents(self) -> int:
        """Return what is still to be paid; nothing of a voided invoice."""
        return 0 if self.status == "voided" else self.total_amount_cents - self.total_paid_amount_cents - self.offset_amount_cents


class InvoiceLine(Struct, frozen=True, kw_only=True):
    """One subscription on an invoice, and what of it is billed; `shown_…` are the instants users read."""

    id: UUID
    organization_id: UUID
    invoice_id: UUID
    subscription_id: UUID
    plan_id: UUID
    invoicing_reason: Reason
    billed_at: datetime
    base_from: datetime | None
    charges_from: datetime | None
    shown_from: datetime
    shown_to: datetime
    shown_charges_from: datetime
    shown_charges_to: datetime
    snapshot: Mapping[str, Any] | None = None
    """What a draft is computed from again: the row as it was, and what the bill asked for."""
    shown_fixed_from: datetime | None = None
    shown_fixed_to: datetime | None = None
    is_copy: bool = False
    """Whether it is shown again on an invoice that was made from a voided one, whose line it copies."""


class Fee(Struct, frozen=True, kw_only=True):
    """A stored fee with its derivation; one without `invoice_id` stands alone. `event_key` names the event a fee in advance is for."""

    id: UUID
    organization_id: UUID
    invoice_id: UUID | None
    subscription_id: UUID | None
    """None on one-off invoices and purchases of credits."""
    charge_id: UUID | None
    charge_filter_id: UUID | None
    grouped_by: Mapping[str, str | None]
    position: int
    fee_type: str
    item: Mapping[str, Any]
    currency: str
    units: Decimal
    total_aggregated_units: Decimal
    events_count: int
    amount_cents: int
    precise_amount_cents: Decimal
    precise_unit_amount: Decimal
    taxes_amount_cents: int
    amount_details: Mapping[str, Any]
    shown_from: datetime
    shown_to: datetime
    pay_in_advance: bool
    payment_status: str
    derivation: Mapping[str, Any]
    created_at: datetime
    fixed_charge_id: UUID | None = None
    in_units: UnitAmounts | None = None
    """What it came to in the pricing unit of its charge."""
    breakdowns: Sequence[Breakdown] = ()
    """Its units by the values of the charge's presentation keys."""
    taxes_precise_amount_cents: Decimal = Decimal(0)
    taxes_rate: Decimal = Decimal(0)
    precise_coupons_amount_cents: Decimal = Decimal(0)
    precise_credit_notes_amount_cents: Decimal = Decimal(0)
    applied_taxes: Sequence[AppliedTax] = ()
    true_up_fee_id: UUID | None = None
    """The fee that makes up the minimum of the charge this one is for."""
    true_up_parent_fee_id: UUID | None = None
    """The fee that this true-up belongs to."""
    invoiceable: bool = True
    original_fee_id: UUID | None = None
    """The fee of a voided invoice that this one was made from, or the first one of all."""
    inherits_taxes: bool = False
    """Whether its taxes are its customer's, or those of the billing entity."""
    event_key: UUID | None = None
    event_transaction_id: str | None = None
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    refunded_at: datetime | None = None


class AppliedSection(Struct, frozen=True, kw_only=True):
    """A section as an invoice carries it, whatever becomes of the section."""

    id: UUID
    organization_id: UUID
    invoice_id: UUID
    position: int
    code: str
    display_name: str
    details: str
    created_at: datetime


class Documents(NamedTuple):
    """Everything one billing run writes."""

    invoices: Sequence[Invoice]
    lines: Sequence[InvoiceLine]
    fees: Sequence[Fee]


class RunSum(NamedTuple):
    """What the invoices of a run in one currency and status come to, in minor units."""

    currency: str
    status: str
    invoices_count: int
    total_amount_cents: int


class BillingRun(NamedTuple):
    """An instant at which subscriptions were billed: how many, and what their invoices come to as they are now."""

    billed_at: datetime
    subscriptions_count: int
    sums: Sequence[RunSum]


class InvoiceFilter(Struct, frozen=True, kw_only=True):
    """Which invoices a list shows; dates and amounts are inclusive."""

    entity_ids: tuple[UUID, ...] = ()
    external_customer_id: str | None = None
    currency: str | None = None
    invoice_type: str | None = None
    statuses: tuple[str, ...] = ()
    payment_statuses: tuple[str, ...] = ()
    issuing_date_from: date | None = None
    issuing_date_to: date | None = None
    amount_from: int | None = None
    amount_to: int | None = None
    search_term: str | None = None
    payment_overdue: bool | None = None
    payment_dispute_lost: bool | None = None
    partially_paid: bool | None = None
    self_billed: bool | None = None
    settlements: tuple[str, ...] = ()
    metadata: Mapping[str, str] = {}
    """Pairs that must all be there; an empty value asks for the key to be absent."""
    purchase_order_number: str | None = None


class FeeFilter(Struct, frozen=True, kw_only=True):
    """Which fees a list shows; instants are inclusive."""

    external_customer_id: str | None = None
    external_subscription_id: str | None = None
    fee_type: str | None = None
    payment_status: str | None = None
    billable_metric_code: str | None = None
    currency: str | None = None
    event_transaction_id: str | None = None
    between: Mapping[str, tuple[datetime | None, datetime | None]] = {}
    """Bounds of created_at, succeeded_at, failed_at and refunded_at, by name."""


class AdvanceStep(Struct, frozen=True, kw_only=True):
    """What an event paid for in advance did to the standing of its bucket; the latest of a bucket and period says where it stands."""

    organization_id: UUID
    event_key: UUID
    charge_id: UUID
    subscription_id: UUID
    period_start: datetime
    bucket: str
    ordinal: int
    member: str | None
    change: Decimal
    billed: Decimal
    is_value: bool
    current: Decimal
    maximum: Decimal
    maximum_prorated: Decimal
    events_count: int
    event_cents: Decimal


class Series(NamedTuple):
    """The steps of one charge of one subscription in one period."""

    subscription_id: UUID
    charge_id: UUID
    period_start: datetime


FEE_TYPES = ("add_on", "charge", "commitment", "credit", "fixed_charge", "subscription")
FEE_PAYMENT_STATUSES = ("pending", "succeeded", "failed", "refunded")
UNANNOUNCED_STATUSES = ("closed", "open", "pending")
"""Of invoices that nobody is told of yet, or ever."""
VISIBLE_STATUSES = ("draft", "finalized", "voided", "failed", "pending")
SETTLEMENTS = ("payment", "credit_note")
PAYMENT_STATUSES = ("pending", "succeeded", "failed")
