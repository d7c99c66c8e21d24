"""
Reading what a charge or one of its filters is priced by, and which events a filter takes.

Property errors are reported flat, as the contract has it: `{"properties": ["invalid_amount"]}`.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.catalog.records import Charge, ChargeFilter, ChargeFilterInput, Metric
from daycount.engine.charges import dispatch
from daycount.engine.charges.models import ChargeModel
from daycount.engine.filters import ALL_VALUES
from daycount.engine.metrics import AggregationType
from daycount.given import given, given_or_default
from daycount.infra.work import Work

_MOST_PRESENTATION_KEYS = 2
_PERCENTAGES = (ChargeModel.PERCENTAGE, ChargeModel.GRADUATED_PERCENTAGE)


def read_properties(
    model: ChargeModel, properties: Mapping[str, Any], found: errors.FieldErrors, *, metric: Metric, may_present: bool = True
) -> Mapping[str, Any]:
    """
    Keep the model's own properties and the group keys; other keys are dropped.

    `may_present` is false for filters, which cannot have presentation keys of their own.
    """
    own = {name: value for name, value in properties.items() if name not in ("pricing_group_keys", "grouped_by", "presentation_group_keys")}
    kept, codes = dispatch.read_properties(model, own)
    if model in _PERCENTAGES and metric.aggregation_type is AggregationType.LATEST:
        codes = [*codes, "invalid_value"]
    found.add_each("properties", codes)
    keys = _group_keys(properties, found)
    shown = _presentation_keys(properties.get("presentation_group_keys"), found) if may_present else []
    return kept | ({"pricing_group_keys": keys} if keys else {}) | ({"presentation_group_keys": shown} if shown else {})


def _group_keys(properties: Mapping[str, Any], found: errors.FieldErrors) -> list[str]:
    keys = properties.get("pricing_group_keys", properties.get("grouped_by"))
    if keys is None:
        return []
    if not isinstance(keys, list) or not all(isinstance(key, str) and key for key in keys):
        found.add("properties", "invalid_type")
        return []
    return list(dict.fromkeys(keys))


def _presentation_keys(keys: object, found: errors.FieldErrors) -> list[dict[str, Any]]:
    """Read up to two properties by which units are broken down. Source: Lago API, presentation group keys."""
    if keys is None:
        return []
    if not isinstance(keys, list) or not all(isinstance(item, dict) and _is_presentation_key(item) for item in keys):
        found.add("properties", "invalid_type")
        return []
    if len(keys) > _MOST_PRESENTATION_KEYS:
        found.add("properties", "too_many_keys")
    if len({item["value"] for item in keys}) < len(keys):
        found.add("properties", "value_is_duplicated")
    return [{name: item[name] for name in ("value", "options") if item.get(name) is not None} for item in keys]


def _is_presentation_key(item: Mapping[str, Any]) -> bool:
    value, options = item.get("value"), item.get("options")
    if not isinstance(value, str) or not value:
        return False
    return options is None or (isinstance(options, dict) and isinstance(options.get("display_in_invoice", False), bool))


def show_properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties as the contract shows them: group keys also under their old name."""
    keys = properties.get("pricing_group_keys")
    return {**properties, "grouped_by": keys} if keys else dict(properties)


def read_filters(
    work: Work, items: Sequence[ChargeFilterInput], *, model: ChargeModel, metric: Metric, found: errors.FieldErrors
) -> tuple[ChargeFilter, ...]:
    """
    Check the filters of a charge: values that the metric declares, each set of values once, properties of the charge's model.

    Source: Lago API, charge filters; equal values are refused (value_already_exist).
    """
    filters: list[ChargeFilter] = []
    for item in items:
        values = _read_values(given(item.values, None), metric, found)
        if any(is_same_values(values, other.values) for other in filters):
            found.add("values", "value_already_exist")
        own: dict[str, Any] = given_or_default(item.properties, {})
        properties = read_properties(model, own, found, metric=metric, may_present=False)
        filters.append(
            ChargeFilter(
                id=work.new_id(),
                invoice_display_name=given(item.invoice_display_name, None),
                values=values,
                properties=properties,
                created_at=work.now,
            )
        )
    return tuple(filters)


def _read_values(values: dict[str, Any] | None, metric: Metric, found: errors.FieldErrors) -> Mapping[str, Sequence[str]]:
    declared = {item.key: set(item.values) for item in metric.filters}
    if not values:
        found.add("values", "value_is_mandatory")
        return {}
    read: dict[str, list[str]] = {}
    for key, accepted in values.items():
        if key not in declared:
            found.add("billable_metric_filter", "relation_must_exist")
        elif not accepted:
            found.add("values", "value_is_mandatory")
        elif (
            not isinstance(accepted, list)
            or not all(isinstance(value, str) for value in accepted)
            or (accepted != [ALL_VALUES] and not declared[key].issuperset(accepted))
        ):
            found.add("values", "value_is_invalid")
        else:
            read[key] = list(dict.fromkeys(accepted))
    return read


def is_same_values(one: Mapping[str, Sequence[str]], other: Mapping[str, Sequence[str]]) -> bool:
    """Tell whether two filters take the same values, in whatever order."""
    return {key: set(values) for key, values in one.items()} == {key: set(values) for key, values in other.items()}


def same_filters(one: Charge | None, other: Charge) -> list[tuple[UUID, UUID]]:
    """Return the filters of two charges that take the same values, by their ids."""
    mine = () if one is None else one.filters
    return [(own.id, item.id) for own in mine for item in other.filters if is_same_values(own.values, item.values)]


def merge_filters(
    stored: Sequence[ChargeFilter], wanted: Sequence[ChargeFilter]
) -> tuple[list[ChargeFilter], list[ChargeFilter], list[ChargeFilter]]:
    """
    Replace a set of filters: return those to change, to add and to delete.

    A filter with the same values as a stored one keeps its identity and age.
    """
    changed, added = [], []
    left = list(stored)
    for item in wanted:
        known = next((other for other in left if is_same_values(item.values, other.values)), None)
        if known is None:
            added.append(item)
        else:
            left.remove(known)
            changed.append(structs.replace(item, id=known.id, created_at=known.created_at))
    return changed, added, left


def trim_filters(filters: Sequence[ChargeFilter], metric: Metric) -> tuple[list[ChargeFilter], list[ChargeFilter]]:
    """
    Take values that a metric no longer declares out of filters: return those to change and those left without any value.

    Source: Lago API, update of metric filters.
    """
    declared = {item.key: set(item.values) for item in metric.filters}
    changed, gone = [], []
    for item in filters:
        kept = {
            key: [value for value in values if value == ALL_VALUES or value in declared[key]]
            for key, values in item.values.items()
            if key in declared
        }
        kept = {key: values for key, values in kept.items() if values}
        if not kept:
            gone.append(item)
        elif kept != {key: list(values) for key, values in item.values.items()}:
            changed.append(structs.replace(item, values=kept))
    return changed, gone
