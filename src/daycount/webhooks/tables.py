"""Tables of webhooks: endpoints, what is told to them, the attempts, and the key that signs."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)
_IS_WAITING = sa.text("next_attempt_at is not null")

webhook_endpoints = sa.Table(
    "webhook_endpoints",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("signature_algo", sa.Text, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("event_types", JSONB(none_as_null=True), comment="null is everything"),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("updated_at", _INSTANT, nullable=False),
    sa.UniqueConstraint("organization_id", "id"),
    sa.UniqueConstraint("organization_id", "url"),
)

webhooks = sa.Table(
    "webhooks",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, nullable=False),
    sa.Column("endpoint_id", sa.Uuid, nullable=False),
    sa.Column("place", sa.BigInteger, sa.Identity(always=True), nullable=False, comment="the order in which it happened"),
    sa.Column("webhook_type", sa.Text, nullable=False),
    sa.Column("object_type", sa.Text, nullable=False),
    sa.Column("object_id", sa.Uuid, comment="what it is about; webhooks about one thing go out in their order"),
    sa.Column("payload", sa.Text, nullable=False, comment="the body, byte for byte"),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0", comment="attempts since it was queued, or asked for again"),
    sa.Column("http_status", sa.Integer),
    sa.Column("created_at", _INSTANT, nullable=False, comment="time of the organization; all others are real time"),
    sa.Column("last_attempt_at", _INSTANT),
    sa.Column("next_attempt_at", _INSTANT, comment="null where nothing is to be sent any more"),
    sa.ForeignKeyConstraint(
        ["organization_id", "endpoint_id"], ["webhook_endpoints.organization_id", "webhook_endpoints.id"], ondelete="cascade"
    ),
    sa.CheckConstraint("(next_attempt_at is not null) = (status in ('pending', 'retrying'))", name="waits_or_is_done"),
    sa.Index("ix_webhooks_waiting", "endpoint_id", "place", postgresql_where=_IS_WAITING),
    sa.Index("ix_webhooks_order", "endpoint_id", "object_id", "place", postgresql_where=_IS_WAITING),
    sa.Index("ix_webhooks_done", "last_attempt_at", postgresql_where=sa.text("next_attempt_at is null")),
    sa.Index("ix_webhooks_list", "organization_id", sa.text("place desc")),
)

webhook_attempts = sa.Table(
    "webhook_attempts",
    metadata,
    sa.Column("webhook_id", sa.Uuid, sa.ForeignKey("webhooks.id", ondelete="cascade"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False, comment="from 1"),
    sa.Column("started_at", _INSTANT, nullable=False),
    sa.Column("duration_ms", sa.Integer, nullable=False),
    sa.Column("http_status", sa.Integer),
    sa.Column("response", sa.Text, comment="the beginning of what came back"),
    sa.Column("error", sa.Text, comment="why nothing came back"),
)

signing_keys = sa.Table(
    "signing_keys",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("private_pem", sa.Text, nullable=False, comment="PKCS 8"),
)
