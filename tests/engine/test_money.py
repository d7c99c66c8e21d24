"""Money: rounding, sharing out and writing down, with figures worked by hand and laws for any number."""

from decimal import ROUND_DOWN, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daycount.money import CURRENCIES, Currency, allocate, ceil_to, decimal_text, find_currency, precise_cents, round_half_away, to_cents

D = Decimal
USD, JPY, BHD, CLF, HUF = (CURRENCIES[code] for code in ("USD", "JPY", "BHD", "CLF", "HUF"))

fractions = st.fractions(min_value=-(10**12), max_value=10**12, max_denominator=10**6)
places = st.integers(min_value=-4, max_value=20)


def test_142_currencies_are_accepted():
    assert len(CURRENCIES) == 142
    assert all(currency.code == code for code, currency in CURRENCIES.items())


@pytest.mark.parametrize(
    ("code", "exponent", "subunits"),
    [
        ("USD", 2, 100),
        ("EUR", 2, 100),
        ("JPY", 0, 1),
        ("HUF", 0, 1),
        ("MGA", 0, 1),
        ("BHD", 3, 1000),
        ("JOD", 3, 1000),
        ("KWD", 3, 1000),
        ("CLF", 4, 10000),
        ("MRO", 1, 5),
    ],
)
def test_a_currency_knows_its_minor_unit(code, exponent, subunits):
    assert find_currency(code) == Currency(code=code, exponent=exponent)
    assert CURRENCIES[code].subunits == subunits


def test_currencies_without_minor_unit_are_these_eighteen():
    without = {code for code, currency in CURRENCIES.items() if currency.exponent == 0}

    assert " ".join(sorted(without)) == "BIF CLP DJF GNF HUF ISK JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF"


def test_an_unknown_currency_is_not_found():
    assert find_currency("XXX") is None
    assert find_currency("usd") is None


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (D("0.125"), 2, "0.13"),
        (D("-0.125"), 2, "-0.13"),
        (D("0.124999999999999999999999999999999999"), 2, "0.12"),
        (Fraction(1, 3), 5, "0.33333"),
        (Fraction(2, 3), 5, "0.66667"),
        (Fraction(-1, 2), 0, "-1"),
        (7, 2, "7.00"),
        (1250, -2, "1300"),
        (1249, -2, "1200"),
        (-1250, -2, "-1300"),
        (Fraction(-1, 1000), 2, "0.00"),
    ],
)
def test_a_tie_rounds_away_from_zero(value, digits, expected):
    assert str(round_half_away(value, places=digits)) == expected


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (Fraction(1, 3), 5, "0.33334"),
        (Fraction(20, 30), 5, "0.66667"),
        (D("6.000001"), 5, "6.00001"),
        (6, 5, "6.00000"),
        (Fraction(-1, 3), 5, "-0.33333"),
        (D("1201"), -2, "1300"),
    ],
)
def test_rounding_up_goes_towards_positive_infinity(value, digits, expected):
    assert str(ceil_to(value, places=digits)) == expected


