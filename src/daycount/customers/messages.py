"""What customers announce."""

from uuid import UUID

from msgspec import Struct


class TimezoneChanged(Struct, frozen=True):
    """The days of a customer are days of another zone from now on."""

    customer_id: UUID
