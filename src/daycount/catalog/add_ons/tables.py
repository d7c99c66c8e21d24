"""The table of add-ons."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

add_ons = sa.Table(
    "add_ons",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("invoice_display_name", sa.Text),
    sa.Column("description", sa.Text),
    sa.Column("amount_cents", sa.BigInteger, nullable=False),
    sa.Column("amount_currency", sa.Text, nullable=False),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("updated_at", _INSTANT, nullable=False),
    sa.Column("deleted_at", _INSTANT),
    sa.UniqueConstraint("organization_id", "id"),
    sa.Index("uq_add_ons_code", "organization_id", "code", unique=True, postgresql_where=sa.text("deleted_at is null")),
    sa.Index("ix_add_ons_list", "organization_id", sa.text("created_at desc"), "id"),
)
