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

from daycount.money import PRECISE_PLACES, Exact, round_half_away

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
    net, precise_net = Fraction(net_cents), Fraction(precise_net_cents)
    shares = [net * _part(tax.rate) for tax in taxes]
    precise = sum((precise_net * _part(tax.rate) for tax in taxes), Fraction(0))
    base_cents = _cents(net)
    return Taxation(
        lines=[TaxLine(tax=tax, base_cents=base_cents, amount_cents=_cents(share)) for tax, share in zip(taxes, shares, strict=True)],
        amount_cents=_cents(sum(shares, Fraction(0))),
        precise_cents=round_half_away(precise, places=PRECISE_PLACES),
        rate=sum((tax.rate for tax in taxes), Decimal(0)),
    )


def tax_invoice(fees: Sequence[TaxedFee], *, sub_total_cents: int) -> Taxation:
    """
    Tax an invoice: each tax on the sum of the net amounts that carry it.

    Three fees of 112 at 20 % are 67.2, hence 67, although each fee's own tax is 22. `rate` weighs each tax by its base in
    `sub_total_cents`, and by numbers of fees where that is 0. Source: Lago API, invoice taxes.
    """
    bases: dict[TaxRate, Fraction] = {}
    counts: dict[TaxRate, int] = {}
    for fee in fees:
        for tax in fee.taxes:
            bases[tax] = bases.get(tax, Fraction(0)) + Fraction(fee.net_cents)
            counts[tax] = counts.get(tax, 0) + 1
    amounts = {tax: base * _part(tax.rate) for tax, base in bases.items()}
    total = sum(amounts.values(), Fraction(0))
    if sub_total_cents:
        weights = {tax: base / sub_total_cents for tax, base in bases.items()}
    else:
        weights = {tax: Fraction(count, len(fees)) for tax, count in counts.items()}
    rate = sum((Fraction(tax.rate) * weight for tax, weight in weights.items()), Fraction(0))
    return Taxation(
        lines=[TaxLine(tax=tax, base_cents=_cents(bases[tax]), amount_cents=_cents(amounts[tax])) for tax in bases],
        amount_cents=_cents(total),
        precise_cents=round_half_away(total, places=PRECISE_PLACES),
        rate=round_half_away(rate, places=_RATE_PLACES),
    )


@lru_cache(maxsize=1024)
def _part(rate: Decimal) -> Fraction:
    """Return a rate in percent as a part of the whole."""
    return Fraction(rate) / 100


def _cents(amount: Fraction) -> int:
    """Round to whole minor units, half away from zero."""
    if amount.denominator == 1:
        return amount.numerator
    return int(round_half_away(amount, places=0))
