"""
Handing edits of a plan on to the plans that override it.

What is handed on follows from the plan before and after its edit. A price of an overriding plan follows only while it still is
what it was copied as; group keys and codes always follow. Names, trials, taxes and commitments never do.
Source: Lago API, cascade_updates.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import structs

from daycount.catalog import store
from daycount.catalog.charge_operations import write_filters
from daycount.catalog.copies import copy_parts, copy_taxes_of_parts
from daycount.catalog.fixed_charges import store as fixed_charges
from daycount.catalog.fixed_charges.records import FixedCharge, UnitsChange
from daycount.catalog.messages import FixedUnitsChanged, PlanRepriced
from daycount.catalog.records import Charge, ChargeFilter, Plan
from daycount.catalog.versions import keep_version
from daycount.engine.pricing_units import PricingUnit
from daycount.infra.work import Work

_GROUP_KEYS = ("pricing_group_keys", "presentation_group_keys")


def cascade_plan(work: Work, old: Plan, new: Plan, *, units: Sequence[UnitsChange] = ()) -> None:
    """
    Hand the difference between two versions of a plan on to the plans that override it.

    Only the price of the base fee also reaches plans whose subscription is over. `units` says which numbers of units count from
    now. Some ten statements for each overriding plan that changes.
    Announces FixedUnitsChanged for those whose units follow.
    """
    immediate = {change.fixed_charge.id for change in units if change.is_immediate}
    children = store.find_children(work.tx, plan_id=new.id)
    running = store.find_running_plans(work.tx, ids=[child.id for child in children]) if children else frozenset()
    for child in children:
        if child.amount_cents == old.amount_cents != new.amount_cents:
            store.update_plan(work.tx, structs.replace(child, amount_cents=new.amount_cents, updated_at=work.now))
            work.announce(PlanRepriced(child.id))
            if child.id not in running:
                keep_version(work, child.id)
        if child.id not in running:
            continue
        _cascade_charges(work, old, new, child)
        changed = _cascade_fixed_charges(work, old, new, child)
        fresh = keep_version(work, child.id)
        moved = [UnitsChange(item, item.parent_id in immediate) for item in fresh.fixed_charges if item.id in changed]
        if moved:
            work.announce(FixedUnitsChanged(child.id, moved))


def _cascade_charges(work: Work, old: Plan, new: Plan, child: Plan) -> None:
    before, after = ({charge.id: charge for charge in plan.charges} for plan in (old, new))
    copied = {charge.parent_id for charge in child.charges}
    edited = [
        _following(work, charge, before[charge.parent_id], after[charge.parent_id])
        for charge in child.charges
        if charge.parent_id in before and charge.parent_id in after
    ]
    gone = [charge.id for charge in child.charges if charge.parent_id in before and charge.parent_id not in after]
    fresh = [charge for charge in new.charges if charge.id not in before and charge.id not in copied]
    copies = copy_parts(work, fresh, (), plan_id=child.id)
    store.mark_charges_deleted(work.tx, ids=gone, at=work.now)
    store.update_charges(work.tx, edited)
    write_filters(work, child, edited)
    store.insert_charges(work.tx, copies.charges, from_position=len(child.charges))
    copy_taxes_of_parts(work, copies)


def _following(work: Work, charge: Charge, old: Charge, new: Charge) -> Charge:
    """Return an overriding charge as it follows the one it overrides; another model only where all of its prices are as copied."""
    followed = structs.replace(charge, code=new.code, pricing_unit=_followed_unit(charge.pricing_unit, old.pricing_unit, new.pricing_unit))
    if charge.charge_model is not old.charge_model:
        return followed
    if new.charge_model is not old.charge_model and not _is_priced_as(charge, old):
        return followed
    return structs.replace(
        followed,
        charge_model=new.charge_model,
        properties=_followed_properties(charge.properties, old.properties, new.properties),
        filters=_followed_filters(work, charge, old, new),
    )


def _is_priced_as(charge: Charge, old: Charge) -> bool:
    own, before = ({_key(item): item.properties for item in one.filters} for one in (charge, old))
    return (
        _is_same(charge.properties, old.properties)
        and own.keys() == before.keys()
        and all(_is_same(prices, before[key]) for key, prices in own.items())
    )


def _followed_unit(own: PricingUnit | None, old: PricingUnit | None, new: PricingUnit | None) -> PricingUnit | None:
    """Return the pricing unit of an overriding charge; its rate follows while it still is what it was copied as."""
    return new if own == old else own


def _followed_filters(work: Work, charge: Charge, old: Charge, new: Charge) -> tuple[ChargeFilter, ...]:
    before, after = ({_key(item): item for item in parent.filters} for parent in (old, new))
    kept = []
    for item in charge.filters:
        key = _key(item)
        if key in before and key not in after:
            continue
        if key in before:
            properties = _followed_properties(item.properties, before[key].properties, after[key].properties)
            kept.append(structs.replace(item, properties=properties))
        else:
            kept.append(item)
    own = {_key(item) for item in charge.filters}
    fresh = [item for key, item in after.items() if key not in before and key not in own]
    return (*kept, *(structs.replace(item, id=work.new_id(), created_at=work.now) for item in fresh))


def _key(item: ChargeFilter) -> tuple[tuple[str, frozenset[str]], ...]:
    return tuple(sorted((key, frozenset(values)) for key, values in item.values.items()))


def _followed_properties(own: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
    if _is_same(own, old):
        return new
    kept = {name: value for name, value in own.items() if name not in _GROUP_KEYS}
    return kept | {name: new[name] for name in _GROUP_KEYS if name in new}


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Compare prices as numbers, group keys aside."""
    first, second = (_plain({name: value for name, value in prices.items() if name not in _GROUP_KEYS}) for prices in (one, other))
    return bool(first == second)


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case str() if value.replace(".", "", 1).isascii() and value.replace(".", "", 1).isdecimal():
            return Decimal(value)
        case _:
            return value


def _cascade_fixed_charges(work: Work, old: Plan, new: Plan, child: Plan) -> set[Any]:
    """Hand fixed charges on; returns the ids of those of the child whose units are others, or that are new."""
    before, after = ({item.id: item for item in plan.fixed_charges} for plan in (old, new))
    copied = {item.parent_id for item in child.fixed_charges}
    edited, moved = [], set()
    for item in child.fixed_charges:
        if item.parent_id not in before or item.parent_id not in after:
            continue
        was, now = before[item.parent_id], after[item.parent_id]
        followed = structs.replace(item, code=now.code)
        if _is_as_copied(item, was):
            followed = structs.replace(followed, charge_model=now.charge_model, units=now.units, properties=now.properties)
            if now.units != was.units:
                moved.add(item.id)
        edited.append(followed)
    gone = [item.id for item in child.fixed_charges if item.parent_id in before and item.parent_id not in after]
    fresh = [item for item in new.fixed_charges if item.id not in before and item.id not in copied]
    copies = copy_parts(work, (), fresh, plan_id=child.id)
    fixed_charges.mark_fixed_charges_deleted(work.tx, ids=gone, at=work.now)
    fixed_charges.update_fixed_charges(work.tx, edited)
    fixed_charges.insert_fixed_charges(work.tx, copies.fixed_charges, from_position=len(child.fixed_charges))
    copy_taxes_of_parts(work, copies)
    return moved | {item.id for item in copies.fixed_charges}


def _is_as_copied(item: FixedCharge, was: FixedCharge) -> bool:
    return item.charge_model is was.charge_model and item.units == was.units and _is_same(item.properties, was.properties)
