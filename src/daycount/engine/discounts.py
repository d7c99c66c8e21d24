"""
Coupons on an invoice: which count, in which order, and what each fee bears of them.

    metric-limited → plan-limited → unrestricted, the oldest first

Each is worked out on what the ones before it left. A fixed coupon used once carries its rest to later invoices.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct, structs

from daycount.engine.items import Item, share_of
from daycount.money import round_half_away


class CouponType(StrEnum):
    """What a coupon is worth: an amount, or a part."""

    FIXED_AMOUNT = "fixed_amount"
    PERCENTAGE = "percentage"


class Frequency(StrEnum):
    """How often an applied coupon counts: until it is used up, for a number of invoices, or always."""

    ONCE = "once"
    RECURRING = "recurring"
    FOREVER = "forever"


class CouponTerms(Struct, frozen=True, kw_only=True):
    """
    An applied coupon as an invoice sees it.

    `remaining_cents` is what a fixed coupon can still give on this invoice: for `once` the amount less what live invoices
    used, else the whole amount. `invoices_remaining` counts down for `recurring`. Empty limits mean every fee.
    """

    applied_coupon_id: UUID
    coupon_type: CouponType
    frequency: Frequency
    currency: str | None
    remaining_cents: int
    rate: Decimal
    invoices_remaining: int | None
    metric_ids: Collection[UUID]
    plan_ids: Collection[UUID]
    applied_at: datetime

    def takes(self, item: Item) -> bool:
        """Tell whether a fee is one of those it lowers."""
        if self.metric_ids:
            return item.metric_id in self.metric_ids
        if self.plan_ids:
            return item.plan_id in self.plan_ids
        return True

    def after_use(self, credit_cents: int) -> "CouponTerms | None":
        """Return what is left of it after an invoice used it; None when it is spent."""
        match self.frequency:
            case Frequency.FOREVER:
                return self
            case Frequency.RECURRING:
                left = (self.invoices_remaining or 1) - 1
                return structs.replace(self, invoices_remaining=left) if left > 0 else None
            case Frequency.ONCE:
                rest = self.remaining_cents - credit_cents
                is_spent = self.coupon_type is CouponType.PERCENTAGE or rest <= 0
                return None if is_spent else structs.replace(self, remaining_cents=rest)


class CouponUse(NamedTuple):
    """What an invoice took of a coupon (minor units), and what is left of the coupon; None when it is spent."""

    applied_coupon_id: UUID
    credit_cents: int
    left: CouponTerms | None


class Discounted(NamedTuple):
    """Fees with their shares, the coupons used, and what remains of the sub-total."""

    items: Sequence[Item]
    uses: Sequence[CouponUse]
    sub_total_cents: int


def apply_coupons(items: Sequence[Item], coupons: Sequence[CouponTerms], *, sub_total_cents: int, currency: str) -> Discounted:
    """
    Take coupons off an invoice, until nothing is left of its sub-total.

    4 999 + 1 234 with 10 %, then 15 %: 623, then 842 of the 5 610 left. Source: Lago docs, coupons; order and bases.
    """
    current = list(items)
    uses: list[CouponUse] = []
    for coupon in sorted(coupons, key=_place):
        if sub_total_cents <= 0:
            break
        if coupon.coupon_type is CouponType.FIXED_AMOUNT and coupon.currency != currency:
            continue
        matching = [position for position, item in enumerate(current) if coupon.takes(item)]
        is_limited = bool(coupon.metric_ids or coupon.plan_ids)
        base = sum((current[position].net_cents for position in matching), Fraction(0)) if is_limited else Fraction(sub_total_cents)
        if not matching or base <= 0:
            continue
        credit = min(_credit(coupon, base), sub_total_cents)
        for position in matching:
            item = current[position]
            share = share_of(credit, part=item.net_cents, whole=base, taken=item.precise_coupons_cents, limit=Fraction(item.amount_cents))
            current[position] = structs.replace(item, precise_coupons_cents=share)
        sub_total_cents -= credit
        uses.append(CouponUse(coupon.applied_coupon_id, credit, coupon.after_use(credit)))
    return Discounted(current, uses, sub_total_cents)


def _place(coupon: CouponTerms) -> tuple[int, datetime, UUID]:
    kind = 0 if coupon.metric_ids else 1 if coupon.plan_ids else 2
    return kind, coupon.applied_at, coupon.applied_coupon_id


def _credit(coupon: CouponTerms, base: Fraction) -> int:
    """Return what a coupon takes off a base, at most all of it; rounded half away from zero."""
    worth = base * Fraction(coupon.rate) / 100 if coupon.coupon_type is CouponType.PERCENTAGE else Fraction(coupon.remaining_cents)
    return int(round_half_away(min(worth, base), places=0))
