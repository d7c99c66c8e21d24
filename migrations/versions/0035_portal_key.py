"""The key that signs links to customers' own pages: 32 random bytes, kept in the database alone."""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.execute(
        "insert into server_secrets (name, digest)"
        " select 'portal_key', decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')"
    )
