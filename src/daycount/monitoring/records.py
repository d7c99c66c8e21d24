"""What an alert is, and what is kept of one that was triggered."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from daycount.catalog.records import Metric
from daycount.engine.alerts import Direction, Level


class AlertType(StrEnum):
    """Which value an alert watches."""

    CURRENT_AMOUNT = "current_usage_amount"
    METRIC_CURRENT_AMOUNT = "billable_metric_current_usage_amount"
    METRIC_CURRENT_UNITS = "billable_metric_current_usage_units"
    LIFETIME_AMOUNT = "lifetime_usage_amount"
    METRIC_LIFETIME_UNITS = "billable_metric_lifetime_usage_units"
    WALLET_BALANCE = "wallet_balance_amount"
    WALLET_CREDITS = "wallet_credits_balance"
    WALLET_ONGOING = "wallet_ongoing_balance_amount"
    WALLET_ONGOING_CREDITS = "wallet_credits_ongoing_balance"

    @property
    def is_of_wallet(self) -> bool:
        """Tell whether a wallet is watched; else it is usage."""
        return self.value.startswith("wallet_")

    @property
    def is_of_metric(self) -> bool:
        """Tell whether the usage of one metric is watched."""
        return self.value.startswith("billable_metric_")

    @property
    def direction(self) -> Direction:
        """Return which way the value has to move: balances down, usage up."""
        return Direction.DECREASING if self.is_of_wallet else Direction.INCREASING


class Alert(Struct, frozen=True, kw_only=True):
    """
    A value that is watched, and the levels it is watched for.

    Amounts are minor units. `previous_value` is what it was when it was looked at last. It is about `external_subscription_id`, or
    about a wallet.
    """

    id: UUID
    organization_id: UUID
    external_subscription_id: str | None
    wallet_id: UUID | None
    alert_type: AlertType
    code: str
    name: str | None
    metric_id: UUID | None
    levels: tuple[Level, ...]
    previous_value: Decimal
    last_processed_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ShownAlert(NamedTuple):
    """An alert with what is shown of its metric and its wallet."""

    alert: Alert
    metric: Metric | None
    wallet_code: str | None


class TriggeredAlert(Struct, frozen=True, kw_only=True):
    """What was told when a value crossed levels of an alert, with the alert as it was then; recurring levels carry where they stood."""

    id: UUID
    organization_id: UUID
    alert_id: UUID
    subscription_id: UUID | None
    external_subscription_id: str | None
    wallet_id: UUID | None
    external_customer_id: str
    billable_metric_code: str | None
    alert_name: str | None
    alert_code: str
    alert_type: AlertType
    current_value: Decimal
    previous_value: Decimal
    crossed: tuple[Level, ...]
    triggered_at: datetime


class LevelInput(Struct, frozen=True, kw_only=True):
    """A level as a caller gives it; a value is a number or its text."""

    code: str | None | UnsetType = UNSET
    value: Any = UNSET
    recurring: bool | None | UnsetType = UNSET


class AlertInput(Struct, frozen=True, kw_only=True):
    """An alert as a caller gives it."""

    alert_type: str | None | UnsetType = UNSET
    code: str | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    billable_metric_code: str | None | UnsetType = UNSET
    thresholds: list[LevelInput] | UnsetType = UNSET


class AlertOwner(NamedTuple):
    """What an alert is about: the external id of a subscription or a wallet, and the customer whose lane it is looked at in."""

    customer_id: UUID
    external_subscription_id: str | None = None
    wallet_id: UUID | None = None
