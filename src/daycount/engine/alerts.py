"""
Alerts: which levels a value crossed since it was looked at last.

One-time levels stand where they were set. A recurring one goes on behind the farthest of them, by its own step. A level counts when
the value moves onto it or past it, once; a value that starts on a level has crossed it already.
"""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from daycount.money import round_half_away

_MOST_LEVELS = 1000
_PLACES = 15


class Direction(StrEnum):
    """Which way a value has to move to cross a level."""

    INCREASING = "increasing"
    DECREASING = "decreasing"


class Level(NamedTuple):
    """A value that is watched for; of a recurring one `value` is the step between its levels."""

    code: str | None
    value: Decimal
    recurring: bool


def find_crossed(levels: Sequence[Level], *, direction: Direction, previous: Decimal, current: Decimal) -> list[Level]:
    """
    Return the levels between two values, in the order in which they were passed; recurring ones with the value they stood at.

    1 000, 1 500 and each 250 from 700 to 2 100: 1 000, 1 500, 1 750, 2 000. Downwards 2 000, 5 000 and each 400 from 2 500 to 700:
    2 000, 1 600, 1 200, 800; without a one-time level every multiple of the step is one. Of very many levels of a recurring one the
    thousand nearest the current value are returned. Source: Lago docs, alerts; a previous value on a level does not cross it again
    (decision).
    """
    if direction is Direction.INCREASING:
        return sorted(_crossed_upwards(levels, previous, current), key=lambda level: level.value) if current > previous else []
    return sorted(_crossed_downwards(levels, previous, current), key=lambda level: -level.value) if current < previous else []


def _crossed_upwards(levels: Sequence[Level], previous: Decimal, current: Decimal) -> list[Level]:
    one_time = [level for level in levels if not level.recurring]
    crossed = [level for level in one_time if previous < level.value <= current]
    base = Fraction(max((level.value for level in one_time), default=Decimal(0)))
    for level in levels:
        if level.recurring:
            step = Fraction(level.value)
            last = floor((Fraction(current) - base) / step)
            first = max(floor((Fraction(previous) - base) / step) + 1, 1, last - _MOST_LEVELS + 1)
            crossed += [_at(level, base + count * step) for count in range(first, last + 1)]
    return crossed


def _crossed_downwards(levels: Sequence[Level], previous: Decimal, current: Decimal) -> list[Level]:
    one_time = [level for level in levels if not level.recurring]
    crossed = [level for level in one_time if current <= level.value < previous]
    base = Fraction(min((level.value for level in one_time), default=Decimal(0)))
    for level in levels:
        if level.recurring:
            step = Fraction(level.value)
            first = ceil((Fraction(current) - base) / step)
            last = min(ceil((Fraction(previous) - base) / step) - 1, first + _MOST_LEVELS - 1)
            if one_time:
                last = min(last, -1)
            crossed += [_at(level, base + count * step) for count in range(first, last + 1)]
    return crossed


def _at(level: Level, value: Fraction) -> Level:
    return level._replace(value=round_half_away(value, places=_PLACES))
