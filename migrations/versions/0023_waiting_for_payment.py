"""Subscriptions whose activation waits for a payment."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.add_column(
        "subscriptions",
        sa.Column(
            "activation_rules",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment="what its activation waits for",
        ),
    )
    op.drop_constraint(op.f("ck_subscriptions_status_known"), "subscriptions")
    op.drop_constraint(op.f("ck_subscriptions_started_when_active"), "subscriptions")
    op.create_check_constraint(
        op.f("ck_subscriptions_status_known"),
        "subscriptions",
        "status in ('pending', 'incomplete', 'active', 'terminated', 'canceled')",
    )
    op.create_check_constraint(
        op.f("ck_subscriptions_started_when_active"),
        "subscriptions",
        "(status in ('incomplete', 'active', 'terminated')) = (started_at is not null)",
    )
    op.create_index(
        "uq_subscriptions_incomplete",
        "subscriptions",
        ["organization_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("status = 'incomplete'"),
    )
