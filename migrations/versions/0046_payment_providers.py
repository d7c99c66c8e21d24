"""Payment providers, payment methods, and payments by providers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "payment_providers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("provider_type", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("success_redirect_url", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_payment_providers_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_providers")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_payment_providers_organization_id_id")),
    )
    op.create_index(
        "uq_payment_providers_code",
        "payment_providers",
        ["organization_id", "code"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )
    op.create_table(
        "payment_methods",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("provider_method_id", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column(
            "details",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="what the provider says of it: brand, last digits, expiry",
        ),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_payment_methods_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "provider_id"],
            ["payment_providers.organization_id", "payment_providers.id"],
            name=op.f("fk_payment_methods_organization_id_provider_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_payment_methods_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_methods")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_payment_methods_organization_id_id")),
    )
    op.create_index(
        "uq_payment_methods_default",
        "payment_methods",
        ["customer_id"],
        unique=True,
        postgresql_where=sa.text("is_default and deleted_at is null"),
    )
    op.create_index(
        "uq_payment_methods_provider_method_id",
        "payment_methods",
        ["customer_id", "provider_id", "provider_method_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
    )
    op.create_table(
        "payment_choices",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("method_id", sa.Uuid(), nullable=True, comment="null for the customer's default"),
        sa.ForeignKeyConstraint(
            ["organization_id", "invoice_id"],
            ["invoices.organization_id", "invoices.id"],
            name=op.f("fk_payment_choices_organization_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_payment_choices_organization_id")),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_payment_choices")),
    )
    op.add_column("payments", sa.Column("provider_id", sa.Uuid(), nullable=True, comment="null for one that somebody recorded"))
    op.add_column("payments", sa.Column("provider_payment_id", sa.Text(), nullable=True, comment="null until the provider was asked"))
    op.add_column("payments", sa.Column("provider_customer_id", sa.Text(), nullable=True))
    op.add_column("payments", sa.Column("provider_method_id", sa.Text(), nullable=True))
    op.add_column("payments", sa.Column("payment_method_id", sa.Uuid(), nullable=True))
    op.add_column("payments", sa.Column("provider_status", sa.Text(), nullable=True))
    op.add_column("payments", sa.Column("error_code", sa.Text(), nullable=True))
    op.add_column(
        "payments", sa.Column("next_action", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False)
    )
    op.add_column(
        "payments",
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="how often it was asked in vain"),
    )
    op.add_column(
        "payments",
        sa.Column("confirmed_at", postgresql.TIMESTAMP(timezone=True), nullable=True, comment="when the provider said its last word"),
    )
    op.create_index("uq_payments_provider_payment_id", "payments", ["provider_id", "provider_payment_id"], unique=True)
    op.create_index(
        "uq_payments_under_way_invoice",
        "payments",
        ["invoice_id"],
        unique=True,
        postgresql_where=sa.text("payment_type = 'provider' and status in ('pending', 'processing')"),
    )
    op.create_index(
        "uq_payments_under_way_request",
        "payments",
        ["payment_request_id"],
        unique=True,
        postgresql_where=sa.text("payment_type = 'provider' and status in ('pending', 'processing')"),
    )
    op.create_check_constraint(
        op.f("ck_payments_status_is_known"), "payments", "status in ('pending', 'processing', 'succeeded', 'failed')"
    )
    op.create_foreign_key(
        op.f("fk_payments_organization_id_provider_id"),
        "payments",
        "payment_providers",
        ["organization_id", "provider_id"],
        ["organization_id", "id"],
    )
    op.create_check_constraint(op.f("ck_payments_provider_is_named"), "payments", "(payment_type = 'provider') = (provider_id is not null)")
