"""The tables of invoice custom sections and of who chose them."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

sections = sa.Table(
    "invoice_custom_sections",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("details", sa.Text),
    sa.Column("display_name", sa.Text),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("updated_at", _INSTANT, nullable=False),
    sa.Column("deleted_at", _INSTANT),
    sa.UniqueConstraint("organization_id", "id"),
    sa.Index("uq_invoice_custom_sections_code", "organization_id", "code", unique=True, postgresql_where=sa.text("deleted_at is null")),
)

choices = sa.Table(
    "section_choices",
    metadata,
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), primary_key=True),
    sa.Column("target_id", sa.Uuid, primary_key=True, comment="the thing that chose"),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("is_skipped", sa.Boolean, nullable=False, comment="whether it wants none"),
    sa.Column("section_ids", ARRAY(sa.Uuid), nullable=False),
    sa.Column("created_at", _INSTANT, nullable=False),
)
