"""Coupons, what is given to customers of them, and the credits on invoices."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_INSTANT = postgresql.TIMESTAMP(timezone=True)


def _worth() -> list[sa.Column[Any]]:
    return [
        sa.Column("amount_cents", sa.BigInteger(), nullable=True),
        sa.Column("amount_currency", sa.Text(), nullable=True),
        sa.Column("percentage_rate", sa.Numeric(), nullable=True),
        sa.Column("frequency", sa.Text(), nullable=False),
        sa.Column("frequency_duration", sa.Integer(), nullable=True),
    ]


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    _create_coupons()
    _create_applied_coupons()
    _create_credits()
    for name in ("prepaid_granted_credit_amount_cents", "prepaid_purchased_credit_amount_cents"):
        op.add_column("invoices", sa.Column(name, sa.BigInteger(), nullable=True))


def _create_coupons() -> None:
    op.create_table(
        "coupons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("coupon_type", sa.Text(), nullable=False),
        *_worth(),
        sa.Column("expiration", sa.Text(), nullable=False),
        sa.Column("expiration_at", _INSTANT, nullable=True),
        sa.Column("reusable", sa.Boolean(), nullable=False),
        sa.Column("plan_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("metric_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("deleted_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_coupons_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupons")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_coupons_organization_id_id")),
    )
    op.create_index("uq_coupons_code", "coupons", ["organization_id", "code"], unique=True, postgresql_where=sa.text("deleted_at is null"))


def _create_applied_coupons() -> None:
    op.create_table(
        "applied_coupons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        *_worth(),
        sa.Column("frequency_duration_remaining", sa.Integer(), nullable=True),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("terminated_at", _INSTANT, nullable=True),
        sa.CheckConstraint(
            "(status = 'terminated') = (terminated_at is not null)", name=op.f("ck_applied_coupons_terminated_has_an_instant")
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_applied_coupons_organization_id")),
        sa.ForeignKeyConstraint(
            ["organization_id", "coupon_id"],
            ["coupons.organization_id", "coupons.id"],
            name=op.f("fk_applied_coupons_organization_id_coupon_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_applied_coupons_organization_id_customer_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applied_coupons")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_applied_coupons_organization_id_id")),
    )
    op.create_index("ix_applied_coupons_customer_id", "applied_coupons", ["customer_id"])
    op.create_index("ix_applied_coupons_coupon_id", "applied_coupons", ["coupon_id"])


def _create_credits() -> None:
    op.create_table(
        "credits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False, comment="applied coupon, credit note or progressive invoice"),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("item", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="the source as it was called then"),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("ck_credits_not_negative")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_credits_organization_id")),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoices.organization_id", "invoices.id"],
            name=op.f("fk_credits_organization_id_invoice_id"),
            deferrable=True,
            initially="deferred",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credits")),
    )
    op.create_index("uq_credits_source", "credits", ["invoice_id", "source_id"], unique=True)
    op.create_index("ix_credits_source_id", "credits", ["source_id"])
