"""
The event store as a plain list: the executable specification.

It is what `engine.metrics.observe` says, kept in memory, with no regard for speed. The contract suite compares every
other store with it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from daycount.engine.metrics import Bucket, Event, Usage, UsageRequest, observe, place_of, read_operation
from daycount.usage.port import Batch
from daycount.usage.records import Arrived, EventFilter, MetricFacts, Question, StoredEvent
from daycount.usage.values import event_key, read_texts


class MemoryEventStore:
    """Keeps events in a list, in the order of their arrival."""

    def __init__(self) -> None:
        self._events: list[tuple[UUID, StoredEvent]] = []
        self._keys: set[str] = set()

    def open(self, _tx: Connection, _batches: Sequence[Batch], *, metrics: Sequence[dict[str, MetricFacts]]) -> None:
        """Leave all to `append`; see the port."""

    def append(
        self, tx: Connection, batches: Sequence[Batch], *, metrics: Sequence[dict[str, MetricFacts]], seeks_known: bool = False
    ) -> None:
        """Keep the events of every batch without a duplicate; see the port."""
        assert len(batches) == len(metrics)
        for batch in batches:
            keys: list[str] = []
            batch.duplicates = []
            for place, event in enumerate(batch.events):
                subscription = event.external_subscription_id
                key = event_key(
                    batch.organization_id, subscription or "", event.transaction_id if subscription else f"{len(self._events)}.{place}"
                )
                if key in self._keys or key in keys:
                    batch.duplicates.append(place)
                keys.append(key)
            if not batch.duplicates:
                self._keep(batch, keys)

    def _keep(self, batch: Batch, keys: Sequence[str]) -> None:
        batch.keys = keys
        self._keys.update(keys)
        self._events.extend((batch.organization_id, event) for event in batch.stored)

    def aggregate(self, tx: Connection, requests: Sequence[UsageRequest]) -> list[dict[Bucket, Usage]]:
        """Answer each request by walking the whole list; see the port."""
        return [self._aggregate(request) for request in requests]

    def _aggregate(self, request: UsageRequest) -> dict[Bucket, Usage]:
        return observe(self._of(request), request=request)

    def _of(self, request: UsageRequest) -> list[Event]:
        """Return the events of a request's subscription and code."""
        return [
            Event(
                sequence=sequence,
                at=event.at,
                properties=read_texts(event.properties),
                precise_total_amount_cents=event.precise_total_amount_cents,
            )
            for sequence, (organization_id, event) in enumerate(self._events)
            if organization_id == request.organization_id
            and event.external_subscription_id == request.external_subscription_id
            and event.code == request.code
        ]

    def list_events(self, tx: Connection, query: EventFilter, *, limit: int, offset: int) -> list[StoredEvent]:
        """Return a page of events, newest first; see the port."""
        found = [event for organization_id, event in self._events if organization_id == query.organization_id and _matches(event, query)]
        if query.by_arrival:
            found.reverse()
            found.sort(key=lambda event: event.created_at, reverse=True)
            return found[offset : offset + limit]
        found.sort(key=lambda event: (event.transaction_id, event.key))
        found.sort(key=lambda event: event.at, reverse=True)
        return found[offset : offset + limit]

    def find_arrived(self, tx: Connection, *, organization_id: UUID, keys: Collection[UUID]) -> list[Arrived]:
        """Return the events of these keys, in the order of their arrival; see the port."""
        wanted = {str(key) for key in keys}
        return [
            Arrived(event, sequence)
            for sequence, (owner, event) in enumerate(self._events)
            if owner == organization_id and event.key in wanted
        ]

    def were_active(self, tx: Connection, questions: Sequence[Question]) -> list[bool]:
        """Tell whether counted values were there just before events, by walking the whole list; see the port."""
        return [self._was_active(question) for question in questions]

    def _was_active(self, question: Question) -> bool:
        request = question.request
        assert request.field_name is not None
        found: list[tuple[datetime, int, bool]] = []
        for event in self._of(request):
            place, group = place_of(event.properties, request=request)
            operation = read_operation(event.properties.get("operation_type"))
            is_earlier = (event.at, event.sequence) < (question.at, question.sequence)
            is_counted = operation is not None and event.properties.get(request.field_name) == question.member
            is_inside = request.is_recurring or event.at >= request.period.start
            if is_earlier and is_counted and is_inside and (place, group) == (question.place, question.group):
                found.append((event.at, event.sequence, bool(operation)))
        return bool(found) and max(found)[2]

    def erase(self, tx: Connection, *, organization_id: UUID) -> int:
        """Remove every event of an organization; see the port."""
        gone = [event for owner, event in self._events if owner == organization_id]
        self._events = [(owner, event) for owner, event in self._events if owner != organization_id]
        self._keys.difference_update(event.key for event in gone)
        return len(gone)


def _matches(event: StoredEvent, query: EventFilter) -> bool:
    return (
        query.external_subscription_id in (None, event.external_subscription_id)
        and query.code in (None, event.code)
        and (query.at_from is None or event.at >= query.at_from)
        and (query.at_to is None or event.at <= query.at_to)
    )
