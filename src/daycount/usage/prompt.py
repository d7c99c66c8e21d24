"""
What an accepted event causes at once: where it is paid for in advance, it is priced before its sender gets the answer.

The event and an agenda entry for its price are committed together, by ingest. Then the entry is run, in a thread of its
own, so that events that cause nothing do not wait. If that fails, or the process dies, the agenda does it later; so the
answer only ever says that the event is durable.
"""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import structlog

PRICE_EVENT = "price_event"
"""The kind of agenda entry by which an event paid for in advance is priced; its subject is the event's key."""

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
