"""Fees without a subscription: one-off invoices and purchases of credits."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.alter_column("fees", "subscription_id", nullable=True, comment="null on one-off invoices and purchases of credits")
