"""The tables of payments, of receipts for them, and of what belongs to payments by providers."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from daycount.infra.database import metadata

_UNDER_WAY = sa.text("payment_type = 'provider' and status in ('pending', 'processing')")

payments = sa.Table(
    "payments",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("customer_id", sa.Uuid, nullable=False),
    sa.Column("invoice_id", sa.Uuid),
    sa.Column("payment_request_id", sa.Uuid),
    sa.Column("amount_cents", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("payment_type", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reference", sa.Text),
    sa.Column("created_at", TIMESTAMP(timezone=True), nullable=False, comment="when it was paid"),
    sa.Column("provider_id", sa.Uuid, comment="null for one that somebody recorded"),
    sa.Column("provider_payment_id", sa.Text, comment="null until the provider was asked"),
    sa.Column("provider_customer_id", sa.Text),
    sa.Column("provider_method_id", sa.Text),
    sa.Column("payment_method_id", sa.Uuid),
    sa.Column("provider_status", sa.Text),
    sa.Column("error_code", sa.Text),
    sa.Column("next_action", JSONB, nullable=False, server_default=sa.text("'{}'")),
    sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0"), comment="how often it was asked in vain"),
    sa.Column("confirmed_at", TIMESTAMP(timezone=True), comment="when the provider said its last word"),
    sa.CheckConstraint("status in ('pending', 'processing', 'succeeded', 'failed')", name="status_is_known"),
    sa.CheckConstraint("(payment_type = 'provider') = (provider_id is not null)", name="provider_is_named"),
    sa.CheckConstraint("amount_cents > 0", name="amount_is_positive"),
    sa.CheckConstraint("num_nonnulls(invoice_id, payment_request_id) = 1", name="pays_one_thing"),
    sa.ForeignKeyConstraint(["organization_id", "payment_request_id"], ["payment_requests.organization_id", "payment_requests.id"]),
    sa.ForeignKeyConstraint(["organization_id", "invoice_id"], ["invoices.organization_id", "invoices.id"]),
    sa.ForeignKeyConstraint(["organization_id", "customer_id"], ["customers.organization_id", "customers.id"]),
    sa.UniqueConstraint("organization_id", "id"),
    sa.Index("ix_payments_list", "organization_id", sa.text("created_at desc"), "id"),
    sa.Index("ix_payments_invoice_id", "invoice_id"),
    sa.ForeignKeyConstraint(["organization_id", "provider_id"], ["payment_providers.organization_id", "payment_providers.id"]),
    # At most one payment of a thing is under way at providers.
    sa.Index("uq_payments_under_way_invoice", "invoice_id", unique=True, postgresql_where=_UNDER_WAY),
    sa.Index("uq_payments_under_way_request", "payment_request_id", unique=True, postgresql_where=_UNDER_WAY),
    sa.Index("uq_payments_provider_payment_id", "provider_id", "provider_payment_id", unique=True),
)

payment_receipts = sa.Table(
    "payment_receipts",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("customer_id", sa.Uuid, nullable=False),
    sa.Column("payment_id", sa.Uuid, nullable=False),
    sa.Column("sequential_id", sa.Integer, nullable=False, comment="counts the customer's receipts from 1"),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    sa.UniqueConstraint("customer_id", "sequential_id"),
    sa.UniqueConstraint("payment_id"),
    sa.ForeignKeyConstraint(["organization_id", "payment_id"], ["payments.organization_id", "payments.id"]),
    sa.ForeignKeyConstraint(["organization_id", "customer_id"], ["customers.organization_id", "customers.id"]),
    sa.Index("ix_payment_receipts_list", "organization_id", sa.text("created_at desc"), "id"),
)

payment_choices = sa.Table(
    "payment_choices",
    metadata,
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("invoice_id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("method_id", sa.Uuid, comment="null for the customer's default"),
    sa.ForeignKeyConstraint(["organization_id", "invoice_id"], ["invoices.organization_id", "invoices.id"]),
)
