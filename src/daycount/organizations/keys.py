"""Use cases of API keys: make, rename, restrict, rotate, expire. Keys live on real time, also those of a sandbox."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from daycount import errors
from daycount.infra.work import Work
from daycount.organizations import key_store as store
from daycount.organizations.permissions import Permissions, read_permissions
from daycount.organizations.records import ApiKey

_MAX_NAME = 255


class MadeKey(NamedTuple):
    """A new key and its value in clear text, which is known this once."""

    key: ApiKey
    value: str


def make_key(
    work: Work, *, name: str | None, permissions: Mapping[str, Any] | None, expires_at: datetime | None, real_now: datetime
) -> MadeKey:
    """Make one more key. Raises Invalid (name, permissions, expires_at)."""
    _check(name, expires_at, real_now=real_now)
    return _insert(work, name=name, permissions=read_permissions(permissions), expires_at=expires_at, real_now=real_now)


def get_key(work: Work, key_id: UUID) -> ApiKey:
    """Return a key, an expired one included. Raises NotFound."""
    key = store.find_key(work.tx, organization_id=work.organization_id, key_id=key_id)
    if key is None:
        raise errors.NotFound("api_key")
    return key


def change_key(work: Work, key_id: UUID, *, changes: Mapping[str, Any]) -> ApiKey:
    """Rename or restrict a key; `changes` holds the fields that were given. Raises NotFound, Invalid (name, permissions)."""
    key = get_key(work, key_id)
    fields = dict(changes)
    _check(fields.get("name"), None, real_now=work.now)
    if "permissions" in fields:
        fields["permissions"] = read_permissions(fields["permissions"])
    store.update_key(work.tx, key.id, **fields)
    return get_key(work, key_id)


def rotate_key(work: Work, key_id: UUID, *, expires_at: datetime | None, real_now: datetime) -> MadeKey:
    """
    Make a key that may do what another may, which expires at an instant or now.

    Raises NotFound, Invalid (expires_at). Keeping the permissions is ours: a restricted key does not become a whole one.
    """
    key = get_key(work, key_id)
    _check(None, expires_at, real_now=real_now)
    made = _insert(work, name=key.name, permissions=key.permissions, expires_at=None, real_now=real_now)
    store.update_key(work.tx, key.id, expires_at=expires_at or real_now)
    return made


def expire_key(work: Work, key_id: UUID, *, real_now: datetime) -> ApiKey:
    """Let a key expire now. Raises NotFound, Invalid (base) for the last one that does not expire."""
    store.lock_keys(work.tx, organization_id=work.organization_id)
    key = get_key(work, key_id)
    if key.expires_at is None and store.count_lasting(work.tx, organization_id=work.organization_id) == 1:
        raise errors.Invalid({"base": ["last_non_expiring_api_key"]})
    store.update_key(work.tx, key.id, expires_at=real_now)
    return get_key(work, key_id)


def _insert(work: Work, *, name: str | None, permissions: Permissions | None, expires_at: datetime | None, real_now: datetime) -> MadeKey:
    value = new_value()
    key = ApiKey(
        id=work.new_id(),
        organization_id=work.organization_id,
        name=name,
        last_four=value[-4:],
        permissions=permissions,
        created_at=real_now,
        expires_at=expires_at,
        last_used_at=None,
    )
    store.insert_key(work.tx, key, digest=digest_of(value))
    return MadeKey(key, value)


def new_value() -> str:
    """Return a new random key."""
    return str(UUID(bytes=secrets.token_bytes(16), version=4))


def digest_of(secret: str) -> bytes:
    """Return the SHA-256 digest under which a key or token is kept. Keys are random, so no salt is needed."""
    return hashlib.sha256(secret.encode()).digest()


def _check(name: str | None, expires_at: datetime | None, *, real_now: datetime) -> None:
    found = errors.FieldErrors()
    if name is not None and len(name) > _MAX_NAME:
        found.add("name", "value_is_too_long")
    if expires_at is not None and expires_at <= real_now:
        found.add("expires_at", "value_is_out_of_range")
    found.raise_if_any()
