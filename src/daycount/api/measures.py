"""
What `/metrics` shows of the web processes.

Where several answer on one port, each writes its figures into files of one folder, and whichever is asked adds them up.
"""

import asyncio
import os
from bisect import bisect_left
from functools import cache

from prometheus_client import REGISTRY, CollectorRegistry, Gauge, Histogram, generate_latest, multiprocess

from daycount.config import FIGURES_VARIABLE

REQUESTS = Histogram("daycount_request_seconds", "Time to answer a request, by operation and status.", ["operation", "status"])
AGENDA_DUE = Gauge("daycount_agenda_due", "Entries of live organizations that are due and not done.", multiprocess_mode="mostrecent")
AGENDA_PARKED = Gauge("daycount_agenda_parked", "Entries that failed and wait for somebody.", multiprocess_mode="mostrecent")
AGENDA_LAG = Gauge("daycount_agenda_lag_seconds", "Seconds since the oldest entry came due.", multiprocess_mode="mostrecent")
POOL_USED = Gauge(
    "daycount_database_connections_used", "Pooled database connections in use by the process that answers.", multiprocess_mode="mostrecent"
)


_PASS_ON_S = 0.2


@cache
def timer(operation: str, status: int) -> Histogram:
    """Return the child of REQUESTS for an operation and a status; there are some hundreds."""
    return REQUESTS.labels(operation, str(status))


class Tallies:
    """
    Times of the most frequent requests, counted here and passed on some times a second, by the event loop they end in.

    To observe each of them costs as much as an eighth of answering it.
    """

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, int], _Tally] = {}
        self._is_due = False

    def note(self, operation: str, status: int, seconds: float) -> None:
        """Count the time of a request."""
        tally = self._tallies.get((operation, status))
        if tally is None:
            tally = self._tallies[operation, status] = _Tally(timer(operation, status))
        tally.note(seconds)
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(_PASS_ON_S, self.pass_on)

    def pass_on(self) -> None:
        """Add what was counted to the figures."""
        self._is_due = False
        for tally in self._tallies.values():
            tally.pass_on()


class _Tally:
    """The times of one kind of request since they were passed on last."""

    __slots__ = ("_bounds", "_counts", "_histogram", "_total_s")

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._bounds: list[float] = list(histogram._upper_bounds)  # noqa: SLF001 - it adds many times at once only from within
        self._counts = [0] * len(self._bounds)
        self._total_s = 0.0

    def note(self, seconds: float) -> None:
        self._total_s += seconds
        self._counts[bisect_left(self._bounds, seconds)] += 1

    def pass_on(self) -> None:
        counts, self._counts = self._counts, [0] * len(self._bounds)
        total_s, self._total_s = self._total_s, 0.0
        self._histogram._sum.inc(total_s)  # noqa: SLF001 - as above
        for bucket, count in zip(self._histogram._buckets, counts, strict=True):  # noqa: SLF001 - as above
            if count:
                bucket.inc(count)


def show() -> bytes:
    """Write the figures of all web processes."""
    if FIGURES_VARIABLE not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # so the library has it
    return generate_latest(registry)
