"""Tables of payment requests."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

payment_requests = sa.Table(
    "payment_requests",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("customer_id", sa.Uuid, nullable=False),
    sa.Column("billing_entity_id", sa.Uuid, nullable=False),
    sa.Column("dunning_campaign_id", sa.Uuid),
    sa.Column("email", sa.Text),
    sa.Column("amount_cents", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("payment_status", sa.Text, nullable=False),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("updated_at", _INSTANT, nullable=False),
    sa.UniqueConstraint("organization_id", "id"),
    sa.ForeignKeyConstraint(["organization_id", "customer_id"], ["customers.organization_id", "customers.id"]),
    sa.CheckConstraint("payment_status in ('pending', 'succeeded', 'failed')", name="payment_status_is_known"),
    sa.Index("ix_payment_requests_list", "organization_id", sa.text("created_at desc"), "id"),
    sa.Index("ix_payment_requests_customer_id", "customer_id"),
)

payment_request_invoices = sa.Table(
    "payment_request_invoices",
    metadata,
    sa.Column("payment_request_id", sa.Uuid, sa.ForeignKey("payment_requests.id"), primary_key=True),
    sa.Column("invoice_id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, nullable=False),
    sa.Column("paid_amount_cents", sa.BigInteger, nullable=False, comment="what was paid of the invoice with the request"),
    sa.ForeignKeyConstraint(["organization_id", "invoice_id"], ["invoices.organization_id", "invoices.id"]),
    sa.Index("ix_payment_request_invoices_invoice_id", "invoice_id"),
)
