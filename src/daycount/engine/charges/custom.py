"""Custom pricing: the amount is what a custom aggregation came to."""

import msgspec

from daycount.engine.charges.consumption import Consumption, Price, per_unit
from daycount.engine.charges.properties import Properties, Read
from daycount.money import exact_text


def read_properties(properties: Properties) -> Read:
    """
    Keep `custom_properties`: an object, or JSON text of one; what cannot be read is an empty object.

    Source: Lago API, charge properties.
    """
    given = properties.get("custom_properties")
    if isinstance(given, str):
        try:
            given = msgspec.json.decode(given)
        except msgspec.DecodeError:
            given = {}
    return {"custom_properties": given if isinstance(given, dict) else {}}, []


def price(consumption: Consumption) -> Price:
    """Take the amount of the aggregation as it is."""
    amount = consumption.custom_amount
    return Price(
        amount=amount,
        unit_amount=per_unit(amount, consumption.full_units),
        amount_details={},
        steps={"custom_amount": exact_text(amount)},
    )
