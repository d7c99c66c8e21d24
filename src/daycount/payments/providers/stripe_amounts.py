"""Amounts as Stripe counts them, which is not always as the currency's minor unit is defined."""

from typing import Final

from daycount.money import CURRENCIES
from daycount.organizations.payment_providers.records import STRIPE
from daycount.payments.providers.port import Refused

_WHOLE: Final = frozenset(["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"])
_THREE: Final = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
"""Counted with three decimals, of which the last must be zero."""
_SENT_WITH_TWO: Final = frozenset(["ISK", "UGX", "HUF"])
"""Have no smaller unit with us; Stripe takes them with two decimals. ISK and UGX: which must be zero."""


def _decimals(currency: str) -> int:
    if currency in _WHOLE:
        return 0
    return 3 if currency in _THREE else 2


def _power(places: int) -> int:
    return int(10**places)


def to_stripe(amount_cents: int, currency: str) -> int:
    """
    Return an amount of ours, in minor units, as Stripe takes it: 500 JPY are 500, 500 ISK are 50000, 10.500 KWD are 10500.

    Raises Refused where Stripe cannot take it exactly.
    """
    ours, theirs = CURRENCIES[currency].exponent, _decimals(currency)
    if theirs >= ours:
        amount, rest = amount_cents * _power(theirs - ours), 0
    else:
        amount, rest = divmod(amount_cents, _power(ours - theirs))
    if rest or (currency in _THREE and amount % 10):
        raise Refused(STRIPE, "amount_not_supported", f"Stripe cannot take {amount_cents} minor units of {currency}.")
    return amount


def from_stripe(amount: int, currency: str) -> int:
    """Return an amount of Stripe's in our minor units; a part that we have no unit for is left out."""
    ours, theirs = CURRENCIES[currency].exponent, _decimals(currency)
    return amount * _power(ours - theirs) if ours >= theirs else amount // _power(theirs - ours)
