"""All SQL about alerts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import sqlalchemy as sa
from psycopg.errors import UniqueViolation
from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from daycount import errors
from daycount.engine.alerts import Level
from daycount.infra.database import copy_rows, is_any
from daycount.monitoring.records import Alert, AlertOwner, AlertType, TriggeredAlert
from daycount.monitoring.tables import alerts, triggered_alerts
from daycount.subscriptions.tables import subscriptions

_NAMES = Alert.__struct_fields__
_TRIGGERED = TriggeredAlert.__struct_fields__


class _Level(msgspec.Struct, frozen=True):
    code: str | None
    value: Decimal
    recurring: bool


def _stored(levels: Sequence[Level]) -> list[dict[str, Any]]:
    return [{"code": level.code, "value": str(level.value), "recurring": level.recurring} for level in levels]


def _levels(stored: Any) -> tuple[Level, ...]:
    return tuple(Level(item.code, item.value, item.recurring) for item in msgspec.convert(stored, list[_Level], strict=False))


def _alert(row: RowMapping) -> Alert:
    values = {name: row[name] for name in _NAMES}
    return Alert(**values | {"alert_type": AlertType(row["alert_type"]), "levels": _levels(row["levels"])})


def _values(alert: Alert) -> dict[str, Any]:
    return {name: getattr(alert, name) for name in _NAMES} | {"levels": _stored(alert.levels)}


def insert_alert(tx: Connection, alert: Alert) -> None:
    """Write a new alert. Raises Invalid (code, base) where the subscription or wallet has such a one."""
    _write(tx, alerts.insert().values(_values(alert)))


def update_alert(tx: Connection, alert: Alert) -> None:
    """Write a changed alert, without what it was when it was looked at. Raises Invalid (code, base)."""
    kept = {name: value for name, value in _values(alert).items() if name not in ("previous_value", "last_processed_at")}
    _write(tx, alerts.update().where(alerts.c.id == alert.id).values(kept))


def _write(tx: Connection, statement: sa.Insert | sa.Update) -> None:
    try:
        with tx.begin_nested():
            tx.execute(statement)
    except IntegrityError as error:
        if isinstance(error.orig, UniqueViolation) and error.orig.diag.constraint_name == "uq_alerts_code":
            raise errors.Invalid({"code": ["value_already_exist"]}) from error
        raise errors.Invalid({"base": ["alert_already_exists"]}) from error


def _of(organization_id: UUID, owner: AlertOwner) -> list[sa.ColumnElement[bool]]:
    table = alerts.c
    whose = (
        table.external_subscription_id == owner.external_subscription_id if owner.wallet_id is None else table.wallet_id == owner.wallet_id
    )
    return [table.organization_id == organization_id, whose, table.deleted_at.is_(None)]


def find_alert(tx: Connection, *, organization_id: UUID, owner: AlertOwner, code: str) -> Alert | None:
    """Return the alert of that code; of several on a wallet the oldest."""
    statement = sa.select(alerts).where(*_of(organization_id, owner), alerts.c.code == code)
    row = tx.execute(statement.order_by(alerts.c.created_at, alerts.c.id).limit(1)).mappings().one_or_none()
    return None if row is None else _alert(row)


def list_alerts(tx: Connection, *, organization_id: UUID, owner: AlertOwner, limit: int, offset: int) -> list[Alert]:
    """Return a page of alerts, newest first."""
    statement = sa.select(alerts).where(*_of(organization_id, owner)).order_by(alerts.c.created_at.desc(), alerts.c.id)
    return [_alert(row) for row in tx.execute(statement.limit(limit).offset(offset)).mappings()]


def count_alerts(tx: Connection, *, organization_id: UUID, owner: AlertOwner) -> int:
    """Count the alerts of a subscription or wallet."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(alerts).where(*_of(organization_id, owner))).scalar_one())


def mark_deleted(tx: Connection, *, organization_id: UUID, owner: AlertOwner, at: datetime, alert_id: UUID | None = None) -> None:
    """Delete alerts softly: one, or all of a subscription or wallet."""
    statement = alerts.update().where(*_of(organization_id, owner)).values(deleted_at=at)
    tx.execute(statement if alert_id is None else statement.where(alerts.c.id == alert_id))


