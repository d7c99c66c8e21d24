"""The table of refunds by providers."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from daycount.infra.database import metadata

payment_refunds = sa.Table(
    "payment_refunds",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("customer_id", sa.Uuid, nullable=False),
    sa.Column("credit_note_id", sa.Uuid, nullable=False),
    sa.Column("payment_id", sa.Uuid, nullable=False),
    sa.Column("provider_id", sa.Uuid, nullable=False),
    sa.Column("amount_cents", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    sa.Column("provider_refund_id", sa.Text, comment="null until the provider was asked"),
    sa.Column("provider_status", sa.Text),
    sa.Column("error_code", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0"), comment="how often it was asked in vain"),
    sa.CheckConstraint("status in ('pending', 'succeeded', 'failed')", name="status_is_known"),
    sa.CheckConstraint("amount_cents > 0", name="amount_is_positive"),
    # What a credit note gives back is given back once.
    sa.UniqueConstraint("credit_note_id"),
    sa.ForeignKeyConstraint(["organization_id", "customer_id"], ["customers.organization_id", "customers.id"]),
    sa.ForeignKeyConstraint(["organization_id", "credit_note_id"], ["credit_notes.organization_id", "credit_notes.id"]),
    sa.ForeignKeyConstraint(["organization_id", "payment_id"], ["payments.organization_id", "payments.id"]),
    sa.ForeignKeyConstraint(["organization_id", "provider_id"], ["payment_providers.organization_id", "payment_providers.id"]),
    sa.Index("ix_payment_refunds_payment_id", "payment_id"),
    sa.Index("uq_payment_refunds_provider_refund_id", "provider_id", "provider_refund_id", unique=True),
)
