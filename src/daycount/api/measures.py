"""
What `/metrics` shows of the web processes.

Where several answer on one port, each writes its figures into files of one folder, and whichever is asked adds them up.
"""

import os
from functools import cache

from prometheus_client import REGISTRY, CollectorRegistry, Gauge, Histogram, generate_latest, multiprocess

FIGURES_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder; the Prometheus client reads it when it is imported."""

REQUESTS = Histogram("daycount_request_seconds", "Time to answer a request, by operation and status.", ["operation", "status"])
AGENDA_DUE = Gauge("daycount_agenda_due", "Entries of live organizations that are due and not done.", multiprocess_mode="mostrecent")
AGENDA_PARKED = Gauge("daycount_agenda_parked", "Entries that failed and wait for somebody.", multiprocess_mode="mostrecent")
AGENDA_LAG = Gauge("daycount_agenda_lag_seconds", "Seconds since the oldest entry came due.", multiprocess_mode="mostrecent")
POOL_USED = Gauge(
    "daycount_database_connections_used", "Pooled database connections in use by the process that answers.", multiprocess_mode="mostrecent"
)


@cache
def timer(operation: str, status: int) -> Histogram:
    """Return the child of REQUESTS for an operation and a status; there are some hundreds."""
    return REQUESTS.labels(operation, str(status))


def show() -> bytes:
    """Write the figures of all web processes."""
    if FIGURES_VARIABLE not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # so the library has it
    return generate_latest(registry)
