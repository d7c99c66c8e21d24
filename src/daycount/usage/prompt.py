"""
What an accepted event causes at once: it is priced, where it is paid for in advance, and whatever watches usage looks at it.

The event and an agenda entry for what it causes are committed together, by ingest. Then the entry is run, in a thread of its
own, so that events that cause nothing do not wait; an answer waits for a price, not for who watches. If that fails, or the
process dies, the agenda does it later; so the answer only ever says that the event is durable.
"""

import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import structlog

PRICE_EVENT = "price_event"
"""The kind of agenda entry by which an event paid for in advance is priced; its subject is the event's key."""

CHECK_USAGE = "check_usage"
"""The kind of agenda entry by which a customer's usage is looked at after it grew; its lane is the customer, its subject nothing."""

RunEntries = Callable[[UUID, Sequence[UUID]], None]
"""Runs what events caused in some lanes of an organization, in transactions of its own."""

THREADS = 2
_log = structlog.get_logger("ingest")


class PromptPricing:
    """Runs entries in a few threads of its own."""

    def __init__(self, run: RunEntries) -> None:
        self._run = run
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="price")

    def submit(self, lanes: Collection[tuple[UUID, UUID]], then: Callable[[], None]) -> None:
        """Run what is due in (organization, lane) pairs, then call `then`, whatever came of it."""
        self._threads.submit(self._work, sorted(lanes, key=str), then)

    def close(self) -> None:
        """Finish what was submitted."""
        self._threads.shutdown()

    def _work(self, lanes: Sequence[tuple[UUID, UUID]], then: Callable[[], None]) -> None:
        try:
            for organization_id in dict.fromkeys(organization for organization, _ in lanes):
                self._run(organization_id, [lane for organization, lane in lanes if organization == organization_id])
        except Exception:
            _log.exception("events not priced yet; the agenda will do it", lanes=len(lanes))
        finally:
            then()


class PromptChecks:
    """
    Runs, in a thread of its own, what looks at usage after it grew. Nobody waits for it.

    A lane that waits already is not queued again: when its turn comes, all that was noted by then is looked at together.
    """

    def __init__(self, run: RunEntries) -> None:
        self._run = run
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="check")
        self._waiting: set[tuple[UUID, UUID]] = set()
        self._lock = threading.Lock()

    def submit(self, lanes: Collection[tuple[UUID, UUID]]) -> None:
        """Run soon what is due in (organization, lane) pairs."""
        if not lanes:
            return
        with self._lock:
            added = set(lanes) - self._waiting
            self._waiting |= added
        if added:
            self._threads.submit(self._work, added)

    def close(self) -> None:
        """Finish what was submitted."""
        self._threads.shutdown()

    def _work(self, lanes: Collection[tuple[UUID, UUID]]) -> None:
        with self._lock:
            self._waiting.difference_update(lanes)
        try:
            for organization_id in sorted({organization for organization, _ in lanes}):
                self._run(organization_id, sorted(lane for organization, lane in lanes if organization == organization_id))
        except Exception:
            _log.exception("usage not looked at yet; the agenda will do it", lanes=len(lanes))
