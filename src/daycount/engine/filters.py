"""
Filters: into which bucket of a charge an event falls, by the values of its properties.

An event falls into exactly one bucket: the first filter of one total order that takes it, else the default bucket. In
that order a filter with more keys comes before one with fewer; of two with as many keys the one with fewer values in all
(so one whose values are contained in the other's comes first); of two with as many values the older one.
Source: Lago docs, charge filters; the total order is ours, so that nothing is counted twice.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

ALL_VALUES = "__ALL_FILTER_VALUES__"
"""Stands for every value that the metric lists for the key, not for any value at all."""


class Filter(Struct, frozen=True, kw_only=True):
    """A charge filter: for each of its keys the values it takes."""

    id: UUID
    values: Mapping[str, Sequence[str]]
    created_at: datetime


class Condition(Struct, frozen=True):
    """A filter as events are held against it: its keys with their values spelled out."""

    filter_id: UUID
    values: Mapping[str, frozenset[str]]

    def takes(self, properties: Mapping[str, str]) -> bool:
        """Tell whether every key of the filter has one of its values in the event."""
        return all(properties.get(key) in accepted for key, accepted in self.values.items())


def in_order(filters: Sequence[Filter], *, metric_values: Mapping[str, Sequence[str]]) -> tuple[Condition, ...]:
    """Put filters into the order in which events are held against them; `metric_values` spells ALL_VALUES out."""

    def spelled_out(item: Filter) -> Mapping[str, frozenset[str]]:
        return {
            key: frozenset(metric_values.get(key, ())) if ALL_VALUES in accepted else frozenset(accepted)
            for key, accepted in item.values.items()
        }

    found = [(item, spelled_out(item)) for item in filters]
    found.sort(key=lambda pair: (-len(pair[1]), sum(map(len, pair[1].values())), pair[0].created_at, pair[0].id))
    return tuple(Condition(item.id, values) for item, values in found)


def bucket_of(properties: Mapping[str, str], *, conditions: Sequence[Condition]) -> UUID | None:
    """Return the filter whose bucket an event falls into, None for the default bucket."""
    return next((condition.filter_id for condition in conditions if condition.takes(properties)), None)
