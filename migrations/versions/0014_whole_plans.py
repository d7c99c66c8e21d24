"""Fixed charges and their units, plans that override others, commitments, usage thresholds, and the versions of plans."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_INSTANT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    _extend_plans()
    _add_fixed_charges()
    _add_units()
    op.add_column("subscriptions", sa.Column("usage_thresholds", postgresql.JSONB(), nullable=False, server_default=sa.text("'[]'")))
    for name in ("shown_fixed_from", "shown_fixed_to"):
        op.add_column("invoice_subscriptions", sa.Column(name, _INSTANT, nullable=True))
    op.add_column("fees", sa.Column("fixed_charge_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_fees_organization_id_fixed_charge_id"),
        "fees",
        "fixed_charges",
        ["organization_id", "fixed_charge_id"],
        ["organization_id", "id"],
    )
    op.create_index("ix_fees_subscription_id", "fees", ["subscription_id", "shown_from"])


def _extend_plans() -> None:
    for column in (
        sa.Column("parent_id", sa.Uuid(), nullable=True, comment="the plan that this one overrides for a subscription"),
        sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("minimum_commitment", postgresql.JSONB(), nullable=True),
        sa.Column("usage_thresholds", postgresql.JSONB(), nullable=False, server_default=sa.text("'[]'")),
    ):
        op.add_column("plans", column)
    op.create_foreign_key(
        op.f("fk_plans_organization_id_parent_id"), "plans", "plans", ["organization_id", "parent_id"], ["organization_id", "id"]
    )
    op.drop_index("uq_plans_code", table_name="plans")
    live = sa.text("deleted_at is null and parent_id is null")
    op.create_index("uq_plans_code", "plans", ["organization_id", "code"], unique=True, postgresql_where=live)
    op.create_index("ix_plans_parent_id", "plans", ["parent_id"], postgresql_where=sa.text("parent_id is not null"))
    op.add_column("charges", sa.Column("parent_id", sa.Uuid(), nullable=True, comment="the charge of the overridden plan"))
    op.create_foreign_key(
        op.f("fk_charges_organization_id_parent_id"), "charges", "charges", ["organization_id", "parent_id"], ["organization_id", "id"]
    )
    op.create_index("ix_charges_parent_id", "charges", ["parent_id"], postgresql_where=sa.text("parent_id is not null"))
    op.create_table(
        "plan_versions",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("plan", postgresql.JSONB(), nullable=False, comment="the whole plan as it was"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_plan_versions_organization_id")),
        sa.ForeignKeyConstraint(
            ["organization_id", "plan_id"], ["plans.organization_id", "plans.id"], name=op.f("fk_plan_versions_organization_id_plan_id")
        ),
        sa.PrimaryKeyConstraint("plan_id", "version", name=op.f("pk_plan_versions")),
    )


def _add_fixed_charges() -> None:
    op.create_table(
        "fixed_charges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("add_on_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="order within the plan, as given"),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("charge_model", sa.Text(), nullable=False),
        sa.Column("invoice_display_name", sa.Text(), nullable=True),
        sa.Column("pay_in_advance", sa.Boolean(), nullable=False),
        sa.Column("prorated", sa.Boolean(), nullable=False),
        sa.Column("units", sa.Numeric(), nullable=False),
        sa.Column("properties", postgresql.JSONB(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True, comment="the fixed charge of the overridden plan"),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("deleted_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_fixed_charges_organization_id")),
        sa.ForeignKeyConstraint(
            ["organization_id", "plan_id"], ["plans.organization_id", "plans.id"], name=op.f("fk_fixed_charges_organization_id_plan_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "add_on_id"],
            ["add_ons.organization_id", "add_ons.id"],
            name=op.f("fk_fixed_charges_organization_id_add_on_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "parent_id"],
            ["fixed_charges.organization_id", "fixed_charges.id"],
            name=op.f("fk_fixed_charges_organization_id_parent_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fixed_charges")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_fixed_charges_organization_id_id")),
    )
    op.create_index("ix_fixed_charges_add_on_id", "fixed_charges", ["add_on_id"])
    op.create_index("ix_fixed_charges_parent_id", "fixed_charges", ["parent_id"], postgresql_where=sa.text("parent_id is not null"))
    op.create_index(
        "uq_fixed_charges_code", "fixed_charges", ["plan_id", "code"], unique=True, postgresql_where=sa.text("deleted_at is null")
    )


def _add_units() -> None:
    op.create_table(
        "fixed_charge_units",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("fixed_charge_id", sa.Uuid(), nullable=False),
        sa.Column("units", sa.Numeric(), nullable=False),
        sa.Column("effective_at", _INSTANT, nullable=False, comment="the units count from this instant on"),
        sa.Column("is_override", sa.Boolean(), nullable=False, comment="given to the subscription itself, not by its plan"),
        sa.Column("is_unbilled", sa.Boolean(), nullable=False, comment="to be billed at once, and not yet"),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_fixed_charge_units_organization_id")),
        sa.ForeignKeyConstraint(
            ["organization_id", "subscription_id"],
            ["subscriptions.organization_id", "subscriptions.id"],
            name=op.f("fk_fixed_charge_units_organization_id_subscription_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "fixed_charge_id"],
            ["fixed_charges.organization_id", "fixed_charges.id"],
            name=op.f("fk_fixed_charge_units_organization_id_fixed_charge_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fixed_charge_units")),
    )
    op.create_index("ix_fixed_charge_units_fixed_charge_id", "fixed_charge_units", ["fixed_charge_id"])
    op.create_index("ix_fixed_charge_units_subscription_id", "fixed_charge_units", ["subscription_id", "fixed_charge_id", "id"])
