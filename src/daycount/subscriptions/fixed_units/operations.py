"""Use cases that give a subscription units of fixed charges: at its start, when its plan changes, and by itself."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import structs

from daycount.catalog import store as catalog
from daycount.catalog.fixed_charges.records import FixedCharge
from daycount.catalog.messages import FixedUnitsChanged
from daycount.catalog.records import Plan
from daycount.customers import store as customers
from daycount.engine.calendar import Occasion, billing_windows
from daycount.infra.work import Work
from daycount.subscriptions import schedule
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.fixed_units import store
from daycount.subscriptions.fixed_units.records import FixedUnits
from daycount.subscriptions.messages import UnitsToBill
from daycount.subscriptions.records import Status, Subscription, terms_of


def start_units(work: Work, active: Subscription, *, plan: Plan) -> None:
    """Give a subscription that starts the units of its plan's fixed charges; what it was given before stays."""
    assert active.started_at is not None
    if not plan.fixed_charges:
        return
    known = store.find_units(work.tx, subscription_ids=[active.id])
    fresh = [item for item in plan.fixed_charges if (active.id, item.id) not in known]
    store.insert_units(work.tx, [_units(work, active, item, item.units, effective_at=active.started_at) for item in fresh])


def preset_units(work: Work, row: Subscription, *, changes: Sequence[tuple[FixedCharge, Decimal, bool]]) -> None:
    """Give a new row units of its own from its start on."""
    effective_at = row.started_at or row.subscription_at
    store.insert_units(work.tx, [_units(work, row, item, units, effective_at=effective_at, is_override=True) for item, units, _ in changes])


def carry_units(work: Work, row: Subscription, *, plan: Plan, zone: ZoneInfo, immediate: Collection[UUID]) -> None:
    """
    Hand over the units of a running subscription to the fixed charges of the plan that overrides its plan.

    Each fixed charge goes on with the history of the one it overrides. Where the override has other units than count now,
    they count from the next period on, or from now for those in `immediate`. Announces UnitsToBill where units paid for in
    advance are to be billed at once.
    """
    if row.started_at is None or not plan.fixed_charges:
        return
    known = store.find_units(work.tx, subscription_ids=[row.id])
    change_units = _changer(work, row, plan=plan, zone=zone)
    added: list[FixedUnits] = []
    for item in plan.fixed_charges:
        own = known.get((row.id, item.id), [])
        if not own and item.parent_id is not None:
            source = known.get((row.id, item.parent_id), [])
            own = [structs.replace(one, id=work.new_id(), fixed_charge_id=item.id, is_unbilled=False) for one in source]
            added += own
        if not own or own[-1].units != item.units:
            added.append(change_units(item, item.units, is_immediate=item.id in immediate))
    store.insert_units(work.tx, added)
    if any(item.is_unbilled for item in added):
        work.announce(UnitsToBill(subscription_id=row.id))


def change_units_of_plan(work: Work, message: FixedUnitsChanged) -> None:
    """
    Give what is subscribed to a plan the new units of its fixed charges, now or from the next period on.

    Subscriptions with units of their own keep them; those that wait for a payment get the new ones from the next period on.
    What is to be billed at once is put on the agenda, each in its own lane.
    """
    rows = [
        row
        for row in subscriptions.find_open(work.tx, organization_id=work.organization_id, plan_id=message.plan_id)
        if row.status in (Status.ACTIVE, Status.INCOMPLETE)
    ]
    if not rows:
        return
    plan = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[message.plan_id])[message.plan_id]
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[row.customer_id for row in rows])
    ids = [change.fixed_charge.id for change in message.changes]
    overridden = store.find_overridden(work.tx, fixed_charge_ids=ids)
    added: list[FixedUnits] = []
    due: list[Subscription] = []
    for row in rows:
        own = [change for change in message.changes if (row.id, change.fixed_charge.id) not in overridden]
        change_units = _changer(work, row, plan=plan, zone=owners[row.customer_id].zone)
        can_be_now = row.status is Status.ACTIVE
        fresh = [change_units(one.fixed_charge, one.fixed_charge.units, is_immediate=one.is_immediate and can_be_now) for one in own]
        added += fresh
        if any(item.is_unbilled for item in fresh):
            due.append(row)
    store.insert_units(work.tx, added)
    work.agenda.put_many(schedule.BILL_UNITS, [(row.id, row.customer_id, work.now) for row in due])


def override_units(
    work: Work, row: Subscription, *, plan: Plan, zone: ZoneInfo, changes: Sequence[tuple[FixedCharge, Decimal, bool]]
) -> None:
    """
    Give a subscription, locked by the caller, units of its own: (fixed charge, units, whether they count from now).

    A pending one has them from its start. Announces UnitsToBill where units paid for in advance are to be billed at once.
    """
    if row.started_at is None:
        preset_units(work, row, changes=changes)
        return
    change_units = _changer(work, row, plan=plan, zone=zone)
    added = [
        structs.replace(change_units(item, units, is_immediate=is_immediate), is_override=True) for item, units, is_immediate in changes
    ]
    store.insert_units(work.tx, added)
    if any(item.is_unbilled for item in added):
        work.announce(UnitsToBill(subscription_id=row.id))


class _ChangesUnits(Protocol):
    def __call__(self, item: FixedCharge, units: Decimal, *, is_immediate: bool) -> FixedUnits: ...


def _changer(work: Work, row: Subscription, *, plan: Plan, zone: ZoneInfo) -> _ChangesUnits:
    """Return what makes new units for a running subscription, which count from now or from its next period on."""

    def change(item: FixedCharge, units: Decimal, *, is_immediate: bool) -> FixedUnits:
        effective_at = work.now if is_immediate else _next_period(row, plan=plan, zone=zone, at=work.now)
        return _units(work, row, item, units, effective_at=effective_at, is_unbilled=is_immediate and item.pay_in_advance)

    return change


def _next_period(row: Subscription, *, plan: Plan, zone: ZoneInfo, at: datetime) -> datetime:
    """Return the instant at which the next period of fixed charges begins."""
    window = billing_windows(terms_of(row, plan=plan, zone=zone), occasion=Occasion.USAGE, at=at).fixed_charges
    assert window is not None
    assert window.full_period is not None
    return window.full_period.end


def _units(
    work: Work,
    row: Subscription,
    item: FixedCharge,
    units: Decimal,
    *,
    effective_at: datetime,
    is_override: bool = False,
    is_unbilled: bool = False,
) -> FixedUnits:
    return FixedUnits(
        id=work.new_id(),
        organization_id=row.organization_id,
        subscription_id=row.id,
        fixed_charge_id=item.id,
        units=units,
        effective_at=effective_at,
        is_override=is_override,
        is_unbilled=is_unbilled,
        created_at=work.now,
    )


def shown_units(work: Work, subscription_id: UUID) -> dict[UUID, Decimal]:
    """Return the units that a subscription was given itself, by fixed charge: the last ones, whenever they count."""
    found = store.find_units(work.tx, subscription_ids=[subscription_id])
    return {
        fixed_charge_id: own[-1].units
        for (_, fixed_charge_id), units in found.items()
        if (own := [item for item in units if item.is_override])
    }
