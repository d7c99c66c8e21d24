"""All SQL about add-ons."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from daycount import errors
from daycount.catalog.add_ons.records import AddOn
from daycount.catalog.add_ons.tables import add_ons

_NAMES = AddOn.__struct_fields__
_COLUMNS = [add_ons.c[name] for name in _NAMES]


def _add_on(row: RowMapping) -> AddOn:
    return AddOn(**{name: row[name] for name in _NAMES})


def insert_add_on(tx: Connection, add_on: AddOn) -> None:
    """Write a new add-on. Raises Invalid when a live one has its code."""
    _write(tx, add_ons.insert().values({name: getattr(add_on, name) for name in _NAMES}))


def update_add_on(tx: Connection, add_on: AddOn) -> None:
    """Write a changed add-on. Raises Invalid when another live one has its code."""
    _write(tx, add_ons.update().where(add_ons.c.id == add_on.id).values({name: getattr(add_on, name) for name in _NAMES}))


def _write(tx: Connection, statement: sa.Insert | sa.Update) -> None:
    try:
        with tx.begin_nested():
            tx.execute(statement)
    except IntegrityError as error:
        raise errors.Invalid({"code": ["value_already_exist"]}) from error


def mark_add_on_deleted(tx: Connection, *, add_on_id: UUID, at: datetime) -> None:
    """Delete an add-on softly."""
    tx.execute(add_ons.update().where(add_ons.c.id == add_on_id).values(deleted_at=at))


def find_add_on(tx: Connection, *, organization_id: UUID, code: str) -> AddOn | None:
    """Return the live add-on of that code."""
    found = find_add_ons_by_code(tx, organization_id=organization_id, codes=[code])
    return found.get(code)


def find_add_ons_by_code(tx: Connection, *, organization_id: UUID, codes: Sequence[str]) -> dict[str, AddOn]:
    """Return the live add-ons among `codes`, by code."""
    table = add_ons.c
    statement = sa.select(*_COLUMNS).where(table.organization_id == organization_id, table.code.in_(codes), table.deleted_at.is_(None))
    return {row["code"]: _add_on(row) for row in tx.execute(statement).mappings()}


def find_add_ons(tx: Connection, *, organization_id: UUID, ids: Sequence[UUID]) -> dict[UUID, AddOn]:
    """Return the live add-ons among `ids`."""
    table = add_ons.c
    statement = sa.select(*_COLUMNS).where(table.organization_id == organization_id, table.id.in_(ids), table.deleted_at.is_(None))
    return {row["id"]: _add_on(row) for row in tx.execute(statement).mappings()}


def count_add_ons(tx: Connection, *, organization_id: UUID) -> int:
    """Count the live add-ons."""
    table = add_ons.c
    statement = sa.select(sa.func.count()).where(table.organization_id == organization_id, table.deleted_at.is_(None))
    return int(tx.execute(statement).scalar_one())


def list_add_ons(tx: Connection, *, organization_id: UUID, limit: int, offset: int) -> list[AddOn]:
    """Return a page of live add-ons, newest first."""
    table = add_ons.c
    statement = (
        sa.select(*_COLUMNS)
        .where(table.organization_id == organization_id, table.deleted_at.is_(None))
        .order_by(table.created_at.desc(), table.id)
        .limit(limit)
        .offset(offset)
    )
    return [_add_on(row) for row in tx.execute(statement).mappings()]
