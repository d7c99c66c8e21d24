"""The table of connections to payment providers."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from daycount.infra.database import metadata

payment_providers = sa.Table(
    "payment_providers",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("provider_type", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("success_redirect_url", sa.Text),
    sa.Column("secret_key", sa.Text),
    sa.Column("webhook_secret", sa.Text, comment="null where no webhooks are heard"),
    sa.Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    sa.Column("updated_at", TIMESTAMP(timezone=True), nullable=False),
    sa.Column("deleted_at", TIMESTAMP(timezone=True)),
    sa.UniqueConstraint("organization_id", "id"),
    sa.Index("uq_payment_providers_code", "organization_id", "code", unique=True, postgresql_where=sa.text("deleted_at is null")),
)
