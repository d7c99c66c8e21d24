"""What `/metrics` shows of the web process."""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram("daycount_request_seconds", "Time to answer a request, by operation and status.", ["operation", "status"])
EVENTS = Counter("daycount_event_requests_total", "Requests that brought events, by outcome.", ["outcome"])
EVENTS_ACCEPTED, EVENTS_REJECTED = EVENTS.labels("accepted"), EVENTS.labels("rejected")
AGENDA_DUE = Gauge("daycount_agenda_due", "Entries of live organizations that are due and not done.")
AGENDA_PARKED = Gauge("daycount_agenda_parked", "Entries that failed and wait for somebody.")
AGENDA_LAG = Gauge("daycount_agenda_lag_seconds", "Seconds since the oldest entry came due.")
POOL_USED = Gauge("daycount_database_connections_used", "Pooled database connections in use.")


@cache
def timer(operation: str, status: int) -> Histogram:
    """Return the child of REQUESTS for an operation and a status; there are some hundreds."""
    return REQUESTS.labels(operation, str(status))
