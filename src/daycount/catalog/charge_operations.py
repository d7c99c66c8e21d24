"""Reading and writing the charges of a plan: what a caller gives becomes charges that fit together."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.catalog import store
from daycount.catalog.charge_rules import check_combination, read_model
from daycount.catalog.codes import check_code, free_code
from daycount.catalog.fields import read_uuid
from daycount.catalog.fixed_charges.records import FixedCharge
from daycount.catalog.pricing import merge_filters, read_filters, read_properties
from daycount.catalog.pricing_units.operations import read_applied_unit, repriced_unit, units_named
from daycount.catalog.records import Charge, ChargeFilter, ChargeInput, Metric, Plan, PlanInput
from daycount.engine.charges.models import ChargeModel
from daycount.given import given, given_or_default, is_given
from daycount.infra.work import Work
from daycount.taxes.operations import given_codes, replace_taxes
from daycount.taxes.records import TaxAssignment, TaxTarget


def charge_changes(
    work: Work, plan: Plan, given_charges: Sequence[ChargeInput], *, is_attached: bool, found: errors.FieldErrors
) -> tuple[Sequence[Charge], Sequence[Charge], Sequence[UUID]]:
    """Return the charges to add, to edit and to remove so that a plan's charges become those given. Raises NotFound (billable_metrics)."""
    stored = {charge.id: charge for charge in plan.charges}
    kept = {item.id: item for item in given_charges if item.id in stored}
    fresh = [item for item in given_charges if item.id not in stored]
    edited: list[Charge] = []
    for charge_id, item in kept.items():
        assert isinstance(charge_id, UUID)
        charge = stored[charge_id]
        others = {stored[other].code for other in kept if isinstance(other, UUID) and other != charge_id} | {done.code for done in edited}
        edited.append(edited_charge(work, charge, item, taken=others, is_attached=is_attached, found=found))
    taken = [charge.code for charge in edited]
    added = read_charges(work, plan.id, fresh, metrics_of(work, fresh), taken=taken, found=found)
    return added, edited, [charge_id for charge_id in stored if charge_id not in kept]


def edited_charge(
    work: Work, charge: Charge, item: ChargeInput, *, taken: set[str], is_attached: bool, found: errors.FieldErrors
) -> Charge:
    """Change a charge by what a caller gives: the whole of it, or only its prices while its plan is subscribed to."""
    return repriced_charge(work, charge, item, found) if is_attached else _replaced_charge(work, charge, item, taken=taken, found=found)


