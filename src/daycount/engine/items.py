"""What the steps of money know of a fee: its amount, what it is of, and what each step has done to it so far."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from msgspec import Struct

from daycount.engine.taxes import Taxation, TaxRate
from daycount.money import Exact, as_fraction, round_half_away

SHARE_PLACES = 5
"""Decimals of what a fee bears of a credit, in minor units. Source: Lago API, precise coupon amounts."""

NO_TAX = Taxation(lines=(), amount_cents=0, precise_cents=Decimal(0), rate=Decimal(0))


class Item(Struct, frozen=True, kw_only=True):
    """
    One fee on its way through the steps.

    Amounts are minor units; `precise_…` hold fractions of them. `plan_id` is the plan of the fee's subscription, or the one
    it overrides; `metric_id` is set for usage. `precise_coupons_cents` holds progressive credits too. A fee whose `taxation`
    is given was taxed before and is not taxed again. `inherits_taxes` tells whether its taxes are its customer's.
    """

    fee_type: str
    amount_cents: int
    precise_amount_cents: Decimal
    taxes: Sequence[TaxRate] = ()
    metric_id: UUID | None = None
    plan_id: UUID | None = None
    target_wallet_code: str | None = None
    precise_coupons_cents: Decimal = Decimal(0)
    taxation: Taxation | None = None
    inherits_taxes: bool = False
    precise_credit_notes_cents: Decimal = Decimal(0)

    @property
    def net_cents(self) -> Fraction:
        """Return the amount without what coupons took off it."""
        if not self.precise_coupons_cents:
            return Fraction(self.amount_cents)
        return self.amount_cents - as_fraction(self.precise_coupons_cents)

    @property
    def precise_net_cents(self) -> Exact:
        """Return the amount before rounding, without what coupons took off it."""
        if not self.precise_coupons_cents:
            return self.precise_amount_cents
        return as_fraction(self.precise_amount_cents) - as_fraction(self.precise_coupons_cents)


def share_of(credit_cents: int, *, part: Fraction, whole: Fraction, taken: Decimal, limit: Fraction) -> Decimal:
    """
    Return what a fee bears in all when a credit is spread: `taken` before, and credit × part ÷ whole, to 5 decimals.

    It never bears more than `limit`. There is no correction for the last fee: the shares may miss the credit by some 0.00001.
    """
    more = round_half_away(Fraction(credit_cents) * part / whole, places=SHARE_PLACES)
    return min(taken + more, round_half_away(limit, places=SHARE_PLACES))
