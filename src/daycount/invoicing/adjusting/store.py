"""All SQL about adjusted fees."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection

from daycount.invoicing.adjusting.records import AdjustedFee
from daycount.invoicing.adjusting.tables import adjusted_fees

_NAMES = AdjustedFee.__struct_fields__


def insert_adjusted(tx: Connection, adjusted: AdjustedFee) -> None:
    """Write a new adjustment; the caller holds the invoice and has seen that its fee has none."""
    tx.execute(adjusted_fees.insert().values({name: getattr(adjusted, name) for name in _NAMES}))


def delete_adjusted(tx: Connection, *, invoice_id: UUID, fee_key: str) -> bool:
    """Delete the adjustment of a fee, and tell whether there was one."""
    statement = adjusted_fees.delete().where(adjusted_fees.c.invoice_id == invoice_id, adjusted_fees.c.fee_key == fee_key)
    return tx.execute(statement.returning(adjusted_fees.c.id)).one_or_none() is not None


def list_adjusted(tx: Connection, *, organization_id: UUID, invoice_ids: Sequence[UUID]) -> dict[tuple[UUID, str], AdjustedFee]:
    """Return the adjustments of invoices, by invoice and fee key."""
    table = adjusted_fees.c
    statement = sa.select(*(table[name] for name in _NAMES)).where(
        table.organization_id == organization_id, table.invoice_id.in_(invoice_ids)
    )
    rows = [AdjustedFee(**row) for row in tx.execute(statement).mappings()]
    return {(row.invoice_id, row.fee_key): row for row in rows}
