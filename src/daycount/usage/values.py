"""
Reading values out of an event's properties, the same way for every store.

A property counts as text: strings as they are, numbers in plain notation, booleans as true and false. Null and nested
values are as good as missing.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache, partial
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec

_raw_properties = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NO_NAME = ""
_QUOTE = ord('"')
_MAX_EXPONENT = 100
_MOST_CACHED = 1_000
_MAX_DIGITS = 100

Reader = Callable[[str], tuple[str | None, str | None]]
"""Reads the text forms of two properties, None where one is missing, null or nested."""


def read_property(properties: str, name: str) -> str | None:
    """Return the text form of one property of a JSON object, or None when it is missing, null or nested."""
    return read_two(properties, name, _NO_NAME)[0]


def read_two(properties: str, first: str, second: str) -> tuple[str | None, str | None]:
    """Return the text forms of two properties, reading the JSON once."""
    return reader_of(first, second)(properties)


@lru_cache(_MOST_CACHED)
def reader_of(first: str, second: str = _NO_NAME) -> Reader:
    """Return what reads the text forms of two properties out of a JSON object; for those who read many."""
    decoder = _decoder_of(first, second)
    if decoder is None:
        return partial(_read_oddly, first=first, second=second)
    decode = decoder.decode

    def read(properties: str) -> tuple[str | None, str | None]:
        found = decode(properties)
        one, two = found.one, found.two
        if type(one) is int and one:
            one = str(one)
        if (type(one) is str or one is None) and (type(two) is str or two is None) and "\\" not in properties:
            return one, two
        return _read_oddly(properties, first=first, second=second)

    return read


def _read_oddly(properties: str, *, first: str, second: str) -> tuple[str | None, str | None]:
    raw = _raw_properties.decode(properties)
    one, two = raw.get(first), raw.get(second)
    return None if one is None else text_of(bytes(one)), None if two is None else text_of(bytes(two))


@lru_cache(_MOST_CACHED)
def _decoder_of(first: str, second: str) -> msgspec.json.Decoder[Any] | None:
    """Make a decoder that skips all but two properties; None where their names do not allow it, being equal or oddly spelt."""
    fields = [(name, Any, msgspec.field(name=key, default=None)) for name, key in (("one", first), ("two", second))]
    try:
        return msgspec.json.Decoder(msgspec.defstruct("Two", fields, gc=False), float_hook=Decimal)
    except ValueError:
        return None


def read_texts(properties: str) -> dict[str, str]:
    """Return the text form of every property that has one."""
    texts = {name: text_of(bytes(raw)) for name, raw in _raw_properties.decode(properties).items()}
    return {name: text for name, text in texts.items() if text is not None}


def text_of(raw: bytes) -> str | None:
    """Return the text form of one JSON value; 1e3 is "1000"."""
    if raw[0] == _QUOTE:
        return raw[1:-1].decode() if b"\\" not in raw else msgspec.json.decode(raw, type=str).replace("\x00", "")
    first = raw[:1]
    if first in (b"{", b"["):
        return None
    if first in (b"t", b"f"):
        return raw.decode()
    if first == b"n":
        return None
    if raw.isdigit():
        return raw.decode()
    return _number_text(raw.decode())


def _number_text(text: str) -> str:
    """Write a number without an exponent; one that is longer or larger than any that counts stays as it was sent."""
    _, mark, exponent = text.lower().partition("e")
    if not mark:
        number = text.removeprefix("-")
        return number if number.strip("0.") == "" else text
    if len(text) > _MAX_DIGITS or abs(int(exponent)) > _MAX_EXPONENT:
        return text
    plain = Decimal(text)
    return format(plain.copy_abs() if plain.is_zero() else plain, "f")


def event_key(organization_id: UUID, external_subscription_id: str, transaction_id: str) -> str:
    """Return the identity of an event as a uuid's text; see `digest`."""
    return as_uuid(digest(keyed_hash(organization_id), external_subscription_id, transaction_id))


def keyed_hash(organization_id: UUID) -> blake2b:
    """Return the hash that `digest` begins with: one for all events of an organization."""
    return blake2b(digest_size=16, key=organization_id.bytes)


def digest(keyed: blake2b, external_subscription_id: str, transaction_id: str) -> str:
    """
    Return the 128 bit BLAKE2b digest of (organization, external subscription id, transaction id), as 32 hexadecimal digits.

    The subscription is preceded by its length, so that no two different triples read the same.
    """
    size = len(external_subscription_id) if external_subscription_id.isascii() else len(external_subscription_id.encode())
    fresh = keyed.copy()
    fresh.update(f"{size}:{external_subscription_id}{transaction_id}".encode())
    return fresh.hexdigest()


def as_uuid(digits: str) -> str:
    """Write 32 hexadecimal digits as a uuid."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def horizon_lock(organization_id: UUID) -> int:
    """Return the number of the lock that writers of an organization's events share, and that whoever moves its horizon takes."""
    return organization_id.int % 2**63
