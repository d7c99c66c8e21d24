"""The table of customers."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from daycount.customers.records import TEXT_FIELDS
from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

customers = sa.Table(
    "customers",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("billing_entity_id", sa.Uuid, nullable=False),
    sa.Column("external_id", sa.Text, nullable=False),
    sa.Column("sequential_id", sa.Integer, nullable=False),
    sa.Column("slug", sa.Text, nullable=False),
    *(sa.Column(name, sa.Text) for name in TEXT_FIELDS),
    sa.Column("account_type", sa.Text, nullable=False),
    sa.Column("net_payment_term", sa.Integer),
    sa.Column("finalize_zero_amount_invoice", sa.Text, nullable=False),
    sa.Column("skip_invoice_custom_sections", sa.Boolean, nullable=False),
    sa.Column("shipping_address", JSONB, nullable=False),
    sa.Column("billing_configuration", JSONB, nullable=False),
    sa.Column("metadata", JSONB, nullable=False),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("updated_at", _INSTANT, nullable=False),
    sa.Column("deleted_at", _INSTANT),
    sa.Column("applied_dunning_campaign_id", sa.Uuid, comment="null where the billing entity's counts"),
    sa.Column("exclude_from_dunning_campaign", sa.Boolean, nullable=False, server_default=sa.text("false")),
    sa.UniqueConstraint("organization_id", "id"),
    sa.UniqueConstraint("organization_id", "sequential_id"),
    sa.ForeignKeyConstraint(["organization_id", "billing_entity_id"], ["billing_entities.organization_id", "billing_entities.id"]),
    sa.Index("uq_customers_external_id", "organization_id", "external_id", unique=True, postgresql_where=sa.text("deleted_at is null")),
    sa.ForeignKeyConstraint(
        ["organization_id", "applied_dunning_campaign_id"], ["dunning_campaigns.organization_id", "dunning_campaigns.id"]
    ),
    sa.Index("ix_customers_dunning", "applied_dunning_campaign_id", postgresql_where=sa.text("applied_dunning_campaign_id is not null")),
    sa.Index(
        "ix_customers_provider_customer_id",
        "organization_id",
        sa.text("(billing_configuration ->> 'provider_customer_id')"),
        postgresql_where=sa.text("billing_configuration ? 'provider_customer_id'"),
    ),
    sa.Index("ix_customers_list", "organization_id", sa.text("created_at desc"), "id"),
)

invoice_sequences = sa.Table(
    "invoice_sequences",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    sa.Column("customer_id", sa.Uuid, primary_key=True),
    sa.Column("billing_entity_id", sa.Uuid, primary_key=True),
    sa.Column("last_number", sa.Integer, nullable=False, comment="last number the entity gave to an invoice of the customer"),
    sa.ForeignKeyConstraint(["organization_id", "customer_id"], ["customers.organization_id", "customers.id"]),
    sa.ForeignKeyConstraint(["organization_id", "billing_entity_id"], ["billing_entities.organization_id", "billing_entities.id"]),
)
