"""
Limits on how many requests a key may send in a second, told in the headers that clients of the API read.

Each web process counts by itself, in memory, so that a request costs one look into a table. The usual limits are so high that they
only tell; whoever runs a server sets them, or takes them away.
"""

import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Final, NamedTuple

from daycount.api.protocol import Headers

_EVENTS: Final = frozenset({b"/api/v1/events", b"/api/v1/events/batch"})
_USAGE: Final = b"/current_usage"
_RESET: Final = (b"x-ratelimit-reset", b"1")
"""Seconds to wait: a new second begins within one."""


class Kind(Enum):
    """What is limited together."""

    EVENTS = auto()
    USAGE = auto()
    REQUESTS = auto()


class Grant(NamedTuple):
    """What a request is told: the headers, and whether it is one too many."""

    headers: Headers
    is_refused: bool


class RateLimits:
    """Counts the requests of every key in the running second; 0 is no limit, of which nothing is told. Used in the event loop only."""

    def __init__(self, *, events: int, usage: int, requests: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = {Kind.EVENTS: events, Kind.USAGE: usage, Kind.REQUESTS: requests}
        self._told = {kind: (b"x-ratelimit-limit", b"%d" % limit) for kind, limit in self._limits.items()}
        self._clock = clock
        self._second = 0
        self._counts: dict[tuple[Kind, bytes], int] = {}

    def take(self, path: bytes, key: bytes) -> Grant | None:
        """Count a request to a path with a key as it came, and tell what is left of the second; None where nothing is limited."""
        kind = _kind_of(path)
        limit = self._limits[kind]
        if not limit:
            return None
        second = int(self._clock())
        if second != self._second:
            self._second = second
            self._counts.clear()
        count = self._counts.get((kind, key), 0) + 1
        self._counts[kind, key] = count
        left = (b"x-ratelimit-remaining", b"%d" % max(limit - count, 0))
        return Grant([self._told[kind], left, _RESET], count > limit)

    def give_back(self, path: bytes, key: bytes) -> None:
        """Forget a request that was counted and is going to be counted again."""
        place = _kind_of(path), key
        if self._counts.get(place):
            self._counts[place] -= 1


def _kind_of(path: bytes) -> Kind:
    if path in _EVENTS:
        return Kind.EVENTS
    return Kind.USAGE if path.endswith(_USAGE) else Kind.REQUESTS
