"""
Values that a metric computes: its expression is evaluated once, when an event comes in, and its result is kept with the event.

So what was billed never changes with the expression; an event is read ever after as it was stored. Here belongs what becomes of
an event; the language itself is `engine.expressions`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import msgspec
from msgspec import Raw, structs

from daycount.engine.expressions import EvaluationFailed, EventValues, Expression, evaluate, parse, result_text
from daycount.usage.records import IncomingEvent, MetricFacts
from daycount.usage.values import read_texts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_CACHED = 10_000
_raw_properties = msgspec.json.Decoder(dict[str, Raw])
_encoder = msgspec.json.Encoder()

Refused = dict[str, dict[str, list[str]]]


class ComputedEvents(NamedTuple):
    """Events with their computed values, and by place why some have none."""

    events: Sequence[IncomingEvent]
    refused: Refused


def compute_values(events: Sequence[IncomingEvent], *, now: datetime, metrics: Mapping[str, MetricFacts]) -> ComputedEvents:
    """
    Write the result of each event's expression into the property that its metric reads.

    `now` is when an event without a timestamp happens. The events given are left as they are, so that a second try starts from
    the same. A metric that reads no property (a count) still refuses what its expression cannot evaluate.
    Source: Lago docs, SQL expressions; errors as lists of codes are ours.
    """
    found: list[IncomingEvent] = []
    refused: Refused = {}
    for place, event in enumerate(events):
        metric = metrics.get(event.code)
        if metric is None or metric.expression is None:
            found.append(event)
            continue
        try:
            found.append(_computed(event, metric.field_name, _parsed(metric.expression), at=event.at or now))
        except EvaluationFailed as error:
            refused[str(place)] = {"expression": [f"expression_evaluation_failed: {error.reason}"]}
    return ComputedEvents(found, refused)


@lru_cache(_MOST_CACHED)
def _parsed(text: str) -> Expression:
    return parse(text)


def _computed(event: IncomingEvent, field_name: str | None, expression: Expression, *, at: datetime) -> IncomingEvent:
    seconds = (at - _EPOCH) // timedelta(seconds=1)
    value = evaluate(expression, event=EventValues(code=event.code, timestamp=seconds, properties=read_texts(event.properties)))
    if field_name is None:
        return event
    properties = _raw_properties.decode(event.properties) | {field_name: Raw(_encoder.encode(result_text(value)))}
    return structs.replace(event, properties=_encoder.encode(properties).decode())
