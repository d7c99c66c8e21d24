"""Use cases that write plans."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.catalog import store
from daycount.catalog.cascades import cascade_plan
from daycount.catalog.charge_operations import charge_changes, metrics_of, read_charges, write_filters, write_taxes
from daycount.catalog.fields import read_amount_cents, read_code, read_currency, read_metadata, read_text, replaced
from daycount.catalog.fixed_charges import store as fixed_charges
from daycount.catalog.fixed_charges.operations import FixedChanges, add_ons_of, fixed_changes, read_fixed_charges
from daycount.catalog.messages import FixedUnitsChanged, PlanDeleted, PlanRepriced, PlanSaved, ThresholdsChanged
from daycount.catalog.records import Charge, Plan, PlanInput
from daycount.catalog.terms import read_commitment, read_thresholds
from daycount.catalog.versions import keep_version
from daycount.engine.calendar import Interval
from daycount.given import given, given_or_default, is_given
from daycount.infra.work import Work
from daycount.organizations import store as organizations

_LONG_INTERVALS = {Interval.SEMIANNUAL, Interval.YEARLY}
_MAX_TRIAL_DAYS = 36_500


def create_plan(work: Work, plan_input: PlanInput) -> Plan:
    """
    Add a plan with its charges, all or nothing.

    Raises Invalid (the fields of plans and, flat, of their charges), NotFound (billable_metrics).
    Source: Lago API, plans.
    """
    found = errors.FieldErrors()
    plan_id = work.new_id()
    interval = _interval(given(plan_input.interval, None), found)
    metrics = metrics_of(work, given(plan_input.charges, []))
    fixed = given(plan_input.fixed_charges, [])
    own_add_ons = add_ons_of(work, fixed)
    plan = Plan(
        id=plan_id,
        organization_id=work.organization_id,
        code=read_code(plan_input.code, found),
        name=read_text(plan_input.name, "name", found),
        invoice_display_name=given(plan_input.invoice_display_name, None),
        description=given(plan_input.description, None),
        interval=interval,
        amount_cents=read_amount_cents(given(plan_input.amount_cents, None), found),
        amount_currency=read_currency(given(plan_input.amount_currency, None), found),
        pay_in_advance=_pay_in_advance(given(plan_input.pay_in_advance, None), found),
        trial_period_days=_trial(given(plan_input.trial_period, None), found),
        bill_charges_monthly=_monthly(plan_input.bill_charges_monthly, interval),
        bill_fixed_charges_monthly=_monthly(plan_input.bill_fixed_charges_monthly, interval),
        requires_wallet_balance=given_or_default(plan_input.requires_wallet_balance, default=False),
        metadata=read_metadata(given(plan_input.metadata, None), found),
        pending_deletion=False,
        created_at=work.now,
        updated_at=work.now,
        charges=read_charges(work, plan_id, given(plan_input.charges, []), metrics, taken=(), found=found),
        fixed_charges=read_fixed_charges(work, plan_id, fixed, own_add_ons, taken=(), found=found),
        minimum_commitment=read_commitment(work, given(plan_input.minimum_commitment, None), None, found),
        usage_thresholds=read_thresholds(work, given(plan_input.usage_thresholds, []), (), found),
    )
    found.raise_if_any()
    store.insert_plan(work.tx, plan)
    write_taxes(work, plan, plan_input, added=plan.charges, added_fixed=plan.fixed_charges)
    return keep_version(work, plan.id, version=1)


def update_plan(work: Work, code: str, changes: PlanInput) -> Plan:
    """
    Change a plan. Once a subscription points at it, code, interval, timing, currency and trial are ignored.

    `charges`, when given, replaces the set: an entry whose id is a charge of the plan changes it, others are added, charges
    not listed are deleted. Raises NotFound, Invalid. Source: Lago API, plans.
    """
    plan = get_plan(work, code)
    found = errors.FieldErrors()
    is_attached = store.is_plan_attached(work.tx, plan_id=plan.id)
    fields = _plan_changes(work, plan, changes, is_attached=is_attached, found=found)
    changed = replaced(plan, fields | {"updated_at": work.now})
    added: Sequence[Charge] = ()
    edited: Sequence[Charge] = ()
    removed: Sequence[UUID] = ()
    fixed = FixedChanges()
    if is_given(changes.charges):
        added, edited, removed = charge_changes(work, plan, given(changes.charges, []), is_attached=is_attached, found=found)
    if is_given(changes.fixed_charges):
        wanted = given(changes.fixed_charges, [])
        fixed = fixed_changes(work, plan.id, plan.fixed_charges, wanted, is_attached=is_attached, found=found)
    found.raise_if_any()
    store.update_plan(work.tx, changed)
    if changed.amount_cents != plan.amount_cents:
        work.announce(PlanRepriced(plan.id))
    if changed.usage_thresholds != plan.usage_thresholds:
        work.announce(ThresholdsChanged(plan.id))
    store.mark_charges_deleted(work.tx, ids=removed, at=work.now)
    store.update_charges(work.tx, edited)
    write_filters(work, plan, edited)
    store.insert_charges(work.tx, added, from_position=len(plan.charges))
    write_fixed_charges(work, plan, fixed)
    write_taxes(work, changed, changes, added=added, added_fixed=fixed.added)
    fresh = keep_version(work, plan.id)
    if given_or_default(changes.cascade_updates, default=False):
        cascade_plan(work, plan, fresh, units=fixed.units)
    return fresh


def write_fixed_charges(work: Work, plan: Plan, changes: FixedChanges) -> None:
    """Write changes of a plan's fixed charges. Announces FixedUnitsChanged where numbers of units are others."""
    fixed_charges.mark_fixed_charges_deleted(work.tx, ids=[item.id for item in changes.removed], at=work.now)
    fixed_charges.update_fixed_charges(work.tx, changes.edited)
    fixed_charges.insert_fixed_charges(work.tx, changes.added, from_position=len(plan.fixed_charges))
    if changes.units:
        work.announce(FixedUnitsChanged(plan.id, changes.units))


