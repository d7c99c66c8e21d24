"""What a payment is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from daycount.customers.records import Customer
from daycount.invoicing.records import Invoice
from daycount.organizations.payment_providers.records import Connection

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
    provider_id: UUID | None = None
    """The connection it is taken by; None for one that somebody recorded. The fields below are the provider's."""
    provider_payment_id: str | None = None
    """None until the provider was asked."""
    provider_customer_id: str | None = None
    provider_method_id: str | None = None
    payment_method_id: UUID | None = None
    provider_status: str | None = None
    error_code: str | None = None
    next_action: Mapping[str, Any] = {}
    attempts: int = 0
    """How often the provider was asked in vain."""
    confirmed_at: datetime | None = None
    """When the provider said its last word of a payment that succeeded."""


class PaidInvoice(NamedTuple):
    """What is shown of an invoice that a payment is of."""

    id: UUID
    number: str


class ShownPayment(NamedTuple):
    """A payment with what is shown of its invoices and customer."""

    payment: Payment
    invoices: Sequence[PaidInvoice]
    external_customer_id: str
    provider_code: str | None = None
    provider_type: str | None = None


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


class PaymentFailed(Struct, frozen=True, kw_only=True):
    """A provider could not take a payment; `invoice` is None for that of a payment request. `message` is for people."""

    payment: Payment
    invoice: Invoice | None
    code: str
    message: str


class PaymentWaits(Struct, frozen=True):
    """A payment goes on once the customer did what its `next_action` says."""

    payment: Payment


class PaymentConfirmed(Struct, frozen=True):
    """A provider's last word: an invoice is paid by it."""

    payment: Payment


class ChargeImpossible(Struct, frozen=True, kw_only=True):
    """An invoice was to be charged, and nobody can be asked to."""

    invoice: Invoice
    customer: Customer
    code: str


class CustomerLinked(Struct, frozen=True):
    """A customer was made known to its payment provider."""

    customer: Customer


class LinkFailed(Struct, frozen=True, kw_only=True):
    """A payment provider would not know a customer."""

    customer: Customer
    connection: Connection
    code: str
    message: str


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
