"""
Reading values out of an event's properties, the same way for every store.

A property counts as text: strings as they are, numbers in plain notation, booleans as true and false. Null and nested
values are as good as missing.
"""

import hashlib
from decimal import Decimal
from uuid import UUID

import msgspec

_raw_properties = msgspec.json.Decoder(dict[str, msgspec.Raw])
_MAX_EXPONENT = 100
_MAX_DIGITS = 100


def read_property(properties: str, name: str) -> str | None:
    """Return the text form of one property of a JSON object, or None when it is missing, null or nested."""
    raw = _raw_properties.decode(properties).get(name)
    return None if raw is None else text_of(bytes(raw))


def read_two(properties: str, first: str, second: str) -> tuple[str | None, str | None]:
    """Return the text forms of two properties, reading the JSON once."""
    raw = _raw_properties.decode(properties)
    one, two = raw.get(first), raw.get(second)
    return None if one is None else text_of(bytes(one)), None if two is None else text_of(bytes(two))


def read_texts(properties: str) -> dict[str, str]:
    """Return the text form of every property that has one."""
    texts = {name: text_of(bytes(raw)) for name, raw in _raw_properties.decode(properties).items()}
    return {name: text for name, text in texts.items() if text is not None}


def text_of(raw: bytes) -> str | None:
    """Return the text form of one JSON value; 1e3 is "1000"."""
    first = raw[:1]
    if first == b'"':
        return raw[1:-1].decode() if b"\\" not in raw else msgspec.json.decode(raw, type=str).replace("\x00", "")
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
    """
    Return the identity of an event as a uuid's text: a 128 bit BLAKE2b digest of (organization, external subscription id, transaction id).

    The subscription is preceded by its length, so that no two different triples read the same.
    """
    subscription = external_subscription_id.encode()
    text = b"%d:%b%b" % (len(subscription), subscription, transaction_id.encode())
    digest = hashlib.blake2b(text, digest_size=16, key=organization_id.bytes).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"