def delete_plan(work: Work, code: str) -> Plan:
    """
    Delete a plan softly: nobody can subscribe to it any more, and what is subscribed ends now.

    Announces PlanDeleted. Past fees keep showing it. Raises NotFound. Source: Lago API, plans.
    """
    plan = get_plan(work, code)
    overriding = store.find_children(work.tx, plan_id=plan.id)
    store.mark_plan_deleted(work.tx, plan_id=plan.id, at=work.now)
    organizations.bump_catalog_version(work)
    deleted = structs.replace(plan, pending_deletion=True)
    work.announce(PlanSaved(deleted, "deleted"))
    for gone in (*overriding, plan):
        work.announce(PlanDeleted(plan_id=gone.id))
    return deleted


def get_plan(work: Work, code: str) -> Plan:
    """Return the live plan of that code. Raises NotFound."""
    plan = store.find_plan(work.tx, organization_id=work.organization_id, code=code)
    if plan is None:
        raise errors.NotFound("plan")
    return plan


def _plan_changes(work: Work, plan: Plan, changes: PlanInput, *, is_attached: bool, found: errors.FieldErrors) -> dict[str, Any]:
    readers: dict[str, tuple[str, Any]] = {
        "name": ("name", lambda value: read_text(value, "name", found)),
        "invoice_display_name": ("invoice_display_name", lambda value: value),
        "description": ("description", lambda value: value),
        "amount_cents": ("amount_cents", lambda value: read_amount_cents(value, found)),
        "requires_wallet_balance": ("requires_wallet_balance", bool),
        "metadata": ("metadata", lambda value: read_metadata(value, found)),
        "minimum_commitment": ("minimum_commitment", lambda value: read_commitment(work, value, plan.minimum_commitment, found)),
        "usage_thresholds": ("usage_thresholds", lambda value: read_thresholds(work, value, plan.usage_thresholds, found)),
    }
    interval = plan.interval
    if not is_attached:
        if is_given(changes.interval):
            interval = _interval(given(changes.interval, None), found)
        readers |= {
            "code": ("code", lambda value: read_code(value, found)),
            "interval": ("interval", lambda _value: interval),
            "amount_currency": ("amount_currency", lambda value: read_currency(value, found)),
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


def _interval(value: str | None, found: errors.FieldErrors) -> Interval:
    if value in set(Interval):
        return Interval(value)
    found.add("interval", "value_is_invalid")
    return Interval.MONTHLY


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
