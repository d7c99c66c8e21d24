"""What an event paid for in advance costs, worked out by hand; and that a period's fees add up to the price of its units."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daycount.engine.advance import Happening, Standing, Step, event_fee, running_quantity, take_step
from daycount.engine.calendar import DayRange, Window
from daycount.engine.charges.consumption import Consumption
from daycount.engine.charges.dispatch import price
from daycount.engine.charges.models import ChargeModel
from daycount.engine.fees import ChargeTerms, FeeDraft
from daycount.engine.metrics import Bucket, Quantity
from daycount.money import CURRENCIES
from daycount.periods import Period

D = Decimal
USD = CURRENCIES["USD"]
APRIL = Window(
    period=Period(datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)),
    days=DayRange(date(2026, 4, 1), date(2026, 4, 30)),
    full_days=30,
    is_cut=False,
)
STANDARD = (ChargeModel.STANDARD, {"amount": "12"})
GRADUATED = (
    ChargeModel.GRADUATED,
    {
        "graduated_ranges": [
            {"from_value": 0, "to_value": 10, "per_unit_amount": "0.30", "flat_amount": "7"},
            {"from_value": 11, "to_value": None, "per_unit_amount": "0.20", "flat_amount": "4"},
        ]
    },
)
PACKAGE = (ChargeModel.PACKAGE, {"amount": "5", "package_size": 4, "free_units": 3})
PERCENTAGE = (ChargeModel.PERCENTAGE, {"rate": "2", "fixed_amount": "0.5", "free_units_per_events": 2})
LIMITED = (ChargeModel.PERCENTAGE, {"rate": "2", "per_transaction_min_amount": "1", "per_transaction_max_amount": "3"})
BY_SHARES = (
    ChargeModel.GRADUATED_PERCENTAGE,
    {
        "graduated_percentage_ranges": [
            {"from_value": 0, "to_value": 100, "rate": "1", "flat_amount": "2"},
            {"from_value": 101, "to_value": None, "rate": "3", "flat_amount": "0"},
        ]
    },
)
Model = tuple[ChargeModel, dict[str, Any]]


def happens(day: int) -> Happening:
    return Happening(key=None, at=datetime(2026, 4, day, 9, tzinfo=UTC), transaction_id=f"on the {day}.")


def walk(changes: Sequence[tuple[int, str]], model: Model, *, is_prorated: bool = False, carried: str = "0") -> list[tuple[Step, FeeDraft]]:
    """Count events of (day, change) one after the other, each on what those before it left, and price them."""
    terms = ChargeTerms(
        charge_id=UUID(int=1),
        subscription_id=UUID(int=2),
        charge_model=model[0],
        properties=model[1],
        metric={},
        bucket=Bucket(None, ()),
        group_keys=(),
        filter_values=None,
    )
    standing, found = Standing(), []
    for day, change in changes:
        step = take_step(standing, change=D(change), happening=happens(day), window=APRIL, is_prorated=is_prorated, zone=ZoneInfo("UTC"))
        fee = event_fee(
            terms,
            step=step,
            carried=D(carried),
            happening=happens(day),
            window=APRIL,
            zone="UTC",
            is_prorated=is_prorated,
            currency=USD,
        )
        found.append((step, fee))
        standing = step.after
    return found


def figures(found: Sequence[tuple[Step, FeeDraft]]) -> list[tuple[str, int]]:
    return [(str(fee.units), fee.amount_cents) for _, fee in found]


CASES: dict[str, tuple[Model, list[str], list[tuple[str, int]]]] = {
    # What goes is not refunded, what comes back is free; a sum that began below nothing must rise above it first.
    "standard": (STANDARD, ["2", "-1", "1", "3"], [("2", 2400), ("0", 0), ("1", 0), ("3", 3600)]),
    "below nothing": (STANDARD, ["-5", "3", "4"], [("0", 0), ("3", 0), ("2", 2400)]),
    # 7 + 0.30 · 9 x 0.30 · 4 + 0.20 · back to 9 and up to 12: only one more
    "graduated": (GRADUATED, ["1", "9", "1", "-2", "3"], [("1", 730), ("9", 270), ("1", 420), ("0", 0), ("1", 20)]),
    # 3 are free · 1 paid: a package · up to 4 paid: the same · the fifth: another
    "package": (PACKAGE, ["3", "1", "3", "1"], [("3", 0), ("1", 500), ("3", 0), ("1", 500)]),
    # two events free · 10 x 2 % + 0.50
    "percentage": (PERCENTAGE, ["100", "50", "10"], [("100", 0), ("50", 0), ("10", 70)]),
    # 0.20 is at least 1 · 2 · 20 is at most 3
    "limited": (LIMITED, ["10", "100", "1000"], [("10", 100), ("100", 200), ("1000", 300)]),
    # 0.90 + 2 · 0.10 + 10 x 3 %
    "graduated percentage": (BY_SHARES, ["90", "20"], [("90", 290), ("20", 40)]),
}


@pytest.mark.parametrize(("model", "changes", "expected"), CASES.values(), ids=CASES)
def test_an_event_costs_what_the_price_rises_by(model: Model, changes: list[str], expected: list[tuple[str, int]]) -> None:
    assert figures(walk([(10, change) for change in changes], model)) == expected


def test_tiers_go_on_above_what_was_carried_into_the_period() -> None:
    # 10 carried, which were paid for when the period began: the next unit is the first of the second tier.
    assert figures(walk([(3, "1")], GRADUATED, carried="10")) == [("1", 420)]


def test_prorated_units_count_from_their_day_to_the_end() -> None:
    # 25/30 is 0.83334 · 10/30 is 0.33334 · 2 x 1/30 is 0.06667, rounded up once
    found = walk([(6, "1"), (21, "1"), (30, "2")], STANDARD, is_prorated=True)

    assert [step.prorated for step, _ in found] == [D("0.83334"), D("0.33334"), D("0.06667")]
    assert figures(found) == [("1", 1000), ("1", 400), ("2", 80)]
    assert found[-1][0].after.maximum_prorated == D("1.23335")


def test_details_show_what_the_event_added() -> None:
    _, (_, second) = walk([(1, "90"), (2, "20")], BY_SHARES)

    passed, reached = second.amount_details["graduated_percentage_ranges"]
    # 10 units of the first tier at 1 %, its flat amount was paid; 10 of the second at 3 %
    assert (passed["units"], passed["flat_unit_amount"], passed["total_with_flat_amount"], passed["rate"]) == ("10.0", "0.0", "0.1", "1.0")
    assert (reached["units"], reached["total_with_flat_amount"], reached["per_unit_total_amount"]) == ("10.0", "0.3", "0.03")
    _, (_, event) = walk([(1, "90"), (2, "20")], PERCENTAGE)
    assert (event.amount_details["units"], event.amount_details["free_units"], event.amount_details["paid_units"]) == (
        "20.0",
        "20.0",
        "0.0",
    )


@pytest.mark.parametrize(
    ("units", "standing", "is_prorated", "expected"),
    [
        # nothing happened: the units there are
        ("3", None, False, "3"),
        # two carried and one since the 6th, then one of the carried left: still paid for
        ("3", Standing(current=D(1), maximum=D(1), maximum_prorated=D("0.83334")), True, "2.83334"),
        ("2", Standing(current=D(0), maximum=D(1), maximum_prorated=D("0.83334")), True, "2.83334"),
        # a carried one left before anything came
        ("1", Standing(current=D(-1)), True, "2"),
        ("5", Standing(current=D(2), maximum=D(4), maximum_prorated=D(4)), False, "7"),
    ],
)
def test_current_usage_is_what_was_paid_for(units: str, standing: Standing | None, is_prorated: bool, expected: str) -> None:
    found = Quantity(aggregate=D(0), billed=D(0), full_units=D(units), events_count=1, exact=Fraction(0), full_days=30)

    quantity = running_quantity(found, standing=standing, window=APRIL, is_prorated=is_prorated)

    assert quantity.billed == D(expected if standing is not None or is_prorated else "0")


@given(st.lists(st.integers(-20, 40), max_size=12), st.sampled_from([STANDARD, GRADUATED, PACKAGE, BY_SHARES]))
def test_the_fees_of_a_period_add_up_to_the_price_of_its_units(changes: list[int], model: Model) -> None:
    found = walk([(1, str(change)) for change in changes], model)

    most = max([0, *(sum(changes[:count]) for count in range(1, len(changes) + 1))])
    whole = price(model[0], properties=model[1], consumption=Consumption(units=D(most), full_units=D(most))).amount if most else Fraction(0)
    assert sum((Fraction(fee.precise_amount_cents) for _, fee in found), Fraction(0)) == whole * 100
    assert all(fee.amount_cents >= 0 for _, fee in found)
