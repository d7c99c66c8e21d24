"""The table of faults that are to be told of at the end of their hour."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from daycount.infra.database import metadata

event_faults = sa.Table(
    "event_faults",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("hour", TIMESTAMP(timezone=True), nullable=False, comment="the start of the hour in which the event was received"),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("transaction_id", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Index("ix_event_faults_hour", "organization_id", "hour", "id"),
)
