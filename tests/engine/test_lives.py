"""
Laws of whole lives: five years of a row, billed period by period, while its customer moves between time zones.

The billing run is played here with the engine alone: ask for the next instant, take the windows, note how far they reach.
"""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from daycount.engine.calendar import (
    BilledBase,
    BillingTime,
    Interval,
    Occasion,
    Terms,
    base_fee,
    billing_windows,
    next_billing_instant,
    unused_days,
)
from daycount.periods import ONE_DAY, local_date

ZONES = ["UTC", "America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Paris", "Australia/Lord_Howe"]
STARTS = st.datetimes(datetime(2020, 1, 1), datetime(2024, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is given beside


ROWS = st.builds(
    lambda start, **fields: Terms(
        subscription_at=start, started_at=start, terminated_at=None, is_upgraded=False, billed_through=None, **fields
    ),
    start=STARTS,
    interval=st.sampled_from(Interval),
    billing_time=st.sampled_from(BillingTime),
    is_pay_in_advance=st.booleans(),
    bills_charges_monthly=st.booleans(),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
)


class Life:
    """A row and what was billed of it: day ranges of base fees, periods of usage."""

    def __init__(self, terms):
        self.terms = terms
        self.bases = []
        self.usage = []
        self.settled = terms.started_at
        if terms.is_pay_in_advance:
            self._note(billing_windows(terms, occasion=Occasion.STARTING, at=terms.started_at))

    def bill_next(self):
        at = next_billing_instant(self.terms, after=self.terms.billed_through or self.settled)
        self._note(billing_windows(self.terms, occasion=Occasion.PERIODIC, at=at))
        return at

    def _note(self, windows):
        if windows.base is not None:
            days = windows.base.days
            self.bases.append(windows.base)
            base_billed = BilledBase(through=windows.base.period.end, next_day=days.last + ONE_DAY)
            self.terms = msgspec.structs.replace(self.terms, base_billed=base_billed)
        if windows.charges is not None:
            self.usage.append(windows.charges.period)
            self.terms = msgspec.structs.replace(self.terms, billed_through=windows.charges.period.end, billed_zone=self.terms.zone)

    def move(self, zone):
        self.terms = msgspec.structs.replace(self.terms, zone=ZoneInfo(zone))


def live(terms, moves):
    """Bill five years; after each step the customer may move to another zone."""
    life = Life(terms)
    for zone in moves:
        if life.bill_next() > terms.started_at + timedelta(days=5 * 366):
            break
        life.move(zone)
    return life


MOVES = st.lists(st.sampled_from(ZONES), min_size=4, max_size=70)


@settings(max_examples=150)
@given(terms=ROWS, moves=MOVES)
def test_base_fees_follow_on_each_other_day_by_day(terms, moves):
    life = live(terms, moves)

    for before, after in zip(life.bases, life.bases[1:], strict=False):
        assert after.days.first == before.days.last + ONE_DAY
        assert after.period.start == before.period.end


@settings(max_examples=100)
@given(terms=ROWS.filter(lambda row: not row.bills_charges_monthly), moves=MOVES)
def test_base_fees_keep_up_with_usage(terms, moves):
    life = live(terms, moves)

    if terms.is_pay_in_advance:
        assert life.bases[-1].period.end > life.usage[-1].end
    else:
        assert life.bases[-1].period.end == life.usage[-1].end


@settings(max_examples=150)
@given(terms=ROWS, moves=MOVES)
def test_usage_windows_follow_on_each_other_to_the_instant(terms, moves):
    life = live(terms, moves)

    assert life.usage[0].start == terms.started_at
    for before, after in zip(life.usage, life.usage[1:], strict=False):
        assert after.start == before.end
        assert after.end > after.start


@settings(max_examples=100)
@given(
    terms=ROWS.filter(lambda row: row.is_pay_in_advance),
    periods=st.integers(0, 5),
    into=st.timedeltas(timedelta(0), timedelta(days=400)),
    cents=st.integers(1, 10**6),
)
def test_up_and_down_at_one_instant_bills_nothing_extra(terms, periods, into, cents):
    """An upgrade to an equal plan gives back what the new row bills for the same days: both sides have the upgrade day."""
    life = Life(terms)
    for _ in range(periods):
        life.bill_next()
    running = life.bases[-1]
    start = max(running.period.start, terms.started_at)
    at = min(start + into, running.period.end - timedelta(microseconds=1))
    if local_date(at, zone=terms.zone) < running.days.first:
        return
    ended = msgspec.structs.replace(life.terms, terminated_at=at, is_upgraded=True)
    unused = unused_days(ended, trial_end=None)
    new = msgspec.structs.replace(terms, started_at=at)
    window = billing_windows(new, occasion=Occasion.STARTING, at=at).base
    fee = base_fee(
        plan_amount_cents=cents,
        terms=new,
        window=window,
        occasion=Occasion.STARTING,
        has_earlier_base_fee=False,
        follows_other_plan=True,
        was_backdated=False,
        trial_end=None,
    )

    assert fee.days == unused
    assert fee.amount == Fraction(unused * cents, running.full_days)
