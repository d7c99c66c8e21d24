"""
Horizons: from which date on an organization's events are not late when they arrive.

Only late events stand in an index of their own, so that the others cost nothing.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "event_horizons",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(
            "horizon",
            postgresql.TIMESTAMP(timezone=True),
            nullable=False,
            comment="events dated before it are late when they arrive",
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_event_horizons_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_event_horizons")),
    )
