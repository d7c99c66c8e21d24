"""Credit notes, their items, and what invoices use of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_INSTANT = postgresql.TIMESTAMP(timezone=True)
_JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "credit_notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("billing_entity_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_number", sa.Text(), nullable=False),
        sa.Column("sequential_id", sa.Integer(), nullable=True, comment="place among the notes of its invoice; null for a draft"),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("purchase_order_number", sa.Text(), nullable=True),
        sa.Column("issuing_date", sa.Date(), nullable=False),
        sa.Column("credit_status", sa.Text(), nullable=False),
        sa.Column("refund_status", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("precise_total_amount_cents", sa.Numeric(), nullable=False),
        sa.Column("taxes_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("precise_taxes_amount_cents", sa.Numeric(), nullable=False),
        sa.Column("taxes_rate", sa.Numeric(), nullable=False),
        sa.Column("sub_total_excluding_taxes_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("coupons_adjustment_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("credit_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("refund_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("offset_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("balance_amount_cents", sa.BigInteger(), nullable=False, comment="what is left of the credit"),
        sa.Column("applied_taxes", _JSON, nullable=False, comment="the taxes as they were on the invoice"),
        sa.Column("metadata", _JSON, nullable=True),
        sa.Column("self_billed", sa.Boolean(), nullable=False),
        sa.Column("voided_at", _INSTANT, nullable=True),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.CheckConstraint(
            "total_amount_cents = credit_amount_cents + refund_amount_cents + offset_amount_cents", name=op.f("ck_credit_notes_adds_up")
        ),
        sa.CheckConstraint("balance_amount_cents between 0 and credit_amount_cents", name=op.f("ck_credit_notes_balance_within_credit")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_credit_notes_organization_id")),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_credit_notes_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoices.organization_id", "invoices.id"],
            name=op.f("fk_credit_notes_organization_id_invoice_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_notes")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_credit_notes_organization_id_id")),
        sa.UniqueConstraint("invoice_id", "sequential_id", name=op.f("uq_credit_notes_invoice_id_sequential_id")),
    )
    op.create_index("ix_credit_notes_list", "credit_notes", ["organization_id", sa.text("created_at desc"), "id"])
    op.create_index(
        "ix_credit_notes_balance", "credit_notes", ["customer_id", "created_at"], postgresql_where=sa.text("balance_amount_cents > 0")
    )
    op.create_table(
        "credit_note_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("credit_note_id", sa.Uuid(), nullable=False),
        sa.Column("fee_id", sa.Uuid(), nullable=False, comment="a fee keeps its id when its draft is computed again"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("precise_amount_cents", sa.Numeric(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_credit_note_items_organization_id")),
        sa.ForeignKeyConstraint(
            ["organization_id", "credit_note_id"],
            ["credit_notes.organization_id", "credit_notes.id"],
            name=op.f("fk_credit_note_items_organization_id_credit_note_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_note_items")),
    )
    op.create_index("ix_credit_note_items_credit_note_id", "credit_note_items", ["credit_note_id"])
    op.create_index("ix_credit_note_items_fee_id", "credit_note_items", ["fee_id"])
    op.create_table(
        "credit_note_uses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("credit_note_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False, comment="written before its invoice, in the same transaction"),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("returned_at", _INSTANT, nullable=True, comment="when the invoice was voided and gave it back"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_credit_note_uses_organization_id")),
        sa.ForeignKeyConstraint(
            ["organization_id", "credit_note_id"],
            ["credit_notes.organization_id", "credit_notes.id"],
            name=op.f("fk_credit_note_uses_organization_id_credit_note_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_note_uses")),
    )
    op.create_index("uq_credit_note_uses_invoice", "credit_note_uses", ["invoice_id", "credit_note_id"], unique=True)
    op.create_index("ix_credit_note_uses_credit_note_id", "credit_note_uses", ["credit_note_id"])
