"""
Unused time: what a plan in advance took for days that its subscription did not use.

Pure arithmetic from the days and the fee that was billed. Coupons and taxes come after it, as do refunds; who is paid
back, and how, does not belong here.
"""

from fractions import Fraction

from msgspec import Struct

_PLACES = 5


class UnusedTime(Struct, frozen=True, kw_only=True):
    """
    The share of a base fee that was not used.

    `amount_cents` is in minor units, net of coupons and taxes, cut (not rounded) at five decimals, so that it never exceeds
    what was paid. `used_cents` is the exact price of the days used, the last one included. `days` of `full_days` are
    unused.
    """

    days: int
    used_days: int
    full_days: int
    amount_cents: Fraction
    used_cents: Fraction


def unused_time(
    *, days: int, billed_days: int, full_days: int, plan_amount_cents: int, fee_amount_cents: int, credited_cents: Fraction
) -> UnusedTime | None:
    """
    Compute what is to be given back for `days` unused days; None when it is nothing.

    `plan_amount_cents` is the plan's price stored with the fee, `full_days` the days of its period, `billed_days` those the
    fee is for. No more is given back than the fee took, less what was credited on it before. 9 999 cents for 28 days, 19
    of them unused, are 6 785.03571. Source: Lago docs, credit notes on termination; exact fractions are ours.
    """
    assert full_days > 0
    exact = min(Fraction(days * plan_amount_cents, full_days), Fraction(fee_amount_cents)) - credited_cents
    if exact <= 0:
        return None
    scale = 10**_PLACES
    used_days = max(0, billed_days - days)
    return UnusedTime(
        days=days,
        used_days=used_days,
        full_days=full_days,
        amount_cents=Fraction(exact * scale // 1, scale),
        used_cents=Fraction(used_days * plan_amount_cents, full_days),
    )
