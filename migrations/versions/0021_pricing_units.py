"""Pricing units: prices in credits instead of money."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "pricing_units",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("short_name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_pricing_units_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pricing_units")),
        sa.UniqueConstraint("organization_id", "code", name=op.f("uq_pricing_units_organization_id_code")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_pricing_units_organization_id_id")),
    )
    op.add_column(
        "charges", sa.Column("pricing_unit_id", sa.Uuid(), nullable=True, comment="the unit that its prices are in, instead of money")
    )
    op.add_column(
        "charges",
        sa.Column("conversion_rate", sa.Numeric(), nullable=True, comment="major units of the plan's currency for one such unit"),
    )
    op.create_foreign_key(
        op.f("fk_charges_organization_id_pricing_unit_id"),
        "charges",
        "pricing_units",
        ["organization_id", "pricing_unit_id"],
        ["organization_id", "id"],
    )
    op.create_check_constraint(op.f("ck_charges_unit_has_rate"), "charges", "(pricing_unit_id is null) = (conversion_rate is null)")
    op.add_column(
        "fees",
        sa.Column(
            "in_units",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="what it came to in the pricing unit of its charge",
        ),
    )
