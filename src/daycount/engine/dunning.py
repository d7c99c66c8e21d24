"""When an overdue balance is asked for again: pure rules of one customer under one campaign."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

_AFTER: Final = timedelta(seconds=1)
"""An attempt follows when more than the days between attempts have gone by, not at their very end."""


class Rules(NamedTuple):
    """What a campaign says: `thresholds` are minor units by currency, `pause` is what lies between two attempts."""

    thresholds: Mapping[str, int]
    max_attempts: int
    pause: timedelta


class Standing(NamedTuple):
    """How often a currency was asked for since the count began, and when last; None where nothing holds the next attempt up."""

    attempts: int
    last_at: datetime | None


class Pursuit(NamedTuple):
    """The currencies to be asked for now, the counts after that, when to look again (None: never), and whether that is all."""

    currencies: Sequence[str]
    attempts: Mapping[str, int]
    next_at: datetime | None
    is_finished: bool


def is_reached(rules: Rules, *, currency: str, balance_cents: int) -> bool:
    """Tell whether an overdue balance is large enough to be asked for; a currency without a threshold never is."""
    threshold = rules.thresholds.get(currency)
    return threshold is not None and balance_cents > 0 and balance_cents >= threshold


def pursue(rules: Rules, *, balances: Mapping[str, int], standings: Mapping[str, Standing], now: datetime) -> Pursuit:
    """
    Decide what of overdue `balances` (minor units by currency) is asked for at `now`.

    Each currency counts by itself. Three attempts every five days: on day 0, then when more than five days have gone by, then
    again; after the third the campaign is finished, once every currency that was asked for has had all its attempts.
    """
    due: list[str] = []
    waits: list[datetime] = []
    attempts = {currency: standing.attempts for currency, standing in standings.items() if standing.attempts > 0}
    for currency in sorted(balances):
        done, last_at = standings.get(currency, Standing(0, None))
        if done >= rules.max_attempts or not is_reached(rules, currency=currency, balance_cents=balances[currency]):
            continue
        ready_at = now if last_at is None else last_at + rules.pause + _AFTER
        if ready_at > now:
            waits.append(ready_at)
            continue
        due.append(currency)
        attempts[currency] = done + 1
        if done + 1 < rules.max_attempts:
            waits.append(now + rules.pause + _AFTER)
    is_finished = bool(due) and all(count >= rules.max_attempts for count in attempts.values())
    return Pursuit(due, attempts, min(waits, default=None), is_finished)
