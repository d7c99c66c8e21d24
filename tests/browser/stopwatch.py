"""A stopwatch of steps that somebody takes one after the other."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Times steps by their names."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, float]] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step."""
        began = time.monotonic()
        yield
        self.steps.append((name, time.monotonic() - began))

    @property
    def seconds(self) -> float:
        """Return what all steps took together."""
        return sum(taken for _, taken in self.steps)

    def lines(self) -> list[str]:
        """Write each step and the whole."""
        return [f"{taken:6.1f} s  {name}" for name, taken in [*self.steps, ("all steps", self.seconds)]]
