"""
Monthly recurring revenue: the fees of plans, spread over the months they are for. Pure arithmetic on exact fractions.

Source: Lago docs, analytics, MRR; where its description differs by interval, our parts always add up to the fee.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction

from daycount.analytics.records import Recurring, SubscriptionRevenue, month_after

_DAYS_OF_A_MONTH = Fraction(3044, 100)
_WEEKS_OF_A_MONTH = Fraction(433, 100)


def compute_recurring(fees: Iterable[SubscriptionRevenue], *, months: Sequence[date]) -> list[Recurring]:
    """Return the recurring revenue of each month and currency; a month without any has one row of nothing."""
    fees = list(fees)
    sums: dict[tuple[date, str], Fraction] = defaultdict(Fraction)
    for fee in fees:
        if fee.interval != "weekly":
            for month, part in spread(fee):
                sums[month, fee.currency] += part
    for key, average in _weekly(fees).items():
        sums[key] += average
    found: dict[date, list[Recurring]] = {month: [] for month in months}
    for (month, currency), amount in sorted(sums.items()):
        if month in found:
            found[month].append(Recurring(month, currency, amount))
    return [row for month, rows in found.items() for row in rows or [Recurring(month, None, None)]]


def _weekly(fees: Iterable[SubscriptionRevenue]) -> dict[tuple[date, str], Fraction]:
    """Return what a mean weekly fee of each month and currency comes to in a month of 4.33 weeks."""
    totals: dict[tuple[date, str], tuple[Fraction, int]] = {}
    for fee in fees:
        if fee.interval == "weekly":
            key = (fee.issuing_date.replace(day=1), fee.currency)
            amount, count = totals.get(key, (Fraction(0), 0))
            totals[key] = (amount + Fraction(fee.amount_cents), count + fee.fees)
    return {key: amount / count * _WEEKS_OF_A_MONTH for key, (amount, count) in totals.items()}


def spread(fee: SubscriptionRevenue) -> list[tuple[date, Fraction]]:
    """
    Return the months that a fee is for, with their parts: they add up to the fee.

    A monthly one counts where it is issued. One in arrears goes back from its month, one in advance forwards from it, the first part
    by the days left of the month. 365 days are 11.99 months: 120 000 in advance on 1 January are 10 007.9 in each of eleven
    months and what is missing in December.
    """
    month, amount = fee.issuing_date.replace(day=1), Fraction(fee.amount_cents)
    billed_months = fee.billed_days / _DAYS_OF_A_MONTH
    if fee.interval == "monthly" or billed_months <= 1:
        return [(month, amount)]
    even = amount / billed_months
    if not fee.pay_in_advance:
        count = math.ceil(billed_months)
        return [
            *((month_after(month, -back), even) for back in range(count - 1)),
            (month_after(month, 1 - count), amount - even * (count - 1)),
        ]
    days = (month_after(month, 1) - month).days
    first = even * Fraction(days - fee.issuing_date.day + 1, days)
    middle = math.floor(billed_months) - 1
    parts = [(month, first), *((month_after(month, ahead), even) for ahead in range(1, middle + 1))]
    rest = amount - first - even * middle
    return [*parts, (month_after(month, middle + 1), rest)]
