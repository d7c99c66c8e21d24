"""Reading the fields of wallets, rules and transactions; what is wrong with one is noted, not raised."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from msgspec import UnsetType

from daycount import errors
from daycount.customers.payment_methods.operations import read_reference
from daycount.engine.wallets.credits import MOST_CREDITS
from daycount.given import given
from daycount.infra.work import Work
from daycount.money import round_half_away
from daycount.periods import parse_instant
from daycount.wallets.records import PaymentMethod, PaymentMethodInput

FEE_TYPES = frozenset({"charge", "add_on", "subscription", "credit", "commitment", "fixed_charge", "product"})
_MAX_NAME = 255
_MAX_KEYS, _MAX_KEY, _MAX_VALUE = 50, 100, 255
_MAX_PAIR_KEY, _MAX_PAIR_VALUE = 20, 100
_MAX_CENTS = 2**53 - 1
_LEAST_PRIORITY, _MOST_PRIORITY = 1, 50
_NOT_IN_A_CODE = re.compile(r"[^a-z0-9]+")


def read_credits(value: Any) -> Decimal | None:
    """Read credits: a text that is a finite decimal, 0 or more; None where it is not."""
    if not isinstance(value, str):
        return None
    try:
        wanted = Decimal(value.strip())
    except InvalidOperation:
        return None
    return wanted if wanted.is_finite() and 0 <= wanted <= MOST_CREDITS else None


def credits_or_zero(value: Any, field: str, found: errors.FieldErrors) -> Decimal:
    """Read credits that may be left out; anything that is no text of a decimal is refused."""
    if value is None or isinstance(value, UnsetType):
        return Decimal(0)
    wanted = read_credits(value)
    if wanted is None:
        found.add(field, f"invalid_{field}")
        found.add(field, "invalid_amount")
        return Decimal(0)
    return wanted


def read_rate(value: Decimal | None, found: errors.FieldErrors) -> Decimal:
    """Read what a credit is worth in major units: more than 0, at most five decimals."""
    if value is None:
        found.add("rate_amount", "value_is_mandatory")
        return Decimal(1)
    if not 0 < value < Decimal(10) ** 25 or round_half_away(value, places=5) == 0:
        found.add("rate_amount", "value_is_out_of_range")
        return Decimal(1)
    return round_half_away(value, places=5)


def read_priority(value: int | None, found: errors.FieldErrors, field: str = "priority") -> int:
    """Read a priority, 1 to 50; left out it is 50."""
    if value is None:
        return _MOST_PRIORITY
    if not _LEAST_PRIORITY <= value <= _MOST_PRIORITY:
        found.add(field, "value_is_invalid")
    return value


def read_limit(value: int | None, field: str, found: errors.FieldErrors) -> int | None:
    """Read a limit of a paid top-up, in minor units: none, or more than 0."""
    if value is not None and not 0 < value <= _MAX_CENTS:
        found.add(field, "value_is_out_of_range")
        return None
    return value


def read_future(value: str | None, *, now: datetime) -> datetime | None:
    """Read an instant later than now. Raises ValueError."""
    if not value:
        return None
    instant = parse_instant(value)
    if instant <= now:
        raise ValueError(value)
    return instant


def read_name(value: str | None, field: str, found: errors.FieldErrors) -> str | None:
    """Read a short text; a blank one is none."""
    if value is not None and len(value) > _MAX_NAME:
        found.add(field, "value_is_too_long")
    return (value or "").strip() or None


def code_of(name: str | None) -> str:
    """Return the code of a wallet that was given none: its name in lower case with underscores."""
    return _NOT_IN_A_CODE.sub("_", (name or "").lower()).strip("_")[:_MAX_NAME] or "default"


def read_pairs(value: Any, found: errors.FieldErrors, *, most: int, field: str = "metadata") -> list[Mapping[str, str]]:
    """Read metadata of a transaction: a list of {key, value}."""
    if value is None or isinstance(value, UnsetType) or value == {}:
        return []
    if not isinstance(value, list):
        found.add(field, "invalid_type")
        return []
    if len(value) > most:
        found.add(field, "too_many_keys")
    pairs: list[Mapping[str, str]] = []
    for item in value:
        code = _fault_of_pair(item)
        if code is not None:
            found.add(field, code)
        else:
            pairs.append({"key": str(item["key"]), "value": str(item["value"])})
    return pairs


def _fault_of_pair(item: Any) -> str | None:
    if not isinstance(item, Mapping) or set(item) != {"key", "value"}:
        return "invalid_key_value_pair"
    if any(isinstance(part, dict | list) for part in item.values()):
        return "nested_structure_not_allowed"
    if len(str(item["key"])) > _MAX_PAIR_KEY:
        return "key_too_long"
    return "value_too_long" if len(str(item["value"])) > _MAX_PAIR_VALUE else None


def read_metadata(value: Any) -> dict[str, str | None]:
    """Read a wallet's metadata. Raises Invalid (value)."""
    if not isinstance(value, dict):
        raise errors.Invalid({"value": ["value_is_invalid"]})
    if len(value) > _MAX_KEYS:
        raise errors.Invalid({"value": ["too_many_keys"]})
    for key, item in value.items():
        if len(key) > _MAX_KEY:
            raise errors.Invalid({"value": ["key_too_long"]})
        if item is not None and not isinstance(item, str):
            raise errors.Invalid({"value": ["nested_structure_not_allowed" if isinstance(item, dict | list) else "value_is_invalid"]})
        if isinstance(item, str) and len(item) > _MAX_VALUE:
            raise errors.Invalid({"value": ["value_too_long"]})
    return dict(value)


def read_payment_method(
    work: Work, value: PaymentMethodInput | None, found: errors.FieldErrors, *, owner: UUID | None, otherwise: PaymentMethod
) -> PaymentMethod:
    """Read how purchases of the customer `owner` are paid, None for one that is not known."""
    if value is None:
        return otherwise
    kind, method = given(value.payment_method_type, None) or None, given(value.payment_method_id, None) or None
    reference = read_reference(work, kind=kind, method_id=method, owner=owner, found=found)
    return PaymentMethod(reference.kind, None if reference.method_id is None else str(reference.method_id))


def read_fee_types(values: Sequence[str] | None, found: errors.FieldErrors) -> tuple[str, ...]:
    """Read the types of fees a wallet pays."""
    types = tuple(dict.fromkeys(values or ()))
    if not FEE_TYPES.issuperset(types):
        found.add("applies_to", "invalid_limitations")
        found.add("allowed_fee_types", "invalid_fee_types")
        return ()
    return types


def read_id(value: str | None) -> UUID | None:
    """Read an id; None where it is none."""
    try:
        return UUID(value) if value else None
    except ValueError:
        return None
