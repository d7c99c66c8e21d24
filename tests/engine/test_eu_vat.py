"""Value added tax of the European Union: rates by date, territories, and which tax a customer is due."""

from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daycount.engine.eu_vat import (
    RATES,
    TERRITORIES,
    code_with_number,
    code_without_number,
    generated_taxes,
    is_member,
    next_change,
    rate_on,
    territory_code,
)

MEMBERS = sorted(RATES)


def test_there_are_27_member_states_and_no_country_has_two_rates_on_a_day() -> None:
    assert len(RATES) == 27
    for country, rates in RATES.items():
        days = [rate.since for rate in rates]
        assert days == sorted(set(days)), country  # each rate begins where the one before ends: no overlap, no gap
        assert all(earlier.percent != later.percent for earlier, later in pairwise(rates)), country
        assert all(Decimal(15) <= rate.percent <= Decimal(27) for rate in rates), country


def test_no_postal_code_lies_in_two_territories_of_a_country() -> None:
    for first in range(100_000):
        text = f"{first:05}"
        found = {(item.country, item.name) for item in TERRITORIES if item.zipcodes.fullmatch(text)}
        assert len({country for country, _ in found}) == len(found), text


@pytest.mark.parametrize(
    ("country", "day", "percent"),
    [
        ("DE", "2020-06-30", "19"),
        ("DE", "2020-07-01", "16"),
        ("DE", "2020-12-31", "16"),
        ("DE", "2021-01-01", "19"),
        ("EE", "2023-12-31", "20"),
        ("EE", "2024-01-01", "22"),
        ("EE", "2025-07-01", "24"),
        ("FI", "2024-08-31", "24"),
        ("FI", "2024-09-01", "25.5"),
        ("RO", "2025-07-31", "19"),
        ("RO", "2025-08-01", "21"),
        ("SK", "2025-01-01", "23"),
        ("LU", "2023-06-01", "16"),
        ("FR", "2026-07-01", "20"),
        ("HU", "2026-07-01", "27"),
    ],
)
def test_a_rate_holds_from_its_day_on(country: str, day: str, percent: str) -> None:
    assert rate_on(country, date.fromisoformat(day)) == Decimal(percent)


def test_the_rates_of_2026_are_those_of_the_contract() -> None:
    first = "at20 be21 bg20 cy19 cz21 de19 dk25 ee24 es21 fi25.5 fr20 gr24 hr25 hu27"
    shown = first + " ie23 it22 lt21 lu17 lv21 mt18 nl21 pl23 pt23 ro21 se25 si22 sk23"

    assert " ".join(f"{country.lower()}{rate_on(country, date(2026, 7, 1))}" for country in MEMBERS) == shown


def test_changes_are_known_by_their_day() -> None:
    assert next_change(date(2024, 8, 31)) == date(2024, 9, 1)
    assert next_change(date(2025, 7, 1)) == date(2025, 8, 1)
    assert next_change(date(2026, 1, 1)) is None


def test_every_tax_that_can_be_due_is_generated() -> None:
    taxes = generated_taxes(date(2026, 7, 1))

    codes = [tax.code for tax in taxes]
    assert len(codes) == len(set(codes)) == 27 + len(TERRITORIES) + 2
    assert {"lago_eu_de_standard", "lago_eu_fr_exception_reunion", "lago_eu_reverse_charge", "lago_eu_tax_exempt"} <= set(codes)
    assert {tax.code: tax.percent for tax in taxes}["lago_eu_pt_exception_madeira"] == 22


@pytest.mark.parametrize(
    ("country", "zipcode", "has_number", "code"),
    [
        ("FR", "97400", True, "lago_eu_fr_exception_reunion"),
        ("FR", "97400", False, None),
        ("FR", "75001", True, None),
        ("ES", "35001", False, "lago_eu_es_exception_canary_islands"),
        ("ES", " 38001 ", False, "lago_eu_es_exception_canary_islands"),
        ("ES", "28001", False, None),
        ("DE", "78266", False, "lago_eu_de_exception_busingen_am_hochrhein"),
        ("PT", "9000-001", False, "lago_eu_pt_exception_madeira"),
        ("PT", "9500", False, "lago_eu_pt_exception_azores"),
        ("US", "35001", False, None),
        (None, "35001", False, None),
        ("ES", None, False, None),
    ],
)
def test_a_postal_code_leads_to_its_territory(country: str | None, zipcode: str | None, has_number: bool, code: str | None) -> None:
    assert territory_code(country=country, zipcode=zipcode, has_number=has_number) == code


def test_without_a_number_the_customers_country_counts_or_the_senders() -> None:
    assert code_without_number(country="DE", entity_country="FR") == "lago_eu_de_standard"
    assert code_without_number(country=None, entity_country="FR") == "lago_eu_fr_standard"
    assert code_without_number(country="US", entity_country="FR") == "lago_eu_tax_exempt"


def test_with_a_number_the_customer_pays_elsewhere_and_the_own_rate_counts_at_home() -> None:
    assert code_with_number(number_country="DE", zipcode=None, entity_country="FR") == "lago_eu_reverse_charge"
    assert code_with_number(number_country="FR", zipcode="75001", entity_country="FR") == "lago_eu_fr_standard"
    assert code_with_number(number_country="ES", zipcode="51001", entity_country="ES") == "lago_eu_es_exception_ceuta"


@given(st.sampled_from([*MEMBERS, "US", "CH", None]), st.sampled_from(MEMBERS), st.from_regex(r"[0-9]{4,5}", fullmatch=True))
def test_whatever_is_due_is_among_the_generated_taxes(country: str | None, entity_country: str, zipcode: str) -> None:
    known = {tax.code for tax in generated_taxes(date(2026, 7, 1))}
    found = {
        territory_code(country=country, zipcode=zipcode, has_number=True),
        code_without_number(country=country, entity_country=entity_country),
    }
    if is_member(country) and country is not None:
        found.add(code_with_number(number_country=country, zipcode=zipcode, entity_country=entity_country))

    assert found - {None} <= known
