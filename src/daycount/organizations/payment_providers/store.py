"""All SQL about connections to payment providers."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection as Transaction
from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError

from daycount import errors
from daycount.organizations.payment_providers.records import Connection
from daycount.organizations.payment_providers.tables import payment_providers

_NAMES = Connection.__struct_fields__
_LIVE = payment_providers.c.deleted_at.is_(None)


def _connection(row: RowMapping) -> Connection:
    return Connection(**{name: row[name] for name in _NAMES})


def insert_connection(tx: Transaction, connection: Connection) -> None:
    """Write a new connection. Raises Invalid where its code is taken."""
    try:
        with tx.begin_nested():
            tx.execute(payment_providers.insert().values({name: getattr(connection, name) for name in _NAMES}))
    except IntegrityError as error:
        raise errors.Invalid({"code": ["value_already_exist"]}) from error


def update_connection(tx: Transaction, connection: Connection, *, deleted_at: datetime | None = None) -> None:
    """Write a changed connection, or that it is gone."""
    values = {name: getattr(connection, name) for name in _NAMES} | {"deleted_at": deleted_at}
    tx.execute(payment_providers.update().where(payment_providers.c.id == connection.id).values(values))


def find_connection(tx: Transaction, *, organization_id: UUID, code: str, lock: bool = False) -> Connection | None:
    """Return the connection of a code; `lock` holds its row until the transaction ends."""
    statement = sa.select(payment_providers).where(
        payment_providers.c.organization_id == organization_id, payment_providers.c.code == code, _LIVE
    )
    row = tx.execute(statement.with_for_update() if lock else statement).mappings().one_or_none()
    return None if row is None else _connection(row)


def find_connections(tx: Transaction, *, organization_id: UUID, ids: Collection[UUID] | None = None) -> list[Connection]:
    """Return connections, the oldest first: those of `ids`, whether they are gone or not, or else all that are there."""
    which = _LIVE if ids is None else payment_providers.c.id.in_(ids)
    statement = sa.select(payment_providers).where(payment_providers.c.organization_id == organization_id, which)
    return [_connection(row) for row in tx.execute(statement.order_by(payment_providers.c.created_at, payment_providers.c.id)).mappings()]


def has_connections(tx: Transaction, *, organization_id: UUID) -> bool:
    """Tell whether an organization is connected to any payment provider."""
    statement = sa.select(payment_providers.c.id).where(payment_providers.c.organization_id == organization_id, _LIVE)
    return bool(tx.execute(sa.select(statement.exists())).scalar_one())
