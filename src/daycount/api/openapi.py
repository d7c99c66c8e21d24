"""The OpenAPI 3.1 document, made from the route table and the wire structs, so that it cannot say anything else than the code."""

from typing import Any

import msgspec
from msgspec import Struct

from daycount import __version__
from daycount.api.paging import Meta
from daycount.api.routing import Route, Router

_FAILURES = {
    "400": "The request cannot be read",
    "401": "No valid API key",
    "404": "Not found",
    "405": "The state forbids it",
    "413": "The body is too large",
    "422": "Some values cannot be accepted",
}
_SECURITY: list[dict[str, list[str]]] = [{"bearer": []}]


class ErrorObject(Struct, frozen=True, kw_only=True):
    """What every failure answers."""

    status: int
    error: str
    code: str | None = None
    error_details: dict[str, Any] | None = None


def describe_api(router: Router) -> dict[str, Any]:
    """Describe every route of the router."""
    routes = [(resource.tag, route) for resource in router.resources for route in resource.found]
    structs = {struct for _, route in routes for struct in (route.accepts, route.returns) if struct is not None}
    ordered = sorted(structs, key=str)
    schemas, components = msgspec.json.schema_components([*ordered, Meta, ErrorObject], ref_template="#/components/schemas/{name}")
    schema_of = dict(zip([*ordered, Meta, ErrorObject], schemas, strict=True))
    paths: dict[str, Any] = {}
    for tag, route in routes:
        paths.setdefault(router.prefix + route.pattern, {})[route.method.lower()] = _operation(tag, route, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Daycount",
            "version": __version__,
            "description": "Billing that explains every cent. API-compatible with Lago, not affiliated.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": _SECURITY,
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    }


def _operation(tag: str, route: Route, schema_of: dict[Any, Any]) -> dict[str, Any]:
    failure = {"content": {"application/json": {"schema": schema_of[ErrorObject]}}}
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [tag],
        "parameters": _parameters(route),
        "responses": {"200": _reply(route, schema_of)} | {status: {"description": text, **failure} for status, text in _FAILURES.items()},
    }
    if route.accepts is not None:
        body = schema_of[route.accepts]
        if route.root_in is not None:
            body = {"type": "object", "required": [route.root_in], "properties": {route.root_in: body}}
        operation["requestBody"] = {"required": not route.is_body_optional, "content": {"application/json": {"schema": body}}}
    if route.options_in is not None:
        body = {"type": "object", "properties": {route.options_in: {"type": "object"}}}
        operation["requestBody"] = {"required": False, "content": {"application/json": {"schema": body}}}
    if route.is_extension:
        operation["x-extension"] = True
    return operation


def _reply(route: Route, schema_of: dict[Any, Any]) -> dict[str, Any]:
    if route.returns is None:
        return {"description": "Done; the body is empty"}
    if route.content_type != "application/json":
        return {"description": "Done", "content": {route.content_type: {"schema": {"type": "string"}}}}
    shown = schema_of[route.returns]
    if route.root_out is None:
        return {"description": "Done", "content": {"application/json": {"schema": shown}}}
    properties: dict[str, Any] = {str(route.root_out): {"type": "array", "items": shown} if route.is_list else shown}
    if route.is_list and route.has_meta:
        properties["meta"] = schema_of[Meta]
    reply = {"type": "object", "required": sorted(properties), "properties": properties}
    return {"description": "Done", "content": {"application/json": {"schema": reply}}}


def _parameters(route: Route) -> list[dict[str, Any]]:
    named = [segment.strip("{}") for segment in route.segments if segment.startswith("{")]
    parameters: list[dict[str, Any]] = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in named]
    if route.is_list and route.has_meta:
        parameters.extend({"name": name, "in": "query", "schema": {"type": "integer", "minimum": 1}} for name in ("page", "per_page"))
    for name in route.parameters:
        schema: dict[str, Any] = {"type": "string"}
        if name.endswith("[]"):
            schema = {"type": "array", "items": {"type": "string"}}
        parameters.append({"name": name, "in": "query", "schema": schema})
    return parameters
