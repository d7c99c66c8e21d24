"""Requests that are sent again with the same `Idempotency-Key`: which one is the same, and what it was answered."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec
from sqlalchemy import Connection

from daycount.infra import idempotency

HEADER = b"idempotency-key"
_encoder = msgspec.json.Encoder(order="deterministic")


class Sent(Protocol):
    """What of a request counts."""

    @property
    def method(self) -> str:
        """Return its method."""

    @property
    def raw_path(self) -> bytes:
        """Return its path as it came."""

    @property
    def query(self) -> bytes:
        """Return its query as it came."""

    @property
    def headers(self) -> Mapping[bytes, bytes]:
        """Return its headers."""

    @property
    def body(self) -> bytes:
        """Return its body."""


class Promise:
    """What one request, in its transaction, does about its key; nothing where it has none or is no POST."""

    def __init__(self, tx: Connection, request: Sent, *, organization_id: UUID, at: datetime) -> None:
        self._tx = tx
        self._organization_id = organization_id
        self._key = key_of(request)
        self.reply: bytes | None = None
        if self._key is not None:
            self.reply = idempotency.claim(tx, organization_id=organization_id, key=self._key, digest=digest_of(request), at=at)

    def keep(self, reply: bytes) -> None:
        """Keep the reply, to be committed with what the request did."""
        if self._key is not None:
            idempotency.keep(self._tx, organization_id=self._organization_id, key=self._key, reply=reply)


def key_of(request: Sent) -> str | None:
    """Return the key of a POST, None where there is none."""
    if request.method != "POST":
        return None
    return request.headers.get(HEADER, b"").decode("latin-1").replace("\x00", "").strip() or None


def digest_of(request: Sent) -> bytes:
    """Return what two requests share that are the same: method, path, query and the content of the body, however it is written."""
    try:
        body = _encoder.encode(msgspec.json.decode(request.body)) if request.body.strip() else b""
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        body = request.body
    parts = (request.method.encode(), request.raw_path, request.query, body)
    return hashlib.sha256(b"\n".join(hashlib.sha256(part).digest() for part in parts)).digest()
