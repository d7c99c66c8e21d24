"""
The charge models by name: what consumption comes to, and what each model needs to know for it.

Callers hand over the stored properties of a charge, of one of its filters or of a fixed charge:

    price(ChargeModel.GRADUATED, properties=charge.properties, consumption=Consumption(units=…, full_units=…)).amount

`amount` is exact and in major units; who makes a fee of it rounds it once (`money.to_cents`). The consumption is never
negative. Without units, graduated, graduated percentage and volume prices still bill their first flat amount; who prices
the difference that one event makes leaves it out of what was there before the first. A prorated charge hands over prorated
`units` beside its `full_units` and is priced by `price_prorated`, for which a graduated price needs the `changes`.
"""

from typing import assert_never

from daycount.engine.charges import custom, dynamic, graduated, graduated_percentage, package, percentage, standard, volume
from daycount.engine.charges.consumption import Consumption, Detail, Price
from daycount.engine.charges.models import ChargeModel
from daycount.engine.charges.properties import Properties, Read


def price(model: ChargeModel, *, properties: Properties, consumption: Consumption) -> Price:
    """Price consumption by a model; see the module."""
    assert consumption.units >= 0
    match model:
        case ChargeModel.STANDARD:
            return standard.price(consumption, properties=properties)
        case ChargeModel.GRADUATED:
            return graduated.price(consumption, properties=properties)
        case ChargeModel.PACKAGE:
            return package.price(consumption, properties=properties)
        case ChargeModel.VOLUME:
            return volume.price(consumption, properties=properties)
        case ChargeModel.PERCENTAGE:
            return percentage.price(consumption, properties=properties)
        case ChargeModel.GRADUATED_PERCENTAGE:
            return graduated_percentage.price(consumption, properties=properties)
        case ChargeModel.DYNAMIC:
            return dynamic.price(consumption)
        case ChargeModel.CUSTOM:
            return custom.price(consumption)
        case _:
            assert_never(model)


def price_prorated(model: ChargeModel, *, properties: Properties, consumption: Consumption) -> Price:
    """Price the consumption of a prorated charge: standard, volume or graduated; see the module."""
    if model is ChargeModel.GRADUATED:
        return graduated.price_prorated(consumption, properties=properties)
    assert model in (ChargeModel.STANDARD, ChargeModel.VOLUME), model
    return price(model, properties=properties, consumption=consumption)


def detail_of(model: ChargeModel, *, properties: Properties, is_prorated: bool) -> Detail:
    """Tell what of its events a charge's price depends on."""
    if model is ChargeModel.PERCENTAGE and percentage.looks_at_events(properties):
        return Detail.VALUES
    if model is ChargeModel.DYNAMIC:
        return Detail.AMOUNTS
    return Detail.CHANGES if is_prorated and model is ChargeModel.GRADUATED else Detail.NONE


def read_properties(model: ChargeModel, properties: Properties) -> Read:
    """
    Keep a model's own properties, its default where none are given, and tell what is wrong with them, one code an offence.

    Other keys are dropped. Source: Lago API, charge properties.
    """
    match model:
        case ChargeModel.STANDARD:
            return standard.read_properties(properties)
        case ChargeModel.GRADUATED:
            return graduated.read_properties(properties)
        case ChargeModel.PACKAGE:
            return package.read_properties(properties)
        case ChargeModel.VOLUME:
            return volume.read_properties(properties)
        case ChargeModel.PERCENTAGE:
            return percentage.read_properties(properties)
        case ChargeModel.GRADUATED_PERCENTAGE:
            return graduated_percentage.read_properties(properties)
        case ChargeModel.DYNAMIC:
            return dynamic.read_properties(properties)
        case ChargeModel.CUSTOM:
            return custom.read_properties(properties)
        case _:
            assert_never(model)
