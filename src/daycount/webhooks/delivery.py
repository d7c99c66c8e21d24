"""
Delivery: sends what is queued, on real time, in a thread of its own.

All attempts under way share one event loop, so that a receiver that hangs occupies nothing but its own attempt; an endpoint has
only so many at once. Taking what is due and writing down what came of it share one transaction. What a process that died had
taken is due again when its hold runs out: a webhook arrives at least once, and always with the same id.
"""

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from daycount.clock import Clock
from daycount.infra.work import Workplace
from daycount.webhooks import store
from daycount.webhooks.keys import KeyRing
from daycount.webhooks.records import Attempt, Flight, Outcome, Status
from daycount.webhooks.sending import Reply, Sender
from daycount.webhooks.signatures import headers_for

DELIVER = "webhooks.deliver"
FORGET = "webhooks.forget"
_MOST_OF_ENDPOINT = 16
_MOST_AT_ONCE = 256
_SPARE_S = 30
_STOP_S = 5
_IDLE = timedelta(milliseconds=100)
_PAUSE_S = 1
_FORGET_EVERY = timedelta(hours=1)
_MOST_FORGOTTEN = 10_000
_log = structlog.get_logger("webhooks")
T = TypeVar("T")

Wait = Callable[[int], timedelta]
"""Tells how long is waited after the n-th failure, from 1."""


class Policy(NamedTuple):
    """How delivery goes about."""

    attempts: int
    timeout_s: int
    wait: Wait
    issuer: str
    keeps_days: int


def documented_wait(failures: int, *, share: Fraction | None = None) -> timedelta:
    """
    Return how long is waited after failures: their number to the fourth, up to 15 % more of that by chance, and 2 s.

    3.0 to 3.15 s after the first, 18 to 20.4 s after the second. Source: Lago's behaviour, webhooks.
    """
    chance = Fraction(random.randrange(1001), 1000) if share is None else share  # noqa: S311 - spreads load, guards nothing
    seconds = failures**4 * (1 + chance * Fraction(15, 100)) + 2
    return timedelta(microseconds=int(seconds * 1_000_000))


def fixed_waits(seconds: Sequence[int]) -> Wait:
    """Return waits of given seconds, the last of them again and again."""
    return lambda failures: timedelta(seconds=seconds[min(failures, len(seconds)) - 1])


