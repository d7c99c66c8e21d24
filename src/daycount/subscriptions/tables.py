"""The table of subscriptions."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("customer_id", sa.Uuid, nullable=False),
    sa.Column("plan_id", sa.Uuid, nullable=False),
    sa.Column("external_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("billing_time", sa.Text, nullable=False),
    sa.Column("subscription_at", _INSTANT, nullable=False),
    sa.Column("started_at", _INSTANT),
    sa.Column("ending_at", _INSTANT),
    sa.Column("terminated_at", _INSTANT),
    sa.Column("canceled_at", _INSTANT),
    sa.Column("activated_at", _INSTANT),
    sa.Column("trial_ended_at", _INSTANT),
    sa.Column("on_termination_credit_note", sa.Text),
    sa.Column("on_termination_invoice", sa.Text, nullable=False),
    sa.Column("progressive_billing_disabled", sa.Boolean, nullable=False),
    sa.Column("consolidate_invoice", sa.Boolean, nullable=False),
    sa.Column("purchase_order_number", sa.Text),
    sa.Column("billed_through", _INSTANT),
    sa.Column("billed_zone", sa.Text),
    sa.Column("has_base_fee", sa.Boolean, nullable=False),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("updated_at", _INSTANT, nullable=False),
    sa.Column("base_billed_through", _INSTANT, comment="end, exclusive, of what base fees are for"),
    sa.Column("base_unbilled_from", sa.Date, comment="first local day that no base fee is for"),
    sa.Column("previous_id", sa.Uuid, comment="the row this one follows with another plan"),
    sa.Column("ended_by", sa.Text),
    sa.Column("cancellation_reason", sa.Text),
    sa.Column("payment_method_type", sa.Text, nullable=False, server_default=sa.text("'provider'")),
    sa.Column("payment_method_id", sa.Uuid),
    sa.Column("billing_entity_id", sa.Uuid, comment="who issues its invoices; null for the customer's"),
    sa.Column("usage_thresholds", JSONB, nullable=False, server_default=sa.text("'[]'")),
    sa.Column("activation_rules", JSONB, nullable=False, server_default=sa.text("'[]'"), comment="what its activation waits for"),
    sa.UniqueConstraint("organization_id", "id"),
    sa.ForeignKeyConstraint(["organization_id", "previous_id"], ["subscriptions.organization_id", "subscriptions.id"]),
    sa.ForeignKeyConstraint(["organization_id", "customer_id"], ["customers.organization_id", "customers.id"]),
    sa.ForeignKeyConstraint(["organization_id", "billing_entity_id"], ["billing_entities.organization_id", "billing_entities.id"]),
    sa.ForeignKeyConstraint(["organization_id", "plan_id"], ["plans.organization_id", "plans.id"]),
    sa.CheckConstraint("status in ('pending', 'incomplete', 'active', 'terminated', 'canceled')", name="status_known"),
    sa.CheckConstraint("(status in ('incomplete', 'active', 'terminated')) = (started_at is not null)", name="started_when_active"),
    sa.CheckConstraint("(status = 'terminated') = (terminated_at is not null)", name="ended_when_terminated"),
    sa.CheckConstraint("(base_billed_through is null) = (base_unbilled_from is null)", name="base_billed_whole"),
    sa.CheckConstraint("ended_by in ('termination', 'upgrade', 'downgrade')", name="ended_by_known"),
    sa.Index("uq_subscriptions_active", "organization_id", "external_id", unique=True, postgresql_where=sa.text("status = 'active'")),
    sa.Index("uq_subscriptions_pending", "organization_id", "external_id", unique=True, postgresql_where=sa.text("status = 'pending'")),
    sa.Index(
        "uq_subscriptions_incomplete", "organization_id", "external_id", unique=True, postgresql_where=sa.text("status = 'incomplete'")
    ),
    sa.Index("ix_subscriptions_external_id", "organization_id", "external_id"),
    sa.Index("ix_subscriptions_customer_id", "customer_id"),
    sa.Index("ix_subscriptions_plan_id", "plan_id"),
    sa.Index("ix_subscriptions_previous_id", "previous_id", postgresql_where=sa.text("previous_id is not null")),
    sa.Index("ix_subscriptions_list", "organization_id", sa.text("subscription_at desc"), sa.text("created_at desc"), "id"),
)
