"""Refunds that providers carry out."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "payment_refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("credit_note_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("provider_refund_id", sa.Text(), nullable=True, comment="null until the provider was asked"),
        sa.Column("provider_status", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="how often it was asked in vain"),
        sa.CheckConstraint("status in ('pending', 'succeeded', 'failed')", name=op.f("ck_payment_refunds_status_is_known")),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_payment_refunds_amount_is_positive")),
        sa.ForeignKeyConstraint(
            ["organization_id", "credit_note_id"],
            ["credit_notes.organization_id", "credit_notes.id"],
            name=op.f("fk_payment_refunds_organization_id_credit_note_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_payment_refunds_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "payment_id"],
            ["payments.organization_id", "payments.id"],
            name=op.f("fk_payment_refunds_organization_id_payment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "provider_id"],
            ["payment_providers.organization_id", "payment_providers.id"],
            name=op.f("fk_payment_refunds_organization_id_provider_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_payment_refunds_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_refunds")),
        sa.UniqueConstraint("credit_note_id", name=op.f("uq_payment_refunds_credit_note_id")),
    )
    op.create_index("ix_payment_refunds_payment_id", "payment_refunds", ["payment_id"], unique=False)
    op.create_index("uq_payment_refunds_provider_refund_id", "payment_refunds", ["provider_id", "provider_refund_id"], unique=True)

    op.add_column(
        "credit_notes",
        sa.Column("refunded_at", postgresql.TIMESTAMP(timezone=True), nullable=True, comment="when the refund was said to have succeeded"),
    )
