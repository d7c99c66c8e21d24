"""The table of what providers told us."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from daycount.infra.database import metadata

provider_events = sa.Table(
    "provider_events",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("provider_id", sa.Uuid, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False, comment="what the provider calls it"),
    sa.Column("event_type", sa.Text, nullable=False),
    sa.Column("removed_method_id", sa.Text, comment="the payment method it says is gone, so that nothing older brings it back"),
    sa.Column("payload", sa.Text, nullable=False, comment="the body as it came"),
    sa.Column("received_at", TIMESTAMP(timezone=True), nullable=False),
    # What is told twice happens once.
    sa.UniqueConstraint("provider_id", "event_id"),
    sa.ForeignKeyConstraint(["organization_id", "provider_id"], ["payment_providers.organization_id", "payment_providers.id"]),
    sa.Index("ix_provider_events_received_at", "provider_id", "received_at"),
    sa.Index("ix_provider_events_removed", "provider_id", "removed_method_id", postgresql_where=sa.text("removed_method_id is not null")),
)
