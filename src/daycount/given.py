"""
Values that a caller may leave out. Absent is not null: an absent key leaves what is stored, null clears it.

`msgspec.UNSET` stands for absent; these functions are the only places that look at it.
"""

from typing import TypeVar

from msgspec import UNSET, UnsetType

T = TypeVar("T")


def given(value: T | UnsetType, otherwise: T) -> T:
    """Return `value`, or `otherwise` when the caller left it out."""
    return otherwise if value is UNSET else value


def given_or_default(value: T | None | UnsetType, default: T) -> T:
    """Return `value`, or `default` when the caller left it out or sent null."""
    return default if value is UNSET or value is None else value


def is_given(value: object) -> bool:
    """Tell whether the caller sent the key at all, be it null."""
    return value is not UNSET
