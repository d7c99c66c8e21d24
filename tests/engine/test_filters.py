"""Filters: every event in exactly one bucket."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from daycount.engine.filters import ALL_VALUES, Condition, Filter, bucket_of, in_order

LISTED = {"region": ["eu", "us", "ap"], "tier": ["pro", "free"]}
START = datetime(2026, 1, 1, tzinfo=UTC)


def a_filter(number: int, values: Mapping[str, Sequence[str]]) -> Filter:
    return Filter(id=UUID(int=number), values=values, created_at=START + timedelta(seconds=number))


def bucket(filters: Sequence[Filter], **properties: str) -> int | None:
    found = bucket_of(properties, conditions=in_order(filters, metric_values=LISTED))
    return None if found is None else found.int


def test_the_documented_example_puts_each_event_where_it_belongs() -> None:
    a, b, c = a_filter(1, {"region": ["eu", "us"]}), a_filter(2, {"region": ["eu"]}), a_filter(3, {"region": ["eu"], "tier": ["pro"]})

    assert bucket([a, b, c], region="eu") == 2
    assert bucket([a, b, c], region="us") == 1
    assert bucket([a, b, c], region="eu", tier="pro") == 3
    assert bucket([a, b, c], region="us", tier="pro") == 1
    assert bucket([a, b, c], region="ap") is None
    assert bucket([a, b, c]) is None


def test_of_overlapping_filters_the_one_with_fewer_values_wins_then_the_older() -> None:
    two, three = a_filter(5, {"region": ["us", "ap"]}), a_filter(4, {"region": ["eu", "us", "ap"]})
    other = a_filter(6, {"region": ["eu", "us"]})

    assert bucket([three, two], region="us") == 5
    assert bucket([other, two], region="us") == 5


def test_all_values_means_the_values_the_metric_lists() -> None:
    every = a_filter(1, {"region": [ALL_VALUES]})

    assert bucket([every], region="ap") == 1
    assert bucket([every], region="mars") is None


values_of = st.dictionaries(
    st.sampled_from(["region", "tier"]), st.lists(st.sampled_from(["eu", "us", "ap", "pro", "free"]), min_size=1, unique=True), min_size=1
)


@given(
    st.lists(values_of, max_size=6),
    st.permutations(range(6)),
    st.dictionaries(st.sampled_from(["region", "tier"]), st.sampled_from(["eu", "us", "pro"])),
)
def test_the_order_in_which_filters_are_listed_changes_nothing(
    given_values: list[dict[str, list[str]]], order: list[int], properties: dict[str, str]
) -> None:
    filters = [a_filter(number, values) for number, values in enumerate(given_values, 1)]
    shuffled = [filters[place] for place in order if place < len(filters)]

    assert bucket(filters, **properties) == bucket(shuffled, **properties)


@given(st.lists(values_of, max_size=6), st.dictionaries(st.sampled_from(["region", "tier"]), st.sampled_from(["eu", "us", "pro"])))
def test_an_event_falls_to_a_filter_exactly_when_one_takes_it(given_values: list[dict[str, list[str]]], properties: dict[str, str]) -> None:
    filters = [a_filter(number, values) for number, values in enumerate(given_values, 1)]
    takers = [item.id.int for item in filters if Condition(item.id, {k: frozenset(v) for k, v in item.values.items()}).takes(properties)]

    found = bucket(filters, **properties)

    assert (found in takers) if takers else found is None
