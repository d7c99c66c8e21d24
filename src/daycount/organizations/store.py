"""All SQL about organizations, keys and test clocks."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from msgspec import UnsetType
from sqlalchemy import Connection

from daycount import errors
from daycount.given import is_given
from daycount.infra.work import Work
from daycount.organizations.records import BillingEntity, Caller, ClockState, Organization
from daycount.organizations.tables import api_keys, billing_entities, organizations, server_secrets, test_clocks

_CALLER = sa.text("""
select k.organization_id, k.id as key_id, c.frozen_time, k.permissions, k.last_used_at
from api_keys k
left join test_clocks c on c.organization_id = k.organization_id
where k.digest = :digest and (k.expires_at is null or k.expires_at > :now)
""")

_ORGANIZATION = sa.text("""
select o.id, o.name, o.email, o.country, o.created_at, c.frozen_time,
       e.id as entity_id, e.code, e.name as entity_name, e.default_currency, e.timezone, e.document_number_prefix,
       e.net_payment_term, e.finalize_zero_amount_invoice, e.invoice_grace_period, e.subscription_invoice_issuing_date_anchor,
       e.subscription_invoice_issuing_date_adjustment, e.document_numbering, e.eu_tax_management
from organizations o
join billing_entities e on e.organization_id = o.id and e.is_default
left join test_clocks c on c.organization_id = o.id
where o.id = :id
""")


def insert_organization(tx: Connection, organization: Organization) -> None:
    """Write a new organization with its default billing entity and, for a sandbox, its clock."""
    tx.execute(
        organizations.insert().values(
            id=organization.id,
            name=organization.name,
            email=organization.email,
            country=organization.country,
            created_at=organization.created_at,
        )
    )
    entity = organization.entity
    tx.execute(
        billing_entities.insert().values(
            id=entity.id,
            organization_id=organization.id,
            code=entity.code,
            name=entity.name,
            is_default=True,
            default_currency=entity.default_currency,
            timezone=entity.timezone,
            document_number_prefix=entity.document_number_prefix,
            net_payment_term=entity.net_payment_term,
            finalize_zero_amount_invoice=entity.finalize_zero_amount_invoice,
            created_at=organization.created_at,
            updated_at=organization.created_at,
        )
    )
    if organization.frozen_time is not None:
        tx.execute(test_clocks.insert().values(organization_id=organization.id, frozen_time=organization.frozen_time))


def insert_api_key(tx: Connection, *, id: UUID, organization_id: UUID, digest: bytes, last_four: str, created_at: datetime) -> None:
    """Write a new key by its digest."""
    tx.execute(api_keys.insert().values(id=id, organization_id=organization_id, digest=digest, last_four=last_four, created_at=created_at))


def find_caller(tx: Connection, *, digest: bytes, now: datetime) -> Caller | None:
    """Return who stands behind the key with that digest, if it is valid at the real instant `now`."""
    row = tx.execute(_CALLER, {"digest": digest, "now": now}).one_or_none()
    if row is None:
        return None
    return Caller(
        organization_id=row.organization_id,
        key_id=row.key_id,
        frozen_time=row.frozen_time,
        permissions=row.permissions,
        last_used_at=row.last_used_at,
    )


def find_organization(tx: Connection, organization_id: UUID) -> Organization | None:
    """Return the organization with its default billing entity."""
    row = tx.execute(_ORGANIZATION, {"id": organization_id}).one_or_none()
    if row is None:
        return None
    return Organization(
        id=row.id,
        name=row.name,
        email=row.email,
        country=row.country,
        created_at=row.created_at,
        frozen_time=row.frozen_time,
        entity=BillingEntity(
            id=row.entity_id,
            code=row.code,
            name=row.entity_name,
            default_currency=row.default_currency,
            timezone=row.timezone,
            document_number_prefix=row.document_number_prefix,
            net_payment_term=row.net_payment_term,
            finalize_zero_amount_invoice=row.finalize_zero_amount_invoice,
            invoice_grace_period=row.invoice_grace_period,
            subscription_invoice_issuing_date_anchor=row.subscription_invoice_issuing_date_anchor,
            subscription_invoice_issuing_date_adjustment=row.subscription_invoice_issuing_date_adjustment,
            document_numbering=row.document_numbering,
            eu_tax_management=row.eu_tax_management,
        ),
    )


def take_invoice_numbers(tx: Connection, *, counts: Mapping[UUID, int]) -> dict[UUID, int]:
    """Raise the running numbers of billing entities by the given counts, and return the last number each had before."""
    statement = sa.text("""
        with wanted as (select * from unnest(cast(:ids as uuid[]), cast(:counts as int[])) as w(id, number)),
        held as (select e.id from billing_entities e join wanted w on w.id = e.id order by e.id for no key update of e)
        update billing_entities e set invoice_sequence = e.invoice_sequence + w.number
        from wanted w join held h on h.id = w.id
        where e.id = w.id
        returning e.id, e.invoice_sequence - w.number as before
    """)
    rows = tx.execute(statement, {"ids": list(counts), "counts": list(counts.values())})
    return {row.id: row.before for row in rows}


def find_entities(tx: Connection, *, organization_id: UUID, codes: Sequence[str]) -> list[BillingEntity]:
    """Return the billing entities of some codes."""
    table = billing_entities.c
    names = BillingEntity.__struct_fields__
    statement = sa.select(*(table[name] for name in names)).where(table.organization_id == organization_id, table.code.in_(codes))
    return [BillingEntity(**row) for row in tx.execute(statement).mappings()]


def find_entities_by_id(tx: Connection, *, organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, BillingEntity]:
    """Return billing entities by id. One query, none without ids."""
    if not ids:
        return {}
    table = billing_entities.c
    names = BillingEntity.__struct_fields__
    statement = sa.select(*(table[name] for name in names)).where(table.organization_id == organization_id, table.id.in_(set(ids)))
    return {row["id"]: BillingEntity(**row) for row in tx.execute(statement).mappings()}


def find_by_name(tx: Connection, name: str) -> list[UUID]:
    """Return the organizations of that name, oldest first."""
    return list(
        tx.execute(sa.select(organizations.c.id).where(organizations.c.name == name).order_by(organizations.c.id).limit(2)).scalars()
    )


def list_organizations(tx: Connection) -> Sequence[sa.Row[Any, Any, Any]]:
    """Return id, name and creation of every organization, oldest first."""
    table = organizations.c
    return tx.execute(sa.select(table.id, table.name, table.created_at).order_by(table.created_at, table.id).limit(10_000)).all()


_CAMPAIGN = sa.text("""
select id from dunning_campaigns where organization_id = :organization_id and id = :id and deleted_at is null for share
""")


def read_campaign(work: Work, text: str | None | UnsetType, otherwise: UUID | None) -> UUID | None:
    """
    Return the dunning campaign that a caller names by its id; `otherwise` where the key is absent, None where it is null or empty.

    The campaign is kept from being deleted until the transaction ends. Raises NotFound (dunning_campaign).
    """
    if not is_given(text):
        return otherwise
    if not text:
        return None
    try:
        parameters = {"organization_id": work.organization_id, "id": UUID(str(text))}
    except ValueError as error:
        raise errors.NotFound("dunning_campaign") from error
    found: UUID | None = work.tx.execute(_CAMPAIGN, parameters).scalar_one_or_none()
    if found is None:
        raise errors.NotFound("dunning_campaign")
    return found


def bump_catalog_version(work: Work) -> None:
    """
    Note that what an event of the organization means may have changed; see the package's README.

    Done as the last thing of the transaction: every write to the catalogue takes this one row.
    """
    work.before_commit(("catalog_version", work.organization_id), partial(_bump_catalog_version, organization_id=work.organization_id))


def _bump_catalog_version(tx: Connection, *, organization_id: UUID) -> None:
    tx.execute(sa.text("update organizations set catalog_version = catalog_version + 1 where id = :id"), {"id": organization_id})


def next_customer_number(tx: Connection, organization_id: UUID) -> int:
    """Take the next sequential number for a customer; holds the organization's row until the transaction ends."""
    statement = sa.text("update organizations set customer_sequence = customer_sequence + 1 where id = :id returning customer_sequence")
    return int(tx.execute(statement, {"id": organization_id}).scalar_one())


