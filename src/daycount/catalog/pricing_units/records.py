"""What a pricing unit is to those who manage it; `engine.pricing_units` holds what a charge makes of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType


class PricingUnitRecord(Struct, frozen=True, kw_only=True):
    """A unit that prices may be in; it always has two decimals."""

    id: UUID
    organization_id: UUID
    code: str
    name: str
    short_name: str
    description: str | None
    created_at: datetime
    updated_at: datetime


class PricingUnitInput(Struct, frozen=True, kw_only=True):
    """A pricing unit as a caller gives it; an absent key leaves what is stored, and the code is kept for ever."""

    name: str | None | UnsetType = UNSET
    code: str | None | UnsetType = UNSET
    short_name: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET


AppliedUnitInput = dict[str, Any]
"""The unit of a charge as a caller gives it: `code` and `conversion_rate`."""
