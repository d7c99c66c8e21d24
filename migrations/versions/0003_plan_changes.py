"""Plan changes: rows that follow each other, why a row ended, how far its base fees reach, and how it is paid."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    for column in (
        sa.Column(
            "base_billed_through", postgresql.TIMESTAMP(timezone=True), nullable=True, comment="end, exclusive, of what base fees are for"
        ),
        sa.Column("base_unbilled_from", sa.Date(), nullable=True, comment="first local day that no base fee is for"),
        sa.Column("previous_id", sa.Uuid(), nullable=True, comment="the row this one follows with another plan"),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("cancellation_reason", sa.Text(), nullable=True),
        sa.Column("payment_method_type", sa.Text(), nullable=False, server_default="provider"),
        sa.Column("payment_method_id", sa.Uuid(), nullable=True),
    ):
        op.add_column("subscriptions", column)
    op.execute("update subscriptions set ended_by = 'termination' where status = 'terminated'")
    op.create_foreign_key(
        op.f("fk_subscriptions_organization_id_previous_id"),
        "subscriptions",
        "subscriptions",
        ["organization_id", "previous_id"],
        ["organization_id", "id"],
    )
    op.create_check_constraint(
        op.f("ck_subscriptions_base_billed_whole"), "subscriptions", "(base_billed_through is null) = (base_unbilled_from is null)"
    )
    op.create_check_constraint(
        op.f("ck_subscriptions_ended_by_known"), "subscriptions", "ended_by in ('termination', 'upgrade', 'downgrade')"
    )
    op.create_index("ix_subscriptions_previous_id", "subscriptions", ["previous_id"], postgresql_where=sa.text("previous_id is not null"))
    # What was billed before: the last base fee of each row says how far it reaches, by the days of its derivation.
    op.execute("""
        update subscriptions s
        set base_billed_through = cast(f.derivation #>> '{period,to}' as timestamptz),
            base_unbilled_from = cast(f.derivation #>> '{period,last_day}' as date) + 1
        from (
            select distinct on (subscription_id) subscription_id, derivation
            from fees where fee_type = 'subscription' and derivation #>> '{period,to}' is not null
            order by subscription_id, derivation #>> '{period,to}' desc
        ) as f
        where f.subscription_id = s.id
    """)
