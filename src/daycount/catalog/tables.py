"""Tables of billable metrics, plans and charges."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

billable_metrics = sa.Table(
    "billable_metrics",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("aggregation_type", sa.Text, nullable=False),
    sa.Column("field_name", sa.Text),
    sa.Column("recurring", sa.Boolean, nullable=False),
    sa.Column("rounding_function", sa.Text),
    sa.Column("rounding_precision", sa.Integer),
    sa.Column("weighted_interval", sa.Text),
    sa.Column("expression", sa.Text),
    sa.Column("custom_aggregator", JSONB, comment="the reducer of a custom aggregation"),
    sa.Column("filters", JSONB, nullable=False),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("updated_at", _INSTANT, nullable=False),
    sa.Column("deleted_at", _INSTANT),
    sa.UniqueConstraint("organization_id", "id"),
    sa.Index("uq_billable_metrics_code", "organization_id", "code", unique=True, postgresql_where=sa.text("deleted_at is null")),
    sa.Index("ix_billable_metrics_list", "organization_id", sa.text("created_at desc"), "id"),
)

plans = sa.Table(
    "plans",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("invoice_display_name", sa.Text),
    sa.Column("description", sa.Text),
    sa.Column("interval", sa.Text, nullable=False),
    sa.Column("amount_cents", sa.BigInteger, nullable=False),
    sa.Column("amount_currency", sa.Text, nullable=False),
    sa.Column("pay_in_advance", sa.Boolean, nullable=False),
    sa.Column("trial_period_days", sa.Numeric, nullable=False),
    sa.Column("bill_charges_monthly", sa.Boolean),
    sa.Column("bill_fixed_charges_monthly", sa.Boolean),
    sa.Column("metadata", JSONB),
    sa.Column("pending_deletion", sa.Boolean, nullable=False),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("updated_at", _INSTANT, nullable=False),
    sa.Column("deleted_at", _INSTANT),
    sa.UniqueConstraint("organization_id", "id"),
    sa.Index("uq_plans_code", "organization_id", "code", unique=True, postgresql_where=sa.text("deleted_at is null")),
    sa.Index("ix_plans_list", "organization_id", sa.text("created_at desc"), "id"),
)

charges = sa.Table(
    "charges",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("plan_id", sa.Uuid, nullable=False),
    sa.Column("billable_metric_id", sa.Uuid, nullable=False),
    sa.Column("position", sa.Integer, nullable=False, comment="order within the plan, as given"),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("charge_model", sa.Text, nullable=False),
    sa.Column("invoice_display_name", sa.Text),
    sa.Column("pay_in_advance", sa.Boolean, nullable=False),
    sa.Column("prorated", sa.Boolean, nullable=False),
    sa.Column("invoiceable", sa.Boolean, nullable=False),
    sa.Column("regroup_paid_fees", sa.Text),
    sa.Column("min_amount_cents", sa.BigInteger, nullable=False),
    sa.Column("accepts_target_wallet", sa.Boolean, nullable=False),
    sa.Column("properties", JSONB, nullable=False),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("deleted_at", _INSTANT),
    sa.UniqueConstraint("organization_id", "id"),
    sa.ForeignKeyConstraint(["organization_id", "plan_id"], ["plans.organization_id", "plans.id"]),
    sa.ForeignKeyConstraint(["organization_id", "billable_metric_id"], ["billable_metrics.organization_id", "billable_metrics.id"]),
    sa.Index("uq_charges_code", "plan_id", "code", unique=True, postgresql_where=sa.text("deleted_at is null")),
    sa.Index("ix_charges_metric", "billable_metric_id"),
)

charge_filters = sa.Table(
    "charge_filters",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("charge_id", sa.Uuid, nullable=False),
    sa.Column("position", sa.Integer, nullable=False, comment="order within the charge, as given"),
    sa.Column("invoice_display_name", sa.Text),
    sa.Column("values", JSONB, nullable=False),
    sa.Column("properties", JSONB, nullable=False),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("deleted_at", _INSTANT),
    sa.UniqueConstraint("organization_id", "id"),
    sa.ForeignKeyConstraint(["organization_id", "charge_id"], ["charges.organization_id", "charges.id"]),
    sa.Index("ix_charge_filters_charge_id", "charge_id"),
)
