"""Tables of alerts."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("external_subscription_id", sa.Text),
    sa.Column("wallet_id", sa.Uuid),
    sa.Column("alert_type", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("metric_id", sa.Uuid),
    sa.Column("levels", JSONB, nullable=False),
    sa.Column("previous_value", sa.Numeric, nullable=False, comment="what the value was when it was looked at last"),
    sa.Column("last_processed_at", _INSTANT),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("updated_at", _INSTANT, nullable=False),
    sa.Column("deleted_at", _INSTANT),
    sa.CheckConstraint("(external_subscription_id is null) <> (wallet_id is null)", name="is_of_one_thing"),
    sa.ForeignKeyConstraint(["organization_id", "metric_id"], ["billable_metrics.organization_id", "billable_metrics.id"]),
    sa.Index(
        "uq_alerts_code",
        "organization_id",
        "external_subscription_id",
        "code",
        unique=True,
        postgresql_where=sa.text("deleted_at is null and external_subscription_id is not null"),
    ),
    sa.Index(
        "uq_alerts_usage_type",
        "organization_id",
        "external_subscription_id",
        "alert_type",
        sa.text("coalesce(metric_id, '00000000-0000-0000-0000-000000000000')"),
        unique=True,
        postgresql_where=sa.text("deleted_at is null and external_subscription_id is not null"),
    ),
    sa.Index(
        "uq_alerts_wallet_type",
        "wallet_id",
        "alert_type",
        unique=True,
        postgresql_where=sa.text("deleted_at is null and wallet_id is not null"),
    ),
)

triggered_alerts = sa.Table(
    "triggered_alerts",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("alert_id", sa.Uuid, sa.ForeignKey("alerts.id"), nullable=False),
    sa.Column("subscription_id", sa.Uuid),
    sa.Column("external_subscription_id", sa.Text),
    sa.Column("wallet_id", sa.Uuid),
    sa.Column("external_customer_id", sa.Text, nullable=False),
    sa.Column("billable_metric_code", sa.Text),
    sa.Column("alert_name", sa.Text),
    sa.Column("alert_code", sa.Text, nullable=False),
    sa.Column("alert_type", sa.Text, nullable=False),
    sa.Column("current_value", sa.Numeric, nullable=False),
    sa.Column("previous_value", sa.Numeric, nullable=False),
    sa.Column("crossed", JSONB, nullable=False),
    sa.Column("triggered_at", _INSTANT, nullable=False),
    sa.Index("ix_triggered_alerts_list", "organization_id", sa.text("triggered_at desc"), sa.text("id desc")),
)
