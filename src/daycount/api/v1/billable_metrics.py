"""Billable metrics on the wire."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from daycount import errors
from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.wire import Stamp, stamp
from daycount.catalog import metric_operations as operations
from daycount.catalog import store
from daycount.catalog.records import Metric, MetricInput
from daycount.engine.expressions import EvaluationFailed, EventValues, evaluate, parse, result_text
from daycount.given import given_or_default
from daycount.infra.work import Work

routes = Routes("billable_metrics")


class MetricFilterObject(Struct, frozen=True, kw_only=True):
    """A filter key and its values, sorted."""

    key: str
    values: list[str]


class MetricObject(Struct, frozen=True, kw_only=True):
    """A billable metric; the counts are kept for compatibility and always 0."""

    lago_id: str
    name: str
    code: str
    description: str | None
    aggregation_type: str
    weighted_interval: str | None
    recurring: bool
    rounding_function: str | None
    rounding_precision: int | None
    created_at: Stamp
    field_name: str | None
    expression: str | None
    custom_aggregator: Mapping[str, Any] | None
    filters: list[MetricFilterObject]
    active_subscriptions_count: int = 0
    draft_invoices_count: int = 0
    plans_count: int = 0


class ExpressionEventInput(Struct, frozen=True, kw_only=True):
    """An event to try an expression on; `timestamp` is Unix seconds, the fraction is cut off, absent is now."""

    code: str | None | UnsetType = UNSET
    timestamp: int | None | UnsetType = UNSET
    properties: dict[str, Any] | None | UnsetType = UNSET


class ExpressionInput(Struct, frozen=True, kw_only=True):
    """An expression, and an event to try it on."""

    expression: str | None | UnsetType = UNSET
    event: ExpressionEventInput | None | UnsetType = UNSET


class ExpressionResultObject(Struct, frozen=True, kw_only=True):
    """What an expression makes of an event: a decimal in plain notation, or a text."""

    value: str


def to_wire(metric: Metric) -> MetricObject:
    """Write a metric."""
    return MetricObject(
        lago_id=str(metric.id),
        name=metric.name,
        code=metric.code,
        description=metric.description,
        aggregation_type=metric.aggregation_type,
        weighted_interval=metric.weighted_interval,
        recurring=metric.recurring,
        rounding_function=metric.rounding_function,
        rounding_precision=metric.rounding_precision,
        created_at=stamp(metric.created_at),
        field_name=metric.field_name,
        expression=metric.expression,
        custom_aggregator=metric.custom_aggregator,
        filters=[MetricFilterObject(key=item.key, values=list(item.values)) for item in metric.filters],
    )


@routes.post("/billable_metrics", accepts=MetricInput, root_in="billable_metric", returns=MetricObject, root_out="billable_metric")
def create_billable_metric(work: Work, call: Call) -> MetricObject:
    """Create a billable metric."""
    return to_wire(operations.create_metric(work, call.body))


@routes.get("/billable_metrics", returns=MetricObject, root_out="billable_metrics", is_list=True)
def find_all_billable_metrics(work: Work, call: Call) -> Page:
    """List billable metrics, newest first."""
    asked = read_page(call.query)
    metrics = store.list_metrics(work.tx, organization_id=work.organization_id, limit=asked.per_page, offset=asked.offset)
    return page_of(
        [to_wire(metric) for metric in metrics], asked=asked, total=store.count_metrics(work.tx, organization_id=work.organization_id)
    )


@routes.get("/billable_metrics/{code}", returns=MetricObject, root_out="billable_metric")
def find_billable_metric(work: Work, call: Call) -> MetricObject:
    """Find a billable metric by its code."""
    return to_wire(operations.get_metric(work, call.path["code"]))


@routes.put("/billable_metrics/{code}", accepts=MetricInput, root_in="billable_metric", returns=MetricObject, root_out="billable_metric")
def update_billable_metric(work: Work, call: Call) -> MetricObject:
    """Change a billable metric; while a plan uses it only name, description and filters change."""
    return to_wire(operations.update_metric(work, call.path["code"], call.body))


@routes.delete("/billable_metrics/{code}", returns=MetricObject, root_out="billable_metric")
def destroy_billable_metric(work: Work, call: Call) -> MetricObject:
    """Delete a billable metric and its charges; events stay."""
    return to_wire(operations.delete_metric(work, call.path["code"]))


@routes.post("/billable_metrics/evaluate_expression", accepts=ExpressionInput, returns=ExpressionResultObject, root_out="expression_result")
def evaluate_billable_metric_expression(work: Work, call: Call) -> ExpressionResultObject:
    """Try an expression on an event that is not stored."""
    text = given_or_default(call.body.expression, "")
    if not text.strip():
        raise errors.Invalid({"expression": ["value_is_mandatory"]})
    expression = parse(text)
    event = given_or_default(call.body.event, ExpressionEventInput())
    values = EventValues(
        code=given_or_default(event.code, ""),
        timestamp=given_or_default(event.timestamp, int(work.now.timestamp())),
        properties=_texts(given_or_default(event.properties, {})),
    )
    try:
        return ExpressionResultObject(value=result_text(evaluate(expression, event=values)))
    except EvaluationFailed as error:
        raise errors.Invalid({"event": ["invalid_event"]}) from error


def _texts(properties: Mapping[str, Any]) -> dict[str, str]:
    """Write properties as texts, as those of stored events are; null and nested values are as good as missing."""
    texts = {}
    for name, value in properties.items():
        match value:
            case str():
                texts[name] = value
            case bool():
                texts[name] = "true" if value else "false"
            case int() | Decimal():
                texts[name] = str(value)
            case _:
                continue
    return texts
