"""Dynamic pricing: each event brings its own amount along."""

from daycount.engine.charges.consumption import Consumption, Price, per_unit
from daycount.engine.charges.properties import Properties, Read
from daycount.money import exact_text


def read_properties(_properties: Properties) -> Read:
    """Keep nothing: the model has no properties of its own. Source: Lago docs, charges/dynamic."""
    return {}, []


def price(consumption: Consumption) -> Price:
    """Add up the amounts of the events; nothing is due without units. Source: Lago docs, charges/dynamic."""
    amount = consumption.event_amount if consumption.units else consumption.event_amount * 0
    return Price(
        amount=amount,
        unit_amount=per_unit(amount, consumption.full_units),
        amount_details={},
        steps={"event_amount": exact_text(consumption.event_amount)},
    )
