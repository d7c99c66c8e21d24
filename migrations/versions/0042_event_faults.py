"""Faults of events, told of after the hour."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "event_faults",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(
            "hour",
            postgresql.TIMESTAMP(timezone=True),
            nullable=False,
            comment="the start of the hour in which the event was received",
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_event_faults_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_faults")),
    )
    op.create_index("ix_event_faults_hour", "event_faults", ["organization_id", "hour", "id"])
