"""What stands on documents of billing entities: address, legal names, footer, language."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    comment = "address, legal names and numbers"
    op.add_column("billing_entities", sa.Column("texts", _JSON, nullable=False, server_default=sa.text("'{}'"), comment=comment))
    op.add_column("billing_entities", sa.Column("email_settings", _JSON, nullable=False, server_default=sa.text("'[]'")))
    op.add_column("billing_entities", sa.Column("invoice_footer", sa.Text(), nullable=True))
    op.add_column("billing_entities", sa.Column("document_locale", sa.Text(), nullable=False, server_default="en"))
    instant = postgresql.TIMESTAMP(timezone=True)
    op.add_column("billing_entities", sa.Column("updated_at", instant, nullable=False, server_default=sa.text("'epoch'")))
