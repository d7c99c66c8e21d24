"""Tables of dunning campaigns and their attempts."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

dunning_campaigns = sa.Table(
    "dunning_campaigns",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("bcc_emails", JSONB, nullable=False),
    sa.Column("max_attempts", sa.Integer, nullable=False),
    sa.Column("days_between_attempts", sa.Integer, nullable=False),
    sa.Column("thresholds", JSONB, nullable=False, comment="id, currency and amount in minor units of each"),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("updated_at", _INSTANT, nullable=False),
    sa.Column("deleted_at", _INSTANT),
    sa.UniqueConstraint("organization_id", "id"),
    sa.CheckConstraint("max_attempts > 0 and days_between_attempts > 0", name="counts_are_positive"),
    sa.Index("uq_dunning_campaigns_code", "organization_id", "code", unique=True, postgresql_where=sa.text("deleted_at is null")),
)

dunning_attempts = sa.Table(
    "dunning_attempts",
    metadata,
    sa.Column("customer_id", sa.Uuid, primary_key=True),
    sa.Column("currency", sa.Text, primary_key=True),
    sa.Column("attempted_at", _INSTANT, primary_key=True),
    sa.Column("organization_id", sa.Uuid, nullable=False),
    sa.Column("campaign_id", sa.Uuid, nullable=False),
    sa.Column("number", sa.Integer, nullable=False, comment="from 1, since the count began"),
    sa.Column("counts", sa.Boolean, nullable=False, server_default=sa.text("true"), comment="false once the count began anew"),
    sa.Column("paces", sa.Boolean, nullable=False, server_default=sa.text("true"), comment="whether the next attempt waits for it"),
    sa.ForeignKeyConstraint(["organization_id", "customer_id"], ["customers.organization_id", "customers.id"]),
    sa.ForeignKeyConstraint(["organization_id", "campaign_id"], ["dunning_campaigns.organization_id", "dunning_campaigns.id"]),
)
