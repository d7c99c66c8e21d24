"""Plans and charges on the wire."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.v1.entitlements_wire import EntitlementObject
from daycount.api.v1.entitlements_wire import to_wire as entitlement_to_wire
from daycount.api.v1.taxes import TaxObject, list_to_wire
from daycount.api.wire import DecimalText, Stamp, stamp, text, with_numbers
from daycount.catalog import plan_operations as operations
from daycount.catalog import store
from daycount.catalog.fixed_charges.records import FixedCharge
from daycount.catalog.pricing import show_properties
from daycount.catalog.records import Charge, ChargeFilter, Plan, PlanInput, UsageThreshold
from daycount.engine.pricing_units import PricingUnit
from daycount.entitlements.records import Entitlement
from daycount.entitlements.store import find_entitlements
from daycount.infra.work import Work

routes = Routes("plans")

FloatDays = Annotated[Any, Meta(extra_json_schema={"type": "number"})]
Number = Annotated[Any, Meta(extra_json_schema={"type": "number"})]


class ChargeFilterObject(Struct, frozen=True, kw_only=True):
    """A filter of a charge and what it is priced by."""

    lago_id: str
    charge_code: str
    invoice_display_name: str | None
    properties: dict[str, Any]
    values: Mapping[str, Sequence[str]]


class AppliedPricingUnitObject(Struct, frozen=True, kw_only=True):
    """The unit that a charge is priced in, and what one of it costs in major units of the plan's currency."""

    code: str
    conversion_rate: DecimalText


class ChargeObject(Struct, frozen=True, kw_only=True):
    """A charge of a plan."""

    lago_id: str
    lago_billable_metric_id: str
    code: str
    invoice_display_name: str | None
    billable_metric_code: str
    created_at: Stamp
    charge_model: str
    invoiceable: bool
    regroup_paid_fees: str | None
    pay_in_advance: bool
    prorated: bool
    min_amount_cents: int
    accepts_target_wallet: bool
    properties: dict[str, Any]
    applied_pricing_unit: AppliedPricingUnitObject | None
    lago_parent_id: str | None
    filters: list[ChargeFilterObject]
    taxes: list[TaxObject]


class FixedChargeObject(Struct, frozen=True, kw_only=True):
    """A fixed charge of a plan; the name is that which invoices show."""

    lago_id: str
    lago_add_on_id: str
    code: str
    invoice_display_name: str
    add_on_code: str
    created_at: Stamp
    charge_model: str
    pay_in_advance: bool
    prorated: bool
    properties: dict[str, Any]
    units: Number
    lago_parent_id: str | None
    taxes: list[TaxObject]


class CommitmentObject(Struct, frozen=True, kw_only=True):
    """What a period of a plan must come to at least."""

    lago_id: str
    plan_code: str
    invoice_display_name: str | None
    amount_cents: int
    interval: str
    created_at: Stamp
    updated_at: Stamp
    taxes: list[TaxObject]


class ThresholdObject(Struct, frozen=True, kw_only=True):
    """An amount of usage at which an invoice is made."""

    lago_id: str
    threshold_display_name: str | None
    amount_cents: int
    recurring: bool
    created_at: Stamp
    updated_at: Stamp


class ApplicableThresholdObject(Struct, frozen=True, kw_only=True):
    """A usage threshold that counts."""

    threshold_display_name: str | None
    amount_cents: int
    recurring: bool


class PlanObject(Struct, frozen=True, kw_only=True):
    """A plan; the counts are kept for compatibility and always 0. `fixed_charges` is left out of lists."""

    lago_id: str
    name: str
    invoice_display_name: str | None
    created_at: Stamp
    code: str
    interval: str
    description: str | None
    amount_cents: int
    amount_currency: str
    trial_period: FloatDays
    pay_in_advance: bool
    bill_charges_monthly: bool | None
    bill_fixed_charges_monthly: bool | None
    requires_wallet_balance: bool
    customers_count: int
    active_subscriptions_count: int
    draft_invoices_count: int
    parent_id: str | None
    pending_deletion: bool
    charges: list[ChargeObject]
    usage_thresholds: list[ThresholdObject]
    applicable_usage_thresholds: list[ApplicableThresholdObject]
    taxes: list[TaxObject]
    entitlements: Sequence[EntitlementObject]
    version: int
    fixed_charges: list[FixedChargeObject] | UnsetType = UNSET
    minimum_commitment: CommitmentObject | UnsetType = UNSET
    metadata: Mapping[str, str | None] | UnsetType = UNSET


