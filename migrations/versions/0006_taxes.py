"""Taxes: what they are applied to, and as they were charged on invoices and fees."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_INSTANT = postgresql.TIMESTAMP(timezone=True)
_JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "taxes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rate", sa.Numeric(), nullable=False, comment="percent"),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("deleted_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_taxes_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taxes")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_taxes_organization_id_id")),
    )
    op.create_index("uq_taxes_code", "taxes", ["organization_id", "code"], unique=True, postgresql_where=sa.text("deleted_at is null"))
    op.create_table(
        "applied_taxes",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("target_kind", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("tax_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="order within the target, as given"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_applied_taxes_organization_id")),
        sa.ForeignKeyConstraint(
            ["organization_id", "tax_id"], ["taxes.organization_id", "taxes.id"], name=op.f("fk_applied_taxes_organization_id_tax_id")
        ),
        sa.PrimaryKeyConstraint("target_id", "tax_id", name=op.f("pk_applied_taxes")),
    )
    op.create_index("ix_applied_taxes_tax_id", "applied_taxes", ["tax_id"])
    comment = "the taxes as they were"
    for name in ("taxes_precise_amount_cents", "taxes_rate", "precise_coupons_amount_cents", "precise_credit_notes_amount_cents"):
        op.add_column("fees", sa.Column(name, sa.Numeric(), nullable=False, server_default=sa.text("0")))
    op.add_column("fees", sa.Column("applied_taxes", _JSON, nullable=False, server_default=sa.text("'[]'"), comment=comment))
    op.add_column("invoices", sa.Column("taxes_rate", sa.Numeric(), nullable=False, server_default=sa.text("0")))
    op.add_column("invoices", sa.Column("applied_taxes", _JSON, nullable=False, server_default=sa.text("'[]'"), comment=comment))
