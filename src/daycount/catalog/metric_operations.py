"""Use cases that write billable metrics."""

from collections.abc import Mapping, Sequence
from typing import Any

from daycount import errors
from daycount.catalog import store
from daycount.catalog.fields import read_code, read_text, replaced
from daycount.catalog.messages import MetricSaved, PlansRewritten
from daycount.catalog.pricing import trim_filters
from daycount.catalog.records import Charge, Metric, MetricFilter, MetricFilterInput, MetricInput
from daycount.engine.expressions import InvalidExpression, parse
from daycount.engine.metrics import AggregationType, RoundingFunction
from daycount.engine.reducer import read_reducer
from daycount.given import given, given_or_default, is_given
from daycount.infra.work import Work
from daycount.organizations import store as organizations

_RECURRING = {AggregationType.SUM, AggregationType.UNIQUE_COUNT, AggregationType.WEIGHTED_SUM, AggregationType.CUSTOM}


def create_metric(work: Work, given_metric: MetricInput) -> Metric:
    """
    Add a billable metric.

    Raises Invalid (name, code, aggregation_type, recurring, field_name, rounding_function, weighted_interval,
    expression, filters). Source: Lago API, billable metrics.
    """
    found = errors.FieldErrors()
    metric = Metric(
        id=work.new_id(),
        organization_id=work.organization_id,
        code=read_code(given_metric.code, found),
        name=read_text(given_metric.name, "name", found),
        description=given(given_metric.description, None),
        aggregation_type=_aggregation_type(given(given_metric.aggregation_type, None), found),
        field_name=given(given_metric.field_name, None) or None,
        recurring=given_or_default(given_metric.recurring, default=False),
        rounding_function=_rounding_function(given(given_metric.rounding_function, None), found),
        rounding_precision=_rounding_precision(given(given_metric.rounding_precision, None), found),
        weighted_interval=_weighted_interval(given(given_metric.weighted_interval, None), found),
        expression=_expression(given(given_metric.expression, None), found),
        custom_aggregator=_custom_aggregator(given(given_metric.custom_aggregator, None), found),
        filters=_metric_filters(given(given_metric.filters, []), found),
        created_at=work.now,
        updated_at=work.now,
    )
    metric = _settled(metric, found)
    found.raise_if_any()
    store.insert_metric(work.tx, metric)
    organizations.bump_catalog_version(work)
    work.announce(MetricSaved(metric, "created"))
    return metric


def update_metric(work: Work, code: str, changes: MetricInput) -> Metric:
    """
    Change a metric. While a live plan uses it, only name, description and filters change; other keys are ignored.

    Raises NotFound, Invalid. Source: Lago API, billable metrics; locked fields are ignored as the peer does.
    """
    metric = get_metric(work, code)
    found = errors.FieldErrors()
    is_free = not store.is_metric_attached(work.tx, metric_id=metric.id)
    fields: dict[str, Any] = {"updated_at": work.now}
    if is_given(changes.name):
        fields["name"] = read_text(changes.name, "name", found)
    if is_given(changes.description):
        fields["description"] = changes.description
    if is_given(changes.filters):
        fields["filters"] = _metric_filters(given(changes.filters, []), found)
    if is_free:
        fields |= _free_fields(changes, found)
    changed = _settled(replaced(metric, fields), found)
    found.raise_if_any()
    store.update_metric(work.tx, changed)
    if is_given(changes.filters):
        _trim_charge_filters(work, changed)
    organizations.bump_catalog_version(work)
    work.announce(MetricSaved(changed, "updated"))
    return changed


def _trim_charge_filters(work: Work, metric: Metric) -> None:
    """Take values that the metric no longer declares out of the filters of its charges. Announces PlansRewritten."""
    charges = store.list_charges_of_metric(work.tx, metric_id=metric.id)
    changed, gone = trim_filters([item for charge in charges for item in charge.filters], metric)
    store.update_filters(work.tx, changed)
    store.mark_filters_deleted(work.tx, ids=[item.id for item in gone], at=work.now)
    _announce_plans(work, charges)


def _announce_plans(work: Work, charges: Sequence[Charge]) -> None:
    if charges:
        work.announce(PlansRewritten(sorted({charge.plan_id for charge in charges})))


