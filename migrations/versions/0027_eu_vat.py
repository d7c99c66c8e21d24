"""Value added tax of the European Union."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.add_column("billing_entities", sa.Column("eu_tax_management", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column(
        "fees", sa.Column("inherits_taxes", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="from the customer")
    )
    op.create_table(
        "vat_checks",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="those that got no answer"),
        sa.Column("failure", sa.Text(), nullable=True, comment="why the last attempt got none"),
        sa.Column("requested_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("answered_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_vat_checks_organization_id_customer_id"),
        ),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_vat_checks")),
    )
