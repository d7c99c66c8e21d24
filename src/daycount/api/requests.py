"""What of an HTTP request is looked at."""

from typing import NamedTuple


class Request(NamedTuple):
    """What of a request the handlers' side needs."""

    method: str
    raw_path: bytes
    query: bytes
    headers: dict[bytes, bytes]
    body: bytes
