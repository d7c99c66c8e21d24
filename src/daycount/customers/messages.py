"""What customers announce."""

from uuid import UUID

from msgspec import Struct


class CustomerDeleted(Struct, frozen=True):
    """A customer was deleted; what it subscribed to ends."""

    customer_id: UUID


class TimezoneChanged(Struct, frozen=True):
    """The days of a customer are days of another zone from now on."""

    customer_id: UUID
