"""
Use cases that change the plan of a subscription: at once, or at the end of its period.

A plan that costs as much or more in a year takes over at once; a cheaper one waits as a pending row until the running
period of the plan ends. Both ways the old row ends at the instant the new one starts, so that no event and no day falls
between them. Every caller holds the customer's lane.
"""

from datetime import datetime

from msgspec import structs

from daycount.catalog import store as catalog
from daycount.catalog.records import Plan
from daycount.customers.records import Customer
from daycount.engine.calendar import Interval
from daycount.infra.work import Work
from daycount.organizations import store as organizations
from daycount.subscriptions import schedule, store
from daycount.subscriptions.life import activate, cancel_pending_change, cancel_subscription, settle
from daycount.subscriptions.messages import PlanSwitched
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
        return _switch(work, current, following, plan=new_plan, customer=customer, at=work.now, ended_by=EndedBy.UPGRADE)
    store.insert_subscription(work.tx, following)
    schedule.set_switch(work, following, current=current, plan=old_plan, zone=customer.zone, after=work.now)
    organizations.bump_catalog_version(work.tx, work.organization_id)
    return current


def switch_plan(work: Work, pending: Subscription, *, at: datetime, customer: Customer) -> None:
    """
    Carry out a downgrade that has come due: the old row ends, the new one starts. The agenda calls it.

    Announces PlanSwitched.
    """
    assert pending.previous_id is not None
    [current] = store.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[pending.previous_id], lock=True)
    if current.status is not Status.ACTIVE:
        cancel_subscription(work, pending, at=at)
        return
    plan = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[pending.plan_id])[pending.plan_id]
    _switch(work, current, pending, plan=plan, customer=customer, at=at, ended_by=EndedBy.DOWNGRADE)


def _repoint(work: Work, current: Subscription, *, plan: Plan, customer: Customer) -> Subscription:
    changed = structs.replace(current, plan_id=plan.id, updated_at=work.now)
    store.update_subscription(work.tx, changed)
    schedule.set_entries(work, changed, plan=plan, zone=customer.zone, after=work.now)
    organizations.bump_catalog_version(work.tx, work.organization_id)
    return changed


def _switch(
    work: Work, current: Subscription, following: Subscription, *, plan: Plan, customer: Customer, at: datetime, ended_by: EndedBy
) -> Subscription:
    """End the current row and start the following one at the same instant; closed periods are billed first."""
    current, boundary = settle(work, current, at=at)
    assert current.started_at is not None
    instant = max(at, current.started_at)
    ended = structs.replace(current, status=Status.TERMINATED, terminated_at=instant, ended_by=ended_by, updated_at=at)
    store.update_subscription(work.tx, ended)
    work.agenda.drop(subject_ids=[ended.id, following.id])
    active = structs.replace(following, status=Status.ACTIVE, started_at=instant, activated_at=at, updated_at=at)
    if following.status is Status.PENDING and ended_by is EndedBy.DOWNGRADE:
        store.update_subscription(work.tx, active)
    else:
        store.insert_subscription(work.tx, active)
    activate(work, active, plan=plan, customer=customer)
    work.announce(PlanSwitched(ended=ended, started=active, unbilled_boundary=boundary))
    return active
