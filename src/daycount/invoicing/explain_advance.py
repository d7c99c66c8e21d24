"""Explaining in words what one event paid for in advance came to, from the derivation stored with its fee."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def explain_event(name: str, derivation: Mapping[str, Any], *, currency: str) -> list[str]:
    """Say what an event changed, what of it was billed, and how the price follows, one sentence a step."""
    event, standing, price = derivation["event"], derivation["standing"], derivation["price"]
    before, after = standing["before"], standing["after"]
    sentences = [f"{name} was paid for in advance, by the event {event['transaction_id']!r} of {event['at']}."]
    if Decimal(standing["carried"]):
        sentences.append(f"{standing['carried']} units were there when the period began.")
    sentences.append(
        f"It changed the units of the period by {event['change']}, from {before['current']} to {after['current']}; "
        f"{before['maximum']} were paid for, so {standing['billed']} more are due."
    )
    if standing["is_prorated"]:
        sentences.append(f"For the days that are left of the period they count as {standing['prorated']}: {price['amount']} {currency}.")
    else:
        sentences.append(
            f"All units come to {price['with']} {currency} with the event and {price['without']} without it: "
            f"{price['amount']} {currency} are due."
        )
    return sentences
