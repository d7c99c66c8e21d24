"""Keys that are trusted for a moment: who asks for them, and how often."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from daycount import errors
from daycount.api.known_keys import KnownKeys

HEADERS = {b"authorization": b"Bearer a"}
ORGANIZATION_ID = UUID(int=1)


class Desk:
    """Answers when it is told to, and counts who asks."""

    def __init__(self) -> None:
        self.asked = 0
        self.now = 100.0
        self.open = asyncio.Event()
        self.open.set()
        self.error: Exception | None = None
        self.keys = KnownKeys(self._answer, clock=lambda: self.now)

    async def _answer(self, _header: bytes) -> UUID:
        self.asked += 1
        await self.open.wait()
        if self.error is not None:
            raise self.error
        return ORGANIZATION_ID

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


def run(story: Callable[[Desk], Awaitable[None]]) -> None:
    async def tell() -> None:
        await story(Desk())

    asyncio.run(tell())


def test_many_who_come_at_once_share_one_question_and_later_ones_need_none() -> None:
    async def story(desk: Desk) -> None:
        assert desk.keys.find(HEADERS) is None
        assert await asyncio.gather(*(desk.keys.ask(HEADERS) for _ in range(5))) == [ORGANIZATION_ID] * 5
        desk.now += 0.4
        assert (desk.keys.find(HEADERS), desk.asked) == (ORGANIZATION_ID, 1)
        desk.now += 0.6
        assert (desk.keys.find(HEADERS), desk.asked) == (None, 1)

    run(story)


def test_a_key_in_use_is_asked_for_again_before_its_time_is_over() -> None:
    async def story(desk: Desk) -> None:
        await desk.keys.ask(HEADERS)
        desk.now += 0.9
        assert [desk.keys.find(HEADERS) for _ in range(3)] == [ORGANIZATION_ID] * 3
        await desk.settle()
        desk.now += 0.4
        assert (desk.keys.find(HEADERS), desk.asked) == (ORGANIZATION_ID, 2)
        desk.error = errors.Unauthenticated()
        desk.now += 0.2
        assert desk.keys.find(HEADERS) == ORGANIZATION_ID
        await desk.settle()
        assert desk.keys.find(HEADERS) is None  # at once, and not when the second is over
        with pytest.raises(errors.Unauthenticated):
            await desk.keys.ask(HEADERS)

    run(story)


def test_an_answer_from_before_keys_changed_is_not_kept() -> None:
    async def story(desk: Desk) -> None:
        desk.open.clear()
        waiting = asyncio.create_task(desk.keys.ask(HEADERS))
        await desk.settle()
        desk.keys.forget()
        desk.open.set()
        assert await waiting == ORGANIZATION_ID
        assert desk.keys.find(HEADERS) is None

    run(story)
