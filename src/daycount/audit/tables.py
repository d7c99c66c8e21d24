"""Tables of logs."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

api_logs = sa.Table(
    "api_logs",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("api_key_id", sa.Uuid, nullable=False),
    sa.Column("client", sa.Text, nullable=False),
    sa.Column("http_method", sa.Text, nullable=False),
    sa.Column("http_status", sa.Integer, nullable=False),
    sa.Column("request_origin", sa.Text, nullable=False),
    sa.Column("request_path", sa.Text, nullable=False),
    sa.Column("request_body", JSONB, nullable=False),
    sa.Column("request_response", JSONB, nullable=False),
    sa.Column("logged_at", _INSTANT, nullable=False),
    sa.Index("ix_api_logs_list", "organization_id", "logged_at", "id"),
)

activities = sa.Table(
    "activities",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("family", sa.Text, nullable=False, comment="activity or security"),
    sa.Column("activity_type", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("resource_type", sa.Text, nullable=False),
    sa.Column("resource_id", sa.Uuid, nullable=False),
    sa.Column("external_customer_id", sa.Text),
    sa.Column("external_subscription_id", sa.Text),
    sa.Column("object", JSONB(none_as_null=True), comment="the thing as it was afterwards"),
    sa.Column("changes", JSONB(none_as_null=True), comment="fields that changed: before and after"),
    sa.Column("logged_at", _INSTANT, nullable=False),
    sa.Index("ix_activities_list", "organization_id", "family", "logged_at", "id"),
)
