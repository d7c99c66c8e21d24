"""
Tables of events.

`usage_events` is narrow on purpose: who sent it and for what is one integer (`stream_id`), the identity is one 16 byte
key, and there are two indexes; every further one would cost a quarter of the ingest rate. A third holds late events only.

`usage_states` and its two tables hold what settled events come to. They can be emptied at any time: whoever asks folds
them anew.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.types import UserDefinedType

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)


class TransactionId(UserDefinedType[str]):
    """PostgreSQL's 64 bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        """Return the type's name."""
        return "xid8"


event_streams = sa.Table(
    "event_streams",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("external_subscription_id", sa.Text, nullable=False, comment="empty when the event named none"),
    sa.Column("code", sa.Text, nullable=False),
    sa.UniqueConstraint("organization_id", "external_subscription_id", "code"),
)

event_fields = sa.Table(
    "event_fields",
    metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True, comment="how a value was typed: number:NAME or member:NAME of a property"),
)

event_sequence = sa.Sequence("usage_event_sequence", metadata=metadata, increment=10_000)

usage_events = sa.Table(
    "usage_events",
    metadata,
    sa.Column("key", sa.Uuid, nullable=False, comment="digest of (organization, external subscription id, transaction id); the public id"),
    sa.Column("stream_id", sa.BigInteger, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False, comment="order of arrival"),
    sa.Column("at", _INSTANT, nullable=False),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("written_by", TransactionId, nullable=False, server_default=sa.text("pg_current_xact_id()")),
    sa.Column("field_id", sa.Integer, comment="the property that number and member were read from"),
    sa.Column("is_add", sa.Boolean, comment="operation of a counted value; null when it has none that is known"),
    sa.Column("number", sa.Numeric),
    sa.Column("member", sa.Text),
    sa.Column("precise_total_amount_cents", sa.Numeric),
    sa.Column("transaction_id", sa.Text, nullable=False),
    sa.Column("properties", sa.Text, nullable=False, comment="JSON as it was sent, so that numbers stay exact"),
    sa.Column("is_late", sa.Boolean, nullable=False, server_default=sa.text("true"), comment="dated before the horizon when it arrived"),
    sa.Index("uq_usage_events_key", "key", unique=True),
    sa.Index("ix_usage_events_stream_at", "stream_id", "at"),
    sa.Index("ix_usage_events_late", "stream_id", "written_by", postgresql_where=sa.text("is_late")),
)

event_horizons = sa.Table(
    "event_horizons",
    metadata,
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), primary_key=True),
    sa.Column("horizon", _INSTANT, nullable=False, comment="events dated before it are late when they arrive"),
)

usage_states = sa.Table(
    "usage_states",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("stream_id", sa.BigInteger, sa.ForeignKey("event_streams.id", ondelete="CASCADE"), nullable=False),
    sa.Column("fingerprint", sa.Uuid, nullable=False, comment="digest of everything in the request that the state depends on"),
    sa.Column("cluster", sa.BigInteger, nullable=False, comment="whose transaction ids the watermark speaks of"),
    sa.Column("watermark", TransactionId, nullable=False, comment="late events of older transactions are folded in"),
    sa.Column("horizon", _INSTANT, nullable=False, comment="events dated from here on are not folded in"),
    sa.Column("period_start", _INSTANT, nullable=False),
    sa.Column("period_end", _INSTANT, nullable=False),
    sa.UniqueConstraint("stream_id", "fingerprint"),
)

usage_state_buckets = sa.Table(
    "usage_state_buckets",
    metadata,
    sa.Column("state_id", sa.BigInteger, sa.ForeignKey("usage_states.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("digest", sa.LargeBinary, primary_key=True, comment="of place and names"),
    sa.Column(
        "day", sa.Integer, primary_key=True, autoincrement=False, comment="number of the local day in the period; 0 where days do not count"
    ),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("names", ARRAY(sa.Text), nullable=False),
    sa.Column("events_count", sa.BigInteger, nullable=False),
    sa.Column("total", sa.Numeric, nullable=False),
    sa.Column("carried", sa.Numeric, nullable=False),
    sa.Column("weighted", sa.Numeric, nullable=False),
    sa.Column("at", _INSTANT, comment="of the latest event, where it decides"),
    sa.Column("sequence", sa.BigInteger),
)

usage_state_members = sa.Table(
    "usage_state_members",
    metadata,
    sa.Column("state_id", sa.BigInteger, sa.ForeignKey("usage_states.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("digest", sa.LargeBinary, primary_key=True, comment="of place, names and member"),
    sa.Column("at", _INSTANT, nullable=False, comment="of its latest event"),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False),
)
