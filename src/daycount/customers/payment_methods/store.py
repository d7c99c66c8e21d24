"""All SQL about payment methods."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from daycount.customers.payment_methods.records import PaymentMethod, ShownMethod
from daycount.customers.payment_methods.tables import payment_methods
from daycount.organizations.payment_providers.tables import payment_providers

_NAMES = PaymentMethod.__struct_fields__
_LIVE = payment_methods.c.deleted_at.is_(None)
_SELECT = sa.select(
    payment_methods,
    payment_providers.c.code.label("provider_code"),
    payment_providers.c.name.label("provider_name"),
    payment_providers.c.provider_type,
).join(payment_providers, payment_providers.c.id == payment_methods.c.provider_id)


def _method(row: RowMapping) -> PaymentMethod:
    return PaymentMethod(**{name: row[name] for name in _NAMES})


def _shown(row: RowMapping) -> ShownMethod:
    return ShownMethod(_method(row), row["provider_code"], row["provider_name"], row["provider_type"])


def insert_method(tx: Connection, method: PaymentMethod) -> None:
    """Write a new payment method; as a default it takes the place of the one before. Locked by the caller's hold of the lane."""
    if method.is_default:
        _clear_default(tx, method.customer_id)
    tx.execute(payment_methods.insert().values({name: getattr(method, name) for name in _NAMES}))


def set_default(tx: Connection, method: PaymentMethod) -> None:
    """Let a payment method be its customer's default, and no other."""
    _clear_default(tx, method.customer_id)
    tx.execute(payment_methods.update().where(payment_methods.c.id == method.id).values(is_default=True))


def _clear_default(tx: Connection, customer_id: UUID) -> None:
    tx.execute(payment_methods.update().where(payment_methods.c.customer_id == customer_id, _LIVE).values(is_default=False))


def delete_methods(
    tx: Connection, *, at: datetime, method_id: UUID | None = None, customer_id: UUID | None = None, provider_id: UUID | None = None
) -> None:
    """Take payment methods away: one, all of a customer, or all of a provider."""
    own = payment_methods.c
    pairs = ((own.id, method_id), (own.customer_id, customer_id), (own.provider_id, provider_id))
    which = [column == value for column, value in pairs if value]
    assert which
    tx.execute(payment_methods.update().where(*which, _LIVE).values(deleted_at=at, is_default=False))


def list_methods(tx: Connection, *, customer_id: UUID, limit: int, offset: int) -> list[ShownMethod]:
    """Return a page of a customer's payment methods, the newest first."""
    statement = _SELECT.where(payment_methods.c.customer_id == customer_id, _LIVE)
    order = (payment_methods.c.created_at.desc(), payment_methods.c.id)
    return [_shown(row) for row in tx.execute(statement.order_by(*order).limit(limit).offset(offset)).mappings()]


def count_methods(tx: Connection, *, customer_id: UUID) -> int:
    """Count what `list_methods` pages through."""
    statement = sa.select(sa.func.count()).select_from(payment_methods).where(payment_methods.c.customer_id == customer_id, _LIVE)
    return int(tx.execute(statement).scalar_one())


def find_method(tx: Connection, *, customer_id: UUID, method_id: UUID) -> ShownMethod | None:
    """Return a payment method of a customer."""
    row = tx.execute(_SELECT.where(payment_methods.c.customer_id == customer_id, payment_methods.c.id == method_id, _LIVE)).mappings()
    found = row.one_or_none()
    return None if found is None else _shown(found)


def find_by_provider_id(tx: Connection, *, provider_id: UUID, provider_method_id: str) -> list[PaymentMethod]:
    """Return the payment methods that a provider calls so."""
    own = payment_methods.c
    statement = sa.select(payment_methods).where(own.provider_id == provider_id, own.provider_method_id == provider_method_id, _LIVE)
    return [_method(row) for row in tx.execute(statement).mappings()]


def find_usable(tx: Connection, *, customer_ids: Collection[UUID]) -> dict[UUID, list[PaymentMethod]]:
    """Return the payment methods of customers, the newest first, by customer."""
    statement = sa.select(payment_methods).where(payment_methods.c.customer_id.in_(set(customer_ids)), _LIVE)
    found: dict[UUID, list[PaymentMethod]] = {}
    for row in tx.execute(statement.order_by(payment_methods.c.created_at.desc(), payment_methods.c.id)).mappings():
        found.setdefault(row["customer_id"], []).append(_method(row))
    return found
