"""
The fast way of events: no thread of its own for each request, no transaction of its own.

A request is checked in the event loop, queued for the next group commit, and answered when that is durable. `POST
/events` and `POST /events/batch` come here; everything else is a handler.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from daycount import errors
from daycount.api.errors import describe, internal_error
from daycount.api.v1.events import EventInput, batch_decoder, read_event, single_decoder, to_wire
from daycount.usage.ingest import GroupCommit, Outcome, Pending
from daycount.usage.records import IncomingEvent

_encoder = msgspec.json.Encoder()
Reply = tuple[int, bytes]


class Ingest:
    """Answers the two endpoints that take events in."""

    def __init__(self, commits: GroupCommit, *, batch_limit: int) -> None:
        self._commits = commits
        self._batch_limit = batch_limit

    async def take_single(self, organization_id: UUID, body: bytes) -> Reply:
        """Answer POST /events. Raises BadRequest, Invalid."""
        try:
            source = single_decoder.decode(body)
        except msgspec.MsgspecError as error:
            raise errors.BadRequest(_explain(error, "event")) from error
        event, codes = read_event(source.event)
        if event is None:
            raise errors.Invalid(codes)
        return await self._commit(organization_id, [event], is_single=True)

    async def take_batch(self, organization_id: UUID, body: bytes) -> Reply:
        """Answer POST /events/batch. Raises BadRequest, Invalid."""
        try:
            source = batch_decoder.decode(body)
        except msgspec.MsgspecError as error:
            raise errors.BadRequest(_explain(error, "events")) from error
        events = self._read_batch(source.events or [])
        return await self._commit(organization_id, events, is_single=False)

    def _read_batch(self, sources: Sequence[EventInput]) -> list[IncomingEvent]:
        if not sources:
            raise errors.Invalid({"events": ["no_events"]})
        if len(sources) > self._batch_limit:
            raise errors.Invalid({"events": ["too_many_events"]})
        events: list[IncomingEvent] = []
        refused: dict[str, Any] = {}
        for place, source in enumerate(sources):
            event, codes = read_event(source)
            if event is None:
                refused[str(place)] = codes
            else:
                events.append(event)
        if refused:
            raise errors.Invalid(refused)
        return events

    async def _commit(self, organization_id: UUID, events: Sequence[IncomingEvent], *, is_single: bool) -> Reply:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Reply] = loop.create_future()

        def done(outcome: Outcome) -> None:
            reply = _write(outcome, is_single=is_single)
            loop.call_soon_threadsafe(_settle, future, reply)

        self._commits.submit(Pending(organization_id, events, done))
        return await future


def _settle(future: "asyncio.Future[Reply]", reply: Reply) -> None:
    if not future.done():
        future.set_result(reply)


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
    shown = [to_wire(item.event, item.warnings) for item in outcome.accepted]
    return 200, _encoder.encode({"event": shown[0]} if is_single else {"events": shown})


def _explain(error: msgspec.MsgspecError, root: str) -> str:
    if isinstance(error, msgspec.ValidationError):
        return f"param is missing or the value is empty or invalid: {root}"
    return f"the body is not JSON: {error}"
