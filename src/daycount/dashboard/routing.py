"""
Which page answers which path: a table of patterns, matched on the raw path, so that an id may hold `%2F`.

The same rules as the API's: segments are split first and decoded after, repeated slashes are squeezed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from daycount.dashboard.http import Response


class Page(NamedTuple):
    """
    One page, or one thing a form does.

    `access` says who may: "public" anybody, "member" whoever is signed in, "admin" administrators,
    "portal" a customer who has the link, "payer" who has the address of a page to pay at. A page that is not
    `is_transactional` gets a visit without an open work and opens what it needs itself.
    """

    method: str
    pattern: str
    handler: Callable[..., Response]
    access: str = "member"
    is_transactional: bool = True

    @property
    def segments(self) -> tuple[str, ...]:
        """Return the pattern cut at its slashes."""
        return tuple(segment for segment in self.pattern.split("/") if segment)


class Pages:
    """Collects the pages of one module."""

    def __init__(self) -> None:
        self.found: list[Page] = []

    def get(self, pattern: str, **options: Any) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
        """Register a page that is looked at."""
        return self._add("GET", pattern, options)

    def post(self, pattern: str, **options: Any) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
        """Register what a form does."""
        return self._add("POST", pattern, options)

    def _add(self, method: str, pattern: str, options: dict[str, Any]) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
        def register(handler: Callable[..., Response]) -> Callable[..., Response]:
            self.found.append(Page(method, pattern, handler, **options))
            return handler

        return register


class Match(NamedTuple):
    """What a path leads to; without a page, whether other methods have one."""

    page: Page | None
    path: Mapping[str, str]
    is_known: bool


class Table:
    """Finds pages."""

    def __init__(self, parts: Sequence[Pages]) -> None:
        self.pages = [page for part in parts for page in part.found]
        self._tree: dict[str, Any] = {}
        for page in self.pages:
            node = self._tree
            for segment in page.segments:
                node = node.setdefault("{}" if segment.startswith("{") else segment, {})
            methods = node.setdefault("", {})
            assert page.method not in methods, page.pattern
            methods[page.method] = page

    def find(self, method: str, raw_path: bytes) -> Match:
        """Return the page of a method and a path as it came over the wire."""
        segments = [decode_segment(segment) for segment in raw_path.split(b"?", 1)[0].split(b"/") if segment]
        is_known = False
        for methods, values in _leaves(self._tree, segments):
            is_known = is_known or bool(methods)
            page = methods.get("GET" if method == "HEAD" else method)
            if page is not None:
                names = [segment.strip("{}") for segment in page.segments if segment.startswith("{")]
                return Match(page, dict(zip(names, values, strict=True)), is_known=True)
        return Match(None, {}, is_known)


def decode_segment(segment: bytes) -> str:
    """Decode one segment once."""
    return unquote_to_bytes(segment).decode("utf-8", "replace").replace("\x00", "")


def _leaves(node: Mapping[str, Any], segments: Sequence[str]) -> Iterator[tuple[Mapping[str, Page], tuple[str, ...]]]:
    if not segments:
        yield node.get("", {}), ()
        return
    name, rest = segments[0], segments[1:]
    if name and name in node:
        yield from _leaves(node[name], rest)
    if "{}" in node:
        for methods, values in _leaves(node["{}"], rest):
            yield methods, (name, *values)
