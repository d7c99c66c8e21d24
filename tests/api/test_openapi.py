"""The API's own description: it says what the routes do, no less and no more, and real replies are as it says."""

from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from daycount.api.routing import Route
from tests.api.world import ROUTES, World, a_world, good_body, needed_query, path_of
from tests.support.server import Server

PREFIX = "/api/v1"


@pytest.fixture(scope="session")
def document(world: World) -> dict[str, Any]:
    """The document as the server shows it."""
    reply = world.api.raw("GET", "/openapi.json")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    return reply.body


def operation_of(document: dict[str, Any], route: Route) -> dict[str, Any]:
    return document["paths"][PREFIX + route.pattern][route.method.lower()]


def test_the_document_is_shown_without_a_key(server: Any) -> None:
    assert server.client(None).raw("GET", "/openapi.json").status == 200


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    schemathesis.openapi.from_dict(document).validate()

    assert document["openapi"] == "3.1.0"


def test_every_schema_in_the_document_is_valid(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        whole = schema | {"components": document["components"]}
        assert jsonschema_rs.meta.is_valid(whole), name
        jsonschema_rs.validator_for(whole)  # resolves references


def test_the_document_and_the_routes_name_the_same_operations(document: dict[str, Any]) -> None:
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}

    assert described == {(route.method, PREFIX + route.pattern) for route in ROUTES}


def test_each_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]

    assert sorted(names) == sorted(route.operation for route in ROUTES)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.pattern}")
def test_an_operation_describes_its_parameters_body_and_reply(document: dict[str, Any], route: Route) -> None:
    operation = operation_of(document, route)

    in_path = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"]
    in_query = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"]
    paging = ["page", "per_page"] if route.is_list and route.has_meta else []
    assert in_path == [segment.strip("{}") for segment in route.segments if segment.startswith("{")]
    assert in_query == [*paging, *route.parameters]
    assert ("requestBody" in operation) == (route.accepts is not None or route.options_in is not None)
    if route.root_in is not None:
        assert operation["requestBody"]["content"]["application/json"]["schema"]["required"] == [route.root_in]
    assert operation["summary"]
    assert ("content" in operation["responses"]["200"]) == (route.returns is not None)
    if route.returns is not None and route.content_type == "application/json":
        reply = operation["responses"]["200"]["content"]["application/json"]["schema"]
        if route.root_out is None:
            assert set(reply) == {"$ref"}
        else:
            assert list(reply["properties"]) == ([route.root_out, "meta"] if paging else [route.root_out])
    assert {"400", "401", "404", "413", "422"} <= set(operation["responses"])


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if route.method == "GET" and route.content_type == "application/json"],
    ids=lambda route: route.pattern,
)
def test_what_is_read_is_as_described(world: World, document: dict[str, Any], route: Route) -> None:
    reply = world.api.ok("GET", path_of(route, world), query=needed_query(route))

    assert mistakes(document, route, reply) == []


def test_what_is_written_is_as_described(server: Server, document: dict[str, Any]) -> None:
    own = a_world(server)
    found = {}

    for route in ROUTES:
        if route.accepts is not None:
            reply = own.api.ok(route.method, path_of(route, own), good_body(route, own))
            found[route.operation] = mistakes(document, route, reply) if route.returns is not None else [reply] if reply else []

    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def mistakes(document: dict[str, Any], route: Route, reply: Any) -> list[str]:
    """Return where a reply is not as the document says."""
    if route.returns is None:
        return [] if reply is None else [f"{route.operation} answers with something"]
    schema = operation_of(document, route)["responses"]["200"]["content"]["application/json"]["schema"]
    validator = jsonschema_rs.validator_for(schema | {"components": document["components"]})
    return [f"{list(error.instance_path)}: {error.message}" for error in validator.iter_errors(reply)]
