"""Reading what callers write to credit notes."""

from collections.abc import Mapping
from typing import Any

from daycount import errors
from daycount.credit_notes.records import REASONS

MOST_KEYS, MOST_KEY, MOST_VALUE = 50, 100, 255
Metadata = Mapping[str, str | None]


def read_metadata(value: Any, *, field: str = "metadata") -> Metadata | None:
    """Return a flat map of texts; None where null is given. Raises Invalid."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise errors.Invalid({field: ["invalid_type"]})
    found = errors.FieldErrors()
    read: dict[str, str | None] = {}
    for key, item in value.items():
        if len(key) > MOST_KEY:
            found.add(field, "invalid_key_length")
        if isinstance(item, (dict, list)):
            found.add(field, "nested_structure_not_allowed")
            continue
        read[key] = _text(item)
        if len(read[key] or "") > MOST_VALUE:
            found.add(field, "invalid_value_length")
    if len(read) > MOST_KEYS:
        found.add(field, "too_many_keys")
    found.raise_if_any()
    return read


def merge_metadata(stored: Metadata | None, sent: Any) -> Metadata:
    """Add the pairs sent to those stored. Raises Invalid."""
    merged = {**(stored or {}), **(read_metadata(sent) or {})}
    if len(merged) > MOST_KEYS:
        raise errors.Invalid({"metadata": ["too_many_keys"]})
    return merged


def read_reason(value: str | None) -> str:
    """Return the reason, `other` when none is given. Raises Invalid."""
    if value is None:
        return "other"
    if value not in REASONS:
        raise errors.Invalid({"reason": ["value_is_invalid"]})
    return value


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
