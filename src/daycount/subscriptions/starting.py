"""The start of a row: it becomes active and is billed, or waits for its first invoice to be paid. The caller holds the lane."""

from datetime import datetime

from msgspec import structs

from daycount.catalog import store as catalog
from daycount.catalog.records import Plan
from daycount.customers import store as customers
from daycount.customers.records import Customer
from daycount.infra.work import Work
from daycount.subscriptions import gating, schedule, store
from daycount.subscriptions.gating import Write
from daycount.subscriptions.life import activate
from daycount.subscriptions.messages import SubscriptionSaved, SubscriptionStarted
from daycount.subscriptions.records import Status, Subscription


def start_now(work: Work, row: Subscription, *, plan: Plan, customer: Customer, at: datetime, write: Write) -> Subscription:
    """
    Start a row that has its `started_at`, at the instant `at`, and have it billed. Returns it as it is then.

    Announces SubscriptionStarted, or what follows where it waits for a payment (`gating`).
    """
    if gating.waits_for_payment(work, row, plan=plan):
        gating.begin_waiting(work, row, at=at, write=write)
        return store.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[row.id])[0]
    active = start_backdated(work, row, plan=plan, customer=customer, at=at, write=write)
    work.announce(SubscriptionStarted(subscription=active))
    return active


def start_backdated(work: Work, row: Subscription, *, plan: Plan, customer: Customer, at: datetime, write: Write) -> Subscription:
    """Start a row that began on an earlier day: nothing is billed now, and nothing waited for. Returns it as it is then."""
    active = gating.without_waiting(structs.replace(row, status=Status.ACTIVE, activated_at=at, updated_at=at))
    write(work.tx, active)
    work.agenda.drop_kind(schedule.START, subject_id=active.id)
    activate(work, active, plan=plan, customer=customer)
    work.announce(SubscriptionSaved(subscription=active, event="started"))
    return active


def activate_pending(work: Work, subscription: Subscription, *, at: datetime) -> None:
    """Start a pending subscription at its instant. The agenda calls it."""
    assert subscription.status is Status.PENDING
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[subscription.customer_id])
    plans = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[subscription.plan_id])
    start_now(
        work,
        structs.replace(subscription, started_at=at),
        plan=plans[subscription.plan_id],
        customer=owners[subscription.customer_id],
        at=at,
        write=store.update_subscription,
    )
