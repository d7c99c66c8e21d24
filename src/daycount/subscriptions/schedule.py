"""
When a subscription is due: the one place that writes its agenda entries.

`set_entries` is called whenever something changes that they depend on: a start, an end, a billed period, the customer's
time zone.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from daycount.catalog import store as catalog
from daycount.catalog.records import Plan
from daycount.customers import store as customers
from daycount.customers.messages import TimezoneChanged
from daycount.engine.calendar import next_billing_instant, next_plan_period
from daycount.infra.work import Work
from daycount.subscriptions import store
from daycount.subscriptions.messages import SubscriptionSaved
from daycount.subscriptions.records import Status, Subscription, terms_of, trial_end_of

BILL_PERIOD = "bill_period"
START = "start_subscription"
END = "end_subscription"
TRIAL_END = "end_trial"
CANCEL = "cancel_subscription"
SWITCH = "switch_plan"
EXPIRE = "expire_activation"
BILL_UNITS = "bill_units"
END_NEAR = "end_near"
_ALERT_DAYS = (45, 15)
"""How many days before the day of an end it is told of. Source: Lago's behaviour, subscription.termination_alert."""


def next_due(subscription: Subscription, *, plan: Plan, zone: ZoneInfo, after: datetime) -> datetime:
    """Return the first instant strictly after `after` at which a period of the subscription is to be billed."""
    return next_billing_instant(terms_of(subscription, plan=plan, zone=zone), after=after)


def settled_until(subscription: Subscription) -> datetime:
    """
    Return the instant up to which no periodic invoice is missing: what was billed, else what counts as past at the start.

    The first boundary after it is due, also when it has already gone by: an overdue period stays overdue.
    """
    assert subscription.started_at is not None
    if subscription.billed_through is not None:
        return subscription.billed_through
    return max(subscription.started_at, subscription.activated_at or subscription.started_at)


def switch_due(current: Subscription, *, plan: Plan, zone: ZoneInfo, after: datetime) -> datetime:
    """Return when the row that runs by `plan` gives way to a cheaper one: the first end of a period of the plan after `after`."""
    return next_plan_period(terms_of(current, plan=plan, zone=zone), after=after)


def dues_of(subscription: Subscription, *, plan: Plan, zone: ZoneInfo, after: datetime) -> dict[str, datetime]:
    """
    Return what time must cause for one subscription by itself, by kind, counting from `after`.

    A pending row that follows another one starts when that one's period ends (`switch_due`), and a trial's end depends on
    the first row of the external id; neither is here.
    """
    match subscription.status:
        case Status.ACTIVE:
            dues = {BILL_PERIOD: next_due(subscription, plan=plan, zone=zone, after=after)}
            if subscription.ending_at is not None:
                dues[END] = max(subscription.ending_at, subscription.started_at or after)
            return dues
        case Status.PENDING:
            return {} if subscription.previous_id is not None else {START: subscription.subscription_at}
        case Status.INCOMPLETE | Status.TERMINATED | Status.CANCELED:
            return {}


def next_alert(ending_at: datetime, *, after: datetime) -> datetime | None:
    """Return the first instant after another at which an end is told of: midnight UTC, 45 or 15 days before its day."""
    day = datetime.combine(ending_at.astimezone(UTC).date(), time(0), tzinfo=UTC)
    return min((due for due in (day - timedelta(days=days) for days in _ALERT_DAYS) if due > after), default=None)


def tell_of_near_ends(work: Work, subscriptions: Sequence[Subscription]) -> None:
    """Announce that running rows end in some days, and write when it is told of again. The agenda calls it."""
    for row in subscriptions:
        work.announce(SubscriptionSaved(subscription=row, event="termination_alert"))
        _set_alert(work, row)


def _set_alert(work: Work, row: Subscription) -> None:
    due_at = None
    if row.status is Status.ACTIVE and row.ending_at is not None:
        due_at = next_alert(row.ending_at, after=work.now)
    if due_at is None:
        work.agenda.drop_kind(END_NEAR, subject_id=row.id)
    else:
        work.agenda.put(END_NEAR, subject_id=row.id, lane_id=row.customer_id, due_at=due_at)


def set_entries(work: Work, subscription: Subscription, *, plan: Plan, zone: ZoneInfo, after: datetime) -> None:
    """Write what time must cause for one subscription, counting from `after`; what it no longer causes is taken back."""
    if subscription.status in (Status.TERMINATED, Status.CANCELED):
        work.agenda.drop(subject_ids=[subscription.id])
        return
    dues = dues_of(subscription, plan=plan, zone=zone, after=after)
    for kind in (BILL_PERIOD, END, START):
        if kind in dues:
            work.agenda.put(kind, subject_id=subscription.id, lane_id=subscription.customer_id, due_at=dues[kind])
        elif kind == END:
            work.agenda.drop_kind(kind, subject_id=subscription.id)
    _set_alert(work, subscription)


def set_switch(work: Work, pending: Subscription, *, current: Subscription, plan: Plan, zone: ZoneInfo, after: datetime) -> None:
    """Write when a pending change of plan takes effect; `plan` is the one that runs until then."""
    due_at = switch_due(current, plan=plan, zone=zone, after=after)
    work.agenda.put(SWITCH, subject_id=pending.id, lane_id=pending.customer_id, due_at=due_at)


def set_trial_end(work: Work, subscription: Subscription, *, plan: Plan, first_started_at: datetime) -> None:
    """Write the end of a trial that still runs."""
    end = trial_end_of(plan=plan, first_started_at=first_started_at)
    if end is not None and end > work.now:
        work.agenda.put(TRIAL_END, subject_id=subscription.id, lane_id=subscription.customer_id, due_at=end)


def set_next_periods(work: Work, billed: Sequence[tuple[Subscription, Plan, ZoneInfo, datetime]]) -> None:
    """Write the next period's entry of many (subscription, plan, zone, instant just billed), in one statement."""
    work.agenda.put_many(
        BILL_PERIOD,
        [
            (subscription.id, subscription.customer_id, next_due(subscription, plan=plan, zone=zone, after=after))
            for subscription, plan, zone, after in billed
            if subscription.status is Status.ACTIVE
        ],
    )


def move_to_new_zone(work: Work, message: TimezoneChanged) -> None:
    """
    Move the next billing of a customer's subscriptions to the boundaries of its new time zone.

    A boundary that has gone by in the new zone but not in the old one is due at once: at 20:00Z on 30 June it is July in
    Tokyo, and June is over.
    """
    customer = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[message.customer_id])[message.customer_id]
    rows = store.find_open(work.tx, organization_id=work.organization_id, customer_id=customer.id, lock=True)
    plans = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[row.plan_id for row in rows])
    active = {row.id: row for row in rows if row.status is Status.ACTIVE}
    for row in active.values():
        set_entries(work, row, plan=plans[row.plan_id], zone=customer.zone, after=settled_until(row))
    for row in rows:
        current = None if row.previous_id is None or row.status is not Status.PENDING else active.get(row.previous_id)
        if current is not None:
            plan = plans[current.plan_id]
            set_switch(work, row, current=current, plan=plan, zone=customer.zone, after=settled_until(current))
