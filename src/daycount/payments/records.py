"""What a payment is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

WholeNumber = Annotated[Any, Meta(extra_json_schema={"type": ["integer", "null"]})]
"""Is looked at as it came: a fraction of a cent must be refused, and not be cut off."""


class Payment(Struct, frozen=True, kw_only=True):
    """A payment of an invoice or of a payment request, in minor units."""

    id: UUID
    organization_id: UUID
    customer_id: UUID
    invoice_id: UUID | None
    payment_request_id: UUID | None
    amount_cents: int
    currency: str
    payment_type: str
    status: str
    reference: str | None
    created_at: datetime


class PaidInvoice(NamedTuple):
    """What is shown of an invoice that a payment is of."""

    id: UUID
    number: str


class ShownPayment(NamedTuple):
    """A payment with what is shown of its invoices and customer."""

    payment: Payment
    invoices: Sequence[PaidInvoice]
    external_customer_id: str


class Receipt(Struct, frozen=True, kw_only=True):
    """What a customer is given for a payment that succeeded; `sequential_id` counts the customer's receipts from 1."""

    id: UUID
    organization_id: UUID
    customer_id: UUID
    payment_id: UUID
    sequential_id: int
    number: str
    created_at: datetime


class ShownReceipt(NamedTuple):
    """A receipt with its payment."""

    receipt: Receipt
    shown: ShownPayment


class ReceiptMade(Struct, frozen=True):
    """A receipt was given."""

    receipt: Receipt


class PaymentMade(Struct, frozen=True):
    """A payment was recorded."""

    payment: Payment


class PaymentInput(Struct, frozen=True, kw_only=True):
    """A payment as whoever received it records it."""

    invoice_id: str | None | UnsetType = UNSET
    amount_cents: WholeNumber = UNSET
    reference: str | None | UnsetType = UNSET
    paid_at: str | None | UnsetType = UNSET


class PaymentFilter(NamedTuple):
    """Which payments a list shows."""

    invoice_id: UUID | None = None
    external_customer_id: str | None = None