def repriced_charge(work: Work, charge: Charge, item: ChargeInput, found: errors.FieldErrors) -> Charge:
    """Change what of a charge may change while its plan is subscribed to."""
    return structs.replace(
        charge,
        pricing_unit=repriced_unit(given(item.applied_pricing_unit, None), charge.pricing_unit, found),
        invoice_display_name=given(item.invoice_display_name, None),
        properties=read_properties(charge.charge_model, given(item.properties, {}), found, metric=charge.metric),
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
    check_code(code, taken, found)
    whole = structs.replace(item, charge_model=given_or_default(item.charge_model, charge.charge_model.value))
    fresh = _charge(work, whole, plan_id=charge.plan_id, metric=charge.metric, code=code, found=found)
    return structs.replace(
        fresh,
        id=charge.id,
        created_at=charge.created_at,
        filters=fresh.filters if is_given(item.filters) else _kept_filters(charge, fresh.charge_model, found),
        parent_id=charge.parent_id,
        taxes=charge.taxes,
        pricing_unit=repriced_unit(given(item.applied_pricing_unit, None), charge.pricing_unit, found),
    )


def _kept_filters(charge: Charge, model: ChargeModel, found: errors.FieldErrors) -> tuple[ChargeFilter, ...]:
    """Return the filters a charge has, whose prices must suit its model also where that is another one now."""
    if model is charge.charge_model:
        return charge.filters
    return tuple(
        structs.replace(item, properties=read_properties(model, item.properties, found, metric=charge.metric, may_present=False))
        for item in charge.filters
    )


def metrics_of(work: Work, items: Iterable[ChargeInput]) -> dict[UUID, Metric]:
    """Load the metrics that charges name, in one query. Raises NotFound as soon as one is not there."""
    wanted = [read_uuid(given(item.billable_metric_id, None)) for item in items]
    metrics = store.find_metrics(work.tx, organization_id=work.organization_id, ids=[metric_id for metric_id in wanted if metric_id])
    for item, metric_id in zip(items, wanted, strict=True):
        if metric_id is None or metric_id not in metrics:
            raise errors.NotFound("billable_metrics" if given(item.billable_metric_id, None) else "billable_metric")
    return metrics


def read_charges(
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
    units = units_named(work, [given(item.applied_pricing_unit, None) for item in items])
    charges = []
    for item in items:
        metric_id = read_uuid(given(item.billable_metric_id, None))
        assert metric_id is not None
        metric = metrics[metric_id]
        code = given(item.code, None)
        if code:
            check_code(code, codes, found)
        code = code or free_code(metric.code, codes)
        codes.add(code)
        unit = read_applied_unit(given(item.applied_pricing_unit, None), units, found)
        charges.append(structs.replace(_charge(work, item, plan_id=plan_id, metric=metric, code=code, found=found), pricing_unit=unit))
    return tuple(charges)


def _charge(work: Work, item: ChargeInput, *, plan_id: UUID, metric: Metric, code: str, found: errors.FieldErrors) -> Charge:
    """Read all of a charge but its pricing unit."""
    model = read_model(given(item.charge_model, None), metric, found)
    priced = found if given(item.charge_model, None) in set(ChargeModel) else errors.FieldErrors()  # without a model no price is wrong
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
        properties=read_properties(model, given(item.properties, {}), priced, metric=metric),
        filters=read_filters(work, given(item.filters, []), model=model, metric=metric, found=priced),
        created_at=work.now,
    )
    check_combination(charge, found)
    return charge


def write_filters(work: Work, plan: Plan, edited: Sequence[Charge]) -> None:
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


def write_taxes(work: Work, plan: Plan, plan_input: PlanInput, *, added: Sequence[Charge], added_fixed: Sequence[FixedCharge] = ()) -> None:
    """
    Write the taxes that a caller gave for a plan, its commitment and its charges; the new ones come in the order they were given.

    Raises NotFound (tax).
    """
    assignments = given_codes(TaxTarget.PLAN, plan.id, plan_input.tax_codes)
    if plan.minimum_commitment is not None and (commitment := given(plan_input.minimum_commitment, None)) is not None:
        assignments += given_codes(TaxTarget.COMMITMENT, plan.minimum_commitment.id, commitment.tax_codes)
    stored = {charge.id for charge in plan.charges} - {charge.id for charge in added}
    fresh = iter(added)
    for item in given(plan_input.charges, []):
        charge_id = given(item.id, None)
        target_id = charge_id if charge_id in stored else next(fresh).id
        assert target_id is not None
        assignments += given_codes(TaxTarget.CHARGE, target_id, item.tax_codes)
    replace_taxes(work, [*assignments, *_fixed_taxes(plan, plan_input, added=added_fixed)])


def _fixed_taxes(plan: Plan, plan_input: PlanInput, *, added: Sequence[FixedCharge]) -> list[TaxAssignment]:
    stored = {item.id for item in plan.fixed_charges} - {item.id for item in added}
    fresh = iter(added)
    assignments: list[TaxAssignment] = []
    for item in given(plan_input.fixed_charges, []):
        own_id = given(item.id, None)
        target_id = own_id if own_id in stored else next(fresh).id
        assert target_id is not None
        assignments += given_codes(TaxTarget.FIXED_CHARGE, target_id, item.tax_codes)
    return assignments
