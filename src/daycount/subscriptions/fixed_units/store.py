"""All SQL about the units of fixed charges."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection

from daycount.subscriptions.fixed_units.records import FixedUnits
from daycount.subscriptions.fixed_units.tables import fixed_charge_units

_NAMES = FixedUnits.__struct_fields__
_COLUMNS = [fixed_charge_units.c[name] for name in _NAMES]


def insert_units(tx: Connection, added: Sequence[FixedUnits]) -> None:
    """Write units, in the order they were given."""
    if added:
        tx.execute(fixed_charge_units.insert(), [{name: getattr(item, name) for name in _NAMES} for item in added])


def find_units(tx: Connection, *, subscription_ids: Sequence[UUID]) -> dict[tuple[UUID, UUID], list[FixedUnits]]:
    """Return the units of subscriptions by (subscription, fixed charge), in the order they were made. One query."""
    table = fixed_charge_units.c
    statement = sa.select(*_COLUMNS).where(table.subscription_id.in_(subscription_ids)).order_by(table.id)
    found: dict[tuple[UUID, UUID], list[FixedUnits]] = defaultdict(list)
    for row in tx.execute(statement).mappings():
        found[row["subscription_id"], row["fixed_charge_id"]].append(FixedUnits(**{name: row[name] for name in _NAMES}))
    return found


def find_overridden(tx: Connection, *, fixed_charge_ids: Sequence[UUID]) -> set[tuple[UUID, UUID]]:
    """Return which (subscription, fixed charge) have units of their own."""
    table = fixed_charge_units.c
    statement = sa.select(table.subscription_id, table.fixed_charge_id).where(
        table.fixed_charge_id.in_(fixed_charge_ids), table.is_override.is_(True)
    )
    return {(row.subscription_id, row.fixed_charge_id) for row in tx.execute(statement)}


def take_unbilled(tx: Connection, *, subscription_ids: Sequence[UUID]) -> set[tuple[UUID, UUID]]:
    """Return which (subscription, fixed charge) have units that are to be billed at once, and mark them as billed. Two queries."""
    table = fixed_charge_units.c
    conditions = (table.subscription_id.in_(subscription_ids), table.is_unbilled.is_(True))
    found = {
        (row.subscription_id, row.fixed_charge_id)
        for row in tx.execute(sa.select(table.subscription_id, table.fixed_charge_id).where(*conditions))
    }
    if found:
        tx.execute(fixed_charge_units.update().where(*conditions).values(is_unbilled=False))
    return found
