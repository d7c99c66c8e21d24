"""
Identifiers: version 7 uuids, ordered by the time they were made, so that index pages fill from the right.

The source of time and randomness is injected; operations see only a function that makes the next one.
"""

import os
import threading
import time
from collections.abc import Callable
from uuid import UUID

NewId = Callable[[], UUID]
_AT_ONCE = 256
_TAIL = (1 << 62) - 1


class TimeOrderedIds:
    """
    Makes version 7 uuids: 48 bits of milliseconds, a 12 bit counter within the millisecond, 62 random bits.

    Safe for several threads. Two ids of one source never go backwards, even when the machine's clock does.
    """

    def __init__(
        self,
        milliseconds: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._milliseconds = milliseconds
        self._random_bytes = random_bytes
        self._lock = threading.Lock()
        self._last = 0
        self._counter = 0
        self._tails: list[int] = []
        os.register_at_fork(after_in_child=self._tails.clear)

    def __call__(self) -> UUID:
        """Make the next id."""
        with self._lock:
            stamp = max(self._milliseconds(), self._last)
            if stamp == self._last:
                self._counter += 1
                if self._counter > 0xFFF:
                    stamp += 1
                    self._counter = 0
            else:
                self._counter = 0
            self._last = stamp
            counter = self._counter
            tail = self._tails.pop() if self._tails else self._next_tail()
        return UUID(int=(stamp << 80) | (0x7 << 76) | (counter << 64) | (0b10 << 62) | tail)

    def _next_tail(self) -> int:
        """Take randomness for many ids at once, which is the most expensive part of one; a forked child takes its own."""
        drawn = self._random_bytes(8 * _AT_ONCE)
        self._tails.extend(int.from_bytes(drawn[place : place + 8], "big") & _TAIL for place in range(0, len(drawn), 8))
        return self._tails.pop()
