"""Use cases that write one charge, charge filter or fixed charge of a plan, and a plan's metadata."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.catalog import store
from daycount.catalog.cascades import cascade_plan
from daycount.catalog.charge_operations import edited_charge, metrics_of, read_charges, write_filters
from daycount.catalog.fields import read_metadata, read_uuid
from daycount.catalog.fixed_charges.operations import (
    FixedChanges,
    add_ons_of,
    edited_fixed_charge,
    is_immediate,
    read_fixed_charges,
)
from daycount.catalog.fixed_charges.records import FixedCharge, FixedChargeInput, UnitsChange
from daycount.catalog.plan_operations import write_fixed_charges
from daycount.catalog.pricing import is_same_values, read_filters
from daycount.catalog.records import Charge, ChargeFilter, ChargeFilterInput, ChargeInput, Plan
from daycount.catalog.versions import keep_version
from daycount.given import given, given_or_default
from daycount.infra.work import Work
from daycount.taxes.operations import given_codes, replace_taxes
from daycount.taxes.records import TaxTarget


def get_charge(plan: Plan, code: str) -> Charge:
    """Return the charge of that code. Raises NotFound."""
    charge = next((charge for charge in plan.charges if charge.code == code), None)
    if charge is None:
        raise errors.NotFound("charge")
    return charge


def get_filter(charge: Charge, filter_id: str) -> ChargeFilter:
    """Return the filter of that id. Raises NotFound."""
    wanted = read_uuid(filter_id)
    item = next((item for item in charge.filters if item.id == wanted), None)
    if item is None:
        raise errors.NotFound("charge_filter")
    return item


def get_fixed_charge(plan: Plan, code: str) -> FixedCharge:
    """Return the fixed charge of that code. Raises NotFound."""
    item = next((item for item in plan.fixed_charges if item.code == code), None)
    if item is None:
        raise errors.NotFound("fixed_charge")
    return item


def add_charge(work: Work, plan: Plan, item: ChargeInput) -> Charge:
    """Add a charge to a plan. Raises NotFound (billable_metric, tax), Invalid. Source: Lago API, charges of plans."""
    found = errors.FieldErrors()
    try:
        metrics = metrics_of(work, [item])
    except errors.NotFound as error:
        raise errors.NotFound("billable_metric") from error
    if not given(item.code, None):
        found.add("code", "value_is_mandatory")
    [charge] = read_charges(work, plan.id, [item], metrics, taken=[charge.code for charge in plan.charges], found=found)
    found.raise_if_any()
    store.insert_charges(work.tx, [charge], from_position=len(plan.charges))
    replace_taxes(work, given_codes(TaxTarget.CHARGE, charge.id, item.tax_codes))
    return get_charge(_written(work, plan, is_cascading=_cascades(item)), charge.code)


def change_charge(work: Work, plan: Plan, code: str, item: ChargeInput) -> Charge:
    """Replace a charge of a plan; while it is subscribed to, only its prices. Raises NotFound (charge, tax), Invalid."""
    charge = get_charge(plan, code)
    found = errors.FieldErrors()
    is_attached = store.is_plan_attached(work.tx, plan_id=plan.id)
    taken = {other.code for other in plan.charges if other.id != charge.id}
    edited = edited_charge(work, charge, item, taken=taken, is_attached=is_attached, found=found)
    found.raise_if_any()
    store.update_charges(work.tx, [edited])
    write_filters(work, plan, [edited])
    replace_taxes(work, given_codes(TaxTarget.CHARGE, charge.id, item.tax_codes))
    return get_charge(_written(work, plan, is_cascading=_cascades(item)), edited.code)


def remove_charge(work: Work, plan: Plan, code: str, *, is_cascading: bool) -> Charge:
    """Take a charge off a plan; past fees keep showing it. Raises NotFound."""
    charge = get_charge(plan, code)
    store.mark_charges_deleted(work.tx, ids=[charge.id], at=work.now)
    _written(work, plan, is_cascading=is_cascading)
    return charge


def add_filter(work: Work, plan: Plan, code: str, item: ChargeFilterInput) -> ChargeFilter:
    """Add a filter to a charge of a plan. Raises NotFound (charge), Invalid. Source: Lago API, charge filters."""
    charge = get_charge(plan, code)
    found = errors.FieldErrors()
    [fresh] = read_filters(work, [item], model=charge.charge_model, metric=charge.metric, found=found)
    if any(is_same_values(fresh.values, other.values) for other in charge.filters):
        found.add("values", "value_already_exist")
    found.raise_if_any()
    return _write_filters(work, plan, charge, (*charge.filters, fresh), fresh.id, is_cascading=_cascades(item))


def change_filter(work: Work, plan: Plan, code: str, filter_id: str, item: ChargeFilterInput) -> ChargeFilter:
    """Change a filter; absent keys stay. Raises NotFound (charge, charge_filter), Invalid."""
    charge = get_charge(plan, code)
    stored = get_filter(charge, filter_id)
    found = errors.FieldErrors()
    whole = structs.replace(
        item,
        values=given_or_default(item.values, {key: list(values) for key, values in stored.values.items()}),
        properties=given_or_default(item.properties, dict(stored.properties)),
        invoice_display_name=given(item.invoice_display_name, stored.invoice_display_name),
    )
    [read] = read_filters(work, [whole], model=charge.charge_model, metric=charge.metric, found=found)
    changed = structs.replace(read, id=stored.id, created_at=stored.created_at)
    if any(is_same_values(changed.values, other.values) for other in charge.filters if other.id != stored.id):
        found.add("values", "value_already_exist")
    found.raise_if_any()
    store.update_filters(work.tx, [changed])
    filters = tuple(changed if other.id == stored.id else other for other in charge.filters)
    return _write_filters(work, plan, charge, filters, stored.id, is_cascading=_cascades(item))


def remove_filter(work: Work, plan: Plan, code: str, filter_id: str, *, is_cascading: bool) -> ChargeFilter:
    """Take a filter off a charge. Raises NotFound (charge, charge_filter)."""
    charge = get_charge(plan, code)
    gone = get_filter(charge, filter_id)
    store.mark_filters_deleted(work.tx, ids=[gone.id], at=work.now)
    _written(work, plan, is_cascading=is_cascading)
    return gone


def _write_filters(
    work: Work, plan: Plan, charge: Charge, filters: tuple[ChargeFilter, ...], filter_id: UUID, *, is_cascading: bool
) -> ChargeFilter:
    known = {item.id for item in charge.filters}
    store.insert_filters(work.tx, [(charge, [item for item in filters if item.id not in known])], from_position=len(charge.filters))
    fresh = _written(work, plan, is_cascading=is_cascading)
    return get_filter(get_charge(fresh, charge.code), str(filter_id))


def add_fixed_charge(work: Work, plan: Plan, item: FixedChargeInput) -> FixedCharge:
    """Add a fixed charge to a plan. Raises NotFound (add_on, tax), Invalid. Source: Lago API, fixed charges of plans."""
    found = errors.FieldErrors()
    try:
        own = add_ons_of(work, [item])
    except errors.NotFound as error:
        raise errors.NotFound("add_on") from error
    if not given(item.code, None):
        found.add("code", "value_is_mandatory")
    taken = [other.code for other in plan.fixed_charges]
    [charge] = read_fixed_charges(work, plan.id, [item], own, taken=taken, found=found)
    found.raise_if_any()
    units = [UnitsChange(charge, is_immediate(item))]
    write_fixed_charges(work, plan, FixedChanges(added=[charge], units=units))
    replace_taxes(work, given_codes(TaxTarget.FIXED_CHARGE, charge.id, item.tax_codes))
    return get_fixed_charge(_written(work, plan, is_cascading=_cascades(item), units=units), charge.code)


def change_fixed_charge(work: Work, plan: Plan, code: str, item: FixedChargeInput) -> FixedCharge:
    """Change a fixed charge; absent keys stay. Raises NotFound (fixed_charge, tax), Invalid."""
    charge = get_fixed_charge(plan, code)
    found = errors.FieldErrors()
    is_attached = store.is_plan_attached(work.tx, plan_id=plan.id)
    taken = {other.code for other in plan.fixed_charges if other.id != charge.id}
    edited = edited_fixed_charge(charge, item, taken=taken, is_attached=is_attached, found=found)
    found.raise_if_any()
    units = [UnitsChange(edited, is_immediate(item))] if edited.units != charge.units else []
    write_fixed_charges(work, plan, FixedChanges(edited=[edited], units=units))
    replace_taxes(work, given_codes(TaxTarget.FIXED_CHARGE, charge.id, item.tax_codes))
    return get_fixed_charge(_written(work, plan, is_cascading=_cascades(item), units=units), edited.code)


def remove_fixed_charge(work: Work, plan: Plan, code: str, *, is_cascading: bool) -> FixedCharge:
    """Take a fixed charge off a plan. Raises NotFound."""
    charge = get_fixed_charge(plan, code)
    write_fixed_charges(work, plan, FixedChanges(removed=[charge]))
    _written(work, plan, is_cascading=is_cascading)
    return charge


def _cascades(item: ChargeInput | ChargeFilterInput | FixedChargeInput) -> bool:
    return given_or_default(item.cascade_updates, default=False)


def _written(work: Work, plan: Plan, *, is_cascading: bool, units: list[UnitsChange] | None = None) -> Plan:
    fresh = keep_version(work, plan.id)
    if is_cascading:
        cascade_plan(work, plan, fresh, units=units or [])
    return fresh


def replace_metadata(work: Work, plan: Plan, metadata: Mapping[str, Any] | None) -> Mapping[str, str | None] | None:
    """Make the given metadata the plan's. Raises Invalid."""
    found = errors.FieldErrors()
    read = read_metadata(metadata, found)
    found.raise_if_any()
    return _write_metadata(work, plan, read)


def merge_metadata(work: Work, plan: Plan, metadata: Mapping[str, Any]) -> Mapping[str, str | None] | None:
    """Add keys to the plan's metadata, or change them. Raises Invalid."""
    return replace_metadata(work, plan, dict(plan.metadata or {}) | dict(metadata))


def remove_metadata_key(work: Work, plan: Plan, key: str) -> Mapping[str, str | None] | None:
    """Take one key out of the plan's metadata. Raises NotFound (metadata)."""
    if key not in (plan.metadata or {}):
        raise errors.NotFound("metadata")
    assert plan.metadata is not None
    return _write_metadata(work, plan, {name: value for name, value in plan.metadata.items() if name != key})


def _write_metadata(work: Work, plan: Plan, metadata: Mapping[str, str | None] | None) -> Mapping[str, str | None] | None:
    store.update_plan(work.tx, structs.replace(plan, metadata=metadata, updated_at=work.now))
    return keep_version(work, plan.id).metadata
