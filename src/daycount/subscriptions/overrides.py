"""
What a subscription has of its own: a plan that overrides its plan, units of fixed charges, usage thresholds.

Every caller holds the customer's lane or is about to make the row.
"""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import structs

from daycount import errors
from daycount.catalog import store as catalog
from daycount.catalog.fixed_charges.operations import is_immediate
from daycount.catalog.fixed_charges.records import FixedCharge
from daycount.catalog.overrides import edit_override, immediate_of, is_units_only, override_plan
from daycount.catalog.records import Plan, PlanInput, UsageThreshold
from daycount.catalog.terms import read_thresholds
from daycount.given import given, given_or_default, is_given
from daycount.infra.work import Work
from daycount.subscriptions import store
from daycount.subscriptions.fixed_units.operations import carry_units, override_units, preset_units, shown_units
from daycount.subscriptions.messages import PlanOverridden
from daycount.subscriptions.records import Status, Subscription, SubscriptionInput

OwnUnits = Sequence[tuple[FixedCharge, Decimal, bool]]
"""Units of fixed charges that a subscription is given itself, and whether they count from now."""


def read_overrides(wanted: SubscriptionInput, found: errors.FieldErrors) -> PlanInput | None:
    """Return the overrides of the plan that a caller gives, None without any. Thresholds may be given in one place only."""
    overrides = given(wanted.plan_overrides, None)
    if overrides is None or not any(is_given(getattr(overrides, name)) for name in overrides.__struct_fields__):
        return None
    if is_given(overrides.usage_thresholds) and is_given(wanted.usage_thresholds):
        found.add("usage_thresholds", "incompatible_params")
        found.add("plan_overrides", "incompatible_params")
    return overrides


def read_own_thresholds(
    work: Work, wanted: SubscriptionInput, stored: Sequence[UsageThreshold], found: errors.FieldErrors
) -> tuple[UsageThreshold, ...]:
    """Read the thresholds that a caller gives a subscription; without the key they stay."""
    return read_thresholds(work, given(wanted.usage_thresholds, []), stored, found) if is_given(wanted.usage_thresholds) else tuple(stored)


def without_thresholds(work: Work, plan: Plan) -> Plan:
    """Take the thresholds out of a plan that overrides another one, whose subscription has some of its own now."""
    if plan.parent_id is None or not plan.usage_thresholds:
        return plan
    return edit_override(work, plan, PlanInput(usage_thresholds=[]))


def plan_for_new(work: Work, plan: Plan, overrides: PlanInput | None) -> Plan:
    """Return the plan that a new row is to run by: the plan itself, or one made for the row. Raises Invalid, NotFound, Forbidden."""
    if overrides is None or is_units_only(overrides):
        return plan
    return override_plan(work, plan, overrides, units={})


def preset(work: Work, row: Subscription, plan: Plan, overrides: PlanInput | None) -> None:
    """Give a new row, stored and not activated yet, the units that overrides hold beside its plan. Raises Invalid."""
    if overrides is not None and is_units_only(overrides):
        preset_units(work, row, changes=_own_units(plan, overrides))


def override_running(work: Work, row: Subscription, overrides: PlanInput, *, zone: ZoneInfo) -> tuple[Subscription, Plan]:
    """
    Give a row its own plan, or change the one it has; units alone are kept beside the plan. Returns the row and its plan.

    Nothing is prorated and nothing billed, but units of fixed charges in advance that count from now. Announces PlanOverridden
    where a running row gets a plan of its own. Raises Invalid, NotFound, Forbidden.
    """
    if row.status in (Status.TERMINATED, Status.CANCELED):
        raise errors.NotFound("subscription")
    if row.status is Status.INCOMPLETE:
        raise errors.Invalid({"base": ["subscription_incomplete"]})
    plan = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[row.plan_id])[row.plan_id]
    if plan.parent_id is None and is_units_only(overrides):
        override_units(work, row, plan=plan, zone=zone, changes=_own_units(plan, overrides))
        return row, plan
    if plan.parent_id is None:
        child = override_plan(work, plan, overrides, units=shown_units(work, row.id))
        row = structs.replace(row, plan_id=child.id, updated_at=work.now)
        store.update_subscription(work.tx, row)
        if row.started_at is not None:
            work.announce(PlanOverridden(subscription_id=row.id, before=plan, after=child))
    else:
        child = edit_override(work, plan, overrides)
    carry_units(work, row, plan=child, zone=zone, immediate=immediate_of(child, overrides))
    return row, child


def own_plan(work: Work, row: Subscription, *, zone: ZoneInfo) -> tuple[Subscription, Plan]:
    """Return the row with a plan of its own, made now if it has none."""
    plan = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[row.plan_id])[row.plan_id]
    return (row, plan) if plan.parent_id is not None else override_running(work, row, PlanInput(name=plan.name), zone=zone)


def _own_units(plan: Plan, overrides: PlanInput) -> OwnUnits:
    by_id: dict[UUID, FixedCharge] = {item.id: item for item in plan.fixed_charges}
    changes = []
    for item in given(overrides.fixed_charges, []):
        if not isinstance(item.id, UUID) or item.id not in by_id:
            continue
        units = given_or_default(item.units, by_id[item.id].units)
        if units < 0:
            raise errors.Invalid({"units": ["value_is_out_of_range"]})
        changes.append((by_id[item.id], units, is_immediate(item)))
    return changes


def applicable_thresholds(row: Subscription, plan: Plan, parent: Plan | None) -> Sequence[UsageThreshold]:
    """
    Return the usage thresholds that count for a subscription: its own, else those of its own plan, else its plan's.

    None while it is excluded from progressive billing. Source: Lago docs, progressive billing.
    """
    if row.progressive_billing_disabled:
        return ()
    return row.usage_thresholds or plan.usage_thresholds or (() if parent is None else parent.usage_thresholds)
