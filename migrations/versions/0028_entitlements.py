"""Features and what plans and subscriptions entitle to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "features",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_features_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_features")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_features_organization_id_id")),
    )
    op.create_index(
        "uq_features_code", "features", ["organization_id", "code"], unique=True, postgresql_where=sa.text("deleted_at is null")
    )
    op.create_table(
        "privileges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("feature_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("value_type", sa.Text(), nullable=False),
        sa.Column("select_options", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["feature_id"], ["features.id"], name=op.f("fk_privileges_feature_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privileges")),
    )
    op.create_index("uq_privileges_code", "privileges", ["feature_id", "code"], unique=True, postgresql_where=sa.text("deleted_at is null"))
    op.create_table(
        "entitlements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("feature_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False, comment="A plan, or a subscription that has it by itself."),
        sa.ForeignKeyConstraint(
            ["organization_id", "feature_id"],
            ["features.organization_id", "features.id"],
            name=op.f("fk_entitlements_organization_id_feature_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_entitlements_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entitlements")),
        sa.UniqueConstraint("owner_id", "feature_id", name=op.f("uq_entitlements_owner_id_feature_id")),
    )
    op.create_index("ix_entitlements_feature_id", "entitlements", ["feature_id"], unique=False)
    op.create_table(
        "entitlement_values",
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("privilege_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entitlement_id"], ["entitlements.id"], name=op.f("fk_entitlement_values_entitlement_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["privilege_id"], ["privileges.id"], name=op.f("fk_entitlement_values_privilege_id")),
        sa.PrimaryKeyConstraint("entitlement_id", "privilege_id", name=op.f("pk_entitlement_values")),
    )
    op.create_index("ix_entitlement_values_privilege_id", "entitlement_values", ["privilege_id"], unique=False)
    op.create_table(
        "entitlement_removals",
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("removed_id", sa.Uuid(), nullable=False, comment="A feature or a privilege that only the plan has."),
        sa.PrimaryKeyConstraint("subscription_id", "removed_id", name=op.f("pk_entitlement_removals")),
    )
    op.create_index("ix_entitlement_removals_removed_id", "entitlement_removals", ["removed_id"], unique=False)