def lock_clock(tx: Connection, organization_id: UUID) -> ClockState | None:
    """Lock and return (frozen_time, advancing_to) of a sandbox; None for a live organization."""
    statement = sa.select(test_clocks.c.frozen_time, test_clocks.c.advancing_to).where(test_clocks.c.organization_id == organization_id)
    row = tx.execute(statement.with_for_update()).one_or_none()
    return None if row is None else ClockState(*row)


def share_clock(tx: Connection, organization_id: UUID) -> datetime:
    """
    Return what a sandbox's clock shows and keep it from moving until the transaction ends.

    A step of the clock that is under way is waited for, so that a write happens before it or after it.
    """
    statement = sa.select(test_clocks.c.frozen_time).where(test_clocks.c.organization_id == organization_id).with_for_update(read=True)
    frozen_time: datetime = tx.execute(statement).scalar_one()
    return frozen_time


def find_clock(tx: Connection, organization_id: UUID) -> ClockState | None:
    """Return (frozen_time, advancing_to) of a sandbox without locking; None for a live organization."""
    statement = sa.select(test_clocks.c.frozen_time, test_clocks.c.advancing_to).where(test_clocks.c.organization_id == organization_id)
    row = tx.execute(statement).one_or_none()
    return None if row is None else ClockState(*row)


def set_clock(tx: Connection, organization_id: UUID, *, frozen_time: datetime, advancing_to: datetime | None) -> None:
    """Move a sandbox's clock."""
    tx.execute(
        test_clocks.update()
        .where(test_clocks.c.organization_id == organization_id)
        .values(frozen_time=frozen_time, advancing_to=advancing_to)
    )


def find_secret(tx: Connection, name: str) -> bytes | None:
    """Return the digest of one of the server's own secrets."""
    digest = tx.execute(sa.select(server_secrets.c.digest).where(server_secrets.c.name == name)).scalar_one_or_none()
    return None if digest is None else bytes(digest)


def insert_secret(tx: Connection, name: str, digest: bytes) -> None:
    """Keep the digest of one of the server's own secrets."""
    tx.execute(server_secrets.insert().values(name=name, digest=digest))
