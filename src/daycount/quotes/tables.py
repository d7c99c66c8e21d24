"""Tables of quotes, order forms and orders."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)


def _numbered() -> list[Any]:
    return [
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
        sa.Column("sequential_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("customer_id", sa.Uuid, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.UniqueConstraint("organization_id", "id"),
        sa.UniqueConstraint("organization_id", "sequential_id"),
        sa.ForeignKeyConstraint(["organization_id", "customer_id"], ["customers.organization_id", "customers.id"]),
    ]


_ORDER_TYPES = "order_type in ('subscription_creation', 'subscription_amendment', 'one_off')"

quotes = sa.Table(
    "quotes",
    metadata,
    *_numbered(),
    sa.Column("order_type", sa.Text, nullable=False),
    sa.Column("subscription_id", sa.Uuid, comment="the row that an amendment is about"),
    sa.CheckConstraint(_ORDER_TYPES, name="order_type_is_known"),
    sa.CheckConstraint("(order_type = 'subscription_amendment') = (subscription_id is not null)", name="amendments_have_a_subscription"),
)

quote_versions = sa.Table(
    "quote_versions",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, nullable=False),
    sa.Column("quote_id", sa.Uuid, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("currency", sa.Text),
    sa.Column("billing_entity_code", sa.Text),
    sa.Column("content", sa.Text),
    sa.Column("billing_items", JSONB, nullable=False),
    sa.Column("void_reason", sa.Text),
    sa.Column("approved_at", _INSTANT),
    sa.Column("voided_at", _INSTANT),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("updated_at", _INSTANT, nullable=False),
    sa.UniqueConstraint("organization_id", "id"),
    sa.UniqueConstraint("quote_id", "version"),
    sa.ForeignKeyConstraint(["organization_id", "quote_id"], ["quotes.organization_id", "quotes.id"]),
    sa.CheckConstraint("status in ('draft', 'approved', 'voided')", name="status_is_known"),
    sa.Index("uq_quote_versions_live", "quote_id", unique=True, postgresql_where=sa.text("status in ('draft', 'approved')")),
)

order_forms = sa.Table(
    "order_forms",
    metadata,
    *_numbered(),
    sa.Column("quote_id", sa.Uuid, nullable=False),
    sa.Column("version_id", sa.Uuid, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("void_reason", sa.Text),
    sa.Column("expires_at", _INSTANT),
    sa.Column("signed_at", _INSTANT),
    sa.Column("voided_at", _INSTANT),
    sa.UniqueConstraint("version_id"),
    sa.ForeignKeyConstraint(["organization_id", "version_id"], ["quote_versions.organization_id", "quote_versions.id"]),
    sa.CheckConstraint("status in ('generated', 'signed', 'expired', 'voided')", name="status_is_known"),
)

orders = sa.Table(
    "orders",
    metadata,
    *_numbered(),
    sa.Column("order_form_id", sa.Uuid, nullable=False),
    sa.Column("subscription_id", sa.Uuid),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("order_type", sa.Text, nullable=False),
    sa.Column("execution_mode", sa.Text),
    sa.Column("execute_at", _INSTANT),
    sa.Column("executed_at", _INSTANT),
    sa.Column("currency", sa.Text),
    sa.Column("billing_entity_code", sa.Text),
    sa.Column("billing_items", JSONB, nullable=False),
    sa.Column("execution_record", JSONB),
    sa.UniqueConstraint("order_form_id"),
    sa.ForeignKeyConstraint(["organization_id", "order_form_id"], ["order_forms.organization_id", "order_forms.id"]),
    sa.CheckConstraint("status in ('created', 'executed', 'failed')", name="status_is_known"),
    sa.CheckConstraint(_ORDER_TYPES, name="order_type_is_known"),
    sa.CheckConstraint("execution_mode in ('execute_in_lago', 'order_only')", name="execution_mode_is_known"),
)
