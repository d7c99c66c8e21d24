"""All SQL about pricing units."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from daycount import errors
from daycount.catalog.pricing_units.records import PricingUnitRecord
from daycount.catalog.pricing_units.tables import pricing_units
from daycount.infra.work import Work

_NAMES = PricingUnitRecord.__struct_fields__


def _unit(row: RowMapping) -> PricingUnitRecord:
    return PricingUnitRecord(**{name: row[name] for name in _NAMES})


def insert_unit(tx: Connection, unit: PricingUnitRecord) -> None:
    """Write a new unit. Raises Invalid when one has its code."""
    try:
        with tx.begin_nested():
            tx.execute(pricing_units.insert().values({name: getattr(unit, name) for name in _NAMES}))
    except IntegrityError as error:
        raise errors.Invalid({"code": ["value_already_exist"]}) from error


def update_unit(tx: Connection, unit: PricingUnitRecord) -> None:
    """Write a changed unit."""
    tx.execute(pricing_units.update().where(pricing_units.c.id == unit.id).values({name: getattr(unit, name) for name in _NAMES}))


def find_units(work: Work, *, codes: Collection[str]) -> dict[str, PricingUnitRecord]:
    """Return the units among `codes`, by code."""
    table = pricing_units.c
    statement = sa.select(pricing_units).where(table.organization_id == work.organization_id, table.code.in_(codes))
    return {row["code"]: _unit(row) for row in work.tx.execute(statement).mappings()}


def count_units(work: Work) -> int:
    """Count the units."""
    statement = sa.select(sa.func.count()).where(pricing_units.c.organization_id == work.organization_id)
    return int(work.tx.execute(statement).scalar_one())


def list_units(work: Work, *, limit: int, offset: int) -> list[PricingUnitRecord]:
    """Return a page of units, newest first."""
    table = pricing_units.c
    statement = sa.select(pricing_units).where(table.organization_id == work.organization_id)
    rows = work.tx.execute(statement.order_by(table.created_at.desc(), table.id).limit(limit).offset(offset))
    return [_unit(row) for row in rows.mappings()]
