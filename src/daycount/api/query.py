"""Query strings: single values, `name[]=…` lists, and the types filters need."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from urllib.parse import parse_qsl
from uuid import UUID

from daycount import errors
from daycount.periods import ONE_DAY, parse_instant

_FALSE = frozenset({"false", "0", "f", "off"})
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_MAX_FIELDS = 1000
_MAX_INTEGER = 2**63 - 1


class Query:
    """The parameters of a request; the last of several equal names wins."""

    def __init__(self, raw: bytes) -> None:
        try:
            pairs = parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
        except ValueError as error:
            raise errors.BadRequest("too many query parameters") from error
        self._pairs = [(name, value.replace("\x00", "")) for name, value in pairs]

    def one(self, name: str) -> str | None:
        """Return a value, or None when it is absent or empty."""
        for key, value in reversed(self._pairs):
            if key == name:
                return value or None
        return None

    def many(self, name: str) -> tuple[str, ...]:
        """Return the values of `name[]=a&name[]=b`, also of a plain `name=a`; empty ones are left out."""
        return tuple(value for key, value in self._pairs if key in (f"{name}[]", name) and value)

    def pairs(self, name: str) -> dict[str, str]:
        """Return the values of `name[key]=value` by key; empty ones stay empty."""
        found = ((key[len(name) + 1 : -1], value) for key, value in self._pairs if key.startswith(f"{name}[") and key.endswith("]"))
        return {key: value for key, value in found if key}

    def mapping(self, name: str) -> dict[str, tuple[str, ...]]:
        """Return the values of `name[key]=a&name[key][]=b` by key; empty ones are left out."""
        found: dict[str, tuple[str, ...]] = {}
        for key, value in self._pairs:
            inner = key.removesuffix("[]").removeprefix(f"{name}[").removesuffix("]")
            if value and inner and key.removesuffix("[]") == f"{name}[{inner}]":
                found[inner] = (*found.get(inner, ()), value)
        return found

    def flag(self, name: str) -> bool | None:
        """Return a boolean; None when it is absent or empty, true for anything that does not say false."""
        value = self.one(name)
        return None if value is None else value.lower() not in _FALSE

    def choice(self, name: str) -> bool | None:
        """Return a boolean that is said by true or false alone. Raises Invalid (value_is_invalid)."""
        value = self.one(name)
        if value not in (None, "true", "false"):
            raise errors.Invalid({name: ["value_is_invalid"]})
        return None if value is None else value == "true"

    def instant(self, name: str) -> datetime | None:
        """Return an ISO 8601 date or date-time. Raises Invalid (invalid_date)."""
        value = self.one(name)
        if value is None:
            return None
        try:
            return parse_instant(value)
        except ValueError as error:
            raise errors.Invalid({name: ["invalid_date"]}) from error

    def end(self, name: str) -> datetime | None:
        """Return the end, exclusive, that a date or date-time means; a date takes its whole day in. Raises Invalid (invalid_date)."""
        instant = self.instant(name)
        is_date = len(self.one(name) or "") == len("2026-07-01")
        return instant + ONE_DAY if instant is not None and is_date else instant

    def day(self, name: str) -> date | None:
        """Return a date, or None when it is absent or cannot be read (the contract ignores it then)."""
        value = self.one(name)
        try:
            return None if value is None else parse_instant(value).date()
        except ValueError:
            return None

    def integer(self, name: str) -> int | None:
        """Return a whole number. Raises Invalid (value_is_invalid)."""
        value = self.one(name)
        if value is None:
            return None
        if not _INTEGER.fullmatch(value):
            raise errors.Invalid({name: ["value_is_invalid"]})
        number = int(value)
        if abs(number) > _MAX_INTEGER:
            raise errors.Invalid({name: ["value_is_out_of_range"]})
        return number

    def uuid(self, name: str) -> UUID | None:
        """Return an id, None when absent. Raises Invalid (value_is_invalid)."""
        text = self.one(name)
        try:
            return None if text is None else UUID(text)
        except ValueError as error:
            raise errors.Invalid({name: ["value_is_invalid"]}) from error

    def members(self, name: str, allowed: Sequence[str]) -> tuple[str, ...]:
        """Return values that must all be of a set. Raises Invalid (value_is_invalid)."""
        values = self.many(name)
        if not set(values) <= set(allowed):
            raise errors.Invalid({name: ["value_is_invalid"]})
        return values
