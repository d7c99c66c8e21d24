"""When a recurring rule tops a wallet up, and with how much."""

from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import floor

from msgspec import Struct


class Trigger(StrEnum):
    """What makes a rule fire."""

    INTERVAL = "interval"
    THRESHOLD = "threshold"


class Method(StrEnum):
    """How much a rule adds: a fixed number of credits, or what is missing to a target."""

    FIXED = "fixed"
    TARGET = "target"


class RuleInterval(StrEnum):
    """How often a rule with the interval trigger fires."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    SEMIANNUAL = "semiannual"
    YEARLY = "yearly"


_MONTHS = {RuleInterval.MONTHLY: 1, RuleInterval.QUARTERLY: 3, RuleInterval.SEMIANNUAL: 6, RuleInterval.YEARLY: 12}


class TopUpTerms(Struct, frozen=True, kw_only=True):
    """A rule as far as its amounts go; all in credits. `least` and `most` are the wallet's limits of a paid top-up, if any."""

    method: Method
    paid_credits: Decimal = Decimal(0)
    granted_credits: Decimal = Decimal(0)
    threshold_credits: Decimal = Decimal(0)
    target_ongoing_balance: Decimal = Decimal(0)
    grants_target_top_up: bool = False
    ignores_limits: bool = False
    least: Decimal | None = None
    most: Decimal | None = None


class TopUp(Struct, frozen=True):
    """Credits to buy and credits to grant."""

    paid: Decimal
    granted: Decimal

    @property
    def is_nothing(self) -> bool:
        """Tell whether there is nothing to add."""
        return not self.paid and not self.granted


_NOTHING = TopUp(Decimal(0), Decimal(0))


def is_below_threshold(terms: TopUpTerms, *, ongoing: Decimal, pending: Decimal) -> bool:
    """Tell whether a threshold rule fires: the ongoing balance, also with what is being bought, is at the threshold or below."""
    return ongoing <= terms.threshold_credits and ongoing + pending <= terms.threshold_credits


def threshold_top_up(terms: TopUpTerms, *, ongoing: Decimal, pending: Decimal) -> TopUp:
    """
    Return what a threshold rule adds when it fires; `pending` are credits being bought.

    A fixed rule buys its amount as often as it takes to pass the threshold. Source: Lago API, recurring transaction rules.
    """
    if terms.method is Method.TARGET:
        return target_top_up(terms, ongoing=ongoing)
    gap = terms.threshold_credits - ongoing - terms.granted_credits - pending
    paid = terms.paid_credits
    if paid > 0 and gap >= paid:
        times = floor(Fraction(gap) / Fraction(paid)) + 1
        paid *= times
        if terms.most is not None and not terms.ignores_limits:
            paid = min(paid, terms.most)
    return TopUp(paid, terms.granted_credits)


def interval_top_up(terms: TopUpTerms, *, ongoing: Decimal) -> TopUp:
    """Return what an interval rule adds on its day."""
    if terms.method is Method.TARGET:
        return target_top_up(terms, ongoing=ongoing)
    return TopUp(terms.paid_credits, terms.granted_credits)


def target_top_up(terms: TopUpTerms, *, ongoing: Decimal) -> TopUp:
    """Return what is missing to the target; the upper limit of a purchase is not applied, the lower one is."""
    gap = terms.target_ongoing_balance - ongoing
    if gap <= 0:
        return _NOTHING
    if terms.grants_target_top_up:
        return TopUp(Decimal(0), gap)
    least = Decimal(0) if terms.ignores_limits or terms.least is None else terms.least
    return TopUp(max(gap, least), Decimal(0))


def next_interval_day(anchor: date, *, interval: RuleInterval, after: date) -> date:
    """
    Return the first day later than `after`, and not before the anchor, on which a rule fires.

    Weekly on the anchor's weekday; otherwise on the anchor's day of the month, on the last day of shorter months.
    """
    day = max(after + timedelta(days=1), anchor)
    if interval is RuleInterval.WEEKLY:
        return day + timedelta(days=(anchor.weekday() - day.weekday()) % 7)
    step = _MONTHS[interval]
    month = _number(day)
    month += (_number(anchor) - month) % step
    found = _in_month(month, anchor.day)
    return found if found >= day else _in_month(month + step, anchor.day)


def _number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _in_month(number: int, day: int) -> date:
    year, month = divmod(number, 12)
    return date(year, month + 1, min(day, monthrange(year, month + 1)[1]))
