"""Proration by local days: the worked cases W1 to W33 and laws against a naive count of days."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daycount.engine.calendar import BillingTime, Interval, Occasion, Terms, billing_windows, next_billing_instant
from daycount.engine.proration import Span, billed_days, billed_spans, prorated_quantity, prorated_sum, prorated_units
from daycount.money import CURRENCIES, to_cents
from daycount.periods import Period, last_day, local_date, start_of_day

D = Decimal
ADD, REMOVE = True, False
ZONES = ["America/New_York", "Europe/Paris", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Tokyo", "UTC", "Asia/Beirut"]
ONE_DAY = timedelta(days=1)


def local(text, zone):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def days_of(first, last, zone="UTC"):
    """The period of whole local days from `first` to `last`."""
    ends = date.fromisoformat(first), date.fromisoformat(last) + ONE_DAY
    return Period(*(start_of_day(day, zone=ZoneInfo(zone)) for day in ends))


def spans_of(toggles, period, zone="UTC", *, first_day=None, final_day=None, billed_zone=None):
    """Spans of one seat; its toggles are written "+2025-04-11 15:00" and "-2025-04-20 17:00" in local time."""
    return billed_spans(
        [(local(text[1:], zone), text[0] == "+") for text in toggles],
        period=period,
        first_day=first_day or local_date(period.start, zone=ZoneInfo(zone)),
        last_day=final_day or last_day(period, zone=ZoneInfo(zone)),
        zone=ZoneInfo(zone),
        billed_zone=billed_zone,
    )


def cents(quantity, price):
    return to_cents(quantity * D(price), currency=CURRENCIES["USD"])


APRIL = ("2025-04-01", "2025-04-30")
CARRIED = "+2025-03-05 09:00"


@pytest.mark.parametrize(
    ("period", "zone", "toggles", "days", "full_days", "quantity", "price", "amount_cents"),
    [
        pytest.param(APRIL, "UTC", [CARRIED], 30, 30, "1", 10, 1000, id="W1 untouched"),
        pytest.param(APRIL, "UTC", ["+2025-04-11 15:00"], 20, 30, "0.66667", 10, 667, id="W2 added"),
        pytest.param(APRIL, "UTC", [CARRIED, "-2025-04-10 08:00"], 10, 30, "0.33334", 10, 333, id="W3 removal day is billed"),
        pytest.param(APRIL, "UTC", ["+2025-04-05 08:00", "-2025-04-05 18:00"], 1, 30, "0.03334", 10, 33, id="W4 in and out on a day"),
        pytest.param(APRIL, "UTC", [CARRIED, "-2025-04-10 08:00", "+2025-04-10 09:00"], 30, 30, "1", 10, 1000, id="W5 back the same day"),
        pytest.param(APRIL, "UTC", [CARRIED, "-2025-04-10 08:00", "+2025-04-15 08:00"], 26, 30, "0.86667", 10, 867, id="W6 back later"),
        pytest.param(APRIL, "UTC", [CARRIED, "-2025-04-10 08:00", "+2025-04-11 08:00"], 30, 30, "1", 10, 1000, id="W7 back the next day"),
        pytest.param(
            APRIL,
            "UTC",
            ["+2025-04-05 08:00", "-2025-04-05 09:00", "+2025-04-05 10:00", "-2025-04-05 11:00"],
            1,
            30,
            "0.03334",
            10,
            33,
            id="W8 twice in and out on a day",
        ),
        pytest.param(
            APRIL,
            "UTC",
            [CARRIED, "-2025-04-10 08:00", "+2025-04-10 09:00", "-2025-04-10 10:00"],
            10,
            30,
            "0.33334",
            10,
            333,
            id="W9 out, in, out",
        ),
        pytest.param(
            APRIL,
            "UTC",
            ["+2025-04-05 08:00", "+2025-04-20 08:00", "-2025-04-24 08:00"],
            20,
            30,
            "0.66667",
            10,
            667,
            id="W10 added twice",
        ),
        pytest.param(APRIL, "UTC", ["-2025-04-10 08:00"], 0, 30, "0", 10, 0, id="W11 removed without being there"),
        pytest.param(APRIL, "UTC", ["-2025-04-05 01:00", "+2025-04-05 02:00"], 26, 30, "0.86667", 10, 867, id="W12 removed, then added"),
        pytest.param(APRIL, "UTC", ["+2025-02-03 08:00", "-2025-03-31 23:00"], 0, 30, "0", 10, 0, id="W13 removed before"),
        pytest.param(APRIL, "UTC", ["+2025-02-03 08:00", "-2025-04-01 00:00"], 1, 30, "0.03334", 10, 33, id="W14 removed at the start"),
        pytest.param(
            APRIL,
            "UTC",
            [CARRIED, "-2025-04-10 08:00", "-2025-04-10 09:00", "+2025-04-12 08:00"],
            29,
            30,
            "0.96667",
            10,
            967,
            id="W15 removed twice",
        ),
        pytest.param(
            ("2025-06-01", "2025-06-30"), "America/New_York", ["+2025-06-10 23:30"], 21, 30, "0.7", 10, 700, id="W17 late in New York"
        ),
        pytest.param(("2025-06-01", "2025-06-30"), "UTC", ["+2025-06-11 03:30"], 20, 30, "0.66667", 10, 667, id="W17 same instant in UTC"),
        pytest.param(("2025-06-01", "2025-06-30"), "Asia/Tokyo", ["+2025-06-16 05:00"], 15, 30, "0.5", 10, 500, id="W18 morning in Tokyo"),
        pytest.param(
            ("2025-08-01", "2025-08-31"), "America/Sao_Paulo", ["+2025-08-20 00:00"], 12, 31, "0.38710", 10, 387, id="W19 at midnight"
        ),
        pytest.param(
            ("2025-08-01", "2025-08-31"),
            "America/Sao_Paulo",
            ["+2025-08-19 23:59:59"],
            13,
            31,
            "0.41936",
            10,
            419,
            id="W19 a second earlier",
        ),
        pytest.param(("2025-03-01", "2025-03-31"), "Europe/Paris", ["+2025-02-01 08:00"], 31, 31, "1", 10, 1000, id="W20 short day, all"),
        pytest.param(
            ("2025-03-01", "2025-03-31"), "Europe/Paris", ["+2025-03-30 12:00"], 2, 31, "0.06452", 10, 65, id="W20 added on the short day"
        ),
        pytest.param(
            ("2025-03-01", "2025-03-31"),
            "Europe/Paris",
            ["+2025-02-01 08:00", "-2025-03-29 23:30"],
            29,
            31,
            "0.93549",
            10,
            935,
            id="W20 removed the evening before the short day",
        ),
        pytest.param(("2025-03-24", "2025-03-30"), "Europe/Paris", ["+2025-02-01 08:00"], 7, 7, "1", 10, 1000, id="W21 calendar week"),
        pytest.param(("2025-03-23", "2025-03-29"), "Europe/Paris", ["+2025-02-01 08:00"], 7, 7, "1", 10, 1000, id="W21 anniversary week"),
        pytest.param(("2025-02-28", "2025-03-29"), "Europe/Paris", ["+2025-02-01 08:00"], 30, 30, "1", 10, 1000, id="W21 month"),
        pytest.param(
            ("2025-10-01", "2025-10-31"),
            "Europe/Paris",
            ["+2025-02-01 08:00", "-2025-10-26 00:30"],
            26,
            31,
            "0.83871",
            10,
            839,
            id="W22 removed in the first hour of the long day",
        ),
        pytest.param(
            ("2025-10-01", "2025-10-31"),
            "Europe/Paris",
            ["+2025-02-01 08:00", "-2025-10-26 10:00"],
            26,
            31,
            "0.83871",
            10,
            839,
            id="W22 removed later on the long day",
        ),
        pytest.param(("2024-02-01", "2024-02-29"), "UTC", ["+2024-02-15 08:00"], 15, 29, "0.51725", 10, 517, id="W24 leap February"),
        pytest.param(("2024-02-01", "2024-02-29"), "UTC", ["+2024-02-29 08:00"], 1, 29, "0.03449", 10, 34, id="W24 leap day"),
        pytest.param(("2025-02-01", "2025-02-28"), "UTC", ["+2025-02-15 08:00"], 14, 28, "0.5", 10, 500, id="W24 common February"),
        pytest.param(("2025-01-31", "2025-02-27"), "UTC", ["+2025-01-02 08:00"], 28, 28, "1", 10, 1000, id="W26 anniversary on the 31st"),
        pytest.param(
            ("2025-03-18", "2025-04-17"),
            "Europe/Berlin",
            ["+2025-04-02 08:00", "-2025-04-09 08:00"],
            8,
            31,
            "0.25807",
            10,
            258,
            id="W26 anniversary on the 18th",
        ),
        pytest.param(("2028-01-01", "2028-03-31"), "UTC", ["+2028-02-29 08:00"], 32, 91, "0.35165", 90, 3165, id="W27 quarter"),
        pytest.param(("2024-03-10", "2025-03-09"), "UTC", ["+2024-12-01 08:00"], 99, 365, "0.27124", 120, 3255, id="W28 anniversary year"),
        pytest.param(("2024-01-01", "2024-12-31"), "UTC", ["+2024-12-01 08:00"], 31, 366, "0.08470", 120, 1016, id="W28 calendar year"),
        pytest.param(("2024-12-01", "2024-12-31"), "UTC", ["+2024-12-01 08:00"], 31, 31, "1", 10, 1000, id="W28 billed monthly"),
    ],
)
def test_worked_case(*, period, zone, toggles, days, full_days, quantity, price, amount_cents):
    count = billed_days(spans_of(toggles, days_of(*period, zone), zone))

    found = prorated_quantity(prorated_units([count], full_days=full_days))

    assert (count, found, cents(found, price)) == (days, D(quantity), amount_cents)


def test_w16_a_team_is_rounded_once_and_not_seat_by_seat():
    # Four carried (30 days each), one carried and removed on the 20th (20), two added on the 11th (20 each): 180/30.
    seats = [[CARRIED]] * 4 + [[CARRIED, "-2025-04-20 17:00"]] + [["+2025-04-11 09:00"]] * 2

    days = [billed_days(spans_of(toggles, days_of(*APRIL))) for toggles in seats]
    quantity = prorated_quantity(prorated_units(days, full_days=30))

    assert days == [30, 30, 30, 30, 20, 20, 20]
    assert (quantity, cents(quantity, 10)) == (6, 6000)


def test_w7_a_pause_over_one_midnight_leaves_two_spans():
    spans = spans_of([CARRIED, "-2025-04-10 08:00", "+2025-04-11 08:00"], days_of(*APRIL))

    assert spans == (Span(date(2025, 4, 1), date(2025, 4, 10)), Span(date(2025, 4, 11), date(2025, 4, 30)))


def test_w23_a_carried_seat_is_worth_one_period_after_a_change_of_zone():
    zone = "America/Los_Angeles"
    june = Period(datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 7, 1, 7, tzinfo=UTC))

    # The period starts on May 31, 17:00 local; that day was billed in UTC, so a carried seat begins on Jun 1.
    carried = spans_of(["+2025-05-05 08:00"], june, zone, first_day=date(2025, 6, 1))
    # A seat added that evening was not billed yet and begins on its own day; it is worth a whole period, not 31/30.
    added = spans_of(["+2025-05-31 19:00"], june, zone, first_day=date(2025, 6, 1))

    assert carried == (Span(date(2025, 6, 1), date(2025, 6, 30)),)
    assert added == (Span(date(2025, 5, 31), date(2025, 6, 30)),)
    assert prorated_quantity(prorated_units([billed_days(carried)], full_days=30)) == 1
    assert prorated_quantity(prorated_units([billed_days(added)], full_days=30)) == 1


def test_w23_a_seat_that_left_on_the_last_day_of_the_old_zone_is_not_billed_for_it_again():
    zone = "America/Los_Angeles"
    june = Period(datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 7, 1, 7, tzinfo=UTC))
    # Removed on May 30, 20:00 in Los Angeles, which is May 31 in UTC and was billed as such; back on May 31, 19:00.
    toggles = ["+2025-05-05 08:00", "-2025-05-30 20:00", "+2025-05-31 19:00"]

    spans = spans_of(toggles, june, zone, first_day=date(2025, 6, 1), billed_zone=ZoneInfo("UTC"))

    assert spans == (Span(date(2025, 6, 1), date(2025, 6, 30)),)


@pytest.mark.parametrize(
    ("toggles", "days", "quantity", "amount_cents"),
    [
        (["+2025-09-18 14:00:05"], 13, "0.43334", 433),
        (["+2025-08-20 08:00"], 13, "0.43334", 433),
        (["+2025-08-20 08:00", "-2025-09-18 10:00"], 0, "0", 0),
        (["+2025-08-20 08:00", "-2025-09-18 16:00"], 1, "0.03334", 33),
    ],
)
def test_w25_a_subscription_started_in_mid_month_bills_from_its_first_day(toggles, days, quantity, amount_cents):
    period = Period(datetime(2025, 9, 18, 14, tzinfo=UTC), datetime(2025, 10, 1, tzinfo=UTC))

    count = billed_days(spans_of(toggles, period))
    found = prorated_quantity(prorated_units([count], full_days=30))

    assert (count, found, cents(found, 10)) == (days, D(quantity), amount_cents)


@pytest.mark.parametrize("toggles", [["+2025-05-05 08:00"], ["+2025-05-05 08:00", "-2025-06-12 03:00"]])
def test_w29_a_termination_bills_its_day_whether_or_not_the_seat_left_that_morning(toggles):
    period = Period(datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 6, 12, 6, tzinfo=UTC))

    count = billed_days(spans_of(toggles, period))
    found = prorated_quantity(prorated_units([count], full_days=30))

    assert (count, found, cents(found, 10)) == (12, D("0.4"), 400)


MAY_17 = datetime(2025, 5, 17, 10, tzinfo=UTC)
OLD_MAY = Period(datetime(2025, 5, 1, tzinfo=UTC), MAY_17)
NEW_MAY = Period(MAY_17, datetime(2025, 6, 1, tzinfo=UTC))


def test_w30_the_upgrade_day_belongs_to_the_new_plan_alone():
    old = billed_days(spans_of([CARRIED], OLD_MAY, final_day=date(2025, 5, 16)))
    new = billed_days(spans_of([CARRIED], NEW_MAY))

    quantities = [prorated_quantity(prorated_units([count], full_days=31)) for count in (old, new)]

    assert (old, new) == (16, 15)
    assert quantities == [D("0.51613"), D("0.48388")]
    assert [cents(quantities[0], 10), cents(quantities[1], 15)] == [516, 726]


def test_a_seat_removed_on_the_morning_of_an_upgrade_bills_that_day_to_the_new_plan():
    toggles = [CARRIED, "-2025-05-17 09:00"]

    old = spans_of(toggles, OLD_MAY, final_day=date(2025, 5, 16))
    new = spans_of(toggles, NEW_MAY._replace(start=datetime(2025, 5, 17, tzinfo=UTC)))

    assert old == (Span(date(2025, 5, 1), date(2025, 5, 16)),)
    assert new == (Span(date(2025, 5, 17), date(2025, 5, 17)),)


def test_w31_a_sum_is_split_at_an_upgrade_like_a_seat():
    may = {"last_day": date(2025, 5, 16), "first_day": date(2025, 5, 1), "full_days": 31}
    rest = {"last_day": date(2025, 5, 31), "first_day": date(2025, 5, 17), "full_days": 31}

    carried = prorated_sum(carried=D(6), by_day={}, **may)
    added = prorated_sum(carried=D(0), by_day={date(2025, 5, 10): D(6)}, **may)
    upgraded = prorated_sum(carried=D(6), by_day={}, **rest)

    # 6 * 16/31, 6 * 7/31 (May 10 to 16), and 6 * 15/31 on the new plan.
    assert [prorated_quantity(exact) for exact in (carried, added, upgraded)] == [D("3.09678"), D("1.35484"), D("2.90323")]
    assert [cents(prorated_quantity(exact), 10) for exact in (carried, added, upgraded)] == [3097, 1355, 2903]
    assert carried + upgraded == 6


def test_w32_a_subscription_created_again_bills_carried_seats_from_its_start():
    period = Period(datetime(2025, 5, 20, 9, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC))

    count = billed_days(spans_of([CARRIED], period))
    found = prorated_quantity(prorated_units([count], full_days=31))

    assert (count, found, cents(found, 10)) == (12, D("0.38710"), 387)


def test_w32_a_downgrade_at_the_boundary_bills_both_periods_in_full():
    may, june = days_of("2025-05-01", "2025-05-31"), days_of("2025-06-01", "2025-06-30")

    assert [billed_days(spans_of([CARRIED], period)) for period in (may, june)] == [31, 30]


@pytest.mark.parametrize(
    ("carried", "by_day", "quantity", "amount_cents"),
    [
        (4, {date(2025, 4, 16): D(3), date(2025, 4, 21): D(-2)}, "4.83334", 4833),
        (1, {date(2025, 4, 10): D(-1)}, "0.3", 300),
        (0, {date(2025, 4, 10): D(0)}, "0", 0),
    ],
)
def test_w33_a_sum_stops_counting_on_the_day_units_are_taken_away(carried, by_day, quantity, amount_cents):
    exact = prorated_sum(carried=D(carried), by_day=by_day, first_day=date(2025, 4, 1), last_day=date(2025, 4, 30), full_days=30)

    found = prorated_quantity(exact)

    assert (found, cents(found, 10)) == (D(quantity), amount_cents)


def test_a_sum_weighs_days_outside_the_billed_ones_as_their_nearest():
    by_day = {date(2025, 5, 31): D(3), date(2025, 6, 11): D(5)}

    exact = prorated_sum(carried=D(0), by_day=by_day, first_day=date(2025, 6, 1), last_day=date(2025, 6, 10), full_days=30)

    assert exact == Fraction(3 * 10, 30)


def test_units_of_many_seats_are_exact():
    assert prorated_units([20, 20, 20], full_days=30) == 2
    assert prorated_quantity(prorated_units([], full_days=30)) == 0


YEAR_START = datetime(2024, 1, 1, tzinfo=UTC)
offsets = st.one_of(
    st.timedeltas(timedelta(0), timedelta(days=400)),
    st.integers(0, 400 * 24).map(lambda hours: timedelta(hours=hours)),  # whole hours meet midnights and clock changes
)


@st.composite
def histories(draw):
    """Adds and removes of one seat, repeated ones included, often several on one day."""
    instants = draw(st.lists(offsets, max_size=8))
    extra = [base + timedelta(hours=draw(st.integers(0, 12))) for base in instants[:4]]
    return [(YEAR_START + offset, draw(st.booleans())) for offset in sorted([*instants, *extra])]


def naive_days(toggles, *, period, zone):
    """
    The set of local days a seat is billed for, found day by day on the line of instants.

    A day counts when the seat is there at any of its moments, the moment of its removal included.
    """
    stays, since = [], None
    for moment, is_add in toggles:
        if is_add and since is None:
            since = moment
        elif not is_add and since is not None:
            stays.append((since, moment))
            since = None
    if since is not None:
        stays.append((since, period.end - timedelta(microseconds=1)))
    stays = [(max(begin, period.start), end) for begin, end in stays if end >= period.start]
    found, day = set(), local_date(period.start, zone=zone)
    final = local_date(period.end - timedelta(microseconds=1), zone=zone)
    while day <= final:
        dawn, dusk = start_of_day(day, zone=zone), start_of_day(day + ONE_DAY, zone=zone)
        if any(begin < dusk and end >= dawn for begin, end in stays):
            found.add(day)
        day += ONE_DAY
    return found


def dates(spans):
    return [span.first + timedelta(days=index) for span in spans for index in range(span.days)]


def spans_in_window(toggles, window, zone, **more):
    known = [toggle for toggle in toggles if toggle[0] < window.period.end]
    return billed_spans(known, period=window.period, first_day=window.days.first, last_day=window.days.last, zone=zone, **more)


@settings(max_examples=250, deadline=None)
@given(
    histories(),
    st.sampled_from(ZONES),
    st.timedeltas(timedelta(0), timedelta(days=200)),
    st.timedeltas(timedelta(hours=1), timedelta(days=200)),
)
def test_billed_days_are_those_of_a_naive_count(toggles, name, begin, length):
    zone = ZoneInfo(name)
    period = Period(YEAR_START + begin, YEAR_START + begin + length)
    known = [toggle for toggle in toggles if toggle[0] < period.end]

    spans = billed_spans(
        known, period=period, first_day=local_date(period.start, zone=zone), last_day=last_day(period, zone=zone), zone=zone
    )

    assert dates(spans) == sorted(naive_days(known, period=period, zone=zone))
    assert billed_days(spans) == len(dates(spans))


plans = st.tuples(st.sampled_from(Interval), st.sampled_from(BillingTime))
starts = st.timedeltas(timedelta(0), timedelta(days=60)).map(lambda offset: YEAR_START + offset)


def running_terms(plan, started, name):
    interval, billing_time = plan
    return Terms(
        interval=interval,
        billing_time=billing_time,
        is_pay_in_advance=False,
        bills_charges_monthly=interval is Interval.YEARLY,
        zone=ZoneInfo(name),
        subscription_at=started,
        started_at=started,
        terminated_at=None,
        is_upgraded=False,
        billed_through=None,
    )


def windows_until(terms, end):
    """Every charges window of a row up to its end, the closing one included."""
    windows, after = [], terms.started_at
    while (due := next_billing_instant(terms, after=after)) <= end:
        windows.append(billing_windows(terms, occasion=Occasion.PERIODIC, at=due).charges)
        after = due
    closing = billing_windows(msgspec.structs.replace(terms, terminated_at=end), occasion=Occasion.TERMINATING, at=end).charges
    return windows if closing is None else [*windows, closing]


@settings(max_examples=120, deadline=None)
@given(histories(), plans, starts, st.sampled_from(ZONES))
def test_periods_together_bill_every_active_day_once(toggles, plan, started, name):
    terms, end = running_terms(plan, started, name), YEAR_START + timedelta(days=401)

    billed = [day for window in windows_until(terms, end) for day in dates(spans_in_window(toggles, window, terms.zone))]

    assert billed == sorted(naive_days(toggles, period=Period(started, end), zone=terms.zone))


@settings(max_examples=120, deadline=None)
@given(histories(), st.tuples(plans, plans), starts, st.timedeltas(timedelta(hours=1), timedelta(days=300)), st.sampled_from(ZONES))
def test_both_plans_of_an_upgrade_together_bill_every_active_day_once(toggles, old_and_new_plan, started, life, name):
    old_plan, new_plan = old_and_new_plan
    upgraded_at, end = started + life, YEAR_START + timedelta(days=401)
    old = msgspec.structs.replace(running_terms(old_plan, started, name), is_upgraded=True)
    upgrade_day = local_date(upgraded_at, zone=old.zone)
    dawn = start_of_day(upgrade_day, zone=old.zone)
    new = msgspec.structs.replace(running_terms(new_plan, started, name), started_at=upgraded_at)

    billed = [day for window in windows_until(old, upgraded_at) for day in dates(spans_in_window(toggles, window, old.zone))]
    for window in windows_until(new, end):
        # The new plan's first window bills the whole upgrade day, unless the subscription itself began on it.
        is_first = window.period.start == upgraded_at
        whole = window.period._replace(start=max(dawn, started)) if is_first else window.period
        billed += dates(spans_in_window(toggles, msgspec.structs.replace(window, period=whole), new.zone))

    assert billed == sorted(naive_days(toggles, period=Period(started, end), zone=old.zone))


@settings(max_examples=200, deadline=None)
@given(histories(), plans, starts, st.lists(st.sampled_from([*ZONES, "America/Los_Angeles", "Pacific/Auckland"]), min_size=2, max_size=6))
def test_no_day_of_a_seat_is_billed_twice_across_changes_of_zone(toggles, plan, started, names):
    terms, after, billed = running_terms(plan, started, names[0]), started, []
    for name in names:
        terms = msgspec.structs.replace(terms, zone=ZoneInfo(name))
        due = next_billing_instant(terms, after=after)
        window = billing_windows(terms, occasion=Occasion.PERIODIC, at=due).charges
        billed += dates(spans_in_window(toggles, window, terms.zone, billed_zone=terms.billed_zone))
        after = due
        terms = msgspec.structs.replace(terms, billed_through=due, billed_zone=terms.zone)

    assert len(billed) == len(set(billed))


@given(
    st.lists(st.tuples(st.integers(0, 29), st.integers(-50, 50)), max_size=6),
    st.integers(0, 100),
    st.integers(1, 29),
)
def test_a_sum_split_into_two_rows_is_the_sum_of_the_whole(changes, carried, switch):
    april_1 = date(2025, 4, 1)
    switch_day, april_30 = april_1 + timedelta(days=switch), date(2025, 4, 30)
    by_day = {april_1 + timedelta(days=offset): D(value) for offset, value in changes}
    before = {day: value for day, value in by_day.items() if day < switch_day}
    later = {day: value for day, value in by_day.items() if day >= switch_day}

    whole = prorated_sum(carried=D(carried), by_day=by_day, first_day=april_1, last_day=april_30, full_days=30)
    old = prorated_sum(carried=D(carried), by_day=before, first_day=april_1, last_day=switch_day - ONE_DAY, full_days=30)
    new = prorated_sum(carried=carried + sum(before.values(), D(0)), by_day=later, first_day=switch_day, last_day=april_30, full_days=30)

    assert old + new == whole
