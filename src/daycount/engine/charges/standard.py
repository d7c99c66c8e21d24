"""Standard pricing: every unit costs the same."""

from decimal import Decimal

from daycount.engine.charges.consumption import Consumption, Price, per_unit
from daycount.engine.charges.properties import Properties, Read, read_decimal
from daycount.money import decimal_text, product


def read_properties(properties: Properties) -> Read:
    """
    Keep the model's own property (`amount`, a decimal string in major units; "0" when nothing is given) and tell what is wrong with it.

    Source: Lago docs, charges/standard.
    """
    if not properties:
        return {"amount": "0"}, []
    amount = read_decimal(properties.get("amount"))
    return ({"amount": "0"}, ["invalid_amount"]) if amount is None else ({"amount": amount}, [])


def price(consumption: Consumption, *, properties: Properties) -> Price:
    """
    Price each unit, prorated where the charge is, at `amount` major units of currency.

    The product is exact; the fee rounds it once. 2.48388 units at 10 are 24.8388.
    """
    unit_price = Decimal(str(properties["amount"]))
    assert unit_price >= 0
    amount = product(consumption.units, unit_price)
    return Price(
        amount=amount,
        unit_amount=per_unit(amount, consumption.full_units),
        amount_details={},
        steps={"unit_amount": decimal_text(unit_price)},
    )
