"""Every model's price in words, from the steps it leaves behind."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from daycount.engine.charges.consumption import Change, Consumption
from daycount.engine.charges.dispatch import price, price_prorated
from daycount.engine.charges.models import ChargeModel
from daycount.invoicing.explain_price import explain_price
from daycount.money import decimal_text, exact_text

TIERS = [
    {"from_value": 0, "to_value": 5, "per_unit_amount": "12", "rate": "12", "flat_amount": "10"},
    {"from_value": 6, "to_value": None, "per_unit_amount": "9", "rate": "9", "flat_amount": "0"},
]
LIMITED = {"rate": "1.9", "fixed_amount": "0.4", "per_transaction_min_amount": "2", "free_units_per_events": 1}
FREE = {"rate": "1.9", "fixed_amount": "0.4", "free_units_per_total_aggregation": "5"}
CASES: dict[ChargeModel, tuple[dict[str, Any], list[str]]] = {
    ChargeModel.STANDARD: ({"amount": "0.5"}, ["8.0 units at $0.50 each are 4.0 USD."]),
    ChargeModel.GRADUATED: (
        {"graduated_ranges": TIERS},
        [
            "5.0 units above 0.0 up to 5.0 at $12.00 each plus $10.00 for the tier are 70.0 USD.",
            "3.0 units above 5.0 at $9.00 each are 27.0 USD.",
            "Together 97.0 USD.",
        ],
    ),
    ChargeModel.GRADUATED_PERCENTAGE: (
        {"graduated_percentage_ranges": TIERS},
        [
            "5.0 units above 0.0 up to 5.0 at 12.0 % plus $10.00 for the tier are 10.6 USD.",
            "3.0 units above 5.0 at 9.0 % are 0.27 USD.",
            "Together 10.87 USD.",
        ],
    ),
    ChargeModel.VOLUME: (
        {"volume_ranges": TIERS},
        ["8.0 units in all choose the tier above 5.0.", "8.0 units at $9.00 each are 72.0 USD."],
    ),
    ChargeModel.PACKAGE: (
        {"amount": "3", "package_size": 3, "free_units": 1},
        ["1.0 units are free; 7.0 of 8.0 are paid.", "They take 3 packages of 3 at $3.00 each: 9.0 USD."],
    ),
    ChargeModel.DYNAMIC: ({}, ["The events brought amounts of 1.25 USD along; 1.25 USD are due."]),
    ChargeModel.CUSTOM: ({}, ["The custom aggregation came to 0.0 USD."]),
}


def said(model: ChargeModel, properties: dict[str, Any], **fields: Any) -> list[str]:
    given: dict[str, Any] = {"values": (Decimal(2), Decimal(6)), "events_count": 2, "event_amount": Fraction("1.25")} | fields
    consumption = Consumption(units=Decimal(8), full_units=Decimal(8), **given)
    found = (price_prorated if "changes" in fields else price)(model, properties=properties, consumption=consumption)
    derivation = {"model": model.value, "units": decimal_text(consumption.units), "amount": exact_text(found.amount), **found.steps}
    return explain_price(derivation, currency="USD")


@pytest.mark.parametrize("model", CASES)
def test_a_price_says_how_it_came_about(model: ChargeModel) -> None:
    properties, expected = CASES[model]

    assert said(model, properties) == expected


def test_a_percentage_says_what_is_free_and_what_is_taken() -> None:
    # Events of 2 and 6, of which 5 units are free: 3 × 1.9 % = 0.057, and 0.40 for the second event.
    assert said(ChargeModel.PERCENTAGE, FREE) == [
        "5.0 units and 1 events are free.",
        "1.9 % of 3.0 units are 0.057 USD.",
        "1 events at $0.40 each are 0.4 USD.",
        "Together 0.457 USD.",
    ]


def test_a_percentage_with_limits_says_what_each_transaction_comes_to() -> None:
    # The first event is free; 6 × 1.9 % + 0.40 = 0.514, at least 2.
    assert said(ChargeModel.PERCENTAGE, LIMITED) == [
        "2.0 units and 1 events are free.",
        "Each of 1 events is priced by itself: 1.9 % plus $0.40, at least $2.00.",
        "6.0 units come to 0.514, billed 2.0 USD.",
        "Together 2.0 USD.",
    ]


def test_a_prorated_graduated_price_says_what_came_and_went() -> None:
    changes = (Change(Decimal(4), Fraction(1)), Change(Decimal(4), Fraction(1, 3)))

    # 4 × 12 + (12 + 3 × 9) / 3 = 61, and the flat amount of the first tier.
    assert said(ChargeModel.GRADUATED, {"graduated_ranges": TIERS}, changes=changes) == [
        "4.0 units changed with 1.0 of the period left.",
        "4.0 units changed with 1/3 of the period left.",
        "At most 8.0 units were there at once; each counts in the tier it stood in, for its share.",
        "13/3 units above 0.0 up to 5.0 at $12.00 each plus $10.00 for the tier are 62.0 USD.",
        "1.0 units above 5.0 at $9.00 each are 9.0 USD.",
        "Together 71.0 USD.",
    ]
