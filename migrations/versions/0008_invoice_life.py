"""The life of invoices: drafts, voids, disputes, what is overdue; settings of billing entities that it depends on."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_INSTANT = postgresql.TIMESTAMP(timezone=True)
_JSON = postgresql.JSONB(astext_type=sa.Text())
_FALSE = sa.text("false")


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    for column in (
        sa.Column("invoice_grace_period", sa.Integer(), nullable=False, server_default="0", comment="days an invoice stays a draft"),
        sa.Column("subscription_invoice_issuing_date_anchor", sa.Text(), nullable=False, server_default="next_period_start"),
        sa.Column("subscription_invoice_issuing_date_adjustment", sa.Text(), nullable=False, server_default="align_with_finalization_date"),
        sa.Column("document_numbering", sa.Text(), nullable=False, server_default="per_customer"),
        sa.Column("invoice_sequence", sa.Integer(), nullable=False, server_default="0", comment="last running number given to an invoice"),
    ):
        op.add_column("billing_entities", column)
    for column in (
        sa.Column("is_recurring", sa.Boolean(), nullable=False, server_default=_FALSE, comment="whether it closes a period"),
        sa.Column("expected_finalization_date", sa.Date(), nullable=True, comment="local date on which a draft is finalized"),
        sa.Column("payment_overdue", sa.Boolean(), nullable=False, server_default=_FALSE),
        sa.Column("payment_dispute_lost_at", _INSTANT, nullable=True),
        sa.Column("voided_at", _INSTANT, nullable=True),
        sa.Column("self_billed", sa.Boolean(), nullable=False, server_default=_FALSE),
        sa.Column("metadata", _JSON, nullable=False, server_default=sa.text("'[]'")),
        sa.Column("offset_amount_cents", sa.BigInteger(), nullable=False, server_default="0", comment="taken off what is due"),
        sa.Column("voided_invoice_id", sa.Uuid(), nullable=True, comment="the voided invoice that this one was made from"),
    ):
        op.add_column("invoices", column)
    op.add_column(
        "invoice_subscriptions", sa.Column("snapshot", _JSON, nullable=True, comment="what a draft is computed from again; null later")
    )
    op.create_index("ix_invoices_metadata", "invoices", ["metadata"], postgresql_using="gin", postgresql_ops={"metadata": "jsonb_path_ops"})
