"""
Usage that was billed before its period ended: how the invoice that closes the period takes it off, and gives back what is too much.

The invoices made on the way are cumulative, so only the latest says what was billed of each fee.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from daycount.engine.credit_notes import CreditableFee, CreditedItem
from daycount.money import allocate

_PER_CENT = 100_000
_PLACES = Decimal("0.00001")


class Billed(NamedTuple):
    """A fee of the invoice that is being made, in minor units, and what the latest invoice on the way billed of the same."""

    amount_cents: int
    before_cents: int


class Settled(NamedTuple):
    """What is taken off now, by fee (up to 5 decimals, together `credit_cents`), and what there was too much of."""

    credit_cents: int
    shares: Sequence[Decimal]
    excess_cents: int


def settle(fees: Sequence[Billed], *, to_credit_cents: int) -> Settled:
    """
    Spread what was billed before over the fees it was billed for.

    Each fee bears its part of what was billed of it, never more than it comes to; what usage that moved to other fees leaves is
    borne by those. 10 000 of which a coupon took 2 000 takes 8 000 off a fee of 15 000. Where the fees come to less, the rest is
    excess. Source: Lago docs, progressive billing; the actual credit is spread, so that taxes fit the sub-total (decision).
    """
    eligible = sum(fee.amount_cents for fee in fees)
    credit = min(max(to_credit_cents, 0), eligible)
    same = [min(fee.amount_cents, fee.before_cents) for fee in fees]
    first = min(credit, sum(same))
    rest = credit - first
    parts = _spread(first, same)
    if rest:
        more = _spread(rest, [fee.amount_cents - part for fee, part in zip(fees, same, strict=True)])
        parts = [part + added for part, added in zip(parts, more, strict=True)]
    return Settled(credit, [Decimal(part) * _PLACES for part in parts], max(to_credit_cents, 0) - credit)


def _spread(cents: int, weights: Sequence[int]) -> list[int]:
    """Share an amount out in hundred-thousandths of a minor unit."""
    return allocate(cents * _PER_CENT, weights=weights) if cents else [0] * len(weights)


def items_worth(fees: Sequence[CreditableFee], *, net_cents: int) -> list[CreditedItem]:
    """
    Return parts of an invoice's fees that come to an amount without taxes, coupons taken off; the largest fees first.

    Of a fee of 10 000 with 6 000 taken off it, 2 500 are worth 1 000. Less comes back where the fees have less left.
    """
    left = Fraction(net_cents)
    items = []
    for fee in sorted(fees, key=lambda fee: -fee.amount_cents):
        if left <= 0 or not fee.creditable_cents:
            continue
        worth = (Fraction(fee.amount_cents) - Fraction(fee.precise_coupons_cents)) / fee.amount_cents
        if worth <= 0:
            continue
        amount = min(Fraction(fee.creditable_cents), left / worth)
        items.append(CreditedItem(fee, amount))
        left -= amount * worth
    return items
