"""Reading the fixed charges of a plan: what a caller gives becomes fixed charges that fit together."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.catalog.add_ons import store as add_ons
from daycount.catalog.add_ons.records import AddOn
from daycount.catalog.codes import check_code, free_code
from daycount.catalog.fields import read_uuid
from daycount.catalog.fixed_charges.records import FixedCharge, FixedChargeInput, UnitsChange
from daycount.engine.charges import dispatch
from daycount.engine.charges.models import ChargeModel
from daycount.given import given, given_or_default, is_given
from daycount.infra.work import Work

_MODELS = frozenset({ChargeModel.STANDARD, ChargeModel.GRADUATED, ChargeModel.VOLUME})
_MAX_UNITS = Decimal(10) ** 15
_MAX_PLACES = 20


class FixedChanges(NamedTuple):
    """What makes a plan's fixed charges those wanted."""

    added: Sequence[FixedCharge] = ()
    edited: Sequence[FixedCharge] = ()
    removed: Sequence[FixedCharge] = ()
    units: Sequence[UnitsChange] = ()
    """New fixed charges, and those whose units are others now."""


def add_ons_of(work: Work, items: Iterable[FixedChargeInput]) -> list[AddOn]:
    """Return the add-on of each new fixed charge, in order, by two queries. Raises NotFound (add_ons), Invalid without any."""
    wanted = list(items)
    ids = [read_uuid(given(item.add_on_id, None)) for item in wanted]
    codes = [given(item.add_on_code, None) for item in wanted]
    by_id = add_ons.find_add_ons(work.tx, organization_id=work.organization_id, ids=[one for one in ids if one])
    by_code = add_ons.find_add_ons_by_code(work.tx, organization_id=work.organization_id, codes=[one for one in codes if one])
    found = []
    for item, add_on_id, code in zip(wanted, ids, codes, strict=True):
        if not given(item.add_on_id, None) and not code:
            raise errors.Invalid({"add_on_id": ["value_is_mandatory"]})
        add_on = by_id.get(add_on_id) if add_on_id else by_code.get(code or "") if not given(item.add_on_id, None) else None
        if add_on is None:
            raise errors.NotFound("add_ons")
        found.append(add_on)
    return found


def read_fixed_charges(
    work: Work, plan_id: UUID, items: Sequence[FixedChargeInput], own: Sequence[AddOn], *, taken: Iterable[str], found: errors.FieldErrors
) -> tuple[FixedCharge, ...]:
    """Check new fixed charges of a plan and give each its code."""
    codes = set(taken)
    charges = []
    for item, add_on in zip(items, own, strict=True):
        code = given(item.code, None)
        if code:
            check_code(code, codes, found)
        code = code or free_code(add_on.code, codes)
        codes.add(code)
        charges.append(_fixed_charge(work, item, plan_id=plan_id, add_on=add_on, code=code, found=found))
    return tuple(charges)


def fixed_changes(
    work: Work,
    plan_id: UUID,
    stored: Sequence[FixedCharge],
    items: Sequence[FixedChargeInput],
    *,
    is_attached: bool,
    found: errors.FieldErrors,
) -> FixedChanges:
    """Return what makes a plan's fixed charges those given, by id; others are added, those not listed go. Raises NotFound (add_ons)."""
    by_id = {charge.id: charge for charge in stored}
    kept: dict[UUID, FixedChargeInput] = {item.id: item for item in items if isinstance(item.id, UUID) and item.id in by_id}
    fresh = [item for item in items if item.id not in by_id]
    edited: list[FixedCharge] = []
    for charge_id, item in kept.items():
        others = {by_id[other].code for other in kept if other != charge_id}
        edited.append(edited_fixed_charge(by_id[charge_id], item, taken=others, is_attached=is_attached, found=found))
    taken = [charge.code for charge in edited]
    added = read_fixed_charges(work, plan_id, fresh, add_ons_of(work, fresh), taken=taken, found=found)
    units = [UnitsChange(charge, is_immediate(kept[charge.id])) for charge in edited if charge.units != by_id[charge.id].units] + [
        UnitsChange(charge, is_immediate(item)) for charge, item in zip(added, fresh, strict=True)
    ]
    return FixedChanges(added, edited, [charge for charge in stored if charge.id not in kept], units)


def is_immediate(item: FixedChargeInput) -> bool:
    """Tell whether units are to count from now."""
    return given_or_default(item.apply_units_immediately, default=False)


def edited_fixed_charge(
    charge: FixedCharge, item: FixedChargeInput, *, taken: Iterable[str], is_attached: bool, found: errors.FieldErrors
) -> FixedCharge:
    """
    Change what of a fixed charge may change: the add-on, timing and proration never do, model and code only without subscriptions.

    Source: Lago API, fixed charges.
    """
    model, code = charge.charge_model, charge.code
    if not is_attached:
        model = _read_model(given_or_default(item.charge_model, model.value), found)
        code = given(item.code, None) or code
        check_code(code, set(taken), found)
    properties = charge.properties
    if is_given(item.properties) or model is not charge.charge_model:
        properties = _read_properties(model, given_or_default(item.properties, {}), found)
    changed = structs.replace(
        charge,
        charge_model=model,
        code=code,
        invoice_display_name=given(item.invoice_display_name, charge.invoice_display_name),
        units=_read_units(given_or_default(item.units, charge.units), found),
        properties=properties,
    )
    _check_combination(changed, found)
    return changed


def _fixed_charge(work: Work, item: FixedChargeInput, *, plan_id: UUID, add_on: AddOn, code: str, found: errors.FieldErrors) -> FixedCharge:
    model = _read_model(given(item.charge_model, None), found)
    charge = FixedCharge(
        id=work.new_id(),
        organization_id=work.organization_id,
        plan_id=plan_id,
        add_on=add_on,
        code=code,
        charge_model=model,
        invoice_display_name=given(item.invoice_display_name, None),
        pay_in_advance=given_or_default(item.pay_in_advance, default=False),
        prorated=given_or_default(item.prorated, default=False),
        units=_read_units(given_or_default(item.units, Decimal(0)), found),
        properties=_read_properties(model, given_or_default(item.properties, {}), found),
        parent_id=None,
        created_at=work.now,
    )
    _check_combination(charge, found)
    return charge


def _read_model(value: str | None, found: errors.FieldErrors) -> ChargeModel:
    if value not in set(_MODELS):
        found.add("charge_model", "value_is_invalid" if value else "value_is_mandatory")
        return ChargeModel.STANDARD
    return ChargeModel(value)


def _read_properties(model: ChargeModel, properties: Mapping[str, object], found: errors.FieldErrors) -> Mapping[str, object]:
    kept, codes = dispatch.read_properties(model, properties)
    found.add_each("properties", codes)
    return kept


def _read_units(units: Decimal, found: errors.FieldErrors) -> Decimal:
    """Read a number of units: 0 or more, within what can be priced exactly."""
    exponent = units.as_tuple().exponent
    if not 0 <= units < _MAX_UNITS or (isinstance(exponent, int) and -exponent > _MAX_PLACES):
        found.add("units", "value_is_out_of_range")
        return Decimal(0)
    return units


def _check_combination(charge: FixedCharge, found: errors.FieldErrors) -> None:
    if charge.pay_in_advance and charge.charge_model is ChargeModel.VOLUME:
        found.add("pay_in_advance", "invalid_charge_model")
    if charge.pay_in_advance and charge.prorated and charge.charge_model is ChargeModel.GRADUATED:
        found.add("prorated", "invalid_charge_model")
