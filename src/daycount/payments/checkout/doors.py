"""
Addresses of our own pages to pay at: a signed token that says what the page is about.

The key is the server's own and never leaves the database. Whoever has the address may pay; it shows no more than a bill does.
"""

import base64
import binascii
import hmac
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from daycount.organizations.store import find_secret
from daycount.payments.checkout.records import About, Door

PATH: Final = "/pay/"
_KEY: Final = "portal_key"
_PURPOSE: Final = b"checkout"
_IDS: Final = 33
_TIME: Final = 8
_SIGNATURE: Final = 32


def path_of(tx: Connection, door: Door) -> str:
    """Return the path of our page."""
    ends = 0 if door.ends is None else int(door.ends.timestamp())
    content = door.about.value.encode() + door.organization_id.bytes + door.subject_id.bytes + ends.to_bytes(_TIME, "big")
    return PATH + base64.urlsafe_b64encode(content + _sign(tx, content)).decode().rstrip("=")


def read_token(tx: Connection, token: str) -> Door | None:
    """Return what a token opens; None where it was not made here. Whether it is too old the caller sees, who knows what time it is."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    content, signature = raw[: _IDS + _TIME], raw[_IDS + _TIME :]
    if len(signature) != _SIGNATURE or not hmac.compare_digest(signature, _sign(tx, content)):
        return None
    ends = int.from_bytes(content[_IDS:], "big")
    return Door(
        organization_id=UUID(bytes=content[1:17]),
        about=About(content[:1].decode()),
        subject_id=UUID(bytes=content[17:_IDS]),
        ends=datetime.fromtimestamp(ends, UTC) if ends else None,
    )


def _sign(tx: Connection, content: bytes) -> bytes:
    key = find_secret(tx, _KEY)
    assert key is not None, "a migration makes it"
    return hmac.digest(key, _PURPOSE + content, "sha256")
