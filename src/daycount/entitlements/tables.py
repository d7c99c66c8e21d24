"""Tables of features and entitlements."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

features = sa.Table(
    "features",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("description", sa.Text),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("updated_at", _INSTANT, nullable=False),
    sa.Column("deleted_at", _INSTANT),
    sa.UniqueConstraint("organization_id", "id"),
    sa.Index("uq_features_code", "organization_id", "code", unique=True, postgresql_where=sa.text("deleted_at is null")),
)

privileges = sa.Table(
    "privileges",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("feature_id", sa.Uuid, sa.ForeignKey("features.id"), nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("value_type", sa.Text, nullable=False),
    sa.Column("select_options", ARRAY(sa.Text), nullable=False),
    sa.Column("deleted_at", _INSTANT),
    sa.Index("uq_privileges_code", "feature_id", "code", unique=True, postgresql_where=sa.text("deleted_at is null")),
)

entitlements = sa.Table(
    "entitlements",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("feature_id", sa.Uuid, nullable=False),
    sa.Column("owner_id", sa.Uuid, nullable=False, comment="A plan, or a subscription that has it by itself."),
    sa.UniqueConstraint("owner_id", "feature_id"),
    sa.ForeignKeyConstraint(["organization_id", "feature_id"], ["features.organization_id", "features.id"]),
    sa.Index("ix_entitlements_feature_id", "feature_id"),
)

entitlement_values = sa.Table(
    "entitlement_values",
    metadata,
    sa.Column("entitlement_id", sa.Uuid, sa.ForeignKey("entitlements.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("privilege_id", sa.Uuid, sa.ForeignKey("privileges.id"), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Index("ix_entitlement_values_privilege_id", "privilege_id"),
)

entitlement_removals = sa.Table(
    "entitlement_removals",
    metadata,
    sa.Column("subscription_id", sa.Uuid, primary_key=True),
    sa.Column("removed_id", sa.Uuid, primary_key=True, comment="A feature or a privilege that only the plan has."),
    sa.Index("ix_entitlement_removals_removed_id", "removed_id"),
)
