"""
Taking events in: all requests that wait are committed together.

A few lanes, each a thread with its own connection, take whatever has queued up while the last commit was under way,
write it with one COPY, commit, and only then answer. So an answer means durable, and many small requests share the cost
of a commit. Times are stamped inside the transaction from the organization's own clock.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import structlog
from psycopg.errors import DeadlockDetected, SerializationFailure
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

from daycount import errors
from daycount.clock import Clock
from daycount.infra.agenda import Agenda
from daycount.infra.work import Workplace
from daycount.usage import store as usage_store
from daycount.usage.computed import compute_values
from daycount.usage.faults.finding import find_faults, find_lost_targets
from daycount.usage.faults.operations import note_faults
from daycount.usage.guard import BalanceGuard, Guarded
from daycount.usage.known import Facts
from daycount.usage.port import Batch, EventStore
from daycount.usage.prompt import CHECK_USAGE, PRICE_EVENT, PromptChecks, PromptPricing
from daycount.usage.records import Directory, IncomingEvent, StoredEvent, Warned
from daycount.usage.warnings import Life

COMMIT = "events.commit"
_log = structlog.get_logger("ingest")
_MOST_ROWS = 10_000
_WORTH_A_LANE = 500
_PATIENCE_S = 0.05
_GATHER_S = 0.004
_WORTH_GATHERING = 4
_PAUSES_S = (0.0, 0.1, 0.5, 1.0, 2.0)
_MOST_CACHED = 200_000
_NOT_YET = datetime.min.replace(tzinfo=UTC)


class Accepted(NamedTuple):
    """An event that is durable, and why it may not be billed."""

    event: StoredEvent
    warnings: Sequence[Warned]


class Outcome(NamedTuple):
    """
    What became of a request: its events as kept and what explains each, or the error that refused it as a whole.

    `lanes` are those in which its events are to be priced at once, `watched` those in which usage is to be looked at soon.
    """

    batch: Batch | None
    explain: Callable[[], Sequence[Sequence[Warned]]]
    error: Exception | None
    lanes: frozenset[UUID] = frozenset()
    watched: frozenset[UUID] = frozenset()

    @property
    def warnings(self) -> Sequence[Sequence[Warned]]:
        """Return for each event why it may not be billed; found out when it is asked for."""
        return self.explain()

    @property
    def accepted(self) -> list[Accepted]:
        """Return the events one by one; empty when they were refused."""
        return [] if self.batch is None else list(map(Accepted, self.batch.stored, self.warnings))


def _refused(error: Exception) -> Outcome:
    return Outcome(None, tuple, error)


class Pending:
    """
    A request waiting for a commit; `done` is called with its outcome in a lane's thread.

    `refused` holds, by place in the request, what could not be read; such a request is never kept, but it is told everything
    that is wrong with it. `events` are the others, in their order.
    """

    __slots__ = ("done", "events", "organization_id", "refused")

    def __init__(
        self,
        organization_id: UUID,
        events: Sequence[IncomingEvent],
        done: Callable[[Outcome], None],
        refused: Mapping[int, Any] | None = None,
    ) -> None:
        self.organization_id = organization_id
        self.events = events
        self.done = done
        self.refused = refused

    def told(self, details: Mapping[str, Any]) -> dict[str, Any]:
        """Put what is wrong with events, by their places, together with what could not be read, by places in the request."""
        if not self.refused:
            return dict(details)
        places = [place for place in range(len(self.events) + len(self.refused)) if place not in self.refused]
        found = {**self.refused, **{places[int(place)]: codes for place, codes in details.items()}}
        return {str(place): codes for place, codes in sorted(found.items())}


class _Written(NamedTuple):
    """What a transaction wrote, and its name, by which the database knows whether it was committed."""

    written_by: str
    outcomes: list[Outcome]


class GroupCommit:
    """The queue and its lanes. `close` answers what is still queued before it returns."""

    def __init__(
        self,
        workplace: Workplace,
        events: EventStore,
        directory: Directory,
        clock: Clock,
        *,
        lanes: int,
        horizon_days: int,
        pricing: PromptPricing | None = None,
        checks: PromptChecks | None = None,
        guard: BalanceGuard | None = None,
    ) -> None:
        self._workplace = workplace
        self._events = events
        self._directory = directory
        self._clock = clock
        self._horizon = timedelta(days=horizon_days)
        self._pricing = pricing
        self._checks = checks
        self._guard = guard
        self._queue: deque[Pending] = deque()
        self._rows_waiting = 0
        self._at_work = 0
        self._expected = 0
        lock = threading.RLock()
        self._wake = threading.Condition(lock)
        self._gathered = threading.Condition(lock)
        self._is_closed = False
        self._facts: dict[UUID, Facts] = {}
        self._lanes = [threading.Thread(target=self._run, name=f"ingest-{number}", daemon=True) for number in range(lanes)]
        for lane in self._lanes:
            lane.start()

    def submit(self, *requests: Pending) -> None:
        """Queue requests. The `done` of each is called once, whatever happens."""
        with self._wake:
            if not self._is_closed:
                was_empty = not self._queue
                self._queue.extend(requests)
                self._rows_waiting += sum([len(pending.events) for pending in requests])
                if self._rows_waiting >= self._expected:
                    self._gathered.notify_all()
                if was_empty or self._is_due():
                    self._wake.notify()
                return
        for pending in requests:
            pending.done(_refused(errors.Busy("server_is_stopping")))

    def close(self) -> None:
        """Take no more requests, commit those that wait, and stop."""
        with self._wake:
            self._is_closed = True
            self._wake.notify_all()
            self._gathered.notify_all()
        for lane in self._lanes:
            lane.join()
        if self._pricing is not None:
            self._pricing.close()
        if self._checks is not None:
            self._checks.close()

    def _is_due(self) -> bool:
        """Tell whether a lane should start: at once when all rest, else when there is enough to be worth a commit of its own."""
        return bool(self._queue) and (not self._at_work or self._rows_waiting >= _WORTH_A_LANE)

    def _take(self) -> list[Pending]:
        """Wait for requests and take them; an empty list means the end."""
        with self._wake:
            while True:
                while not self._is_closed and not self._is_due():
                    # A lane at work will take these with it when it is done, unless something holds it up.
                    if not self._wake.wait(_PATIENCE_S if self._queue else None) and self._queue:
                        break
                self._at_work += 1
                # Whoever got an answer just now is likely to ask again at once: a short wait makes one commit serve all of them.
                self._gathered.wait_for(lambda: self._rows_waiting >= self._expected or self._is_closed, _GATHER_S)
                if self._queue or self._is_closed:
                    return self._take_queued()
                # Another lane was quicker.
                self._at_work -= 1

    def _take_queued(self) -> list[Pending]:
        """Take from the queue, oldest first, as much as one COPY should write."""
        taken: list[Pending] = []
        rows = 0
        while self._queue and (not taken or rows + len(self._queue[0].events) <= _MOST_ROWS):
            taken.append(self._queue.popleft())
            rows += len(taken[-1].events)
        self._rows_waiting -= rows
        return taken

    def _run(self) -> None:
        while taken := self._take():
            outcomes = self._settle(taken)
            self._check(taken, outcomes)
            waiting = []
            for pending, outcome in zip(taken, outcomes, strict=True):
                if outcome.lanes and self._pricing is not None:
                    waiting.append((pending, outcome))
                else:
                    _answer(pending, outcome)
            if waiting:
                self._price(waiting)
            with self._wake:
                self._at_work -= 1
                crowd = self._rows_waiting + sum([len(pending.events) for pending in taken])
                self._expected = min(crowd, _WORTH_A_LANE) if crowd >= _WORTH_GATHERING else 0

    def _check(self, taken: Sequence[Pending], outcomes: Sequence[Outcome]) -> None:
        """Have usage looked at that just grew; nobody waits for it."""
        if self._checks is not None:
            lanes = {(pending.organization_id, lane) for pending, outcome in zip(taken, outcomes, strict=True) for lane in outcome.watched}
            self._checks.submit(lanes)

    def _price(self, waiting: Sequence[tuple[Pending, Outcome]]) -> None:
        """Have events priced that were committed, and answer then."""
        assert self._pricing is not None

        def answer() -> None:
            for pending, outcome in waiting:
                _answer(pending, outcome)

        self._pricing.submit({(pending.organization_id, lane) for pending, outcome in waiting for lane in outcome.lanes}, answer)

    def _settle(self, taken: Sequence[Pending]) -> list[Outcome]:
        """Commit requests together; where one of them cannot be written at all, each by itself, so that only that one fails."""
        try:
            return self._commit(taken)
        except Exception as error:
            if len(taken) > 1 and not _is_passing(error):
                return [outcome for pending in taken for outcome in self._settle([pending])]
            _log.exception("events not written", requests=len(taken))
            return [_refused(error) for _ in taken]

    def _commit(self, taken: Sequence[Pending]) -> list[Outcome]:
        """
        Write and commit; a deadlock or a lost connection is tried again, for some seconds.

        A connection may be lost between the commit and the word of it. So before anything is written again, the database
        is asked what became of the last try.
        """
        written: _Written | None = None
        for pause_s in (*_PAUSES_S, None):
            try:
                if written is not None and self._is_committed(written):
                    return written.outcomes
                written = None
                with self._workplace.transaction(COMMIT) as tx:
                    written = self._write(tx, taken)
                return written.outcomes
            except (DBAPIError, psycopg.OperationalError, errors.Busy) as error:
                if pause_s is None or not _is_passing(error):
                    raise
                if _is_connection_lost(error):
                    self._workplace.engine.dispose()
                _log.warning("events not written yet; trying again", requests=len(taken), error=str(error).partition("\n")[0])
                time.sleep(pause_s)
        raise AssertionError

    def _is_committed(self, written: _Written) -> bool:
        with self._workplace.engine.connect() as tx:
            return usage_store.is_committed(tx, written.written_by)

    def _write(self, tx: Connection, taken: Sequence[Pending]) -> _Written:
        """
        Write requests: with two round trips to the database where all that they need is known.

        Where something has to be asked first, turns out to be different or is known already, they are written in steps.
        """
        facts: dict[UUID, Facts] = {}
        try:
            for pending in taken:
                facts[pending.organization_id] = self._facts[pending.organization_id]
            lives = [facts[pending.organization_id].find_lives(pending.events) for pending in taken]
        except KeyError:
            return self._write_in_steps(tx, taken)
        if any(own.computes or own.size > _MOST_CACHED for own in facts.values()) or self._find_guarded(facts, lives, ()):
            return self._write_in_steps(tx, taken)
        batches = [Batch(pending.organization_id, pending.events, now=_NOT_YET) for pending in taken]
        opened = self._events.open(tx, batches, metrics=[facts[batch.organization_id].metrics for batch in batches])
        if opened is None:
            return self._write_in_steps(tx, taken)
        refused: dict[int, dict[str, Any]] = {}
        is_current = is_kept = False
        try:
            is_current = {row.id: row.catalog_version for row in opened.organizations} == {key: own.version for key, own in facts.items()}
            if is_current:
                real_now = self._clock.now()
                nows = {row.id: row.frozen_time or real_now for row in opened.organizations}
                for place, (pending, batch) in enumerate(zip(taken, batches, strict=True)):
                    batch.now = nows[pending.organization_id]
                    details = self._too_far(pending.events, now=batch.now)
                    if details or pending.refused:
                        refused[place] = pending.told(details)
                is_kept = opened.send([place for place in range(len(batches)) if place not in refused])
        finally:
            opened.give_up()
        if not is_kept:
            tx.rollback()
            return self._write_in_steps(tx, taken, seeks_known=is_current)
        return self._conclude_all(tx, batches, facts, lives, refused, written_by=opened.organizations[0].written_by)

    def _write_in_steps(self, tx: Connection, taken: Sequence[Pending], *, seeks_known: bool = False) -> _Written:
        nows, facts, written_by = self._learn(tx, taken)
        lives = self._find_lives(tx, facts, taken)
        batches: list[Batch] = []
        refused: dict[int, dict[str, Any]] = {}
        for place, pending in enumerate(taken):
            organization_id, events = pending.organization_id, pending.events
            now, known = nows[organization_id], facts[organization_id]
            details = self._too_far(events, now=now)
            if known.computes:
                events, failed = compute_values(events, now=now, metrics=known.metrics)
                details |= failed
            batches.append(Batch(organization_id, events, now=now))
            if details or pending.refused:
                refused[place] = pending.told(details)
        guarded = self._hold_guarded(tx, facts, batches, lives, refused)
        good = [place for place in range(len(batches)) if place not in refused and place not in guarded]
        metrics = [facts[batches[place].organization_id].metrics for place in good]
        self._events.append(tx, [batches[place] for place in good], metrics=metrics, seeks_known=seeks_known)
        for place, lanes in guarded.items():
            assert self._guard is not None
            try:
                own = facts[batches[place].organization_id].metrics
                Guarded(tx, self._events, self._guard).append(batches[place], lanes, metrics=own)
            except errors.Invalid as error:
                refused[place] = dict(error.details)
        return self._conclude_all(tx, batches, facts, lives, refused, written_by=written_by)

    def _conclude_all(
        self,
        tx: Connection,
        batches: Sequence[Batch],
        facts: Mapping[UUID, Facts],
        lives: Sequence[Sequence[Life]],
        refused: Mapping[int, dict[str, Any]],
        *,
        written_by: str,
    ) -> _Written:
        """Note what events cause that were kept, and say what became of each request."""
        outcomes = [
            _refused(errors.Invalid(refused[place]))
            if place in refused
            else self._conclude(tx, batch, facts[batch.organization_id], lives[place])
            for place, batch in enumerate(batches)
        ]
        self._plan_checks(tx, outcomes, facts)
        return _Written(written_by, outcomes)

    def _find_guarded(
        self, facts: Mapping[UUID, Facts], lives: Sequence[Sequence[Life]], refused: Collection[int]
    ) -> dict[int, list[UUID | None]]:
        """Find the requests with usage that prepaid credits must cover, by place, with the lanes of those whose credits they are."""
        if self._guard is None or not any(known.has_guarded for known in facts.values()):
            return {}
        lanes = {place: [life.guarded_lane_id for life in own] for place, own in enumerate(lives) if place not in refused}
        return {place: own for place, own in lanes.items() if any(own)}

    def _hold_guarded(
        self,
        tx: Connection,
        facts: Mapping[UUID, Facts],
        batches: Sequence[Batch],
        lives: Sequence[Sequence[Life]],
        refused: Collection[int],
    ) -> dict[int, list[UUID | None]]:
        """Find the requests with usage that prepaid credits must cover, and hold the lanes of those whose credits they are."""
        guarded = self._find_guarded(facts, lives, refused)
        if guarded:
            agenda = Agenda(tx, organization_id=batches[0].organization_id, is_sandbox=False, new_id=self._workplace.new_id)
            agenda.hold_all({lane for own in guarded.values() for lane in own if lane is not None})
        return guarded

    def _conclude(self, tx: Connection, batch: Batch, facts: Facts, lives: Sequence[Life]) -> Outcome:
        outcome = _outcome(batch, facts, lives)
        if facts.has_advance and outcome.batch is not None:
            outcome = outcome._replace(lanes=self._plan_prices(tx, batch, facts, lives))
        if facts.has_watched and outcome.batch is not None:
            watched = frozenset(life.watched_lane_id for life in lives if life.watched_lane_id is not None)
            outcome = outcome._replace(watched=watched)
        if facts.has_listeners and outcome.batch is not None:
            self._tell_of_faults(tx, outcome.batch, outcome.warnings, facts)
        return outcome

    def _tell_of_faults(self, tx: Connection, batch: Batch, warnings: Sequence[Sequence[Warned]], facts: Facts) -> None:
        """Note what is wrong with events that were kept, for whoever listens."""
        faults = find_faults(batch, warnings, metrics=facts.metrics)
        lost = find_lost_targets(batch, metrics=facts.metrics, subscriptions=facts.subscriptions)
        if faults or lost:
            work = self._workplace.work_on(
                tx, now=batch.now, actor="ingest", organization_id=batch.organization_id, is_sandbox=facts.is_sandbox
            )
            note_faults(work, faults)
            for message in lost:
                work.announce(message)

    def _plan_checks(self, tx: Connection, outcomes: Sequence[Outcome], facts: Mapping[UUID, Facts]) -> None:
        """
        Note in the agenda in which lanes usage is to be looked at, once for each; one statement an organization that has any.

        Each commit makes entries of its own: one that was there already may be at work, and would be struck off with this in it.
        """
        lanes: dict[tuple[UUID, datetime], set[UUID]] = {}
        for outcome in outcomes:
            if outcome.watched and outcome.batch is not None:
                lanes.setdefault((outcome.batch.organization_id, outcome.batch.now), set()).update(outcome.watched)
        for (organization_id, now), own in lanes.items():
            is_sandbox = facts[organization_id].is_sandbox
            agenda = Agenda(tx, organization_id=organization_id, is_sandbox=is_sandbox, new_id=self._workplace.new_id)
            agenda.put_many(CHECK_USAGE, [(self._workplace.new_id(), lane_id, now) for lane_id in sorted(own)])

    def _plan_prices(self, tx: Connection, batch: Batch, facts: Facts, lives: Sequence[Life]) -> frozenset[UUID]:
        """Note in the agenda which events of a batch are to be priced; returns their lanes."""
        dues = [(UUID(key), life.lane_id, batch.now) for key, life in zip(batch.keys, lives, strict=True) if life.lane_id is not None]
        agenda = Agenda(tx, organization_id=batch.organization_id, is_sandbox=facts.is_sandbox, new_id=self._workplace.new_id)
        agenda.put_many(PRICE_EVENT, dues)
        return frozenset(lane_id for _, lane_id, _ in dues)

    def _too_far(self, events: Sequence[IncomingEvent], *, now: datetime) -> dict[str, Any]:
        """Find events dated beyond the horizon: a millisecond epoch lands tens of thousands of years ahead."""
        limit = now + self._horizon
        return {str(place): {"timestamp": ["invalid_format"]} for place, event in enumerate(events) if event.at and event.at > limit}

    def _learn(self, tx: Connection, taken: Sequence[Pending]) -> tuple[dict[UUID, datetime], dict[UUID, Facts], str]:
        """
        Read the clocks of the organizations, and their metrics where the cache is of an older version.

        The third answer names the transaction.
        """
        real_now = self._clock.now()
        nows: dict[UUID, datetime] = {}
        known: dict[UUID, Facts] = {}
        written_by = ""
        for row in usage_store.read_organizations(tx, {pending.organization_id for pending in taken}):
            nows[row.id] = row.frozen_time or real_now
            written_by = row.written_by
            facts = self._facts.get(row.id)
            if facts is None or facts.version != row.catalog_version or facts.size > _MOST_CACHED:
                facts = Facts(
                    row.catalog_version,
                    self._directory.metrics(tx, row.id),
                    is_sandbox=row.frozen_time is not None,
                    has_listeners=self._directory.has_listeners(tx, row.id),
                )
                self._facts[row.id] = facts
            known[row.id] = facts
        return nows, known, written_by

    def _find_lives(self, tx: Connection, known: Mapping[UUID, Facts], taken: Sequence[Pending]) -> list[list[Life]]:
        """Return, for each request, when its events need no explanation. Most are known, and then this is all there is to it."""
        try:
            return [known[pending.organization_id].find_lives(pending.events) for pending in taken]
        except KeyError:
            for organization_id, facts in known.items():
                events = [event for pending in taken if pending.organization_id == organization_id for event in pending.events]
                self._learn_subscriptions(tx, organization_id, facts, events)
                facts.learn_lives(events)
            return [known[pending.organization_id].find_lives(pending.events) for pending in taken]

    def _learn_subscriptions(self, tx: Connection, organization_id: UUID, facts: Facts, events: Sequence[IncomingEvent]) -> None:
        named = {event.external_subscription_id for event in events}
        missing = sorted(name for name in named.difference(facts.subscriptions) if name is not None)
        if missing:
            found = self._directory.subscriptions(tx, organization_id, missing)
            facts.subscriptions.update({name: found.get(name, ()) for name in missing})


def _is_passing(error: Exception) -> bool:
    """Tell whether trying again may help: a deadlock, a lost connection, somebody in the way."""
    if isinstance(error, DBAPIError):
        return isinstance(error.orig, DeadlockDetected | SerializationFailure) or isinstance(error, OperationalError)
    return isinstance(error, psycopg.OperationalError | errors.Busy)


def _is_connection_lost(error: Exception) -> bool:
    """Tell whether the driver lost its connection; then the pool, which did not hear of it, holds others that are as dead."""
    return isinstance(error, psycopg.OperationalError) and (error.sqlstate or "08").startswith(("08", "57P"))


def _answer(pending: Pending, outcome: Outcome) -> None:
    """Hand an outcome over. Whoever asked may be gone; the lane goes on to answer the others."""
    try:
        pending.done(outcome)
    except Exception:
        _log.exception("answer not taken")


def _outcome(batch: Batch, facts: Facts, lives: Sequence[Life]) -> Outcome:
    if batch.duplicates:
        details = {str(place): {"transaction_id": ["value_already_exist"]} for place in batch.duplicates}
        return _refused(errors.Invalid(details))
    return Outcome(batch, partial(facts.warn, batch, lives), None)
