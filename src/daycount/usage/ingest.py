"""
Taking events in: all requests that wait are committed together.

A few lanes, each a thread with its own connection, take whatever has queued up while the last commit was under way,
write it with one COPY, commit, and only then answer. So an answer means durable, and many small requests share the cost
of a commit. Times are stamped inside the transaction from the organization's own clock.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from psycopg.errors import DeadlockDetected, SerializationFailure
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

from daycount import errors
from daycount.clock import Clock
from daycount.infra.work import Workplace
from daycount.usage import store as usage_store
from daycount.usage.port import Batch, EventStore
from daycount.usage.records import Directory, IncomingEvent, MetricFacts, StoredEvent, SubscriptionFacts, Warned
from daycount.usage.warnings import warn

COMMIT = "events.commit"
_log = structlog.get_logger("ingest")
_MOST_ROWS = 10_000
_TRIES = 5
_MOST_CACHED = 200_000


class Accepted(NamedTuple):
    """An event that is durable, and why it may not be billed."""

    event: StoredEvent
    warnings: Sequence[Warned]


class Outcome(NamedTuple):
    """What became of a request: its events, or the error that refused it as a whole."""

    accepted: Sequence[Accepted]
    error: Exception | None


class Pending:
    """A request waiting for a commit; `done` is called with its outcome in a lane's thread."""

    __slots__ = ("done", "events", "organization_id")

    def __init__(self, organization_id: UUID, events: Sequence[IncomingEvent], done: Callable[[Outcome], None]) -> None:
        self.organization_id = organization_id
        self.events = events
        self.done = done


class _Facts:
    """What is known of an organization at one version of its catalogue."""

    __slots__ = ("metrics", "subscriptions", "version")

    def __init__(self, version: int, metrics: Mapping[str, MetricFacts]) -> None:
        self.version = version
        self.metrics = dict(metrics)
        self.subscriptions: dict[str, Sequence[SubscriptionFacts]] = {}


