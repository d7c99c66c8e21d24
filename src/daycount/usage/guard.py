"""
Usage that is only taken while prepaid credits cover it.

A request with such usage is written by itself: its events go in, then the guard is asked whether its customers have overspent; if
so they are taken back. The lanes of the customers are held until the commit, so that what two requests use is never counted as
covered twice by the same credits.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy import Connection

from daycount import errors
from daycount.usage.port import Batch, EventStore
from daycount.usage.records import MetricFacts

REFUSAL: Final = {"wallet": ["insufficient_balance"]}
"""What an event is told that prepaid credits do not cover."""


class BalanceGuard(Protocol):
    """Knows what customers have used and what their wallets hold. The composition root gives one."""

    def find_overspent(self, tx: Connection, *, organization_id: UUID, customer_ids: Collection[UUID], at: datetime) -> set[UUID]:
        """Return those of the customers whose usage, that of this transaction too, is more than their credits cover."""
        ...


class Guarded:
    """Writes batches that a guard looks at; `lanes` holds, by place in its batch, the customer of each event that is guarded."""

    def __init__(self, tx: Connection, events: EventStore, guard: BalanceGuard) -> None:
        self._tx = tx
        self._events = events
        self._guard = guard

    def append(self, batch: Batch, lanes: Sequence[UUID | None], *, metrics: dict[str, MetricFacts]) -> None:
        """Keep the events of a batch as the store does. Raises Invalid, by place, where credits do not cover them: then none is kept."""
        savepoint = self._tx.begin_nested()
        self._events.append(self._tx, [batch], metrics=[metrics])
        if not batch.duplicates:
            customer_ids = {lane for lane in lanes if lane is not None}
            overspent = self._guard.find_overspent(self._tx, organization_id=batch.organization_id, customer_ids=customer_ids, at=batch.now)
            if overspent:
                savepoint.rollback()
                batch.keys = ()
                raise errors.Invalid({str(place): REFUSAL for place, lane in enumerate(lanes) if lane in overspent})
        savepoint.commit()
