"""What taxes announce."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct


class TaxesChanged(Struct, frozen=True):
    """A tax changed or is gone, or things got other taxes; None where it may concern every customer."""

    target_ids: Sequence[UUID] | None
