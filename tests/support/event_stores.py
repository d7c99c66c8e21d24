"""What the suites of the event stores share: builders, and a store with an organization in it."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from daycount.engine.metrics import NOTHING, AggregationType, Bucket, Usage, UsageRequest
from daycount.ids import TimeOrderedIds
from daycount.organizations.operations import create_organization
from daycount.periods import Period
from daycount.usage.memory import MemoryEventStore
from daycount.usage.port import Batch
from daycount.usage.records import EventFilter, IncomingEvent, MetricFacts, StoredEvent
from daycount.usage.states import store as states
from daycount.usage.store import PostgresEventStore

NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)
JULY = Period(datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC))
_METRIC_ID = UUID(int=1)
_names = itertools.count(1)


def a_metric(
    aggregation: AggregationType = AggregationType.UNIQUE_COUNT, field_name: str | None = "user_id", *, recurring: bool = True
) -> MetricFacts:
    return MetricFacts(id=_METRIC_ID, aggregation=aggregation, field_name=field_name, is_recurring=recurring)


SEATS = {"seats": a_metric()}


def july(day: int, hour: int = 12, minute: int = 0, second: int = 0, microsecond: int = 0) -> datetime:
    return datetime(2026, 7, day, hour, minute, second, microsecond, tzinfo=UTC)


def an_event(
    transaction_id: str,
    properties: str = "{}",
    *,
    at: datetime | None = july(10),  # noqa: B008 - an instant does not change
    code: str = "seats",
    subscription: str | None = "sub",
    precise: Decimal | None = None,
) -> IncomingEvent:
    return IncomingEvent(
        transaction_id=transaction_id,
        code=code,
        external_subscription_id=subscription,
        at=at,
        properties=properties,
        precise_total_amount_cents=precise,
    )


def a_seat(transaction_id: str, user: str, operation: str = "add", **fields: Any) -> IncomingEvent:
    return an_event(transaction_id, f'{{"user_id": "{user}", "operation_type": "{operation}"}}', **fields)


class Shelf:
    """A store and an organization in it. Every call is a transaction of its own."""

    def __init__(self, store: MemoryEventStore | PostgresEventStore, engine: Engine, organization_id: UUID) -> None:
        self.store = store
        self.engine = engine
        self.organization_id = organization_id

    def append(self, *batches: Sequence[IncomingEvent], metrics: dict[str, MetricFacts] | None = None, now: datetime = NOW) -> list[Batch]:
        """Append batches together and commit."""
        made = [Batch(self.organization_id, list(events), now=now) for events in batches]
        with self.engine.begin() as tx:
            self.store.append(tx, made, metrics=[SEATS if metrics is None else metrics for _ in made])
        return made

    def request(self, **fields: Any) -> UsageRequest:
        """Describe a bucket; by default the seats of July, recurring and prorated."""
        given: dict[str, Any] = {
            "organization_id": self.organization_id,
            "external_subscription_id": "sub",
            "code": "seats",
            "aggregation": AggregationType.UNIQUE_COUNT,
            "field_name": "user_id",
            "is_recurring": True,
            "is_prorated": True,
            "period": JULY,
            "zone": "UTC",
        }
        return UsageRequest(**given | fields)

    def buckets(self, requests: Sequence[UsageRequest]) -> list[dict[Bucket, Usage]]:
        """Answer many requests, bucket by bucket."""
        with self.engine.connect() as tx:
            return self.store.aggregate(tx, requests)

    def answer(self, requests: Sequence[UsageRequest]) -> list[Usage]:
        """Answer many requests that are not split."""
        return [found.get(Bucket(None, ()), NOTHING) for found in self.buckets(requests)]

    def usage(self, **fields: Any) -> Usage:
        """Answer one request."""
        [found] = self.answer([self.request(**fields)])
        return found

    def listed(self, *, limit: int = 1000, offset: int = 0, **filters: Any) -> list[StoredEvent]:
        """List events."""
        with self.engine.connect() as tx:
            return self.store.list_events(tx, EventFilter(organization_id=self.organization_id, **filters), limit=limit, offset=offset)

    def ids(self, **filters: Any) -> list[str]:
        """List the transaction ids of events."""
        return [event.transaction_id for event in self.listed(**filters)]

    def erase(self) -> int:
        """Erase the organization's events."""
        with self.engine.begin() as tx:
            return self.store.erase(tx, organization_id=self.organization_id)


class FoldingShelf(Shelf):
    """A shelf that folds all that is asked for, so that every answer comes from states, and is the same before and after."""

    def buckets(self, requests: Sequence[UsageRequest]) -> list[dict[Bucket, Usage]]:
        """Answer from events or older states, fold, answer from states; the two must not differ."""
        before = super().buckets(requests)
        foldable = [request for request in requests if states.can_fold(request)]
        self.fold(foldable)
        after = super().buckets(requests)
        for request, old, new in zip(requests, before, after, strict=True):
            assert old == new, request
        return after

    def fold(self, requests: Sequence[UsageRequest], *, left: int = 1) -> None:
        """Raise the horizon so that `left` events of a stream are beyond it, and fold."""
        with self.engine.begin() as tx:
            horizons = states.find_horizons(tx, requests, many=left, left=left)
        for organization_id, horizon in horizons.items():
            with self.engine.begin() as tx:
                states.raise_horizon(tx, organization_id=organization_id, horizon=horizon)
        with self.engine.begin() as tx:
            states.fold(tx, requests)


def make_organization(engine: Engine, *, frozen_time: datetime | None = None) -> UUID:
    """Write an organization and return its id."""
    with engine.begin() as tx:
        organization, _ = create_organization(
            tx,
            new_id=TimeOrderedIds(),
            real_now=NOW,
            name=f"Shelf {next(_names)}",
            email=None,
            country=None,
            timezone=None,
            default_currency=None,
            document_number_prefix=None,
            frozen_time=frozen_time,
        )
    return organization.id
