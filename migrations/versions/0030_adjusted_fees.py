"""Adjusted fees, and invoices made from voided ones."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.add_column(
        "invoice_subscriptions",
        sa.Column("is_copy", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="of a line of a voided invoice"),
    )
    op.add_column("fees", sa.Column("original_fee_id", sa.Uuid(), nullable=True, comment="the fee of a voided invoice it was made from"))
    op.drop_index("uq_invoice_subscriptions_instant", table_name="invoice_subscriptions")
    op.create_index(
        "uq_invoice_subscriptions_instant",
        "invoice_subscriptions",
        ["subscription_id", "invoicing_reason", "billed_at"],
        unique=True,
        postgresql_where=sa.text("invoicing_reason not in ('in_advance_charge', 'progressive_billing') and not is_copy"),
    )
    op.create_table(
        "adjusted_fees",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("fee_key", sa.Text(), nullable=False, comment="names a fee of the invoice"),
        sa.Column("units", sa.Numeric(), nullable=True),
        sa.Column("unit_amount", sa.Numeric(), nullable=True, comment="in major units"),
        sa.Column("invoice_display_name", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoices.organization_id", "invoices.id"],
            name=op.f("fk_adjusted_fees_organization_id_invoice_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adjusted_fees")),
        sa.UniqueConstraint("invoice_id", "fee_key", name=op.f("uq_adjusted_fees_invoice_id_fee_key")),
    )
