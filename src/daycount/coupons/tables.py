"""Tables of coupons and applied coupons."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

coupons = sa.Table(
    "coupons",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("coupon_type", sa.Text, nullable=False),
    sa.Column("amount_cents", sa.BigInteger),
    sa.Column("amount_currency", sa.Text),
    sa.Column("percentage_rate", sa.Numeric),
    sa.Column("frequency", sa.Text, nullable=False),
    sa.Column("frequency_duration", sa.Integer),
    sa.Column("expiration", sa.Text, nullable=False),
    sa.Column("expiration_at", _INSTANT),
    sa.Column("reusable", sa.Boolean, nullable=False),
    sa.Column("plan_ids", ARRAY(sa.Uuid), nullable=False),
    sa.Column("metric_ids", ARRAY(sa.Uuid), nullable=False),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("updated_at", _INSTANT, nullable=False),
    sa.Column("deleted_at", _INSTANT),
    sa.UniqueConstraint("organization_id", "id"),
    sa.Index("uq_coupons_code", "organization_id", "code", unique=True, postgresql_where=sa.text("deleted_at is null")),
)

applied_coupons = sa.Table(
    "applied_coupons",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("coupon_id", sa.Uuid, nullable=False),
    sa.Column("customer_id", sa.Uuid, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("amount_cents", sa.BigInteger),
    sa.Column("amount_currency", sa.Text),
    sa.Column("percentage_rate", sa.Numeric),
    sa.Column("frequency", sa.Text, nullable=False),
    sa.Column("frequency_duration", sa.Integer),
    sa.Column("frequency_duration_remaining", sa.Integer),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("updated_at", _INSTANT, nullable=False),
    sa.Column("terminated_at", _INSTANT),
    sa.UniqueConstraint("organization_id", "id"),
    sa.ForeignKeyConstraint(["organization_id", "coupon_id"], ["coupons.organization_id", "coupons.id"]),
    sa.ForeignKeyConstraint(["organization_id", "customer_id"], ["customers.organization_id", "customers.id"]),
    sa.CheckConstraint("(status = 'terminated') = (terminated_at is not null)", name="terminated_has_an_instant"),
    sa.Index("ix_applied_coupons_customer_id", "customer_id"),
    sa.Index("ix_applied_coupons_coupon_id", "coupon_id"),
)
