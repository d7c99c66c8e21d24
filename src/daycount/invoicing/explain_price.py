"""
Explaining prices in words: how units became an amount, for every charge model.

Reads the derivation that was stored with a fee; each sentence states figures from it, nothing is computed again.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from daycount.money import CURRENCIES, Currency

A_UNIT = Currency(code="", exponent=2)
"""Pricing units are written like a currency of two decimals."""
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}


def explain_price(price: Mapping[str, Any], *, currency: str) -> list[str]:
    """Say how the units of a fee were priced, one sentence a step."""
    total = f"{price['amount']} {currency}"
    match price["model"]:
        case "standard":
            unit = money_text(Decimal(price["unit_amount"]), currency)
            return [f"{price['units']} units at {unit} each are {total}."]
        case "graduated" | "graduated_percentage":
            return [*_explain_tiers(price, currency), f"Together {total}."]
        case "volume":
            return _explain_volume(price["tier"], price, currency)
        case "package":
            return _explain_packages(price, currency)
        case "percentage":
            return [*_explain_percentage(price, currency), f"Together {total}."]
        case "dynamic":
            return [f"The events brought amounts of {price['event_amount']} {currency} along; {total} are due."]
        case model:
            assert model == "custom", model
            return [f"The custom aggregation came to {total}."]


def _explain_tiers(price: Mapping[str, Any], currency: str) -> list[str]:
    sentences: list[str] = []
    if "changes" in price:
        sentences.extend(
            f"{change['units']} units changed with {change['share']} of the period left."
            for change in price["changes"]
            if Decimal(change["units"])
        )
        sentences.append(f"At most {price['highest']} units were there at once; each counts in the tier it stood in, for its share.")
    is_percentage = price["model"] == "graduated_percentage"
    for tier in price["tiers"]:
        rate = f"{tier['rate']} %" if is_percentage else f"{money_text(Decimal(tier['rate']), currency)} each"
        sentences.append(f"{tier['units']} units {_bounds(tier)} at {rate}{_flat(tier['flat'], currency)} are {tier['amount']} {currency}.")
    return sentences


def _bounds(tier: Mapping[str, Any]) -> str:
    return f"above {tier['above']}" if tier["up_to"] is None else f"above {tier['above']} up to {tier['up_to']}"


def _flat(flat: str, currency: str) -> str:
    return f" plus {money_text(Decimal(flat), currency)} for the tier" if Decimal(flat) else ""


def _explain_volume(tier: Mapping[str, Any], price: Mapping[str, Any], currency: str) -> list[str]:
    rate = money_text(Decimal(tier["rate"]), currency)
    return [
        f"{tier['full_units']} units in all choose the tier {_bounds(tier)}.",
        f"{tier['units']} units at {rate} each{_flat(tier['flat'], currency)} are {price['amount']} {currency}.",
    ]


def _explain_packages(price: Mapping[str, Any], currency: str) -> list[str]:
    number = price["packages"]
    each = money_text(Decimal(price["package_amount"]), currency)
    return [
        f"{price['free_units']} units are free; {price['paid_units']} of {price['units']} are paid.",
        (
            f"They take {number} package{'s' if number != 1 else ''} of {price['package_size']} at {each} each: "
            f"{price['amount']} {currency}."
        ),
    ]


def _explain_percentage(price: Mapping[str, Any], currency: str) -> list[str]:
    found = price["percentage"]
    sentences: list[str] = []
    if Decimal(found["free_units"]) or found["free_events"]:
        sentences.append(f"{found['free_units']} units and {found['free_events']} events are free.")
    if "transactions" in price:
        sentences.extend(_explain_transactions(price, currency))
        return sentences
    by_rate = f"{found['per_unit_total_amount']} {currency}"
    sentences.append(f"{found['rate']} % of {found['paid_units']} units are {by_rate}.")
    if Decimal(found["fixed_fee_unit_amount"]):
        fixed = money_text(Decimal(found["fixed_fee_unit_amount"]), currency)
        sentences.append(f"{found['paid_events']} events at {fixed} each are {found['fixed_fee_total_amount']} {currency}.")
    return sentences


def _explain_transactions(price: Mapping[str, Any], currency: str) -> list[str]:
    """Say what each of the kept transactions came to by itself."""
    least, most = price["limits"]
    limits = " and ".join(
        f"{word} {money_text(Decimal(value), currency)}" for word, value in (("at least", least), ("at most", most)) if value is not None
    )
    found = price["percentage"]
    rate = f"{found['rate']} % plus {money_text(Decimal(found['fixed_fee_unit_amount']), currency)}"
    shown: Sequence[Mapping[str, Any]] = price["transactions"]
    sentences = [f"Each of {found['paid_events']} events is priced by itself: {rate}, {limits}."]
    sentences.extend(f"{item['units']} units come to {item['amount']}, billed {item['billed']} {currency}." for item in shown)
    if len(shown) < found["paid_events"]:
        sentences.append(f"{found['paid_events'] - len(shown)} more events were priced in the same way.")
    return sentences


def sign(currency: str) -> str:
    """Return what stands before an amount."""
    return _SYMBOLS.get(currency, f"{currency} ")


def money_text(amount: Decimal, currency: str) -> str:
    """Write a price in major units with at least the currency's decimals."""
    exponent = CURRENCIES.get(currency, A_UNIT).exponent
    plain = format(amount, "f")
    decimals = len(plain.partition(".")[2])
    return f"{sign(currency)}{amount:.{max(exponent, decimals)}f}"
