"""
How pages write money, quantities, dates and codes for people.

Amounts come in minor units or as decimal texts and are never turned into binary fractions. A minus is U+2212.
"""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from zoneinfo import ZoneInfo

from daycount.money import CURRENCIES, decimal_text
from daycount.periods import parse_instant

MINUS: Final = "\u2212"
NOTHING: Final = "\u2014"
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FEW: Final = 12
_MOST_PLACES: Final = 8
_WHOLE: Final = re.compile(r"(?<![\w.'-])(\d+)\.0(?![\w']|\.\d)")


def money(amount_cents: int | str | Decimal | None, currency: str | None) -> str:
    """Write minor units as a decimal with grouped digits: 123456 USD is 1,234.56; None is a dash."""
    if amount_cents is None:
        return NOTHING
    known = CURRENCIES.get(currency or "")
    cents = Decimal(amount_cents)
    if known is None:
        return _grouped(format(cents, "f"))
    if known.subunits == 10**known.exponent:
        major = cents.scaleb(-known.exponent)
    else:
        major = cents / known.subunits
    text = format(major, "f")
    whole, _, places = text.partition(".")
    places = places.rstrip("0").ljust(known.exponent, "0")
    return _grouped(f"{whole}.{places}" if places else whole)


def money_with_code(amount_cents: int | str | Decimal | None, currency: str | None) -> str:
    """Write an amount with its currency: 1,234.56 USD."""
    return NOTHING if amount_cents is None else f"{money(amount_cents, currency)}\u00a0{currency or ''}".rstrip()


def major(value: Any) -> str:
    """Write a decimal that is in major units already, such as a price a unit, with at least two decimals."""
    text = units(value)
    if text == NOTHING:
        return text
    whole, _, places = text.partition(".")
    return f"{whole}.{places.ljust(2, '0')}"


def unit_price(value: Any) -> str:
    """Write a price a unit; what goes beyond eight decimals is cut and marked, the explanation has it all."""
    text = major(value)
    whole, _, places = text.partition(".")
    return text if len(places) <= _MOST_PLACES else f"{whole}.{places[:_MOST_PLACES]}\u2026"


def units(value: Any) -> str:
    """Write a quantity in plain notation, with grouped digits and no trailing zeros."""
    if value is None or value == "":
        return NOTHING
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    if not number.is_finite():
        return str(value)
    text = decimal_text(number)
    whole, _, places = text.partition(".")
    places = places.rstrip("0")
    return _grouped(f"{whole}.{places}" if places else whole)


def percent(value: Any) -> str:
    """Write a rate in percent."""
    return NOTHING if value is None else f"{units(value)}\u00a0%"


def _grouped(text: str) -> str:
    negative = text.startswith("-")
    whole, point, places = text.lstrip("-").partition(".")
    pieces: list[str] = []
    while len(whole) > 3:
        pieces.insert(0, whole[-3:])
        whole = whole[:-3]
    grouped = ",".join([whole, *pieces])
    return (MINUS if negative else "") + grouped + point + places


def read_instant(value: Any) -> datetime | None:
    """Read an instant of the wire."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if not value:
        return None
    try:
        return parse_instant(str(value))
    except ValueError:
        return None


def read_day(value: Any) -> date | None:
    """Read a date of the wire."""
    try:
        return date.fromisoformat(str(value)[:10]) if value else None
    except ValueError:
        return None


def day(value: Any) -> str:
    """Write a date: 1 Jul 2026."""
    found = value if isinstance(value, date) and not isinstance(value, datetime) else read_day(value)
    return NOTHING if found is None else f"{found.day}\u00a0{_MONTHS[found.month - 1]}\u00a0{found.year}"


def local_day(value: Any, zone: ZoneInfo) -> str:
    """Write the local date of an instant."""
    instant = read_instant(value)
    return NOTHING if instant is None else day(instant.astimezone(zone).date())


def moment(value: Any, zone: ZoneInfo) -> str:
    """Write an instant with its time in a zone: 1 Jul 2026, 14:05."""
    instant = read_instant(value)
    if instant is None:
        return NOTHING
    local = instant.astimezone(zone)
    return f"{day(local.date())}, {local:%H:%M}"


def exact_moment(value: Any) -> str:
    """Write an instant in UTC to the second, for a tooltip."""
    instant = read_instant(value)
    return "" if instant is None else f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def day_range(first: Any, last: Any, zone: ZoneInfo) -> str:
    """Write an inclusive range of local days as short as it can be: 1–30 Sep 2026."""
    begin, end = read_instant(first), read_instant(last)
    if begin is None or end is None:
        return NOTHING
    start, stop = begin.astimezone(zone).date(), end.astimezone(zone).date()
    if start == stop:
        return day(start)
    if (start.year, start.month) == (stop.year, stop.month):
        return f"{start.day}\u2013{day(stop)}"
    if start.year == stop.year:
        return f"{start.day}\u00a0{_MONTHS[start.month - 1]} \u2013 {day(stop)}"
    return f"{day(start)} \u2013 {day(stop)}"


def ago(value: Any, now: datetime) -> str:
    """Write how long ago an instant is, or how far ahead: 3 hours ago, in 2 days."""
    instant = read_instant(value)
    if instant is None:
        return NOTHING
    distance = now - instant
    text = _span(abs(distance))
    if text == "now":
        return "just now"
    return f"{text} ago" if distance > timedelta(0) else f"in {text}"


def _span(span: timedelta) -> str:
    minutes = span // timedelta(minutes=1)
    for size, name in ((525_600, "year"), (43_200, "month"), (1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = minutes // size
            return f"{count} {name}" + ("s" if count > 1 else "")
    return "now"


def words(code: Any) -> str:
    """Write a code as words: `unique_count_agg` is "unique count"."""
    text = str(code or "").removesuffix("_agg").replace("_", " ").strip()
    return text or NOTHING


def sentence(code: Any) -> str:
    """Write a code as words with a capital."""
    text = words(code)
    return text[:1].upper() + text[1:]


def plain(said: str) -> str:
    """Write the whole numbers of a sentence without places: 12.0 units are 12 units. What stands in quotes or in a code stays."""
    return _WHOLE.sub(r"\1", said)


def plural(count: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun: 1 invoice, 3 invoices."""
    return f"{_grouped(str(count))} {one if count == 1 else many or one + 's'}"


def initials(name: str) -> str:
    """Return one or two letters that stand for a name."""
    parts = [part for part in name.replace("@", " ").split() if part]
    letters = [part[0] for part in (parts[:1] + parts[-1:] if len(parts) > 1 else parts)]
    return "".join(letters).upper() or "?"


def shorten(text: Any, length: int = _FEW) -> str:
    """Return the beginning of a long id."""
    value = str(text or "")
    return value if len(value) <= length else value[: length - 1] + "\u2026"
