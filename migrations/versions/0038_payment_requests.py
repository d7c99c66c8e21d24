"""Payment requests."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "payment_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("billing_entity_id", sa.Uuid(), nullable=False),
        sa.Column("dunning_campaign_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("payment_status", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "payment_status in ('pending', 'succeeded', 'failed')", name=op.f("ck_payment_requests_payment_status_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_payment_requests_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_payment_requests_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_requests")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_payment_requests_organization_id_id")),
    )
    op.create_index("ix_payment_requests_customer_id", "payment_requests", ["customer_id"], unique=False)
    op.create_index(
        "ix_payment_requests_list", "payment_requests", ["organization_id", sa.literal_column("created_at desc"), "id"], unique=False
    )
    op.create_table(
        "payment_request_invoices",
        sa.Column("payment_request_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("paid_amount_cents", sa.BigInteger(), nullable=False, comment="what was paid of the invoice with the request"),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoices.organization_id", "invoices.id"],
            name=op.f("fk_payment_request_invoices_organization_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["payment_request_id"], ["payment_requests.id"], name=op.f("fk_payment_request_invoices_payment_request_id")
        ),
        sa.PrimaryKeyConstraint("payment_request_id", "invoice_id", name=op.f("pk_payment_request_invoices")),
    )
    op.create_index("ix_payment_request_invoices_invoice_id", "payment_request_invoices", ["invoice_id"], unique=False)
    op.alter_column("payments", "invoice_id", nullable=True)
    op.add_column("payments", sa.Column("payment_request_id", sa.Uuid()))
    op.create_check_constraint(op.f("ck_payments_pays_one_thing"), "payments", "num_nonnulls(invoice_id, payment_request_id) = 1")
    op.create_foreign_key(
        op.f("fk_payments_organization_id_payment_request_id"),
        "payments",
        "payment_requests",
        ["organization_id", "payment_request_id"],
        ["organization_id", "id"],
    )
