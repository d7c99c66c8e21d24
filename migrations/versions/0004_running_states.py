"""
Running states of usage: what the settled events of a stream come to, so that a read touches only what is new.

Every event that is there counts as late, so that the index of late events finds it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_INSTANT = postgresql.TIMESTAMP(timezone=True)


class TransactionId(sa.types.UserDefinedType[str]):
    """PostgreSQL's 64 bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        """Return the type's name."""
        return "xid8"


def upgrade() -> None:
    """Go to this version; locks are waited for no longer than five seconds."""
    op.execute("set local lock_timeout = '5s'")
    op.add_column(
        "usage_events",
        sa.Column(
            "is_late", sa.Boolean(), server_default=sa.text("true"), nullable=False, comment="dated before the horizon when it arrived"
        ),
    )
    op.create_index("ix_usage_events_late", "usage_events", ["stream_id", "written_by"], unique=False, postgresql_where=sa.text("is_late"))
    op.create_table(
        "usage_states",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("stream_id", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.Uuid(), nullable=False, comment="digest of everything in the request that the state depends on"),
        sa.Column("cluster", sa.BigInteger(), nullable=False, comment="whose transaction ids the watermark speaks of"),
        sa.Column("watermark", TransactionId(), nullable=False, comment="late events of older transactions are folded in"),
        sa.Column("horizon", _INSTANT, nullable=False, comment="events dated from here on are not folded in"),
        sa.Column("period_start", _INSTANT, nullable=False),
        sa.Column("period_end", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["stream_id"], ["event_streams.id"], name=op.f("fk_usage_states_stream_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_states")),
        sa.UniqueConstraint("stream_id", "fingerprint", name=op.f("uq_usage_states_stream_id_fingerprint")),
    )
    op.create_table(
        "usage_state_buckets",
        sa.Column("state_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="of place and names"),
        sa.Column("day", sa.Integer(), nullable=False, comment="number of the local day in the period; 0 where days do not count"),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("names", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("events_count", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Numeric(), nullable=False),
        sa.Column("carried", sa.Numeric(), nullable=False),
        sa.Column("weighted", sa.Numeric(), nullable=False),
        sa.Column("at", _INSTANT, nullable=True, comment="of the latest event, where it decides"),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["state_id"], ["usage_states.id"], name=op.f("fk_usage_state_buckets_state_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("state_id", "digest", "day", name=op.f("pk_usage_state_buckets")),
    )
    op.create_table(
        "usage_state_members",
        sa.Column("state_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="of place, names and member"),
        sa.Column("at", _INSTANT, nullable=False, comment="of its latest event"),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["state_id"], ["usage_states.id"], name=op.f("fk_usage_state_members_state_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("state_id", "digest", name=op.f("pk_usage_state_members")),
    )
