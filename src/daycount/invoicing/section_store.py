"""All SQL about the custom sections that invoices carry."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection

from daycount.infra.database import copy_rows
from daycount.invoicing.records import AppliedSection
from daycount.invoicing.tables import invoice_sections

_NAMES = AppliedSection.__struct_fields__


def replace_sections(tx: Connection, *, invoice_ids: Sequence[UUID], rows: Sequence[AppliedSection]) -> None:
    """Put other sections in the place of those of invoices. Two statements."""
    tx.execute(invoice_sections.delete().where(invoice_sections.c.invoice_id.in_(invoice_ids)))
    copy_rows(tx, invoice_sections, _NAMES, [[getattr(row, name) for name in _NAMES] for row in rows])


def list_sections(tx: Connection, *, organization_id: UUID, invoice_ids: Sequence[UUID]) -> list[AppliedSection]:
    """Return the sections of invoices, in their order."""
    table = invoice_sections.c
    statement = sa.select(invoice_sections).where(table.organization_id == organization_id, table.invoice_id.in_(invoice_ids))
    rows = tx.execute(statement.order_by(table.invoice_id, table.position)).mappings()
    return [AppliedSection(**{name: row[name] for name in _NAMES}) for row in rows]
