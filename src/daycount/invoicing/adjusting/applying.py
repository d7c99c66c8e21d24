"""Putting adjustments on the fees of a draft while it is computed."""

from collections.abc import Mapping
from uuid import UUID

from msgspec import structs

from daycount.catalog.fixed_charges.records import FixedCharge
from daycount.catalog.records import Charge, Plan
from daycount.engine.adjustments import Adjustment, Pricing, adjust
from daycount.engine.fees import FeeDraft
from daycount.invoicing.adjusting.records import key_of_draft
from daycount.invoicing.compute import ChargeUsage, Computed, true_up_of


def adjust_computed(computed: Computed, found: Mapping[str, Adjustment]) -> Computed:
    """Return what was computed with the adjustments of its fees, by key; minimums of charges are made up anew."""
    if not found:
        return computed
    return structs.replace(
        computed,
        base=None if computed.base is None else _adjusted(computed, computed.base, found),
        charges=[_adjusted_usage(computed, usage, found) for usage in computed.charges],
        recurring=[_adjusted(computed, draft, found) for draft in computed.recurring],
    )


def _adjusted_usage(computed: Computed, usage: ChargeUsage, found: Mapping[str, Adjustment]) -> ChargeUsage:
    fees = [_adjusted(computed, draft, found) for draft in usage.fees]
    if usage.true_up is None and not any(draft.is_adjusted for draft in fees):
        return usage
    window = computed.job.windows.charges
    assert window is not None, "usage has a window"
    true_up = true_up_of(computed.job, window, usage.charge, fees)
    return structs.replace(usage, fees=fees, true_up=None if true_up is None else _adjusted(computed, true_up, found))


def _adjusted(computed: Computed, draft: FeeDraft, found: Mapping[str, Adjustment]) -> FeeDraft:
    adjustment = found.get(key_of_draft(draft))
    if adjustment is None:
        return draft
    subject = computed.job.subject
    return adjust(draft, adjustment, pricing=pricing_of(subject.plan, draft), currency=subject.currency)


def pricing_of(plan: Plan, draft: FeeDraft) -> Pricing | None:
    """Return what the units of a fee are priced by; None for base fees, commitments and what makes up a minimum."""
    if draft.is_true_up:
        return None
    charge = next((item for item in plan.charges if item.id == draft.charge_id), None)
    if charge is not None:
        return pricing_of_charge(charge, draft.bucket.filter_id)
    fixed = next((item for item in plan.fixed_charges if item.id == draft.fixed_charge_id), None)
    return None if fixed is None else pricing_of_fixed_charge(fixed)


def pricing_of_charge(charge: Charge, filter_id: UUID | None) -> Pricing:
    """Return what the units of a charge, or of one of its filters, are priced by."""
    own = next((item.properties for item in charge.filters if item.id == filter_id), charge.properties)
    return Pricing(charge_model=charge.charge_model, properties=own, is_prorated=charge.prorated, unit=charge.pricing_unit)


def pricing_of_fixed_charge(fixed: FixedCharge) -> Pricing:
    """Return what the units of a fixed charge are priced by."""
    return Pricing(charge_model=fixed.charge_model, properties=fixed.properties, is_prorated=fixed.prorated)
