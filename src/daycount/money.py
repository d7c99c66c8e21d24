"""
Money: currencies, the one rounding of money, and exact numbers as text.

Here belongs every rule that turns an exact number into a whole number of minor units, shares a
whole number out, or writes a decimal down. Prices, quantities and taxes do not belong here. All
numbers are exact (`int`, `Fraction`, finite `Decimal`); nothing depends on the ambient decimal context.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, Inexact, InvalidOperation
from fractions import Fraction
from math import ceil
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

Cents: TypeAlias = int
"""A whole number of a currency's minor units."""

Exact: TypeAlias = Fraction | Decimal | int
"""A number without rounding error. A Decimal must be finite."""

PRECISION: Final = 60
"""Significant digits of a local decimal context where a division cannot be avoided; nothing here divides decimals."""

PRECISE_PLACES: Final = 15
"""Decimals kept where an exact number that does not terminate has to be written as a decimal."""

_PRECISE: Final = 10**PRECISE_PLACES

# Moving a decimal point is exact at any size; the trap turns a lost digit into an error.
_EXACT: Final = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact, InvalidOperation])
_SHORT: Final = 1_000
"""Decimals whose point lies within so many digits are written as they stand."""


class Currency(NamedTuple):
    """A currency by its ISO 4217 code and the decimals of its minor unit (USD 2, JPY 0, BHD 3)."""

    code: str
    exponent: int

    @property
    def subunits(self) -> int:
        """
        Minor units in one major unit.

        A power of ten for every currency but the old Mauritanian ouguiya: five khoums make one
        ouguiya, so MRO amounts are counted in fifths although they are shown with one decimal.
        """
        return 5 if self.code == "MRO" else 10**self.exponent


_WITHOUT_MINOR_UNIT: Final = "BIF CLP DJF GNF HUF ISK JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF"

_EXPONENTS_BESIDE_TWO: Final = {
    **dict.fromkeys(_WITHOUT_MINOR_UNIT.split(), 0),
    "MRO": 1,
    **dict.fromkeys(("BHD", "JOD", "KWD"), 3),
    "CLF": 4,
}

_CODES: Final = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLF
    CLP CNY COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF
    IDR ILS INR IRR ISK JMD JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP
    MRO MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR
    SEK SGD SHP SLL SOS SRD STD SZL THB TJS TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VND VUV WST XAF XCD XOF XPF YER
    ZAR ZMW
"""

CURRENCIES: Final[Mapping[str, Currency]] = MappingProxyType(
    {code: Currency(code=code, exponent=_EXPONENTS_BESIDE_TWO.get(code, 2)) for code in _CODES.split()}
)
"""
The currencies a price may be in, by code.

