"""Use cases that write metrics and plans."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.catalog import store
from daycount.catalog.messages import PlanDeleted
from daycount.catalog.pricing import merge_filters, read_filters, read_properties, trim_filters
from daycount.catalog.records import (
    Charge,
    ChargeFilter,
    ChargeInput,
    ChargeModel,
    Metric,
    MetricFilter,
    MetricFilterInput,
    MetricInput,
    Plan,
    PlanInput,
)
from daycount.engine.calendar import Interval
from daycount.engine.expressions import InvalidExpression, parse
from daycount.engine.metrics import AggregationType, RoundingFunction
from daycount.given import given, given_or_default, is_given
from daycount.infra.work import Work
from daycount.money import CURRENCIES
from daycount.organizations import store as organizations

_UNBUILT_MODELS = frozenset({"package", "graduated", "graduated_percentage", "percentage", "volume", "custom", "dynamic"})
_RECURRING = {AggregationType.SUM, AggregationType.UNIQUE_COUNT, AggregationType.WEIGHTED_SUM}
_LONG_INTERVALS = {Interval.SEMIANNUAL, Interval.YEARLY}
_MAX_METADATA = 50
_MAX_METADATA_KEY = 100
_MAX_METADATA_VALUE = 255
_MAX_CODE = 255
_MAX_SUFFIX_DIGITS = 9
_MAX_AMOUNT_CENTS = 2**53 - 1
"""The largest integer that every JSON reader keeps exact; sums of a thousand of them still fit 64 bits."""
_MAX_TRIAL_DAYS = 36_500


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
        code=_code(given_metric.code, found),
        name=_text(given_metric.name, "name", found),
        description=given(given_metric.description, None),
        aggregation_type=_aggregation_type(given(given_metric.aggregation_type, None), found),
        field_name=given(given_metric.field_name, None) or None,
        recurring=given_or_default(given_metric.recurring, default=False),
        rounding_function=_rounding_function(given(given_metric.rounding_function, None), found),
        rounding_precision=_rounding_precision(given(given_metric.rounding_precision, None), found),
        weighted_interval=_weighted_interval(given(given_metric.weighted_interval, None), found),
        expression=_expression(given(given_metric.expression, None), found),
        filters=_metric_filters(given(given_metric.filters, []), found),
        created_at=work.now,
        updated_at=work.now,
    )
    metric = _settled(metric, found)
    found.raise_if_any()
    store.insert_metric(work.tx, metric)
    organizations.bump_catalog_version(work.tx, work.organization_id)
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
        fields["name"] = _text(changes.name, "name", found)
    if is_given(changes.description):
        fields["description"] = changes.description
    if is_given(changes.filters):
        fields["filters"] = _metric_filters(given(changes.filters, []), found)
    if is_free:
        fields |= _free_fields(changes, found)
    changed = _settled(_replaced(metric, fields), found)
    found.raise_if_any()
    store.update_metric(work.tx, changed)
    if is_given(changes.filters):
        _trim_charge_filters(work, changed)
    organizations.bump_catalog_version(work.tx, work.organization_id)
    return changed


def _trim_charge_filters(work: Work, metric: Metric) -> None:
    """Take values that the metric no longer declares out of the filters of its charges."""
    filters = [item for charge in store.list_charges_of_metric(work.tx, metric_id=metric.id) for item in charge.filters]
    changed, gone = trim_filters(filters, metric)
    store.update_filters(work.tx, changed)
    store.mark_filters_deleted(work.tx, ids=[item.id for item in gone], at=work.now)


def delete_metric(work: Work, code: str) -> Metric:
    """Delete a metric softly, and its charges. Its events stay. Raises NotFound."""
    metric = get_metric(work, code)
    store.mark_metric_deleted(work.tx, metric_id=metric.id, at=work.now)
    organizations.bump_catalog_version(work.tx, work.organization_id)
    return metric


def get_metric(work: Work, code: str) -> Metric:
    """Return the live metric of that code. Raises NotFound."""
    metric = store.find_metric(work.tx, organization_id=work.organization_id, code=code)
    if metric is None:
        raise errors.NotFound("billable_metric")
    return metric


def _free_fields(changes: MetricInput, found: errors.FieldErrors) -> dict[str, Any]:
    readers: Mapping[str, Any] = {
        "code": lambda value: _code(value, found),
        "aggregation_type": lambda value: _aggregation_type(value, found),
        "field_name": lambda value: value or None,
        "recurring": bool,
        "rounding_function": lambda value: _rounding_function(value, found),
        "rounding_precision": lambda value: _rounding_precision(value, found),
        "weighted_interval": lambda value: _weighted_interval(value, found),
        "expression": lambda value: _expression(value, found),
    }
    return {name: read(getattr(changes, name)) for name, read in readers.items() if is_given(getattr(changes, name))}


def _settled(metric: Metric, found: errors.FieldErrors) -> Metric:
    """Check the rules that join several fields, and drop what the aggregation has no use for."""
    if metric.aggregation_type is AggregationType.COUNT:
        metric = _replaced(metric, {"field_name": None})
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


def _expression(value: str | None, found: errors.FieldErrors) -> str | None:
    """
    Check an expression, and refuse it even if it is one.

    Events are not evaluated when they come in, so a metric that has an expression would count what its events happen to
    carry. This is the only place that keeps expressions out.
    """
    if not value:
        return None
    try:
        parse(value)
    except InvalidExpression:
        found.add("expression", "invalid_expression")
    else:
        found.add("expression", "unsupported_value")
    return None


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


def create_plan(work: Work, plan_input: PlanInput) -> Plan:
    """
    Add a plan with its charges, all or nothing.

    Raises Invalid (the fields of plans and, flat, of their charges), NotFound (billable_metrics).
    Source: Lago API, plans.
    """
    found = errors.FieldErrors()
    plan_id = work.new_id()
    interval = _interval(given(plan_input.interval, None), found)
    metrics = _metrics_of(work, given(plan_input.charges, []))
    _refuse_unbuilt(plan_input, found)
    plan = Plan(
        id=plan_id,
        organization_id=work.organization_id,
        code=_code(plan_input.code, found),
        name=_text(plan_input.name, "name", found),
        invoice_display_name=given(plan_input.invoice_display_name, None),
        description=given(plan_input.description, None),
        interval=interval,
        amount_cents=_amount_cents(given(plan_input.amount_cents, None), found),
        amount_currency=_currency(given(plan_input.amount_currency, None), found),
        pay_in_advance=_pay_in_advance(given(plan_input.pay_in_advance, None), found),
        trial_period_days=_trial(given(plan_input.trial_period, None), found),
        bill_charges_monthly=_monthly(plan_input.bill_charges_monthly, interval),
        bill_fixed_charges_monthly=_monthly(plan_input.bill_fixed_charges_monthly, interval),
        metadata=_metadata(given(plan_input.metadata, None), found),
        pending_deletion=False,
        created_at=work.now,
        updated_at=work.now,
        charges=_charges(work, plan_id, given(plan_input.charges, []), metrics, taken=(), found=found),
    )
    found.raise_if_any()
    store.insert_plan(work.tx, plan)
    organizations.bump_catalog_version(work.tx, work.organization_id)
    return plan


def update_plan(work: Work, code: str, changes: PlanInput) -> Plan:
    """
    Change a plan. Once a subscription points at it, code, interval, timing, currency and trial are ignored.

    `charges`, when given, replaces the set: an entry whose id is a charge of the plan changes it, others are added, charges
    not listed are deleted. Raises NotFound, Invalid. Source: Lago API, plans.
    """
    plan = get_plan(work, code)
    found = errors.FieldErrors()
    _refuse_unbuilt(changes, found)
    is_attached = store.is_plan_attached(work.tx, plan_id=plan.id)
    fields = _plan_changes(plan, changes, is_attached=is_attached, found=found)
    changed = _replaced(plan, fields | {"updated_at": work.now})
    added: Sequence[Charge] = ()
    edited: Sequence[Charge] = ()
    removed: Sequence[UUID] = ()
    if is_given(changes.charges):
        added, edited, removed = _charge_changes(work, plan, given(changes.charges, []), is_attached=is_attached, found=found)
    found.raise_if_any()
    store.update_plan(work.tx, changed)
    store.mark_charges_deleted(work.tx, ids=removed, at=work.now)
    store.update_charges(work.tx, edited)
    _write_filters(work, plan, edited)
    store.insert_charges(work.tx, added, from_position=len(plan.charges))
    organizations.bump_catalog_version(work.tx, work.organization_id)
    return get_plan(work, changed.code)


def _write_filters(work: Work, plan: Plan, edited: Sequence[Charge]) -> None:
    """Write the filters of edited charges: those with known values keep their identity."""
    stored = {charge.id: charge.filters for charge in plan.charges}
    changed, added, gone = [], [], []
    for charge in edited:
        own_changed, own_added, own_gone = merge_filters(stored[charge.id], charge.filters)
        changed += own_changed
        added.append((charge, own_added))
        gone += own_gone
    store.update_filters(work.tx, changed)
    store.insert_filters(work.tx, added)
    store.mark_filters_deleted(work.tx, ids=[item.id for item in gone], at=work.now)


def delete_plan(work: Work, code: str) -> Plan:
    """
    Delete a plan softly: nobody can subscribe to it any more, and what is subscribed ends now.

    Announces PlanDeleted. Past fees keep showing it. Raises NotFound. Source: Lago API, plans.
    """
    plan = get_plan(work, code)
    store.mark_plan_deleted(work.tx, plan_id=plan.id, at=work.now)
    organizations.bump_catalog_version(work.tx, work.organization_id)
    work.announce(PlanDeleted(plan_id=plan.id))
    return structs.replace(plan, pending_deletion=True)


def get_plan(work: Work, code: str) -> Plan:
    """Return the live plan of that code. Raises NotFound."""
    plan = store.find_plan(work.tx, organization_id=work.organization_id, code=code)
    if plan is None:
        raise errors.NotFound("plan")
    return plan


def _plan_changes(plan: Plan, changes: PlanInput, *, is_attached: bool, found: errors.FieldErrors) -> dict[str, Any]:
    readers: dict[str, tuple[str, Any]] = {
        "name": ("name", lambda value: _text(value, "name", found)),
        "invoice_display_name": ("invoice_display_name", lambda value: value),
        "description": ("description", lambda value: value),
        "amount_cents": ("amount_cents", lambda value: _amount_cents(value, found)),
        "metadata": ("metadata", lambda value: _metadata(value, found)),
    }
    interval = plan.interval
    if not is_attached:
        if is_given(changes.interval):
            interval = _interval(given(changes.interval, None), found)
        readers |= {
            "code": ("code", lambda value: _code(value, found)),
            "interval": ("interval", lambda _value: interval),
            "amount_currency": ("amount_currency", lambda value: _currency(value, found)),
            "pay_in_advance": ("pay_in_advance", lambda value: _pay_in_advance(value, found)),
            "trial_period": ("trial_period_days", lambda value: _trial(value, found)),
            "bill_charges_monthly": ("bill_charges_monthly", lambda value: _monthly(value, interval)),
            "bill_fixed_charges_monthly": ("bill_fixed_charges_monthly", lambda value: _monthly(value, interval)),
        }
    fields = {stored: read(getattr(changes, name)) for name, (stored, read) in readers.items() if is_given(getattr(changes, name))}
    if not is_attached and interval is not plan.interval:
        kept = {"bill_charges_monthly": plan.bill_charges_monthly, "bill_fixed_charges_monthly": plan.bill_fixed_charges_monthly}
        fields = {name: _monthly(value, interval) for name, value in kept.items()} | fields
    return fields


def _charge_changes(
    work: Work, plan: Plan, given_charges: Sequence[ChargeInput], *, is_attached: bool, found: errors.FieldErrors
) -> tuple[Sequence[Charge], Sequence[Charge], Sequence[UUID]]:
    stored = {charge.id: charge for charge in plan.charges}
    kept = {item.id: item for item in given_charges if item.id in stored}
    fresh = [item for item in given_charges if item.id not in stored]
    edited: list[Charge] = []
    for charge_id, item in kept.items():
        assert isinstance(charge_id, UUID)
        charge = stored[charge_id]
        others = {stored[other].code for other in kept if isinstance(other, UUID) and other != charge_id} | {done.code for done in edited}
        edited.append(
            _repriced(work, charge, item, found) if is_attached else _replaced_charge(work, charge, item, taken=others, found=found)
        )
    taken = [charge.code for charge in edited]
    added = _charges(work, plan.id, fresh, _metrics_of(work, fresh), taken=taken, found=found)
    return added, edited, [charge_id for charge_id in stored if charge_id not in kept]


def _repriced(work: Work, charge: Charge, item: ChargeInput, found: errors.FieldErrors) -> Charge:
    """Change what of a charge may change while its plan is subscribed to."""
    _check_unbuilt_charge(item, found)
    return structs.replace(
        charge,
        invoice_display_name=given(item.invoice_display_name, None),
        properties=read_properties(charge.charge_model, given(item.properties, {}), found),
        filters=_given_filters(work, item, charge, found),
    )


def _given_filters(work: Work, item: ChargeInput, charge: Charge, found: errors.FieldErrors) -> tuple[ChargeFilter, ...]:
    """Read the filters of a charge that is there already; without the key they stay as they are."""
    if not is_given(item.filters):
        return charge.filters
    return read_filters(work, given(item.filters, []), model=charge.charge_model, metric=charge.metric, found=found)


def _replaced_charge(work: Work, charge: Charge, item: ChargeInput, *, taken: set[str], found: errors.FieldErrors) -> Charge:
    """Replace all of a charge but its metric; keys that are absent take their defaults, model and code stay."""
    code = given(item.code, None) or charge.code
    _check_charge_code(code, taken, found)
    whole = structs.replace(item, charge_model=given_or_default(item.charge_model, charge.charge_model.value))
    fresh = _charge(work, whole, plan_id=charge.plan_id, metric=charge.metric, code=code, found=found)
    filters = fresh.filters if is_given(item.filters) else charge.filters
    return structs.replace(fresh, id=charge.id, created_at=charge.created_at, filters=filters)


def _check_charge_code(code: str, taken: set[str], found: errors.FieldErrors) -> None:
    if code in taken:
        found.add("code", "value_already_exist")
    if len(code) > _MAX_CODE:
        found.add("code", "value_is_too_long")


def _refuse_unbuilt(plan_input: PlanInput, found: errors.FieldErrors) -> None:
    """Refuse, rather than ignore, what would change a bill and cannot be billed yet."""
    for name in ("fixed_charges", "usage_thresholds", "minimum_commitment"):
        if given(getattr(plan_input, name), None):
            found.add(name, "unsupported_value")
    if given(plan_input.tax_codes, []):
        raise errors.NotFound("tax")


def _check_unbuilt_charge(item: ChargeInput, found: errors.FieldErrors) -> None:
    if given(item.applied_pricing_unit, None):
        found.add("pricing_unit", "relation_must_exist")
    if given(item.tax_codes, []):
        raise errors.NotFound("tax")


def _metrics_of(work: Work, items: Iterable[ChargeInput]) -> dict[UUID, Metric]:
    """Load the metrics that charges name, in one query. Raises NotFound as soon as one is not there."""
    wanted = [_uuid(given(item.billable_metric_id, None)) for item in items]
    metrics = store.find_metrics(work.tx, organization_id=work.organization_id, ids=[metric_id for metric_id in wanted if metric_id])
    for item, metric_id in zip(items, wanted, strict=True):
        if metric_id is None or metric_id not in metrics:
            raise errors.NotFound("billable_metrics" if given(item.billable_metric_id, None) else "billable_metric")
    return metrics


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _charges(
    work: Work,
    plan_id: UUID,
    items: Sequence[ChargeInput],
    metrics: Mapping[UUID, Metric],
    *,
    taken: Sequence[str],
    found: errors.FieldErrors,
) -> tuple[Charge, ...]:
    """Check new charges of a plan and give each its code."""
    codes = set(taken)
    charges = []
    for item in items:
        metric_id = _uuid(given(item.billable_metric_id, None))
        assert metric_id is not None
        metric = metrics[metric_id]
        code = given(item.code, None)
        if code:
            _check_charge_code(code, codes, found)
        code = code or _free_code(metric.code, codes)
        codes.add(code)
        charges.append(_charge(work, item, plan_id=plan_id, metric=metric, code=code, found=found))
    return tuple(charges)


def _free_code(base: str, taken: set[str]) -> str:
    """Name a charge after its metric: `api`, then `api_2`, `api_3`; after `api_7` comes `api_8`."""
    if base not in taken:
        return base
    suffixes = (code.removeprefix(f"{base}_") for code in taken if code.startswith(f"{base}_"))
    numbers = [int(suffix) for suffix in suffixes if suffix.isdecimal() and suffix.isascii() and len(suffix) <= _MAX_SUFFIX_DIGITS]
    return f"{base}_{max([1, *numbers]) + 1}"


def _charge(work: Work, item: ChargeInput, *, plan_id: UUID, metric: Metric, code: str, found: errors.FieldErrors) -> Charge:
    _check_unbuilt_charge(item, found)
    model = _charge_model(given(item.charge_model, None), found)
    charge = Charge(
        id=work.new_id(),
        organization_id=work.organization_id,
        plan_id=plan_id,
        metric=metric,
        code=code,
        charge_model=model,
        invoice_display_name=given(item.invoice_display_name, None),
        pay_in_advance=given_or_default(item.pay_in_advance, default=False),
        prorated=given_or_default(item.prorated, default=False),
        invoiceable=given_or_default(item.invoiceable, default=True),
        regroup_paid_fees=given(item.regroup_paid_fees, None),
        min_amount_cents=given_or_default(item.min_amount_cents, 0),
        accepts_target_wallet=given_or_default(item.accepts_target_wallet, default=False),
        properties=read_properties(model, given(item.properties, {}), found),
        filters=read_filters(work, given(item.filters, []), model=model, metric=metric, found=found),
        created_at=work.now,
    )
    _check_combination(charge, found)
    return charge


def _check_combination(charge: Charge, found: errors.FieldErrors) -> None:
    """
    Check what goes with what. Source: Lago docs, charges; the table of models and aggregations.

    Charges in advance and spending minimums cannot be billed yet and are refused.
    """
    if not charge.invoiceable and not charge.pay_in_advance:
        found.add("invoiceable", "must_be_true_unless_pay_in_advance")
    if charge.regroup_paid_fees is not None and (charge.invoiceable or not charge.pay_in_advance or charge.regroup_paid_fees != "invoice"):
        found.add("regroup_paid_fees", "only_compatible_with_pay_in_advance_and_non_invoiceable")
    if charge.pay_in_advance:
        found.add("pay_in_advance", "unsupported_value")
        if charge.min_amount_cents > 0:
            found.add("min_amount_cents", "not_compatible_with_pay_in_advance")
    if charge.min_amount_cents < 0:
        found.add("min_amount_cents", "value_is_out_of_range")
    elif charge.min_amount_cents > 0:
        found.add("min_amount_cents", "unsupported_value")
    if charge.prorated and (not charge.metric.recurring or charge.metric.aggregation_type is AggregationType.WEIGHTED_SUM):
        found.add("prorated", "invalid_billable_metric_or_charge_model")


def _charge_model(value: str | None, found: errors.FieldErrors) -> ChargeModel:
    if value in set(ChargeModel):
        return ChargeModel(value)
    refused = "unsupported_value" if value in _UNBUILT_MODELS else "value_is_invalid"
    found.add("charge_model", refused if value else "value_is_mandatory")
    return ChargeModel.STANDARD


def _text(value: object, field: str, found: errors.FieldErrors) -> str:
    if isinstance(value, str) and value.strip():
        return value
    found.add(field, "value_is_mandatory")
    return ""


def _code(value: object, found: errors.FieldErrors) -> str:
    """Read a code. Its length is limited because unique indexes hold it."""
    code = _text(value, "code", found)
    if len(code) > _MAX_CODE:
        found.add("code", "value_is_too_long")
    return code


def _interval(value: str | None, found: errors.FieldErrors) -> Interval:
    if value in set(Interval):
        return Interval(value)
    found.add("interval", "value_is_invalid")
    return Interval.MONTHLY


def _amount_cents(value: int | None, found: errors.FieldErrors) -> int:
    if value is None:
        found.add("amount_cents", "value_is_mandatory")
        return 0
    if not 0 <= value <= _MAX_AMOUNT_CENTS:
        found.add("amount_cents", "value_is_out_of_range")
    return value


def _currency(value: str | None, found: errors.FieldErrors) -> str:
    if value is None or value not in CURRENCIES:
        found.add("amount_currency", "value_is_invalid")
        return "USD"
    return value


def _pay_in_advance(value: bool | None, found: errors.FieldErrors) -> bool:  # noqa: FBT001 - the field's value
    if value is None:
        found.add("pay_in_advance", "value_is_invalid")
        return False
    return value


def _trial(value: Decimal | None, found: errors.FieldErrors) -> Decimal:
    if value is not None and not 0 <= value <= _MAX_TRIAL_DAYS:
        found.add("trial_period", "value_is_out_of_range")
        return Decimal(0)
    return value or Decimal(0)


def _monthly(value: object, interval: Interval) -> bool | None:
    """Keep a monthly flag for long intervals only; elsewhere it means nothing and is stored as null."""
    return bool(given_or_default(value, default=False)) if interval in _LONG_INTERVALS else None


def _metadata(value: Mapping[str, Any] | None, found: errors.FieldErrors) -> Mapping[str, str | None] | None:
    if value is None:
        return None
    if len(value) > _MAX_METADATA:
        found.add("metadata", "invalid_count")
    for key, item in value.items():
        if len(key) > _MAX_METADATA_KEY or (isinstance(item, str) and len(item) > _MAX_METADATA_VALUE):
            found.add("metadata", "value_is_too_long")
        if item is not None and not isinstance(item, str):
            found.add("metadata", "value_is_invalid")
    return dict(value)


def _replaced(record: Any, fields: Mapping[str, Any]) -> Any:
    return structs.replace(record, **fields)
