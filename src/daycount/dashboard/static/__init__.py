"""Files that browsers fetch once: style, scripts, the icon. Their addresses carry a hash, so that they may be kept for ever."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent
_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@cache
def read_static(name: str) -> tuple[bytes, str] | None:
    """Return a file of this folder and its type; None for anything else."""
    found = {path.name: path for path in _FOLDER.iterdir() if path.suffix in _TYPES}
    path = found.get(name)
    return None if path is None else (path.read_bytes(), _TYPES[path.suffix])


@cache
def address_of(name: str) -> str:
    """Return the address of a file; it changes with its contents."""
    found = read_static(name)
    assert found is not None, name
    return f"/static/{hashlib.sha256(found[0]).hexdigest()[:12]}/{name}"
