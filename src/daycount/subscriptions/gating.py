"""
Activation that waits for a payment: a row with a rule starts as incomplete and becomes active once its first invoice is paid.

Until then it has begun (`started_at`) but bills nothing more, takes no events, and a row it is to follow goes on. Making,
finalizing and closing the invoice is invoicing's; whether it was paid, it says here. Every caller holds the customer's lane.
Source: Lago docs, payment-gated subscriptions.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import structs
from sqlalchemy import Connection

from daycount.catalog import store as catalog
from daycount.catalog.records import Plan
from daycount.customers import store as customers
from daycount.infra.work import Work
from daycount.organizations import store as organizations
from daycount.subscriptions import schedule, store
from daycount.subscriptions.fixed_units.operations import start_units
from daycount.subscriptions.life import activate, cancel_pending_change, settle
from daycount.subscriptions.messages import ActivationCanceled, ActivationPaid, ActivationWaits, PeriodsDue, SubscriptionSaved
from daycount.subscriptions.records import EndedBy, RuleStatus, Status, Subscription, trial_end_of

Write = Callable[[Connection, Subscription], None]


class Reason(StrEnum):
    """Why an activation that waited was given up."""

    PAYMENT_FAILED = "payment_failed"
    TIMEOUT = "timeout"


def waits_for_payment(work: Work, row: Subscription, *, plan: Plan) -> bool:
    """
    Tell whether a row that is about to start has to be paid for first: it has a rule, and something is billed at its start.

    That is a plan in advance that is not in its trial, or fixed charges in advance.
    """
    if not row.activation_rules:
        return False
    if any(item.pay_in_advance for item in plan.fixed_charges):
        return True
    if not plan.pay_in_advance:
        return False
    assert row.started_at is not None
    pair = (row.customer_id, row.external_id)
    history = store.find_histories(work.tx, organization_id=work.organization_id, pairs=[pair]).get(pair)
    trial_end = trial_end_of(plan=plan, first_started_at=row.started_at if history is None else history.first_started_at)
    return trial_end is None or trial_end <= row.started_at


def without_waiting(row: Subscription) -> Subscription:
    """Return a row whose activation goes on without a payment."""
    return _ruled(row, RuleStatus.NOT_APPLICABLE, at=row.updated_at)


def _ruled(row: Subscription, status: RuleStatus, *, at: datetime) -> Subscription:
    rules = tuple(structs.replace(rule, status=status, updated_at=at) for rule in row.activation_rules)
    return structs.replace(row, activation_rules=rules)


def begin_waiting(work: Work, row: Subscription, *, at: datetime, write: Write) -> None:
    """
    Write a row that has begun and waits from the instant `at` on, for the hours of its rule; for ever where these are 0.

    Announces ActivationWaits, upon which it is billed; its fixed charges have units when it is called with a stored row.
    """
    rules = tuple(
        structs.replace(
            rule,
            status=RuleStatus.PENDING,
            expires_at=at + timedelta(hours=rule.timeout_hours) if rule.timeout_hours else None,
            updated_at=at,
        )
        for rule in row.activation_rules
    )
    waiting = structs.replace(row, status=Status.INCOMPLETE, activated_at=None, activation_rules=rules, updated_at=at)
    write(work.tx, waiting)
    work.agenda.drop(subject_ids=[waiting.id])
    organizations.bump_catalog_version(work)
    for rule in rules:
        if rule.expires_at is not None:
            work.agenda.put(schedule.EXPIRE, subject_id=waiting.id, lane_id=waiting.customer_id, due_at=rule.expires_at)
    plan = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[waiting.plan_id])[waiting.plan_id]
    start_units(work, waiting, plan=plan)
    work.announce(SubscriptionSaved(subscription=waiting, event="incomplete"))
    work.announce(ActivationWaits(subscription=waiting))


def finish_waiting(work: Work, row: Subscription) -> Subscription:
    """
    Activate a waiting row, locked by the caller, whose invoice is paid; a row that it follows ends where this one began.

    Where that one was billed beyond it meanwhile, it ends now. Periods of the new row that closed while it waited are billed
    at once. Announces ActivationPaid, PeriodsDue.
    """
    assert row.status is Status.INCOMPLETE
    assert row.started_at is not None
    ended, boundary = _end_previous(work, row)
    work.agenda.drop(subject_ids=[row.id])
    active = structs.replace(
        _ruled(row, RuleStatus.SATISFIED, at=work.now), status=Status.ACTIVE, activated_at=work.now, updated_at=work.now
    )
    store.update_subscription(work.tx, active)
    customer = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[row.customer_id])[row.customer_id]
    plan = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[row.plan_id])[row.plan_id]
    activate(work, active, plan=plan, customer=customer)
    if ended is not None:
        work.announce(SubscriptionSaved(subscription=ended, event="terminated"))
    work.announce(SubscriptionSaved(subscription=active, event="started"))
    work.announce(ActivationPaid(subscription=active, ended=ended, unbilled_boundary=boundary))
    schedule.set_entries(work, active, plan=plan, zone=customer.zone, after=row.started_at)
    due = work.agenda.find(schedule.BILL_PERIOD, subject_id=active.id)
    if due is not None and due < work.now:
        work.announce(PeriodsDue(subscription=active, due_at=due))
    return active


def _end_previous(work: Work, row: Subscription) -> tuple[Subscription | None, datetime | None]:
    """End the row that a paid one follows, if it still runs; return it, and its boundary that is due at that very instant."""
    if row.previous_id is None:
        return None, None
    [current] = store.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[row.previous_id], lock=True)
    if current.status is not Status.ACTIVE:
        return None, None
    assert row.started_at is not None
    is_beyond = current.billed_through is not None and current.billed_through > row.started_at
    instant = work.now if is_beyond else row.started_at
    cancel_pending_change(work, current, at=work.now)
    settled, boundary = settle(work, current, at=instant)
    ended = structs.replace(settled, status=Status.TERMINATED, terminated_at=instant, ended_by=EndedBy.UPGRADE, updated_at=work.now)
    store.update_subscription(work.tx, ended)
    work.agenda.drop(subject_ids=[ended.id])
    return ended, boundary


def give_up_waiting(work: Work, row: Subscription, *, reason: Reason | None, rule_status: RuleStatus, at: datetime) -> Subscription:
    """
    Cancel a waiting row, locked by the caller, as if it had never begun; a row that it was to follow goes on.

    Announces ActivationCanceled, upon which its invoice is closed.
    """
    assert row.status is Status.INCOMPLETE
    canceled = structs.replace(
        _ruled(row, rule_status, at=at),
        status=Status.CANCELED,
        started_at=None,
        canceled_at=at,
        cancellation_reason=None if reason is None else reason.value,
        updated_at=at,
    )
    store.update_subscription(work.tx, canceled)
    work.agenda.drop(subject_ids=[row.id])
    organizations.bump_catalog_version(work)
    work.announce(SubscriptionSaved(subscription=canceled, event="canceled"))
    work.announce(ActivationCanceled(subscription=canceled))
    return canceled
