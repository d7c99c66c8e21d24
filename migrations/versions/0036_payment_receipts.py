"""Receipts of payments."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_unique_constraint(op.f("uq_payments_organization_id_id"), "payments", ["organization_id", "id"])
    op.create_table(
        "payment_receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("sequential_id", sa.Integer(), nullable=False, comment="counts the customer's receipts from 1"),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_payment_receipts_organization_id")),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_payment_receipts_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "payment_id"],
            ["payments.organization_id", "payments.id"],
            name=op.f("fk_payment_receipts_organization_id_payment_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_receipts")),
        sa.UniqueConstraint("customer_id", "sequential_id", name=op.f("uq_payment_receipts_customer_id_sequential_id")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_payment_receipts_payment_id")),
    )
    op.create_index(
        "ix_payment_receipts_list", "payment_receipts", ["organization_id", sa.literal_column("created_at desc"), "id"], unique=False
    )
