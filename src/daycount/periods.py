"""
Periods and local days: the two ways of cutting time that billing uses.

A period is a half-open stretch `[start, end)` of UTC instants with microsecond precision; a day is a
date in one time zone. Here belongs how the two relate in any zone, and how an exclusive end is shown.
Intervals, anniversaries and billing windows belong to `engine.calendar`. Nothing here reads a clock.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

INSTANT_STEP: Final = timedelta(microseconds=1)
"""The smallest distance between two instants."""

ONE_DAY: Final = timedelta(days=1)

_MAX_INSTANT_TEXT: Final = 128


class Period(NamedTuple):
    """The instants from `start` up to, not including, `end`; both aware and in UTC. Empty when they are equal."""

    start: datetime
    end: datetime

    def contains(self, instant: datetime) -> bool:
        """Say whether the instant lies in the period; its start does, its end does not."""
        return self.start <= instant < self.end


def period_between(start: datetime, *, end: datetime) -> Period:
    """
    Build a period from two aware instants, turned into UTC.

    Raises ValueError when the end lies before the start or one of them has no time zone.
    """
    if start.tzinfo is None or end.tzinfo is None:
        message = "a period needs instants with a time zone"
        raise ValueError(message)
    if end < start:
        message = "a period cannot end before it starts"
        raise ValueError(message)
    return Period(start=start.astimezone(UTC), end=end.astimezone(UTC))


def local_date(instant: datetime, *, zone: ZoneInfo) -> date:
    """Return the date the calendar on the wall of `zone` shows at this aware instant."""
    assert instant.tzinfo is not None
    return instant.astimezone(zone).date()


@lru_cache(maxsize=10_000)
def start_of_day(day: date, *, zone: ZoneInfo) -> datetime:
    """
    Return the UTC instant of the first moment of a local day.

    Where the clock jumps over midnight that is the instant of the jump (São Paulo 2018-11-04 begins at
    01:00 local, 03:00Z); where midnight happens twice it is the first one (Havana 2024-11-03, 04:00Z).
    A day a zone left out altogether begins and ends where the next one begins (Apia 2011-12-30).
    """
    midnight = datetime.combine(day, time.min, tzinfo=zone)
    earliest = midnight.astimezone(UTC)
    if earliest.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return earliest
    return _jump_into(day, zone=zone, before=midnight.replace(fold=1).astimezone(UTC), reached=earliest)


def last_day(period: Period, *, zone: ZoneInfo) -> date:
    """Return the local day that holds the last instant of a period, one microsecond before its end."""
    return local_date(period.end - INSTANT_STEP, zone=zone)


def days_between(first: date, *, last: date) -> int:
    """Count the days from `first` to `last`, both included: 1 for the same day, 0 or less for the wrong order."""
    return (last - first).days + 1


def shown_end(end: datetime, *, is_cut: bool) -> datetime:
    """
    Return the end of a period as people and clients see it: whole seconds, inclusive.

    An end at a day's boundary is shown as the last second before it (`…T23:59:59Z` in UTC); an end cut at
    the instant of a termination (`is_cut`) is shown as that instant without its fraction of a second.
    Source: Lago API, billing periods shown with inclusive ends.
    """
    if is_cut:
        return end.replace(microsecond=0)
    return (end - INSTANT_STEP).replace(microsecond=0)


def _jump_into(day: date, *, zone: ZoneInfo, before: datetime, reached: datetime) -> datetime:
    """Find the first instant of `day` when its midnight was skipped: after `before` minus a step, at latest `reached`."""
    low, high = before - INSTANT_STEP, reached
    while high - low > INSTANT_STEP:
        middle = low + (high - low) // 2
        if local_date(middle, zone=zone) < day:
            low = middle
        else:
            high = middle
    return high


def parse_instant(text: str) -> datetime:
    """
    Read an ISO 8601 date or date-time as an instant; without an offset it is UTC.

    Raises ValueError when it is neither, is longer than 128 characters, or lies outside the years 1 to 9999 in UTC.
    """
    if len(text) > _MAX_INSTANT_TEXT:
        raise ValueError(text[:_MAX_INSTANT_TEXT])
    instant = datetime.fromisoformat(text.strip())
    try:
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(text) from error


def whole_millisecond(instant: datetime) -> datetime:
    """Return an instant without what is finer than a millisecond: as the API shows the start of a subscription."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
