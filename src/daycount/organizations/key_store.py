"""All SQL about API keys, but for finding who calls."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection

from daycount.organizations.records import ApiKey
from daycount.organizations.tables import api_keys

_USE_IS_NOTED_EVERY = timedelta(hours=1)
_COLUMNS = [column for column in api_keys.c if column.name != "digest"]


def insert_key(tx: Connection, key: ApiKey, *, digest: bytes) -> None:
    """Write a new key by its digest."""
    tx.execute(
        api_keys.insert().values(
            id=key.id,
            organization_id=key.organization_id,
            digest=digest,
            last_four=key.last_four,
            name=key.name,
            permissions=_json(key.permissions),
            created_at=key.created_at,
            expires_at=key.expires_at,
        )
    )


def update_key(tx: Connection, key_id: UUID, **fields: Any) -> None:
    """Write changed fields of a key."""
    if "permissions" in fields:
        fields["permissions"] = _json(fields["permissions"])
    if fields:
        tx.execute(api_keys.update().where(api_keys.c.id == key_id).values(fields))


def _json(permissions: Any) -> Any:
    return sa.null() if permissions is None else dict(permissions)


def find_key(tx: Connection, *, organization_id: UUID, key_id: UUID) -> ApiKey | None:
    """Return a key of an organization."""
    statement = sa.select(*_COLUMNS).where(api_keys.c.organization_id == organization_id, api_keys.c.id == key_id)
    row = tx.execute(statement).mappings().one_or_none()
    return None if row is None else ApiKey(**row)


def list_keys(tx: Connection, *, organization_id: UUID, limit: int, offset: int) -> list[ApiKey]:
    """Return a page of an organization's keys, newest first."""
    table = api_keys.c
    statement = sa.select(*_COLUMNS).where(table.organization_id == organization_id).order_by(table.created_at.desc(), table.id)
    return [ApiKey(**row) for row in tx.execute(statement.limit(limit).offset(offset)).mappings()]


def count_keys(tx: Connection, *, organization_id: UUID) -> int:
    """Count an organization's keys."""
    return _count(tx, [api_keys.c.organization_id == organization_id])


def count_lasting(tx: Connection, *, organization_id: UUID) -> int:
    """Count an organization's keys that never expire."""
    return _count(tx, [api_keys.c.organization_id == organization_id, api_keys.c.expires_at.is_(None)])


def _count(tx: Connection, conditions: Sequence[sa.ColumnElement[bool]]) -> int:
    return int(tx.execute(sa.select(sa.func.count()).select_from(api_keys).where(*conditions)).scalar_one())


def lock_keys(tx: Connection, *, organization_id: UUID) -> None:
    """Keep the keys of an organization from being expired by others until the transaction ends."""
    statement = sa.select(api_keys.c.id).where(api_keys.c.organization_id == organization_id).order_by(api_keys.c.id)
    tx.execute(statement.with_for_update()).all()


def note_use(tx: Connection, *, key_id: UUID, at: datetime) -> None:
    """Note that a key was used; not more often than once an hour, so that reading stays reading."""
    table = api_keys.c
    is_old = sa.or_(table.last_used_at.is_(None), table.last_used_at <= at - _USE_IS_NOTED_EVERY)
    tx.execute(api_keys.update().where(table.id == key_id, is_old).values(last_used_at=at))


def is_use_due(last_used_at: datetime | None, *, at: datetime) -> bool:
    """Tell whether the use of a key is worth noting again."""
    return last_used_at is None or last_used_at <= at - _USE_IS_NOTED_EVERY
