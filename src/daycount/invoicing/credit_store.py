"""All SQL about credits on invoices."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection

from daycount.infra.database import copy_rows, is_any
from daycount.invoicing.credits import Credit, CreditKind, ShownCredit
from daycount.invoicing.tables import invoice_credits, invoices

_NAMES = Credit.__struct_fields__


def insert(tx: Connection, added: Sequence[Credit]) -> None:
    """Write credits with one COPY."""
    copy_rows(tx, invoice_credits, _NAMES, [[getattr(credit, name) for name in _NAMES] for credit in added])


def sum_of_coupons(tx: Connection, *, applied_coupon_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return what invoices that are neither voided nor closed took of applied coupons, in minor units; those nobody used are left out."""
    table = invoice_credits.c
    statement = (
        sa.select(table.source_id, sa.cast(sa.func.sum(table.amount_cents), sa.BigInteger))
        .join(invoices, invoices.c.id == table.invoice_id)
        .where(table.kind == CreditKind.COUPON, is_any(table.source_id, applied_coupon_ids), invoices.c.status.not_in(("voided", "closed")))
        .group_by(table.source_id)
    )
    return dict(tx.execute(statement).all())


def list_of_invoices(tx: Connection, *, organization_id: UUID, invoice_ids: Sequence[UUID]) -> list[ShownCredit]:
    """Return the credits on invoices, in the order they were taken."""
    return _list(tx, invoice_credits.c.organization_id == organization_id, invoice_credits.c.invoice_id.in_(invoice_ids))


def list_of_sources(tx: Connection, *, organization_id: UUID, source_ids: Sequence[UUID]) -> list[ShownCredit]:
    """Return the credits taken of applied coupons, credit notes or invoices, in the order they were taken."""
    return _list(tx, invoice_credits.c.organization_id == organization_id, invoice_credits.c.source_id.in_(source_ids))


def _list(tx: Connection, *conditions: sa.ColumnElement[bool]) -> list[ShownCredit]:
    statement = (
        sa.select(invoice_credits, invoices.c.payment_status)
        .join(invoices, invoices.c.id == invoice_credits.c.invoice_id)
        .where(*conditions)
        .order_by(invoice_credits.c.created_at, invoice_credits.c.id)
    )
    rows = tx.execute(statement).mappings().all()
    return [
        ShownCredit(
            credit=Credit(**{name: row[name] for name in _NAMES} | {"kind": CreditKind(row["kind"])}),
            payment_status=row["payment_status"],
        )
        for row in rows
    ]
