"""
Routing on the raw path: split first, decode each segment after, so that an id may hold `%2F`.

Repeated slashes are squeezed and a trailing one is ignored, since clients join addresses in different ways. Nothing ever
redirects. A route knows what it accepts and returns, so that the OpenAPI document is made from the same table.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from daycount.api.query import Query
from daycount.organizations.records import Caller

_TAKING_SLASHES: Final = frozenset(
    {
        *(f"/{resource}/{{code}}" for resource in ("add_ons", "billable_metrics", "coupons", "features", "plans", "taxes")),
        "/subscriptions/{external_id}",
    }
)
"""
Patterns whose last segment may hold slashes as they are, since some clients do not escape ids, also where more follows. Routes that
a path leads to as it is come first.
"""

_MOST_PARTS: Final = 12
"""How far an id with slashes is looked for where more follows it."""


_TWINS: Final = {"PUT": "PATCH", "PATCH": "PUT"}
"""A change may come as either; a route that has one of the two takes both."""


class Call(NamedTuple):
    """One request as a handler sees it: decoded path parameters, the query, the body's struct, and the services."""

    path: Mapping[str, str]
    query: Query
    body: Any
    caller: Caller
    services: Any


Handler = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Route:
    """
    One operation of the API.

    `accepts` is the struct of the body (None: no body is read), under `root_in` or, when that is None, without a root; keys
    named in `beside_root` may also stand beside it; with `is_body_optional` there may be none. `returns` is the struct of the
    reply (None: the reply is empty), under `root_out` or without a root; a list when `is_list`. A route that is not `is_transactional` gets
    the call alone and opens its own transactions.
    """

    method: str
    pattern: str
    handler: Handler
    summary: str
    accepts: type[Struct] | None = None
    root_in: str | None = None
    root_if_any: str | None = None
    """A root that a body without one may have all the same, as some clients send it."""
    beside_root: Sequence[str] = field(default_factory=tuple)
    returns: Any = None
    root_out: str | None = None
    is_list: bool = False
    is_body_optional: bool = False
    has_meta: bool = True
    is_transactional: bool = True
    is_extension: bool = False
    is_beta: bool = False
    content_type: str = "application/json"
    """What the reply is; of anything but JSON the handler returns the text."""
    options_in: str | None = None
    """Root of a body that may come along and holds options; the handler gets what is there as plain data."""
    parameters: Sequence[str] = field(default_factory=tuple)

    @property
    def segments(self) -> tuple[str, ...]:
        """Return the pattern cut at its slashes."""
        return tuple(segment for segment in self.pattern.split("/") if segment)

    @property
    def operation(self) -> str:
        """Return a name that is unique in the API: the handler's."""
        return str(self.handler.__name__)


class Routes:
    """Collects the routes of one resource."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.found: list[Route] = []

    def add(self, method: str, pattern: str, **options: Any) -> Callable[[Handler], Handler]:
        """Register the decorated handler for a method and a path below /api/v1; options are those of Route."""

        def register(handler: Handler) -> Handler:
            summary = (handler.__doc__ or "").strip().splitlines()[0].rstrip(".")
            self.found.append(Route(method=method, pattern=pattern, handler=handler, summary=summary, **options))
            return handler

        return register

    def get(self, pattern: str, **options: Any) -> Callable[[Handler], Handler]:
        """Register a GET."""
        return self.add("GET", pattern, **options)

    def post(self, pattern: str, **options: Any) -> Callable[[Handler], Handler]:
        """Register a POST."""
        return self.add("POST", pattern, **options)

    def put(self, pattern: str, **options: Any) -> Callable[[Handler], Handler]:
        """Register a PUT."""
        return self.add("PUT", pattern, **options)

    def patch(self, pattern: str, **options: Any) -> Callable[[Handler], Handler]:
        """Register a PATCH."""
        return self.add("PATCH", pattern, **options)

    def delete(self, pattern: str, **options: Any) -> Callable[[Handler], Handler]:
        """Register a DELETE."""
        return self.add("DELETE", pattern, **options)


class Found(NamedTuple):
    """What a path leads to: the route and its parameters, or the methods the path has when the asked one is not among them."""

    route: Route | None
    path: Mapping[str, str]
    allowed: Sequence[str]


class Router:
    """Finds routes by method and raw path."""

    def __init__(self, prefix: str, resources: Sequence[Routes]) -> None:
        self.prefix = prefix
        self.resources = resources
        self._tree: dict[str, Any] = {}
        self._base = [part for part in prefix.split("/") if part]
        self._taking_slashes: dict[tuple[str, str], Route] = {}
        for resource in resources:
            for route in resource.found:
                self._plant(route)

    def _plant(self, route: Route) -> None:
        node = self._tree
        if route.pattern in _TAKING_SLASHES:
            self._taking_slashes[route.method, route.segments[0]] = route
        for segment in (*self._base, *route.segments):
            node = node.setdefault("{}" if segment.startswith("{") else segment, {})
        routes = node.setdefault("", {})
        assert route.method not in routes, (route.method, route.pattern)
        routes[route.method] = route

    def find(self, method: str, raw_path: bytes) -> Found:
        """Return the route for a method and a path as it came over the wire."""
        segments = [_decode(segment) for segment in raw_path.split(b"?", 1)[0].split(b"/") if segment]
        found = self._find_as_is(method, segments)
        return found if found.allowed else self._find_with_slashes(method, segments)

    def _find_as_is(self, method: str, segments: Sequence[str]) -> Found:
        """Return the route that segments lead to, each of them one of its own."""
        allowed: set[str] = set()
        for routes, values in _leaves(self._tree, segments):
            allowed.update(routes)
            route = routes.get(method) or routes.get(_TWINS.get(method, ""))
            if route is not None:
                names = [segment.strip("{}") for segment in route.segments if segment.startswith("{")]
                return Found(route, dict(zip(names, values, strict=True)), sorted(allowed))
        return Found(None, {}, sorted(allowed))

    def _find_with_slashes(self, method: str, segments: Sequence[str]) -> Found:
        """Return the route whose id several segments are: the longest that something known follows, or else all the rest."""
        base, rest = segments[: len(self._base)], segments[len(self._base) :]
        route = None
        if rest and list(base) == self._base and rest[0] in {resource for _, resource in self._taking_slashes}:
            for end in range(min(len(rest) - 1, _MOST_PARTS), 2, -1):
                found = self._find_as_is(method, [*base, rest[0], "/".join(rest[1:end]), *rest[end:]])
                if found.route is not None:
                    return found
            route = self._taking_slashes.get((method, rest[0])) or self._taking_slashes.get((_TWINS.get(method, ""), rest[0]))
        if route is None:
            return Found(None, {}, [])
        return Found(route, {route.segments[1].strip("{}"): "/".join(rest[1:])}, [method])


def _decode(segment: bytes) -> str:
    """Decode one segment once: `%2F` is a slash of the id, bytes above 127 may come unescaped, NUL is dropped as in bodies."""
    return unquote_to_bytes(segment).decode("utf-8", "replace").replace("\x00", "")


def _leaves(node: Mapping[str, Any], segments: Sequence[str]) -> Iterator[tuple[Mapping[str, Route], tuple[str, ...]]]:
    """Go through the routes a path can mean: named ones first, then those that take a segment as an id (`batch` may be one)."""
    if not segments:
        yield node.get("", {}), ()
        return
    name, rest = segments[0], segments[1:]
    if name and name in node:
        yield from _leaves(node[name], rest)
    if "{}" in node:
        for routes, values in _leaves(node["{}"], rest):
            yield routes, (name, *values)