@pytest.mark.parametrize(
    ("amount", "currency", "cents"),
    [
        (D("4.15858"), USD, 416),  # 1 234 units at 0.00337 (example E11)
        (D("32.55"), JPY, 33),  # 10.5 units at 3.1 (example E11)
        (D("0.0042"), USD, 0),  # below half a cent (example E12)
        (D("12.345"), USD, 1235),
        (D("-12.345"), USD, -1235),
        (Fraction(1, 16), BHD, 63),  # 62.5 fils
        (D("0.00005"), CLF, 1),  # half of a ten-thousandth
        (D("99.5"), HUF, 100),
        (Fraction(13, 200), USD, 7),  # 6.5 cents: 13 cents for 45 of 90 days
        (D("1.3"), CURRENCIES["MRO"], 7),  # 6.5 fifths
    ],
)
def test_money_is_rounded_once_to_the_minor_unit(amount, currency, cents):
    assert to_cents(amount, currency=currency) == cents


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (D("4.15858"), USD, "415.858"),  # example E11
        (D("0.0042"), USD, "0.42"),  # example E12
        (D("126.6125"), USD, "12661.25"),  # example E1
        (D(400), USD, "40000"),
        (Fraction(1, 3), JPY, "0.333333333333333"),
        (Fraction(-2, 3), JPY, "-0.666666666666667"),
    ],
)
def test_precise_cents_keep_the_fraction(amount, currency, expected):
    assert str(precise_cents(amount, currency=currency)) == expected


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (10, [0, 1, 0, 1], [0, 5, 0, 5]),
        (5, [Fraction(1, 3), Fraction(2, 3)], [2, 3]),  # 1.67 and 3.33: the first lost more
        (1, [1, 2, 2], [0, 1, 0]),  # 0.2, 0.4, 0.4: the earlier of the two ties
        (0, [3, 4], [0, 0]),
        (7, [9], [7]),
    ],
)
def test_an_amount_is_shared_by_largest_remainder(total, weights, shares):
    assert allocate(total, weights=weights) == shares


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [2, -1]])
def test_sharing_over_no_positive_weight_is_an_error(weights):
    with pytest.raises(ValueError, match="weights of zero and more"):
        allocate(10, weights=weights)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10, "10.0"),
        (D("0.66667"), "0.66667"),
        (D("-0.5"), "-0.5"),
        (0, "0.0"),
        (D("-0.00"), "0.0"),
        (D("1E+3"), "1000.0"),
        (D("1E-7"), "0.0000001"),
        (D("12.3400"), "12.34"),
        (Fraction(1, 3), "0.333333333333333"),
        (Fraction(-2, 3), "-0.666666666666667"),
        (Fraction(-1, 3 * 10**20), "0.0"),
        (Fraction(1, 2**20), "0.00000095367431640625"),  # terminates, so it is written in full
    ],
)
def test_decimals_are_written_plainly(value, text):
    assert decimal_text(value) == text


@pytest.mark.parametrize("value", [D("NaN"), D("Infinity")])
def test_a_number_that_is_not_finite_is_refused(value):
    with pytest.raises((ValueError, OverflowError)):
        to_cents(value, currency=USD)
    with pytest.raises((ValueError, OverflowError)):
        decimal_text(value)


def test_the_ambient_decimal_context_changes_nothing():
    long = D("123456789012345678901234567890.123456789012345678901234567895")
    with localcontext() as context:
        context.prec = 3
        context.rounding = ROUND_DOWN

        assert decimal_text(long) == "123456789012345678901234567890.123456789012345678901234567895"
        assert str(round_half_away(long, places=29)) == "123456789012345678901234567890.12345678901234567890123456790"
        assert str(ceil_to(long, places=1)) == "123456789012345678901234567890.2"
        assert str(precise_cents(D("12345.67891"), currency=USD)) == "1234567.891"


@given(fractions, places)
def test_rounding_moves_a_number_by_half_a_step_at_most(value, digits):
    step = Fraction(10) ** -digits
    rounded = Fraction(round_half_away(value, places=digits))

    assert abs(rounded - value) <= step / 2
    assert (rounded / step).denominator == 1
    assert abs(rounded - value) != step / 2 or abs(rounded) > abs(value)


@given(fractions, places)
def test_rounding_is_odd_and_rounding_twice_changes_nothing(value, digits):
    rounded = round_half_away(value, places=digits)

    assert round_half_away(-value, places=digits) == -Fraction(rounded)
    assert round_half_away(rounded, places=digits) == rounded


@given(fractions, places)
def test_rounding_up_never_loses_and_gains_less_than_a_step(value, digits):
    step = Fraction(10) ** -digits
    raised = Fraction(ceil_to(value, places=digits))

    assert 0 <= raised - value < step
    assert (raised / step).denominator == 1


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(0, 1000) | st.fractions(0, 1000, max_denominator=97), min_size=1, max_size=12))
def test_shares_add_up_to_the_total_and_stay_within_one_of_the_exact_share(total, weights):
    if sum(weights) == 0:
        return

    shares = allocate(total, weights=weights)

    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - Fraction(total * weight) / sum(weights)) < 1
        assert weight or not share


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=D("-1e15"), max_value=D("1e15"), places=12))
def test_written_decimals_read_back_unchanged(value):
    text = decimal_text(value)

    assert D(text) == value
    assert "E" not in text
    assert not text.endswith("0") or text.endswith(".0")
