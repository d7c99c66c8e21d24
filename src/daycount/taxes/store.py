"""All SQL about taxes."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from sqlalchemy.exc import IntegrityError

from daycount import errors
from daycount.infra.database import is_any
from daycount.infra.remembered import remembered
from daycount.organizations.tables import billing_entities
from daycount.taxes.records import Tax, TaxTarget
from daycount.taxes.tables import applied_taxes, taxes

APPLIED_FROM = frozenset({taxes.name, applied_taxes.name, billing_entities.name})
"""Every table that the taxes of a thing are read from."""
_links = applied_taxes.alias("links")


def _of_entities(column: Any) -> Any:
    """Select something about the billing entities that a tax is applied to."""
    return (
        sa.select(column)
        .select_from(_links.join(billing_entities, billing_entities.c.id == _links.c.target_id))
        .where(_links.c.tax_id == taxes.c.id)
        .correlate(taxes)
        .scalar_subquery()
    )


_SELECT = sa.select(
    *(column for column in taxes.c if column.name != "deleted_at"),
    _of_entities(sa.func.array_agg(aggregate_order_by(billing_entities.c.code, billing_entities.c.code))).label("entity_codes"),
    _of_entities(sa.func.bool_or(billing_entities.c.is_default)).label("is_on_default_entity"),
)


def _tax(row: RowMapping) -> Tax:
    values = {name: row[name] for name in Tax.__struct_fields__}
    values |= {"entity_codes": tuple(row["entity_codes"] or ()), "is_on_default_entity": bool(row["is_on_default_entity"])}
    return Tax(**values)


def _values(tax: Tax) -> dict[str, Any]:
    return {name: getattr(tax, name) for name in Tax.__struct_fields__ if name not in ("entity_codes", "is_on_default_entity")}


def insert_tax(tx: Connection, tax: Tax) -> None:
    """Write a new tax. Raises Invalid when a live one has its code."""
    _write(tx, taxes.insert().values(_values(tax)))


def insert_taxes(tx: Connection, made: Sequence[Tax]) -> None:
    """Write new taxes; where somebody wrote one of the code at the same moment, that one stays."""
    if made:
        tx.execute(insert(taxes).on_conflict_do_nothing(), [_values(tax) for tax in made])


def update_rates(tx: Connection, changed: Sequence[Tax]) -> None:
    """Write other rates of taxes, in one statement."""
    statement = taxes.update().where(taxes.c.id == sa.bindparam("tax_id"))
    values: dict[str, Any] = {"rate": sa.bindparam("new_rate"), "updated_at": sa.bindparam("new_updated_at")}
    tx.execute(statement.values(values), [{"tax_id": tax.id, "new_rate": tax.rate, "new_updated_at": tax.updated_at} for tax in changed])


def update_tax(tx: Connection, tax: Tax) -> None:
    """Write a changed tax. Raises Invalid when another live one has its code."""
    _write(tx, taxes.update().where(taxes.c.id == tax.id).values(_values(tax)))


def _write(tx: Connection, statement: sa.Executable) -> None:
    try:
        with tx.begin_nested():
            tx.execute(statement)
    except IntegrityError as error:
        raise errors.Invalid({"code": ["value_already_exist"]}) from error


def mark_tax_deleted(tx: Connection, *, tax_id: UUID, at: datetime) -> None:
    """Delete a tax softly, and take it off everything it is applied to."""
    tx.execute(taxes.update().where(taxes.c.id == tax_id).values(deleted_at=at))
    tx.execute(applied_taxes.delete().where(applied_taxes.c.tax_id == tax_id))


def find_taxes(tx: Connection, *, organization_id: UUID, codes: Collection[str], lock: bool = False) -> dict[str, Tax]:
    """Return live taxes by code; `lock` keeps them from being deleted until the transaction ends."""
    if not codes:
        return {}
    table = taxes.c
    statement = _SELECT.where(table.organization_id == organization_id, table.code.in_(codes), table.deleted_at.is_(None))
    if lock:
        statement = statement.order_by(table.id).with_for_update(of=taxes, read=True)
    return {row["code"]: _tax(row) for row in tx.execute(statement).mappings()}


def find_spellings(tx: Connection, *, organization_id: UUID, codes: Collection[str]) -> dict[str, str]:
    """Return the codes of live taxes by the same in lower case, for codes of any case."""
    table = taxes.c
    wanted = sa.func.lower(table.code).in_({code.lower() for code in codes})
    statement = sa.select(table.code).where(table.organization_id == organization_id, wanted, table.deleted_at.is_(None))
    return {code.lower(): code for code in tx.execute(statement.order_by(table.code.desc())).scalars()} if codes else {}


def list_targets(tx: Connection, *, tax_id: UUID) -> list[UUID]:
    """Return the ids of everything a tax is applied to."""
    return list(tx.execute(sa.select(applied_taxes.c.target_id).where(applied_taxes.c.tax_id == tax_id)).scalars())


def find_applied(tx: Connection, *, organization_id: UUID, target_ids: Collection[UUID]) -> dict[UUID, tuple[Tax, ...]]:
    """Return the taxes of things of any kind, in the order they were given; a thing without taxes gets an empty tuple. One query."""

    def load(missing: Collection[UUID]) -> dict[UUID, tuple[Tax, ...]]:
        return _find_applied(tx, organization_id=organization_id, target_ids=missing)

    return remembered(tx, "taxes", organization_id, target_ids, tables=APPLIED_FROM, load=load)


def _find_applied(tx: Connection, *, organization_id: UUID, target_ids: Collection[UUID]) -> dict[UUID, tuple[Tax, ...]]:
    found: dict[UUID, list[Tax]] = defaultdict(list)
    statement = (
        _SELECT.add_columns(applied_taxes.c.target_id)
        .join(applied_taxes, applied_taxes.c.tax_id == taxes.c.id)
        .where(applied_taxes.c.organization_id == organization_id, is_any(applied_taxes.c.target_id, set(target_ids)))
        .order_by(applied_taxes.c.target_id, applied_taxes.c.position, taxes.c.id)
    )
    for row in tx.execute(statement).mappings():
        found[row["target_id"]].append(_tax(row))
    return {target_id: tuple(found.get(target_id, ())) for target_id in target_ids}


def replace_applied(tx: Connection, *, organization_id: UUID, links: Sequence[tuple[TaxTarget, UUID, Sequence[UUID]]]) -> None:
    """Make the given taxes the only ones of each target. Two statements."""
    tx.execute(applied_taxes.delete().where(applied_taxes.c.target_id.in_([target_id for _, target_id, _ in links])))
    rows = [
        {
            "organization_id": organization_id,
            "target_kind": kind,
            "target_id": target_id,
            "tax_id": tax_id,
            "position": position,
        }
        for kind, target_id, tax_ids in links
        for position, tax_id in enumerate(tax_ids)
    ]
    if rows:
        tx.execute(applied_taxes.insert(), rows)


def add_link(tx: Connection, *, organization_id: UUID, kind: TaxTarget, target_id: UUID, tax_id: UUID) -> None:
    """Apply one more tax to a thing; nothing happens where it is applied already."""
    statement = sa.text("""
        insert into applied_taxes (organization_id, target_kind, target_id, tax_id, position)
        select :organization_id, :kind, :target_id, :tax_id,
               (select count(*) from applied_taxes where target_id = :target_id)
        on conflict do nothing
    """)
    values = {"organization_id": organization_id, "kind": kind, "target_id": target_id, "tax_id": tax_id}
    tx.execute(statement, values)


def remove_link(tx: Connection, *, target_id: UUID, tax_id: UUID) -> None:
    """Take one tax off a thing."""
    tx.execute(applied_taxes.delete().where(applied_taxes.c.target_id == target_id, applied_taxes.c.tax_id == tax_id))


def count_taxes(tx: Connection, *, organization_id: UUID) -> int:
    """Count the live taxes."""
    statement = sa.select(sa.func.count()).where(taxes.c.organization_id == organization_id, taxes.c.deleted_at.is_(None))
    return int(tx.execute(statement).scalar_one())


def list_taxes(tx: Connection, *, organization_id: UUID, limit: int, offset: int) -> list[Tax]:
    """Return a page of live taxes, by name, of equal names the newest first."""
    table = taxes.c
    statement = (
        _SELECT.where(table.organization_id == organization_id, table.deleted_at.is_(None))
        .order_by(table.name, table.created_at.desc(), table.id)
        .limit(limit)
        .offset(offset)
    )
    return [_tax(row) for row in tx.execute(statement).mappings()]
