"""All SQL about invoice custom sections and choices of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from daycount import errors
from daycount.organizations.sections.records import Choice, Chooser, Section
from daycount.organizations.sections.tables import choices, sections

_NAMES = Section.__struct_fields__
_COLUMNS = [sections.c[name] for name in _NAMES]


def _section(row: RowMapping) -> Section:
    return Section(**{name: row[name] for name in _NAMES})


def insert_section(tx: Connection, section: Section) -> None:
    """Write a new section. Raises Invalid when a live one has its code."""
    _write(tx, sections.insert().values({name: getattr(section, name) for name in _NAMES}))


def update_section(tx: Connection, section: Section) -> None:
    """Write a changed section. Raises Invalid when another live one has its code."""
    _write(tx, sections.update().where(sections.c.id == section.id).values({name: getattr(section, name) for name in _NAMES}))


def _write(tx: Connection, statement: sa.Insert | sa.Update) -> None:
    try:
        with tx.begin_nested():
            tx.execute(statement)
    except IntegrityError as error:
        raise errors.Invalid({"code": ["value_already_exist"]}) from error


def mark_section_deleted(tx: Connection, *, section_id: UUID, at: datetime) -> None:
    """Delete a section softly; whoever chose it does without."""
    tx.execute(sections.update().where(sections.c.id == section_id).values(deleted_at=at))


def find_sections(tx: Connection, *, organization_id: UUID, codes: Collection[str]) -> dict[str, Section]:
    """Return the live sections among `codes`, by code."""
    table = sections.c
    statement = sa.select(*_COLUMNS).where(table.organization_id == organization_id, table.code.in_(codes), table.deleted_at.is_(None))
    return {row["code"]: _section(row) for row in tx.execute(statement).mappings()}


def count_sections(tx: Connection, *, organization_id: UUID) -> int:
    """Count the live sections."""
    table = sections.c
    statement = sa.select(sa.func.count()).where(table.organization_id == organization_id, table.deleted_at.is_(None))
    return int(tx.execute(statement).scalar_one())


def list_sections(tx: Connection, *, organization_id: UUID, limit: int, offset: int) -> list[Section]:
    """Return a page of live sections, by name."""
    table = sections.c
    statement = sa.select(*_COLUMNS).where(table.organization_id == organization_id, table.deleted_at.is_(None))
    statement = statement.order_by(table.name, table.created_at.desc(), table.id).limit(limit).offset(offset)
    return [_section(row) for row in tx.execute(statement).mappings()]


def save_choice(
    tx: Connection, *, organization_id: UUID, kind: Chooser, target_id: UUID, is_skipped: bool, section_ids: Sequence[UUID], at: datetime
) -> None:
    """Write what a thing chose, in place of what it chose before."""
    values = {"is_skipped": is_skipped, "section_ids": list(section_ids), "created_at": at}
    statement = insert(choices).values(organization_id=organization_id, kind=kind, target_id=target_id, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["organization_id", "target_id"], set_=values))


def has_choices(tx: Connection, *, organization_id: UUID) -> bool:
    """Tell whether anything in an organization chose sections."""
    return bool(tx.execute(sa.select(sa.exists().where(choices.c.organization_id == organization_id))).scalar_one())


_CHOSEN = sa.text("""
select c.target_id, c.is_skipped, c.created_at as chosen_at, s.*
from section_choices c
left join lateral unnest(c.section_ids) with ordinality as u (section_id, place) on true
left join invoice_custom_sections s on s.id = u.section_id and s.deleted_at is null
where c.organization_id = :organization_id and c.target_id = any(:target_ids)
order by c.target_id, u.place
""")


def find_choices(tx: Connection, *, organization_id: UUID, target_ids: Collection[UUID]) -> dict[UUID, Choice]:
    """Return what things chose, by their ids; a thing that never chose is not among them. One query."""
    if not target_ids:
        return {}
    found: dict[UUID, Choice] = {}
    for row in tx.execute(_CHOSEN, {"organization_id": organization_id, "target_ids": list(target_ids)}).mappings():
        before = found.get(row["target_id"])
        shown = () if before is None else before.sections
        if row["id"] is not None:
            shown = (*shown, _section(row))
        found[row["target_id"]] = Choice(
            target_id=row["target_id"], is_skipped=row["is_skipped"], sections=shown, created_at=row["chosen_at"]
        )
    return found
