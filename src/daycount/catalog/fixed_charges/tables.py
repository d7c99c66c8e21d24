"""The table of fixed charges."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

fixed_charges = sa.Table(
    "fixed_charges",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("plan_id", sa.Uuid, nullable=False),
    sa.Column("add_on_id", sa.Uuid, nullable=False),
    sa.Column("position", sa.Integer, nullable=False, comment="order within the plan, as given"),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("charge_model", sa.Text, nullable=False),
    sa.Column("invoice_display_name", sa.Text),
    sa.Column("pay_in_advance", sa.Boolean, nullable=False),
    sa.Column("prorated", sa.Boolean, nullable=False),
    sa.Column("units", sa.Numeric, nullable=False),
    sa.Column("properties", JSONB, nullable=False),
    sa.Column("parent_id", sa.Uuid, comment="the fixed charge of the overridden plan"),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("deleted_at", _INSTANT),
    sa.UniqueConstraint("organization_id", "id"),
    sa.ForeignKeyConstraint(["organization_id", "plan_id"], ["plans.organization_id", "plans.id"]),
    sa.ForeignKeyConstraint(["organization_id", "add_on_id"], ["add_ons.organization_id", "add_ons.id"]),
    sa.ForeignKeyConstraint(["organization_id", "parent_id"], ["fixed_charges.organization_id", "fixed_charges.id"]),
    sa.Index("uq_fixed_charges_code", "plan_id", "code", unique=True, postgresql_where=sa.text("deleted_at is null")),
    sa.Index("ix_fixed_charges_add_on_id", "add_on_id"),
    sa.Index("ix_fixed_charges_parent_id", "parent_id", postgresql_where=sa.text("parent_id is not null")),
)
