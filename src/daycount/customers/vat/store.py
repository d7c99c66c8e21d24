"""All SQL about checks of tax numbers."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from daycount.customers.vat.records import VatCheck, VatStatus
from daycount.customers.vat.tables import vat_checks
from daycount.infra.database import is_any

_NAMES = VatCheck.__struct_fields__


def save_checks(tx: Connection, checks: Sequence[VatCheck]) -> None:
    """Write checks, each in the place of its customer's last one."""
    if not checks:
        return
    statement = insert(vat_checks)
    changed: dict[str, Any] = {name: statement.excluded[name] for name in _NAMES if name != "customer_id"}
    rows = [{name: getattr(check, name) for name in _NAMES} for check in checks]
    tx.execute(statement.on_conflict_do_update(index_elements=["customer_id"], set_=changed), rows)


def forget_check(tx: Connection, *, customer_id: UUID) -> bool:
    """Forget a customer's check, and tell whether it was pending."""
    statement = vat_checks.delete().where(vat_checks.c.customer_id == customer_id).returning(vat_checks.c.status)
    return tx.execute(statement).scalar_one_or_none() == VatStatus.PENDING


def find_pending(tx: Connection, *, customer_ids: Collection[UUID]) -> list[VatCheck]:
    """Return the pending checks of customers, the longest asked for first. One query, none without customers."""
    if not customer_ids:
        return []
    table = vat_checks.c
    statement = sa.select(vat_checks).where(is_any(table.customer_id, set(customer_ids)), table.status == VatStatus.PENDING)
    rows = tx.execute(statement.order_by(table.requested_at, table.customer_id)).mappings()
    return [VatCheck(**{name: row[name] for name in _NAMES} | {"status": VatStatus(row["status"])}) for row in rows]


def find_waiting(tx: Connection, *, customer_ids: Collection[UUID]) -> frozenset[UUID]:
    """Return those of customers whose invoices wait for an answer."""
    return frozenset(check.customer_id for check in find_pending(tx, customer_ids=customer_ids))
