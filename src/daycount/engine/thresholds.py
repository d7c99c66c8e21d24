"""
Usage thresholds: amounts of lifetime usage at which an invoice is made before its period ends.

Plain comparisons of minor units. One-time thresholds stand first; a recurring one goes on behind the largest of them, at that
amount + k × its own.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

_MOST_SHOWN = 100


class Threshold(NamedTuple):
    """An amount of minor units; a recurring one counts again for each such amount behind the largest one-time threshold."""

    id: UUID
    amount_cents: int
    recurring: bool


class Reached(NamedTuple):
    """A threshold that was reached, and the lifetime usage at which it stood; of a recurring one the latest level counts."""

    threshold: Threshold
    level_cents: int


class Completion(NamedTuple):
    """How near a level is: 1 where it is passed, the part of the way from the level before where it is next, else 0."""

    threshold: Threshold
    level_cents: int
    ratio: Fraction


def find_reached(thresholds: Sequence[Threshold], *, before_cents: int, total_cents: int) -> list[Reached]:
    """
    Return the thresholds between what was billed before and the usage in all: above the first, at most the second.

    2 000, 6 000 and each 3 000: from 2 500 to 6 400 passes 6 000; from 6 400 the next is 9 000. With 2 000 and each 3 000 the one
    after 2 500 is 5 000. Nothing is reached where usage shrank. Source: Lago docs, progressive billing; levels of a recurring
    threshold are counted from the largest one-time threshold (decision, by the completion that is shown).
    """
    if total_cents <= before_cents:
        return []
    found = [Reached(item, item.amount_cents) for item in _one_time(thresholds) if before_cents < item.amount_cents <= total_cents]
    last = _last(thresholds)
    for item in thresholds:
        if item.recurring:
            count = _count(total_cents, last, item)
            if count > _count(before_cents, last, item):
                found.append(Reached(item, last + count * item.amount_cents))
    return found


def complete(thresholds: Sequence[Threshold], *, total_cents: int) -> list[Completion]:
    """
    Return every level with its completion, one-time ones by amount, then the passed and the next level of a recurring one.

    Of very many passed levels of a recurring threshold the latest hundred are shown.
    2 000 and 6 000 at 3 000: 1, then (3 000 − 2 000) ÷ (6 000 − 2 000) = 0.25.
    """
    shown: list[Completion] = []
    before = 0
    is_next = True
    for item in _one_time(thresholds):
        ratio = (
            Fraction(1) if item.amount_cents <= total_cents else _part(before, item.amount_cents, total_cents) if is_next else Fraction(0)
        )
        is_next = item.amount_cents <= total_cents
        shown.append(Completion(item, item.amount_cents, ratio))
        before = item.amount_cents
    for item in thresholds:
        if item.recurring:
            count = _count(total_cents, before, item)
            first = max(count - _MOST_SHOWN, 0)
            shown.extend(Completion(item, before + step * item.amount_cents, Fraction(1)) for step in range(first + 1, count + 1))
            start = before + count * item.amount_cents
            ratio = _part(start, start + item.amount_cents, total_cents) if is_next else Fraction(0)
            shown.append(Completion(item, start + item.amount_cents, ratio))
    return shown


def _one_time(thresholds: Sequence[Threshold]) -> list[Threshold]:
    return sorted((item for item in thresholds if not item.recurring), key=lambda item: item.amount_cents)


def _last(thresholds: Sequence[Threshold]) -> int:
    return max((item.amount_cents for item in thresholds if not item.recurring), default=0)


def _count(cents: int, last: int, recurring: Threshold) -> int:
    """Return how many levels of a recurring threshold an amount has passed."""
    return max(cents - last, 0) // recurring.amount_cents


def _part(start: int, end: int, cents: int) -> Fraction:
    return max(Fraction(cents - start, end - start), Fraction(0))
