"""
Taxes: which of them count for a fee, and what they come to on a fee and on an invoice.

The tax of an invoice is worked out from its own bases, not from the taxes of its fees; rounded each on its own, the two
may differ by a cent. Rates add up, they do not compound.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from uuid import UUID

from msgspec import Struct

from daycount.money import PRECISE_PLACES, Exact, exact_sum, product, quotient, round_half_away, round_to_whole

_RATE_PLACES = 5


class TaxRate(Struct, frozen=True, kw_only=True):
    """A tax as the engine and the documents know it; `rate` is in percent, `tax_id` None for a foreign provider's tax."""

    tax_id: UUID | None
    code: str
    name: str
    rate: Decimal
    description: str | None


class TaxLine(Struct, frozen=True, kw_only=True):
    """One tax on a fee or an invoice: what it is of (minor units, rounded) and what it comes to (rounded)."""

    tax: TaxRate
    base_cents: int
    amount_cents: int


class Taxation(Struct, frozen=True, kw_only=True):
    """
    The taxes of a fee or of an invoice.

    `amount_cents` is the sum of the exact lines, rounded once: it may differ from the sum of the rounded `lines`.
    `precise_cents` is the same on the amounts before rounding; `rate` is in percent.
    """

    lines: Sequence[TaxLine]
    amount_cents: int
    precise_cents: Decimal
    rate: Decimal


class TaxedFee(Struct, frozen=True, kw_only=True):
    """What a fee brings to the taxes of its invoice: its net amount (minor units, up to 5 decimals) and its taxes."""

    net_cents: Decimal
    taxes: Sequence[TaxRate]


def applicable_taxes(*levels: Sequence[TaxRate]) -> Sequence[TaxRate]:
    """
    Return the taxes of the first level that has any: charge, plan, customer, billing entity.

    Levels are never mixed; a tax of 0 % is one, so that it exempts. Source: Lago docs, taxes; hierarchy.
    """
    return next((level for level in levels if level), ())


def tax_fee(*, net_cents: Exact, precise_net_cents: Exact, taxes: Sequence[TaxRate]) -> Taxation:
    """
    Tax one fee.

    Net is what remains after coupons, `precise_net_cents` the same of the amount before rounding. 1005 cents with 5.5 %
    and 1.25 % are 55.275 + 12.5625 = 67.8375: lines of 55 and 13, 68 in all.
    """
    shares = [product(net_cents, _part(tax.rate)) for tax in taxes]
    base_cents = round_to_whole(net_cents)
    return Taxation(
        lines=[
            TaxLine(tax=tax, base_cents=base_cents, amount_cents=round_to_whole(share)) for tax, share in zip(taxes, shares, strict=True)
        ],
        amount_cents=round_to_whole(_total(shares)),
        precise_cents=round_half_away(_total([product(precise_net_cents, _part(tax.rate)) for tax in taxes]), places=PRECISE_PLACES),
        rate=exact_sum(tax.rate for tax in taxes),
    )


def tax_invoice(fees: Sequence[TaxedFee], *, sub_total_cents: int) -> Taxation:
    """
    Tax an invoice: each tax on the sum of the net amounts that carry it.

    Three fees of 112 at 20 % are 67.2, hence 67, although each fee's own tax is 22. `rate` weighs each tax by its base in
    `sub_total_cents`, and by numbers of fees where that is 0. Source: Lago API, invoice taxes.
    """
    taxed = _by_tax(fees)
    bases = [exact_sum(nets) for nets in taxed.values()]
    amounts = [product(base, _part(tax.rate)) for tax, base in zip(taxed, bases, strict=True)]
    total = _total(amounts)
    if sub_total_cents:
        weights = [quotient(base, sub_total_cents) for base in bases]
    else:
        weights = [Fraction(len(nets), len(fees)) for nets in taxed.values()]
    rate = _total([product(tax.rate, weight) for tax, weight in zip(taxed, weights, strict=True)])
    return Taxation(
        lines=[
            TaxLine(tax=tax, base_cents=round_to_whole(base), amount_cents=round_to_whole(amount))
            for tax, base, amount in zip(taxed, bases, amounts, strict=True)
        ],
        amount_cents=round_to_whole(total),
        precise_cents=round_half_away(total, places=PRECISE_PLACES),
        rate=round_half_away(rate, places=_RATE_PLACES),
    )


@lru_cache(maxsize=1024)
def _part(rate: Decimal) -> Fraction:
    """Return a rate in percent as a part of the whole."""
    return Fraction(rate) / 100


def _by_tax(fees: Sequence[TaxedFee]) -> dict[TaxRate, list[Decimal]]:
    """
    Gather the net amounts that carry each tax.

    Most fees carry the very same taxes, which are told by identity; comparing rates by their fields is slow.
    """
    known: dict[int, list[Decimal]] = {}
    taxed: dict[TaxRate, list[Decimal]] = {}
    for fee in fees:
        for tax in fee.taxes:
            nets = known.get(id(tax))
            if nets is None:
                nets = known[id(tax)] = taxed.setdefault(tax, [])
            nets.append(fee.net_cents)
    return taxed


def _total(parts: Sequence[Fraction]) -> Fraction:
    return parts[0] if len(parts) == 1 else sum(parts, Fraction(0))
