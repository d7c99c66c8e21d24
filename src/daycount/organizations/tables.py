"""Tables of organizations, billing entities, keys and test clocks."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

organizations = sa.Table(
    "organizations",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.Text),
    sa.Column("country", sa.Text),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("customer_sequence", sa.Integer, nullable=False, server_default="0", comment="last sequential_id given to a customer"),
    sa.Column("catalog_version", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("hmac_key", sa.Uuid, nullable=False, server_default=sa.text("gen_random_uuid()"), comment="signs its webhooks"),
)

billing_entities = sa.Table(
    "billing_entities",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("is_default", sa.Boolean, nullable=False),
    sa.Column("default_currency", sa.Text, nullable=False),
    sa.Column("timezone", sa.Text, nullable=False),
    sa.Column("document_number_prefix", sa.Text, nullable=False),
    sa.Column("net_payment_term", sa.Integer, nullable=False),
    sa.Column("finalize_zero_amount_invoice", sa.Boolean, nullable=False),
    sa.Column("invoice_grace_period", sa.Integer, nullable=False, server_default="0", comment="days an invoice stays a draft"),
    sa.Column("subscription_invoice_issuing_date_anchor", sa.Text, nullable=False, server_default="next_period_start"),
    sa.Column("subscription_invoice_issuing_date_adjustment", sa.Text, nullable=False, server_default="align_with_finalization_date"),
    sa.Column("document_numbering", sa.Text, nullable=False, server_default="per_customer"),
    sa.Column("invoice_sequence", sa.Integer, nullable=False, server_default="0", comment="last running number given to an invoice"),
    sa.Column("texts", JSONB, nullable=False, server_default=sa.text("'{}'"), comment="address, legal names and numbers"),
    sa.Column("email_settings", JSONB, nullable=False, server_default=sa.text("'[]'")),
    sa.Column("invoice_footer", sa.Text),
    sa.Column("document_locale", sa.Text, nullable=False, server_default="en"),
    sa.Column("eu_tax_management", sa.Boolean, nullable=False, server_default=sa.text("false")),
    sa.Column("einvoicing", sa.Boolean, nullable=False, server_default=sa.text("false")),
    sa.Column("logo_name", sa.Text, comment="name of the file of its logo"),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("updated_at", _INSTANT, nullable=False, server_default=sa.text("'epoch'")),
    sa.Column("applied_dunning_campaign_id", sa.Uuid, comment="what counts for its customers without one of their own"),
    sa.UniqueConstraint("organization_id", "id"),
    sa.UniqueConstraint("organization_id", "code"),
    sa.ForeignKeyConstraint(
        ["organization_id", "applied_dunning_campaign_id"], ["dunning_campaigns.organization_id", "dunning_campaigns.id"]
    ),
    sa.Index("uq_billing_entities_default", "organization_id", unique=True, postgresql_where=sa.text("is_default")),
)

billing_entity_logos = sa.Table(
    "billing_entity_logos",
    metadata,
    sa.Column("entity_id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False, unique=True, comment="what its address ends in; whoever knows it may read the file"),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.CheckConstraint("format in ('png', 'jpeg')", name="format_is_known"),
    sa.ForeignKeyConstraint(["organization_id", "entity_id"], ["billing_entities.organization_id", "billing_entities.id"]),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True, comment="SHA-256 of the key"),
    sa.Column("last_four", sa.Text, nullable=False),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("expires_at", _INSTANT),
    sa.Column("name", sa.Text),
    sa.Column("permissions", JSONB, comment="modes by resource; null is everything"),
    sa.Column("last_used_at", _INSTANT, comment="to the hour"),
    sa.Index("ix_api_keys_organization_id", "organization_id"),
)

test_clocks = sa.Table(
    "test_clocks",
    metadata,
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), primary_key=True),
    sa.Column("frozen_time", _INSTANT, nullable=False),
    sa.Column("advancing_to", _INSTANT),
    sa.CheckConstraint("advancing_to is null or advancing_to >= frozen_time", name="advances_forward"),
)

server_secrets = sa.Table(
    "server_secrets",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False),
)
