"""
Requests and responses of the pages, in plain values: forms, cookies, addresses to go back to.

Knows nothing of sessions or templates.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlencode

from daycount import errors

_MOST_FIELDS = 2000


class Request(NamedTuple):
    """What of a request pages look at. `client` is the address of the other end of the connection."""

    method: str
    raw_path: bytes
    query: bytes
    headers: Mapping[bytes, bytes]
    body: bytes
    client: str

    def header(self, name: str) -> str:
        """Return a header, empty where it is absent."""
        return self.headers.get(name.encode(), b"").decode("latin-1")

    def cookie(self, name: str) -> str | None:
        """Return a cookie's value."""
        for pair in self.header("cookie").split(";"):
            key, _, value = pair.strip().partition("=")
            if key == name:
                return value or None
        return None


class Fields:
    """Names and values of a query or a form, in order; values without NUL and with plain line ends."""

    def __init__(self, raw: bytes) -> None:
        try:
            pairs = parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError as error:
            raise errors.BadRequest("too many fields") from error
        self.pairs = [(name, value.replace("\x00", "").replace("\r\n", "\n")) for name, value in pairs]

    def one(self, name: str, default: str = "") -> str:
        """Return the last value of a name, stripped."""
        for key, value in reversed(self.pairs):
            if key == name:
                return value.strip()
        return default

    def many(self, name: str) -> list[str]:
        """Return the values of a name that are not empty."""
        return [value.strip() for key, value in self.pairs if key == name and value.strip()]

    def has(self, name: str) -> bool:
        """Tell whether a name is there, as a ticked box is."""
        return any(key == name for key, _ in self.pairs)

    def given(self, *names: str) -> dict[str, str | None]:
        """Return the values of the names that are there; an empty one is None, which clears what it stands for."""
        return {name: self.one(name) or None for name in names if self.has(name)}

    def groups(self, prefix: str) -> list[dict[str, str]]:
        """Return the rows of fields called `prefix.N.name`, in order of N."""
        rows: dict[int, dict[str, str]] = {}
        for key, value in self.pairs:
            head, _, rest = key.partition(".")
            number, _, name = rest.partition(".")
            if head == prefix and number.isdecimal() and len(number) < 5 and name:
                rows.setdefault(int(number), {})[name] = value.strip()
        return [rows[number] for number in sorted(rows)]


class Response(NamedTuple):
    """An answer; `headers` come on top of those every page carries."""

    status: int
    body: bytes
    content_type: str = "text/html; charset=utf-8"
    headers: Sequence[tuple[str, str]] = ()

    def with_headers(self, *added: tuple[str, str]) -> "Response":
        """Return the answer with more headers."""
        return self._replace(headers=(*self.headers, *added))


def redirect(path: str, query: Mapping[str, str] | None = None) -> Response:
    """Send the browser to another page of ours, to be fetched with GET."""
    assert path.startswith("/")
    assert not path.startswith("//")
    target = path + (("&" if "?" in path else "?") + urlencode(query) if query else "")
    return Response(303, b"", headers=(("location", target),))


def set_cookie(name: str, value: str, *, max_age_s: int, is_secure: bool, is_for_scripts: bool = False) -> tuple[str, str]:
    """Return the header that sets a cookie of the whole site; an age of 0 takes it away."""
    parts = [f"{name}={value}", "Path=/", f"Max-Age={max_age_s}", "SameSite=Lax"]
    if not is_for_scripts:
        parts.append("HttpOnly")
    if is_secure:
        parts.append("Secure")
    return ("set-cookie", "; ".join(parts))


def path_to(pattern: str, *values: str) -> str:
    """Fill the `{}` of a pattern with quoted segments, so that an id may hold a slash."""
    return pattern.format(*(quote(value, safe="") for value in values))


def safe_return(target: str) -> str:
    """Return an address to go back to when it is one of ours, else the first page."""
    is_ours = target.startswith("/") and not target.startswith(("//", "/\\")) and "\\" not in target
    has_controls = any(ord(character) <= 32 or ord(character) == 127 for character in target)
    return target if is_ours and not has_controls and target.isascii() else "/"
