"""
The life of one row: it is activated, its trial ends, it is settled up to an instant, it ends or is canceled.

What callers want, and changes of plan, are in `operations` and `plan_changes`. Every caller holds the customer's lane.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec import structs

from daycount.catalog.records import Plan
from daycount.customers.records import Customer
from daycount.infra.work import Work
from daycount.organizations import store as organizations
from daycount.subscriptions import schedule, store
from daycount.subscriptions.fixed_units.operations import start_units
from daycount.subscriptions.messages import PeriodsDue, SubscriptionEnded, SubscriptionSaved
from daycount.subscriptions.records import EndedBy, Status, Subscription


def activate(work: Work, active: Subscription, *, plan: Plan, customer: Customer) -> None:
    """Write what follows from an activation that is stored already: billing dates, the end of a trial."""
    assert active.started_at is not None
    start_units(work, active, plan=plan)
    organizations.bump_catalog_version(work)
    schedule.set_entries(work, active, plan=plan, zone=customer.zone, after=max(work.now, active.started_at))
    pair = (customer.id, active.external_id)
    history = store.find_histories(work.tx, organization_id=work.organization_id, pairs=[pair])[pair]
    schedule.set_trial_end(work, active, plan=plan, first_started_at=history.first_started_at)


def after_earlier_rows(subscription: Subscription, rows: Sequence[Subscription]) -> datetime:
    """
    Return `subscription_at`, or the end of the last row of that external id that was billed to its end where that is later.

    Usage goes by the external id, so what was billed to one customer is not billed to another who has the id next.
    """
    ends = [
        row.terminated_at for row in rows if row.terminated_at is not None and (row.has_successor or row.on_termination_invoice != "skip")
    ]
    return max([subscription.subscription_at, *ends])


def end_trials(work: Work, subscriptions: Sequence[Subscription], *, at: datetime) -> None:
    """Note that trials ended at `at`. The agenda calls it; what is billed then is up to invoicing."""
    for subscription in subscriptions:
        ended = structs.replace(subscription, trial_ended_at=at, updated_at=at)
        store.update_subscription(work.tx, ended)
        work.announce(SubscriptionSaved(subscription=ended, event="trial_ended"))


def settle(work: Work, subscription: Subscription, *, at: datetime) -> tuple[Subscription, datetime | None]:
    """
    Have every period billed that closed before `at`, for an active row, locked by the caller, that is about to end.

    Returns the row as it is then, and the boundary that is due at the very instant `at` and not billed, None where there is
    none. Announces PeriodsDue.
    """
    due = work.agenda.find(schedule.BILL_PERIOD, subject_id=subscription.id)
    if due is not None and due < at:
        work.announce(PeriodsDue(subscription=subscription, due_at=due))
        [subscription] = store.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[subscription.id])
        due = work.agenda.find(schedule.BILL_PERIOD, subject_id=subscription.id)
    return subscription, due if due == at else None


def end_subscription(work: Work, subscription: Subscription, *, at: datetime) -> Subscription:
    """
    End an active row, locked by the caller, at the instant `at`; a change of plan that waits for it is canceled.

    A row that would start later than `at` ends at its start. Periods closed before `at` that are still unbilled are billed
    first. Announces SubscriptionEnded.
    """
    assert subscription.started_at is not None
    cancel_pending_change(work, subscription, at=at)
    settled, boundary = settle(work, subscription, at=at)
    ended = structs.replace(
        settled,
        status=Status.TERMINATED,
        terminated_at=max(at, subscription.started_at),
        ended_by=EndedBy.TERMINATION,
        on_termination_credit_note=subscription.on_termination_credit_note,
        on_termination_invoice=subscription.on_termination_invoice,
        updated_at=at,
    )
    store.update_subscription(work.tx, ended)
    work.agenda.drop(subject_ids=[ended.id])
    organizations.bump_catalog_version(work)
    work.announce(SubscriptionSaved(subscription=ended, event="terminated"))
    work.announce(SubscriptionEnded(subscription=ended, unbilled_boundary=boundary))
    return ended


def cancel_subscription(work: Work, row: Subscription, *, at: datetime) -> Subscription:
    """Cancel a pending row, locked by the caller; it was never billed."""
    canceled = structs.replace(row, status=Status.CANCELED, canceled_at=at, updated_at=at)
    store.update_subscription(work.tx, canceled)
    work.agenda.drop(subject_ids=[row.id])
    organizations.bump_catalog_version(work)
    return canceled


def cancel_pending(work: Work, row: Subscription, *, at: datetime) -> Subscription:
    """Cancel a pending row for its own sake; those who listen hear that it ended, and that the row it would have followed goes on."""
    canceled = cancel_subscription(work, row, at=at)
    work.announce(SubscriptionSaved(subscription=canceled, event="terminated"))
    if row.previous_id is not None:
        [previous] = store.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[row.previous_id])
        work.announce(SubscriptionSaved(subscription=previous, event="updated"))
    return canceled


def cancel_pending_change(work: Work, current: Subscription, *, at: datetime) -> None:
    """Cancel the change of plan that waits for the end of the current row's period, if there is one."""
    for row in store.find_rows(work.tx, organization_id=work.organization_id, external_id=current.external_id):
        if row.status is Status.PENDING and row.previous_id == current.id:
            cancel_subscription(work, row, at=at)
