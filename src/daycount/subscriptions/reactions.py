"""What subscriptions do when a customer or a plan is deleted."""

from collections.abc import Sequence

from daycount.catalog import store as catalog
from daycount.catalog.messages import PlanDeleted, ThresholdsChanged
from daycount.customers.messages import CustomerDeleted
from daycount.infra.work import Work
from daycount.subscriptions import schedule, store
from daycount.subscriptions.records import Status, Subscription
from daycount.usage.prompt import CHECK_USAGE


def on_customer_deleted(work: Work, message: CustomerDeleted) -> None:
    """End what a deleted customer subscribed to."""
    _end_soon(work, store.find_open(work.tx, organization_id=work.organization_id, customer_id=message.customer_id))


def on_plan_deleted(work: Work, message: PlanDeleted) -> None:
    """End what is subscribed to a deleted plan."""
    _end_soon(work, store.find_open(work.tx, organization_id=work.organization_id, plan_id=message.plan_id))


def on_thresholds_changed(work: Work, message: ThresholdsChanged) -> None:
    """Have the usage looked at of what is subscribed to a plan with other thresholds, or to one that overrides it."""
    overriding = catalog.find_children(work.tx, plan_id=message.plan_id)
    rows = store.find_open_on(work.tx, organization_id=work.organization_id, plan_ids=[message.plan_id, *(plan.id for plan in overriding)])
    lanes = sorted({row.customer_id for row in rows if row.status is Status.ACTIVE})
    work.agenda.put_many(CHECK_USAGE, [(work.new_id(), lane_id, work.now) for lane_id in lanes])


def _end_soon(work: Work, rows: Sequence[Subscription]) -> None:
    """
    Let the agenda end active rows and cancel pending and incomplete ones, due now: each in its own lane, with its last invoice.

    The worker does it within a second or two; in a sandbox the next move of the clock does it first.
    """
    for kind, statuses in ((schedule.END, (Status.ACTIVE,)), (schedule.CANCEL, (Status.PENDING, Status.INCOMPLETE))):
        work.agenda.put_many(kind, [(row.id, row.customer_id, work.now) for row in rows if row.status in statuses])
