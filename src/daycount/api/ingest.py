"""
The fast way of events: no thread of its own for each request, no transaction of its own.

A request is checked in the event loop, queued for the next group commit, and answered when that is durable. `POST
/events` and `POST /events/batch` come here; everything else is a handler.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from daycount import errors
from daycount.api.errors import describe, internal_error
from daycount.api.v1.events import (
    EventInput,
    batch_decoder,
    batch_to_wire,
    plain_batch_decoder,
    plain_single_decoder,
    read_event,
    read_plain,
    single_decoder,
)
from daycount.usage.ingest import GroupCommit, Outcome, Pending
from daycount.usage.records import IncomingEvent

_encoder = msgspec.json.Encoder()
_NUL = b"\\u0000"
_UNREADABLE = (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError)
_MISSING = "param is missing or the value is empty or invalid: {}"
Reply = tuple[int, bytes]


class _Exchange:
    """
    Carries requests from the event loop to the lanes, and their answers back.

    Both go in heaps: waking a thread, or the loop, costs more than the work of one small request.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, commits: GroupCommit) -> None:
        self.loop = loop
        self._commits = commits
        self._requests: list[Pending] = []
        self._answers: deque[tuple[Callable[[Reply], None], Reply]] = deque()
        self._is_called = False

    def send(
        self,
        organization_id: UUID,
        events: Sequence[IncomingEvent],
        take: Callable[[Reply], None],
        *,
        is_single: bool,
        refused: Mapping[int, Any] | None = None,
    ) -> None:
        """Hand in a request, with all others that the loop has in this round; `take` gets its answer, in the loop."""

        def done(outcome: Outcome) -> None:
            self._answer(take, _write(outcome, is_single=is_single))

        if not self._requests:
            self.loop.call_soon(self._hand_in)
        self._requests.append(Pending(organization_id, events, done, refused))

    def _hand_in(self) -> None:
        requests, self._requests = self._requests, []
        self._commits.submit(*requests)

    def _answer(self, take: Callable[[Reply], None], reply: Reply) -> None:
        """Leave an answer; runs in a lane's thread."""
        self._answers.append((take, reply))
        if not self._is_called:
            self._is_called = True
            self.loop.call_soon_threadsafe(self._hand_out)

    def _hand_out(self) -> None:
        # In this order: who comes after the flag is down calls again.
        self._is_called = False
        while self._answers:
            take, reply = self._answers.popleft()
            self.loop.call_soon(take, reply)


class Ingest:
    """Answers the two endpoints that take events in."""

    def __init__(self, commits: GroupCommit, *, batch_limit: int) -> None:
        self._commits = commits
        self._batch_limit = batch_limit
        self._exchange: _Exchange | None = None

    async def take_single(self, organization_id: UUID, body: bytes) -> Reply:
        """Answer POST /events. Raises BadRequest, Invalid."""
        try:
            source = single_decoder.decode(body)
        except msgspec.MsgspecError as error:
            raise errors.BadRequest(_explain(error, "event")) from error
        event, codes = read_event(source.event)
        if event is None and source.event == EventInput():
            raise errors.BadRequest(_MISSING.format("event"))
        if event is None:
            raise errors.Invalid(codes)
        return await self._commit(organization_id, [event], is_single=True)

    async def take_batch(self, organization_id: UUID, body: bytes) -> Reply:
        """Answer POST /events/batch. Raises BadRequest, Invalid."""
        try:
            source = batch_decoder.decode(body)
        except msgspec.MsgspecError as error:
            raise errors.BadRequest(_explain(error, "events")) from error
        events, refused = self._read_batch(source.events or [])
        if refused and not events:
            raise errors.Invalid({str(place): codes for place, codes in refused.items()})
        return await self._commit(organization_id, events, is_single=False, refused=refused)

    def _read_batch(self, sources: Sequence[EventInput]) -> tuple[list[IncomingEvent], dict[int, Any]]:
        """Read the events of a batch, and what is wrong with those that cannot be read, by their places. Raises Invalid."""
        if not sources:
            raise errors.Invalid({"events": ["no_events"]})
        if len(sources) > self._batch_limit:
            raise errors.Invalid({"events": ["too_many_events"]})
        events: list[IncomingEvent] = []
        refused: dict[int, Any] = {}
        for place, source in enumerate(sources):
            event, codes = read_event(source)
            if event is None:
                refused[place] = codes
            else:
                events.append(event)
        return events, refused

    def take_plain(self, organization_id: UUID, body: bytes, take: Callable[[Reply], None], *, is_single: bool) -> bool:
        """Take a body in which all is as it is nearly always, and hand its answer to `take`; False where it is not."""
        events = _read_plain_single(body) if is_single else _read_plain_batch(body, limit=self._batch_limit)
        if events is None:
            return False
        self._find_exchange().send(organization_id, events, take, is_single=is_single)
        return True

    async def _commit(
        self, organization_id: UUID, events: Sequence[IncomingEvent], *, is_single: bool, refused: Mapping[int, Any] | None = None
    ) -> Reply:
        exchange = self._find_exchange()
        future: asyncio.Future[Reply] = exchange.loop.create_future()

        def take(reply: Reply) -> None:
            if not future.done():
                future.set_result(reply)

        exchange.send(organization_id, events, take, is_single=is_single, refused=refused)
        return await future

    def _find_exchange(self) -> _Exchange:
        """Return the exchange of the running event loop, which is nearly always the same."""
        loop = asyncio.get_running_loop()
        exchange = self._exchange
        if exchange is None or exchange.loop is not loop:
            exchange = self._exchange = _Exchange(loop, self._commits)
        return exchange


def _read_plain_single(body: bytes) -> list[IncomingEvent] | None:
    try:
        return None if _NUL in body else read_plain([plain_single_decoder.decode(body).event])
    except _UNREADABLE:
        return None


def _read_plain_batch(body: bytes, *, limit: int) -> list[IncomingEvent] | None:
    try:
        sources = plain_batch_decoder.decode(body).events
        return None if _NUL in body or not 0 < len(sources) <= limit else read_plain(sources)
    except _UNREADABLE:
        return None


def _write(outcome: Outcome, *, is_single: bool) -> Reply:
    """Write the answer; runs in the lane's thread, so that the event loop only sends bytes."""
    if outcome.error is not None:
        if not isinstance(outcome.error, errors.DaycountError):
            return 500, _encoder.encode(internal_error())
        error = outcome.error
        if is_single and isinstance(error, errors.Invalid):
            error = errors.Invalid(error.details["0"])  # type: ignore[arg-type]  # a single event is a batch of one
        status, body = describe(error)
        return status, _encoder.encode(body)
    assert outcome.batch is not None
    shown = batch_to_wire(outcome.batch, outcome.warnings)
    return 200, _encoder.encode({"event": shown[0]} if is_single else {"events": shown})


def _explain(error: msgspec.MsgspecError, root: str) -> str:
    if isinstance(error, msgspec.ValidationError):
        return _MISSING.format(root)
    return f"the body is not JSON: {error}"
