"""
Reading input the way the published clients write it.

A body is plain data; `decode` turns it into the struct a handler asks for, field by field: numbers may come as strings
and strings as numbers, unknown keys are dropped, null clears what can be cleared and is absent elsewhere. Each value
that cannot be read is reported under its field, all at once. Also here: how values are written.
"""

import re
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct, UnsetType

from daycount import errors
from daycount.money import decimal_text

Stamp = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""An instant as text, `2026-07-01T04:00:00Z`."""
Day = Annotated[str, Meta(extra_json_schema={"format": "date"})]
"""A date as text."""
DecimalText = Annotated[str, Meta(pattern=r"^-?\d+\.\d+$")]
"""A decimal in plain notation with at least one decimal digit."""

_BOUNDS = ("from_value", "to_value")
_INTEGER = re.compile(r"\s*([+-]?[0-9]{1,40})(\.[0-9]+)?\s*")
_MAX_INTEGER = 2**63 - 1
_MAX_DECIMAL_EXPONENT = 60
_SECONDS, _MILLISECONDS = len("2026-07-01T04:00:00"), len("2026-07-01T04:00:00.000")
_TRUE = frozenset({"true", "t", "1", "on", "yes"})
_FALSE = frozenset({"false", "f", "0", "off", "no"})

json_decoder = msgspec.json.Decoder(float_hook=Decimal)


class _Unreadable(Exception):
    """A value cannot be read as the field's type; carries the code."""


def read_json(body: bytes) -> object:
    """Read a JSON text without losing a digit: numbers with a point come as Decimal. Raises BadRequest."""
    try:
        return json_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, InvalidOperation, RecursionError) as error:
        raise errors.BadRequest(f"the body is not JSON: {error}") from error


StructType = typing.TypeVar("StructType", bound=Struct)


def decode(struct: type[StructType], source: Mapping[str, Any]) -> StructType:
    """Read the struct's fields from plain data. Raises Invalid with the code of every field that cannot be read, BadRequest."""
    found = errors.FieldErrors()
    try:
        decoded = _decode(struct, source, found)
    except RecursionError as error:
        raise errors.BadRequest("the body is nested too deeply") from error
    found.raise_if_any()
    return decoded


def _decode(struct: type[StructType], source: Mapping[str, Any], found: errors.FieldErrors) -> StructType:
    values: dict[str, Any] = {}
    for name, wanted in _fields(struct).items():
        if name not in source:
            continue
        value = source[name]
        if value is None:
            if wanted.is_nullable:
                values[name] = None
            continue
        try:
            read = _read(value, wanted.kind, found)
        except _Unreadable as error:
            found.add(name, str(error))
        else:
            if read is None and not wanted.is_nullable:
                continue
            values[name] = read
    return struct(**values)


class _Wanted(typing.NamedTuple):
    kind: Any
    is_nullable: bool


@cache
def _fields(struct: type[Struct]) -> dict[str, _Wanted]:
    fields = {}
    for name, hint in typing.get_type_hints(struct).items():
        options = [hint]
        if typing.get_origin(hint) in (typing.Union, types.UnionType):
            options = list(typing.get_args(hint))
        kinds = [option for option in options if option not in (UnsetType, type(None))]
        assert len(kinds) == 1, f"{struct.__name__}.{name} must be of one kind"
        fields[name] = _Wanted(kinds[0], type(None) in options)
    return fields


def _read(value: Any, kind: Any, found: errors.FieldErrors) -> Any:
    if kind is Any:
        return value
    if kind is str:
        return _read_text(value)
    if kind is int:
        return read_integer(value)
    if kind is bool:
        return _read_boolean(value)
    if kind is Decimal:
        return _read_decimal(value)
    if kind is UUID:
        return _read_uuid(value)
    if typing.get_origin(kind) is dict:
        return _read_object(value)
    if typing.get_origin(kind) is list:
        return _read_list(value, typing.get_args(kind)[0], found)
    assert issubclass(kind, Struct), kind
    return _decode(kind, _read_object(value), found)


def _read_text(value: object) -> str:
    match value:
        case str():
            return value.replace("\x00", "")
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return str(value)
        case _:
            raise _Unreadable("value_is_invalid")


def read_integer(value: object) -> int | None:
    """Read a whole number from a number or its text; a fraction is cut off, an empty text is null."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise _Unreadable("value_is_invalid")
    text = str(value) if not isinstance(value, Decimal) else format(value, "f") if abs(value.adjusted()) < _MAX_DECIMAL_EXPONENT else "x"
    if not text.strip():
        return None
    match = _INTEGER.fullmatch(text)
    if match is None:
        raise _Unreadable("value_is_invalid")
    number = int(match.group(1))
    if abs(number) > _MAX_INTEGER:
        raise _Unreadable("value_is_out_of_range")
    return number


def _read_boolean(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | str):
        text = str(value).strip().lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        if not text:
            return None
    raise _Unreadable("value_is_invalid")


def _read_decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise _Unreadable("value_is_invalid")
    if isinstance(value, str) and not value.strip():
        return None
    try:
        number = Decimal(value)
    except (InvalidOperation, ValueError) as error:
        raise _Unreadable("value_is_invalid") from error
    if not number.is_finite() or abs(number.adjusted()) > _MAX_DECIMAL_EXPONENT:
        raise _Unreadable("value_is_invalid")
    return number


def _read_uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _read_object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Unreadable("value_is_invalid")
    return {key: _plain(item) for key, item in value.items()}


def _plain(value: object) -> Any:
    """Keep data as it came, without NUL bytes, which the database does not store."""
    match value:
        case dict():
            return {key.replace("\x00", ""): _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case str():
            return value.replace("\x00", "")
        case _:
            return value


def _read_list(value: object, kind: Any, found: errors.FieldErrors) -> list[Any]:
    if not isinstance(value, list):
        raise _Unreadable("value_is_invalid")
    items = [_read(item, kind, found) for item in value if item is not None]
    return [item for item in items if item is not None]


def text(value: Decimal | int) -> str:
    """Write a decimal for the wire: plain notation with at least one decimal digit."""
    return decimal_text(value)


def with_numbers(value: Any) -> Any:
    """
    Write bounds of tiers as JSON numbers, wherever they stand in data.

    Those that are no whole numbers are kept as texts, so that they stay exact, and are written with the same digits.
    """
    if isinstance(value, Mapping):
        return {
            key: msgspec.Raw(item.encode()) if key in _BOUNDS and isinstance(item, str) else with_numbers(item)
            for key, item in value.items()
        }
    return [with_numbers(item) for item in value] if isinstance(value, list) else value


def stamp(instant: datetime) -> str:
    """Write an instant in UTC to the whole second, the rest cut off."""
    return f"{instant.isoformat(timespec='seconds')[:_SECONDS]}Z"


def text_or_none(value: object) -> str | None:
    """Write an id, or nothing."""
    return None if value is None else str(value)


def stamp_or_none(instant: datetime | None) -> str | None:
    """Write an instant, or nothing."""
    return None if instant is None else stamp(instant)


def stamp_milliseconds(instant: datetime) -> str:
    """Write an instant in UTC with three decimals, the rest cut off."""
    return f"{instant.isoformat(timespec='milliseconds')[:_MILLISECONDS]}Z"


def read_path_uuid(value: str, resource: str) -> UUID:
    """Read an id from a path; what is no uuid is as unknown as any other. Raises NotFound."""
    try:
        return UUID(value)
    except ValueError as error:
        raise errors.NotFound(resource) from error
