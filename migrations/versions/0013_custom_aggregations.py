"""Custom aggregations: the reducer of a metric."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.add_column(
        "billable_metrics",
        sa.Column(
            "custom_aggregator", postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment="the reducer of a custom aggregation"
        ),
    )
