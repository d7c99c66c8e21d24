"""The billing calendar: reference boundaries, worked examples (E23 to E51) and laws of tiling."""

import json
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daycount.engine.calendar import (
    BaseFee,
    BillingTime,
    DayRange,
    Interval,
    Occasion,
    Terms,
    base_fee,
    billing_windows,
    is_base_fee_in_trial,
    next_billing_instant,
    period_of,
    plan_window,
    previous_period,
    unused_days,
)
from daycount.periods import Period, local_date, shown_end, start_of_day

VECTORS = json.loads((Path(__file__).parent / "period_vectors.json").read_text(encoding="utf-8"))["vectors"]
ZONES = ["America/New_York", "Europe/Paris", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Tokyo", "UTC", "Asia/Beirut"]
PLANS = {
    "monthly": (Interval.MONTHLY, BillingTime.CALENDAR),
    "monthly anniversary": (Interval.MONTHLY, BillingTime.ANNIVERSARY),
    "weekly": (Interval.WEEKLY, BillingTime.CALENDAR),
    "weekly anniversary": (Interval.WEEKLY, BillingTime.ANNIVERSARY),
    "quarterly anniversary": (Interval.QUARTERLY, BillingTime.ANNIVERSARY),
    "semiannual anniversary": (Interval.SEMIANNUAL, BillingTime.ANNIVERSARY),
    "yearly": (Interval.YEARLY, BillingTime.CALENDAR),
    "yearly anniversary": (Interval.YEARLY, BillingTime.ANNIVERSARY),
}


def instant(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def terms_of(plan, start, *, row_start=None, ended=None, zone="UTC", advance=False, monthly=False, upgraded=False, **more):
    interval, billing_time = PLANS[plan]
    return Terms(
        interval=interval,
        billing_time=billing_time,
        is_pay_in_advance=advance,
        bills_charges_monthly=monthly,
        zone=ZoneInfo(zone),
        subscription_at=instant(start),
        started_at=instant(row_start or start),
        terminated_at=instant(ended),
        is_upgraded=upgraded,
        billed_through=more.pop("billed_through", None),
        **more,
    )


def periodic(terms, at):
    return billing_windows(terms, occasion=Occasion.PERIODIC, at=instant(at))


def starting(terms, at):
    return billing_windows(terms, occasion=Occasion.STARTING, at=instant(at))


def terminating(terms):
    return billing_windows(terms, occasion=Occasion.TERMINATING, at=terms.terminated_at)


def fee(terms, window, cents, *, occasion=Occasion.PERIODIC, earlier=False, switched=False, backdated=False, trial_end=None):
    return base_fee(
        plan_amount_cents=cents,
        terms=terms,
        window=window,
        occasion=occasion,
        has_earlier_base_fee=earlier,
        follows_other_plan=switched,
        was_backdated=backdated,
        trial_end=instant(trial_end),
    )


def wire(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def shown(window):
    """A window as clients see it."""
    return f"{wire(window.period.start)} – {wire(shown_end(window.period.end, is_cut=window.is_cut))}"


def covered(window):
    return f"{window.days.first} – {window.days.last}, {window.days.days}/{window.full_days}"


@pytest.mark.parametrize(
    "vector", VECTORS, ids=lambda vector: f"{vector['kind']} {vector['interval']} {vector['billing_time']} {vector['timestamp']}"
)
def test_boundaries_agree_with_the_reference(vector):
    terms = Terms(
        interval=Interval(vector["interval"]),
        billing_time=BillingTime(vector["billing_time"]),
        is_pay_in_advance=vector["pay_in_advance"],
        bills_charges_monthly=False,
        zone=ZoneInfo(vector["timezone"]),
        subscription_at=instant(vector["subscription_at"]),
        started_at=instant(vector["started_at"]),
        terminated_at=instant(vector["terminated_at"]),
        is_upgraded=vector["kind"] == "upgraded_old_row",
        billed_through=None,
    )
    at = instant(vector["timestamp"])
    occasions = {"periodic": Occasion.PERIODIC, "current_usage": Occasion.USAGE}
    occasion = occasions.get(vector["kind"], Occasion.TERMINATING)

    windows = billing_windows(terms, occasion=occasion, at=at)

    # No base fee is due for usage and at the end of an in-advance row; the vector then holds the window that is shown.
    is_base_due = occasion is Occasion.PERIODIC or (occasion is Occasion.TERMINATING and not terms.is_pay_in_advance)
    assert (windows.base is not None) == is_base_due
    base = windows.base or plan_window(terms, at=terms.terminated_at or at)
    running = period_of(
        local_date(at, zone=terms.zone),
        interval=terms.interval,
        billing_time=terms.billing_time,
        anchor=local_date(terms.subscription_at, zone=terms.zone),
    )
    assert {
        "from_datetime": wire(base.period.start),
        "to_datetime": wire(shown_end(base.period.end, is_cut=base.is_cut)),
        "charges_from_datetime": wire(windows.charges.period.start),
        "charges_to_datetime": wire(shown_end(windows.charges.period.end, is_cut=windows.charges.is_cut)),
        "fee_period_full_days": base.full_days,
        "charges_duration": windows.charges.full_days,
        "next_end_of_period": wire(shown_end(start_of_day(running.last + timedelta(days=1), zone=terms.zone), is_cut=False)),
    } == vector["expect"]
    assert windows.charges.is_cut == base.is_cut == (vector["terminated_at"] is not None)


def test_there_are_160_reference_vectors_of_four_kinds():
    assert len(VECTORS) == 160
    assert {vector["kind"] for vector in VECTORS} == {"periodic", "current_usage", "terminated", "upgraded_old_row"}


# A subscription of 2025-01-15 10:30 UTC. Each line: interval, billing time, timing, invoice day, base window with its
# days of the full period, charges window. Days are whole, except that the first charges window begins at 10:30.
REFERENCE_TABLE = """
weekly calendar arrears 2025-01-20: 2025-01-15 2025-01-19 5/7, 2025-01-15 2025-01-19
weekly calendar arrears 2025-01-27: 2025-01-20 2025-01-26 7/7, 2025-01-20 2025-01-26
weekly calendar advance 2025-01-15: 2025-01-15 2025-01-19 5/7, none
weekly calendar advance 2025-01-20: 2025-01-20 2025-01-26 7/7, 2025-01-15 2025-01-19
weekly calendar advance 2025-01-27: 2025-01-27 2025-02-02 7/7, 2025-01-20 2025-01-26
weekly anniversary arrears 2025-01-22: 2025-01-15 2025-01-21 7/7, 2025-01-15 2025-01-21
weekly anniversary arrears 2025-01-29: 2025-01-22 2025-01-28 7/7, 2025-01-22 2025-01-28
weekly anniversary advance 2025-01-15: 2025-01-15 2025-01-21 7/7, none
weekly anniversary advance 2025-01-22: 2025-01-22 2025-01-28 7/7, 2025-01-15 2025-01-21
weekly anniversary advance 2025-01-29: 2025-01-29 2025-02-04 7/7, 2025-01-22 2025-01-28
monthly calendar arrears 2025-02-01: 2025-01-15 2025-01-31 17/31, 2025-01-15 2025-01-31
monthly calendar arrears 2025-03-01: 2025-02-01 2025-02-28 28/28, 2025-02-01 2025-02-28
monthly calendar advance 2025-01-15: 2025-01-15 2025-01-31 17/31, none
monthly calendar advance 2025-02-01: 2025-02-01 2025-02-28 28/28, 2025-01-15 2025-01-31
monthly calendar advance 2025-03-01: 2025-03-01 2025-03-31 31/31, 2025-02-01 2025-02-28
monthly anniversary arrears 2025-02-15: 2025-01-15 2025-02-14 31/31, 2025-01-15 2025-02-14
monthly anniversary arrears 2025-03-15: 2025-02-15 2025-03-14 28/28, 2025-02-15 2025-03-14
monthly anniversary advance 2025-01-15: 2025-01-15 2025-02-14 31/31, none
monthly anniversary advance 2025-02-15: 2025-02-15 2025-03-14 28/28, 2025-01-15 2025-02-14
monthly anniversary advance 2025-03-15: 2025-03-15 2025-04-14 31/31, 2025-02-15 2025-03-14
quarterly calendar arrears 2025-04-01: 2025-01-15 2025-03-31 76/90, 2025-01-15 2025-03-31
quarterly calendar arrears 2025-07-01: 2025-04-01 2025-06-30 91/91, 2025-04-01 2025-06-30
quarterly calendar advance 2025-01-15: 2025-01-15 2025-03-31 76/90, none
quarterly calendar advance 2025-04-01: 2025-04-01 2025-06-30 91/91, 2025-01-15 2025-03-31
quarterly calendar advance 2025-07-01: 2025-07-01 2025-09-30 92/92, 2025-04-01 2025-06-30
quarterly anniversary arrears 2025-04-15: 2025-01-15 2025-04-14 90/90, 2025-01-15 2025-04-14
quarterly anniversary arrears 2025-07-15: 2025-04-15 2025-07-14 91/91, 2025-04-15 2025-07-14
quarterly anniversary advance 2025-01-15: 2025-01-15 2025-04-14 90/90, none
quarterly anniversary advance 2025-04-15: 2025-04-15 2025-07-14 91/91, 2025-01-15 2025-04-14
quarterly anniversary advance 2025-07-15: 2025-07-15 2025-10-14 92/92, 2025-04-15 2025-07-14
semiannual calendar arrears 2025-07-01: 2025-01-15 2025-06-30 167/181, 2025-01-15 2025-06-30
semiannual calendar arrears 2026-01-01: 2025-07-01 2025-12-31 184/184, 2025-07-01 2025-12-31
semiannual calendar advance 2025-01-15: 2025-01-15 2025-06-30 167/181, none
semiannual calendar advance 2025-07-01: 2025-07-01 2025-12-31 184/184, 2025-01-15 2025-06-30
semiannual calendar advance 2026-01-01: 2026-01-01 2026-06-30 181/181, 2025-07-01 2025-12-31
semiannual anniversary arrears 2025-07-15: 2025-01-15 2025-07-14 181/181, 2025-01-15 2025-07-14
semiannual anniversary arrears 2026-01-15: 2025-07-15 2026-01-14 184/184, 2025-07-15 2026-01-14
semiannual anniversary advance 2025-01-15: 2025-01-15 2025-07-14 181/181, none
semiannual anniversary advance 2025-07-15: 2025-07-15 2026-01-14 184/184, 2025-01-15 2025-07-14
semiannual anniversary advance 2026-01-15: 2026-01-15 2026-07-14 181/181, 2025-07-15 2026-01-14
yearly calendar arrears 2026-01-01: 2025-01-15 2025-12-31 351/365, 2025-01-15 2025-12-31
yearly calendar arrears 2027-01-01: 2026-01-01 2026-12-31 365/365, 2026-01-01 2026-12-31
yearly calendar advance 2025-01-15: 2025-01-15 2025-12-31 351/365, none
yearly calendar advance 2026-01-01: 2026-01-01 2026-12-31 365/365, 2025-01-15 2025-12-31
yearly calendar advance 2027-01-01: 2027-01-01 2027-12-31 365/365, 2026-01-01 2026-12-31
yearly anniversary arrears 2026-01-15: 2025-01-15 2026-01-14 365/365, 2025-01-15 2026-01-14
yearly anniversary arrears 2027-01-15: 2026-01-15 2027-01-14 365/365, 2026-01-15 2027-01-14
yearly anniversary advance 2025-01-15: 2025-01-15 2026-01-14 365/365, none
yearly anniversary advance 2026-01-15: 2026-01-15 2027-01-14 365/365, 2025-01-15 2026-01-14
yearly anniversary advance 2027-01-15: 2027-01-15 2028-01-14 365/365, 2026-01-15 2027-01-14
"""


@pytest.mark.parametrize("line", REFERENCE_TABLE.strip().splitlines())
def test_reference_table_of_a_subscription_started_in_mid_january(line):
    case, base_expected, charges_expected = line.replace(": ", ", ").split(", ")
    interval, billing_time, timing, invoice_day = case.split()
    started = instant("2025-01-15T10:30")
    terms = Terms(
        interval=Interval(interval),
        billing_time=BillingTime(billing_time),
        is_pay_in_advance=timing == "advance",
        bills_charges_monthly=False,
        zone=ZoneInfo("UTC"),
        subscription_at=started,
        started_at=started,
        terminated_at=None,
        is_upgraded=False,
        billed_through=None,
    )

    is_first = invoice_day == "2025-01-15"
    windows = starting(terms, "2025-01-15T10:30") if is_first else periodic(terms, invoice_day)

    first, last, share = base_expected.split()
    assert covered(windows.base) == f"{first} – {last}, {share}"
    assert shown(windows.base) == f"{first}T00:00:00Z – {last}T23:59:59Z"
    if charges_expected == "none":
        assert windows.charges is None
        return
    first, last = charges_expected.split()
    begin = "10:30:00" if first == "2025-01-15" else "00:00:00"
    assert shown(windows.charges) == f"{first}T{begin}Z – {last}T23:59:59Z"


def test_e23_calendar_month_in_arrears_bills_the_days_from_the_start_day():
    terms = terms_of("monthly", "2025-03-12T15:20")

    first, second = periodic(terms, "2025-04-01"), periodic(terms, "2025-05-01")

    assert shown(first.base) == "2025-03-12T00:00:00Z – 2025-03-31T23:59:59Z"
    assert shown(first.charges) == "2025-03-12T15:20:00Z – 2025-03-31T23:59:59Z"
    # Mar 12 to 31 are 20 of 31 days: 3100 / 31 = 100 a day.
    assert fee(terms, first.base, 3100) == BaseFee(amount=Fraction(2000), days=20, full_days=31, is_full_price=False)
    assert fee(terms, second.base, 3100, earlier=True).amount == 3100


def test_e24_calendar_month_in_advance_bills_the_first_days_at_once():
    terms = terms_of("monthly", "2025-03-12T15:20", advance=True)

    first, second = starting(terms, "2025-03-12T15:20"), periodic(terms, "2025-04-01")

    assert shown(first.base) == "2025-03-12T00:00:00Z – 2025-03-31T23:59:59Z"
    assert first.charges is None
    assert fee(terms, first.base, 3100, occasion=Occasion.STARTING).amount == 2000
    assert shown(second.base) == "2025-04-01T00:00:00Z – 2025-04-30T23:59:59Z"
    assert shown(second.charges) == "2025-03-12T15:20:00Z – 2025-03-31T23:59:59Z"
    assert fee(terms, second.base, 3100, earlier=True).amount == 3100


def test_e25_weeks_begin_on_monday_or_on_the_weekday_of_the_start():
    calendar, anniversary = (terms_of(plan, "2025-06-12T09:00") for plan in ("weekly", "weekly anniversary"))

    short, whole = periodic(calendar, "2025-06-16").base, periodic(anniversary, "2025-06-19").base

    # 1400 / 7 = 200 a day; Thursday to Sunday are 4 days.
    assert (covered(short), fee(calendar, short, 1400).amount) == ("2025-06-12 – 2025-06-15, 4/7", 800)
    assert (covered(whole), fee(anniversary, whole, 1400).amount) == ("2025-06-12 – 2025-06-18, 7/7", 1400)


@pytest.mark.parametrize(
    ("plan", "start", "ranges"),
    [
        pytest.param(
            "monthly anniversary",
            "2025-01-31T00:00",
            ["01-31 – 02-27, 28", "02-28 – 03-30, 31", "03-31 – 04-29, 30", "04-30 – 05-30, 31", "05-31 – 06-29, 30"],
            id="E26 monthly on the 31st",
        ),
        pytest.param(
            "quarterly anniversary",
            "2025-11-30T00:00",
            ["11-30 – 02-27, 90", "02-28 – 05-29, 91", "05-30 – 08-29, 92", "08-30 – 11-29, 92"],
            id="E27 quarterly on Nov 30",
        ),
        pytest.param(
            "semiannual anniversary",
            "2025-08-31T00:00",
            ["08-31 – 02-27, 181", "02-28 – 08-30, 184"],
            id="E28 semiannual on Aug 31",
        ),
        pytest.param(
            "yearly anniversary",
            "2024-02-29T00:00",
            ["02-29 – 02-27, 365", "02-28 – 02-27, 365", "02-28 – 02-27, 365", "02-28 – 02-28, 366", "02-29 – 02-27, 365"],
            id="E29 yearly on Feb 29",
        ),
    ],
)
def test_month_ends_clamp_each_period_on_its_own(plan, start, ranges):
    terms, after, found = terms_of(plan, start), instant(start), []
    for _ in ranges:
        after = next_billing_instant(terms, after=after)
        window = billing_windows(terms, occasion=Occasion.PERIODIC, at=after).base
        found.append(f"{window.days.first:%m-%d} – {window.days.last:%m-%d}, {window.days.days}")
        assert window.days.days == window.full_days
        assert fee(terms, window, 3100).is_full_price

    assert found == ranges


def test_e30_new_york_counts_local_days_across_the_clock_change():
    whole = terms_of("monthly", "2025-01-01T12:00", zone="America/New_York")
    short = terms_of("monthly", "2025-03-08T15:00", zone="America/New_York")

    march, rest = (periodic(terms, "2025-04-01T04:00").base for terms in (whole, short))

    assert shown(march) == "2025-03-01T05:00:00Z – 2025-04-01T03:59:59Z"
    assert march.days.days == 31
    # Mar 8 to 31 are 24 days of 100.
    assert wire(rest.period.start) == "2025-03-08T05:00:00Z"
    assert fee(short, rest, 3100).amount == 2400


def test_e31_the_zone_decides_the_day_of_the_start():
    tokyo = terms_of("monthly", "2025-06-30T16:00", zone="Asia/Tokyo")
    los_angeles = terms_of("monthly anniversary", "2025-06-30T16:00", zone="America/Los_Angeles")

    july, june = periodic(tokyo, "2025-07-31T15:00"), periodic(los_angeles, "2025-07-30T07:00")

    assert shown(july.base) == "2025-06-30T15:00:00Z – 2025-07-31T14:59:59Z"
    assert wire(july.charges.period.start) == "2025-06-30T16:00:00Z"
    assert fee(tokyo, july.base, 3100).amount == 3100
    assert shown(june.base) == "2025-06-30T07:00:00Z – 2025-07-30T06:59:59Z"


def test_e32_yearly_plan_in_advance_bills_charges_by_month_and_its_price_once_a_year():
    terms = terms_of("yearly", "2025-02-10T00:00", advance=True, monthly=True)

    first, march, january = starting(terms, "2025-02-10"), periodic(terms, "2025-03-01"), periodic(terms, "2026-01-01")

    # Feb 10 to Dec 31 are 19 + 306 = 325 days: 120000 * 325 / 365 = 106849.3...
    assert fee(terms, first.base, 120000, occasion=Occasion.STARTING).amount == Fraction(120000 * 325, 365)
    assert first.charges is None
    assert march.base is None
    assert march.fixed_charges is None
    assert covered(march.charges) == "2025-02-10 – 2025-02-28, 19/28"
    assert covered(january.base) == "2026-01-01 – 2026-12-31, 365/365"
    assert covered(january.charges) == "2025-12-01 – 2025-12-31, 31/31"
    assert covered(january.fixed_charges) == "2025-02-10 – 2025-12-31, 325/365"


def test_e33_yearly_plan_in_arrears_bills_its_price_when_the_year_closes():
    terms = terms_of("yearly anniversary", "2025-02-10T00:00", monthly=True)

    june, february = periodic(terms, "2025-06-10"), periodic(terms, "2026-02-10")

    assert (june.base, june.fixed_charges) == (None, None)
    assert covered(june.charges) == "2025-05-10 – 2025-06-09, 31/31"
    assert covered(february.base) == covered(february.fixed_charges) == "2025-02-10 – 2026-02-09, 365/365"
    assert covered(february.charges) == "2026-01-10 – 2026-02-09, 31/31"


def test_fixed_charges_alone_billed_monthly_give_the_invoices_a_monthly_rhythm():
    terms = terms_of("yearly", "2025-02-10T00:00", bills_fixed_charges_monthly=True)

    march, january = periodic(terms, "2025-03-01"), periodic(terms, "2026-01-01")

    assert next_billing_instant(terms, after=instant("2025-02-10")) == instant("2025-03-01")
    assert (march.base, march.charges) == (None, None)
    assert covered(march.fixed_charges) == "2025-02-10 – 2025-02-28, 19/28"
    assert covered(january.charges) == covered(january.base) == "2025-02-10 – 2025-12-31, 325/365"
    assert covered(january.fixed_charges) == "2025-12-01 – 2025-12-31, 31/31"


@pytest.mark.parametrize("after", ["2024-11-05", "2025-02-09", "2025-02-10T08:00", "2025-02-28T23:59"])
def test_the_first_billing_instant_comes_after_the_start_day(after):
    calendar, anniversary = (terms_of(plan, "2025-02-10T08:00") for plan in ("monthly", "monthly anniversary"))

    assert next_billing_instant(calendar, after=instant(after)) == instant("2025-03-01")
    assert next_billing_instant(anniversary, after=instant(after)) == instant("2025-03-10")


def test_e34_trial_in_advance_bills_from_the_day_it_ends():
    terms, trial_end = terms_of("monthly", "2025-05-25T10:00", advance=True), "2025-06-04T10:00"

    june_1, after_trial = periodic(terms, "2025-06-01"), starting(terms, "2025-06-04T10:35")

    assert is_base_fee_in_trial(instant("2025-06-01"), trial_end=instant(trial_end), zone=terms.zone)
    assert covered(june_1.charges) == "2025-05-25 – 2025-05-31, 7/31"
    assert not is_base_fee_in_trial(instant("2025-06-04T10:35"), trial_end=instant(trial_end), zone=terms.zone)
    # Jun 4 to 30 are 27 days of 100.
    expected = BaseFee(amount=Fraction(2700), days=27, full_days=30, is_full_price=False)
    assert fee(terms, after_trial.base, 3000, occasion=Occasion.STARTING, trial_end=trial_end) == expected


def test_e35_trial_in_arrears_bills_the_days_after_it():
    terms, trial_end = terms_of("monthly", "2025-05-25T10:00"), "2025-06-04T10:00"

    may, june = periodic(terms, "2025-06-01").base, periodic(terms, "2025-07-01").base

    assert fee(terms, may, 3000, trial_end=trial_end).amount == 0
    assert fee(terms, june, 3000, trial_end=trial_end).amount == 2700
    # A price that would be whole is cut as well.
    assert fee(terms, june, 3000, earlier=True, trial_end=trial_end).amount == 2700


def test_a_trial_of_no_days_leaves_the_whole_price():
    terms = terms_of("monthly", "2025-05-25T10:00", advance=True)

    window = starting(terms, "2025-05-25T10:00").base

    assert fee(terms, window, 3100, backdated=True, trial_end="2025-05-25T10:00").amount == 3100


def test_a_fee_on_the_day_its_trial_ends_is_not_in_trial():
    zone = ZoneInfo("America/New_York")

    assert not is_base_fee_in_trial(instant("2025-06-01T04:00"), trial_end=instant("2025-06-02T03:59"), zone=zone)
    assert is_base_fee_in_trial(instant("2025-06-01T04:00"), trial_end=instant("2025-06-02T04:00"), zone=zone)
    assert not is_base_fee_in_trial(instant("2025-06-01T04:00"), trial_end=None, zone=zone)


def test_e36_upgrade_in_arrears_leaves_the_old_plan_the_days_before_and_the_new_one_the_rest():
    old = terms_of("monthly", "2025-05-03T00:00", ended="2025-06-11T14:30", upgraded=True)
    new = terms_of("monthly", "2025-05-03T00:00", row_start="2025-06-11T14:30")

    closing, july = terminating(old), periodic(new, "2025-07-01")

    assert shown(closing.base) == shown(closing.charges) == "2025-06-01T00:00:00Z – 2025-06-11T14:30:00Z"
    assert covered(closing.base) == covered(closing.charges) == "2025-06-01 – 2025-06-10, 10/30"
    # 10 days of 100, then 20 days of 300.
    assert fee(old, closing.base, 3000, occasion=Occasion.TERMINATING, earlier=True).amount == 1000
    assert shown(july.charges) == "2025-06-11T14:30:00Z – 2025-06-30T23:59:59Z"
    assert fee(new, july.base, 9000, switched=True).amount == 6000


def test_e37_upgrade_in_advance_credits_from_the_upgrade_day():
    old = terms_of("monthly", "2025-05-03T00:00", ended="2025-06-11T14:30", upgraded=True, advance=True)
    new = terms_of("monthly", "2025-05-03T00:00", row_start="2025-06-11T14:30", advance=True)

    first = starting(new, "2025-06-11T14:30").base

    assert terminating(old).base is None
    assert unused_days(old, trial_end=None) == 20
    # Jun 11 to 30 are 20 days of 300.
    assert fee(new, first, 9000, occasion=Occasion.STARTING, switched=True).amount == 6000


def test_e38_upgrade_to_a_year_keeps_the_anniversary():
    old = terms_of("monthly anniversary", "2025-05-03T00:00", ended="2025-06-11T14:30", upgraded=True, advance=True)
    new = terms_of("yearly anniversary", "2025-05-03T00:00", row_start="2025-06-11T14:30", advance=True)

    first = starting(new, "2025-06-11T14:30").base

    assert unused_days(old, trial_end=None) == 22  # Jun 11 to Jul 2
    assert covered(first) == "2025-06-11 – 2026-05-02, 326/365"
    # 73000 / 365 = 200 a day.
    assert fee(new, first, 73000, occasion=Occasion.STARTING, switched=True).amount == 65200


def test_e40_downgrade_at_the_boundary_closes_the_old_plan_in_full():
    old = terms_of("monthly", "2025-05-03T00:00", ended="2025-07-01T00:00")
    new = terms_of("monthly", "2025-05-03T00:00", row_start="2025-07-01T00:00", advance=True)

    closing, opening = periodic(old, "2025-07-01"), starting(new, "2025-07-01")

    assert shown(closing.base) == shown(closing.charges) == "2025-06-01T00:00:00Z – 2025-06-30T23:59:59Z"
    assert fee(old, closing.base, 9000, earlier=True).amount == 9000
    assert fee(new, opening.base, 3000, occasion=Occasion.STARTING, switched=True).amount == 3000


def test_e43_termination_in_arrears_bills_up_to_and_including_the_day():
    terms = terms_of("monthly", "2025-05-03T00:00", ended="2025-06-11T14:30")

    closing = terminating(terms)

    assert covered(closing.base) == covered(closing.charges) == "2025-06-01 – 2025-06-11, 11/30"
    assert shown(closing.charges) == "2025-06-01T00:00:00Z – 2025-06-11T14:30:00Z"
    # 11 days of 100, although an earlier month was billed.
    assert fee(terms, closing.base, 3000, occasion=Occasion.TERMINATING, earlier=True).amount == 1100


def test_e44_termination_in_advance_credits_the_days_after_and_bills_charges_only():
    terms = terms_of("monthly", "2025-05-03T00:00", ended="2025-06-11T14:30", advance=True)

    closing = terminating(terms)

    assert closing.base is None
    assert shown(closing.charges) == "2025-06-01T00:00:00Z – 2025-06-11T14:30:00Z"
    assert unused_days(terms, trial_end=None) == 19  # Jun 12 to 30
    assert shown(plan_window(terms, at=terms.terminated_at)) == "2025-06-01T00:00:00Z – 2025-06-11T14:30:00Z"


@pytest.mark.parametrize("case", ["E45 refund", "E46 offset"])
def test_the_used_part_of_a_refund_counts_the_days_up_to_the_end(case):
    terms = terms_of("monthly", "2025-05-03T00:00", ended="2025-06-11T14:30", advance=True)

    used, unused = plan_window(terms, at=terms.terminated_at).days.days, unused_days(terms, trial_end=None)

    # 11 used days of 100 are 1100, of 2000 paid 900 go back; 19 unused ones are 1900 in all.
    assert (case, used * 100, 2000 - used * 100, unused * 100) == (case, 1100, 900, 1900)


def test_e47_termination_on_the_start_day_bills_one_day():
    arrears, advance = (
        terms_of("monthly anniversary", "2025-06-03T09:00", ended="2025-06-03T14:30", advance=in_advance) for in_advance in (False, True)
    )

    closing = terminating(arrears)

    assert covered(closing.base) == "2025-06-03 – 2025-06-03, 1/30"
    assert shown(closing.charges) == "2025-06-03T09:00:00Z – 2025-06-03T14:30:00Z"
    assert fee(arrears, closing.base, 3000, occasion=Occasion.TERMINATING).amount == 100
    assert unused_days(advance, trial_end=None) == 29


def test_e48_termination_on_a_billing_day_bills_the_closed_period_and_one_day():
    terms = terms_of("monthly", "2025-05-03T00:00", ended="2025-06-01T00:05")

    may, june = periodic(terms, "2025-06-01"), terminating(terms)

    # May 3 to 31 are 29 of 31 days: 3000 * 29 / 31 = 2806.45; then Jun 1, one of 30.
    assert fee(terms, may.base, 3000).amount == Fraction(87000, 31)
    assert covered(june.base) == "2025-06-01 – 2025-06-01, 1/30"
    assert fee(terms, june.base, 3000, occasion=Occasion.TERMINATING, earlier=True).amount == 100


def test_e49_termination_on_the_last_day_leaves_nothing_unused():
    terms = terms_of("monthly", "2025-05-03T00:00", ended="2025-06-30T23:30", advance=True)

    assert unused_days(terms, trial_end=None) == 0


def test_e50_the_day_of_a_termination_is_local():
    terms = terms_of("monthly", "2025-05-03T00:00", ended="2025-06-12T02:30", advance=True, zone="America/New_York")

    assert unused_days(terms, trial_end=None) == 19  # it is still Jun 11 in New York


def test_e51_an_end_on_the_last_day_bills_the_whole_month():
    terms = terms_of("monthly", "2025-05-03T00:00", ended="2025-06-30T18:00")

    closing = terminating(terms)

    assert shown(closing.charges) == "2025-06-01T00:00:00Z – 2025-06-30T18:00:00Z"
    assert fee(terms, closing.base, 3000, occasion=Occasion.TERMINATING).amount == 3000


@pytest.mark.parametrize(
    ("ended", "trial_end", "days"),
    [
        ("2025-06-11T14:30", "2025-06-10T23:00", 19),  # over the day before
        ("2025-06-11T14:30", "2025-06-11T00:00", 19),  # over as the day began
        ("2025-06-11T14:30", "2025-06-11T10:00", 20),  # ends on the day: Jun 11 to 30
        ("2025-06-11T14:30", "2025-06-21T10:00", 10),  # only Jun 21 to 30 were paid for
        ("2025-06-11T14:30", "2025-07-02T10:00", 0),  # outlasts the period
    ],
)
def test_a_trial_still_running_leaves_fewer_days_to_credit(ended, trial_end, days):
    terms = terms_of("monthly", "2025-06-01T10:00", ended=ended, advance=True)

    assert unused_days(terms, trial_end=instant(trial_end)) == days


def test_a_termination_at_midnight_bills_nothing_of_the_new_day():
    terms = terms_of("monthly", "2025-05-03T00:00", ended="2025-06-11T00:00")

    closing = terminating(terms)

    assert covered(closing.base) == covered(closing.charges) == "2025-06-01 – 2025-06-10, 10/30"
    assert shown(closing.base) == "2025-06-01T00:00:00Z – 2025-06-11T00:00:00Z"


def test_a_termination_at_a_periods_boundary_leaves_nothing_to_bill():
    terms = terms_of("monthly", "2025-05-03T00:00", ended="2025-06-01T00:00")

    closing = terminating(terms)

    assert (closing.base, closing.charges, closing.fixed_charges) == (None, None, None)
    assert covered(periodic(terms, "2025-06-01").base) == "2025-05-03 – 2025-05-31, 29/31"
    usage = billing_windows(terms, occasion=Occasion.USAGE, at=instant("2025-06-05"))
    assert shown(usage.charges) == "2025-05-03T00:00:00Z – 2025-05-31T23:59:59Z"


def test_an_upgrade_on_the_first_day_leaves_the_old_plan_no_day():
    terms = terms_of("monthly", "2025-05-03T00:00", ended="2025-06-01T10:00", upgraded=True)

    closing = terminating(terms)

    assert closing.base.days.days == closing.charges.days.days == 0
    assert shown(closing.charges) == "2025-06-01T00:00:00Z – 2025-06-01T10:00:00Z"
    assert fee(terms, closing.base, 3000, occasion=Occasion.TERMINATING).amount == 0


def test_a_termination_with_monthly_charges_bills_the_running_month():
    terms = terms_of("yearly", "2025-02-10T00:00", ended="2025-06-11T14:30", monthly=True)

    closing = terminating(terms)

    assert covered(closing.charges) == "2025-06-01 – 2025-06-11, 11/30"
    # Feb 10 to Jun 11: 19 + 31 + 30 + 31 + 11 = 122 days.
    assert covered(closing.base) == covered(closing.fixed_charges) == "2025-02-10 – 2025-06-11, 122/365"


@pytest.mark.parametrize(
    ("plan", "advance", "facts", "whole"),
    [
        ("monthly", False, {}, False),
        ("monthly", True, {}, False),
        ("monthly", False, {"earlier": True}, True),
        ("monthly", True, {"backdated": True}, True),
        ("monthly", False, {"backdated": True}, False),
        ("monthly anniversary", True, {}, True),
        ("monthly anniversary", False, {}, False),
        ("monthly anniversary", True, {"switched": True}, False),
        ("monthly anniversary", True, {"switched": True, "earlier": True}, True),
        ("monthly anniversary", True, {"occasion": Occasion.TERMINATING, "earlier": True}, False),
    ],
)
def test_the_whole_price_is_due_except_on_first_and_last_fees(plan, advance, facts, whole):
    # The row starts on Mar 22: on the calendar 10 of 31 days are left, on the 12th's anniversary 21 of 31.
    terms = terms_of(plan, "2025-03-12T15:20", row_start="2025-03-22T08:00", advance=advance)
    window = plan_window(terms, at=instant("2025-03-22T08:00"))

    found = fee(terms, window, 3100, **facts)

    assert found.is_full_price == whole
    assert found.amount == (3100 if whole else 1000 if plan == "monthly" else 2100)


def test_a_backdated_row_in_arrears_pays_the_whole_first_period_it_is_billed_for():
    terms = terms_of("monthly", "2025-03-12T15:20")

    april = periodic(terms, "2025-05-01").base

    assert fee(terms, april, 3100, backdated=True).is_full_price


def test_w23_a_new_zone_takes_over_exactly_where_the_old_one_ended():
    terms = terms_of(
        "monthly", "2025-01-01T00:00", zone="America/Los_Angeles", billed_through=instant("2025-06-01"), billed_zone=ZoneInfo("UTC")
    )

    assert next_billing_instant(terms, after=instant("2025-06-01")) == instant("2025-07-01T07:00")
    june, evening = periodic(terms, "2025-07-01T07:00"), billing_windows(terms, occasion=Occasion.USAGE, at=instant("2025-06-01T03:00"))

    assert shown(june.charges) == shown(june.base) == shown(evening.charges) == "2025-06-01T00:00:00Z – 2025-07-01T06:59:59Z"
    assert covered(june.charges) == covered(evening.charges) == "2025-06-01 – 2025-06-30, 30/30"
    # The boundary the old zone already billed is not billed again seven hours later.
    again = periodic(terms, "2025-06-01T07:00")
    assert (again.base, again.charges) == (None, None)


def test_w23_an_end_in_the_hours_between_two_zones_bills_no_day_again():
    terms = terms_of(
        "monthly", "2025-01-01T00:00", ended="2025-06-01T03:00", zone="America/Los_Angeles", billed_through=instant("2025-06-01")
    )

    closing = terminating(terms)

    assert shown(closing.charges) == "2025-06-01T00:00:00Z – 2025-06-01T03:00:00Z"
    assert closing.charges.days.days == 0


def test_a_new_zone_that_moves_the_anniversary_bills_the_days_that_are_left():
    # In Los Angeles the subscription began on Feb 29, so its months begin on the 29th; in UTC it was the 1st.
    terms = terms_of(
        "monthly anniversary",
        "2024-03-01T02:00",
        zone="America/Los_Angeles",
        billed_through=instant("2025-04-01"),
        billed_zone=ZoneInfo("UTC"),
    )

    april = periodic(terms, "2025-04-29T07:00")

    assert shown(april.charges) == "2025-04-01T00:00:00Z – 2025-04-29T06:59:59Z"
    assert covered(april.base) == "2025-04-01 – 2025-04-28, 28/31"
    # 3100 / 31 = 100 a day; Mar 29 to 31 were paid with March.
    assert fee(terms, april.base, 3100, earlier=True).amount == 2800


plans = st.tuples(st.sampled_from(Interval), st.sampled_from(BillingTime), st.booleans(), st.booleans())
moments = st.datetimes(datetime(2019, 12, 25), datetime(2024, 3, 5), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis adds the zone


def random_terms(plan, started, zone):
    interval, billing_time, advance, monthly = plan
    return Terms(
        interval=interval,
        billing_time=billing_time,
        is_pay_in_advance=advance,
        bills_charges_monthly=monthly,
        zone=ZoneInfo(zone),
        subscription_at=started,
        started_at=started,
        terminated_at=None,
        is_upgraded=False,
        billed_through=None,
    )


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.dates(date(2000, 1, 1), date(2060, 1, 1)), plans)
def test_every_day_lies_in_its_period_and_the_previous_one_ends_before_it(day, anchor, plan):
    interval, billing_time, _, _ = plan

    found = period_of(day, interval=interval, billing_time=billing_time, anchor=anchor)
    previous = previous_period(day, interval=interval, billing_time=billing_time, anchor=anchor)

    assert found.first <= day <= found.last
    assert previous.last + timedelta(days=1) == found.first
    for other in (found.first, found.last):
        assert period_of(other, interval=interval, billing_time=billing_time, anchor=anchor) == found


@settings(max_examples=60, deadline=None)
@given(plans, moments, st.sampled_from(ZONES))
def test_windows_tile_five_years_and_billing_instants_are_their_ends(plan, started, zone):
    terms = random_terms(plan, started, zone)
    charged_to, based_to, after = started, start_of_day(local_date(started, zone=terms.zone), zone=terms.zone), started
    while after < started + timedelta(days=5 * 365):
        due = next_billing_instant(terms, after=after)
        assert due > after
        windows = billing_windows(terms, occasion=Occasion.PERIODIC, at=due)

        assert windows.charges.period == Period(start=charged_to, end=due)
        assert windows.charges.days.days <= windows.charges.full_days
        if windows.base is not None and not terms.is_pay_in_advance:
            assert windows.base.period == Period(start=based_to, end=due)
            based_to = due
        if windows.base is not None and terms.is_pay_in_advance:
            assert windows.base.period.start == due
        charged_to = after = due
        terms = msgspec.structs.replace(terms, billed_through=due)


@settings(max_examples=100, deadline=None)
@given(plans, moments, st.lists(st.sampled_from([*ZONES, "Pacific/Kiritimati", "Pacific/Pago_Pago"]), min_size=2, max_size=5), st.data())
def test_windows_tile_instants_and_days_across_changes_of_zone(plan, started, zones, data):
    terms = random_terms(plan, started, zones[0])
    charged_to, last_day, after = started, None, started
    for zone in zones:
        terms = msgspec.structs.replace(terms, zone=ZoneInfo(zone))
        for _ in range(data.draw(st.integers(1, 3))):
            due = next_billing_instant(terms, after=after)
            window = billing_windows(terms, occasion=Occasion.PERIODIC, at=due).charges

            assert window.period == Period(start=charged_to, end=due)
            assert last_day is None or window.days.first == last_day + timedelta(days=1)
            charged_to, last_day, after = due, window.days.last, due
            terms = msgspec.structs.replace(terms, billed_through=due, billed_zone=terms.zone)


@settings(max_examples=150, deadline=None)
@given(plans, moments, st.sampled_from(ZONES), st.timedeltas(timedelta(microseconds=1), timedelta(days=800)), st.booleans())
def test_a_termination_closes_exactly_what_is_open(plan, started, zone, life, upgraded):
    terms = msgspec.structs.replace(random_terms(plan, started, zone), terminated_at=started + life, is_upgraded=upgraded)
    charged_to, after = started, started
    while (due := next_billing_instant(terms, after=after)) <= terms.terminated_at:
        charged_to = after = due
    closing = billing_windows(terms, occasion=Occasion.TERMINATING, at=terms.terminated_at)

    if charged_to == terms.terminated_at:
        assert closing.charges is None
        return
    assert closing.charges.period == Period(start=charged_to, end=terms.terminated_at)
    ended_on = local_date(terms.terminated_at, zone=terms.zone)
    ends_at_midnight = start_of_day(ended_on, zone=terms.zone) == terms.terminated_at
    last = ended_on - timedelta(days=1) if upgraded or ends_at_midnight else ended_on
    assert closing.charges.days == DayRange(first=local_date(charged_to, zone=terms.zone), last=last)
    assert (closing.base is None) == terms.is_pay_in_advance


@settings(max_examples=100, deadline=None)
@given(plans, moments, st.sampled_from(ZONES), st.timedeltas(timedelta(0), timedelta(days=800)), st.integers(1, 10**7))
def test_used_and_unused_days_make_the_price_of_the_period(plan, started, zone, life, cents):
    terms = msgspec.structs.replace(random_terms(plan, started, zone), terminated_at=started + life, is_pay_in_advance=True)
    window = plan_window(terms, at=terms.terminated_at)
    whole = plan_window(msgspec.structs.replace(terms, terminated_at=None), at=terms.terminated_at)

    used = window.days.days if window else 0

    assert used + unused_days(terms, trial_end=None) == whole.days.days
    if window:
        share = fee(terms, window, cents, occasion=Occasion.TERMINATING).amount
        assert share == Fraction(cents * used, whole.full_days)