class GroupCommit:
    """The queue and its lanes. `close` answers what is still queued before it returns."""

    def __init__(
        self, workplace: Workplace, events: EventStore, directory: Directory, clock: Clock, *, lanes: int, horizon_days: int
    ) -> None:
        self._workplace = workplace
        self._events = events
        self._directory = directory
        self._clock = clock
        self._horizon = timedelta(days=horizon_days)
        self._queue: deque[Pending] = deque()
        self._wake = threading.Condition()
        self._is_closed = False
        self._facts: dict[UUID, _Facts] = {}
        self._lanes = [threading.Thread(target=self._run, name=f"ingest-{number}", daemon=True) for number in range(lanes)]
        for lane in self._lanes:
            lane.start()

    def submit(self, pending: Pending) -> None:
        """Queue a request. Its `done` is called once, whatever happens."""
        with self._wake:
            if self._is_closed:
                pending.done(Outcome((), errors.Busy("server_is_stopping")))
                return
            self._queue.append(pending)
            self._wake.notify()

    def close(self) -> None:
        """Take no more requests, commit those that wait, and stop."""
        with self._wake:
            self._is_closed = True
            self._wake.notify_all()
        for lane in self._lanes:
            lane.join()

    def _take(self) -> list[Pending]:
        with self._wake:
            while not self._queue and not self._is_closed:
                self._wake.wait()
            taken: list[Pending] = []
            rows = 0
            while self._queue and (not taken or rows + len(self._queue[0].events) <= _MOST_ROWS):
                taken.append(self._queue.popleft())
                rows += len(taken[-1].events)
            return taken

    def _run(self) -> None:
        while True:
            taken = self._take()
            if not taken:
                return
            try:
                outcomes = self._commit(taken)
            except Exception as error:
                _log.exception("events not written", requests=len(taken))
                outcomes = [Outcome((), error) for _ in taken]
            for pending, outcome in zip(taken, outcomes, strict=True):
                _answer(pending, outcome)

    def _commit(self, taken: Sequence[Pending]) -> list[Outcome]:
        """
        Write and commit; a deadlock or a lost connection is tried again, for some seconds.

        A connection may be lost between the commit and the word of it. So before anything is written again, the database
        is asked what became of the last try.
        """
        written: _Written | None = None
        for pause_s in (*_PAUSES_S, None):
            try:
                with self._workplace.engine.connect() as tx:
                    if written is not None and usage_store.is_committed(tx, written.written_by):
                        return written.outcomes
                with self._workplace.transaction(COMMIT) as tx:
                    written = None
                    written = self._write(tx, taken)
                return written.outcomes
            except (DBAPIError, psycopg.OperationalError, errors.Busy) as error:
                if pause_s is None or not _is_passing(error):
                    raise
                _log.warning("events not written yet; trying again", requests=len(taken), error=str(error).partition("\n")[0])
                time.sleep(pause_s)
        raise AssertionError

    def _write(self, tx: Connection, taken: Sequence[Pending]) -> _Written:
        nows, facts, written_by = self._learn(tx, taken)
        batches = [Batch(pending.organization_id, pending.events, now=nows[pending.organization_id]) for pending in taken]
        refused = {place: details for place, batch in enumerate(batches) if (details := self._too_far(batch))}
        good = [place for place in range(len(batches)) if place not in refused]
        self._events.append(
            tx, [batches[place] for place in good], metrics=[facts[batches[place].organization_id].metrics for place in good]
        )
        return [
            Outcome((), errors.Invalid(refused[place])) if place in refused else _outcome(batch, facts[batch.organization_id])
            for place, batch in enumerate(batches)
        ]

    def _too_far(self, batch: Batch) -> dict[str, Any]:
        """Find events dated beyond the horizon: a millisecond epoch lands tens of thousands of years ahead."""
        limit = batch.now + self._horizon
        return {str(place): {"timestamp": ["invalid_format"]} for place, event in enumerate(batch.events) if event.at and event.at > limit}

    def _learn(self, tx: Connection, taken: Sequence[Pending]) -> tuple[dict[UUID, datetime], dict[UUID, _Facts]]:
        """Read the clocks of the organizations, and what their events speak of where the cache is of an older version."""
        organizations = {pending.organization_id for pending in taken}
        real_now = self._clock.now()
        nows: dict[UUID, datetime] = {}
        known: dict[UUID, _Facts] = {}
        for row in usage_store.read_organizations(tx, organizations):
            nows[row.id] = row.frozen_time or real_now
            facts = self._facts.get(row.id)
            if facts is None or facts.version != row.catalog_version:
                facts = _Facts(row.catalog_version, self._directory.metrics(tx, row.id))
                self._facts[row.id] = facts
            known[row.id] = facts
        for organization_id, facts in known.items():
            self._learn_subscriptions(tx, organization_id, facts, taken)
        return nows, known

    def _learn_subscriptions(self, tx: Connection, organization_id: UUID, facts: _Facts, taken: Sequence[Pending]) -> None:
        named = {
            event.external_subscription_id for pending in taken if pending.organization_id == organization_id for event in pending.events
        }
        missing = sorted(name for name in named if name is not None and name not in facts.subscriptions)
        if not missing:
            return
        if len(facts.subscriptions) > _MOST_CACHED:
            facts.subscriptions.clear()
            missing = sorted(name for name in named if name is not None)
        found = self._directory.subscriptions(tx, organization_id, missing)
        facts.subscriptions.update({name: found.get(name, ()) for name in missing})


def _outcome(batch: Batch, facts: _Facts) -> Outcome:
    if batch.duplicates:
        details = {str(place): {"transaction_id": ["value_already_exist"]} for place in batch.duplicates}
        return Outcome((), errors.Invalid(details))
    return Outcome(
        [
            Accepted(
                event,
                warn(
                    code=event.code,
                    external_subscription_id=event.external_subscription_id,
                    at=event.at,
                    properties=event.properties,
                    metrics=facts.metrics,
                    subscriptions=facts.subscriptions,
                ),
            )
            for event in batch.stored
        ],
        None,
    )