def mark_deleted_of_metric(tx: Connection, *, organization_id: UUID, metric_id: UUID, at: datetime) -> None:
    """Delete softly the alerts that watch a metric, whosever they are."""
    table = alerts.c
    whose = (table.organization_id == organization_id, table.metric_id == metric_id, table.deleted_at.is_(None))
    tx.execute(alerts.update().where(*whose).values(deleted_at=at))


def lock_of_subscriptions(tx: Connection, *, organization_id: UUID, external_ids: Collection[str]) -> list[Alert]:
    """Return the alerts on the usage of subscriptions and hold their rows."""
    return _lock(tx, organization_id, alerts.c.external_subscription_id.in_(external_ids))


def lock_of_wallets(tx: Connection, *, organization_id: UUID, wallet_ids: Collection[UUID]) -> list[Alert]:
    """Return the alerts on wallets and hold their rows."""
    return _lock(tx, organization_id, alerts.c.wallet_id.in_(wallet_ids))


def _lock(tx: Connection, organization_id: UUID, whose: sa.ColumnElement[bool]) -> list[Alert]:
    table = alerts.c
    statement = sa.select(alerts).where(table.organization_id == organization_id, whose, table.deleted_at.is_(None))
    return [_alert(row) for row in tx.execute(statement.order_by(table.id).with_for_update()).mappings()]


def find_watched_customers(tx: Connection, *, organization_id: UUID, subscription_ids: Collection[UUID]) -> list[UUID]:
    """Return the customers of those subscriptions that have an alert."""
    table, row = alerts.c, subscriptions.c
    watched = sa.and_(table.organization_id == row.organization_id, table.external_subscription_id == row.external_id)
    statement = (
        sa.select(row.customer_id)
        .distinct()
        .join(alerts, watched)
        .where(row.organization_id == organization_id, is_any(row.id, subscription_ids), table.deleted_at.is_(None))
    )
    return list(tx.execute(statement.order_by(row.customer_id)).scalars())


_NOTE = sa.text("""
update alerts a set previous_value = n.value, last_processed_at = :at
from unnest(cast(:ids as uuid[]), cast(:values as numeric[])) as n(id, value) where a.id = n.id
""")


def note_values(tx: Connection, values: Mapping[UUID, Decimal], *, at: datetime) -> None:
    """Write what the values of alerts are now that they were looked at. One statement."""
    if values:
        tx.execute(_NOTE, {"ids": list(values), "values": list(values.values()), "at": at})


def insert_triggered(tx: Connection, triggered: Sequence[TriggeredAlert]) -> None:
    """Write what was told of alerts."""
    rows = [[_stored(item.crossed) if name == "crossed" else getattr(item, name) for name in _TRIGGERED] for item in triggered]
    copy_rows(tx, triggered_alerts, _TRIGGERED, rows)


class TriggeredFilter(NamedTuple):
    """Which triggered alerts a list shows."""

    external_subscription_id: str | None = None
    external_customer_id: str | None = None
    alert_code: str | None = None


def _triggered_of(organization_id: UUID, query: TriggeredFilter) -> list[sa.ColumnElement[bool]]:
    table = triggered_alerts.c
    wanted = {name: value for name, value in query._asdict().items() if value is not None}
    return [table.organization_id == organization_id, *(table[name] == value for name, value in wanted.items())]


def list_triggered(tx: Connection, *, organization_id: UUID, query: TriggeredFilter, limit: int, offset: int) -> list[TriggeredAlert]:
    """Return a page of what was told, the latest first."""
    table = triggered_alerts.c
    statement = (
        sa.select(triggered_alerts).where(*_triggered_of(organization_id, query)).order_by(table.triggered_at.desc(), table.id.desc())
    )
    return [_read_triggered(row) for row in tx.execute(statement.limit(limit).offset(offset)).mappings()]


def _read_triggered(row: RowMapping) -> TriggeredAlert:
    values = {name: row[name] for name in _TRIGGERED}
    return TriggeredAlert(**values | {"alert_type": AlertType(row["alert_type"]), "crossed": _levels(row["crossed"])})


def count_triggered(tx: Connection, *, organization_id: UUID, query: TriggeredFilter) -> int:
    """Count what was told."""
    statement = sa.select(sa.func.count()).select_from(triggered_alerts).where(*_triggered_of(organization_id, query))
    return int(tx.execute(statement).scalar_one())
