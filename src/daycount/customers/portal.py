"""
Links that let a customer in to its own pages: a signed token that names the customer and ends after some hours.

The key is the server's own and never leaves the database. Whoever has the link is the customer; a deleted customer's links
lead nowhere. Times are real, also for customers of a sandbox. Source: Lago API, customer portal.
"""

import base64
import binascii
import hmac
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from daycount.organizations.store import find_secret

LIFETIME: Final = timedelta(hours=12)
_KEY: Final = "portal_key"
_IDS: Final = 32
_TIME: Final = 8
_SIGNATURE: Final = 32


class Grant(NamedTuple):
    """Whose pages a token opens."""

    organization_id: UUID
    customer_id: UUID


def make_token(tx: Connection, grant: Grant, *, real_now: datetime) -> str:
    """Make the token of a link that opens a customer's pages for twelve hours."""
    ends = int((real_now + LIFETIME).timestamp())
    content = grant.organization_id.bytes + grant.customer_id.bytes + ends.to_bytes(_TIME, "big")
    return base64.urlsafe_b64encode(content + _sign(tx, content)).decode()


def read_token(tx: Connection, token: str, *, real_now: datetime) -> Grant | None:
    """Return whose pages a token opens; None where it was not made here or is too old."""
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    content, signature = raw[: _IDS + _TIME], raw[_IDS + _TIME :]
    if len(signature) != _SIGNATURE or not hmac.compare_digest(signature, _sign(tx, content)):
        return None
    ends = datetime.fromtimestamp(int.from_bytes(content[_IDS:], "big"), UTC)
    return Grant(UUID(bytes=content[:16]), UUID(bytes=content[16:_IDS])) if real_now < ends else None


def _sign(tx: Connection, content: bytes) -> bytes:
    key = find_secret(tx, _KEY)
    assert key is not None, "a migration makes it"
    return hmac.digest(key, content, "sha256")
