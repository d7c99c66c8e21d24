"""What an organization, a billing entity and a caller are."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from daycount.organizations.permissions import Permissions


class BillingEntity(Struct, frozen=True, kw_only=True):
    """The legal sender of invoices, with the settings customers inherit."""

    id: UUID
    code: str
    name: str
    default_currency: str
    timezone: str
    document_number_prefix: str
    net_payment_term: int
    finalize_zero_amount_invoice: bool
    invoice_grace_period: int = 0
    subscription_invoice_issuing_date_anchor: str = "next_period_start"
    subscription_invoice_issuing_date_adjustment: str = "align_with_finalization_date"
    document_numbering: str = "per_customer"
    eu_tax_management: bool = False
    """Whether its customers are taxed by the rules of the European Union."""

    @property
    def zone(self) -> ZoneInfo:
        """Return its own time zone."""
        return ZoneInfo(self.timezone)


class Organization(Struct, frozen=True, kw_only=True):
    """A tenant. `frozen_time` is None for a live one."""

    id: UUID
    name: str
    email: str | None
    country: str | None
    created_at: datetime
    frozen_time: datetime | None
    entity: BillingEntity


class Caller(Struct, frozen=True, kw_only=True):
    """Who stands behind an API key."""

    organization_id: UUID
    key_id: UUID
    frozen_time: datetime | None
    """The present of a sandbox; None means that real time counts."""
    permissions: Permissions | None = None
    """What the key may do; None is everything."""
    last_used_at: datetime | None = None
    """When the key was last used, to the hour, on real time."""


class ApiKey(Struct, frozen=True, kw_only=True):
    """A key to an organization; its value is known to its users alone."""

    id: UUID
    organization_id: UUID
    name: str | None
    last_four: str
    permissions: Permissions | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class ClockState(NamedTuple):
    """What a sandbox's clock shows, and where a move under way takes it."""

    frozen_time: datetime
    advancing_to: datetime | None
