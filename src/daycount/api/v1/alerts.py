"""Alerts on the wire, of subscriptions and of wallets, and what was told of them."""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from daycount import errors
from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.v1 import billable_metrics as metrics_wire
from daycount.api.wire import DecimalText, Stamp, decode, stamp, stamp_or_none, text
from daycount.engine.alerts import Level
from daycount.given import given
from daycount.infra.work import Work
from daycount.monitoring import operations, store
from daycount.monitoring.records import Alert, AlertInput, AlertOwner, ShownAlert, TriggeredAlert

routes = Routes("alerts")
_SUBSCRIPTION = "/subscriptions/{external_id}/alerts"
_WALLET = "/customers/{external_customer_id}/wallets/{wallet_code}/alerts"
_STATUS = ("subscription_status", "status")


class AlertsInput(Struct, frozen=True, kw_only=True):
    """One alert, or several that are made together or not at all."""

    alert: AlertInput | None | UnsetType = UNSET
    alerts: list[dict[str, Any]] | UnsetType = UNSET


class LevelObject(Struct, frozen=True, kw_only=True):
    """A level; of a recurring one `value` is the step, in what was told where it stood."""

    code: str | None
    value: DecimalText
    recurring: bool


class AlertObject(Struct, frozen=True, kw_only=True):
    """An alert; amounts are minor units, written as decimals."""

    lago_id: str
    lago_organization_id: str
    external_subscription_id: str | None
    subscription_external_id: str | None
    lago_wallet_id: str | None
    wallet_code: str | None
    alert_type: str
    code: str
    name: str | None
    direction: str
    previous_value: DecimalText
    last_processed_at: Stamp | None
    thresholds: Sequence[LevelObject]
    billable_metric: metrics_wire.MetricObject | None
    created_at: Stamp


class AlertsObject(Struct, frozen=True, kw_only=True):
    """What was made: one alert, or several."""

    alert: AlertObject | UnsetType = UNSET
    alerts: Sequence[AlertObject] | UnsetType = UNSET


class TriggeredAlertObject(Struct, frozen=True, kw_only=True):
    """What was told when a value crossed levels."""

    lago_id: str
    lago_organization_id: str
    lago_alert_id: str
    lago_subscription_id: str | None
    external_subscription_id: str | None
    lago_wallet_id: str | None
    external_customer_id: str
    billable_metric_code: str | None
    alert_name: str | None
    alert_code: str
    alert_type: str
    current_value: DecimalText
    previous_value: DecimalText
    crossed_thresholds: Sequence[LevelObject]
    triggered_at: Stamp
    subscription_external_id: str | None
    customer_external_id: str


def to_wire(shown: ShownAlert) -> AlertObject:
    """Write an alert."""
    alert = shown.alert
    return AlertObject(
        lago_id=str(alert.id),
        lago_organization_id=str(alert.organization_id),
        external_subscription_id=alert.external_subscription_id,
        subscription_external_id=alert.external_subscription_id,
        lago_wallet_id=None if alert.wallet_id is None else str(alert.wallet_id),
        wallet_code=shown.wallet_code,
        alert_type=alert.alert_type,
        code=alert.code,
        name=alert.name,
        direction=alert.alert_type.direction,
        previous_value=text(alert.previous_value),
        last_processed_at=stamp_or_none(alert.last_processed_at),
        thresholds=[_level_to_wire(level) for level in alert.levels],
        billable_metric=None if shown.metric is None else metrics_wire.to_wire(shown.metric),
        created_at=stamp(alert.created_at),
    )


def triggered_to_wire(triggered: TriggeredAlert) -> TriggeredAlertObject:
    """Write what was told of an alert."""
    return TriggeredAlertObject(
        lago_id=str(triggered.id),
        lago_organization_id=str(triggered.organization_id),
        lago_alert_id=str(triggered.alert_id),
        lago_subscription_id=None if triggered.subscription_id is None else str(triggered.subscription_id),
        external_subscription_id=triggered.external_subscription_id,
        lago_wallet_id=None if triggered.wallet_id is None else str(triggered.wallet_id),
        external_customer_id=triggered.external_customer_id,
        billable_metric_code=triggered.billable_metric_code,
        alert_name=triggered.alert_name,
        alert_code=triggered.alert_code,
        alert_type=triggered.alert_type,
        current_value=text(triggered.current_value),
        previous_value=text(triggered.previous_value),
        crossed_thresholds=[_level_to_wire(level) for level in triggered.crossed],
        triggered_at=stamp(triggered.triggered_at),
        subscription_external_id=triggered.external_subscription_id,
        customer_external_id=triggered.external_customer_id,
    )


def _level_to_wire(level: Level) -> LevelObject:
    return LevelObject(code=level.code, value=text(level.value), recurring=level.recurring)


