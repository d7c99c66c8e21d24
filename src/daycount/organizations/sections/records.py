"""What an invoice custom section is, and what a thing chose of them."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType


class Section(Struct, frozen=True, kw_only=True):
    """A text for invoices: `details` is what is printed under `display_name`."""

    id: UUID
    organization_id: UUID
    code: str
    name: str
    description: str | None
    details: str | None
    display_name: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def shown_name(self) -> str:
        """Return what invoices call it."""
        return self.display_name or self.name


class SectionInput(Struct, frozen=True, kw_only=True):
    """A section as a caller gives it; an absent key leaves what is stored."""

    code: str | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    details: str | None | UnsetType = UNSET
    display_name: str | None | UnsetType = UNSET


class Chooser(StrEnum):
    """The kinds of things that choose sections."""

    BILLING_ENTITY = "billing_entity"
    CUSTOMER = "customer"
    SUBSCRIPTION = "subscription"
    WALLET = "wallet"
    WALLET_TRANSACTION = "wallet_transaction"
    WALLET_RULE = "recurring_transaction_rule"
    INVOICE = "invoice"


class Choice(Struct, frozen=True, kw_only=True):
    """What one thing chose, live sections only; with `is_skipped` it wants none."""

    target_id: UUID
    is_skipped: bool
    sections: Sequence[Section]
    created_at: datetime

    @property
    def is_made(self) -> bool:
        """Tell whether it says anything at all."""
        return self.is_skipped or bool(self.sections)


class ChoiceInput(Struct, frozen=True, kw_only=True):
    """A choice as a caller gives it; codes that are not known are passed over."""

    skip_invoice_custom_sections: bool | None | UnsetType = UNSET
    invoice_custom_section_codes: list[str] | None | UnsetType = UNSET
