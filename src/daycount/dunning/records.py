"""What a dunning campaign is."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from daycount.engine.dunning import Rules


class Threshold(Struct, frozen=True, kw_only=True):
    """The overdue balance of a currency, in minor units, from which on it is asked for."""

    id: UUID
    currency: str
    amount_cents: int


class Campaign(Struct, frozen=True, kw_only=True):
    """How overdue balances are asked for: `thresholds` one a currency, `bcc_emails` who gets copies of what is sent."""

    id: UUID
    organization_id: UUID
    code: str
    name: str
    description: str | None
    bcc_emails: Sequence[str]
    max_attempts: int
    days_between_attempts: int
    thresholds: Sequence[Threshold]
    created_at: datetime
    updated_at: datetime

    @property
    def rules(self) -> Rules:
        """Return what the engine needs to know."""
        amounts = {threshold.currency: threshold.amount_cents for threshold in self.thresholds}
        return Rules(amounts, self.max_attempts, timedelta(days=self.days_between_attempts))


class Attempt(Struct, frozen=True, kw_only=True):
    """One time a customer was asked for what is overdue in a currency; `number` counts from 1."""

    organization_id: UUID
    customer_id: UUID
    currency: str
    attempted_at: datetime
    campaign_id: UUID
    number: int


class ThresholdInput(Struct, frozen=True, kw_only=True):
    """A threshold as a caller gives it."""

    currency: str | None | UnsetType = UNSET
    amount_cents: int | None | UnsetType = UNSET


class CampaignInput(Struct, frozen=True, kw_only=True):
    """A campaign as a caller gives it; an absent key leaves what is stored, thresholds are replaced as a whole."""

    code: str | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    bcc_emails: list[str] | None | UnsetType = UNSET
    max_attempts: int | None | UnsetType = UNSET
    days_between_attempts: int | None | UnsetType = UNSET
    thresholds: list[ThresholdInput] | None | UnsetType = UNSET
    applied_to_organization: bool | None | UnsetType = UNSET


class CampaignFinished(Struct, frozen=True):
    """A customer had all attempts of a campaign; `balances` is what is overdue, in minor units by currency."""

    campaign: Campaign
    customer_id: UUID
    balances: Mapping[str, int]