def _of_subscription(work: Work, call: Call) -> AlertOwner:
    status = call.query.one("subscription_status") or call.query.one("status")
    return operations.owner_of_subscription(work, call.path["external_id"], status=status)


def _of_wallet(work: Work, call: Call) -> AlertOwner:
    return operations.owner_of_wallet(work, call.path["external_customer_id"], call.path["wallet_code"])


def _shown(work: Work, alerts: Sequence[Alert]) -> list[AlertObject]:
    return [to_wire(shown) for shown in operations.with_metrics(work, alerts)]


def _create(work: Work, call: Call, owner: AlertOwner) -> AlertsObject:
    sent = given(call.body.alerts, None)
    if sent is not None:
        wanted = [decode(AlertInput, item) for item in sent]
        made = operations.create_alerts(work, owner, wanted, sent=sent, events=call.services.events)
        return AlertsObject(alerts=_shown(work, made))
    alert = given(call.body.alert, None)
    if alert is None:
        raise errors.BadRequest("param is missing or the value is empty or invalid: alert")
    [shown] = _shown(work, [operations.create_alert(work, owner, alert, events=call.services.events)])
    return AlertsObject(alert=shown)


def _register(pattern: str, owner_of: Callable[[Work, Call], AlertOwner], name: str, parameters: Sequence[str]) -> None:
    """Register the six operations on the alerts of one kind of owner."""

    def find_all(work: Work, call: Call) -> Page:
        """List alerts, newest first."""
        owner, asked = owner_of(work, call), read_page(call.query)
        found = store.list_alerts(work.tx, organization_id=work.organization_id, owner=owner, limit=asked.per_page, offset=asked.offset)
        total = store.count_alerts(work.tx, organization_id=work.organization_id, owner=owner)
        return page_of(_shown(work, found), asked=asked, total=total)

    def create(work: Work, call: Call) -> AlertsObject:
        """Create an alert, or several that are made together or not at all."""
        return _create(work, call, owner_of(work, call))

    def destroy_all(work: Work, call: Call) -> None:
        """Delete all alerts."""
        operations.delete_alerts(work, owner_of(work, call))

    def find(work: Work, call: Call) -> AlertObject:
        """Find an alert by its code."""
        return _shown(work, [operations.get_alert(work, owner_of(work, call), call.path["code"])])[0]

    def update(work: Work, call: Call) -> AlertObject:
        """Change an alert; its type and what it was when it was looked at stay."""
        return _shown(work, [operations.update_alert(work, owner_of(work, call), call.path["code"], call.body)])[0]

    def destroy(work: Work, call: Call) -> AlertObject:
        """Delete an alert."""
        return _shown(work, [operations.delete_alert(work, owner_of(work, call), call.path["code"])])[0]

    named = {
        f"find_all_{name}_alerts": find_all,
        f"create_{name}_alert": create,
        f"delete_all_{name}_alerts": destroy_all,
        f"find_{name}_alert": find,
        f"update_{name}_alert": update,
        f"delete_{name}_alert": destroy,
    }
    for operation, handler in named.items():
        handler.__name__ = operation
    one: dict[str, Any] = {"returns": AlertObject, "root_out": "alert", "parameters": parameters}
    routes.get(pattern, returns=AlertObject, root_out="alerts", is_list=True, parameters=parameters)(find_all)
    routes.post(pattern, accepts=AlertsInput, returns=AlertsObject, parameters=parameters)(create)
    routes.delete(pattern, parameters=parameters)(destroy_all)
    routes.get(f"{pattern}/{{code}}", **one)(find)
    routes.put(f"{pattern}/{{code}}", accepts=AlertInput, root_in="alert", **one)(update)
    routes.delete(f"{pattern}/{{code}}", **one)(destroy)


_register(_SUBSCRIPTION, _of_subscription, "subscription", _STATUS)
_register(_WALLET, _of_wallet, "customer_wallet", ())


@routes.get(
    "/triggered_alerts",
    returns=TriggeredAlertObject,
    root_out="triggered_alerts",
    is_list=True,
    parameters=("external_subscription_id", "external_customer_id", "alert_code"),
    is_extension=True,
)
def find_all_triggered_alerts(work: Work, call: Call) -> Page:
    """List what was told of alerts, the latest first."""
    asked = read_page(call.query)
    query = store.TriggeredFilter(
        external_subscription_id=call.query.one("external_subscription_id"),
        external_customer_id=call.query.one("external_customer_id"),
        alert_code=call.query.one("alert_code"),
    )
    found = store.list_triggered(work.tx, organization_id=work.organization_id, query=query, limit=asked.per_page, offset=asked.offset)
    total = store.count_triggered(work.tx, organization_id=work.organization_id, query=query)
    return page_of([triggered_to_wire(item) for item in found], asked=asked, total=total)
