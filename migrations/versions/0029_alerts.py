"""Alerts on usage and wallets, and what was told of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_INSTANT = postgresql.TIMESTAMP(timezone=True)
_OF_USAGE = sa.text("deleted_at is null and external_subscription_id is not null")
_OF_WALLET = sa.text("deleted_at is null and wallet_id is not null")


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("external_subscription_id", sa.Text(), nullable=True),
        sa.Column("wallet_id", sa.Uuid(), nullable=True),
        sa.Column("alert_type", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("metric_id", sa.Uuid(), nullable=True),
        sa.Column("levels", postgresql.JSONB(), nullable=False),
        sa.Column("previous_value", sa.Numeric(), nullable=False, comment="what the value was when it was looked at last"),
        sa.Column("last_processed_at", _INSTANT, nullable=True),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("deleted_at", _INSTANT, nullable=True),
        sa.CheckConstraint("(external_subscription_id is null) <> (wallet_id is null)", name=op.f("ck_alerts_is_of_one_thing")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_alerts_organization_id")),
        sa.ForeignKeyConstraint(
            ["organization_id", "metric_id"],
            ["billable_metrics.organization_id", "billable_metrics.id"],
            name=op.f("fk_alerts_organization_id_metric_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index(
        "uq_alerts_code", "alerts", ["organization_id", "external_subscription_id", "code"], unique=True, postgresql_where=_OF_USAGE
    )
    op.create_index(
        "uq_alerts_usage_type",
        "alerts",
        [
            "organization_id",
            "external_subscription_id",
            "alert_type",
            sa.literal_column("coalesce(metric_id, '00000000-0000-0000-0000-000000000000')"),
        ],
        unique=True,
        postgresql_where=_OF_USAGE,
    )
    op.create_index("uq_alerts_wallet_type", "alerts", ["wallet_id", "alert_type"], unique=True, postgresql_where=_OF_WALLET)
    op.create_table(
        "triggered_alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("external_subscription_id", sa.Text(), nullable=True),
        sa.Column("wallet_id", sa.Uuid(), nullable=True),
        sa.Column("external_customer_id", sa.Text(), nullable=False),
        sa.Column("billable_metric_code", sa.Text(), nullable=True),
        sa.Column("alert_name", sa.Text(), nullable=True),
        sa.Column("alert_code", sa.Text(), nullable=False),
        sa.Column("alert_type", sa.Text(), nullable=False),
        sa.Column("current_value", sa.Numeric(), nullable=False),
        sa.Column("previous_value", sa.Numeric(), nullable=False),
        sa.Column("crossed", postgresql.JSONB(), nullable=False),
        sa.Column("triggered_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_triggered_alerts_organization_id")),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name=op.f("fk_triggered_alerts_alert_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_triggered_alerts")),
    )
    op.create_index(
        "ix_triggered_alerts_list",
        "triggered_alerts",
        ["organization_id", sa.literal_column("triggered_at desc"), sa.literal_column("id desc")],
        unique=False,
    )
