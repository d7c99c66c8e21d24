"""
The billing calendar: periods of a plan, windows an invoice covers, and the base fee for their days.

Everything follows from one function, `period_of`: the period a local day belongs to. Here belongs all
that can be said from a subscription's terms alone. Usage, prices of charges, taxes and the question
whether an invoice was already issued do not belong here.

    subscription_at ──► anchor (local date) ──► period_of(day) ──► windows ──► base fee

Windows are half-open stretches of UTC instants; their days are whole local days, and the fees are
counted in days. Source: Lago docs, billing periods and plan changes; decision: everything time causes
happens at its exact instant, and days are always the local days of the customer's zone.
"""

from calendar import monthrange
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from daycount.periods import INSTANT_STEP, ONE_DAY, Period, days_between, local_date, start_of_day

ZONE_SHIFT: Final = timedelta(hours=26)
"""
Two instants closer than this are images of one day boundary in two time zones.

Zones lie at most 26 hours apart (UTC-12 to UTC+14) and the shortest period is a week.
"""

_MONTHS_IN_YEAR: Final = 12


class Interval(StrEnum):
    """How long a plan's period is."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    SEMIANNUAL = "semiannual"
    YEARLY = "yearly"


class BillingTime(StrEnum):
    """Where periods begin: on the calendar's own boundaries, or on the day the subscription began."""

    CALENDAR = "calendar"
    ANNIVERSARY = "anniversary"


class Occasion(StrEnum):
    """Why windows are asked for."""

    STARTING = "starting"
    PERIODIC = "periodic"
    TERMINATING = "terminating"
    USAGE = "usage"


_MONTHS: Final = {Interval.MONTHLY: 1, Interval.QUARTERLY: 3, Interval.SEMIANNUAL: 6, Interval.YEARLY: 12}
_LONG_INTERVALS: Final = frozenset({Interval.SEMIANNUAL, Interval.YEARLY})


class DayRange(NamedTuple):
    """Local days from `first` to `last`, both included. Empty when `last` is the day before `first`."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days the range holds."""
        return max(0, days_between(self.first, last=self.last))


class BilledBase(NamedTuple):
    """How far base fees of a row reach: to the instant `through`, excluded, and to the local day before `next_day`."""

    through: datetime
    next_day: date


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """
    What the calendar has to know of one row of a subscription.

    `subscription_at` is the anchor and outlives plan switches; `started_at` and `terminated_at` bound
    this row, `terminated_at` excluded. `is_upgraded` says that an upgrade ended it. All instants are
    aware. The monthly flags act on semiannual and yearly plans only.

    `billed_through` is the end, exclusive, of the last charges window billed before the invoice that is
    being computed; None before the first. `billed_zone` is the zone that end was reckoned in, None for
    the present one. After a change of zone the next window starts exactly at `billed_through`, and days
    that window already billed are not billed again. `base_billed` says the same of the base fee, which in
    advance reaches beyond the charges; None before the first.
    """

    interval: Interval
    billing_time: BillingTime
    is_pay_in_advance: bool
    bills_charges_monthly: bool
    zone: ZoneInfo
    subscription_at: datetime
    started_at: datetime
    terminated_at: datetime | None
    is_upgraded: bool
    billed_through: datetime | None
    bills_fixed_charges_monthly: bool = False
    billed_zone: ZoneInfo | None = None
    base_billed: BilledBase | None = None


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """
    What one side of an invoice covers.

    `period` holds the exact instants; `days` the local days billed, first and last included (none when
    a row is upgraded on its first day). `full_days` counts the days of the whole period the window is
    part of: the denominator of every proration. `is_cut` says that the period ends at the instant of
    termination, inside a day or between two, instead of at its own boundary. `is_shifted` says that the days
    do not begin with the period or the row, since an earlier invoice was reckoned in another zone: it billed
    the first days of the period already, or left days before it.
    """

    period: Period
    days: DayRange
    full_days: int
    is_cut: bool
    is_shifted: bool = False
    full_period: Period | None = None
    """The instants of the whole period; what is weighted by time is divided by its length."""


class Windows(msgspec.Struct, frozen=True, kw_only=True):
    """The windows of one invoice; None where that side is not billed."""

    base: Window | None
    charges: Window | None
    fixed_charges: Window | None = None


class BaseFee(msgspec.Struct, frozen=True, kw_only=True):
    """
    The price of the plan for one window.

    `amount` is in minor units, exact and not yet rounded. `days` of `full_days` were counted; a full
    price counts all of them whatever the window shows.
    """

    amount: Fraction
    days: int
    full_days: int
    is_full_price: bool


