"""
Reading the values that the properties of several models are made of.

A price is a decimal string, because a JSON number is not exact; a bound of a tier is a JSON number. A reader returns what
is to be stored and the codes of what is wrong, one for each offence.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from daycount.money import decimal_text

_DECIMAL = re.compile(r"([0-9]{1,15}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2})?")
_MOST = Decimal(10) ** 15
_MOST_WHOLE = 2**53
_MOST_PLACES = 30

Properties = Mapping[str, Any]
Read = tuple[dict[str, Any], list[str]]
"""The properties to keep, and what is wrong with those given."""


def read_decimal(value: object) -> str | None:
    """
    Read a decimal string of 0 or more: "0.25", "1e-3"; None for anything else.

    A JSON number is refused. So is a value of 10^15 or more, which no amount could hold.
    """
    if not isinstance(value, str):
        return None
    text = value.strip()
    return text if _DECIMAL.fullmatch(text) and Decimal(text) < _MOST else None


def read_whole(value: object, *, least: int) -> int | None:
    """Read a JSON integer of at least `least`; None for anything else, also for its text."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and least <= value < _MOST_WHOLE else None  # type: ignore[operator,return-value]  # it is an int then


def read_bound(value: object) -> Decimal | None:
    """Read the bound of a tier: a JSON number of 0 or more; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    if not number.is_finite() or not 0 <= number < _MOST or -int(number.as_tuple().exponent) > _MOST_PLACES:
        return None
    return number


def stored_bound(bound: Decimal) -> int | str:
    """Write a bound for storage: whole numbers as such, others as decimal text, which stays exact."""
    return int(bound) if bound == bound.to_integral_value() else decimal_text(bound)


def decimal_of(properties: Properties, name: str) -> Decimal:
    """Return a stored decimal property; 0 when it is absent or null."""
    value = properties.get(name)
    return Decimal(0) if value is None else Decimal(str(value))
