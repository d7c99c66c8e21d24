"""Standard pricing: every unit costs the same."""

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

_DECIMAL = re.compile(r"([0-9]{1,15}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2})?")
_MOST = Decimal(10) ** 15


def read_properties(properties: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """
    Keep the model's own property (`amount`, a decimal string in major units; "0" when nothing is given) and tell what is wrong with it.

    A JSON number is refused: a price is written exactly. So is one of 10^15 or more, which no amount could hold.
    Source: Lago docs, charges/standard.
    """
    if not properties:
        return {"amount": "0"}, []
    amount = properties.get("amount")
    if not isinstance(amount, str) or not _DECIMAL.fullmatch(amount.strip()) or Decimal(amount.strip()) >= _MOST:
        return {"amount": "0"}, ["invalid_amount"]
    return {"amount": amount.strip()}, []


def price(*, units: Decimal, amount: Decimal) -> Fraction:
    """
    Price `units` at `amount` major units of currency each.

    The product is exact; `fees.py` rounds it once. 2.48388 units at 10 are 24.8388.
    """
    assert amount >= 0
    return Fraction(units) * Fraction(amount)
