"""Package pricing: units are sold in packages, and one that is begun is paid in full."""

from decimal import Decimal
from math import ceil

from daycount.engine.charges.consumption import Consumption, Price, per_unit
from daycount.engine.charges.properties import Properties, Read, decimal_of, read_decimal, read_whole
from daycount.money import decimal_text, exact_sum, product, quotient

_DEFAULT = {"amount": "0", "package_size": 1, "free_units": 0}


def read_properties(properties: Properties) -> Read:
    """
    Keep `amount` (decimal string), `package_size` (integer, at least 1) and `free_units` (integer), and tell what is wrong.

    Source: Lago docs, charges/package.
    """
    if not properties:
        return dict(_DEFAULT), []
    found = {
        "amount": read_decimal(properties.get("amount")),
        "package_size": read_whole(properties.get("package_size"), least=1),
        "free_units": read_whole(properties.get("free_units"), least=0),
    }
    codes = [f"invalid_{name}" for name, value in found.items() if value is None]
    return (dict(_DEFAULT), codes) if codes else (found, [])


def price(consumption: Consumption, *, properties: Properties) -> Price:
    """
    Price what goes beyond the free units, by packages begun.

    Packages of 250 at 12.5 with 40 free: 290 units are one package, 12.50; 291 are two, 25. Source: Lago docs, charges/package.
    """
    amount_each, size, free = decimal_of(properties, "amount"), properties["package_size"], properties["free_units"]
    paid = max(exact_sum((consumption.units, Decimal(-free))), Decimal(0))
    packages = ceil(quotient(paid, size))
    amount = product(packages, amount_each)
    has_units = bool(consumption.units)
    return Price(
        amount=amount,
        unit_amount=per_unit(amount, paid),
        amount_details={
            "free_units": decimal_text(free if has_units else 0),
            "paid_units": decimal_text(paid),
            "per_package_size": size if has_units else 0,
            "per_package_unit_amount": decimal_text(amount_each if has_units else 0),
        },
        steps={
            "free_units": decimal_text(free),
            "paid_units": decimal_text(paid),
            "package_size": size,
            "packages": packages,
            "package_amount": decimal_text(amount_each),
        },
    )
