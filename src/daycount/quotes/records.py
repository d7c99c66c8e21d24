"""What a quote is, and what becomes of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType


class OrderType(StrEnum):
    """What a quote offers."""

    SUBSCRIPTION_CREATION = "subscription_creation"
    SUBSCRIPTION_AMENDMENT = "subscription_amendment"
    """Another plan for a subscription that runs."""
    ONE_OFF = "one_off"


class VersionStatus(StrEnum):
    """Where a version of a quote stands."""

    DRAFT = "draft"
    APPROVED = "approved"
    VOIDED = "voided"


class FormStatus(StrEnum):
    """Where an order form stands."""

    GENERATED = "generated"
    SIGNED = "signed"
    EXPIRED = "expired"
    VOIDED = "voided"


class OrderStatus(StrEnum):
    """Where an order stands; one that failed can be carried out again."""

    CREATED = "created"
    EXECUTED = "executed"
    FAILED = "failed"


class VoidReason(StrEnum):
    """Why a version or a form counts no more."""

    MANUAL = "manual"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    CASCADE_OF_EXPIRED = "cascade_of_expired"
    CASCADE_OF_VOIDED = "cascade_of_voided"


class ExecutionMode(StrEnum):
    """Who carries an order out: this server, or somebody else, so that it is only noted."""

    HERE = "execute_in_lago"
    ORDER_ONLY = "order_only"


class Quote(Struct, frozen=True, kw_only=True):
    """An offer to a customer; what is offered stands in its versions."""

    id: UUID
    organization_id: UUID
    sequential_id: int
    number: str
    order_type: OrderType
    customer_id: UUID
    subscription_id: UUID | None
    """The row that an amendment is about."""
    created_at: datetime
    updated_at: datetime


class QuoteVersion(Struct, frozen=True, kw_only=True):
    """One wording of a quote. `billing_items` holds lists of items by kind, as the caller wrote them."""

    id: UUID
    organization_id: UUID
    quote_id: UUID
    version: int
    status: VersionStatus
    currency: str | None
    billing_entity_code: str | None
    content: str | None
    billing_items: Mapping[str, Any]
    void_reason: str | None
    approved_at: datetime | None
    voided_at: datetime | None
    created_at: datetime
    updated_at: datetime


class OrderForm(Struct, frozen=True, kw_only=True):
    """What a customer is to sign."""

    id: UUID
    organization_id: UUID
    sequential_id: int
    number: str
    quote_id: UUID
    version_id: UUID
    customer_id: UUID
    status: FormStatus
    void_reason: str | None
    expires_at: datetime | None
    signed_at: datetime | None
    voided_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Order(Struct, frozen=True, kw_only=True):
    """What was signed, to be carried out. `execution_record` says what was made, or what went wrong at the last attempt."""

    id: UUID
    organization_id: UUID
    sequential_id: int
    number: str
    order_form_id: UUID
    customer_id: UUID
    subscription_id: UUID | None
    status: OrderStatus
    order_type: OrderType
    execution_mode: ExecutionMode | None
    execute_at: datetime | None
    executed_at: datetime | None
    currency: str | None
    billing_entity_code: str | None
    billing_items: Mapping[str, Any]
    execution_record: Mapping[str, Any] | None
    created_at: datetime
    updated_at: datetime


class VersionInput(Struct, frozen=True, kw_only=True):
    """What a version of a quote says, as a caller gives it; an absent key leaves what is stored."""

    currency: str | None | UnsetType = UNSET
    billing_entity_code: str | None | UnsetType = UNSET
    content: str | None | UnsetType = UNSET
    billing_items: dict[str, Any] | None | UnsetType = UNSET


class QuoteInput(VersionInput, frozen=True, kw_only=True):
    """A quote with its first version as a caller gives it."""

    external_customer_id: str | None | UnsetType = UNSET
    order_type: str | None | UnsetType = UNSET
    external_subscription_id: str | None | UnsetType = UNSET


class ApprovalInput(Struct, frozen=True, kw_only=True):
    """Until when the order form of an approved version can be signed."""

    expires_at: str | None | UnsetType = UNSET


class SignatureInput(Struct, frozen=True, kw_only=True):
    """How a signed order is to be carried out, and when."""

    signed_document: str | None | UnsetType = UNSET
    execution_mode: str | None | UnsetType = UNSET
    execute_at: str | None | UnsetType = UNSET


class ExecutionInput(Struct, frozen=True, kw_only=True):
    """How an order is carried out now."""

    execution_mode: str | None | UnsetType = UNSET


class DealFilter(NamedTuple):
    """Which quotes, forms or orders a list shows; the days are instants, the end exclusive."""

    statuses: Sequence[str] = ()
    order_types: Sequence[str] = ()
    number: str | None = None
    external_customer_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    is_nobodys: bool = False
    """Whether an owner was asked for; quotes have none here."""


class QuoteChanged(Struct, frozen=True):
    """A quote was made, or its version approved or voided; `event` says which: created, approved, voided."""

    quote_id: UUID
    event: str


class OrderFormChanged(Struct, frozen=True):
    """An order form was made, signed, expired or voided; `event` says which: created, signed, expired, voided."""

    form_id: UUID
    event: str


class OrderChanged(Struct, frozen=True):
    """An order was made or carried out; `event` says which: created, executed."""

    order_id: UUID
    event: str
