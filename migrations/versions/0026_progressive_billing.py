"""Progressive billing: which usage thresholds were reached; several progressive invoices of one instant."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_INSTANT = postgresql.TIMESTAMP(timezone=True)
_UNIQUE = "uq_invoice_subscriptions_instant"


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.drop_index(_UNIQUE, table_name="invoice_subscriptions")
    op.create_index(
        _UNIQUE,
        "invoice_subscriptions",
        ["subscription_id", "invoicing_reason", "billed_at"],
        unique=True,
        postgresql_where=sa.text("invoicing_reason not in ('in_advance_charge', 'progressive_billing')"),
    )
    op.create_table(
        "applied_usage_thresholds",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("lifetime_usage_id", sa.Uuid(), nullable=False),
        sa.Column("threshold_id", sa.Uuid(), nullable=False),
        sa.Column("level_cents", sa.BigInteger(), nullable=False, comment="where a recurring threshold stood"),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=True, comment="null where nothing was left to bill"),
        sa.Column("lifetime_usage_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("threshold", postgresql.JSONB(), nullable=False, comment="the threshold as it was"),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_applied_usage_thresholds_organization_id")),
        sa.ForeignKeyConstraint(
            ["organization_id", "subscription_id"],
            ["subscriptions.organization_id", "subscriptions.id"],
            name=op.f("fk_applied_usage_thresholds_organization_id_subscription_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoices.organization_id", "invoices.id"],
            name=op.f("fk_applied_usage_thresholds_organization_id_invoice_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "lifetime_usage_id", "threshold_id", "level_cents", name=op.f("pk_applied_usage_thresholds")
        ),
    )
    op.create_index(
        "ix_applied_usage_thresholds_invoice_id",
        "applied_usage_thresholds",
        ["invoice_id"],
        unique=False,
        postgresql_where=sa.text("invoice_id is not null"),
    )
