"""
An invoice from its fees: the steps of money, in their order.

    fees → progressive credits → coupons → taxes → credit notes → prepaid credits → total
          └──────── lower the taxes ───────┘       └──── pay what is taxed ────┘

A step for which nothing is given leaves everything as it is.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct, structs

from daycount.engine.credits import CreditNoteBalance, CreditUse, apply_credit_notes, apply_wallets
from daycount.engine.discounts import CouponTerms, CouponUse, apply_coupons
from daycount.engine.items import NO_TAX, Item
from daycount.engine.taxes import Taxation, TaxedFee, tax_fee, tax_invoice
from daycount.engine.wallets.allocation import WalletTerms
from daycount.money import round_half_away


class Totals(Struct, frozen=True, kw_only=True):
    """The sums of an invoice in minor units; each is worked out from those before it."""

    fees: int
    progressive_billing_credit: int
    coupons: int
    sub_total_excluding_taxes: int
    taxes: int
    sub_total_including_taxes: int
    credit_notes: int
    prepaid_credit: int
    total: int


class ProgressiveCredit(NamedTuple):
    """What earlier invoices billed of the fees already: in all, and for each fee by its place (up to 5 decimals)."""

    amount_cents: int
    shares: Sequence[Decimal]


class Steps(Struct, frozen=True, kw_only=True):
    """What the steps take off an invoice. A draft has progressive credits alone; the rest is applied when it is finalized."""

    progressive: Sequence[ProgressiveCredit] = ()
    coupons: Sequence[CouponTerms] = ()
    credit_notes: Sequence[CreditNoteBalance] = ()
    wallets: Sequence[WalletTerms] = ()


class Assembled(Struct, frozen=True, kw_only=True):
    """An invoice's money: its fees with what each step did to them, its taxes and totals, and what was used up."""

    items: Sequence[Item]
    taxation: Taxation
    totals: Totals
    coupon_uses: Sequence[CouponUse]
    credit_note_uses: Sequence[CreditUse]
    wallet_uses: Sequence[CreditUse]


NO_STEPS = Steps()


def assemble(items: Sequence[Item], *, currency: str, steps: Steps = NO_STEPS) -> Assembled:
    """Take the fees of an invoice through the steps of money."""
    fees = sum(item.amount_cents for item in items)
    credited = _apply_progressive(items, steps.progressive)
    progressive = sum(credit.amount_cents for credit in steps.progressive)
    discounted = apply_coupons(credited, steps.coupons if fees else (), sub_total_cents=fees - progressive, currency=currency)
    taxed = tax_items(discounted.items)
    taxation = tax_together(taxed, sub_total_cents=discounted.sub_total_cents)
    including = discounted.sub_total_cents + taxation.amount_cents
    noted = apply_credit_notes(taxed, steps.credit_notes, total_cents=including)
    paid = apply_wallets(noted.items, steps.wallets, total_cents=noted.total_cents)
    totals = Totals(
        fees=fees,
        progressive_billing_credit=progressive,
        coupons=sum(use.credit_cents for use in discounted.uses),
        sub_total_excluding_taxes=discounted.sub_total_cents,
        taxes=taxation.amount_cents,
        sub_total_including_taxes=including,
        credit_notes=sum(use.amount_cents for use in noted.uses),
        prepaid_credit=sum(use.amount_cents for use in paid.uses),
        total=paid.total_cents,
    )
    assert totals.total == totals.sub_total_including_taxes - totals.credit_notes - totals.prepaid_credit >= 0
    assert totals.sub_total_excluding_taxes == totals.fees - totals.progressive_billing_credit - totals.coupons
    return Assembled(
        items=paid.items,
        taxation=taxation,
        totals=totals,
        coupon_uses=discounted.uses,
        credit_note_uses=noted.uses,
        wallet_uses=paid.uses,
    )


def _apply_progressive(items: Sequence[Item], found: Sequence[ProgressiveCredit]) -> list[Item]:
    current = list(items)
    for credit in found:
        current = [
            structs.replace(item, precise_coupons_cents=min(item.precise_coupons_cents + share, Decimal(item.amount_cents)))
            for item, share in zip(current, credit.shares, strict=True)
        ]
    return current


def tax_items(items: Sequence[Item]) -> list[Item]:
    """Tax each fee on what remains of it; those that were taxed before keep their taxes."""
    return [
        structs.replace(item, taxation=tax_fee(net_cents=item.net_cents, precise_net_cents=item.precise_net_cents, taxes=item.taxes))
        if item.taxation is None
        else item
        for item in items
    ]


def tax_together(items: Sequence[Item], *, sub_total_cents: int) -> Taxation:
    """Return the taxes of an invoice of these fees."""
    if not items:
        return NO_TAX
    fees = [
        TaxedFee(net_cents=round_half_away(item.net_cents, places=5), taxes=[line.tax for line in (item.taxation or NO_TAX).lines])
        for item in items
    ]
    return tax_invoice(fees, sub_total_cents=sub_total_cents)
