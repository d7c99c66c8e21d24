"""What a fixed charge is."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from daycount.catalog.add_ons.records import AddOn
from daycount.engine.charges.models import ChargeModel
from daycount.taxes.records import Tax


class FixedCharge(Struct, frozen=True, kw_only=True):
    """
    The price of an add-on within a plan, billed each period for `units`.

    The add-on's own amount plays no part. `parent_id` is the fixed charge of the plan that this one's plan overrides.
    """

    id: UUID
    organization_id: UUID
    plan_id: UUID
    add_on: AddOn
    code: str
    charge_model: ChargeModel
    invoice_display_name: str | None
    pay_in_advance: bool
    prorated: bool
    units: Decimal
    properties: Mapping[str, Any]
    parent_id: UUID | None
    created_at: datetime
    taxes: tuple[Tax, ...] = ()
    """Taxes of its own, as loaded; written by `taxes.operations.replace_taxes`."""

    @property
    def shown_name(self) -> str:
        """Return what invoices call it."""
        return self.invoice_display_name or self.add_on.shown_name


class FixedChargeInput(Struct, frozen=True, kw_only=True):
    """A fixed charge as a caller gives it."""

    id: UUID | None | UnsetType = UNSET
    add_on_id: str | None | UnsetType = UNSET
    add_on_code: str | None | UnsetType = UNSET
    code: str | None | UnsetType = UNSET
    charge_model: str | None | UnsetType = UNSET
    invoice_display_name: str | None | UnsetType = UNSET
    pay_in_advance: bool | None | UnsetType = UNSET
    prorated: bool | None | UnsetType = UNSET
    units: Decimal | None | UnsetType = UNSET
    apply_units_immediately: bool | None | UnsetType = UNSET
    properties: dict[str, Any] | None | UnsetType = UNSET
    tax_codes: list[str] | UnsetType = UNSET
    cascade_updates: bool | None | UnsetType = UNSET


class UnitsChange(Struct, frozen=True):
    """A fixed charge that got other units, or is new; `is_immediate` says that they count from now instead of the next period."""

    fixed_charge: FixedCharge
    is_immediate: bool
