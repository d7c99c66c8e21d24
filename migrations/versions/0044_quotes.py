"""Quotes, order forms and orders."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    _create_quotes()
    _create_orders()


def _create_quotes() -> None:
    op.create_table(
        "quotes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequential_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("order_type", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=True, comment="the row that an amendment is about"),
        sa.CheckConstraint(
            "(order_type = 'subscription_amendment') = (subscription_id is not null)", name=op.f("ck_quotes_amendments_have_a_subscription")
        ),
        sa.CheckConstraint(
            "order_type in ('subscription_creation', 'subscription_amendment', 'one_off')", name=op.f("ck_quotes_order_type_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_quotes_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_quotes_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotes")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_quotes_organization_id_id")),
        sa.UniqueConstraint("organization_id", "sequential_id", name=op.f("uq_quotes_organization_id_sequential_id")),
    )
    op.create_table(
        "quote_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("quote_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("billing_entity_code", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("billing_items", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.Column("approved_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("voided_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("status in ('draft', 'approved', 'voided')", name=op.f("ck_quote_versions_status_is_known")),
        sa.ForeignKeyConstraint(
            ["organization_id", "quote_id"],
            ["quotes.organization_id", "quotes.id"],
            name=op.f("fk_quote_versions_organization_id_quote_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quote_versions")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_quote_versions_organization_id_id")),
        sa.UniqueConstraint("quote_id", "version", name=op.f("uq_quote_versions_quote_id_version")),
    )
    op.create_index(
        "uq_quote_versions_live", "quote_versions", ["quote_id"], unique=True, postgresql_where=sa.text("status in ('draft', 'approved')")
    )


def _create_orders() -> None:
    op.create_table(
        "order_forms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequential_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("quote_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("signed_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("voided_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("status in ('generated', 'signed', 'expired', 'voided')", name=op.f("ck_order_forms_status_is_known")),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_order_forms_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "version_id"],
            ["quote_versions.organization_id", "quote_versions.id"],
            name=op.f("fk_order_forms_organization_id_version_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_order_forms_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_forms")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_order_forms_organization_id_id")),
        sa.UniqueConstraint("organization_id", "sequential_id", name=op.f("uq_order_forms_organization_id_sequential_id")),
        sa.UniqueConstraint("version_id", name=op.f("uq_order_forms_version_id")),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequential_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("order_form_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("order_type", sa.Text(), nullable=False),
        sa.Column("execution_mode", sa.Text(), nullable=True),
        sa.Column("execute_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("executed_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("billing_entity_code", sa.Text(), nullable=True),
        sa.Column("billing_items", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("execution_record", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("execution_mode in ('execute_in_lago', 'order_only')", name=op.f("ck_orders_execution_mode_is_known")),
        sa.CheckConstraint(
            "order_type in ('subscription_creation', 'subscription_amendment', 'one_off')", name=op.f("ck_orders_order_type_is_known")
        ),
        sa.CheckConstraint("status in ('created', 'executed', 'failed')", name=op.f("ck_orders_status_is_known")),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_orders_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "order_form_id"],
            ["order_forms.organization_id", "order_forms.id"],
            name=op.f("fk_orders_organization_id_order_form_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_orders_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("order_form_id", name=op.f("uq_orders_order_form_id")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_orders_organization_id_id")),
        sa.UniqueConstraint("organization_id", "sequential_id", name=op.f("uq_orders_organization_id_sequential_id")),
    )