@lru_cache(maxsize=4096)
def period_of(day: date, *, interval: Interval, billing_time: BillingTime, anchor: date) -> DayRange:
    """
    Find the period a local day belongs to.

    `anchor` is the local date of the subscription's `subscription_at`. Weeks begin on Monday or on the
    anchor's weekday. The others begin every 1, 3, 6 or 12 months counted from January or the anchor's
    month, on the 1st or the anchor's day of the month, or on the month's last day where that day does
    not exist. The clamp is made month by month and never sticks: Jan 31, Feb 28, Mar 31, Apr 30.
    Source: Lago docs, billing periods.
    """
    if interval is Interval.WEEKLY:
        first_weekday = 0 if billing_time is BillingTime.CALENDAR else anchor.weekday()
        first = day - timedelta(days=(day.weekday() - first_weekday) % 7)
        return DayRange(first=first, last=first + timedelta(days=6))

    step = _MONTHS[interval]
    anchor_month, anchor_day = (1, 1) if billing_time is BillingTime.CALENDAR else (anchor.month, anchor.day)
    month = _month_number(day)
    month -= (month - (anchor_month - 1)) % step
    if _day_in_month(month, day=anchor_day) > day:
        month -= step
    return DayRange(
        first=_day_in_month(month, day=anchor_day),
        last=_day_in_month(month + step, day=anchor_day) - ONE_DAY,
    )


def previous_period(day: date, *, interval: Interval, billing_time: BillingTime, anchor: date) -> DayRange:
    """Find the period before the one a local day belongs to; the parameters are those of `period_of`."""
    current = period_of(day, interval=interval, billing_time=billing_time, anchor=anchor)
    return period_of(current.first - ONE_DAY, interval=interval, billing_time=billing_time, anchor=anchor)


def billing_windows(terms: Terms, *, occasion: Occasion, at: datetime) -> Windows:
    """
    Say what an invoice issued at `at` covers, for the base fee and for the charges.

    With P the period the local day of `at` belongs to:

        occasion      base, in arrears     base, in advance    charges
        starting      none                 P                   none
        periodic      the period before    P                   the period before
        terminating   P, cut               none                P, cut
        usage         none                 none                P

    A side billed monthly uses months with the same anchor; then the base fee, and a side that is not
    monthly, appears only on the invoice that opens a period of the plan. The base window begins at
    local midnight of the start day, the charges window at the exact `started_at`. A termination cuts at
    `terminated_at`, and P is the period that instant lies in, whenever the invoice is made; a
    termination at a period's boundary leaves an empty window, which is None. In-advance plans have no
    base window on termination, since a credit note returns the unused days (`unused_days`).

    `at` should be a billing instant for a periodic invoice; a later one in the same period gives the
    same windows.
    Source: Lago docs, billing periods; decisions: days billed once after a change of zone, no fallback to
    the month before on termination.
    """
    match occasion:
        case Occasion.STARTING:
            base = _due_base_window(terms, full=_running(terms, interval=terms.interval, at=at)) if terms.is_pay_in_advance else None
            return Windows(base=base, charges=None)
        case Occasion.PERIODIC:
            return _periodic_windows(terms, at=at)
        case Occasion.TERMINATING:
            assert terms.terminated_at is not None
            ended = terms.terminated_at
            base = None if terms.is_pay_in_advance else _due_base_window(terms, full=_running(terms, interval=terms.interval, at=ended))
            return _with_running_charges(terms, base=base, at=ended)
        case Occasion.USAGE:
            return _with_running_charges(terms, base=None, at=_inside(terms, at=at))


def plan_window(terms: Terms, *, at: datetime) -> Window | None:
    """
    Say which days of the plan's period running at `at` the subscription covers, whether or not a fee is due.

    This is the window shown where no base fee is billed: by current usage, progressive invoices and the
    closing invoice of an in-advance plan. Cut at `terminated_at`; None when nothing of the period is left.
    """
    return _base_window(terms, full=_running(terms, interval=terms.interval, at=at))


def next_billing_instant(terms: Terms, *, after: datetime) -> datetime:
    """
    Find the first instant strictly after `after` at which a periodic invoice is due.

    That is local midnight of a day that starts a period of the plan (or a month, where charges or fixed
    charges are billed monthly), later than midnight of the subscription's start day. The image of a
    boundary already billed in another zone is passed over. A termination is not looked at.
    Source: Lago docs, billing periods; decision: billing happens at the boundary itself.
    """
    return _next_start(terms, interval=_billing_interval(terms), after=after)


