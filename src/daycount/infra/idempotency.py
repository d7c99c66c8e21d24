"""
Keys by which a request is carried out once, however often it is sent.

The key is the first thing that the request's transaction writes, so that the same request sent meanwhile waits for it, and the
reply is the last one. A request that is refused leaves neither. Keys count on the time of their organization.
"""

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import TIMESTAMP

from daycount import errors
from daycount.infra.database import metadata

KEPT = timedelta(hours=24)
MOST_SIGNS = 255

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False, comment="SHA-256 of the request"),
    sa.Column("reply", sa.LargeBinary, comment="the body that was answered, with status 200"),
    sa.Column("created_at", TIMESTAMP(timezone=True), nullable=False, comment="time of the organization"),
    sa.Index("ix_idempotency_keys_age", "organization_id", "created_at"),
)

_EXPIRE = sa.text("delete from idempotency_keys where organization_id = :organization_id and key = :key and created_at <= :before")
_PURGE = sa.text("""
delete from idempotency_keys where (organization_id, key) in (
    select organization_id, key from idempotency_keys
    where organization_id = :organization_id and created_at <= :before
    order by created_at limit 100 for update skip locked
)
""")
_CLAIM = sa.text("""
insert into idempotency_keys (organization_id, key, digest, created_at) values (:organization_id, :key, :digest, :at)
on conflict do nothing returning 1
""")
_FIND = sa.text("select digest, reply from idempotency_keys where organization_id = :organization_id and key = :key")
_KEEP = sa.text("update idempotency_keys set reply = :reply where organization_id = :organization_id and key = :key")


def claim(tx: Connection, *, organization_id: UUID, key: str, digest: bytes, at: datetime) -> bytes | None:
    """
    Take a key for a request, or return the reply that it had; one that is under way is waited for.

    Raises Invalid for a key that is too long, Unprocessable where the key came with another request, Busy where the request is still
    under way in a way that cannot be waited for.
    """
    if len(key) > MOST_SIGNS:
        raise errors.Invalid({"idempotency_key": ["value_is_too_long"]})
    named = {"organization_id": organization_id, "key": key}
    before = {"organization_id": organization_id, "before": at - KEPT}
    tx.execute(_EXPIRE, before | named)
    tx.execute(_PURGE, before)
    if tx.execute(_CLAIM, named | {"digest": digest, "at": at}).one_or_none() is not None:
        return None
    found = tx.execute(_FIND, named).one_or_none()
    if found is None or found.reply is None:
        raise errors.Busy("idempotency_key")
    if bytes(found.digest) != digest:
        raise errors.Unprocessable("idempotency_key_reused")
    return bytes(found.reply)


def keep(tx: Connection, *, organization_id: UUID, key: str, reply: bytes) -> None:
    """Keep the reply of the request that took a key."""
    tx.execute(_KEEP, {"organization_id": organization_id, "key": key, "reply": reply})
