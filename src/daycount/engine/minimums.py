"""
Spending minimums of charges: the fee that makes up what a charge's own fees fall short of it.

A minimum is for a whole period and shrinks with the time that is covered. Other than a base fee, which counts local days, it
counts time on the wall clock and rounds it up to days: usage from 12 March 15:20 to 20 March 09:00 is 8 days, not 9.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from msgspec import structs

from daycount.engine.calendar import Window
from daycount.engine.fees import FeeDraft, shown_period, shown_rounding
from daycount.engine.pricing_units import PricingUnit, subunits_of, to_money
from daycount.money import Currency, exact_text, precise_cents, to_cents
from daycount.periods import ONE_DAY


def minimum_days(window: Window, *, zone: ZoneInfo, is_upgraded: bool) -> int:
    """
    Count the days of a window as a minimum does: its time on the local wall clock, rounded up to whole days.

    A row that ends at midnight still has the day that begins there. The day of an upgrade is the new plan's. A window that a change of
    zone made longer than its period counts as a whole one.
    Source: Lago docs, charge minimums.
    """
    start, end = (_on_the_wall(instant, zone=zone) for instant in window.period)
    length = end - start
    if window.is_cut and end == end.replace(hour=0, minute=0, second=0, microsecond=0):
        length += timedelta(seconds=1)
    days = min(-(-length // ONE_DAY), window.full_days)
    return max(days - is_upgraded, 0)


def _on_the_wall(instant: datetime, *, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def true_up_fee(
    fees: Sequence[FeeDraft],
    *,
    minimum_cents: int,
    window: Window,
    zone: ZoneInfo,
    is_upgraded: bool,
    currency: Currency,
    unit: PricingUnit | None = None,
) -> FeeDraft | None:
    """
    Make the fee that lifts a charge to its minimum; None where its fees reach it. It belongs to the charge's default bucket.

    5 000 cents for 20 of 31 days are 3 225.81; with 1 400 used 1 826 are missing. Of a charge with a pricing unit the minimum and
    what was used are hundredths of the unit; what is missing is converted.
    Source: Lago docs, charge minimums: what counts is the sum over all filters and groups.
    """
    days = minimum_days(window, zone=zone, is_upgraded=is_upgraded)
    minimum = Fraction(minimum_cents * days, window.full_days)
    used = sum(fee.amount_cents if fee.in_units is None else fee.in_units.amount_cents for fee in fees)
    missing = (minimum - used) / subunits_of(unit, currency=currency)
    worth = to_money(missing, unit_amount=missing, unit=unit)
    cents = to_cents(worth.amount, currency=currency)
    if cents <= 0:
        return None
    parent = parent_of(fees)
    derivation = {
        "kind": "true_up",
        "period": shown_period(window, zone=zone.key),
        "minimum": {
            "cents": minimum_cents,
            "days": days,
            "full_days": window.full_days,
            "prorated_cents": exact_text(minimum),
            "used_cents": used,
        },
        **worth.steps,
        "rounding": shown_rounding(worth.amount, cents=cents, currency=currency),
    }
    return structs.replace(
        parent,
        bucket=parent.bucket._replace(group=()),
        group_keys=(),
        units=Decimal(1),
        total_aggregated_units=Decimal(1),
        events_count=0,
        amount_cents=cents,
        precise_amount_cents=precise_cents(worth.amount, currency=currency),
        precise_unit_amount=Decimal(cents) / currency.subunits,
        amount_details={},
        window=window,
        derivation=derivation,
        is_true_up=True,
        in_units=worth.in_units,
        breakdowns=(),
    )


def parent_of(fees: Sequence[FeeDraft]) -> FeeDraft:
    """Return the fee of a charge that a true-up belongs to: the first of its default bucket, used or not."""
    return next(fee for fee in fees if fee.bucket.filter_id is None)
