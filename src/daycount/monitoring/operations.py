"""Use cases of alerts: made one by one or together, changed, deleted."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec import structs

from daycount import errors
from daycount.catalog import store as catalog
from daycount.catalog.records import Metric
from daycount.engine.alerts import Level
from daycount.given import given, is_given
from daycount.infra.work import Work
from daycount.invoicing import ongoing
from daycount.monitoring import store
from daycount.monitoring.measuring import value_of_wallet
from daycount.monitoring.records import Alert, AlertInput, AlertOwner, AlertType, LevelInput, ShownAlert
from daycount.organizations import store as organizations
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.records import Status
from daycount.usage.port import EventStore
from daycount.usage.prompt import CHECK_USAGE
from daycount.wallets import store as wallets
from daycount.wallets.operations import get_customer_wallet

_MOST_LEVELS = 20
_MOST_DIGITS = 30


def owner_of_subscription(work: Work, external_id: str, *, status: str | None) -> AlertOwner:
    """Return the owner of alerts on a subscription's usage: the active one, or of the status asked for. Raises NotFound."""
    rows = subscriptions.find_rows(work.tx, organization_id=work.organization_id, external_id=external_id)
    row = next((row for row in rows if row.status == (status or Status.ACTIVE)), None)
    if row is None:
        raise errors.NotFound("subscription")
    return AlertOwner(row.customer_id, external_subscription_id=external_id)


def owner_of_wallet(work: Work, external_customer_id: str, code: str) -> AlertOwner:
    """Return the owner of alerts on a customer's wallet. Raises NotFound (customer, wallet)."""
    wallet = get_customer_wallet(work, external_customer_id, code)
    return AlertOwner(wallet.customer_id, wallet_id=wallet.id)


def get_alert(work: Work, owner: AlertOwner, code: str) -> Alert:
    """Return the alert of that code. Raises NotFound."""
    alert = store.find_alert(work.tx, organization_id=work.organization_id, owner=owner, code=code)
    if alert is None:
        raise errors.NotFound("alert")
    return alert


def create_alert(work: Work, owner: AlertOwner, wanted: AlertInput, *, events: EventStore) -> Alert:
    """
    Watch usage from nothing on, or a wallet from what it holds now. It is looked at right after.

    Raises Invalid (alert_type, thresholds, code, base), NotFound (billable_metric). Source: Lago API, alerts.
    """
    alert_type = _read_type(wanted, owner)
    levels = _read_levels(given(wanted.thresholds, []))
    metric = _read_metric(work, wanted, alert_type)
    alert = Alert(
        id=work.new_id(),
        organization_id=work.organization_id,
        external_subscription_id=owner.external_subscription_id,
        wallet_id=owner.wallet_id,
        alert_type=alert_type,
        code=_read_code(wanted.code),
        name=given(wanted.name, None),
        metric_id=None if metric is None else metric.id,
        levels=levels,
        previous_value=_first_value(work, owner, alert_type, events=events),
        last_processed_at=None,
        created_at=work.now,
        updated_at=work.now,
    )
    store.insert_alert(work.tx, alert)
    organizations.bump_catalog_version(work)
    _look(work, owner)
    return alert


def create_alerts(
    work: Work, owner: AlertOwner, wanted: Sequence[AlertInput], *, sent: Sequence[Mapping[str, Any]], events: EventStore
) -> list[Alert]:
    """
    Make several alerts, or none of them.

    Raises Invalid: `alerts: no_alerts`, or what is wrong by the place of each in the list, with what was `sent` of it.
    """
    if not wanted:
        raise errors.Invalid({"alerts": ["no_alerts"]})
    made: list[Alert] = []
    refused: dict[str, Any] = {}
    for place, item in enumerate(wanted):
        try:
            made.append(create_alert(work, owner, item, events=events))
        except errors.Invalid as error:
            refused[str(place)] = {"params": sent[place], "errors": error.details}
        except errors.NotFound as error:
            refused[str(place)] = {"params": sent[place], "errors": {error.resource: [error.code]}}
    if refused:
        raise errors.Invalid(refused)
    return made


def update_alert(work: Work, owner: AlertOwner, code: str, changes: AlertInput) -> Alert:
    """
    Change code, name, metric and levels; levels that are given replace all. It is looked at right after, from where it was.

    Raises NotFound (alert, billable_metric), Invalid. Source: Lago API, alerts.
    """
    alert = get_alert(work, owner, code)
    fields: dict[str, Any] = {"updated_at": work.now}
    if is_given(changes.thresholds):
        fields["levels"] = _read_levels(given(changes.thresholds, []))
    if is_given(changes.billable_metric_code) and alert.alert_type.is_of_metric:
        metric = _read_metric(work, changes, alert.alert_type)
        fields["metric_id"] = None if metric is None else metric.id
    if is_given(changes.code):
        fields["code"] = _read_code(changes.code)
    if is_given(changes.name):
        fields["name"] = given(changes.name, None)
    changed = structs.replace(alert, **fields)
    store.update_alert(work.tx, changed)
    _look(work, owner)
    return changed


