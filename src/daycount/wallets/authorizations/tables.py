"""The table of authorizations."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

wallet_authorizations = sa.Table(
    "wallet_authorizations",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("wallet_id", sa.Uuid, nullable=False),
    sa.Column("customer_id", sa.Uuid, nullable=False),
    sa.Column("reference", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("amount_cents", sa.BigInteger, nullable=False, comment="what was asked for"),
    sa.Column("captured_amount_cents", sa.BigInteger, nullable=False),
    sa.Column("transaction_id", sa.Uuid, sa.ForeignKey("wallet_transactions.id"), comment="the credits that were taken"),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("expires_at", _INSTANT, nullable=False),
    sa.Column("settled_at", _INSTANT, comment="when it stopped being held"),
    sa.CheckConstraint("amount_cents > 0", name="amount_is_positive"),
    sa.CheckConstraint("captured_amount_cents between 0 and amount_cents", name="captured_is_a_part"),
    sa.CheckConstraint("status in ('held', 'captured', 'released', 'expired')", name="status_is_known"),
    sa.CheckConstraint("(status = 'captured') = (transaction_id is not null)", name="captured_has_a_transaction"),
    sa.CheckConstraint("(status = 'held') = (settled_at is null)", name="held_is_not_settled"),
    sa.ForeignKeyConstraint(["organization_id", "wallet_id"], ["wallets.organization_id", "wallets.id"]),
    sa.Index(
        "uq_wallet_authorizations_reference", "wallet_id", "reference", unique=True, postgresql_where=sa.text("reference is not null")
    ),
    sa.Index("ix_wallet_authorizations_list", "wallet_id", sa.text("created_at desc"), "id"),
    sa.Index("ix_wallet_authorizations_held", "wallet_id", postgresql_where=sa.text("status = 'held'")),
)