def next_plan_period(terms: Terms, *, after: datetime) -> datetime:
    """
    Find the first instant strictly after `after` at which a period of the plan begins: when a downgrade takes effect.

    It is a billing instant too; where charges are billed monthly, not every billing instant is one.
    """
    return _next_start(terms, interval=terms.interval, after=after)


def _next_start(terms: Terms, *, interval: Interval, after: datetime) -> datetime:
    first_start = start_of_day(local_date(terms.started_at, zone=terms.zone), zone=terms.zone)
    day = _period(terms, interval=interval, day=local_date(max(after, terms.started_at), zone=terms.zone)).first
    while True:
        instant = start_of_day(day, zone=terms.zone)
        if instant > after and instant > first_start and not _is_image_of_billed(terms, boundary=instant):
            return instant
        day = _period(terms, interval=interval, day=day).last + ONE_DAY


def is_base_fee_in_trial(at: datetime, *, trial_end: datetime | None, zone: ZoneInfo) -> bool:
    """
    Say whether an invoice issued at `at` carries no base fee because the trial still runs.

    A trial that ends on the local day of `at` counts as over: that day's invoice carries the fee, cut to
    the days from the trial's end. Source: Lago docs, trial period.
    """
    return trial_end is not None and local_date(trial_end, zone=zone) > local_date(at, zone=zone)


def base_fee(
    *,
    plan_amount_cents: int,
    terms: Terms,
    window: Window,
    occasion: Occasion,
    has_earlier_base_fee: bool,
    follows_other_plan: bool,
    was_backdated: bool,
    trial_end: datetime | None,
) -> BaseFee:
    """
    Compute the plan's price for a base window: the whole price, or its share of the period's days.

    `has_earlier_base_fee`: an earlier invoice of this row carries a base fee. `follows_other_plan`: the
    row came from a plan switch. `was_backdated`: it began before it was created. The share of days holds
    for terminations and for the first fee of a row; the whole price for every later fee, for the first fee in
    advance on an anniversary without predecessor, and for backdated rows whose running period
    counts as paid. A trial ending inside the window leaves the days from its last day on, one ending at
    or after the window's end leaves nothing. 3 100 cents for 20 of 31 days are 2 000.
    Source: Lago docs, subscription fees, plan changes, trial period; decisions: exact fractions instead
    of floats; a window shortened by a change of zone is billed by its days.
    """
    days, is_whole = window.days, False
    if not (occasion is Occasion.TERMINATING or window.is_cut or window.is_shifted):
        is_whole = _is_full_price(
            terms=terms,
            window=window,
            has_earlier_base_fee=has_earlier_base_fee,
            follows_other_plan=follows_other_plan,
            was_backdated=was_backdated,
        )
    if trial_end is not None and trial_end > max(window.period.start, terms.started_at):
        is_whole = False
        first_paid = local_date(trial_end, zone=terms.zone) if trial_end < window.period.end else days.last + ONE_DAY
        days = _days_from(max(days.first, first_paid), last=days.last)

    counted = window.full_days if is_whole else days.days
    return BaseFee(
        amount=Fraction(plan_amount_cents * counted, window.full_days),
        days=counted,
        full_days=window.full_days,
        is_full_price=counted == window.full_days,
    )


def unused_days(terms: Terms, *, trial_end: datetime | None) -> int:
    """
    Count the days of the running period an ended in-advance row paid for and did not use.

    Those after the day of termination, which was used; after an upgrade those from the upgrade day on,
    which the new plan bills. A trial still running at the start of the last used day leaves the days from
    the trial's last day on. Divide by the period's full days.
    Requires `terminated_at`. Source: Lago docs, credit notes on termination; decision: the day of the
    trial's end is credited too.
    """
    assert terms.terminated_at is not None
    last_used = _last_billed_day(terms, end=terms.terminated_at)
    first_unused = last_used + ONE_DAY
    if trial_end is not None and trial_end > start_of_day(last_used, zone=terms.zone):
        first_unused = local_date(trial_end, zone=terms.zone)
    if terms.base_billed is not None:
        return _days_from(first_unused, last=terms.base_billed.next_day - ONE_DAY).days
    period = _running(terms, interval=terms.interval, at=terms.terminated_at)
    return _days_from(max(first_unused, period.first), last=period.last).days


