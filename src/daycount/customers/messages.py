"""What customers announce."""

from uuid import UUID

from msgspec import Struct

from daycount.customers.records import Customer
from daycount.organizations.payment_providers.records import Connection


class CustomerSaved(Struct, frozen=True):
    """A customer was made or changed; `event` says which: created, updated."""

    customer: Customer
    event: str


class CustomerDeleted(Struct, frozen=True):
    """A customer was deleted; what it subscribed to ends."""

    customer_id: UUID


class TimezoneChanged(Struct, frozen=True):
    """The days of a customer are days of another zone from now on."""

    customer_id: UUID


class InvoiceSettingsChanged(Struct, frozen=True):
    """The dates of a customer's drafts follow other settings from now on."""

    customer: Customer


class DunningChoiceChanged(Struct, frozen=True):
    """Another dunning campaign counts for a customer from now on, or none."""

    customer_id: UUID


class LinkAsked(Struct, frozen=True, kw_only=True):
    """A customer is to be charged by a payment provider, which is to make it known (`is_made`) or knows it; at once (`is_prompt`)."""

    customer: Customer
    connection: Connection
    is_made: bool
    is_prompt: bool
