"""
Proration by local days: how many days of a period each seat or quantity is billed for.

A span is a run of local days, both ends billed. Here belongs the counting and the exact share of a
period; which events count, what they are priced at, and money rounding do not belong here.
Source: Lago docs, prorated recurring metrics; decisions: exact fractions up to one rounding per bucket,
days of the customer's zone even where clocks change, no day of one seat billed twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from daycount.money import ceil_to
from daycount.periods import ONE_DAY, Period, days_between, local_date

QUANTITY_PLACES: Final = 5
"""Decimals a prorated quantity is rounded up to."""


class Span(NamedTuple):
    """Local days from `first` to `last`, both billed."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days are billed."""
        return days_between(self.first, last=self.last)


class _Activity(NamedTuple):
    """One stretch of a seat being there: its local days, its exact opening, and its exact end (None while it lasts)."""

    first: date
    last: date
    opened_at: datetime
    closed_at: datetime | None


def billed_spans(
    toggles: Sequence[tuple[datetime, bool]],
    *,
    period: Period,
    last_day: date,
    first_day: date,
    zone: ZoneInfo,
    billed_zone: ZoneInfo | None = None,
) -> tuple[Span, ...]:
    """
    Find the local days one seat is billed for in a period, in order and without overlap.

    `toggles` are (instant, is_add) of this seat, sorted by instant and then by ingestion, all before the
    period's end, with the history before the period where the metric is recurring. Adding a seat that is
    there and removing one that is not change nothing. The day of a removal is billed; a seat added again
    on the day it was removed was never away. A removal before the period's start leaves nothing, one
    exactly at its start leaves one day.

    `first_day` and `last_day` bound the days: normally those of the period's first and last instant. A
    seat carried into the period is billed from `first_day`, one added within it from its own day, even
    an earlier one (after a change of zone the first day may have begun in the old period); `billed_zone`, the
    zone the old period was reckoned in, then keeps a day from being billed once in each zone. For a row
    that ends by an upgrade, `last_day` is the day before it. For a row that begins by one, give the
    period from local midnight of the upgrade day, so that a seat removed that morning bills its day here.
    Linear in the number of toggles.
    """
    activities = _billed_activities(toggles, period=period, last_day=last_day, first_day=first_day, zone=zone, billed_zone=billed_zone)
    return tuple(span for _, span in activities)


class SeatChange(NamedTuple):
    """A seat that came, or went, at an instant, and the first local day on which that makes a difference."""

    at: datetime
    is_add: bool
    first_day: date


def billed_changes(
    toggles: Sequence[tuple[datetime, bool]],
    *,
    period: Period,
    last_day: date,
    first_day: date,
    zone: ZoneInfo,
    billed_zone: ZoneInfo | None = None,
) -> tuple[SeatChange, ...]:
    """
    Tell when a seat's billed days begin and cease within a period; takes what `billed_spans` does and speaks of the same days.

    A seat carried into the period comes at its start. Leaving makes a difference from the day after, because the day of a
    removal is billed.
    """
    changes = []
    for activity, span in _billed_activities(
        toggles, period=period, last_day=last_day, first_day=first_day, zone=zone, billed_zone=billed_zone
    ):
        changes.append(SeatChange(max(activity.opened_at, period.start), is_add=True, first_day=span.first))
        if activity.closed_at is not None and span.last < last_day:
            changes.append(SeatChange(activity.closed_at, is_add=False, first_day=span.last + ONE_DAY))
    return tuple(changes)


def billed_share(day: date, *, last_day: date, full_days: int) -> Fraction:
    """Return the share of a period of `full_days` that lies from `day` to its last day, both included."""
    return Fraction(_days_left(day, last_day=last_day, full_days=full_days), full_days)


def _billed_activities(
    toggles: Sequence[tuple[datetime, bool]],
    *,
    period: Period,
    last_day: date,
    first_day: date,
    zone: ZoneInfo,
    billed_zone: ZoneInfo | None,
) -> list[tuple[_Activity, Span]]:
    """List the stretches during which a seat is billed, each with its billed days; see `billed_spans`."""
    found: list[tuple[_Activity, Span]] = []
    first_new_day = date.min
    for activity in _activities(toggles, last_day=last_day, zone=zone):
        if activity.closed_at is not None and activity.closed_at < period.start:
            first_new_day = local_date(activity.closed_at, zone=billed_zone or zone) + ONE_DAY
            continue
        first = max(activity.first, first_day if activity.opened_at < period.start else first_new_day)
        last = min(activity.last, last_day)
        if first <= last:
            found.append((activity, Span(first=first, last=last)))
    return found


def billed_days(spans: Iterable[Span]) -> int:
    """Count the days of spans that do not overlap."""
    return sum(span.days for span in spans)


def prorated_units(days: Iterable[int], *, full_days: int) -> Fraction:
    """
    Add up what several seats are worth, each billed for one of `days` out of the period's `full_days`.

    Exact. A seat is never worth more than one period, even where a change of zone gave it a day more.
    """
    assert full_days > 0
    return Fraction(sum(min(count, full_days) for count in days), full_days)


def prorated_quantity(exact: Fraction) -> Decimal:
    """
    Round the exact quantity of a whole bucket up to 5 decimals: 20/30 is 0.66667.

    To be applied once per bucket, never to its parts: three times 20/30 is 2, not 2.00001.
    """
    return ceil_to(exact, places=QUANTITY_PLACES)


def prorated_sum(
    *,
    carried: Decimal,
    by_day: Mapping[date, Decimal],
    first_day: date,
    last_day: date,
    full_days: int,
) -> Fraction:
    """
    Compute the exact quantity of a prorated sum: every unit weighs the days from its own to the last.

    `carried` is the total from before the period, worth the days from `first_day` to `last_day`; `by_day`
    holds the total added on each local day of the period, negative for units taken away. Units taken away
    stop counting on their day, unlike a seat, whose removal day is billed. Days before `first_day`
    weigh as much as it, days after `last_day` nothing. 4 carried, 3 on Apr 16 and -2 on Apr 21 are
    4 + 3 * 15/30 - 2 * 10/30.
    """
    assert full_days > 0
    covered = _days_left(first_day, last_day=last_day, full_days=full_days)
    weighted = Fraction(carried) * covered
    for day, value in by_day.items():
        weighted += Fraction(value) * _days_left(max(day, first_day), last_day=last_day, full_days=full_days)
    return weighted / full_days


def _days_left(day: date, *, last_day: date, full_days: int) -> int:
    return min(max(0, days_between(day, last=last_day)), full_days)


def _activities(toggles: Sequence[tuple[datetime, bool]], *, last_day: date, zone: ZoneInfo) -> list[_Activity]:
    """Walk the toggles and list the stretches during which the seat was there, in order."""
    activities: list[_Activity] = []
    opened: tuple[date, datetime] | None = None
    for instant, is_add in toggles:
        day = local_date(instant, zone=zone)
        if is_add and opened is None:
            # At a clock change over midnight the local date may even step back, hence not only equal days.
            is_reopened = bool(activities) and activities[-1].last >= day
            opened = _opening(activities.pop()) if is_reopened else (day, instant)
        elif not is_add and opened is not None:
            first, opened_at = opened
            activities.append(_Activity(first=first, last=max(first, day), opened_at=opened_at, closed_at=instant))
            opened = None
    if opened is not None:
        first, opened_at = opened
        activities.append(_Activity(first=first, last=max(first, last_day), opened_at=opened_at, closed_at=None))
    return activities


def _opening(activity: _Activity) -> tuple[date, datetime]:
    return activity.first, activity.opened_at
