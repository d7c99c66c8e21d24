"""Pages to pay at."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "checkout_pages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False, comment="the invoice, the payment request or the customer"),
        sa.Column("amount_cents", sa.BigInteger(), nullable=True, comment="null where a way to pay is left"),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("provider_page_id", sa.Text(), nullable=True, comment="null where the page is ours"),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("(about = 'c') = (amount_cents is null)", name=op.f("ck_checkout_pages_amount_is_given_to_pay")),
        sa.CheckConstraint("about in ('i', 'r', 'c')", name=op.f("ck_checkout_pages_about_is_known")),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_checkout_pages_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "provider_id"],
            ["payment_providers.organization_id", "payment_providers.id"],
            name=op.f("fk_checkout_pages_organization_id_provider_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_checkout_pages_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkout_pages")),
    )
    op.create_index("uq_checkout_pages_live", "checkout_pages", ["subject_id"], unique=True, postgresql_where=sa.text("ended_at is null"))
