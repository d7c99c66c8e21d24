"""The table of payment methods."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from daycount.infra.database import metadata

payment_methods = sa.Table(
    "payment_methods",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("customer_id", sa.Uuid, nullable=False),
    sa.Column("provider_id", sa.Uuid, nullable=False),
    sa.Column("provider_method_id", sa.Text, nullable=False),
    sa.Column("is_default", sa.Boolean, nullable=False),
    sa.Column("details", JSONB, nullable=False, comment="what the provider says of it: brand, last digits, expiry"),
    sa.Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    sa.Column("deleted_at", TIMESTAMP(timezone=True)),
    sa.UniqueConstraint("organization_id", "id"),
    sa.ForeignKeyConstraint(["organization_id", "customer_id"], ["customers.organization_id", "customers.id"]),
    sa.ForeignKeyConstraint(["organization_id", "provider_id"], ["payment_providers.organization_id", "payment_providers.id"]),
    sa.Index("uq_payment_methods_default", "customer_id", unique=True, postgresql_where=sa.text("is_default and deleted_at is null")),
    sa.Index(
        "uq_payment_methods_provider_method_id",
        "customer_id",
        "provider_id",
        "provider_method_id",
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    ),
)
