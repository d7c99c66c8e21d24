"""Charge models: tables worked by hand, the contract's worked examples among them, and what holds for any price."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daycount.engine.charges.consumption import Change, Consumption
from daycount.engine.charges.dispatch import price, price_prorated, read_properties
from daycount.engine.charges.models import ChargeModel
from daycount.money import CURRENCIES, decimal_text, precise_cents, to_cents

GRADUATED, VOLUME, PACKAGE, PERCENTAGE = ChargeModel.GRADUATED, ChargeModel.VOLUME, ChargeModel.PACKAGE, ChargeModel.PERCENTAGE
GRADUATED_PERCENTAGE = ChargeModel.GRADUATED_PERCENTAGE


def tier(start: Any, end: Any, rate: Any, flat: Any, *, name: str = "per_unit_amount") -> dict[str, Any]:
    """Describe a range as a caller does."""
    return {"from_value": start, "to_value": end, name: rate, "flat_amount": flat}


E1 = {"graduated_ranges": [tier(0, 100, "0.30", "7"), tier(101, 500, "0.20", "4"), tier(501, None, "0.05", "0")]}
E2 = {"graduated_ranges": [tier(0, 100, "0.30", "7"), tier(100, 500, "0.20", "4"), tier(500, None, "0.05", "0")]}
E3 = {"volume_ranges": [tier(0, 50, "2", "5"), tier(51, 200, "1.4", "9"), tier(201, None, "0.9", "0")]}
E4 = {"package_size": 250, "amount": "12.5", "free_units": 40}
E5 = {"graduated_percentage_ranges": [tier(0, 1000, "2.5", "3", name="rate"), tier(1001, None, "1.25", "8", name="rate")]}
E6 = {"graduated_percentage_ranges": [tier(0, 1000, "2.5", "3", name="rate"), tier(1000, None, "1.25", "8", name="rate")]}
E9 = {"graduated_ranges": [tier(0, 5, "12", "10"), tier(6, 15, "9", "20"), tier(16, None, "5", "30")]}
E10 = {"volume_ranges": [tier(0, 10, "8", "3"), tier(11, None, "6", "5")]}


def of(units: Any, full_units: Any = None, **fields: Any) -> Consumption:
    """Describe consumption; without proration all units are full."""
    return Consumption(units=Decimal(str(units)), full_units=Decimal(str(units if full_units is None else full_units)), **fields)


def amount(model: ChargeModel, properties: dict[str, Any], units: Any) -> str:
    """Return what so many units cost, as text."""
    return decimal_text(price(model, properties=properties, consumption=of(units)).amount)


@pytest.mark.parametrize(
    ("unit", "units", "currency", "cents", "precise"),
    [
        # 1 234 × 0.00337 = 4.15858, of which no unit is rounded by itself; 10.5 × 3.1 = 32.55 yen, which have no decimals.
        ("0.00337", 1234, "USD", 416, "415.858"),
        ("3.1", "10.5", "JPY", 33, "32.55"),
    ],
)
def test_e11_an_amount_is_rounded_once(unit: str, units: Any, currency: str, cents: int, precise: str) -> None:
    found = price(ChargeModel.STANDARD, properties={"amount": unit}, consumption=of(units))

    money = CURRENCIES[currency]
    assert (to_cents(found.amount, currency=money), decimal_text(precise_cents(found.amount, currency=money))) == (cents, precise)
    assert found.unit_amount == Fraction(unit)


@pytest.mark.parametrize("ranges", [E1, E2], ids=["E1", "E2"])
@pytest.mark.parametrize(
    ("units", "expected"),
    [
        (0, "7.0"),  # the first flat amount, even without units
        (1, "7.3"),
        (100, "37.0"),  # 100 × 0.30 + 7
        ("100.5", "41.1"),  # 37 + half a unit at 0.20 + 4
        (101, "41.2"),
        (250, "71.0"),  # 37 + 150 × 0.20 + 4
        (500, "121.0"),  # 37 + 400 × 0.20 + 4
        ("612.25", "126.6125"),  # 121 + 112.25 × 0.05
    ],
)
def test_e1_e2_each_tier_prices_only_its_own_units(ranges: dict[str, Any], units: Any, expected: str) -> None:
    assert amount(GRADUATED, ranges, units) == expected


def test_e1_a_graduated_price_shows_the_tiers_it_reached() -> None:
    found = price(GRADUATED, properties=E1, consumption=of(101))

    assert round(found.unit_amount, 10) == Fraction("0.4079207921")  # 41.20 / 101
    assert found.amount_details == {
        "graduated_ranges": [
            {
                "from_value": 0,
                "to_value": 100,
                "flat_unit_amount": "7.0",
                "per_unit_amount": "0.3",
                "units": "100.0",
                "per_unit_total_amount": "30.0",
                "total_with_flat_amount": "37.0",
            },
            {
                "from_value": 101,
                "to_value": 500,
                "flat_unit_amount": "4.0",
                "per_unit_amount": "0.2",
                "units": "1.0",
                "per_unit_total_amount": "0.2",
                "total_with_flat_amount": "4.2",
            },
        ]
    }


def test_a_graduated_price_without_units_shows_the_first_tier_without_a_unit_price() -> None:
    [shown] = price(GRADUATED, properties=E1, consumption=of(0)).amount_details["graduated_ranges"]

    assert (shown["per_unit_amount"], shown["units"], shown["total_with_flat_amount"]) == ("0.0", "0.0", "7.0")


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        (0, "5.0"),
        (50, "105.0"),  # 50 × 2 + 5
        ("50.5", "79.7"),  # the second tier: 50.5 × 1.4 + 9
        (51, "80.4"),
        (200, "289.0"),  # 200 × 1.4 + 9
        (320, "288.0"),  # 320 × 0.9: cheaper than 200 units
    ],
)
def test_e3_the_tier_of_all_units_prices_them_all(units: Any, expected: str) -> None:
    assert amount(VOLUME, E3, units) == expected


def test_e10_a_prorated_volume_price_chooses_its_tier_by_full_units() -> None:
    found = price_prorated(VOLUME, properties=E10, consumption=of("9.5", 13))

    assert found.amount == 62  # 9.5 × 6 + 5, the flat amount in full
    assert found.amount_details == {
        "flat_unit_amount": "5.0",
        "per_unit_amount": "4.384615384615385",  # 57 / 13
        "per_unit_total_amount": "57.0",
    }


@pytest.mark.parametrize(
    ("units", "expected"),
    [(0, "0.0"), (25, "0.0"), (40, "0.0"), ("40.1", "12.5"), (290, "12.5"), (291, "25.0"), (1000, "50.0")],
)
def test_e4_a_package_begun_is_paid_in_full(units: Any, expected: str) -> None:
    assert amount(PACKAGE, E4, units) == expected


def test_e4_a_package_price_shows_what_is_paid_and_what_is_free() -> None:
    found = price(PACKAGE, properties=E4, consumption=of(291))
    nothing = price(PACKAGE, properties=E4, consumption=of(0))

    assert found.unit_amount == Fraction(25, 251)  # 0.0996 for each paid unit
    assert found.amount_details == {
        "free_units": "40.0",
        "paid_units": "251.0",
        "per_package_size": 250,
        "per_package_unit_amount": "12.5",
    }
    assert nothing.amount_details == {
        "free_units": "0.0",
        "paid_units": "0.0",
        "per_package_size": 0,
        "per_package_unit_amount": "0.0",
    }


@pytest.mark.parametrize("ranges", [E5, E6], ids=["E5", "E6"])
@pytest.mark.parametrize(
    ("units", "expected"),
    [
        (0, "3.0"),
        (400, "13.0"),  # 400 × 2.5 % + 3
        (1000, "28.0"),
        ("1000.4", "36.005"),  # 28 + 0.4 × 1.25 % + 8
        (1600, "43.5"),  # 28 + 600 × 1.25 % + 8, also with adjacent bounds
    ],
)
def test_e5_e6_each_tier_takes_its_percentage_of_its_own_units(ranges: dict[str, Any], units: Any, expected: str) -> None:
    assert amount(GRADUATED_PERCENTAGE, ranges, units) == expected


def test_e5_a_graduated_percentage_price_shows_rates() -> None:
    [first, second] = price(GRADUATED_PERCENTAGE, properties=E5, consumption=of(1600)).amount_details["graduated_percentage_ranges"]

    assert first["total_with_flat_amount"] == "28.0"
    assert second == {
        "from_value": 1001,
        "to_value": None,
        "flat_unit_amount": "8.0",
        "rate": "1.25",
        "units": "600.0",
        "per_unit_total_amount": "7.5",
        "total_with_flat_amount": "15.5",
    }


def percentage(values: list[int], **properties: Any) -> Any:
    """Price events by 1.9 % and 0.40 each."""
    given = {"rate": "1.9", "fixed_amount": "0.4"} | properties
    numbers = tuple(Decimal(value) for value in values)
    consumption = of(sum(values), events_count=len(values), values=numbers)
    return price(PERCENTAGE, properties=given, consumption=consumption)


@pytest.mark.parametrize(
    ("events", "total", "expected"),
    [
        (None, None, "24.95"),  # 1250 × 1.9 % = 23.75, and 3 × 0.40
        (2, None, "6.1"),  # 300 × 1.9 % + 0.40
        (None, "600", "13.15"),  # 650 × 1.9 % + 2 × 0.40
        (1, "900", "15.05"),  # 750 × 1.9 % + 2 × 0.40
        (3, "600", "13.15"),  # the 600 are used up first
        (3, "5000", "0.0"),
        (None, "500", "15.45"),  # 750 × 1.9 % + 3 × 0.40: a running total of 500 is not below 500
    ],
)
def test_e7_free_units_and_free_events_of_a_percentage(events: int | None, total: str | None, expected: str) -> None:
    found = percentage([500, 450, 300], free_units_per_events=events, free_units_per_total_aggregation=total)

    assert decimal_text(found.amount) == expected


def test_e7_a_percentage_shows_how_it_came_about() -> None:
    found = percentage([500, 450, 300], free_units_per_total_aggregation="600")

    assert found.amount_details == {
        "units": "1250.0",
        "free_units": "600.0",
        "free_events": 1,
        "paid_units": "650.0",
        "rate": "1.9",
        "per_unit_total_amount": "12.35",
        "paid_events": 2,
        "fixed_fee_unit_amount": "0.4",
        "fixed_fee_total_amount": "0.8",
        "min_max_adjustment_total_amount": "0.0",
    }


@pytest.mark.parametrize(
    ("events", "total", "expected", "adjustment"),
    [
        (None, None, "18.0", "-6.95"),  # 1.16 → 2, 8.95 → 8, 14.84 → 8
        (1, None, "16.0", "-7.79"),  # 8 + 8; 1210 × 1.9 % + 2 × 0.40 = 23.79
        (None, "300", "12.01", "-6.84"),  # 0, then 190 × 1.9 % + 0.40 = 4.01, then 8; 950 × 1.9 % + 0.80 = 18.85
        (1, "300", "12.01", "-6.84"),  # free events do not count beside free units
        (None, "490", "10.0", "-5.24"),  # the second event uses them up and is priced on nothing: 0.40 → 2, then 8
    ],
)
def test_e8_each_transaction_stays_between_its_least_and_its_most(
    events: int | None, total: str | None, expected: str, adjustment: str
) -> None:
    limits = {"per_transaction_min_amount": "2", "per_transaction_max_amount": "8"}

    found = percentage([40, 450, 760], free_units_per_events=events, free_units_per_total_aggregation=total, **limits)

    assert decimal_text(found.amount) == expected
    assert found.amount_details["min_max_adjustment_total_amount"] == adjustment


HALF, WHOLE = Fraction(15, 30), Fraction(1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([(4, WHOLE)], "58.0"),  # 4 × 12 + 10
        ([(4, WHOLE), (3, HALF)], "93.0"),  # 48 + 6 + 2 × 4.50 + 10 + 20
        ([(4, WHOLE), (14, HALF)], "166.5"),  # 48 + 6 + 10 × 4.50 + 3 × 2.50 + 60
        ([(20, WHOLE)], "235.0"),  # 60 + 90 + 25 + 60
        ([(20, HALF)], "147.5"),  # 175 / 2 + 60
        ([(8, WHOLE), (-4, HALF)], "97.5"),  # 87 − (27 + 12) / 2 + 30
        ([(8, WHOLE), (-6, HALF)], "85.5"),  # 87 − (27 + 36) / 2 + 30: both flat amounts stay
        ([], "10.0"),
    ],
)
def test_e9_a_prorated_graduated_price_follows_what_comes_and_goes(changes: list[tuple[int, Fraction]], expected: str) -> None:
    given = [Change(Decimal(units), share) for units, share in changes]
    full = sum(units for units, _ in changes)

    found = price_prorated(GRADUATED, properties=E9, consumption=of(full, changes=given))

    assert decimal_text(found.amount) == expected
    assert found.amount_details == {}


def test_an_amount_of_each_event_is_added_up_and_needs_units() -> None:
    brought = Fraction("12.345")

    assert price(ChargeModel.DYNAMIC, properties={}, consumption=of(3, event_amount=brought)).amount == brought
    assert price(ChargeModel.DYNAMIC, properties={}, consumption=of(0, event_amount=brought)).amount == 0
    assert price(ChargeModel.CUSTOM, properties={}, consumption=of(4, custom_amount=brought)).unit_amount == brought / 4


# What holds for any price.

numbers = st.decimals(min_value=0, max_value=2000, places=2)


@given(numbers, numbers)
def test_more_units_never_cost_less_by_tiers(one: Decimal, other: Decimal) -> None:
    low, high = sorted((one, other))

    for model, ranges in ((GRADUATED, E1), (GRADUATED_PERCENTAGE, E5), (PACKAGE, E4)):
        assert price(model, properties=ranges, consumption=of(low)).amount <= price(model, properties=ranges, consumption=of(high)).amount


@given(numbers)
def test_bounds_that_touch_and_bounds_one_apart_mean_the_same(units: Decimal) -> None:
    assert amount(GRADUATED, E1, units) == amount(GRADUATED, E2, units)
    assert amount(GRADUATED_PERCENTAGE, E5, units) == amount(GRADUATED_PERCENTAGE, E6, units)


@given(numbers, st.decimals(min_value=0, max_value=10, places=4))
def test_one_open_tier_is_a_standard_price(units: Decimal, rate: Decimal) -> None:
    standard = amount(ChargeModel.STANDARD, {"amount": str(rate)}, units)
    one = [tier(0, None, str(rate), "0")]

    assert amount(VOLUME, {"volume_ranges": one}, units) == standard
    assert amount(GRADUATED, {"graduated_ranges": one}, units) == standard


@given(st.lists(st.integers(1, 30), max_size=6))
def test_what_stays_for_the_whole_period_is_not_prorated(added: list[int]) -> None:
    changes = [Change(Decimal(units), WHOLE) for units in added]

    whole = price(GRADUATED, properties=E9, consumption=of(sum(added)))

    assert price_prorated(GRADUATED, properties=E9, consumption=of(sum(added), changes=changes)).amount == whole.amount


@given(st.lists(st.integers(0, 900), max_size=6), numbers)
def test_a_free_allowance_never_makes_a_percentage_dearer(values: list[int], total: Decimal) -> None:
    assert percentage(values, free_units_per_total_aggregation=str(total)).amount <= percentage(values).amount


# Reading properties.

OPEN = tier(0, None, "1", "0")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (ChargeModel.STANDARD, {"amount": "0"}),
        (GRADUATED, {"graduated_ranges": [tier(0, None, "0", "0")]}),
        (VOLUME, {"volume_ranges": [tier(0, None, "0", "0")]}),
        (GRADUATED_PERCENTAGE, {"graduated_percentage_ranges": [tier(0, None, "0", "0", name="rate")]}),
        (PACKAGE, {"amount": "0", "package_size": 1, "free_units": 0}),
        (PERCENTAGE, {"rate": "0"}),
        (ChargeModel.DYNAMIC, {}),
        (ChargeModel.CUSTOM, {"custom_properties": {}}),
    ],
)
def test_a_model_has_a_default(model: ChargeModel, expected: dict[str, Any]) -> None:
    assert read_properties(model, {}) == (expected, [])


@pytest.mark.parametrize(
    ("model", "given", "codes"),
    [
        (ChargeModel.STANDARD, {"amount": 1}, ["invalid_amount"]),
        (ChargeModel.STANDARD, {"amount": "-1"}, ["invalid_amount"]),
        (ChargeModel.STANDARD, {"amount": "1e-3"}, []),
        (PACKAGE, {"amount": "1", "package_size": 10, "free_units": 0}, []),
        (PACKAGE, {"amount": "1", "package_size": 10}, ["invalid_free_units"]),
        (PACKAGE, {"amount": "x", "package_size": 0, "free_units": "1"}, ["invalid_amount", "invalid_package_size", "invalid_free_units"]),
        (PACKAGE, {"amount": "1", "package_size": True, "free_units": -1}, ["invalid_package_size", "invalid_free_units"]),
        (GRADUATED, {"graduated_ranges": []}, ["missing_graduated_ranges"]),
        (GRADUATED, {"amount": "1"}, ["missing_graduated_ranges"]),
        (GRADUATED, {"graduated_ranges": [OPEN]}, []),
        (GRADUATED, {"graduated_ranges": [tier(1, None, "1", "0")]}, []),
        (GRADUATED, {"graduated_ranges": [tier(2, None, "1", "0")]}, ["invalid_graduated_ranges"]),
        (GRADUATED, {"graduated_ranges": [tier(0, 5, "1", "0")]}, ["invalid_graduated_ranges"]),
        (GRADUATED, {"graduated_ranges": [OPEN, tier(1, None, "1", "0")]}, ["invalid_graduated_ranges"] * 2),
        (GRADUATED, {"graduated_ranges": [tier(0, 5, "1", "0"), tier(7, None, "1", "0")]}, ["invalid_graduated_ranges"]),
        (GRADUATED, {"graduated_ranges": [tier(0, Decimal("0.5"), "1", "0"), tier(Decimal("0.5"), None, "1", "0")]}, []),
        (GRADUATED, {"graduated_ranges": [tier(0, None, 1, None)]}, ["invalid_amount", "invalid_amount"]),
        (GRADUATED, {"graduated_ranges": ["x"]}, ["invalid_amount", "invalid_amount", "invalid_graduated_ranges"]),
        (VOLUME, {"volume_ranges": [tier(0, 5, "1", "0"), tier(5, None, "1", "0")]}, []),
        (VOLUME, {"volume_ranges": [tier(0, 5, "1", "0"), tier(7, None, "1", "0")]}, ["invalid_volume_ranges"]),
        (VOLUME, {"volume_ranges": None}, ["missing_volume_ranges"]),
        (GRADUATED_PERCENTAGE, {"graduated_percentage_ranges": [tier(0, None, "x", "y", name="rate")]}, ["invalid_rate", "invalid_amount"]),
        (GRADUATED_PERCENTAGE, {"graduated_percentage_ranges": None}, ["missing_graduated_percentage_ranges"]),
        (
            GRADUATED_PERCENTAGE,
            {"graduated_percentage_ranges": [tier(0, 5, "1", "0", name="rate"), tier(8, None, "1", "0", name="rate")]},
            ["invalid_graduated_percentage_ranges"],
        ),
        (PERCENTAGE, {"rate": "1.5", "fixed_amount": None, "free_units_per_events": None}, []),
        (PERCENTAGE, {"fixed_amount": "x"}, ["invalid_rate", "invalid_fixed_amount"]),
        (PERCENTAGE, {"rate": "1", "free_units_per_events": 0}, ["invalid_free_units_per_events"]),
        (PERCENTAGE, {"rate": "1", "free_units_per_events": "3"}, ["invalid_free_units_per_events"]),
        (PERCENTAGE, {"rate": "1", "free_units_per_total_aggregation": 3}, ["invalid_free_units_per_total_aggregation"]),
        (PERCENTAGE, {"rate": "1", "per_transaction_min_amount": 1}, ["invalid_amount"]),
        (
            PERCENTAGE,
            {"rate": "1", "per_transaction_min_amount": "2", "per_transaction_max_amount": "1.99"},
            ["per_transaction_max_lower_than_per_transaction_min"],
        ),
        (ChargeModel.CUSTOM, {"custom_properties": "not JSON"}, []),
    ],
)
def test_every_offence_in_properties_has_its_code(model: ChargeModel, given: dict[str, Any], codes: list[str]) -> None:
    assert read_properties(model, given)[1] == codes


def test_only_the_models_own_properties_are_kept() -> None:
    assert read_properties(PERCENTAGE, {"rate": "1", "fixed_amount": None, "amount": "3"}) == ({"rate": "1", "fixed_amount": None}, [])
    assert read_properties(ChargeModel.CUSTOM, {"custom_properties": '{"a": 1}', "x": 2}) == ({"custom_properties": {"a": 1}}, [])
    kept, _ = read_properties(
        GRADUATED, {"graduated_ranges": [tier(0, Decimal("100.0"), "1", "0"), tier(Decimal("100.0"), None, "1", "0")]}
    )
    assert kept["graduated_ranges"][0]["to_value"] == 100