def delete_metric(work: Work, code: str) -> Metric:
    """Delete a metric softly, and its charges. Its events stay. Announces MetricSaved and PlansRewritten. Raises NotFound."""
    metric = get_metric(work, code)
    charges = store.list_charges_of_metric(work.tx, metric_id=metric.id)
    store.mark_metric_deleted(work.tx, metric_id=metric.id, at=work.now)
    organizations.bump_catalog_version(work)
    work.announce(MetricSaved(metric, "deleted"))
    _announce_plans(work, charges)
    return metric


def get_metric(work: Work, code: str) -> Metric:
    """Return the live metric of that code. Raises NotFound."""
    metric = store.find_metric(work.tx, organization_id=work.organization_id, code=code)
    if metric is None:
        raise errors.NotFound("billable_metric")
    return metric


def _free_fields(changes: MetricInput, found: errors.FieldErrors) -> dict[str, Any]:
    readers: Mapping[str, Any] = {
        "code": lambda value: read_code(value, found),
        "aggregation_type": lambda value: _aggregation_type(value, found),
        "field_name": lambda value: value or None,
        "recurring": bool,
        "rounding_function": lambda value: _rounding_function(value, found),
        "rounding_precision": lambda value: _rounding_precision(value, found),
        "weighted_interval": lambda value: _weighted_interval(value, found),
        "expression": lambda value: _expression(value, found),
        "custom_aggregator": lambda value: _custom_aggregator(value, found),
    }
    return {name: read(getattr(changes, name)) for name, read in readers.items() if is_given(getattr(changes, name))}


def _settled(metric: Metric, found: errors.FieldErrors) -> Metric:
    """Check the rules that join several fields, and drop what the aggregation has no use for."""
    is_custom = metric.aggregation_type is AggregationType.CUSTOM
    if is_custom and metric.custom_aggregator is None and "custom_aggregator" not in found.fields:
        found.add("custom_aggregator", "value_is_mandatory")
    if not is_custom:
        metric = replaced(metric, {"custom_aggregator": None})
    if is_custom or metric.aggregation_type is AggregationType.COUNT:
        metric = replaced(metric, {"field_name": None})
    elif not metric.field_name:
        found.add("field_name", "value_is_mandatory")
    if metric.aggregation_type is AggregationType.WEIGHTED_SUM and metric.weighted_interval is None:
        found.add("weighted_interval", "value_is_invalid")
    if metric.recurring and metric.aggregation_type not in _RECURRING:
        found.add("recurring", "not_compatible_with_aggregation_type")
    return metric


def _aggregation_type(value: str | None, found: errors.FieldErrors) -> AggregationType:
    if value in set(AggregationType):
        return AggregationType(value)
    found.add("aggregation_type", "value_is_invalid" if value else "value_is_mandatory")
    return AggregationType.COUNT


def _rounding_function(value: str | None, found: errors.FieldErrors) -> RoundingFunction | None:
    if not value:
        return None
    if value in set(RoundingFunction):
        return RoundingFunction(value)
    found.add("rounding_function", "value_is_invalid")
    return None


def _rounding_precision(value: int | None, found: errors.FieldErrors) -> int | None:
    if value is not None and abs(value) > 30:
        found.add("rounding_precision", "value_is_out_of_range")
        return None
    return value


def _weighted_interval(value: str | None, found: errors.FieldErrors) -> str | None:
    if value not in (None, "", "seconds"):
        found.add("weighted_interval", "value_is_invalid")
    return value or None


def _custom_aggregator(value: Mapping[str, Any] | None, found: errors.FieldErrors) -> Mapping[str, Any] | None:
    """Check a reducer: its shape and all of its expressions."""
    if value is None:
        return None
    try:
        read_reducer(value)
    except InvalidExpression:
        found.add("custom_aggregator", "invalid_expression")
    return value


def _expression(value: str | None, found: errors.FieldErrors) -> str | None:
    """Check an expression; a blank one is none."""
    if not value:
        return None
    try:
        parse(value)
    except InvalidExpression:
        found.add("expression", "invalid_expression")
        return None
    return value


def _metric_filters(filters: Sequence[MetricFilterInput], found: errors.FieldErrors) -> tuple[MetricFilter, ...]:
    values_of: dict[str, list[str]] = {}
    for item in filters:
        key = given(item.key, None)
        values = given(item.values, None)
        if not key:
            found.add("key", "value_is_mandatory")
        elif not values:
            found.add("values", "value_is_mandatory")
        else:
            values_of.setdefault(key, []).extend(values)
    return tuple(MetricFilter(key=key, values=tuple(sorted(set(values)))) for key, values in sorted(values_of.items()))
