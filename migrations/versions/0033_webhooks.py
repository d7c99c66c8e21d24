"""Webhooks: endpoints, what is told to them, the attempts, the keys that sign."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("signature_algo", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("event_types", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True, comment="null is everything"),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_webhook_endpoints_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_webhook_endpoints_organization_id_id")),
        sa.UniqueConstraint("organization_id", "url", name=op.f("uq_webhook_endpoints_organization_id_url")),
    )
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="the order in which it happened"),
        sa.Column("webhook_type", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=True, comment="what it is about; webhooks about one thing go out in their order"),
        sa.Column("payload", sa.Text(), nullable=False, comment="the body, byte for byte"),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False, comment="attempts since it was queued, or asked for again"),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column(
            "created_at", postgresql.TIMESTAMP(timezone=True), nullable=False, comment="time of the organization; all others are real time"
        ),
        sa.Column("last_attempt_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column(
            "next_attempt_at", postgresql.TIMESTAMP(timezone=True), nullable=True, comment="null where nothing is to be sent any more"
        ),
        sa.CheckConstraint(
            "(next_attempt_at is not null) = (status in ('pending', 'retrying'))", name=op.f("ck_webhooks_waits_or_is_done")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "endpoint_id"],
            ["webhook_endpoints.organization_id", "webhook_endpoints.id"],
            name=op.f("fk_webhooks_organization_id_endpoint_id"),
            ondelete="cascade",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    op.create_index("ix_webhooks_done", "webhooks", ["last_attempt_at"], unique=False, postgresql_where=sa.text("next_attempt_at is null"))
    op.create_index("ix_webhooks_list", "webhooks", ["organization_id", sa.literal_column("place desc")], unique=False)
    op.create_index(
        "ix_webhooks_order",
        "webhooks",
        ["endpoint_id", "object_id", "place"],
        unique=False,
        postgresql_where=sa.text("next_attempt_at is not null"),
    )
    op.create_index(
        "ix_webhooks_waiting", "webhooks", ["endpoint_id", "place"], unique=False, postgresql_where=sa.text("next_attempt_at is not null")
    )
    op.create_table(
        "webhook_attempts",
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="from 1"),
        sa.Column("started_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("response", sa.Text(), nullable=True, comment="the beginning of what came back"),
        sa.Column("error", sa.Text(), nullable=True, comment="why nothing came back"),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_attempts_webhook_id"), ondelete="cascade"),
        sa.PrimaryKeyConstraint("webhook_id", "number", name=op.f("pk_webhook_attempts")),
    )
    op.create_table(
        "signing_keys",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("private_pem", sa.Text(), nullable=False, comment="PKCS 8"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_signing_keys")),
    )
    op.add_column(
        "organizations",
        sa.Column("hmac_key", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="signs its webhooks"),
    )
