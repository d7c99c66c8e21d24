"""The faults that events are told of, and what tells of them."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from daycount.usage.records import StoredEvent


class FaultKind(StrEnum):
    """What is wrong with an event; the values are the names of the lists in which they are told."""

    INVALID_CODE = "invalid_code"
    MISSING_PROPERTY = "missing_aggregation_property"
    INVALID_FILTER_VALUE = "invalid_filter_values"


class Fault(NamedTuple):
    """A fault of one event."""

    kind: FaultKind
    transaction_id: str
    code: str


class EventRefused(Struct, frozen=True):
    """Something of an event that was kept cannot be carried out; `details` are codes by field."""

    event: StoredEvent
    details: Mapping[str, Sequence[str]]


class EventsFaulty(Struct, frozen=True):
    """Events of an hour had faults: transaction ids by kind."""

    found: Mapping[FaultKind, Sequence[str]]
