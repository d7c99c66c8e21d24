"""Prepaid credits: wallets, their transactions, which paid for which, and the rules that top them up."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_INSTANT = postgresql.TIMESTAMP(timezone=True)
_JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    _make_wallets()
    _make_transactions()
    _make_consumptions()
    _make_rules()


def _make_wallets() -> None:
    op.create_table(
        "wallets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("billing_entity_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("purchase_order_number", sa.Text(), nullable=True),
        sa.Column("rate_amount", sa.Numeric(), nullable=False, comment="major units of the currency for one credit"),
        sa.Column("credits_balance", sa.Numeric(), server_default=sa.text("0"), nullable=False),
        sa.Column("balance_cents", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "ongoing_usage_balance_cents", sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment="at the last refresh"
        ),
        sa.Column("ongoing_balance_cents", sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment="at the last refresh"),
        sa.Column("consumed_credits", sa.Numeric(), server_default=sa.text("0"), nullable=False),
        sa.Column("consumed_amount_cents", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_depleted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("last_balance_sync_at", _INSTANT, nullable=True),
        sa.Column("last_consumed_credit_at", _INSTANT, nullable=True),
        sa.Column("invoice_requires_successful_payment", sa.Boolean(), nullable=False),
        sa.Column("paid_top_up_min_amount_cents", sa.BigInteger(), nullable=True),
        sa.Column("paid_top_up_max_amount_cents", sa.BigInteger(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("fee_types", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("metric_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("payment_method", _JSON, nullable=False),
        sa.Column("metadata", _JSON, nullable=True),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("expiration_at", _INSTANT, nullable=True),
        sa.Column("terminated_at", _INSTANT, nullable=True),
        sa.CheckConstraint("balance_cents >= 0", name=op.f("ck_wallets_balance_is_not_negative")),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_wallets_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_wallets_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallets")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_wallets_organization_id_id")),
    )
    op.create_index("ix_wallets_list", "wallets", ["organization_id", sa.literal_column("created_at desc"), "id"], unique=False)
    op.create_index("uq_wallets_code", "wallets", ["customer_id", "code"], unique=True, postgresql_where=sa.text("status = 'active'"))


def _make_transactions() -> None:
    op.create_table(
        "wallet_transactions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("wallet_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("credit_note_id", sa.Uuid(), nullable=True),
        sa.Column("voided_invoice_id", sa.Uuid(), nullable=True),
        sa.Column("billing_entity_code", sa.Text(), nullable=False),
        sa.Column("transaction_type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("transaction_status", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("credit_amount", sa.Numeric(), nullable=False),
        sa.Column("remaining_amount_cents", sa.BigInteger(), nullable=True, comment="of a settled inbound one: what is left of it"),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("purchase_order_number", sa.Text(), nullable=True),
        sa.Column("invoice_requires_successful_payment", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("metadata", _JSON, nullable=False),
        sa.Column("payment_method", _JSON, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("settled_at", _INSTANT, nullable=True),
        sa.Column("failed_at", _INSTANT, nullable=True),
        sa.CheckConstraint(
            "(remaining_amount_cents is not null) = (transaction_type = 'inbound' and status = 'settled')",
            name=op.f("ck_wallet_transactions_remaining_is_of_lots"),
        ),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("ck_wallet_transactions_amount_is_not_negative")),
        sa.CheckConstraint("remaining_amount_cents between 0 and amount_cents", name=op.f("ck_wallet_transactions_remaining_is_a_part")),
        sa.ForeignKeyConstraint(
            ["organization_id", "wallet_id"],
            ["wallets.organization_id", "wallets.id"],
            name=op.f("fk_wallet_transactions_organization_id_wallet_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_wallet_transactions_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_transactions")),
        sa.UniqueConstraint("organization_id", "id", name=op.f("uq_wallet_transactions_organization_id_id")),
    )
    op.create_index(
        "ix_wallet_transactions_invoice_id",
        "wallet_transactions",
        ["invoice_id"],
        unique=False,
        postgresql_where=sa.text("invoice_id is not null"),
    )
    op.create_index(
        "ix_wallet_transactions_list", "wallet_transactions", ["wallet_id", sa.literal_column("created_at desc"), "id"], unique=False
    )
    op.create_index(
        "ix_wallet_transactions_lots",
        "wallet_transactions",
        ["wallet_id"],
        unique=False,
        postgresql_where=sa.text("remaining_amount_cents > 0"),
    )
    op.create_index(
        "uq_wallet_transactions_invoiced",
        "wallet_transactions",
        ["invoice_id", "wallet_id"],
        unique=True,
        postgresql_where=sa.text("transaction_status = 'invoiced'"),
    )


def _make_consumptions() -> None:
    op.create_table(
        "wallet_consumptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("wallet_id", sa.Uuid(), nullable=False),
        sa.Column("inbound_id", sa.Uuid(), nullable=False),
        sa.Column("outbound_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_wallet_consumptions_amount_is_positive")),
        sa.ForeignKeyConstraint(["inbound_id"], ["wallet_transactions.id"], name=op.f("fk_wallet_consumptions_inbound_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_wallet_consumptions_organization_id")),
        sa.ForeignKeyConstraint(["outbound_id"], ["wallet_transactions.id"], name=op.f("fk_wallet_consumptions_outbound_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_consumptions")),
        sa.UniqueConstraint("inbound_id", "outbound_id", name=op.f("uq_wallet_consumptions_inbound_id_outbound_id")),
    )
    op.create_index("ix_wallet_consumptions_outbound_id", "wallet_consumptions", ["outbound_id"], unique=False)


def _make_rules() -> None:
    op.create_table(
        "wallet_rules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wallet_id", sa.Uuid(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("interval", sa.Text(), nullable=True),
        sa.Column("paid_credits", sa.Numeric(), nullable=False),
        sa.Column("granted_credits", sa.Numeric(), nullable=False),
        sa.Column("threshold_credits", sa.Numeric(), nullable=False),
        sa.Column("target_ongoing_balance", sa.Numeric(), nullable=True),
        sa.Column("started_at", _INSTANT, nullable=True),
        sa.Column("expiration_at", _INSTANT, nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("grants_target_top_up", sa.Boolean(), nullable=False),
        sa.Column("invoice_requires_successful_payment", sa.Boolean(), nullable=False),
        sa.Column("ignore_paid_top_up_limits", sa.Boolean(), nullable=False),
        sa.Column("transaction_metadata", _JSON, nullable=False),
        sa.Column("transaction_name", sa.Text(), nullable=True),
        sa.Column("purchase_order_number", sa.Text(), nullable=True),
        sa.Column("payment_method", _JSON, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["wallet_id"], ["wallets.id"], name=op.f("fk_wallet_rules_wallet_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_rules")),
    )
    op.create_index("uq_wallet_rules_active", "wallet_rules", ["wallet_id"], unique=True, postgresql_where=sa.text("status = 'active'"))
