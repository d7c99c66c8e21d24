"""What an add-on is."""

from datetime import datetime
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType


class AddOn(Struct, frozen=True, kw_only=True):
    """Something with a price by the piece; `amount_cents` in minor units."""

    id: UUID
    organization_id: UUID
    code: str
    name: str
    invoice_display_name: str | None
    description: str | None
    amount_cents: int
    amount_currency: str
    created_at: datetime
    updated_at: datetime

    @property
    def shown_name(self) -> str:
        """Return what invoices call it."""
        return self.invoice_display_name or self.name


class AddOnInput(Struct, frozen=True, kw_only=True):
    """An add-on as a caller gives it; an absent key leaves what is stored."""

    name: str | None | UnsetType = UNSET
    code: str | None | UnsetType = UNSET
    invoice_display_name: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    amount_cents: int | None | UnsetType = UNSET
    amount_currency: str | None | UnsetType = UNSET
    tax_codes: list[str] | UnsetType = UNSET