HUF and MGA have no minor unit here, unlike in ISO 4217: their amounts "in cents" are whole units.
Source: Lago API, accepted currency codes and their minor units; kept for compatibility.
"""


def find_currency(code: str) -> Currency | None:
    """Return the currency with this upper-case code, or None when it is not accepted."""
    return CURRENCIES.get(code)


def round_half_away(value: Exact, *, places: int) -> Decimal:
    """
    Round to `places` decimals, a tie away from zero: 0.125 becomes 0.13 and -0.125 becomes -0.13.

    Negative places round to tens, hundreds and so on. The result never is a negative zero.
    Raises ValueError or OverflowError for a Decimal that is not finite.
    """
    if isinstance(value, int) and places >= 0:
        return _point_shifted(value * 10**places, places=places)
    numerator, denominator = value.as_integer_ratio()
    whole = _half_away(numerator * 10 ** max(places, 0), denominator * 10 ** max(-places, 0))
    return _point_shifted(whole, places=places)


def _half_away(numerator: int, denominator: int) -> int:
    """
    Round a quotient to a whole number, a tie away from zero.

    Whole numbers instead of fractions of fractions: a bill of many groups rounds a hundred thousand times.
    """
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return magnitude if numerator >= 0 else -magnitude


def ceil_to(value: Exact, *, places: int) -> Decimal:
    """
    Round up, towards positive infinity, to `places` decimals: 1/3 becomes 0.33334 at five places.

    Negative places round up to tens, hundreds and so on.
    Raises ValueError or OverflowError for a Decimal that is not finite.
    """
    return _point_shifted(ceil(Fraction(value) * Fraction(10) ** places), places=places)


def as_fraction(value: Decimal | int) -> Fraction:
    """Return a number as a fraction. It is much quicker than asking `Fraction` what kind of number it is given."""
    return Fraction(*value.as_integer_ratio())


def product(first: Exact, second: Exact) -> Fraction:
    """Multiply exactly, making one fraction instead of three."""
    numerator, denominator = first.as_integer_ratio()
    other_numerator, other_denominator = second.as_integer_ratio()
    return Fraction(numerator * other_numerator, denominator * other_denominator)


def quotient(first: Exact, second: Exact) -> Fraction:
    """Divide exactly, as `product` multiplies. Raises ZeroDivisionError."""
    numerator, denominator = first.as_integer_ratio()
    other_numerator, other_denominator = second.as_integer_ratio()
    return Fraction(numerator * other_denominator, denominator * other_numerator)


def to_cents(amount: Exact, *, currency: Currency) -> Cents:
    """
    Turn an amount in major units into whole minor units, rounded half away from zero.

    This is the one rounding of money: it is applied once per fee, to the exact amount.
    12.345 USD is 1235; 32.55 JPY is 33. Raises ValueError or OverflowError for a Decimal that is not finite.
    """
    numerator, denominator = amount.as_integer_ratio()
    return _half_away(numerator * currency.subunits, denominator)


def round_to_whole(value: Exact) -> int:
    """Round to a whole number, a tie away from zero."""
    return _half_away(*value.as_integer_ratio())


def precise_cents(amount: Exact, *, currency: Currency) -> Decimal:
    """
    Turn an amount in major units into minor units with their fraction, for display beside `to_cents`.

    At most 15 decimals, half away from zero, trailing zeros stripped: 4.15858 USD is 415.858.
    Raises ValueError or OverflowError for a Decimal that is not finite.
    """
    numerator, denominator = amount.as_integer_ratio()
    digits = _half_away(numerator * currency.subunits * _PRECISE, denominator)
    whole, decimals = divmod(abs(digits), _PRECISE)
    text = f"{whole}.{decimals:0{PRECISE_PLACES}d}".rstrip("0").removesuffix(".") if decimals else str(whole)
    return Decimal(f"-{text}" if digits < 0 else text)


def allocate(total: int, *, weights: Sequence[int | Fraction]) -> list[int]:
    """
    Share `total` out in proportion to `weights`, in whole numbers that add up to `total` exactly.

    Largest remainder: every share is rounded towards zero, then the units left over go one each to
    the largest fractions lost, the earlier position first where they tie. A zero weight gets 0; a negative
    total is shared like its opposite. 100 over (1, 1, 1) is [34, 33, 33].
    Raises ValueError for a negative weight and when no weight is positive.
    """
    whole = sum(weights, Fraction(0))
    if any(weight < 0 for weight in weights) or whole == 0:
        message = "an amount can only be shared over weights of zero and more, one of them positive"
        raise ValueError(message)

    exact_shares = [Fraction(abs(total) * weight) / whole for weight in weights]
    shares = [share.numerator // share.denominator for share in exact_shares]
    lost = [exact - share for exact, share in zip(exact_shares, shares, strict=True)]
    left_over = abs(total) - sum(shares)
    # sorted() is stable, so equal fractions stay in the order of the weights.
    for position in sorted(range(len(shares)), key=lambda index: -lost[index])[:left_over]:
        shares[position] += 1
    assert sum(shares) == abs(total)
    return shares if total >= 0 else [-share for share in shares]


def decimal_text(value: Exact) -> str:
    """
    Write a number the way the API does: plain notation, no exponent, at least one decimal.

    Trailing zeros are stripped: "10.0", "0.66667", "-0.5", "0.0". A Fraction that terminates is written in
    full, any other is rounded to 15 decimals, half away from zero.
    Raises ValueError or OverflowError for a Decimal that is not finite.
    Source: Lago API, decimals as strings in plain notation.
    """
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < _SHORT:
        text = f"{value or value.copy_abs():f}"
        whole, _, decimals = text.partition(".")
        return f"{whole}.{decimals.rstrip('0') or '0'}"
    return _written(*_as_decimal_digits(value))


def _written(numerator: int, places: int) -> str:
    """Write numerator / 10**places, without zeros at its end."""
    if places == 0:
        return f"{numerator}.0"
    digits = f"{abs(numerator):0{places + 1}d}"
    whole, decimals = digits[: len(digits) - places], digits[len(digits) - places :].rstrip("0")
    sign = "-" if numerator < 0 else ""
    return f"{sign}{whole}.{decimals or '0'}"


def exact_text(value: Exact) -> str:
    """Write a number so that nothing is lost: a decimal where it ends, else numerator/denominator. 1/3 is "1/3", 1/4 "0.25"."""
    if not isinstance(value, Fraction):
        return decimal_text(value)
    places = _terminating_places(value.denominator)
    if places is None:
        return f"{value.numerator}/{value.denominator}"
    return _written(value.numerator * 10**places // value.denominator, places)


def _as_decimal_digits(value: Exact) -> tuple[int, int]:
    """Return (n, places) with value = n / 10**places, after rounding to 15 places where it does not terminate."""
    numerator, denominator = value.as_integer_ratio()
    places = _terminating_places(denominator)
    if places is None:
        return _half_away(numerator * _PRECISE, denominator), PRECISE_PLACES
    return numerator * 10**places // denominator, places


def _terminating_places(denominator: int) -> int | None:
    """Return how many decimals a reduced fraction with this denominator has, or None when they never end."""
    if denominator == 1:
        return 0
    twos = (denominator & -denominator).bit_length() - 1
    rest, fives = denominator >> twos, 0
    while rest % 5 == 0:
        rest //= 5
        fives += 1
    return max(twos, fives) if rest == 1 else None


def _point_shifted(number: int, *, places: int) -> Decimal:
    """Return number / 10**places exactly, with `places` decimals (none when places are negative)."""
    if places < 0:
        return Decimal(number * 10**-places)
    return _EXACT.scaleb(Decimal(number), -places)


def exact_sum(numbers: Iterable[Decimal]) -> Decimal:
    """Add decimals without losing a digit, whatever their sizes; nothing adds up to 0."""
    total = Decimal(0)
    for number in numbers:
        total = _EXACT.add(total, number)
    return total


def exact_product(number: Decimal, factor: int) -> Decimal:
    """Multiply without losing a digit."""
    return _EXACT.multiply(number, Decimal(factor))
