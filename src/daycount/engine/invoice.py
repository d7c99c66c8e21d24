"""
An invoice from its fees: the steps of money, in their order.

    fees → (progressive credits → coupons → taxes → credit notes → prepaid credits) → totals

Only the first and the last exist so far; each of the others will be one more line in `assemble`.
"""

from collections.abc import Sequence

from msgspec import Struct

from daycount.engine.fees import FeeDraft


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


def assemble(fees: Sequence[FeeDraft]) -> Totals:
    """Add up the fees of an invoice and take it through the steps of money."""
    amount = sum(fee.amount_cents for fee in fees)
    totals = Totals(
        fees=amount,
        progressive_billing_credit=0,
        coupons=0,
        sub_total_excluding_taxes=amount,
        taxes=0,
        sub_total_including_taxes=amount,
        credit_notes=0,
        prepaid_credit=0,
        total=amount,
    )
    assert totals.total == totals.sub_total_including_taxes - totals.credit_notes - totals.prepaid_credit
    assert totals.sub_total_excluding_taxes == totals.fees - totals.progressive_billing_credit - totals.coupons
    return totals
