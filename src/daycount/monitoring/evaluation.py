"""
Looking at what alerts watch, and telling what was crossed.

Usage is looked at after events came, after an alert changed, and when a period of usage ends, so that levels count anew in the next.
Wallets are looked at whenever their ongoing balances were worked out. Every caller holds the customers' lanes.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from daycount.catalog import store as catalog
from daycount.catalog.messages import MetricSaved
from daycount.engine.alerts import find_crossed
from daycount.engine.calendar import Occasion
from daycount.infra.work import Work
from daycount.invoicing.compute import compute, job_for, load_subjects
from daycount.invoicing.messages import WalletsRefreshed
from daycount.monitoring import store
from daycount.monitoring.measuring import UsageValues, value_of_wallet
from daycount.monitoring.messages import AlertTriggered
from daycount.monitoring.records import Alert, TriggeredAlert
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.messages import PlanSwitched
from daycount.subscriptions.records import Status, Subscription
from daycount.usage.port import EventStore
from daycount.usage.prompt import CHECK_USAGE


def evaluate_usage(work: Work, customer_ids: Sequence[UUID], *, events: EventStore) -> None:
    """
    Look at the usage of customers' running subscriptions that have alerts. Announces AlertTriggered.

    A fixed number of statements.
    """
    rows = subscriptions.find_open_of(work.tx, organization_id=work.organization_id, customer_ids=customer_ids)
    active = {row.external_id: row for row in rows if row.status is Status.ACTIVE}
    found = store.lock_of_subscriptions(work.tx, organization_id=work.organization_id, external_ids=list(active)) if active else []
    if not found:
        return
    watched = [row for row in active.values() if any(alert.external_subscription_id == row.external_id for alert in found)]
    jobs = [job_for(subject, occasion=Occasion.USAGE, at=work.now) for subject in load_subjects(work, watched)]
    values = UsageValues(work, compute(work, jobs, events=events), alerts=found, events=events)
    known = catalog.find_metrics(
        work.tx, organization_id=work.organization_id, ids=[alert.metric_id for alert in found if alert.metric_id is not None]
    )
    codes = {metric_id: metric.code for metric_id, metric in known.items()}
    current: dict[UUID, Decimal] = {}
    triggered = []
    for alert in found:
        row = active[alert.external_subscription_id or ""]
        value = values.value_of(alert, row.id)
        if value is not None:
            current[alert.id] = value
            metric_code = None if alert.metric_id is None else codes.get(alert.metric_id)
            triggered += _cross(work, alert, value, row.external_customer_id, row=row, metric_code=metric_code)
    _write(work, current, triggered)


def on_wallets_refreshed(work: Work, message: WalletsRefreshed) -> None:
    """Look at wallets that have alerts. Announces AlertTriggered."""
    wallets = {wallet.id: wallet for wallet in message.wallets}
    current: dict[UUID, Decimal] = {}
    triggered = []
    for alert in store.lock_of_wallets(work.tx, organization_id=work.organization_id, wallet_ids=list(wallets)):
        wallet = wallets[alert.wallet_id] if alert.wallet_id is not None else None
        if wallet is not None:
            current[alert.id] = value_of_wallet(alert.alert_type, wallet)
            triggered += _cross(work, alert, current[alert.id], wallet.external_customer_id)
    _write(work, current, triggered)


def _cross(
    work: Work, alert: Alert, value: Decimal, external_customer_id: str, *, row: Subscription | None = None, metric_code: str | None = None
) -> list[TriggeredAlert]:
    """Return what is to be told of an alert whose value is known now: one thing with all levels crossed, or nothing."""
    crossed = find_crossed(alert.levels, direction=alert.alert_type.direction, previous=alert.previous_value, current=value)
    if not crossed:
        return []
    return [
        TriggeredAlert(
            id=work.new_id(),
            organization_id=work.organization_id,
            alert_id=alert.id,
            subscription_id=None if row is None else row.id,
            external_subscription_id=alert.external_subscription_id,
            wallet_id=alert.wallet_id,
            external_customer_id=external_customer_id,
            billable_metric_code=metric_code,
            alert_name=alert.name,
            alert_code=alert.code,
            alert_type=alert.alert_type,
            current_value=value,
            previous_value=alert.previous_value,
            crossed=tuple(crossed),
            triggered_at=work.now,
        )
    ]


def _write(work: Work, current: Mapping[UUID, Decimal], triggered: Sequence[TriggeredAlert]) -> None:
    store.note_values(work.tx, current, at=work.now)
    store.insert_triggered(work.tx, triggered)
    for item in triggered:
        work.announce(AlertTriggered(item))


def look_again(work: Work, subscription_ids: Sequence[UUID]) -> None:
    """Have usage looked at of those subscriptions that have alerts, after all that is due now; the agenda does it."""
    lanes = store.find_watched_customers(work.tx, organization_id=work.organization_id, subscription_ids=subscription_ids)
    work.agenda.put_many(CHECK_USAGE, [(work.new_id(), lane_id, work.now) for lane_id in lanes])


def on_metric_saved(work: Work, message: MetricSaved) -> None:
    """Watch a metric no more that was deleted."""
    if message.event == "deleted":
        store.mark_deleted_of_metric(work.tx, organization_id=work.organization_id, metric_id=message.metric.id, at=work.now)


def on_switched(work: Work, message: PlanSwitched) -> None:
    """Let levels count anew in the period that begins with another plan."""
    look_again(work, [message.started.id])
