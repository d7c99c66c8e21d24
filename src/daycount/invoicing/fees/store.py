"""All SQL about fees as users ask for them, on an invoice or not."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection

from daycount.customers.tables import customers
from daycount.invoicing.records import Fee, FeeFilter
from daycount.invoicing.store import read_fee
from daycount.invoicing.tables import fees, invoices
from daycount.subscriptions.tables import subscriptions

_FROM = (
    fees.outerjoin(subscriptions, subscriptions.c.id == fees.c.subscription_id)
    .outerjoin(invoices, invoices.c.id == fees.c.invoice_id)
    .outerjoin(customers, customers.c.id == sa.func.coalesce(subscriptions.c.customer_id, invoices.c.customer_id))
)


def find_fee(tx: Connection, *, organization_id: UUID, fee_id: UUID, lock: bool = False) -> Fee | None:
    """Return a fee that is not deleted; `lock` holds it until the transaction ends."""
    statement = sa.select(fees).where(fees.c.organization_id == organization_id, fees.c.id == fee_id, fees.c.deleted_at.is_(None))
    row = tx.execute(statement.with_for_update() if lock else statement).mappings().one_or_none()
    return None if row is None else read_fee(row)


def _filtered(organization_id: UUID, query: FeeFilter) -> list[sa.ColumnElement[bool]]:
    table = fees.c
    conditions: list[sa.ColumnElement[bool]] = [table.organization_id == organization_id, table.deleted_at.is_(None)]
    wanted: list[tuple[Any, str | None]] = [
        (customers.c.external_id, query.external_customer_id),
        (subscriptions.c.external_id, query.external_subscription_id),
        (table.fee_type, query.fee_type),
        (table.payment_status, query.payment_status),
        (table.currency, query.currency),
        (table.event_transaction_id, query.event_transaction_id),
    ]
    conditions.extend(column == value for column, value in wanted if value is not None)
    if query.billable_metric_code is not None:
        conditions += [table.fee_type == "charge", table.item["code"].astext == query.billable_metric_code]
    for name, (first, last) in query.between.items():
        if first is not None:
            conditions.append(table[name] >= first)
        if last is not None:
            conditions.append(table[name] <= last)
    return conditions


def count_fees(tx: Connection, *, organization_id: UUID, query: FeeFilter) -> int:
    """Count the fees that a list shows."""
    statement = sa.select(sa.func.count()).select_from(_FROM).where(*_filtered(organization_id, query))
    return int(tx.execute(statement).scalar_one())


def list_fees(tx: Connection, *, organization_id: UUID, query: FeeFilter, limit: int, offset: int) -> list[Fee]:
    """Return a page of fees, the oldest first."""
    statement = (
        sa.select(fees)
        .select_from(_FROM)
        .where(*_filtered(organization_id, query))
        .order_by(fees.c.created_at, fees.c.id)
        .limit(limit)
        .offset(offset)
    )
    return [read_fee(row) for row in tx.execute(statement).mappings()]


def set_payment(tx: Connection, fee: Fee) -> None:
    """Write the payment status of a fee and when it came to it."""
    names = ("payment_status", "succeeded_at", "failed_at", "refunded_at")
    tx.execute(fees.update().where(fees.c.id == fee.id).values({name: getattr(fee, name) for name in names}))


def mark_deleted(tx: Connection, *, fee_id: UUID, at: datetime) -> None:
    """Delete a fee softly."""
    tx.execute(fees.update().where(fees.c.id == fee_id).values(deleted_at=at))