def last_used_day(terms: Terms) -> date:
    """Return the last local day that an ended row is billed for. Requires `terminated_at`."""
    assert terms.terminated_at is not None
    return _last_billed_day(terms, end=terms.terminated_at)


def _is_full_price(*, terms: Terms, window: Window, has_earlier_base_fee: bool, follows_other_plan: bool, was_backdated: bool) -> bool:
    if has_earlier_base_fee:
        return True
    if follows_other_plan:
        return False
    if terms.is_pay_in_advance and (terms.billing_time is BillingTime.ANNIVERSARY or was_backdated):
        return True
    period = _period(terms, interval=terms.interval, day=window.days.last)
    return was_backdated and local_date(terms.started_at, zone=terms.zone) < period.first


def _periodic_windows(terms: Terms, *, at: datetime) -> Windows:
    day = local_date(at, zone=terms.zone)
    rhythm = _period(terms, interval=_billing_interval(terms), day=day)
    plan = _period(terms, interval=terms.interval, day=day)
    if _is_image_of_billed(terms, boundary=start_of_day(rhythm.first, zone=terms.zone)):
        return Windows(base=None, charges=None)

    opens_plan_period = rhythm.first == plan.first

    def closed(interval: Interval) -> Window | None:
        if interval is terms.interval and not opens_plan_period:
            return None
        running = _period(terms, interval=interval, day=day)
        return _usage_window(terms, full=_period(terms, interval=interval, day=running.first - ONE_DAY), interval=interval)

    base = None
    if opens_plan_period:
        full = plan if terms.is_pay_in_advance else _period(terms, interval=terms.interval, day=plan.first - ONE_DAY)
        base = _due_base_window(terms, full=full)
    return Windows(base=base, charges=closed(_charges_interval(terms)), fixed_charges=closed(_fixed_charges_interval(terms)))


def _with_running_charges(terms: Terms, *, base: Window | None, at: datetime) -> Windows:
    charges, fixed_charges = (
        _usage_window(terms, full=_running(terms, interval=interval, at=at), interval=interval)
        for interval in (_charges_interval(terms), _fixed_charges_interval(terms))
    )
    return Windows(base=base, charges=charges, fixed_charges=fixed_charges)


def _base_window(terms: Terms, *, full: DayRange) -> Window | None:
    start_day = local_date(terms.started_at, zone=terms.zone)
    return _window(terms, full=full, floor=start_of_day(start_day, zone=terms.zone), interval=terms.interval)


def _due_base_window(terms: Terms, *, full: DayRange) -> Window | None:
    """
    Cut a period to the days that no base fee was billed for; None when there are none.

    The days follow on the last billed one, whatever days the present zone's periods begin on: where a change of zone moved
    the anchor, the first days are left out, or the days between are taken in.
    """
    billed = terms.base_billed
    if billed is None:
        return _base_window(terms, full=full)
    own_start, own_end = (start_of_day(day, zone=terms.zone) for day in (full.first, full.last + ONE_DAY))
    is_cut = terms.terminated_at is not None and terms.terminated_at < own_end
    end = terms.terminated_at if is_cut and terms.terminated_at is not None else own_end
    last = _last_billed_day(terms, end=end) if is_cut else full.last
    if billed.through >= end or (billed.next_day > last and not is_cut):
        return None
    return Window(
        period=Period(start=billed.through, end=end),
        days=_days_from(billed.next_day, last=last),
        full_days=full.days,
        is_cut=is_cut,
        is_shifted=billed.next_day != full.first,
        full_period=Period(start=own_start, end=own_end),
    )


def _usage_window(terms: Terms, *, full: DayRange, interval: Interval) -> Window | None:
    return _window(terms, full=full, floor=terms.started_at, interval=interval)


def _window(terms: Terms, *, full: DayRange, floor: datetime, interval: Interval) -> Window | None:
    """Cut a full period to the row's life and to what was billed before; None when nothing is left."""
    own_start, own_end = (start_of_day(day, zone=terms.zone) for day in (full.first, full.last + ONE_DAY))
    resumed = _resumed_at(terms, start=own_start, end=own_end, interval=interval)
    start = max(floor, own_start if resumed is None else resumed)
    is_cut = terms.terminated_at is not None and terms.terminated_at < own_end
    end = terms.terminated_at if is_cut and terms.terminated_at is not None else own_end
    # A row that ended the instant it began was there on its one day and takes in the events of its one instant.
    is_instant = is_cut and terms.terminated_at == terms.started_at and not terms.is_upgraded
    if start > end or (start == end and not is_instant):
        return None

    start_day = local_date(terms.started_at, zone=terms.zone)
    first = max(start_day, full.first if resumed is None else _first_unbilled_day(terms, full=full, resumed=resumed))
    last = _last_billed_day(terms, end=end) if is_cut else full.last
    if is_instant:
        last = max(last, start_day)
    return Window(
        period=Period(start=start, end=end),
        days=_days_from(first, last=last),
        full_days=full.days,
        is_cut=is_cut,
        is_shifted=first > max(start_day, full.first),
        full_period=Period(start=own_start, end=own_end),
    )