def delete_alert(work: Work, owner: AlertOwner, code: str) -> Alert:
    """Watch no more for one alert. Raises NotFound."""
    alert = get_alert(work, owner, code)
    store.mark_deleted(work.tx, organization_id=work.organization_id, owner=owner, at=work.now, alert_id=alert.id)
    organizations.bump_catalog_version(work)
    return alert


def delete_alerts(work: Work, owner: AlertOwner) -> None:
    """Delete all alerts of a subscription or wallet; none is fine too."""
    store.mark_deleted(work.tx, organization_id=work.organization_id, owner=owner, at=work.now)
    organizations.bump_catalog_version(work)


def with_metrics(work: Work, alerts: Sequence[Alert]) -> list[ShownAlert]:
    """Return alerts with their metrics and the codes of their wallets. Two queries at most."""
    metric_ids = [alert.metric_id for alert in alerts if alert.metric_id is not None]
    metrics = catalog.find_metrics(work.tx, organization_id=work.organization_id, ids=metric_ids) if metric_ids else {}
    wallet_ids = {alert.wallet_id for alert in alerts if alert.wallet_id is not None}
    found = wallets.find_wallets(work.tx, organization_id=work.organization_id, ids=wallet_ids) if wallet_ids else []
    codes = {wallet.id: wallet.code for wallet in found}
    return [
        ShownAlert(
            alert,
            None if alert.metric_id is None else metrics.get(alert.metric_id),
            None if alert.wallet_id is None else codes[alert.wallet_id],
        )
        for alert in alerts
    ]


def _look(work: Work, owner: AlertOwner) -> None:
    work.agenda.put(CHECK_USAGE, subject_id=work.new_id(), lane_id=owner.customer_id, due_at=work.now)


def _read_type(wanted: AlertInput, owner: AlertOwner) -> AlertType:
    text = given(wanted.alert_type, None)
    if not text or not text.strip():
        raise errors.Invalid({"alert_type": ["value_is_mandatory", "value_is_invalid"]})
    if text not in set(AlertType) or AlertType(text).is_of_wallet != (owner.wallet_id is not None):
        raise errors.Invalid({"alert_type": ["invalid_type"]})
    return AlertType(text)


def _read_code(value: Any) -> str:
    text = given(value, None)
    if not text or not text.strip():
        raise errors.Invalid({"code": ["value_is_mandatory"]})
    return str(text)


def _read_metric(work: Work, wanted: AlertInput, alert_type: AlertType) -> Metric | None:
    if not alert_type.is_of_metric:
        return None
    code = given(wanted.billable_metric_code, None)
    if not code:
        raise errors.Invalid({"billable_metric": ["value_is_mandatory"]})
    metric = catalog.find_metric(work.tx, organization_id=work.organization_id, code=code)
    if metric is None:
        raise errors.NotFound("billable_metric")
    return metric


def _read_levels(sent: Sequence[LevelInput]) -> tuple[Level, ...]:
    if not sent:
        raise errors.Invalid({"thresholds": ["value_is_mandatory"]})
    if len(sent) > _MOST_LEVELS:
        raise errors.Invalid({"thresholds": ["too_many_thresholds"]})
    values = [_read_value(item.value) for item in sent]
    pairs = [(value, bool(given(item.recurring, None))) for value, item in zip(values, sent, strict=True)]
    if len(set(pairs)) < len(pairs):
        raise errors.Invalid({"thresholds": ["duplicate_threshold_values"]})
    levels = []
    for (value, recurring), item in zip(pairs, sent, strict=True):
        if value is None:
            code = "value_is_mandatory" if not is_given(item.value) or item.value is None else "value_is_invalid"
            raise errors.Invalid({"thresholds:value": [code]})
        if recurring and value <= 0:
            raise errors.Invalid({"thresholds:value": ["recurring_value_is_negative"]})
        levels.append(Level(given(item.code, None), value, recurring))
    if sum(level.recurring for level in levels) > 1:
        raise errors.Invalid({"base": ["alert_already_exists"]})
    return tuple(levels)


def _read_value(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= _MOST_DIGITS else None


def _first_value(work: Work, owner: AlertOwner, alert_type: AlertType, *, events: EventStore) -> Decimal:
    """Return what a new alert starts from: usage from nothing, a wallet from what it holds."""
    if owner.wallet_id is None:
        return Decimal(0)
    found = wallets.find_wallets(work.tx, organization_id=work.organization_id, ids=[owner.wallet_id])
    [wallet] = ongoing.with_ongoing(work, found, events=events)
    return value_of_wallet(alert_type, wallet)
