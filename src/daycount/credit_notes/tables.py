"""Tables of credit notes and their items."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

credit_notes = sa.Table(
    "credit_notes",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("customer_id", sa.Uuid, nullable=False),
    sa.Column("billing_entity_id", sa.Uuid, nullable=False),
    sa.Column("invoice_id", sa.Uuid, nullable=False),
    sa.Column("invoice_number", sa.Text, nullable=False),
    sa.Column("sequential_id", sa.Integer, comment="place among the notes of its invoice; null for a draft"),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("purchase_order_number", sa.Text),
    sa.Column("issuing_date", sa.Date, nullable=False),
    sa.Column("credit_status", sa.Text, nullable=False),
    sa.Column("refund_status", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("total_amount_cents", sa.BigInteger, nullable=False),
    sa.Column("precise_total_amount_cents", sa.Numeric, nullable=False),
    sa.Column("taxes_amount_cents", sa.BigInteger, nullable=False),
    sa.Column("precise_taxes_amount_cents", sa.Numeric, nullable=False),
    sa.Column("taxes_rate", sa.Numeric, nullable=False),
    sa.Column("sub_total_excluding_taxes_amount_cents", sa.BigInteger, nullable=False),
    sa.Column("coupons_adjustment_amount_cents", sa.BigInteger, nullable=False),
    sa.Column("credit_amount_cents", sa.BigInteger, nullable=False),
    sa.Column("refund_amount_cents", sa.BigInteger, nullable=False),
    sa.Column("offset_amount_cents", sa.BigInteger, nullable=False),
    sa.Column("balance_amount_cents", sa.BigInteger, nullable=False, comment="what is left of the credit"),
    sa.Column("applied_taxes", JSONB, nullable=False, comment="the taxes as they were on the invoice"),
    sa.Column("metadata", JSONB(none_as_null=True)),
    sa.Column("self_billed", sa.Boolean, nullable=False),
    sa.Column("voided_at", _INSTANT),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("updated_at", _INSTANT, nullable=False),
    sa.Column("refunded_at", _INSTANT, comment="when the refund was said to have succeeded"),
    sa.UniqueConstraint("organization_id", "id"),
    sa.UniqueConstraint("invoice_id", "sequential_id"),
    sa.ForeignKeyConstraint(["organization_id", "customer_id"], ["customers.organization_id", "customers.id"]),
    sa.ForeignKeyConstraint(["organization_id", "invoice_id"], ["invoices.organization_id", "invoices.id"]),
    sa.CheckConstraint("total_amount_cents = credit_amount_cents + refund_amount_cents + offset_amount_cents", name="adds_up"),
    sa.CheckConstraint("balance_amount_cents between 0 and credit_amount_cents", name="balance_within_credit"),
    sa.Index("ix_credit_notes_list", "organization_id", sa.text("created_at desc"), "id"),
    sa.Index("ix_credit_notes_balance", "customer_id", "created_at", postgresql_where=sa.text("balance_amount_cents > 0")),
)

credit_note_items = sa.Table(
    "credit_note_items",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("credit_note_id", sa.Uuid, nullable=False),
    sa.Column("fee_id", sa.Uuid, nullable=False, comment="a fee keeps its id when its draft is computed again"),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("amount_cents", sa.BigInteger, nullable=False),
    sa.Column("precise_amount_cents", sa.Numeric, nullable=False),
    sa.ForeignKeyConstraint(["organization_id", "credit_note_id"], ["credit_notes.organization_id", "credit_notes.id"]),
    sa.Index("ix_credit_note_items_credit_note_id", "credit_note_id"),
    sa.Index("ix_credit_note_items_fee_id", "fee_id"),
)

credit_note_uses = sa.Table(
    "credit_note_uses",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("credit_note_id", sa.Uuid, nullable=False),
    sa.Column("invoice_id", sa.Uuid, nullable=False, comment="written before its invoice, in the same transaction"),
    sa.Column("amount_cents", sa.BigInteger, nullable=False),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("returned_at", _INSTANT, comment="when the invoice was voided and gave it back"),
    sa.ForeignKeyConstraint(["organization_id", "credit_note_id"], ["credit_notes.organization_id", "credit_notes.id"]),
    sa.Index("uq_credit_note_uses_invoice", "invoice_id", "credit_note_id", unique=True),
    sa.Index("ix_credit_note_uses_credit_note_id", "credit_note_id"),
)
