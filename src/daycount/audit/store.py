"""All SQL about logs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection

from daycount.audit.records import Activity, ActivityFilter, ApiLog, ApiLogFilter, Family
from daycount.audit.tables import activities, api_logs
from daycount.infra.database import copy_rows

_API_LOG = ApiLog.__struct_fields__
_ACTIVITY = Activity.__struct_fields__
_PREFIX = "/api/v1"
_SWEPT = 2
"""How many entries that are too old go with each one that is written."""


def _values(record: ApiLog) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


def _sweep(tx: Connection, table: sa.Table, *, organization_id: UUID, before: datetime, most: int) -> None:
    """Remove a few of the oldest entries; those that somebody else removes at the moment are left to them."""
    old = (
        sa.select(table.c.id)
        .where(table.c.organization_id == organization_id, table.c.logged_at < before)
        .order_by(table.c.logged_at, table.c.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    tx.execute(table.delete().where(table.c.id.in_(old)))


def insert_api_log(tx: Connection, entry: ApiLog, *, kept_since: datetime) -> None:
    """Write a request; a few that are older than `kept_since` go."""
    tx.execute(api_logs.insert().values(_values(entry)))
    _sweep(tx, api_logs, organization_id=entry.organization_id, before=kept_since, most=_SWEPT)


def insert_activities(tx: Connection, entries: Sequence[Activity], *, kept_since: datetime) -> None:
    """Write what happened, all of one organization; a few entries that are older than `kept_since` go."""
    if entries:
        copy_rows(tx, activities, _ACTIVITY, [[getattr(entry, name) for name in _ACTIVITY] for entry in entries])
        _sweep(tx, activities, organization_id=entries[0].organization_id, before=kept_since, most=_SWEPT * len(entries))


def _between(column: Any, first: datetime | None, last: datetime | None, since: datetime) -> list[sa.ColumnElement[bool]]:
    conditions = [column >= (since if first is None else max(first, since))]
    return conditions if last is None else [*conditions, column < last]


def _api_conditions(organization_id: UUID, query: ApiLogFilter) -> list[sa.ColumnElement[bool]]:
    table = api_logs.c
    conditions = [table.organization_id == organization_id, *_between(table.logged_at, query.first, query.last, query.since)]
    if query.methods:
        conditions.append(table.http_method.in_(query.methods))
    if query.clients:
        conditions.append(table.client.in_(query.clients))
    if query.statuses or query.outcomes:
        ways: list[sa.ColumnElement[bool]] = [table.http_status.in_(query.statuses)]
        ways += [table.http_status <= 399] if "succeeded" in query.outcomes else []
        ways += [table.http_status > 399] if "failed" in query.outcomes else []
        conditions.append(sa.or_(*ways))
    if query.paths:
        patterns = [pattern for path in query.paths for pattern in (_pattern(path), _PREFIX + _pattern(path))]
        conditions.append(sa.or_(*(table.request_path.like(pattern, escape="\\") for pattern in patterns)))
    return conditions


def _pattern(path: str) -> str:
    """Turn a path with `*` into a pattern; a slash at the end means nothing."""
    quoted = path.rstrip("/").replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return quoted.replace("*", "%")


def count_api_logs(tx: Connection, *, organization_id: UUID, query: ApiLogFilter) -> int:
    """Count the requests that a list shows."""
    return int(tx.execute(sa.select(sa.func.count()).where(*_api_conditions(organization_id, query))).scalar_one())


def list_api_logs(tx: Connection, *, organization_id: UUID, query: ApiLogFilter, limit: int, offset: int) -> list[ApiLog]:
    """Return a page of requests, the latest first."""
    statement = (
        sa.select(*(api_logs.c[name] for name in _API_LOG))
        .where(*_api_conditions(organization_id, query))
        .order_by(api_logs.c.logged_at.desc(), api_logs.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [ApiLog(**row) for row in tx.execute(statement).mappings()]


def find_api_log(tx: Connection, *, organization_id: UUID, log_id: UUID, since: datetime) -> ApiLog | None:
    """Return a request that is not too old."""
    conditions = [api_logs.c.id == log_id, *_api_conditions(organization_id, ApiLogFilter(since=since))]
    row = tx.execute(sa.select(*(api_logs.c[name] for name in _API_LOG)).where(*conditions)).mappings().one_or_none()
    return None if row is None else ApiLog(**row)


def _conditions(organization_id: UUID, query: ActivityFilter) -> list[sa.ColumnElement[bool]]:
    table = activities.c
    conditions = [
        table.organization_id == organization_id,
        table.family == query.family,
        *_between(table.logged_at, query.first, query.last, query.since),
    ]
    lists = {
        "activity_type": query.types,
        "source": query.sources,
        "actor": query.actors,
        "resource_type": query.resource_types,
        "resource_id": query.resource_ids,
    }
    conditions += [table[name].in_(values) for name, values in lists.items() if values]
    for name in ("external_customer_id", "external_subscription_id"):
        if getattr(query, name) is not None:
            conditions.append(table[name] == getattr(query, name))
    return conditions


def _activity(row: sa.RowMapping) -> Activity:
    return Activity(**dict(row) | {"family": Family(row["family"])})


def count_activities(tx: Connection, *, organization_id: UUID, query: ActivityFilter) -> int:
    """Count the activities that a list shows."""
    return int(tx.execute(sa.select(sa.func.count()).where(*_conditions(organization_id, query))).scalar_one())


def list_activities(tx: Connection, *, organization_id: UUID, query: ActivityFilter, limit: int, offset: int) -> list[Activity]:
    """Return a page of activities, the latest first."""
    statement = (
        sa.select(*(activities.c[name] for name in _ACTIVITY))
        .where(*_conditions(organization_id, query))
        .order_by(activities.c.logged_at.desc(), activities.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [_activity(row) for row in tx.execute(statement).mappings()]


def find_activity(tx: Connection, *, organization_id: UUID, activity_id: UUID, family: Family, since: datetime) -> Activity | None:
    """Return an activity that is not too old."""
    conditions = [activities.c.id == activity_id, *_conditions(organization_id, ActivityFilter(family=family, since=since))]
    row = tx.execute(sa.select(*(activities.c[name] for name in _ACTIVITY)).where(*conditions)).mappings().one_or_none()
    return None if row is None else _activity(row)
