"""
Clocks. Only edges (a request, a job, a command) read one, once, and hand the instant down.

`SystemClock` reads the machine's time; `FrozenClock` stands still and is what tests and sandboxes use.
"""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Something that knows what time it is."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant in UTC, to the microsecond."""
        return datetime.now(UTC)


class FrozenClock:
    """A clock that shows the instant it was given."""

    def __init__(self, instant: datetime) -> None:
        self._instant = instant

    def now(self) -> datetime:
        """Return the frozen instant."""
        return self._instant
