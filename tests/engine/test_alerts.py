"""Crossing rules of alerts, by hand."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daycount.engine.alerts import Direction, Level, find_crossed

UP, DOWN = Direction.INCREASING, Direction.DECREASING


def crossed(direction: Direction, once: list[int], each: int | None, previous: int, current: int) -> list[int]:
    levels = [Level(None, Decimal(value), recurring=False) for value in once]
    levels += [] if each is None else [Level("each", Decimal(each), recurring=True)]
    found = find_crossed(levels, direction=direction, previous=Decimal(previous), current=Decimal(current))
    assert all(level.recurring == (level.code == "each") for level in found)
    return [int(level.value) for level in found]


@pytest.mark.parametrize(
    ("direction", "once", "each", "previous", "current", "expected"),
    [
        (UP, [1000, 1500], 250, 700, 2100, [1000, 1500, 1750, 2000]),
        (UP, [1000, 1500], 250, 2100, 300, []),  # the period began anew
        (UP, [1000, 1500], 250, 1000, 1200, []),
        (UP, [1000, 1500], 250, 1750, 1999, []),  # it sits on a level
        (UP, [1000, 1500], 250, 1750, 2000, [2000]),
        (UP, [1500, 1000], None, 0, 1500, [1000, 1500]),
        (UP, [], 100, 0, 99, []),
        (UP, [], 100, 0, 250, [100, 200]),
        (UP, [1000], None, 1000, 1000, []),
        (DOWN, [2000, 5000], None, 9000, 3500, [5000]),
        (DOWN, [2000, 5000], 400, 2500, 700, [2000, 1600, 1200, 800]),
        (DOWN, [2000, 5000], 400, 700, 6000, []),
        (DOWN, [2000, 5000], 400, 1200, 801, []),
        (DOWN, [2000, 5000], 400, 1200, 800, [800]),
        (DOWN, [2000], 400, 2400, 2000, [2000]),
        (DOWN, [], 500, 1600, 900, [1500, 1000]),
        (DOWN, [], 500, 1500, 900, [1000]),
        (DOWN, [], 500, 300, -600, [0, -500]),
    ],
)
def test_what_is_crossed(  # noqa: PLR0917 - the columns of the table
    direction: Direction, once: list[int], each: int | None, previous: int, current: int, expected: list[int]
) -> None:
    assert crossed(direction, once, each, previous, current) == expected


def test_of_a_million_levels_the_thousand_nearest_count() -> None:
    assert crossed(UP, [], 1, 0, 1_000_000)[0::999] == [999_001, 1_000_000]
    assert crossed(DOWN, [], 1, 1_000_000, 0)[0::999] == [999, 0]


@given(
    direction=st.sampled_from(Direction),
    once=st.lists(st.integers(-50, 200), unique=True, max_size=4),
    each=st.none() | st.integers(1, 60),
    values=st.lists(st.integers(-100, 400), min_size=2, max_size=5),
)
def test_a_way_in_steps_crosses_what_the_whole_way_does(direction: Direction, once: list[int], each: int | None, values: list[int]) -> None:
    way = sorted(values, reverse=direction is DOWN)
    in_steps = [level for start, end in pairwise(way) for level in crossed(direction, once, each, start, end)]
    assert in_steps == crossed(direction, once, each, way[0], way[-1])
