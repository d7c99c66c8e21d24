"""Charges in advance: fees that stand alone, one for each event, and where the buckets they are for stand."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_INSTANT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.alter_column("fees", "invoice_id", existing_type=sa.Uuid(), nullable=True, comment="null for a fee that stands alone")
    for column in (
        sa.Column("invoiceable", sa.Boolean(), nullable=False, server_default=sa.text("true")),
        sa.Column("event_key", sa.Uuid(), nullable=True, comment="the event that a fee in advance is for"),
        sa.Column("event_transaction_id", sa.Text(), nullable=True),
        sa.Column("succeeded_at", _INSTANT, nullable=True),
        sa.Column("failed_at", _INSTANT, nullable=True),
        sa.Column("refunded_at", _INSTANT, nullable=True),
        sa.Column("deleted_at", _INSTANT, nullable=True),
    ):
        op.add_column("fees", column)
    op.execute("update fees set succeeded_at = created_at where payment_status = 'succeeded'")
    op.create_index("uq_fees_event", "fees", ["event_key", "charge_id"], unique=True, postgresql_where=sa.text("event_key is not null"))
    op.create_index("ix_fees_alone", "fees", ["subscription_id"], postgresql_where=sa.text("invoice_id is null"))
    op.drop_index("uq_invoice_subscriptions_instant", table_name="invoice_subscriptions")
    op.create_index(
        "uq_invoice_subscriptions_instant",
        "invoice_subscriptions",
        ["subscription_id", "invoicing_reason", "billed_at"],
        unique=True,
        postgresql_where=sa.text("invoicing_reason <> 'in_advance_charge'"),
    )
    op.create_table(
        "advance_steps",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("event_key", sa.Uuid(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("period_start", _INSTANT, nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False, comment="JSON: the filter's id, then the values of the group"),
        sa.Column("ordinal", sa.Integer(), nullable=False, comment="place of the event in its bucket and period, from 1"),
        sa.Column("member", sa.Text(), nullable=True, comment="the counted value"),
        sa.Column("change", sa.Numeric(), nullable=False, comment="what the event changed the units by"),
        sa.Column("billed", sa.Numeric(), nullable=False, comment="units it billed"),
        sa.Column("is_value", sa.Boolean(), nullable=False, comment="whether it counts as an event that brought units"),
        sa.Column("current", sa.Numeric(), nullable=False),
        sa.Column("maximum", sa.Numeric(), nullable=False),
        sa.Column("maximum_prorated", sa.Numeric(), nullable=False),
        sa.Column("events_count", sa.BigInteger(), nullable=False),
        sa.Column("event_cents", sa.Numeric(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_advance_steps_organization_id")),
        sa.ForeignKeyConstraint(
            ["organization_id", "subscription_id"],
            ["subscriptions.organization_id", "subscriptions.id"],
            name=op.f("fk_advance_steps_organization_id_subscription_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "charge_id"],
            ["charges.organization_id", "charges.id"],
            name=op.f("fk_advance_steps_organization_id_charge_id"),
        ),
        sa.PrimaryKeyConstraint("event_key", "charge_id", name=op.f("pk_advance_steps")),
    )
    op.create_index(
        "uq_advance_steps_ordinal",
        "advance_steps",
        ["subscription_id", "charge_id", "period_start", "bucket", "ordinal"],
        unique=True,
    )
