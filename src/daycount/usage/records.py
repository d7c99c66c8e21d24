"""What an event is on its way in and out, and what is known of the subscription and metric it speaks of."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Connection

from daycount.engine.metrics import AggregationType, UsageRequest


class IncomingEvent(Struct, kw_only=True, gc=False):
    """
    An event that passed the checks on its fields.

    `at` is None when the sender left it out: then it happens when it is received. `properties` is the JSON text as sent.
    """

    transaction_id: str
    code: str
    external_subscription_id: str | None
    at: datetime | None
    properties: str
    precise_total_amount_cents: Decimal | None


class StoredEvent(Struct, frozen=True, kw_only=True):
    """An event as the store keeps it."""

    key: str
    external_subscription_id: str | None
    code: str
    transaction_id: str
    at: datetime
    created_at: datetime
    properties: str
    precise_total_amount_cents: Decimal | None


class Arrived(NamedTuple):
    """An event with its place in the order of arrival."""

    event: StoredEvent
    sequence: int


class Question(Struct, frozen=True, kw_only=True):
    """
    The question whether the value `member` was there just before the event (`at`, `sequence`).

    `request` says which events count: those of its subscription and code, of its filter's place and of its group; of all history
    where it is recurring, else from the start of its period.
    """

    request: UsageRequest
    place: int
    group: tuple[str | None, ...]
    member: str
    at: datetime
    sequence: int


class Warned(Struct, frozen=True):
    """Why an accepted event will not be billed as things stand."""

    code: str
    message: str


class MetricFacts(NamedTuple):
    """What ingest needs to know of a live metric; `filters` are the values its filters list, by key."""

    id: UUID
    aggregation: AggregationType
    field_name: str | None
    is_recurring: bool
    expression: str | None = None
    filters: Mapping[str, frozenset[str]] = {}


class SubscriptionFacts(NamedTuple):
    """
    What ingest needs to know of a subscription row; `metric_ids` are the metrics its plan charges.

    `advance_metric_ids` are those it charges in advance, event by event, in the lane `lane_id`. `is_watched` says that something
    looks at its usage as it grows: thresholds, alerts or wallets. `needs_balance` says that prepaid credits must cover its usage.
    Of `target_metric_ids` events may name one of the customer's wallets, by `wallet_codes`.
    """

    started_at: datetime | None
    terminated_at: datetime | None
    metric_ids: frozenset[UUID]
    advance_metric_ids: frozenset[UUID] = frozenset()
    lane_id: UUID | None = None
    is_watched: bool = False
    needs_balance: bool = False
    target_metric_ids: frozenset[UUID] = frozenset()
    wallet_codes: frozenset[str] = frozenset()


class Directory(Protocol):
    """Answers what an event's codes mean. The composition root gives one that reads catalogue and subscriptions."""

    def metrics(self, tx: Connection, organization_id: UUID) -> Mapping[str, MetricFacts]:
        """Return the live metrics of an organization by code."""
        ...

    def subscriptions(
        self, tx: Connection, organization_id: UUID, external_ids: Sequence[str]
    ) -> Mapping[str, Sequence[SubscriptionFacts]]:
        """Return the rows of subscriptions by external id, pending ones included; unknown ids are left out."""
        ...

    def has_listeners(self, tx: Connection, organization_id: UUID) -> bool:
        """Tell whether anybody is told of what is wrong with events of an organization."""
        ...


class EventFilter(Struct, frozen=True, kw_only=True):
    """Which events a list shows; instants are inclusive."""

    organization_id: UUID
    external_subscription_id: str | None = None
    code: str | None = None
    at_from: datetime | None = None
    at_to: datetime | None = None
    by_arrival: bool = False
    """The latest received first, instead of the latest timestamp."""
