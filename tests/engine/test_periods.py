"""Periods and local days in zones whose midnights do not exist, happen twice, or lie off the hour."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daycount.periods import Period, days_between, last_day, local_date, period_between, shown_end, start_of_day

ZONES = [
    "UTC",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Havana",
    "America/St_Johns",
    "Europe/Paris",
    "Asia/Beirut",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
]


def instant(text):
    return datetime.fromisoformat(text)


def test_a_period_holds_its_start_and_not_its_end():
    april = period_between(instant("2025-04-01T00:00Z"), end=instant("2025-05-01T00:00Z"))

    assert april.contains(instant("2025-04-01T00:00Z"))
    assert april.contains(instant("2025-04-30T23:59:59.999999Z"))
    assert not april.contains(instant("2025-05-01T00:00Z"))
    assert not april.contains(instant("2025-03-31T23:59:59.999999Z"))


def test_an_empty_period_holds_nothing():
    moment = instant("2025-04-01T00:00Z")

    assert not period_between(moment, end=moment).contains(moment)


def test_a_period_is_kept_in_utc():
    tokyo = timezone(timedelta(hours=9))

    built = period_between(datetime(2025, 4, 1, tzinfo=tokyo), end=datetime(2025, 4, 2, tzinfo=tokyo))

    assert built == Period(start=instant("2025-03-31T15:00Z"), end=instant("2025-04-01T15:00Z"))
    assert built.start.tzinfo is UTC


def test_a_period_cannot_end_before_it_starts():
    with pytest.raises(ValueError, match="cannot end before"):
        period_between(instant("2025-04-02T00:00Z"), end=instant("2025-04-01T00:00Z"))


def test_a_period_needs_a_time_zone():
    with pytest.raises(ValueError, match="time zone"):
        period_between(datetime(2025, 4, 1), end=instant("2025-04-02T00:00Z"))  # noqa: DTZ001 - the error under test


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("UTC", date(2025, 6, 1), "2025-06-01T00:00Z"),
        ("Asia/Tokyo", date(2025, 6, 1), "2025-05-31T15:00Z"),
        ("Asia/Kolkata", date(2025, 6, 1), "2025-05-31T18:30Z"),
        # Clocks jump from 24:00 to 01:00: the day begins at 01:00 -02, which is the jump itself.
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00Z"),
        ("Asia/Beirut", date(2024, 3, 31), "2024-03-30T22:00Z"),
        ("America/Havana", date(2024, 3, 10), "2024-03-10T05:00Z"),
        # Clocks fall back from 24:00 to 23:00: the day begins after the repeated hour.
        ("America/Sao_Paulo", date(2018, 2, 18), "2018-02-18T03:00Z"),
        ("Asia/Beirut", date(2024, 10, 27), "2024-10-26T22:00Z"),
        # Clocks fall back from 01:00 to 00:00: midnight happens twice, the first one counts.
        ("America/Havana", date(2024, 11, 3), "2024-11-03T04:00Z"),
        # Clocks fell back from 00:01 to 23:01 of the day before: the first midnight counts.
        ("America/St_Johns", date(2006, 10, 29), "2006-10-29T02:30Z"),
        # Clocks jumped from 23:30 to 00:30: the day begins at 00:30 local.
        ("America/Toronto", date(1919, 3, 31), "1919-03-31T04:30Z"),
        # Samoa left Dec 30 out: it begins where the next day does.
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00Z"),
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-30T10:00Z"),
    ],
)
def test_a_day_starts_at_its_first_moment(zone, day, expected):
    assert start_of_day(day, zone=ZoneInfo(zone)) == instant(expected)


@pytest.mark.parametrize("name", ZONES)
def test_every_day_of_ten_years_starts_where_its_date_first_shows(name):
    zone = ZoneInfo(name)
    day = date(2015, 1, 1)
    while day < date(2025, 1, 1):
        start = start_of_day(day, zone=zone)

        assert start.tzinfo is UTC
        assert local_date(start, zone=zone) == day
        assert local_date(start - timedelta(microseconds=1), zone=zone) == day - timedelta(days=1)
        day += timedelta(days=1)


@given(st.sampled_from(ZONES), st.datetimes(datetime(2008, 1, 1), datetime(2035, 1, 1)))  # noqa: DTZ001 - made aware below
def test_an_instant_lies_in_its_local_day(name, moment):
    zone, moment = ZoneInfo(name), moment.replace(tzinfo=UTC)
    day = local_date(moment, zone=zone)

    assert start_of_day(day, zone=zone) <= moment
    # Newfoundland's clocks fell back over midnight until 2011, so an evening there lies before and after a midnight.
    if name != "America/St_Johns":
        assert moment < start_of_day(day + timedelta(days=1), zone=zone)


def test_the_last_day_of_a_period_holds_the_instant_before_its_end():
    new_york = ZoneInfo("America/New_York")

    assert last_day(Period(start=instant("2025-03-01T05:00Z"), end=instant("2025-04-01T04:00Z")), zone=new_york) == date(2025, 3, 31)
    assert last_day(Period(start=instant("2025-03-01T05:00Z"), end=instant("2025-04-01T04:00:00.000001Z")), zone=new_york) == date(
        2025, 4, 1
    )


def test_days_are_counted_with_both_ends():
    assert days_between(date(2025, 6, 1), last=date(2025, 6, 30)) == 30
    assert days_between(date(2025, 6, 1), last=date(2025, 6, 1)) == 1
    assert days_between(date(2025, 6, 1), last=date(2025, 5, 31)) == 0


def test_the_end_of_a_whole_period_is_shown_as_its_last_second():
    assert shown_end(instant("2025-04-01T04:00Z"), is_cut=False) == instant("2025-04-01T03:59:59Z")


def test_the_end_at_a_termination_is_shown_as_that_instant():
    assert shown_end(instant("2025-06-11T14:30:05.999999Z"), is_cut=True) == instant("2025-06-11T14:30:05Z")
    assert shown_end(instant("2025-06-11T00:00Z"), is_cut=True) == instant("2025-06-11T00:00Z")