class Deliverer:
    """Delivers until it is stopped; several may run beside each other."""

    def __init__(self, workplace: Workplace, clock: Clock, keys: KeyRing, policy: Policy, make_sender: Callable[[], Sender]) -> None:
        self._workplace = workplace
        self._clock = clock
        self._keys = keys
        self._policy = policy
        self._make_sender = make_sender
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._database = ThreadPoolExecutor(1, thread_name_prefix="webhooks")
        self._forgotten_at: datetime | None = None

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self) -> None:
        """End: attempts under way have a few seconds, the rest is sent by whoever comes next."""
        self._stopped.set()
        self._thread.join()
        self._database.shutdown()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                asyncio.run(self._deliver())
            except SQLAlchemyError as error:
                _log.warning("webhooks wait for the database", error=str(error).splitlines()[0])
                self._stopped.wait(_PAUSE_S)

    async def _deliver(self) -> None:
        round_ = _Round(self._make_sender(), self._attempt)
        try:
            while not self._stopped.is_set():
                await self._take(round_)
                await round_.wait()
            await round_.finish()
            await self._in_database(self._exchange, round_.take_outcomes(), (), 0)
        finally:
            await round_.close()
            left = [flight.id for flight in round_.flights.values()]
            if left:
                await self._in_database(self._release, left)

    async def _take(self, round_: "_Round") -> None:
        """Write down what came of attempts and begin those that are due."""
        busy = [endpoint for endpoint, count in round_.counts().items() if count >= _MOST_OF_ENDPOINT]
        taken = await self._in_database(self._exchange, round_.take_outcomes(), busy, _MOST_AT_ONCE - len(round_.flights))
        for flight in taken:
            round_.begin(flight)

    async def _in_database(self, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._database, call, *arguments)

    def _exchange(self, outcomes: Sequence[Outcome], busy: Sequence[UUID], room: int) -> list[Flight]:
        now = self._clock.now()
        until = now + timedelta(seconds=self._policy.timeout_s + _SPARE_S)
        with self._workplace.transaction(DELIVER) as tx:
            store.settle(tx, outcomes)
            taken = store.claim(tx, now=now, until=until, busy=busy, each=_MOST_OF_ENDPOINT, most=room) if room > 0 else []
        if taken:
            self._keys.private_key()
        self._forget(now)
        return taken

    def _release(self, ids: Sequence[UUID]) -> None:
        with self._workplace.transaction(DELIVER) as tx:
            store.release(tx, ids)

    def _forget(self, now: datetime) -> None:
        """Delete, once in a while, what is older than it is kept."""
        if self._forgotten_at is not None and now < self._forgotten_at + _FORGET_EVERY:
            return
        with self._workplace.transaction(FORGET) as tx:
            gone = store.forget(tx, before=now - timedelta(days=self._policy.keeps_days), most=_MOST_FORGOTTEN)
        if gone < _MOST_FORGOTTEN:
            self._forgotten_at = now

    async def _attempt(self, sender: Sender, flight: Flight) -> Outcome:
        """Send one webhook and say what becomes of it."""
        began = self._clock.now()
        try:
            headers = headers_for(
                flight.payload,
                algorithm=flight.algorithm,
                webhook_id=str(flight.id),
                at=began,
                issuer=self._policy.issuer,
                hmac_key=flight.hmac_key,
                key=self._keys.private_key(),
            )
            reply = await sender.send(flight.url, headers, flight.payload.encode())
        except Exception as error:
            _log.exception("webhook not sent", webhook=str(flight.id))
            reply = Reply(None, None, repr(error)[:1000])
        ended = self._clock.now()
        took_ms = max(0, (ended - began) // timedelta(milliseconds=1))
        attempt = Attempt(flight.attempts, began, took_ms, reply.http_status, reply.response, reply.error)
        if reply.is_success:
            return Outcome(flight.id, attempt, Status.SUCCEEDED, None)
        if flight.tries >= self._policy.attempts:
            return Outcome(flight.id, attempt, Status.FAILED, None)
        return Outcome(flight.id, attempt, Status.RETRYING, ended + self._policy.wait(flight.tries))


class _Round:
    """The attempts under way in one event loop, and the outcomes that are not written down yet."""

    def __init__(self, sender: Sender, attempt: Callable[[Sender, Flight], Awaitable[Outcome]]) -> None:
        self._sender = sender
        self._attempt = attempt
        self._outcomes: list[Outcome] = []
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.flights: dict[UUID, Flight] = {}

    def counts(self) -> Counter[UUID]:
        """Return how many attempts each endpoint has under way."""
        return Counter(flight.endpoint_id for flight in self.flights.values())

    def begin(self, flight: Flight) -> None:
        """Begin an attempt."""
        self.flights[flight.id] = flight
        task = asyncio.create_task(self._fly(flight))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fly(self, flight: Flight) -> None:
        outcome = await self._attempt(self._sender, flight)
        self._outcomes.append(outcome)
        self._news.set()

    def take_outcomes(self) -> list[Outcome]:
        """Return the outcomes since the last time; their webhooks are not under way any more."""
        taken, self._outcomes = self._outcomes, []
        for outcome in taken:
            self.flights.pop(outcome.webhook_id, None)
        return taken

    async def wait(self) -> None:
        """Wait until an attempt is done, or for a moment."""
        self._news.clear()
        if self._outcomes:
            return
        try:
            async with asyncio.timeout(_IDLE.total_seconds()):
                await self._news.wait()
        except TimeoutError:
            return

    async def finish(self) -> None:
        """Give attempts under way a few seconds to end."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_STOP_S)

    async def close(self) -> None:
        """Break off what is still under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sender.close()