def charge_to_wire(charge: Charge) -> ChargeObject:
    """Write a charge."""
    return ChargeObject(
        lago_id=str(charge.id),
        lago_billable_metric_id=str(charge.metric.id),
        code=charge.code,
        invoice_display_name=charge.invoice_display_name,
        billable_metric_code=charge.metric.code,
        created_at=stamp(charge.created_at),
        charge_model=charge.charge_model,
        invoiceable=charge.invoiceable,
        regroup_paid_fees=charge.regroup_paid_fees,
        pay_in_advance=charge.pay_in_advance,
        prorated=charge.prorated,
        min_amount_cents=charge.min_amount_cents,
        accepts_target_wallet=charge.accepts_target_wallet,
        properties=with_numbers(show_properties(charge.properties)),
        applied_pricing_unit=_unit_to_wire(charge.pricing_unit),
        lago_parent_id=None if charge.parent_id is None else str(charge.parent_id),
        filters=[filter_to_wire(charge, item) for item in charge.filters],
        taxes=list_to_wire(charge.taxes),
    )


def _unit_to_wire(unit: PricingUnit | None) -> AppliedPricingUnitObject | None:
    return None if unit is None else AppliedPricingUnitObject(code=unit.code, conversion_rate=text(unit.conversion_rate))


def filter_to_wire(charge: Charge, item: ChargeFilter) -> ChargeFilterObject:
    """Write a filter of a charge."""
    return ChargeFilterObject(
        lago_id=str(item.id),
        charge_code=charge.code,
        invoice_display_name=item.invoice_display_name,
        properties=with_numbers(show_properties(item.properties)),
        values=item.values,
    )


def fixed_charge_to_wire(item: FixedCharge) -> FixedChargeObject:
    """Write a fixed charge."""
    whole = item.units == item.units.to_integral_value()
    return FixedChargeObject(
        lago_id=str(item.id),
        lago_add_on_id=str(item.add_on.id),
        code=item.code,
        invoice_display_name=item.shown_name,
        add_on_code=item.add_on.code,
        created_at=stamp(item.created_at),
        charge_model=item.charge_model,
        pay_in_advance=item.pay_in_advance,
        prorated=item.prorated,
        properties=with_numbers(item.properties),
        units=int(item.units) if whole else float(item.units),  # the clients read a JSON number; nothing is computed with it
        lago_parent_id=None if item.parent_id is None else str(item.parent_id),
        taxes=list_to_wire(item.taxes),
    )


def _commitment_to_wire(plan: Plan) -> CommitmentObject | UnsetType:
    commitment = plan.minimum_commitment
    if commitment is None:
        return UNSET
    return CommitmentObject(
        lago_id=str(commitment.id),
        plan_code=plan.code,
        invoice_display_name=commitment.invoice_display_name,
        amount_cents=commitment.amount_cents,
        interval=plan.interval,
        created_at=stamp(commitment.created_at),
        updated_at=stamp(commitment.updated_at),
        taxes=list_to_wire(commitment.taxes),
    )


def threshold_to_wire(item: UsageThreshold) -> ThresholdObject:
    """Write a usage threshold."""
    return ThresholdObject(
        lago_id=str(item.id),
        threshold_display_name=item.threshold_display_name,
        amount_cents=item.amount_cents,
        recurring=item.recurring,
        created_at=stamp(item.created_at),
        updated_at=stamp(item.updated_at),
    )


def applicable_to_wire(items: Sequence[UsageThreshold]) -> list[ApplicableThresholdObject]:
    """Write the usage thresholds that count."""
    return [
        ApplicableThresholdObject(
            threshold_display_name=item.threshold_display_name, amount_cents=item.amount_cents, recurring=item.recurring
        )
        for item in items
    ]


def list_with_entitlements(work: Work, plans: Sequence[Plan], *, in_list: bool) -> list[PlanObject]:
    """Write plans with what they entitle to, or those they were made of. A constant number of queries."""
    found = find_entitlements(work.tx, [plan.parent_id or plan.id for plan in plans])
    return [to_wire(plan, in_list=in_list, entitlements=found.get(plan.parent_id or plan.id, ())) for plan in plans]


def whole_to_wire(work: Work, plan: Plan) -> PlanObject:
    """Write a plan with its charges and what it entitles to."""
    return list_with_entitlements(work, [plan], in_list=False)[0]


