"""Unused time of plans in advance: E37, E38, E42 to E50, by hand and by law."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daycount.engine.unused_time import unused_time


def computed(days, *, plan, full, fee=None, billed=None, credited=0):
    return unused_time(
        days=days,
        billed_days=full if billed is None else billed,
        full_days=full,
        plan_amount_cents=plan,
        fee_amount_cents=plan if fee is None else fee,
        credited_cents=Fraction(credited),
    )


@pytest.mark.parametrize(
    ("case", "found", "cents"),
    [
        ("E37 an upgrade on 11 June: 20 of 30 days", computed(20, plan=3000, full=30), 2000),
        ("E38 11 June to 2 July: 22 of 30 days", computed(22, plan=3000, full=30), 2200),
        ("E42 the first upgrade: 20 × 40", computed(20, plan=1200, full=30), 800),
        ("E42 the second on the same day: no more than the fee of 1 600", computed(20, plan=2400, full=30, fee=1600, billed=20), 1600),
        ("E42b the second ten days later: 10 × 80", computed(10, plan=2400, full=30, fee=1600, billed=20), 800),
        ("E44 a termination on 11 June: 12 to 30", computed(19, plan=3000, full=30), 1900),
        ("E47 a termination on the first day", computed(29, plan=3000, full=30), 2900),
        ("cut at five decimals: 19 × 9 999 / 28 = 6 785.035714…", computed(19, plan=9999, full=28), Fraction("6785.03571")),
        ("exact where it ends: 18 × 4 900 / 30", computed(18, plan=4900, full=30), 2940),
        ("less what was credited before", computed(20, plan=3000, full=30, credited=500), 1500),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_unused_days_are_given_back_at_the_days_price(case, found, cents):
    assert found.amount_cents == cents, case


@pytest.mark.parametrize(
    "found",
    [
        computed(0, plan=3000, full=30),  # E49: the last day
        computed(19, plan=0, full=30),
        computed(19, plan=3000, full=30, fee=0),
        computed(19, plan=3000, full=30, credited=1900),
    ],
)
def test_nothing_is_given_back_where_nothing_is_left(found):
    assert found is None


def test_e45_the_used_part_counts_the_day_of_the_end():
    found = computed(19, plan=3000, full=30)

    assert (found.used_days, found.used_cents, found.amount_cents) == (11, 1100, 1900)


@given(
    plan=st.integers(1, 10**9),
    full=st.integers(1, 366),
    days=st.integers(0, 366),
    fee=st.integers(0, 10**9),
    credited=st.fractions(0, 10**6),
)
def test_never_more_is_given_back_than_was_billed(plan, full, days, fee, credited):
    found = computed(days, plan=plan, full=full, fee=fee, credited=credited)

    given_back = Fraction(0) if found is None else found.amount_cents
    assert 0 <= given_back <= max(Fraction(0), fee - credited)
