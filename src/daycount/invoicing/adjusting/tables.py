"""The table of adjusted fees."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from daycount.infra.database import metadata

adjusted_fees = sa.Table(
    "adjusted_fees",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, nullable=False),
    sa.Column("invoice_id", sa.Uuid, nullable=False),
    sa.Column("fee_key", sa.Text, nullable=False, comment="names a fee of the invoice"),
    sa.Column("units", sa.Numeric),
    sa.Column("unit_amount", sa.Numeric, comment="in major units"),
    sa.Column("invoice_display_name", sa.Text),
    sa.Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(["organization_id", "invoice_id"], ["invoices.organization_id", "invoices.id"]),
    sa.UniqueConstraint("invoice_id", "fee_key"),
)
