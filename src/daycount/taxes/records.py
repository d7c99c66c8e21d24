"""What a tax is, and what it can be applied to."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from daycount.engine.taxes import TaxRate


class TaxTarget(StrEnum):
    """The kinds of things that carry taxes."""

    BILLING_ENTITY = "billing_entity"
    CUSTOMER = "customer"
    PLAN = "plan"
    CHARGE = "charge"
    FIXED_CHARGE = "fixed_charge"
    COMMITMENT = "commitment"
    ADD_ON = "add_on"


class Tax(Struct, frozen=True, kw_only=True, dict=True):
    """A tax; `rate` is in percent."""

    id: UUID
    organization_id: UUID
    code: str
    name: str
    rate: Decimal
    description: str | None
    is_on_default_entity: bool
    entity_codes: Sequence[str]
    """Codes of the billing entities it is applied to, in their order."""
    created_at: datetime
    updated_at: datetime

    @cached_property
    def as_rate(self) -> TaxRate:
        """Return what the engine has to know of it."""
        return TaxRate(tax_id=self.id, code=self.code, name=self.name, rate=self.rate, description=self.description)


class TaxInput(Struct, frozen=True, kw_only=True):
    """A tax as a caller gives it."""

    name: str | None | UnsetType = UNSET
    code: str | None | UnsetType = UNSET
    rate: Decimal | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    applied_to_organization: bool | None | UnsetType = UNSET


class TaxAssignment(NamedTuple):
    """The codes that a thing shall be taxed by from now on; none means that it has no taxes of its own."""

    target: TaxTarget
    target_id: UUID
    codes: Sequence[str]
