"""Dunning campaigns, to whom they are applied, and their attempts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "dunning_campaigns",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("bcc_emails", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("days_between_attempts", sa.Integer(), nullable=False),
        sa.Column(
            "thresholds", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="id, currency and amount in minor units of each"
        ),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("max_attempts > 0 and days_between_attempts > 0", name=op.f("ck_dunning_campaigns_counts_are_positive")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_dunning_campaigns_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dunning_campaigns")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_dunning_campaigns_organization_id_id")),
    )
    op.create_index(
        "uq_dunning_campaigns_code",
        "dunning_campaigns",
        ["organization_id", "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )
    op.create_table(
        "dunning_attempts",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("attempted_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="from 1, since the count began"),
        sa.Column("counts", sa.Boolean(), server_default=sa.text("true"), nullable=False, comment="false once the count began anew"),
        sa.Column("paces", sa.Boolean(), server_default=sa.text("true"), nullable=False, comment="whether the next attempt waits for it"),
        sa.ForeignKeyConstraint(
            ["organization_id", "campaign_id"],
            ["dunning_campaigns.organization_id", "dunning_campaigns.id"],
            name=op.f("fk_dunning_attempts_organization_id_campaign_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_dunning_attempts_organization_id_customer_id"),
        ),
        sa.PrimaryKeyConstraint("customer_id", "currency", "attempted_at", name=op.f("pk_dunning_attempts")),
    )
    op.add_column("customers", sa.Column("applied_dunning_campaign_id", sa.Uuid(), comment="null where the billing entity's counts"))
    op.add_column("customers", sa.Column("exclude_from_dunning_campaign", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.create_foreign_key(
        op.f("fk_customers_organization_id_applied_dunning_campaign_id"),
        "customers",
        "dunning_campaigns",
        ["organization_id", "applied_dunning_campaign_id"],
        ["organization_id", "id"],
    )
    op.create_index(
        "ix_customers_dunning",
        "customers",
        ["applied_dunning_campaign_id"],
        unique=False,
        postgresql_where=sa.text("applied_dunning_campaign_id is not null"),
    )
    op.add_column(
        "billing_entities",
        sa.Column("applied_dunning_campaign_id", sa.Uuid(), comment="what counts for its customers without one of their own"),
    )
    op.create_foreign_key(
        op.f("fk_billing_entities_organization_id_applied_dunning_campaign_id"),
        "billing_entities",
        "dunning_campaigns",
        ["organization_id", "applied_dunning_campaign_id"],
        ["organization_id", "id"],
    )
