"""Why an event will not be billed as things stand: one rule for the reply of ingest and for lists."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from daycount.engine.metrics import AggregationType, read_number, read_operation
from daycount.usage.records import MetricFacts, SubscriptionFacts, Warned
from daycount.usage.values import read_two

_NONE: list[Warned] = []
_BEGINNING, _END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Life(NamedTuple):
    """
    The time, both ends included, in which an event gets no warning if its value can be read.

    `lane_id` is set where events are paid for in advance: the lane in which each is priced. `watched_lane_id` is set where
    something looks at the usage as it grows: the lane in which it is looked at. `guarded_lane_id` is set where prepaid credits must
    cover the usage: the lane of whose they are.
    """

    first: datetime
    last: datetime
    lane_id: UUID | None
    watched_lane_id: UUID | None = None
    guarded_lane_id: UUID | None = None


def find_life(
    *,
    code: str,
    external_subscription_id: str | None,
    metrics: Mapping[str, MetricFacts],
    subscriptions: Mapping[str, Sequence[SubscriptionFacts]],
) -> Life:
    """Return what `warn` says of most events, to be asked once; an empty time where only `warn` itself can tell."""
    metric = metrics.get(code)
    rows = subscriptions.get(external_subscription_id or "", ())
    if metric is None:
        return Life(_END, _BEGINNING, None)
    lane_id = next((row.lane_id for row in reversed(rows) if metric.id in row.advance_metric_ids), None)
    watched = next((row.lane_id for row in reversed(rows) if row.is_watched and metric.id in row.metric_ids), None)
    guarded = next((row.lane_id for row in reversed(rows) if row.needs_balance and metric.id in row.metric_ids), None)
    if len(rows) != 1 or metric.id not in rows[0].metric_ids:
        return Life(_END, _BEGINNING, lane_id, watched, guarded)
    first = _BEGINNING if metric.is_recurring else rows[0].started_at
    if first is None:
        return Life(_END, _BEGINNING, lane_id, watched, guarded)
    return Life(first, rows[0].terminated_at or _END, lane_id, watched, guarded)


def warn(
    *,
    code: str,
    external_subscription_id: str | None,
    at: datetime,
    properties: str,
    metrics: Mapping[str, MetricFacts],
    subscriptions: Mapping[str, Sequence[SubscriptionFacts]],
) -> list[Warned]:
    """Return every reason, in the order of: subscription, metric, charge, property, time. Empty when the event counts."""
    rows = subscriptions.get(external_subscription_id or "")
    metric = metrics.get(code)
    warnings: list[Warned] = []
    if not rows:
        warnings.append(Warned("subscription_not_found", f"no subscription has the external id {external_subscription_id!r}"))
    if metric is None:
        warnings.append(Warned("billable_metric_not_found", f"no billable metric has the code {code!r}"))
        return warnings
    if rows and not any(metric.id in row.metric_ids for row in rows):
        warnings.append(Warned("not_charged", f"the subscription's plan has no charge on the metric {code!r}"))
    warnings.extend(_property_warnings(metric, properties))
    if rows and not _is_inside(rows, at, is_recurring=metric.is_recurring):
        warnings.append(Warned("outside_subscription", "the timestamp lies outside the subscription's life"))
    return warnings or _NONE


def _property_warnings(metric: MetricFacts, properties: str) -> list[Warned]:
    if metric.field_name is None:
        return _NONE
    value, operation = read_two(properties, metric.field_name, "operation_type")
    if value is None:
        return [Warned("property_missing", f"the property {metric.field_name!r} has no value")]
    match metric.aggregation:
        case AggregationType.SUM | AggregationType.MAX | AggregationType.LATEST | AggregationType.WEIGHTED_SUM if (
            read_number(value) is None
        ):
            return [Warned("property_not_numeric", f"the property {metric.field_name!r} is not a number")]
        case AggregationType.UNIQUE_COUNT if read_operation(operation) is None:
            return [Warned("operation_type_unknown", f"the operation_type {operation!r} is neither add nor remove")]
    return _NONE


def _is_inside(rows: Sequence[SubscriptionFacts], at: datetime, *, is_recurring: bool) -> bool:
    """
    Tell whether a row takes the event in.

    A recurring metric carries what happened before the start, and the successor of an ended row takes the end's instant.
    """
    for row in rows:
        is_late_enough = is_recurring or (row.started_at is not None and row.started_at <= at)
        if is_late_enough and (row.terminated_at is None or at <= row.terminated_at):
            return True
    return False
