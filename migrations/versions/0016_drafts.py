"""An index by which the drafts of an organization are found."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_index("ix_invoices_drafts", "invoices", ["organization_id"], postgresql_where=sa.text("status = 'draft'"))
