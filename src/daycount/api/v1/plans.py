"""Plans and charges on the wire."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.v1.taxes import TaxObject, list_to_wire
from daycount.api.wire import Stamp, stamp, with_numbers
from daycount.catalog import plan_operations as operations
from daycount.catalog import store
from daycount.catalog.pricing import show_properties
from daycount.catalog.records import Charge, Plan, PlanInput
from daycount.infra.work import Work

routes = Routes("plans")

FloatDays = Annotated[Any, Meta(extra_json_schema={"type": "number"})]


class ChargeFilterObject(Struct, frozen=True, kw_only=True):
    """A filter of a charge and what it is priced by."""

    lago_id: str
    charge_code: str
    invoice_display_name: str | None
    properties: dict[str, Any]
    values: Mapping[str, Sequence[str]]


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
    applied_pricing_unit: None
    lago_parent_id: None
    filters: list[ChargeFilterObject]
    taxes: list[TaxObject]


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
    customers_count: int
    active_subscriptions_count: int
    draft_invoices_count: int
    parent_id: None
    pending_deletion: bool
    charges: list[ChargeObject]
    usage_thresholds: list[Any]
    applicable_usage_thresholds: list[Any]
    taxes: list[TaxObject]
    entitlements: list[Any]
    fixed_charges: list[Any] | UnsetType = UNSET
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
        applied_pricing_unit=None,
        lago_parent_id=None,
        filters=[
            ChargeFilterObject(
                lago_id=str(item.id),
                charge_code=charge.code,
                invoice_display_name=item.invoice_display_name,
                properties=with_numbers(show_properties(item.properties)),
                values=item.values,
            )
            for item in charge.filters
        ],
        taxes=list_to_wire(charge.taxes),
    )


def to_wire(plan: Plan, *, in_list: bool = False) -> PlanObject:
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
        customers_count=0,
        active_subscriptions_count=0,
        draft_invoices_count=0,
        parent_id=None,
        pending_deletion=plan.pending_deletion,
        charges=[charge_to_wire(charge) for charge in plan.charges],
        usage_thresholds=[],
        applicable_usage_thresholds=[],
        taxes=list_to_wire(plan.taxes),
        entitlements=[],
        fixed_charges=UNSET if in_list else [],
        metadata=UNSET if plan.metadata is None else plan.metadata,
    )


@routes.post("/plans", accepts=PlanInput, root_in="plan", returns=PlanObject, root_out="plan")
def create_plan(work: Work, call: Call) -> PlanObject:
    """Create a plan with its charges."""
    return to_wire(operations.create_plan(work, call.body))


@routes.get("/plans", returns=PlanObject, root_out="plans", is_list=True)
def find_all_plans(work: Work, call: Call) -> Page:
    """List plans, newest first."""
    asked = read_page(call.query)
    plans = store.list_plans(work.tx, organization_id=work.organization_id, limit=asked.per_page, offset=asked.offset)
    total = store.count_plans(work.tx, organization_id=work.organization_id)
    return page_of([to_wire(plan, in_list=True) for plan in plans], asked=asked, total=total)


@routes.get("/plans/{code}", returns=PlanObject, root_out="plan")
def find_plan(work: Work, call: Call) -> PlanObject:
    """Find a plan by its code."""
    return to_wire(operations.get_plan(work, call.path["code"]))


@routes.put("/plans/{code}", accepts=PlanInput, root_in="plan", returns=PlanObject, root_out="plan")
def update_plan(work: Work, call: Call) -> PlanObject:
    """Change a plan; once it is subscribed to, its rhythm, timing, currency and trial stay."""
    return to_wire(operations.update_plan(work, call.path["code"], call.body))


@routes.delete("/plans/{code}", returns=PlanObject, root_out="plan")
def destroy_plan(work: Work, call: Call) -> PlanObject:
    """Delete a plan; what is subscribed to it ends now."""
    return to_wire(operations.delete_plan(work, call.path["code"]))
