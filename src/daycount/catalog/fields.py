"""Reading the fields that metrics, plans and charges share; what is wrong with one is noted, not raised."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.money import CURRENCIES

_MAX_METADATA = 50
_MAX_METADATA_KEY = 100
_MAX_METADATA_VALUE = 255
_MAX_CODE = 255
_MAX_AMOUNT_CENTS = 2**53 - 1
"""The largest integer that every JSON reader keeps exact; sums of a thousand of them still fit 64 bits."""


def read_text(value: object, field: str, found: errors.FieldErrors) -> str:
    """Read a text that must not be blank."""
    if isinstance(value, str) and value.strip():
        return value
    found.add(field, "value_is_mandatory")
    return ""


def read_code(value: object, found: errors.FieldErrors) -> str:
    """Read a code. Its length is limited because unique indexes hold it."""
    code = read_text(value, "code", found)
    if len(code) > _MAX_CODE:
        found.add("code", "value_is_too_long")
    return code


def read_currency(value: str | None, found: errors.FieldErrors) -> str:
    """Read a currency: one of the codes of the contract."""
    if value is None or value not in CURRENCIES:
        found.add("amount_currency", "value_is_invalid")
        return "USD"
    return value


def read_metadata(value: Mapping[str, Any] | None, found: errors.FieldErrors) -> Mapping[str, str | None] | None:
    """Read flat metadata: text or null by key, within the contract's limits; what is wrong with it is noted under `value`."""
    if value is None:
        return None
    if len(value) > _MAX_METADATA:
        found.add("value", "too_many_keys")
    for key, item in value.items():
        if len(key) > _MAX_METADATA_KEY or (isinstance(item, str) and len(item) > _MAX_METADATA_VALUE):
            found.add("value", "value_is_too_long")
        if item is not None and not isinstance(item, str):
            found.add("value", "value_is_invalid")
    return dict(value)


def replaced(record: Any, fields: Mapping[str, Any]) -> Any:
    """Return a record with some fields changed."""
    return structs.replace(record, **fields)


def read_uuid(text: str | None) -> UUID | None:
    """Read an id; None where it is none."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def read_amount_cents(value: int | None, found: errors.FieldErrors) -> int:
    """Read an amount in minor units, 0 or more."""
    if value is None:
        found.add("amount_cents", "value_is_mandatory")
        return 0
    if not 0 <= value <= _MAX_AMOUNT_CENTS:
        found.add("amount_cents", "value_is_out_of_range")
    return value
