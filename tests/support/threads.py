"""Calls at the same moment."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from tests.support.server import Api, Server


def at_once(server: Server, key: str | None, calls: Sequence[Callable[[Api], Any]]) -> list[Any]:
    """Make calls at the same moment, each from a thread with a connection of its own."""
    gate = threading.Barrier(len(calls))
    answers: list[Any] = [None] * len(calls)

    def make(place: int, api: Api) -> None:
        gate.wait()
        answers[place] = calls[place](api)

    threads = [threading.Thread(target=make, args=(place, server.client(key))) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
