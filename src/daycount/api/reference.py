"""The reference page of the API, in Markdown, made from the route table."""

import typing

from msgspec import Struct

from daycount.api.routing import Route, Router


def write_reference(router: Router) -> str:
    """Write one section a resource: each operation with what it takes and returns."""
    lines = [
        "# API reference",
        "",
        "All paths stand below `/api/v1`. This page is printed by `daycount openapi reference`; `GET /openapi.json` says the same in full.",
        "Success is always 200. Failures: 400, 401, 404, 405, 413, 422, each with `{status, error, code, error_details}`.",
    ]
    for resource in sorted(router.resources, key=lambda found: found.tag):
        for route in resource.found:
            lines += ["", f"## {route.method} {route.pattern}", "", f"{route.summary}."]
            lines += _describe(route)
    return "\n".join(lines) + "\n"


def _describe(route: Route) -> list[str]:
    lines = [""]
    if route.parameters:
        lines.append(f"- query: {', '.join(f'`{name}`' for name in route.parameters)}")
    if route.accepts is not None:
        root = "without a root" if route.root_in is None else f"`{route.root_in}`"
        lines.append(f"- takes {root}: {_fields(route.accepts)}")
    if route.options_in is not None:
        lines.append(f"- may take `{route.options_in}`: `cascade_updates`")
    if route.returns is None:
        return [*lines, "- returns an empty body"]
    if route.content_type != "application/json":
        return [*lines, f"- returns {route.content_type}"]
    if route.root_out is None:
        return [*lines, f"- returns without a root: {_fields(route.returns)}"]
    shown = f"list of `{route.root_out}`" if route.is_list else f"`{route.root_out}`"
    lines.append(f"- returns {shown}: {_fields(route.returns)}")
    return lines


def _fields(struct: typing.Any) -> str:
    if typing.get_origin(struct) is list:
        struct = typing.get_args(struct)[0]
    if not (isinstance(struct, type) and issubclass(struct, Struct)):
        return "an object of any keys"
    return ", ".join(f"`{name}`" for name in struct.__struct_fields__)
