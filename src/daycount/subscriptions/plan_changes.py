"""
Use cases that change the plan of a subscription: at once, or at the end of its period.

A plan that costs as much or more in a year takes over at once; a cheaper one waits as a pending row until the running
period of the plan ends. Both ways the old row ends at the instant the new one starts, so that no event and no day falls
between them. Every caller holds the customer's lane.
"""

from collections.abc import Callable
from datetime import datetime

from msgspec import structs
from sqlalchemy import Connection

from daycount.catalog import store as catalog
from daycount.catalog.messages import PlanRepriced
from daycount.catalog.records import Plan
from daycount.customers.records import Customer
from daycount.engine.calendar import Interval
from daycount.infra.work import Work
from daycount.organizations import store as organizations
from daycount.subscriptions import gating, schedule, store
from daycount.subscriptions.life import activate, cancel_pending_change, cancel_subscription, settle
from daycount.subscriptions.messages import PlanSwitched, SubscriptionSaved
from daycount.subscriptions.records import EndedBy, Status, Subscription

_PERIODS_IN_YEAR = {Interval.WEEKLY: 52, Interval.MONTHLY: 12, Interval.QUARTERLY: 4, Interval.SEMIANNUAL: 2, Interval.YEARLY: 1}


def yearly_cents(plan: Plan) -> int:
    """Return what a plan's base fee comes to in a year, in minor units: 52 weeks, 12 months, 4 quarters, 2 halves."""
    return plan.amount_cents * _PERIODS_IN_YEAR[plan.interval]


def is_upgrade(old: Plan, *, to: Plan) -> bool:
    """
    Tell whether a change of plan takes effect at once: the new one costs as much or more in a year.

    Trials, charges and currencies play no part. Source: Lago docs, upgrades and downgrades.
    """
    return yearly_cents(to) >= yearly_cents(old)


def change_plan(
    work: Work, current: Subscription, *, blank: Subscription, old_plan: Plan, new_plan: Plan, customer: Customer
) -> Subscription:
    """
    Put a subscription on another plan. Returns the row that runs afterwards.

    `blank` is the new row with what the caller wants of it; it takes over the anchor and billing time of the current one.
    A current row that has not started yet simply gets the new plan. A pending change made before is canceled.
    Announces PlanSwitched when the change is immediate. Source: Lago API, subscriptions.
    """
    if current.status is Status.PENDING:
        return _repoint(work, current, plan=new_plan, customer=customer)
    cancel_pending_change(work, current, at=work.now)
    following = structs.replace(
        blank, previous_id=current.id, subscription_at=current.subscription_at, billing_time=current.billing_time, name=blank.name or ""
    )
    if is_upgrade(old_plan, to=new_plan):
        write = store.insert_subscription
        begun = structs.replace(following, started_at=work.now)
        if gating.waits_for_payment(work, begun, plan=new_plan):
            gating.begin_waiting(work, begun, at=work.now, write=write)
            return store.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[begun.id])[0]
        return _switch(work, current, following, plan=new_plan, customer=customer, at=work.now, ended_by=EndedBy.UPGRADE, write=write)
    store.insert_subscription(work.tx, following)
    schedule.set_switch(work, following, current=current, plan=old_plan, zone=customer.zone, after=work.now)
    organizations.bump_catalog_version(work)
    work.announce(SubscriptionSaved(subscription=current, event="updated"))
    return current


def switch_plan(work: Work, pending: Subscription, *, at: datetime, customer: Customer) -> None:
    """
    Carry out a change that has come due: the old row ends, the new one starts. The agenda calls it.

    It is a downgrade at the end of a period; an upgrade where the waiting plan got dearer since, which does not wait.
    Announces PlanSwitched.
    """
    assert pending.previous_id is not None
    [current] = store.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[pending.previous_id], lock=True)
    if current.status is not Status.ACTIVE:
        cancel_subscription(work, pending, at=at)
        return
    plans = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[pending.plan_id, current.plan_id])
    ended_by = EndedBy.UPGRADE if is_upgrade(plans[current.plan_id], to=plans[pending.plan_id]) else EndedBy.DOWNGRADE
    write = store.update_subscription
    begun = structs.replace(pending, started_at=at)
    if ended_by is EndedBy.UPGRADE and gating.waits_for_payment(work, begun, plan=plans[pending.plan_id]):
        gating.begin_waiting(work, begun, at=at, write=write)
        return
    _switch(work, current, pending, plan=plans[pending.plan_id], customer=customer, at=at, ended_by=ended_by, write=write)


def reconsider_changes(work: Work, message: PlanRepriced) -> None:
    """
    Decide again about changes that wait for the end of a period, when one of their two plans has another price.

    A waiting plan that is no longer the cheaper one takes over now; one whose running plan became as cheap is canceled. The
    agenda does it, each in its own lane. Source: Lago docs, upgrades and downgrades.
    """
    changes = store.find_waiting_changes(work.tx, organization_id=work.organization_id, plan_id=message.plan_id)
    plan_ids = {row.plan_id for pair in changes for row in pair}
    plans = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=list(plan_ids))
    decided = [
        (schedule.SWITCH if waiting.plan_id == message.plan_id else schedule.CANCEL, waiting)
        for current, waiting in changes
        if is_upgrade(plans[current.plan_id], to=plans[waiting.plan_id])
    ]
    for kind in (schedule.SWITCH, schedule.CANCEL):
        work.agenda.put_many(kind, [(row.id, row.customer_id, work.now) for chosen, row in decided if chosen == kind])


def _repoint(work: Work, current: Subscription, *, plan: Plan, customer: Customer) -> Subscription:
    changed = structs.replace(current, plan_id=plan.id, updated_at=work.now)
    store.update_subscription(work.tx, changed)
    schedule.set_entries(work, changed, plan=plan, zone=customer.zone, after=work.now)
    organizations.bump_catalog_version(work)
    work.announce(SubscriptionSaved(subscription=changed, event="updated"))
    return changed


def _switch(
    work: Work,
    current: Subscription,
    following: Subscription,
    *,
    plan: Plan,
    customer: Customer,
    at: datetime,
    ended_by: EndedBy,
    write: Callable[[Connection, Subscription], None],
) -> Subscription:
    """End the current row and start the following one at the same instant; closed periods are billed first."""
    current, boundary = settle(work, current, at=at)
    assert current.started_at is not None
    instant = max(at, current.started_at)
    ended = structs.replace(current, status=Status.TERMINATED, terminated_at=instant, ended_by=ended_by, updated_at=at)
    store.update_subscription(work.tx, ended)
    work.agenda.drop(subject_ids=[ended.id, following.id])
    started = structs.replace(following, status=Status.ACTIVE, started_at=instant, activated_at=at, updated_at=at)
    active = gating.without_waiting(started)
    write(work.tx, active)
    activate(work, active, plan=plan, customer=customer)
    work.announce(SubscriptionSaved(subscription=ended, event="terminated"))
    work.announce(SubscriptionSaved(subscription=active, event="started"))
    work.announce(PlanSwitched(ended=ended, started=active, unbilled_boundary=boundary))
    return active
