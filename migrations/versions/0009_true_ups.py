"""True-ups: fees that make up the minimum of a charge, each tied to the fee it belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.add_column(
        "fees",
        sa.Column("true_up_fee_id", sa.Uuid(), nullable=True, comment="the fee that makes up the charge's minimum"),
    )
    op.add_column("fees", sa.Column("true_up_parent_fee_id", sa.Uuid(), nullable=True, comment="the fee that this true-up belongs to"))
