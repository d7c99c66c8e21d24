"""The table of units of fixed charges; rows are only added."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

fixed_charge_units = sa.Table(
    "fixed_charge_units",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("subscription_id", sa.Uuid, nullable=False),
    sa.Column("fixed_charge_id", sa.Uuid, nullable=False),
    sa.Column("units", sa.Numeric, nullable=False),
    sa.Column("effective_at", _INSTANT, nullable=False, comment="the units count from this instant on"),
    sa.Column("is_override", sa.Boolean, nullable=False, comment="given to the subscription itself, not by its plan"),
    sa.Column("is_unbilled", sa.Boolean, nullable=False, comment="to be billed at once, and not yet"),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.ForeignKeyConstraint(["organization_id", "subscription_id"], ["subscriptions.organization_id", "subscriptions.id"]),
    sa.ForeignKeyConstraint(["organization_id", "fixed_charge_id"], ["fixed_charges.organization_id", "fixed_charges.id"]),
    sa.Index("ix_fixed_charge_units_subscription_id", "subscription_id", "fixed_charge_id", "id"),
    sa.Index("ix_fixed_charge_units_fixed_charge_id", "fixed_charge_id"),
)
