"""All SQL about fixed charges."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection

from daycount.catalog.add_ons.records import AddOn
from daycount.catalog.add_ons.tables import add_ons
from daycount.catalog.fixed_charges.records import FixedCharge
from daycount.catalog.fixed_charges.tables import fixed_charges
from daycount.engine.charges.models import ChargeModel
from daycount.taxes import store as taxes

_PLAIN = (
    "id",
    "organization_id",
    "plan_id",
    "code",
    "invoice_display_name",
    "pay_in_advance",
    "prorated",
    "units",
    "parent_id",
    "created_at",
)
_EDITABLE = ("code", "charge_model", "invoice_display_name", "units", "properties")


def insert_fixed_charges(tx: Connection, added: Sequence[FixedCharge], *, from_position: int = 0) -> None:
    """Write new fixed charges; they take the positions from `from_position` on."""
    if added:
        tx.execute(fixed_charges.insert(), [_values(item) | {"position": place} for place, item in enumerate(added, from_position)])


def update_fixed_charges(tx: Connection, changed: Sequence[FixedCharge]) -> None:
    """Write changed fixed charges."""
    if not changed:
        return
    statement = (
        fixed_charges.update()
        .where(fixed_charges.c.id == sa.bindparam("fixed_charge_id"))
        .values({name: sa.bindparam(f"new_{name}") for name in _EDITABLE})
    )
    rows = [_values(item) for item in changed]
    tx.execute(statement, [{"fixed_charge_id": row["id"]} | {f"new_{name}": row[name] for name in _EDITABLE} for row in rows])


def mark_fixed_charges_deleted(tx: Connection, *, ids: Sequence[UUID], at: datetime) -> None:
    """Delete fixed charges softly."""
    if ids:
        tx.execute(fixed_charges.update().where(fixed_charges.c.id.in_(ids), fixed_charges.c.deleted_at.is_(None)).values(deleted_at=at))


def list_ids_of_add_on(tx: Connection, *, add_on_id: UUID) -> list[UUID]:
    """Return the live fixed charges of an add-on."""
    table = fixed_charges.c
    return list(tx.execute(sa.select(table.id).where(table.add_on_id == add_on_id, table.deleted_at.is_(None))).scalars())


def find_of_plans(tx: Connection, *, plan_ids: Sequence[UUID]) -> Mapping[UUID, list[FixedCharge]]:
    """Return the live fixed charges of plans, by plan, in their order. Two queries."""
    return _load(tx, [fixed_charges.c.plan_id.in_(plan_ids), fixed_charges.c.deleted_at.is_(None)])


def find_fixed_charges(tx: Connection, *, organization_id: UUID, ids: Sequence[UUID]) -> dict[UUID, FixedCharge]:
    """Return fixed charges by id, deleted ones included. Two queries."""
    found = _load(tx, [fixed_charges.c.organization_id == organization_id, fixed_charges.c.id.in_(ids)])
    return {item.id: item for own in found.values() for item in own}


def _load(tx: Connection, conditions: Sequence[sa.ColumnElement[bool]]) -> dict[UUID, list[FixedCharge]]:
    names = AddOn.__struct_fields__
    statement = (
        sa.select(fixed_charges, *(add_ons.c[name].label(f"add_on_{name}") for name in names if name != "id"))
        .join(add_ons, add_ons.c.id == fixed_charges.c.add_on_id)
        .where(*conditions)
        .order_by(fixed_charges.c.plan_id, fixed_charges.c.position, fixed_charges.c.id)
    )
    found: dict[UUID, list[FixedCharge]] = defaultdict(list)
    rows = tx.execute(statement).mappings().all()
    ids = [row["id"] for row in rows]
    own_taxes = taxes.find_applied(tx, organization_id=rows[0]["organization_id"], target_ids=ids) if rows else {}
    for row in rows:
        plain: dict[str, Any] = {name: row[name] for name in _PLAIN}
        found[row["plan_id"]].append(
            FixedCharge(
                **plain,
                add_on=AddOn(**{name: row[f"add_on_{name}"] for name in names}),
                charge_model=ChargeModel(row["charge_model"]),
                properties=row["properties"],
                taxes=own_taxes[row["id"]],
            )
        )
    return found


def _values(item: FixedCharge) -> dict[str, Any]:
    plain = {name: getattr(item, name) for name in _PLAIN}
    return plain | {"add_on_id": item.add_on.id, "charge_model": item.charge_model, "properties": dict(item.properties)}
