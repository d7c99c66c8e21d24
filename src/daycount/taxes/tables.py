"""Tables of taxes and of what they are applied to."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

taxes = sa.Table(
    "taxes",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("rate", sa.Numeric, nullable=False, comment="percent"),
    sa.Column("description", sa.Text),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("updated_at", _INSTANT, nullable=False),
    sa.Column("deleted_at", _INSTANT),
    sa.UniqueConstraint("organization_id", "id"),
    sa.Index("uq_taxes_code", "organization_id", "code", unique=True, postgresql_where=sa.text("deleted_at is null")),
)

applied_taxes = sa.Table(
    "applied_taxes",
    metadata,
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("target_kind", sa.Text, nullable=False),
    sa.Column("target_id", sa.Uuid, primary_key=True),
    sa.Column("tax_id", sa.Uuid, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False, comment="order within the target, as given"),
    sa.ForeignKeyConstraint(["organization_id", "tax_id"], ["taxes.organization_id", "taxes.id"]),
    sa.Index("ix_applied_taxes_tax_id", "tax_id"),
)
