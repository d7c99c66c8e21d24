"""How fees of plans are spread over months."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from daycount.analytics.mrr import compute_recurring, spread
from daycount.analytics.records import SubscriptionRevenue


def a_fee(**fields: Any) -> SubscriptionRevenue:
    given: dict[str, Any] = {
        "issuing_date": date(2026, 1, 1),
        "currency": "USD",
        "interval": "yearly",
        "pay_in_advance": True,
        "billed_days": Fraction(365),
        "amount_cents": Decimal(120000),
        "fees": 1,
    }
    return SubscriptionRevenue(**given | fields)


def test_a_year_in_advance_goes_forwards_from_its_month() -> None:
    # 365 / 30.44 = 11.9908 months; 120 000 / 11.9908 = 10 007.67 in eleven months, and 120 000 - 11 x 10 007.67 = 9 915.6 in the last
    parts = spread(a_fee())

    assert [month for month, _ in parts] == [date(2026, number, 1) for number in range(1, 13)]
    assert {part for _, part in parts[:-1]} == {Fraction(120000 * 3044, 36500)}
    assert parts[-1][1] == 120000 - 11 * Fraction(120000 * 3044, 36500)


def test_in_advance_the_first_month_counts_by_the_days_that_are_left() -> None:
    # issued on 16 June: 15 of 30 days are left
    parts = spread(a_fee(issuing_date=date(2026, 6, 16)))

    assert parts[0] == (date(2026, 6, 1), Fraction(120000 * 3044, 36500) / 2)


def test_a_quarter_in_arrears_goes_backwards_from_its_month() -> None:
    # 90 / 30.44 = 2.9566, so three months: 9000 / 2.9566 = 3044 in two of them, and 9000 - 2 x 3044 = 2912
    fee = a_fee(
        interval="quarterly", pay_in_advance=False, billed_days=Fraction(90), amount_cents=Decimal(9000), issuing_date=date(2026, 4, 1)
    )

    parts = [(month, int(part)) for month, part in spread(fee)]

    assert parts == [(date(2026, 4, 1), 3044), (date(2026, 3, 1), 3044), (date(2026, 2, 1), 2912)]


def test_weeks_count_by_their_mean_times_4_33() -> None:
    # (700 + 2 x 900) / 3 x 4.33 = 3608.33
    weeks = [a_fee(interval="weekly", amount_cents=Decimal(700)), a_fee(interval="weekly", amount_cents=Decimal(1800), fees=2)]

    [row] = compute_recurring(weeks, months=[date(2026, 1, 1)])

    assert row == (date(2026, 1, 1), "USD", Fraction(2500, 3) * Fraction(433, 100))


def test_a_month_without_fees_has_a_row_of_nothing() -> None:
    assert compute_recurring([], months=[date(2026, 1, 1)]) == [(date(2026, 1, 1), None, None)]


@given(
    st.integers(-(10**9), 10**9),
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.integers(0, 800 * 1440),
    st.booleans(),
    st.sampled_from(["monthly", "quarterly", "semiannual", "yearly"]),
)
def test_the_parts_add_up_to_the_fee(cents: int, day: date, minutes: int, in_advance: bool, interval: str) -> None:
    fee = a_fee(
        interval=interval,
        pay_in_advance=in_advance,
        amount_cents=Decimal(cents),
        issuing_date=day,
        billed_days=Fraction(minutes, 1440),
    )
    assert sum(part for _, part in spread(fee)) == cents
