"""
Plans that override another one for a single subscription.

Such a plan is a copy of its parent with the parent's code; what the caller gives differs. What a caller does not give is the
parent's, taxes and commitment included; usage thresholds are looked up at the parent (decision: nothing of a plan is lost by
overriding another part of it).
Source: Lago API, plan_overrides.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.catalog import store
from daycount.catalog.charge_operations import repriced_charge, write_filters
from daycount.catalog.charge_rules import check_combination
from daycount.catalog.copies import copy_parts, copy_taxes_of_parts
from daycount.catalog.fields import read_amount_cents, read_currency, read_text
from daycount.catalog.fixed_charges import store as fixed_charges
from daycount.catalog.fixed_charges.operations import edited_fixed_charge, is_immediate
from daycount.catalog.fixed_charges.records import FixedCharge, FixedChargeInput
from daycount.catalog.messages import PlanRepriced, ThresholdsChanged
from daycount.catalog.records import Charge, ChargeInput, Plan, PlanInput
from daycount.catalog.terms import read_commitment, read_thresholds
from daycount.catalog.versions import keep_version
from daycount.given import given, given_or_default, is_given
from daycount.infra.work import Work
from daycount.taxes.operations import copy_taxes, given_codes, replace_taxes
from daycount.taxes.records import TaxAssignment, TaxTarget

_UNITS_ONLY = {"id", "units", "apply_units_immediately"}


def is_units_only(wanted: PlanInput) -> bool:
    """Tell whether overrides hold nothing but units of fixed charges, which need no plan of their own."""
    given_names = {name for name in wanted.__struct_fields__ if is_given(getattr(wanted, name))}
    return given_names == {"fixed_charges"} and all(
        {name for name in item.__struct_fields__ if is_given(getattr(item, name))} <= _UNITS_ONLY
        for item in given(wanted.fixed_charges, [])
    )


def override_plan(work: Work, parent: Plan, wanted: PlanInput, *, units: Mapping[UUID, Decimal]) -> Plan:
    """
    Make a plan that overrides another one; `units` are those a subscription was given itself, by the parent's fixed charge.

    Raises Invalid, NotFound (tax), Forbidden (cannot_override_charge_model).
    """
    child_id = work.new_id()
    copies = copy_parts(work, parent.charges, parent.fixed_charges, plan_id=child_id)
    commitment = parent.minimum_commitment
    child = structs.replace(
        parent,
        id=child_id,
        parent_id=parent.id,
        version=1,
        charges=copies.charges,
        fixed_charges=tuple(
            structs.replace(item, units=units.get(item.parent_id, item.units)) for item in copies.fixed_charges if item.parent_id
        ),
        minimum_commitment=None if commitment is None else structs.replace(commitment, id=work.new_id(), created_at=work.now),
        usage_thresholds=(),
        created_at=work.now,
        updated_at=work.now,
    )
    store.insert_plan(work.tx, child)
    pairs = [(TaxTarget.PLAN, parent.id, child.id)] if parent.taxes else []
    if commitment is not None and child.minimum_commitment is not None and commitment.taxes:
        pairs.append((TaxTarget.COMMITMENT, commitment.id, child.minimum_commitment.id))
    copy_taxes(work, pairs)
    copy_taxes_of_parts(work, copies)
    return _edit(work, child, wanted, version=1)


def edit_override(work: Work, child: Plan, wanted: PlanInput) -> Plan:
    """Change a plan that overrides another one. Raises as `override_plan`."""
    return _edit(work, child, wanted, version=None)


def _edit(work: Work, child: Plan, wanted: PlanInput, *, version: int | None) -> Plan:
    found = errors.FieldErrors()
    changed = structs.replace(child, **_fields(work, child, wanted, found), updated_at=work.now)
    charges = _charges(work, child, wanted, found)
    fixed = _fixed_charges(child, wanted, found)
    found.raise_if_any()
    store.update_plan(work.tx, changed)
    if changed.amount_cents != child.amount_cents:
        work.announce(PlanRepriced(child.id))
    if changed.usage_thresholds != child.usage_thresholds:
        work.announce(ThresholdsChanged(child.id))
    store.update_charges(work.tx, [charge for charge, _ in charges])
    write_filters(work, child, [charge for charge, _ in charges])
    fixed_charges.update_fixed_charges(work.tx, [item for item, _ in fixed])
    assignments = given_codes(TaxTarget.PLAN, child.id, wanted.tax_codes)
    for charge, item in charges:
        assignments += given_codes(TaxTarget.CHARGE, charge.id, item.tax_codes)
    for fixed_charge, fixed_item in fixed:
        assignments += given_codes(TaxTarget.FIXED_CHARGE, fixed_charge.id, fixed_item.tax_codes)
    assignments += _commitment_taxes(changed, wanted)
    replace_taxes(work, assignments)
    return keep_version(work, child.id, version=version)


def _commitment_taxes(changed: Plan, wanted: PlanInput) -> list[TaxAssignment]:
    commitment = given(wanted.minimum_commitment, None)
    if commitment is None or changed.minimum_commitment is None:
        return []
    return given_codes(TaxTarget.COMMITMENT, changed.minimum_commitment.id, commitment.tax_codes)


def _fields(work: Work, child: Plan, wanted: PlanInput, found: errors.FieldErrors) -> dict[str, Any]:
    readers: dict[str, tuple[str, Any]] = {
        "name": ("name", lambda value: read_text(value, "name", found)),
        "invoice_display_name": ("invoice_display_name", lambda value: value),
        "description": ("description", lambda value: value),
        "amount_cents": ("amount_cents", lambda value: read_amount_cents(value, found)),
        "amount_currency": ("amount_currency", lambda value: read_currency(value, found)),
        "trial_period": ("trial_period_days", lambda value: _trial(value, found)),
        "minimum_commitment": ("minimum_commitment", lambda value: read_commitment(work, value, child.minimum_commitment, found)),
        "usage_thresholds": ("usage_thresholds", lambda value: read_thresholds(work, value, child.usage_thresholds, found)),
    }
    return {stored: read(getattr(wanted, name)) for name, (stored, read) in readers.items() if is_given(getattr(wanted, name))}


def _trial(value: Decimal | None, found: errors.FieldErrors) -> Decimal:
    if value is not None and not 0 <= value <= 36_500:
        found.add("trial_period", "value_is_out_of_range")
        return Decimal(0)
    return value or Decimal(0)


def _charges(work: Work, child: Plan, wanted: PlanInput, found: errors.FieldErrors) -> list[tuple[Charge, ChargeInput]]:
    """Return the charges that the overrides name, by their own id or that of the charge they override, as they are to be."""
    own = {charge.parent_id: charge for charge in child.charges} | {charge.id: charge for charge in child.charges}
    return [
        (overridden_charge(work, own[item.id], item, found), item)
        for item in given(wanted.charges, [])
        if isinstance(item.id, UUID) and item.id in own
    ]


def overridden_charge(work: Work, charge: Charge, item: ChargeInput, found: errors.FieldErrors) -> Charge:
    """Change what of a charge may be overridden; absent keys stay."""
    whole = structs.replace(
        item,
        properties=given_or_default(item.properties, dict(charge.properties)),
        invoice_display_name=given(item.invoice_display_name, charge.invoice_display_name),
    )
    minimum = given_or_default(item.min_amount_cents, charge.min_amount_cents)
    changed = repriced_charge(work, structs.replace(charge, min_amount_cents=minimum), whole, found)
    if is_given(item.min_amount_cents):
        check_combination(changed, found)
    return changed


def _fixed_charges(child: Plan, wanted: PlanInput, found: errors.FieldErrors) -> list[tuple[FixedCharge, FixedChargeInput]]:
    own = {item.parent_id: item for item in child.fixed_charges} | {item.id: item for item in child.fixed_charges}
    edited = []
    for item in given(wanted.fixed_charges, []):
        if not isinstance(item.id, UUID) or item.id not in own:
            continue
        stored = own[item.id]
        if given_or_default(item.charge_model, stored.charge_model.value) != stored.charge_model:
            raise errors.Forbidden("cannot_override_charge_model")
        edited.append((edited_fixed_charge(stored, item, taken=(), is_attached=True, found=found), item))
    return edited


def immediate_of(child: Plan, wanted: PlanInput) -> set[UUID]:
    """Return the fixed charges of an overriding plan whose new units are to count from now."""
    wanted_now = {item.id for item in given(wanted.fixed_charges, []) if is_immediate(item)}
    return {item.id for item in child.fixed_charges if item.id in wanted_now or item.parent_id in wanted_now}
