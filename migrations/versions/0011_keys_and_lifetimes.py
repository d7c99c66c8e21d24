"""Lifetime usage: what customers used before they came here. API keys: names, permissions and when they were last used."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "lifetime_usages",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False, comment="made from the id of the subscription's first row"),
        sa.Column("historical_amount_cents", sa.BigInteger(), nullable=False, comment="usage before the customer came here"),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("historical_amount_cents >= 0", name=op.f("ck_lifetime_usages_not_negative")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_lifetime_usages_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_lifetime_usages")),
    )
    op.add_column("api_keys", sa.Column("name", sa.Text(), nullable=True))
    op.add_column(
        "api_keys",
        sa.Column("permissions", postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment="modes by resource; null is everything"),
    )
    op.add_column("api_keys", sa.Column("last_used_at", postgresql.TIMESTAMP(timezone=True), nullable=True, comment="to the hour"))
