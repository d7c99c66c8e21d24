"""Authorizations of wallets, and plans whose usage prepaid credits must cover."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.add_column("plans", sa.Column("requires_wallet_balance", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column(
        "wallets",
        sa.Column("reserved_amount_cents", sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment="held for authorizations"),
    )
    op.create_check_constraint(op.f("ck_wallets_reserved_is_a_part"), "wallets", "reserved_amount_cents between 0 and balance_cents")
    op.create_table(
        "wallet_authorizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("wallet_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False, comment="what was asked for"),
        sa.Column("captured_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True, comment="the credits that were taken"),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("settled_at", postgresql.TIMESTAMP(timezone=True), nullable=True, comment="when it stopped being held"),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_wallet_authorizations_amount_is_positive")),
        sa.CheckConstraint("captured_amount_cents between 0 and amount_cents", name=op.f("ck_wallet_authorizations_captured_is_a_part")),
        sa.CheckConstraint("status in ('held', 'captured', 'released', 'expired')", name=op.f("ck_wallet_authorizations_status_is_known")),
        sa.CheckConstraint(
            "(status = 'captured') = (transaction_id is not null)", name=op.f("ck_wallet_authorizations_captured_has_a_transaction")
        ),
        sa.CheckConstraint("(status = 'held') = (settled_at is null)", name=op.f("ck_wallet_authorizations_held_is_not_settled")),
        sa.ForeignKeyConstraint(
            ["organization_id", "wallet_id"],
            ["wallets.organization_id", "wallets.id"],
            name=op.f("fk_wallet_authorizations_organization_id_wallet_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_wallet_authorizations_organization_id")),
        sa.ForeignKeyConstraint(["transaction_id"], ["wallet_transactions.id"], name=op.f("fk_wallet_authorizations_transaction_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_authorizations")),
    )
    op.create_index("ix_wallet_authorizations_held", "wallet_authorizations", ["wallet_id"], postgresql_where=sa.text("status = 'held'"))
    op.create_index("ix_wallet_authorizations_list", "wallet_authorizations", ["wallet_id", sa.literal_column("created_at desc"), "id"])
    op.create_index(
        "uq_wallet_authorizations_reference",
        "wallet_authorizations",
        ["wallet_id", "reference"],
        unique=True,
        postgresql_where=sa.text("reference is not null"),
    )
