"""
Credits and money.

A credit is worth `rate` major units of the wallet's currency. What comes in is snapped to whole minor units, so that a
balance in money never has a fraction; credits keep five decimals. Money is what counts, credits are shown beside it.
"""

from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Final

from msgspec import Struct

from daycount.money import Cents, Currency, round_half_away, to_cents

CREDIT_PLACES: Final = 5
"""Decimals of a number of credits."""

MOST_CREDITS: Final = Decimal(10) ** 25 - 1
"""The largest number of credits one transaction may have."""


class Valued(Struct, frozen=True):
    """A number of credits (five decimals) and what it is worth in minor units."""

    credit_amount: Decimal
    amount_cents: Cents


def floor_credits(credits: Decimal) -> Decimal:
    """Cut credits off after five decimals: 19.999996 is 19.99999."""
    return round_half_away(Fraction(floor(Fraction(credits) * 10**CREDIT_PLACES), 10**CREDIT_PLACES), places=CREDIT_PLACES)


def incoming(credits: Decimal, *, rate: Decimal, currency: Currency) -> Valued:
    """
    Value credits that are bought or granted: snapped to whole minor units, and the credits follow the money.

    33.333 credits at 0.5 USD are 16.67 USD, which are 33.34 credits. Source: Lago API, wallet transactions.
    """
    cents = to_cents(Fraction(floor_credits(credits)) * Fraction(rate), currency=currency)
    return Valued(credits_of(cents, rate=rate, currency=currency), cents)


def voided(credits: Decimal, *, rate: Decimal, currency: Currency) -> Valued:
    """Value credits that are taken back: the money is rounded, the credits keep their five decimals."""
    kept = floor_credits(credits)
    return Valued(kept, to_cents(Fraction(kept) * Fraction(rate), currency=currency))


def credits_of(cents: Cents, *, rate: Decimal, currency: Currency) -> Decimal:
    """Return what an amount in minor units is in credits, to five decimals."""
    return round_half_away(Fraction(cents) / currency.subunits / Fraction(rate), places=CREDIT_PLACES)


def major_units(cents: Cents, *, currency: Currency) -> Fraction:
    """Return an amount of minor units in major units."""
    return Fraction(cents, currency.subunits)
