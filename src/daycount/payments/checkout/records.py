"""What a page to pay at is."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from daycount.customers.records import Customer
from daycount.organizations.payment_providers.records import Connection


class About(StrEnum):
    """What a page is about: something to pay, or a customer who leaves a way to pay."""

    INVOICE = "i"
    REQUEST = "r"
    CUSTOMER = "c"


class Door(NamedTuple):
    """What the address of one of our own pages opens, until `ends` (time of the organization); None for as long as it makes sense."""

    organization_id: UUID
    about: About
    subject_id: UUID
    ends: datetime | None = None


class CheckoutPage(Struct, frozen=True, kw_only=True):
    """
    A page that a provider has for somebody who pays `amount_cents`, in minor units, or leaves a way to pay.

    The same one is given out until `expires_at`, unless what is due changes. `ended_at` is set once it leads nowhere any more.
    """

    id: UUID
    organization_id: UUID
    customer_id: UUID
    provider_id: UUID
    about: str
    subject_id: UUID
    amount_cents: int | None
    url: str
    provider_page_id: str | None
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


class Provided(NamedTuple):
    """A page with whose it is."""

    customer: Customer
    connection: Connection
    url: str


class CheckoutMade(Struct, frozen=True):
    """A page on which a customer can leave a way to pay was made, since the customer became known to its provider."""

    provided: Provided


class Stage(StrEnum):
    """How far the payment of something is, as its page shows it."""

    OPEN = "open"
    PAID = "paid"
    UNDER_WAY = "under_way"
    WAITS = "waits"
    """The customer is to confirm it."""
    OVER = "over"
    """Void, or not to be paid for another reason."""


class Bill(NamedTuple):
    """What somebody is to pay, in minor units: `numbers` are the invoices', `sender` who bills, `payer` who is billed."""

    door: Door
    customer: Customer
    connection: Connection | None
    sender: str
    payer: str
    numbers: tuple[str, ...]
    amount_cents: int
    currency: str
    stage: Stage
