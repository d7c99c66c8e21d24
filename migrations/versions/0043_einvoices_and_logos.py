"""Electronic invoices and logos of billing entities."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.add_column("billing_entities", sa.Column("einvoicing", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("billing_entities", sa.Column("logo_name", sa.Text(), nullable=True, comment="name of the file of its logo"))
    op.create_table(
        "billing_entity_logos",
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="what its address ends in; whoever knows it may read the file"),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("format in ('png', 'jpeg')", name=op.f("ck_billing_entity_logos_format_is_known")),
        sa.ForeignKeyConstraint(
            ["organization_id", "entity_id"],
            ["billing_entities.organization_id", "billing_entities.id"],
            name=op.f("fk_billing_entity_logos_organization_id_entity_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_billing_entity_logos_organization_id")),
        sa.PrimaryKeyConstraint("entity_id", name=op.f("pk_billing_entity_logos")),
        sa.UniqueConstraint("name", name=op.f("uq_billing_entity_logos_name")),
    )
