"""The tables of payments and of receipts for them."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from daycount.infra.database import metadata

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
    sa.CheckConstraint("amount_cents > 0", name="amount_is_positive"),
    sa.CheckConstraint("num_nonnulls(invoice_id, payment_request_id) = 1", name="pays_one_thing"),
    sa.ForeignKeyConstraint(["organization_id", "payment_request_id"], ["payment_requests.organization_id", "payment_requests.id"]),
    sa.ForeignKeyConstraint(["organization_id", "invoice_id"], ["invoices.organization_id", "invoices.id"]),
    sa.ForeignKeyConstraint(["organization_id", "customer_id"], ["customers.organization_id", "customers.id"]),
    sa.UniqueConstraint("organization_id", "id"),
    sa.Index("ix_payments_list", "organization_id", sa.text("created_at desc"), "id"),
    sa.Index("ix_payments_invoice_id", "invoice_id"),
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
