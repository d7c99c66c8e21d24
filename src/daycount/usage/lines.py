"""
Events as lines of PostgreSQL's text COPY format: the one place where every event costs processor time.

Whatever is the same for many events is looked up, not computed: instants as text, and how a metric's value is read.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from daycount.engine.metrics import AggregationType, read_number, read_operation
from daycount.infra.database import escape
from daycount.usage.port import Batch
from daycount.usage.records import MetricFacts
from daycount.usage.values import reader_of

COLUMNS = (
    "key, stream_id, sequence, at, created_at, field_id, is_add, number, member, precise_total_amount_cents, "
    "is_late, transaction_id, properties"
)
_MOST_CACHED = 16_384
_UNTYPED = "\\N\t\\N\t\\N\t\\N"
_is_short_number = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?").fullmatch

Typer = Callable[[str], tuple[str, bool]]
"""Reads a billed value from properties: the columns field_id, is_add, number and member, and whether it could be read."""


class Typers(dict[str, Typer]):
    """How the values of an organization's events are read, by the code of the metric; made as codes come up."""

    def __init__(self, metrics: Mapping[str, MetricFacts], fields: Mapping[str, int]) -> None:
        super().__init__()
        self._metrics = metrics
        self._fields = fields

    def __missing__(self, code: str) -> Typer:
        typer = self[code] = _find_typer(self._metrics.get(code), self._fields)
        return typer


def write_lines(
    batch: Batch,
    digests: Sequence[str],
    stream_ids: Sequence[int],
    sequence: Iterator[int],
    *,
    typers: Typers,
    horizon: datetime | None,
) -> list[str]:
    """
    Write the events of a batch, numbered from `sequence`; those dated before `horizon`, if there is one, are late.

    Notes in `batch.unread` whose value its metric cannot read.
    """
    now = batch.now
    created_at = _instant_text(now)
    lines = []
    unread = batch.unread = set()
    for place, (event, digest, stream_id, number) in enumerate(zip(batch.events, digests, stream_ids, sequence, strict=False)):
        properties, at, amount = event.properties, event.at, event.precise_total_amount_cents
        typed, is_read = typers[event.code](properties)
        if not is_read:
            unread.add(place)
        happened_at = created_at if at is None else _instant_text(at)
        late = "f" if horizon is None or (at or now) >= horizon else "t"
        precise = "\\N" if amount is None else str(amount)
        sent = f"{event.transaction_id}\t{properties}"
        # Looking at both texts at once is quicker than at each, and most need no escape.
        if "\\" in sent or "\n" in sent or "\r" in sent or sent.count("\t") > 1:
            sent = f"{escape(event.transaction_id)}\t{escape(properties)}"
        lines.append(f"{digest}\t{stream_id}\t{number}\t{happened_at}\t{created_at}\t{typed}\t{precise}\t{late}\t{sent}\n")
    return lines


def typing_of(aggregation: AggregationType, field_name: str | None) -> str:
    """Name a way of typing a value: which property, and as a number or as a counted member."""
    return f"{'member' if aggregation is AggregationType.UNIQUE_COUNT else 'number'}:{field_name}"


def _find_typer(metric: MetricFacts | None, fields: Mapping[str, int]) -> Typer:
    if metric is None or metric.field_name is None:
        return _type_nothing
    field_id = fields[typing_of(metric.aggregation, metric.field_name)]
    make = _member_typer if metric.aggregation is AggregationType.UNIQUE_COUNT else _number_typer
    return make(metric.field_name, field_id)


def _type_nothing(_properties: str) -> tuple[str, bool]:
    return _UNTYPED, True


@lru_cache(_MOST_CACHED)
def _member_typer(field_name: str, field_id: int) -> Typer:
    beginnings = {text: f"{field_id}\t{'t' if read_operation(text) else 'f'}\t\\N\t" for text in (None, "add", "remove")}

    unknown = f"{field_id}\t\\N\t\\N\t"
    read = reader_of(field_name, "operation_type")

    def type_member(properties: str) -> tuple[str, bool]:
        member, operation = read(properties)
        beginning = beginnings.get(operation)
        if beginning is None or member is None:
            return (beginning or unknown) + ("\\N" if member is None else escape(member)), False
        return beginning + escape(member), True

    return type_member


@lru_cache(_MOST_CACHED)
def _number_typer(field_name: str, field_id: int) -> Typer:
    beginning, nothing = f"{field_id}\t\\N\t", f"{field_id}\t\\N\t\\N\t\\N"
    read = reader_of(field_name)

    def type_number(properties: str) -> tuple[str, bool]:
        text, _ = read(properties)
        if text is None or (not _is_short_number(text) and read_number(text) is None):
            return nothing, False
        return f"{beginning}{text}\t\\N", True

    return type_number


@lru_cache(_MOST_CACHED)
def _instant_text(instant: datetime) -> str:
    return instant.isoformat()
