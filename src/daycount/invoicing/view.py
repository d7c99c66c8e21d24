"""
What part of usage a reader asks for: some charges, the events of one group, no groups at all. Bills ask for everything.

A view changes the question to the event store and nothing else, so that every figure comes from the one computation.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from msgspec import Struct, structs

from daycount.engine.filters import Condition
from daycount.engine.metrics import Bucket, Usage, UsageRequest

_REST: Final = UUID(int=0)
"""Stands for the default bucket where events have to be of a group, and so also the default bucket has a condition."""


class View(Struct, frozen=True, kw_only=True):
    """
    A choice of usage.

    `charge_ids` are the charges shown, None for all. `only` keeps the events that have one of these values in each of these
    properties, which no longer split anything. Without `is_grouped` nothing is split into groups.
    """

    charge_ids: frozenset[UUID] | None = None
    only: Mapping[str, frozenset[str]] = {}
    is_grouped: bool = True

    def shows(self, charge_id: UUID) -> bool:
        """Tell whether a charge is among those asked for."""
        return self.charge_ids is None or charge_id in self.charge_ids

    def keys(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of a bucket's group keys that still split it."""
        if not self.only:
            return keys if self.is_grouped else ()
        return tuple(key for key in keys if key not in self.only) if self.is_grouped else ()

    def ask(self, request: UsageRequest) -> UsageRequest:
        """
        Narrow a request.

        The condition of a group is added to every filter, whose order stays as it is, and becomes the default bucket's own; what
        falls past all of them is of another group.
        """
        if self is EVERYTHING:
            return request
        group_by = tuple(map(self.keys, request.group_by))
        if not self.only:
            return structs.replace(request, group_by=group_by)
        narrowed = [Condition(condition.filter_id, self._narrowed(condition.values)) for condition in request.conditions]
        return structs.replace(request, conditions=(*narrowed, Condition(_REST, self.only)), group_by=((), *group_by[1:], group_by[0]))

    def answer(self, found: Mapping[Bucket, Usage]) -> Mapping[Bucket, Usage]:
        """Return the answer to a narrowed request by the buckets of the request before it was."""
        if not self.only:
            return found
        return {
            Bucket(None if bucket.filter_id == _REST else bucket.filter_id, bucket.group): usage
            for bucket, usage in found.items()
            if bucket.filter_id is not None
        }

    def _narrowed(self, values: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        return {**values, **{key: wanted & values.get(key, wanted) for key, wanted in self.only.items()}}


EVERYTHING: Final = View()
"""What bills ask for."""
