"""Webhooks of payment providers, and the secrets of connections."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.add_column("payment_providers", sa.Column("secret_key", sa.Text(), nullable=True))
    op.add_column("payment_providers", sa.Column("webhook_secret", sa.Text(), nullable=True, comment="null where no webhooks are heard"))
    op.create_index(
        "ix_customers_provider_customer_id",
        "customers",
        ["organization_id", sa.text("(billing_configuration ->> 'provider_customer_id')")],
        unique=False,
        postgresql_where=sa.text("billing_configuration ? 'provider_customer_id'"),
    )
    op.create_table(
        "provider_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False, comment="what the provider calls it"),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column(
            "removed_method_id",
            sa.Text(),
            nullable=True,
            comment="the payment method it says is gone, so that nothing older brings it back",
        ),
        sa.Column("payload", sa.Text(), nullable=False, comment="the body as it came"),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "provider_id"],
            ["payment_providers.organization_id", "payment_providers.id"],
            name=op.f("fk_provider_events_organization_id_provider_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_provider_events_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_events")),
        sa.UniqueConstraint("provider_id", "event_id", name=op.f("uq_provider_events_provider_id_event_id")),
    )
    op.create_index("ix_provider_events_received_at", "provider_events", ["provider_id", "received_at"], unique=False)
    op.create_index(
        "ix_provider_events_removed",
        "provider_events",
        ["provider_id", "removed_method_id"],
        unique=False,
        postgresql_where=sa.text("removed_method_id is not null"),
    )
