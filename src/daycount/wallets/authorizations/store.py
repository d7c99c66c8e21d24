"""All SQL about authorizations."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from daycount.wallets.authorizations.records import Authorization, AuthorizationStatus
from daycount.wallets.authorizations.tables import wallet_authorizations

_NAMES = Authorization.__struct_fields__
_TABLE = wallet_authorizations.c


def _authorization(row: RowMapping) -> Authorization:
    return Authorization(**{name: row[name] for name in _NAMES} | {"status": AuthorizationStatus(row["status"])})


def _values(authorization: Authorization) -> dict[str, object]:
    return {name: getattr(authorization, name) for name in _NAMES}


def insert(tx: Connection, authorization: Authorization) -> None:
    """Write a new authorization."""
    tx.execute(wallet_authorizations.insert().values(_values(authorization)))


def update(tx: Connection, authorization: Authorization) -> None:
    """Write a changed authorization."""
    tx.execute(wallet_authorizations.update().where(_TABLE.id == authorization.id).values(_values(authorization)))


def find(tx: Connection, *, organization_id: UUID, ids: Collection[UUID], lock: bool = False) -> list[Authorization]:
    """Return authorizations by id, in the order of ids; `lock` locks their rows."""
    statement = sa.select(wallet_authorizations).where(_TABLE.organization_id == organization_id, _TABLE.id.in_(ids)).order_by(_TABLE.id)
    return [_authorization(row) for row in tx.execute(statement.with_for_update() if lock else statement).mappings()]


def find_by_reference(tx: Connection, *, wallet_id: UUID, reference: str) -> Authorization | None:
    """Return the authorization of a wallet that a caller named so."""
    statement = sa.select(wallet_authorizations).where(_TABLE.wallet_id == wallet_id, _TABLE.reference == reference)
    row = tx.execute(statement).mappings().one_or_none()
    return None if row is None else _authorization(row)


def list_of_wallet(tx: Connection, *, wallet_id: UUID, status: str | None, limit: int, offset: int) -> tuple[list[Authorization], int]:
    """Return a page of a wallet's authorizations, newest first, and how many there are."""
    wanted = [_TABLE.wallet_id == wallet_id] + ([] if status is None else [_TABLE.status == status])
    statement = sa.select(wallet_authorizations).where(*wanted).order_by(_TABLE.created_at.desc(), _TABLE.id).limit(limit).offset(offset)
    rows = [_authorization(row) for row in tx.execute(statement).mappings()]
    return rows, int(tx.execute(sa.select(sa.func.count()).select_from(wallet_authorizations).where(*wanted)).scalar_one())


_RESERVE = sa.text("""
update wallets w set
    reserved_amount_cents = w.reserved_amount_cents + u.amount,
    ongoing_usage_balance_cents = w.ongoing_usage_balance_cents + u.amount,
    ongoing_balance_cents = w.ongoing_balance_cents - u.amount
from unnest(cast(:ids as uuid[]), cast(:amounts as bigint[])) as u(id, amount) where w.id = u.id
""")


def reserve(tx: Connection, amounts: Mapping[UUID, int]) -> None:
    """Hold more, or less, of wallets, in minor units; the rows must be locked. The database refuses to hold more than there is."""
    if amounts:
        tx.execute(_RESERVE, {"ids": list(amounts), "amounts": list(amounts.values())})


def release_all(tx: Connection, *, wallet_ids: Collection[UUID], at: datetime) -> list[UUID]:
    """Note that all that is held of wallets is released; returns the authorizations."""
    held = wallet_authorizations.update().where(_TABLE.wallet_id.in_(wallet_ids), _TABLE.status == AuthorizationStatus.HELD)
    return list(tx.execute(held.values(status=AuthorizationStatus.RELEASED, settled_at=at).returning(_TABLE.id)).scalars())


def expire(tx: Connection, *, ids: Collection[UUID], at: datetime) -> None:
    """Note that authorizations have expired."""
    if ids:
        tx.execute(wallet_authorizations.update().where(_TABLE.id.in_(ids)).values(status=AuthorizationStatus.EXPIRED, settled_at=at))
