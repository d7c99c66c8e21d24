"""The codes of charges and fixed charges within a plan."""

from collections.abc import Collection

from daycount import errors

_MAX_CODE = 255
_MAX_SUFFIX_DIGITS = 9


def check_code(code: str, taken: Collection[str], found: errors.FieldErrors) -> None:
    """Note what is wrong with a code that a caller gives: it is taken, or too long."""
    if code in taken:
        found.add("code", "value_already_exist")
    if len(code) > _MAX_CODE:
        found.add("code", "value_is_too_long")


def free_code(base: str, taken: Collection[str]) -> str:
    """Name a charge after its metric or add-on: `api`, then `api_2`, `api_3`; after `api_7` comes `api_8`."""
    if base not in taken:
        return base
    suffixes = (code.removeprefix(f"{base}_") for code in taken if code.startswith(f"{base}_"))
    numbers = [int(suffix) for suffix in suffixes if suffix.isdecimal() and suffix.isascii() and len(suffix) <= _MAX_SUFFIX_DIGITS]
    return f"{base}_{max([1, *numbers]) + 1}"
