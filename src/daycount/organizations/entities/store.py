"""All SQL about billing entities as wholes."""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from daycount import errors
from daycount.organizations.entities.logos import Logo, Picture
from daycount.organizations.entities.records import TEXT_FIELDS, EntityProfile, fields_of
from daycount.organizations.tables import billing_entities, billing_entity_logos, organizations


def _profile(row: RowMapping) -> EntityProfile:
    values = {name: row[name] for name in EntityProfile.__struct_fields__}
    return EntityProfile(**values | {"texts": {name: row["texts"].get(name) for name in TEXT_FIELDS}})


def list_entities(tx: Connection, *, organization_id: UUID) -> list[EntityProfile]:
    """Return the billing entities of an organization, the default one first, then the oldest."""
    table = billing_entities.c
    statement = sa.select(billing_entities).where(table.organization_id == organization_id)
    return [_profile(row) for row in tx.execute(statement.order_by(table.is_default.desc(), table.created_at, table.id)).mappings()]


def find_entity(tx: Connection, *, organization_id: UUID, code: str, lock: bool = False) -> EntityProfile | None:
    """Return the billing entity of that code; `lock` holds its row."""
    table = billing_entities.c
    statement = sa.select(billing_entities).where(table.organization_id == organization_id, table.code == code)
    row = tx.execute(statement.with_for_update() if lock else statement).mappings().one_or_none()
    return None if row is None else _profile(row)


def insert_entity(tx: Connection, profile: EntityProfile) -> None:
    """Write a new billing entity. Raises Invalid when one has its code."""
    try:
        with tx.begin_nested():
            tx.execute(billing_entities.insert().values(fields_of(profile)))
    except IntegrityError as error:
        raise errors.Invalid({"code": ["value_already_exist"]}) from error


def update_entity(tx: Connection, profile: EntityProfile) -> None:
    """Write a changed billing entity."""
    tx.execute(billing_entities.update().where(billing_entities.c.id == profile.id).values(fields_of(profile)))


def rename_organization(tx: Connection, *, organization_id: UUID, email: str | None, country: str | None) -> None:
    """Write what an organization says of itself beside its default billing entity."""
    tx.execute(organizations.update().where(organizations.c.id == organization_id).values(email=email, country=country))


def replace_logo(tx: Connection, *, entity_id: UUID, logo: Logo | None) -> None:
    """Put a logo in the place of what a billing entity had, or take it away."""
    tx.execute(billing_entity_logos.delete().where(billing_entity_logos.c.entity_id == entity_id))
    if logo is not None:
        values = {"entity_id": logo.entity_id, "organization_id": logo.organization_id, "name": logo.name}
        values |= {name: getattr(logo.picture, name) for name in Picture.__struct_fields__}
        tx.execute(billing_entity_logos.insert().values(values))


def find_logos(tx: Connection, *, organization_id: UUID, entity_ids: Collection[UUID]) -> dict[UUID, Picture]:
    """Return the logos of billing entities, by the entities' ids."""
    table = billing_entity_logos.c
    statement = sa.select(billing_entity_logos).where(table.organization_id == organization_id, table.entity_id.in_(entity_ids))
    return {row["entity_id"]: _picture(row) for row in tx.execute(statement).mappings()}


def find_logo_by_name(tx: Connection, *, name: str) -> Picture | None:
    """Return the logo of that file name, whoever asks."""
    row = tx.execute(sa.select(billing_entity_logos).where(billing_entity_logos.c.name == name)).mappings().one_or_none()
    return None if row is None else _picture(row)


def _picture(row: RowMapping) -> Picture:
    return Picture(format=row["format"], width=row["width"], height=row["height"], content=bytes(row["content"]))