def _resumed_at(terms: Terms, *, start: datetime, end: datetime, interval: Interval) -> datetime | None:
    """
    Return `billed_through` when the window has to begin there instead of at its own start.

    Without a change of zone the two are equal. After one they lie hours apart; when the change also moved
    the anchor to another date, the last invoice may reach days into the window.
    """
    billed = terms.billed_through
    if billed is None:
        return None
    if abs(billed - start) < ZONE_SHIFT:
        return billed
    # A monthly charges window says nothing about how much of a yearly base window was billed.
    shares_rhythm = interval is _charges_interval(terms)
    return billed if shares_rhythm and start < billed < end else None


def _first_unbilled_day(terms: Terms, *, full: DayRange, resumed: datetime) -> date:
    if terms.billed_zone is not None:
        return local_date(resumed - INSTANT_STEP, zone=terms.billed_zone) + ONE_DAY
    is_image = abs(resumed - start_of_day(full.first, zone=terms.zone)) < ZONE_SHIFT
    return full.first if is_image else local_date(resumed, zone=terms.zone)


def _last_billed_day(terms: Terms, *, end: datetime) -> date:
    """
    Return the last local day billed to a row that ended at `end`.

    The day of a termination is billed, one that ends exactly at midnight bills nothing of the new day.
    The day of an upgrade belongs to the new plan.
    """
    if terms.is_upgraded:
        return local_date(end, zone=terms.zone) - ONE_DAY
    return local_date(end - INSTANT_STEP, zone=terms.zone)


def _running(terms: Terms, *, interval: Interval, at: datetime) -> DayRange:
    """Find the period running at an instant: the next one where this one was billed to its end in another zone."""
    period = _period(terms, interval=interval, day=local_date(at, zone=terms.zone))
    end = start_of_day(period.last + ONE_DAY, zone=terms.zone)
    is_past = terms.billed_through is not None and at >= terms.billed_through and _is_image_of_billed(terms, boundary=end)
    return _period(terms, interval=interval, day=period.last + ONE_DAY) if is_past else period


def _is_image_of_billed(terms: Terms, *, boundary: datetime) -> bool:
    """Say whether a boundary is the one already billed, which the zone of that time put a few hours earlier."""
    return terms.billed_through is not None and timedelta(0) < boundary - terms.billed_through < ZONE_SHIFT


def _inside(terms: Terms, *, at: datetime) -> datetime:
    """Move an instant into the row's life."""
    if terms.terminated_at is not None and at >= terms.terminated_at:
        return max(terms.terminated_at - INSTANT_STEP, terms.started_at)
    return max(at, terms.started_at)


def _billing_interval(terms: Terms) -> Interval:
    monthly = Interval.MONTHLY in {_charges_interval(terms), _fixed_charges_interval(terms)}
    return Interval.MONTHLY if monthly else terms.interval


def _charges_interval(terms: Terms) -> Interval:
    return Interval.MONTHLY if terms.bills_charges_monthly and terms.interval in _LONG_INTERVALS else terms.interval


def _fixed_charges_interval(terms: Terms) -> Interval:
    return Interval.MONTHLY if terms.bills_fixed_charges_monthly and terms.interval in _LONG_INTERVALS else terms.interval


def _period(terms: Terms, *, interval: Interval, day: date) -> DayRange:
    anchor = local_date(terms.subscription_at, zone=terms.zone)
    return period_of(day, interval=interval, billing_time=terms.billing_time, anchor=anchor)


def _days_from(first: date, *, last: date) -> DayRange:
    return DayRange(first=first, last=max(last, first - ONE_DAY))


def _month_number(day: date) -> int:
    return day.year * _MONTHS_IN_YEAR + day.month - 1


def _day_in_month(month_number: int, *, day: int) -> date:
    year, month = divmod(month_number, _MONTHS_IN_YEAR)
    return date(year, month + 1, min(day, monthrange(year, month + 1)[1]))
