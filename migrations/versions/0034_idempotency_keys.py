"""Keys by which a request is carried out once."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "idempotency_keys",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the request"),
        sa.Column("reply", sa.LargeBinary(), nullable=True, comment="the body that was answered, with status 200"),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False, comment="time of the organization"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_idempotency_keys_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_age", "idempotency_keys", ["organization_id", "created_at"], unique=False)
