"""
Charge filters and groups: usage of a charge is split into buckets, each with its own fee.

The functions put an event into its bucket and group exactly as `daycount.engine.filters` does.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_FUNCTIONS = (
    """
    create function daycount_bucket(properties text, conditions jsonb) returns int
    language sql immutable parallel safe as $$
        select coalesce(cast(min(c.place) as int), 0)
        from jsonb_array_elements(conditions) with ordinality as c(wanted, place)
        where not exists (
            select 1 from jsonb_each(c.wanted) as k(name, accepted)
            where not coalesce(k.accepted ? daycount_property(properties, k.name), false)
        )
    $$
    """,
    """
    create function daycount_group(properties text, keys jsonb) returns text[]
    language sql immutable parallel safe as $$
        select coalesce(array_agg(nullif(daycount_property(properties, k.name), '') order by k.place), '{}')
        from jsonb_array_elements_text(keys) with ordinality as k(name, place)
    $$
    """,
)


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    for function in _FUNCTIONS:
        op.execute(function)
    op.create_table(
        "charge_filters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="order within the charge, as given"),
        sa.Column("invoice_display_name", sa.Text(), nullable=True),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("properties", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "charge_id"],
            ["charges.organization_id", "charges.id"],
            name=op.f("fk_charge_filters_organization_id_charge_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_charge_filters_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charge_filters")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_charge_filters_organization_id")),
    )
    op.create_index("ix_charge_filters_charge_id", "charge_filters", ["charge_id"])
    op.add_column("fees", sa.Column("charge_filter_id", sa.Uuid(), nullable=True))
    op.add_column("fees", sa.Column("grouped_by", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="{}"))
    op.add_column("fees", sa.Column("total_aggregated_units", sa.Numeric(), nullable=False, server_default="0"))
    op.create_foreign_key(
        op.f("fk_fees_organization_id_charge_filter_id"),
        "fees",
        "charge_filters",
        ["organization_id", "charge_filter_id"],
        ["organization_id", "id"],
    )
