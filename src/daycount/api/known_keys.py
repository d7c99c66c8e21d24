"""
API keys found valid a moment ago, so that events need not ask for theirs.

A key is trusted for a second after it was asked for. One in use is asked for again before that is over, by one request on behalf of
all: otherwise everybody who sends events would ask at the same moment, and wait.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple
from uuid import UUID

import structlog

from daycount import errors

_TRUSTED_S = 1.0
_FRESH_S = 0.5
_MOST_KEYS = 10_000
_log = structlog.get_logger("api")

Ask = Callable[[bytes], Awaitable[UUID]]
"""Finds the organization of an Authorization header. Raises Unauthenticated, Forbidden."""


class _Known(NamedTuple):
    organization_id: UUID
    asked_at: float


class KnownKeys:
    """Used in the event loop only, but for `forget`."""

    def __init__(self, ask: Ask, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._known: dict[bytes, _Known] = {}
        self._asking: dict[bytes, asyncio.Task[UUID]] = {}
        self._generation = 0

    def find(self, headers: Mapping[bytes, bytes]) -> UUID | None:
        """Return the organization of a request whose key is trusted; sees to it that a key in use stays so."""
        header = headers.get(b"authorization", b"")
        known = self._known.get(header)
        if known is None:
            return None
        age_s = self._clock() - known.asked_at
        if age_s >= _TRUSTED_S:
            return None
        if age_s >= _FRESH_S and header not in self._asking:
            self._begin(header).add_done_callback(_look_at)
        return known.organization_id

    async def ask(self, headers: Mapping[bytes, bytes]) -> UUID:
        """Find the organization of a request. Raises Unauthenticated, Forbidden."""
        header = headers.get(b"authorization", b"")
        # Who comes while the question is open shares the answer; who gives up takes it from nobody.
        return await asyncio.shield(self._asking.get(header) or self._begin(header))

    def forget(self) -> None:
        """Trust no key any more, nor an answer that is under way."""
        self._generation += 1
        self._known.clear()
        self._asking.clear()

    def _begin(self, header: bytes) -> asyncio.Task[UUID]:
        task = self._asking[header] = asyncio.get_running_loop().create_task(self._learn(header))
        return task

    async def _learn(self, header: bytes) -> UUID:
        generation, asked_at = self._generation, self._clock()
        try:
            organization_id = await self._ask(header)
        except errors.DaycountError:
            self._known.pop(header, None)
            raise
        finally:
            if generation == self._generation:
                self._asking.pop(header, None)
        if generation == self._generation:
            if len(self._known) >= _MOST_KEYS:
                self._known.clear()
            self._known[header] = _Known(organization_id, asked_at)
        return organization_id


def _look_at(task: asyncio.Task[UUID]) -> None:
    """Hear how asking ahead ended, since nobody else may; who sends the next event is told what is wrong with the key."""
    if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, errors.DaycountError):
        _log.warning("key not asked for", error=str(error))