def to_wire(plan: Plan, *, in_list: bool = False, entitlements: Sequence[Entitlement] = ()) -> PlanObject:
    """Write a plan with its charges."""
    trial = plan.trial_period_days
    return PlanObject(
        lago_id=str(plan.id),
        name=plan.name,
        invoice_display_name=plan.invoice_display_name,
        created_at=stamp(plan.created_at),
        code=plan.code,
        interval=plan.interval,
        description=plan.description,
        amount_cents=plan.amount_cents,
        amount_currency=plan.amount_currency,
        trial_period=float(trial),  # the contract writes days of trial as a JSON float; nothing is computed with it
        pay_in_advance=plan.pay_in_advance,
        bill_charges_monthly=plan.bill_charges_monthly,
        bill_fixed_charges_monthly=plan.bill_fixed_charges_monthly,
        requires_wallet_balance=plan.requires_wallet_balance,
        customers_count=0,
        active_subscriptions_count=0,
        draft_invoices_count=0,
        parent_id=None if plan.parent_id is None else str(plan.parent_id),
        pending_deletion=plan.pending_deletion,
        charges=[charge_to_wire(charge) for charge in plan.charges],
        usage_thresholds=[threshold_to_wire(item) for item in plan.usage_thresholds],
        applicable_usage_thresholds=applicable_to_wire(plan.usage_thresholds),
        taxes=list_to_wire(plan.taxes),
        entitlements=[entitlement_to_wire(one) for one in entitlements],
        version=plan.version,
        fixed_charges=UNSET if in_list else [fixed_charge_to_wire(item) for item in plan.fixed_charges],
        minimum_commitment=_commitment_to_wire(plan),
        metadata=UNSET if plan.metadata is None else plan.metadata,
    )


@routes.post("/plans", accepts=PlanInput, root_in="plan", returns=PlanObject, root_out="plan")
def create_plan(work: Work, call: Call) -> PlanObject:
    """Create a plan with its charges."""
    return whole_to_wire(work, operations.create_plan(work, call.body))


@routes.get("/plans", returns=PlanObject, root_out="plans", is_list=True)
def find_all_plans(work: Work, call: Call) -> Page:
    """List plans, newest first."""
    asked = read_page(call.query)
    plans = store.list_plans(work.tx, organization_id=work.organization_id, limit=asked.per_page, offset=asked.offset)
    total = store.count_plans(work.tx, organization_id=work.organization_id)
    return page_of(list_with_entitlements(work, plans, in_list=True), asked=asked, total=total)


@routes.get("/plans/{code}", returns=PlanObject, root_out="plan")
def find_plan(work: Work, call: Call) -> PlanObject:
    """Find a plan by its code."""
    return whole_to_wire(work, operations.get_plan(work, call.path["code"]))


@routes.put("/plans/{code}", accepts=PlanInput, root_in="plan", returns=PlanObject, root_out="plan")
def update_plan(work: Work, call: Call) -> PlanObject:
    """Change a plan; once it is subscribed to, its rhythm, timing, currency and trial stay."""
    return whole_to_wire(work, operations.update_plan(work, call.path["code"], call.body))


@routes.delete("/plans/{code}", returns=PlanObject, root_out="plan")
def destroy_plan(work: Work, call: Call) -> PlanObject:
    """Delete a plan; what is subscribed to it ends now."""
    return whole_to_wire(work, operations.delete_plan(work, call.path["code"]))


class PlanVersionObject(Struct, frozen=True, kw_only=True):
    """A plan as it was from an instant on, until the next version."""

    version: int
    created_at: Stamp
    plan: PlanObject


@routes.get("/plans/{code}/versions", returns=PlanVersionObject, root_out="versions", is_list=True, is_extension=True)
def find_all_plan_versions(work: Work, call: Call) -> Page:
    """List the versions of a plan, the latest first; a fee names the one that priced it."""
    plan = operations.get_plan(work, call.path["code"])
    asked = read_page(call.query)
    found = store.list_versions(work.tx, plan_id=plan.id, limit=asked.per_page, offset=asked.offset)
    items = [PlanVersionObject(version=old.version, created_at=stamp(made_at), plan=to_wire(old)) for made_at, old in found]
    return page_of(items, asked=asked, total=store.count_versions(work.tx, plan_id=plan.id))
