"""Tables of users, memberships, invitations, sessions and failed sign-ins. Times are real, also of sandboxes."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TIMESTAMP

from daycount.infra.database import metadata

_INSTANT = TIMESTAMP(timezone=True)

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("email", sa.Text, nullable=False, unique=True, comment="in lower case"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False, comment="argon2id"),
    sa.Column("created_at", _INSTANT, nullable=False),
)

memberships = sa.Table(
    "memberships",
    metadata,
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), primary_key=True),
    sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="cascade"), primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.CheckConstraint("role in ('admin', 'manager', 'finance', 'auditor')", name="role_is_known"),
    sa.Index("ix_memberships_user_id", "user_id"),
)

invitations = sa.Table(
    "invitations",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True, comment="SHA-256 of the token in the link"),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("expires_at", _INSTANT, nullable=False),
    sa.UniqueConstraint("organization_id", "email"),
)

user_sessions = sa.Table(
    "user_sessions",
    metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True, comment="SHA-256 of the token in the cookie"),
    sa.Column("user_id", sa.Uuid, sa.ForeignKey("users.id", ondelete="cascade"), nullable=False),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id")),
    sa.Column("csrf", sa.Text, nullable=False),
    sa.Column("created_at", _INSTANT, nullable=False),
    sa.Column("seen_at", _INSTANT, nullable=False, comment="to some minutes"),
    sa.Index("ix_user_sessions_user_id", "user_id"),
)

failed_sign_ins = sa.Table(
    "failed_sign_ins",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("client", sa.Text, nullable=False),
    sa.Column("failed_at", _INSTANT, nullable=False),
    sa.Index("ix_failed_sign_ins_email", "email", "failed_at"),
    sa.Index("ix_failed_sign_ins_client", "client", "failed_at"),
)
