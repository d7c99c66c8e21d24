"""
Value added tax of the European Union: rates by date, territories with rules of their own, and which tax a customer is due.

Every tax has a code: `lago_eu_de_standard`, `lago_eu_fr_exception_reunion`, `lago_eu_reverse_charge`, `lago_eu_tax_exempt`.
Source: the public ibericode/vat-rates table, with the dates from which rates hold; Lago docs, EU VAT.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

PREFIX: Final = "lago_eu_"
REVERSE_CHARGE: Final = "lago_eu_reverse_charge"
TAX_EXEMPT: Final = "lago_eu_tax_exempt"
_ALWAYS: Final = date(1, 1, 1)


class Rate(NamedTuple):
    """A rate in percent and the first day it holds; it holds until the next one begins."""

    since: date
    percent: Decimal


class Territory(NamedTuple):
    """A part of a country with a rate of its own, known by its postal codes."""

    country: str
    name: str
    zipcodes: re.Pattern[str]
    percent: Decimal

    @property
    def code(self) -> str:
        """Return the code of its tax."""
        return f"{PREFIX}{self.country.lower()}_exception_{self.name}"


class GeneratedTax(NamedTuple):
    """A tax that is kept for an organization: its code, its name and its rate in percent."""

    code: str
    name: str
    percent: Decimal


def _rates(first: str, *later: tuple[date, str]) -> tuple[Rate, ...]:
    return (Rate(_ALWAYS, Decimal(first)), *(Rate(since, Decimal(percent)) for since, percent in later))


RATES: Final[Mapping[str, Sequence[Rate]]] = {
    "AT": _rates("20"),
    "BE": _rates("21"),
    "BG": _rates("20"),
    "CY": _rates("18", (date(2014, 1, 13), "19")),
    "CZ": _rates("20", (date(2013, 1, 1), "21")),
    "DE": _rates("19", (date(2020, 7, 1), "16"), (date(2021, 1, 1), "19")),
    "DK": _rates("25"),
    "EE": _rates("20", (date(2024, 1, 1), "22"), (date(2025, 7, 1), "24")),
    "ES": _rates("21"),
    "FI": _rates("23", (date(2013, 1, 1), "24"), (date(2024, 9, 1), "25.5")),
    "FR": _rates("19.6", (date(2014, 1, 1), "20")),
    "GR": _rates("23", (date(2016, 6, 1), "24")),
    "HR": _rates("25"),
    "HU": _rates("27"),
    "IE": _rates("23", (date(2020, 9, 1), "21"), (date(2021, 3, 1), "23")),
    "IT": _rates("21", (date(2013, 10, 1), "22")),
    "LT": _rates("21"),
    "LU": _rates("15", (date(2015, 1, 1), "17"), (date(2023, 1, 1), "16"), (date(2024, 1, 1), "17")),
    "LV": _rates("21"),
    "MT": _rates("18"),
    "NL": _rates("19", (date(2012, 10, 1), "21")),
    "PL": _rates("23"),
    "PT": _rates("23"),
    "RO": _rates("24", (date(2016, 1, 1), "20"), (date(2017, 1, 1), "19"), (date(2025, 8, 1), "21")),
    "SE": _rates("25"),
    "SI": _rates("20", (date(2013, 7, 1), "22")),
    "SK": _rates("20", (date(2025, 1, 1), "23")),
}
"""Standard rates of the member states, each state's by date."""

TERRITORIES: Final[Sequence[Territory]] = tuple(
    Territory(country, name, re.compile(zipcodes), Decimal(percent))
    for country, name, zipcodes, percent in (
        ("AT", "jungholz", r"6691", "19"),
        ("AT", "mittelberg", r"699[123]", "19"),
        ("DE", "heligoland", r"27498", "0"),
        ("DE", "busingen_am_hochrhein", r"78266", "0"),
        ("ES", "canary_islands", r"(35|38)\d{3}", "0"),
        ("ES", "ceuta", r"51\d{3}", "0"),
        ("ES", "melilla", r"52\d{3}", "0"),
        ("FI", "aland_islands", r"22\d{3}", "0"),
        ("FR", "guadeloupe", r"971\d{2}", "8.5"),
        ("FR", "martinique", r"972\d{2}", "8.5"),
        ("FR", "guyane", r"973\d{2}", "0"),
        ("FR", "reunion", r"974\d{2}", "8.5"),
        ("FR", "mayotte", r"976\d{2}", "0"),
        ("GR", "mount_athos", r"63086", "0"),
        ("IT", "campione_d_italia", r"2206[01]", "0"),
        ("IT", "livigno", r"23030|23041", "0"),
        ("PT", "azores", r"9[5-9]\d{2}(-?\d{3})?", "18"),
        ("PT", "madeira", r"9[0-4]\d{2}(-?\d{3})?", "22"),
    )
)

_NEED_A_NUMBER: Final = frozenset({"FR"})
"""Countries whose territories count for customers with a tax number alone."""


def is_member(country: str | None) -> bool:
    """Tell whether a country, by its two letters, is a member state."""
    return country in RATES


def standard_code(country: str) -> str:
    """Return the code of a member state's standard tax."""
    return f"{PREFIX}{country.lower()}_standard"


def rate_on(country: str, day: date) -> Decimal:
    """Return a member state's standard rate, in percent, that holds on a day."""
    return [rate.percent for rate in RATES[country] if rate.since <= day][-1]


def next_change(after: date) -> date | None:
    """Return the first day after `after` on which any rate changes, as far as is known."""
    return min((rate.since for rates in RATES.values() for rate in rates if rate.since > after), default=None)


def generated_taxes(day: date) -> list[GeneratedTax]:
    """Return all taxes that an organization under these rules has, with the rates of a day."""
    standard = [GeneratedTax(standard_code(country), f"VAT {country}", rate_on(country, day)) for country in RATES]
    special = [GeneratedTax(item.code, f"VAT {item.country} {item.name.replace('_', ' ').title()}", item.percent) for item in TERRITORIES]
    none = [GeneratedTax(REVERSE_CHARGE, "Reverse charge", Decimal(0)), GeneratedTax(TAX_EXEMPT, "Tax exempt", Decimal(0))]
    return [*standard, *special, *none]


def territory_code(*, country: str | None, zipcode: str | None, has_number: bool) -> str | None:
    """Return the tax of the territory that a postal code lies in; some count for customers with a tax number alone."""
    if country is None or zipcode is None or (country in _NEED_A_NUMBER and not has_number):
        return None
    text = zipcode.strip()
    return next((item.code for item in TERRITORIES if item.country == country and item.zipcodes.fullmatch(text)), None)


def code_without_number(*, country: str | None, entity_country: str) -> str:
    """Return the tax of a customer who proves no tax number: that of its own country, of the sender's where it says none."""
    if country is None:
        return standard_code(entity_country)
    return standard_code(country) if is_member(country) else TAX_EXEMPT


def code_with_number(*, number_country: str, zipcode: str | None, entity_country: str) -> str:
    """Return the tax of a customer whose number is valid: at home the sender's own rate, elsewhere the customer pays it."""
    if number_country != entity_country:
        return REVERSE_CHARGE
    special = territory_code(country=number_country, zipcode=zipcode, has_number=True)
    return special or standard_code(entity_country)
