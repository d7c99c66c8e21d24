"""
The event-store port: all that the rest of Daycount asks of the place where events are kept.

Few methods, aggregation as data. One contract suite runs on every implementation. `tx` is the transaction of the
caller; a store that keeps its events elsewhere ignores it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import Connection

from daycount.engine.metrics import Bucket, Usage, UsageRequest
from daycount.usage.records import Arrived, EventFilter, IncomingEvent, MetricFacts, Question, StoredEvent
from daycount.usage.values import as_uuid


class Batch:
    """
    Events of one request, which are kept all or none.

    After `append`, `duplicates` holds the places of events that were known already or stand twice in the batch; when it
    is empty, `keys` holds the identities of the events as kept, in order, written when they are asked for. A store that
    reads the billed values notes in `unread` the places of events where it found none that counts; None means that nobody
    looked.
    """

    __slots__ = ("_keys", "digests", "duplicates", "events", "now", "organization_id", "unread")

    def __init__(self, organization_id: UUID, events: Sequence[IncomingEvent], *, now: datetime) -> None:
        self.organization_id = organization_id
        self.events = events
        self.now = now
        self.duplicates: list[int] = []
        self.digests: Sequence[str] = ()
        self.unread: set[int] | None = None
        self._keys: Sequence[str] = ()

    @property
    def keys(self) -> Sequence[str]:
        """Return the identities of the events as kept, as uuids; empty when they were not."""
        if len(self._keys) < len(self.digests):
            self._keys = list(map(as_uuid, self.digests))
        return self._keys

    @keys.setter
    def keys(self, keys: Sequence[str]) -> None:
        self._keys, self.digests = keys, ()

    @property
    def stored(self) -> list[StoredEvent]:
        """Return the events as kept; empty when they were not."""
        return [
            StoredEvent(
                key=key,
                external_subscription_id=event.external_subscription_id or None,
                code=event.code,
                transaction_id=event.transaction_id,
                at=event.at or self.now,
                created_at=self.now,
                properties=event.properties,
                precise_total_amount_cents=event.precise_total_amount_cents,
            )
            for event, key in zip(self.events, self.keys, strict=False)
        ]


class OrganizationRow(NamedTuple):
    """What ingest reads of an organization every time; `written_by` names the transaction that read it."""

    id: UUID
    catalog_version: int
    frozen_time: datetime | None
    written_by: str


class Opened(Protocol):
    """An append that was begun: the organizations were read, clocks shared, and the rows are waited for."""

    organizations: Sequence[OrganizationRow]

    def send(self, places: Sequence[int]) -> bool:
        """
        Keep the batches at these places, whose `now` is known by now, as `append` does.

        False where one of their events is known already: then none was kept, and the transaction can only be rolled back.
        """
        ...

    def give_up(self) -> None:
        """Keep nothing, if nothing was sent: then the transaction can only be rolled back. After `send` it does nothing."""
        ...


class EventStore(Protocol):
    """Keeps events for ever, once each, and adds them up."""

    def open(self, tx: Connection, batches: Sequence[Batch], *, metrics: Sequence[dict[str, MetricFacts]]) -> Opened | None:
        """
        Begin to append, as the first thing of a transaction, if that is quicker than `append`; None where it is not.

        Of the batches only the organizations and the events are looked at.
        """
        ...

    def append(
        self, tx: Connection, batches: Sequence[Batch], *, metrics: Sequence[dict[str, MetricFacts]], seeks_known: bool = False
    ) -> None:
        """
        Keep the events of every batch that holds no duplicate; note the duplicates of the others.

        `metrics` holds, for each batch, the live metrics of its organization by code. `seeks_known` says that some event is
        likely to be known already, which a store may look for before it writes. Nothing counts until the caller's
        transaction commits.
        """
        ...

    def aggregate(self, tx: Connection, requests: Sequence[UsageRequest]) -> list[dict[Bucket, Usage]]:
        """Answer all requests, in their order, bucket by bucket, in a constant number of queries. Empty buckets are left out."""
        ...

    def list_events(self, tx: Connection, query: EventFilter, *, limit: int, offset: int) -> list[StoredEvent]:
        """Return events by descending timestamp, then ascending transaction id; or by descending arrival, if the query says so."""
        ...

    def find_arrived(self, tx: Connection, *, organization_id: UUID, keys: Collection[UUID]) -> list[Arrived]:
        """Return the events of these keys, in the order of their arrival."""
        ...

    def were_active(self, tx: Connection, questions: Sequence[Question]) -> list[bool]:
        """Tell for each question whether a counted value was there just before an event. One query."""
        ...

    def erase(self, tx: Connection, *, organization_id: UUID) -> int:
        """Remove every event of an organization and tell how many there were."""
        ...
