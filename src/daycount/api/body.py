"""Bodies: how a route reads what it accepts and writes what it returns."""

from collections.abc import Mapping
from typing import Any

import msgspec

from daycount import errors
from daycount.api.paging import Page
from daycount.api.routing import Route
from daycount.api.wire import decode, read_json

_encoder = msgspec.json.Encoder()


def read_input(route: Route, body: bytes) -> Any:
    """Read the body's struct from under its root, if it has one. Raises BadRequest, Invalid."""
    if route.accepts is None:
        return None if route.options_in is None else _read_options(route.options_in, body)
    if route.is_body_optional and not body.strip():
        return decode(route.accepts, {})
    source = read_json(body) if body.strip() else {}
    beside: dict[str, Any] = {}
    if route.root_in is not None:
        beside = {name: source[name] for name in route.beside_root if name in source} if isinstance(source, dict) else {}
        source = source.get(route.root_in) if isinstance(source, dict) else None
    elif route.root_if_any is not None and isinstance(source, dict) and isinstance(source.get(route.root_if_any), dict):
        source = source[route.root_if_any]
    if source == {} and route.is_body_optional:
        return decode(route.accepts, source)
    if not isinstance(source, dict) or not source:
        raise errors.BadRequest(f"param is missing or the value is empty or invalid: {route.root_in or 'the body'}")
    return decode(route.accepts, {**source, **beside})


def _read_options(root: str, body: bytes) -> Mapping[str, Any]:
    """Read what stands under a root that need not be there. Raises BadRequest where the body is no JSON."""
    source = read_json(body) if body.strip() else {}
    options = source.get(root) if isinstance(source, dict) else None
    return options if isinstance(options, dict) else {}


def write_reply(route: Route, result: Any) -> bytes:
    """Write what a handler returned, under the route's root if it has one."""
    if route.returns is None:
        return b""
    if route.content_type != "application/json":
        return str(result).encode()
    if isinstance(result, Page):
        return _encoder.encode({route.root_out: result.items, "meta": result.meta})
    return _encoder.encode(result if route.root_out is None else {route.root_out: result})
