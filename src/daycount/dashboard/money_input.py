"""Amounts as people write them in forms, turned into minor units without a rounding."""

from decimal import Decimal, InvalidOperation
from typing import Any

from daycount import errors
from daycount.money import CURRENCIES


def read_cents(text: str, currency: str, *, field: str) -> int:
    """Read `12.50` as 1250 minor units. Raises Invalid (invalid_amount) for anything else, also for digits beyond the currency's."""
    known = CURRENCIES.get(currency)
    try:
        amount = Decimal(text.replace(",", "").replace("\u2212", "-").replace("\u00a0", "").strip())
    except InvalidOperation as error:
        raise errors.Invalid({field: ["invalid_amount"]}) from error
    if known is None or not amount.is_finite() or abs(amount.adjusted()) > 15:
        raise errors.Invalid({field: ["invalid_amount"]})
    cents = amount * known.subunits
    if cents != cents.to_integral_value():
        raise errors.Invalid({field: ["invalid_amount"]})
    return int(cents)


def read_unit_cents(text: str, currency: str, *, field: str) -> str:
    """Read a price of a unit, `0.0125` as 1.25 minor units, however exact, as a decimal text. Raises Invalid (invalid_amount)."""
    known = CURRENCIES.get(currency)
    try:
        amount = Decimal(text.replace(",", "").replace("\u00a0", "").strip())
    except InvalidOperation as error:
        raise errors.Invalid({field: ["invalid_amount"]}) from error
    if known is None or not amount.is_finite() or abs(amount.adjusted()) > 15:
        raise errors.Invalid({field: ["invalid_amount"]})
    return f"{amount * known.subunits:f}"


def write_cents(amount_cents: Any, currency: str) -> str:
    """Write minor units for a form's field, without grouping."""
    known = CURRENCIES[currency]
    return f"{Decimal(int(amount_cents)) / known.subunits:.{known.exponent}f}"
