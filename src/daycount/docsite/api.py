"""
The API as pages: one page a resource, made of the OpenAPI document, which the code makes of its own routes and structs.

Knows the document alone: names, types and what is needed. Nothing here is written by hand, so nothing can be out of date.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, Final, NamedTuple

Schema = Mapping[str, Any]
_REFERENCE: Final = "#/components/schemas/"
_SAMPLES: Final = {"integer": 1, "boolean": True, "array": [], "object": {}, "number": 1}
_WORDS: Final = {"date-time": "instant", "date": "date", "decimal": "decimal", "uuid": "uuid"}
_MOST_SAMPLED: Final = 3


class Piece(NamedTuple):
    """A part of a type in words; `target` names the object it leads to."""

    text: str
    target: str | None = None


class Field(NamedTuple):
    """A member of an object, or a parameter; `place` is where a parameter stands."""

    name: str
    type: Sequence[Piece]
    is_needed: bool
    place: str = ""


class Object(NamedTuple):
    """A named shape."""

    name: str
    about: str
    fields: Sequence[Field]


class Operation(NamedTuple):
    """What a client can do: `takes` are the fields below `root`, `returns` what the reply holds."""

    id: str
    method: str
    path: str
    summary: str
    is_extension: bool
    parameters: Sequence[Field]
    root: str | None
    takes: Sequence[Field]
    returns: Sequence[Field]
    returned_type: str
    example: str

    def matches(self, words: Sequence[str]) -> bool:
        """Tell whether all words, in small letters, occur in what the operation is called, takes or returns."""
        names = [field.name for field in (*self.parameters, *self.takes, *self.returns)]
        text = f"{self.method} {self.path} {self.summary} {' '.join(names)}".lower()
        return all(word in text for word in words)


class Resource(NamedTuple):
    """A part of the API, and the shapes that its operations speak of."""

    tag: str
    title: str
    operations: Sequence[Operation]
    objects: Sequence[Object]


class ApiDocument:
    """The OpenAPI document, read for people."""

    def __init__(self, describe: Callable[[], Mapping[str, Any]], *, address: str) -> None:
        self._describe = describe
        self._address = address

    @cached_property
    def resources(self) -> Mapping[str, Resource]:
        """Return all resources by their tags, in order of titles."""
        by_tag: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {}
        for path, operations in self._document["paths"].items():
            for method, operation in operations.items():
                by_tag.setdefault(operation["tags"][0], []).append((path, method, operation))
        found = [self._resource(tag, routes) for tag, routes in by_tag.items()]
        return {resource.tag: resource for resource in sorted(found, key=lambda resource: resource.title)}

    @cached_property
    def failures(self) -> Sequence[tuple[str, str]]:
        """Return what every operation may answer beside 200: the status and its meaning."""
        operation = next(operation for operations in self._document["paths"].values() for operation in operations.values())
        return [(status, reply["description"]) for status, reply in operation["responses"].items() if status != "200"]

    def search(self, text: str) -> Sequence[tuple[Resource, Operation]]:
        """Return the operations that all words of a text occur in."""
        words = text.lower().split()
        return [(resource, item) for resource in self.resources.values() for item in resource.operations if item.matches(words)]

    @cached_property
    def _document(self) -> Mapping[str, Any]:
        return self._describe()

    @cached_property
    def _schemas(self) -> Mapping[str, Schema]:
        schemas: Mapping[str, Schema] = self._document["components"]["schemas"]
        return schemas

    def _resource(self, tag: str, routes: Sequence[tuple[str, str, Mapping[str, Any]]]) -> Resource:
        operations = [self._operation(*route) for route in routes]
        fields = [field for item in operations for field in (*item.takes, *item.returns)]
        objects = [self._object(name) for name in self._reached(fields)]
        return Resource(tag, title_of(tag), operations, objects)

    def _operation(self, path: str, method: str, operation: Mapping[str, Any]) -> Operation:
        root, inner = _body(operation.get("requestBody"))
        content = operation["responses"]["200"].get("content", {})
        returned_type = next(iter(content), "")
        takes = [] if inner is None else self._fields(inner)
        return Operation(
            id=operation["operationId"],
            method=method.upper(),
            path=path,
            summary=operation["summary"],
            is_extension=bool(operation.get("x-extension")),
            parameters=[
                Field(item["name"], _words(item["schema"]), bool(item.get("required")), item["in"]) for item in operation["parameters"]
            ],
            root=root,
            takes=takes,
            returns=self._fields(content[returned_type]["schema"]) if returned_type == "application/json" else [],
            returned_type=returned_type,
            example=self._example(path, method, root, inner),
        )

    def _example(self, path: str, method: str, root: str | None, inner: Schema | None) -> str:
        lines = [f'curl{"" if method == "get" else f" -X {method.upper()}"} "{self._address}{path}"', '-H "Authorization: Bearer $API_KEY"']
        if inner is not None:
            given = self._sample(inner)
            sent = json.dumps(given if root is None else {root: given}, ensure_ascii=False)
            lines += ['-H "Content-Type: application/json"', f"-d '{sent}'"]
        return " \\\n  ".join(lines)

    def _sample(self, schema: Schema) -> dict[str, Any]:
        """Return the fields that are needed, or the first simple ones, with values of their types."""
        shown = self._resolved(schema)
        properties: Mapping[str, Schema] = shown.get("properties", {})
        names = shown.get("required") or [name for name, kind in properties.items() if _simple_type(kind) in ("string", "integer")]
        return {name: _SAMPLES.get(_simple_type(properties[name]), "…") for name in islice(names, _MOST_SAMPLED)}

    def _fields(self, schema: Schema) -> list[Field]:
        shown = self._resolved(schema)
        needed = set(shown.get("required", ()))
        return [Field(name, _words(kind), name in needed) for name, kind in shown.get("properties", {}).items()]

    def _object(self, name: str) -> Object:
        schema = self._schemas[name]
        return Object(name, schema.get("description", ""), self._fields(schema))

    def _resolved(self, schema: Schema) -> Schema:
        return self._schemas[_name(schema["$ref"])] if "$ref" in schema else schema

    def _reached(self, fields: Sequence[Field]) -> list[str]:
        """Return the names of all objects that fields lead to, and those lead to, each once."""
        found: dict[str, None] = {}
        waiting = list(_targets(fields))
        while waiting:
            name = waiting.pop(0)
            if name not in found:
                found[name] = None
                waiting.extend(_targets(self._object(name).fields))
        return list(found)


def title_of(tag: str) -> str:
    """Return what a resource is called."""
    words = tag.replace("_", " ")
    return words.replace("api", "API", 1) if words.startswith("api") else words.capitalize()


def _targets(fields: Sequence[Field]) -> Iterator[str]:
    return (piece.target for field in fields for piece in field.type if piece.target is not None)


def _name(reference: str) -> str:
    return reference.removeprefix(_REFERENCE)


def _body(body: Mapping[str, Any] | None) -> tuple[str | None, Schema | None]:
    """Return the root of a body and what stands below it."""
    if body is None:
        return None, None
    schema: Schema = body["content"]["application/json"]["schema"]
    properties = schema.get("properties", {})
    if "$ref" in schema or len(properties) != 1:
        return None, schema
    [(root, inner)] = properties.items()
    return root, inner


def _simple_type(schema: Schema) -> str:
    options = schema.get("anyOf", [schema])
    return next((str(option["type"]) for option in options if option.get("type", "null") != "null"), "object")


def _words(schema: Schema) -> list[Piece]:
    """Say a type in words."""
    if "$ref" in schema:
        return [Piece(_name(schema["$ref"]), _name(schema["$ref"]))]
    if "anyOf" in schema:
        options = [_words(option) for option in schema["anyOf"]]
        return [piece for number, option in enumerate(options) for piece in ([Piece(" or ")] if number else []) + option]
    if "enum" in schema:
        return [Piece(" or ".join(str(value) for value in schema["enum"]))]
    if schema.get("type") == "array":
        return [Piece("list of "), *_words(schema.get("items", {}))]
    if "pattern" in schema:
        return [Piece("decimal")]
    if "format" in schema:
        return [Piece(_WORDS.get(schema["format"]) or str(schema["format"]))]
    return [Piece(str(schema.get("type", "anything")))]
