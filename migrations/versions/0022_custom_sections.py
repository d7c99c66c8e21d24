"""Custom sections of invoices."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "invoice_custom_sections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("details", sa.Text(), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_invoice_custom_sections_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_custom_sections")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_invoice_custom_sections_organization_id_id")),
    )
    op.create_index(
        "uq_invoice_custom_sections_code",
        "invoice_custom_sections",
        ["organization_id", "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )
    op.create_table(
        "section_choices",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False, comment="the thing that chose"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("is_skipped", sa.Boolean(), nullable=False, comment="whether it wants none"),
        sa.Column("section_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_section_choices_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "target_id", name=op.f("pk_section_choices")),
    )
    op.create_table(
        "invoice_sections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoices.organization_id", "invoices.id"],
            name=op.f("fk_invoice_sections_organization_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_invoice_sections_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_sections")),
    )
    op.create_index("ix_invoice_sections_invoice_id", "invoice_sections", ["invoice_id", "position"], unique=True)
