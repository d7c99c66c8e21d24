"""Prices in a pricing unit and what they are in money."""

from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daycount.engine.pricing_units import PricingUnit, to_money
from daycount.money import CURRENCIES, precise_cents, to_cents

USD = CURRENCIES["USD"]


def a_unit(rate: str) -> PricingUnit:
    return PricingUnit(id=UUID(int=1), code="credits", short_name="CR", conversion_rate=Decimal(rate))


def test_e14_credits_are_rounded_before_they_are_converted() -> None:
    # 12.345 credits are 12.35; × 0.37 are 4.5695, which is 456.95 cents (not 12.345 × 37 = 456.765) and 457.
    worth = to_money(Fraction("12.345"), unit_amount=Fraction("2.469"), unit=a_unit("0.37"))

    assert worth.amount == Fraction("4.5695")
    assert (to_cents(worth.amount, currency=USD), precise_cents(worth.amount, currency=USD)) == (457, Decimal("456.95"))
    assert worth.in_units is not None
    assert (worth.in_units.amount_cents, worth.in_units.precise_amount_cents) == (1235, Decimal("1234.5"))
    # The unit price is cut: 2.469 → 2.46, × 0.37 = 0.9102.
    assert (worth.in_units.unit_amount_cents, worth.in_units.precise_unit_amount) == (246, Decimal("2.469"))
    assert worth.unit_amount == Fraction("0.9102")


@pytest.mark.parametrize(
    ("amount", "rate", "currency", "cents"),
    [
        ("0.004", "1", "USD", 0),  # 0.00 credits
        ("0.005", "1", "USD", 1),  # 0.01 credits
        ("10.5", "3.1", "JPY", 33),  # 32.55 yen
        ("1", "0.000000000000001", "KWD", 0),
        ("2.5", "0.0005", "KWD", 1),  # 0.00125 dinars are 1.25 fils
    ],
)
def test_any_currency_is_rounded_by_its_own_exponent(amount: str, rate: str, currency: str, cents: int) -> None:
    worth = to_money(Fraction(amount), unit_amount=Fraction(0), unit=a_unit(rate))

    assert to_cents(worth.amount, currency=CURRENCIES[currency]) == cents


@given(st.fractions(min_value=0, max_value=10**9))
def test_without_a_unit_an_amount_stays_what_it_is(amount: Fraction) -> None:
    assert to_money(amount, unit_amount=amount, unit=None) == (amount, amount, None, {})


@given(st.fractions(min_value=0, max_value=10**9))
def test_a_unit_that_is_worth_one_dollar_bills_the_same_cents(amount: Fraction) -> None:
    assert to_cents(to_money(amount, unit_amount=amount, unit=a_unit("1")).amount, currency=USD) == to_cents(amount, currency=USD)
