"""
What a charge model is given and what it answers: the vocabulary that all models share.

Quantities are exact decimals; amounts are exact fractions of major units of currency, before any rounding.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final, NamedTuple

from msgspec import Struct

from daycount.money import Exact, quotient

NOTHING: Final = Fraction(0)


class Detail(StrEnum):
    """What beyond the aggregate a price depends on, and an event store has to bring."""

    NONE = "none"
    VALUES = "values"
    """The value of every event, in order of time."""
    AMOUNTS = "amounts"
    """The sum of the amounts that events brought along."""
    CHANGES = "changes"
    """What came and went, one by one."""


class Change(NamedTuple):
    """Units that came (or, negative, went), and the share of the period that was left from then on."""

    units: Decimal
    share: Fraction


class Consumption(Struct, frozen=True, kw_only=True):
    """
    What was consumed of one bucket of a charge, 0 or more.

    `units` is the aggregate that is priced, prorated where the charge is; `full_units` the same without proration, which
    differs for prorated charges alone. Models that look at single events ask for more (`dispatch.detail_of`): `values` is the
    value of each event in order of time; `event_amount` the sum of the amounts that events brought along and
    `custom_amount` what a custom aggregation came to, both in major units; `changes` what came and went in a prorated bucket,
    in order, the carried units first.
    """

    units: Decimal
    full_units: Decimal
    events_count: int = 0
    values: Sequence[Decimal] = ()
    event_amount: Fraction = NOTHING
    custom_amount: Fraction = NOTHING
    changes: Sequence[Change] = ()


class Price(NamedTuple):
    """
    What consumption comes to.

    `amount` is exact and in major units, to be rounded once by the caller; `unit_amount` is the average for one unit as users
    are shown it, 0 without units. `amount_details` is the contract's breakdown (decimal texts; bounds and counts as numbers).
    `steps` is the derivation: what the amount was added up from, as texts.
    """

    amount: Fraction
    unit_amount: Fraction
    amount_details: Mapping[str, Any]
    steps: Mapping[str, Any]


def per_unit(amount: Exact, units: Decimal) -> Fraction:
    """Return the average price of one unit; 0 without units."""
    return quotient(amount, units) if units else NOTHING
