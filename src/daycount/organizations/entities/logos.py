"""Logos of billing entities: pictures that come in as data URLs. What a picture is, is told by its own first bytes."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from msgspec import Struct

from daycount import errors

MOST_BYTES: Final = 800 * 1024
_DATA_URL: Final = re.compile(r"data:image/(?:png|jpe?g);base64,(?P<content>.*)", re.DOTALL)
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8"
_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Segments of a JPEG that tell its size."""


class Picture(Struct, frozen=True, kw_only=True):
    """A picture, `png` or `jpeg`, with its size in points of its own."""

    format: str
    width: int
    height: int
    content: bytes


class Logo(Struct, frozen=True, kw_only=True):
    """The picture of a billing entity; `name` is its file's, of which whoever knows it may read it."""

    entity_id: UUID
    organization_id: UUID
    name: str
    picture: Picture


def read_picture(text: str, found: errors.FieldErrors) -> Picture | None:
    """Read a data URL; notes what is wrong with it (invalid_content_type, invalid_size). Source: Lago API, billing entities."""
    match = _DATA_URL.fullmatch(text.strip())
    try:
        content = b"" if match is None else base64.b64decode("".join(match["content"].split()), validate=True)
    except binascii.Error:
        content = b""
    size = _size_of(content)
    if size is None:
        found.add("logo", "invalid_content_type")
        return None
    if len(content) > MOST_BYTES:
        found.add("logo", "invalid_size")
        return None
    return Picture(format="png" if content.startswith(_PNG) else "jpeg", width=size[0], height=size[1], content=content)


def _size_of(content: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG or JPEG; None for anything else."""
    size = None
    if content.startswith(_PNG) and len(content) >= 24:
        size = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    elif content.startswith(_JPEG):
        frame = next((start for kind, start in _segments(content) if kind in _FRAMES and start + 7 <= len(content)), None)
        if frame is not None:
            size = int.from_bytes(content[frame + 5 : frame + 7], "big"), int.from_bytes(content[frame + 3 : frame + 5], "big")
    return size if size is not None and all(size) else None


def _segments(content: bytes) -> Iterator[tuple[int, int]]:
    """Walk over the segments of a JPEG: the kind of each, and where its length stands."""
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        yield content[place + 1], place + 2
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
