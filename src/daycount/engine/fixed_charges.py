"""
Fixed charges: how many units a period is billed for, and what they cost.

A subscription keeps *unit events* for each of its fixed charges: so many units from an instant on. The one made last decides
from its instant on, whatever earlier ones had planned for later. Days are local days; the day of a change belongs to the new
number. Source: Lago docs, fixed charges; decisions: exact fractions, local days, a change in advance costs the price of all
units less the price of those paid for.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from daycount.engine.calendar import Window
from daycount.engine.charges.consumption import Change, Consumption, Price
from daycount.engine.charges.dispatch import price, price_prorated
from daycount.engine.charges.models import ChargeModel
from daycount.engine.fees import FeeDraft, shown_period, shown_rounding
from daycount.engine.metrics import Bucket
from daycount.money import Currency, decimal_text, exact_sum, exact_text, precise_cents, round_half_away, to_cents
from daycount.periods import ONE_DAY, days_between, local_date

UNIT_PLACES = 6
"""Decimals that the prorated units of each stretch of days are rounded to, half away from zero."""
_PRICE_PLACES = 15


class UnitEvent(NamedTuple):
    """So many units from an instant on."""

    units: Decimal
    effective_at: datetime


class Stretch(NamedTuple):
    """Local days, both included, with one number of units."""

    first: date
    last: date
    units: Decimal

    @property
    def days(self) -> int:
        """Return how many days it holds."""
        return days_between(self.first, last=self.last)


class Billed(NamedTuple):
    """The units that are priced, those that are shown, and how they came about."""

    units: Decimal
    full_units: Decimal
    steps: Mapping[str, Any]


class FixedTerms(Struct, frozen=True, kw_only=True):
    """What a fixed charge is priced by; `shown` is what its derivation says of it."""

    fixed_charge_id: UUID
    subscription_id: UUID
    charge_model: ChargeModel
    properties: Mapping[str, Any]
    is_prorated: bool
    shown: Mapping[str, Any]


def timeline(events: Sequence[UnitEvent]) -> list[UnitEvent]:
    """Put unit events, given in the order they were made, in the order they count; what a later one overrules is gone."""
    kept: list[UnitEvent] = []
    for event in events:
        kept = [earlier for earlier in kept if earlier.effective_at < event.effective_at]
        kept.append(event)
    return kept


def units_before(events: Sequence[UnitEvent], *, end: datetime) -> Decimal | None:
    """Return the units that count just before an instant; None where there were none yet."""
    counting = [event for event in timeline(events) if event.effective_at < end]
    return counting[-1].units if counting else None


def stretches(events: Sequence[UnitEvent], *, window: Window, zone: ZoneInfo) -> list[Stretch]:
    """Cut a window's days where the number of units changes; of several changes in a day the last counts for the whole of it."""
    found: list[Stretch] = []
    for event in timeline(events):
        if event.effective_at >= window.period.end:
            break
        first = max(local_date(event.effective_at, zone=zone), window.days.first)
        if first > window.days.last:
            break
        found = [Stretch(one.first, min(one.last, first - ONE_DAY), one.units) for one in found if one.first < first]
        found.append(Stretch(first, window.days.last, event.units))
    return found


def units_in_arrears(events: Sequence[UnitEvent], *, window: Window, zone: ZoneInfo, is_prorated: bool) -> Billed | None:
    """
    Say how many units a closed window is billed for: the last number, or prorated each number by its days.

    10 units of which 16 from Jun 11 on are 10 x 10/30 + 16 x 20/30 = 14 prorated, else 16. None where no units count yet.
    """
    full = units_before(events, end=window.period.end)
    if full is None:
        return None
    if not is_prorated:
        return Billed(full, full, {"units": decimal_text(full)})
    parts = [(one, _share_of(one.units, one.days, window)) for one in stretches(events, window=window, zone=zone)]
    steps = [
        {
            "first_day": one.first.isoformat(),
            "last_day": one.last.isoformat(),
            "days": one.days,
            "units": decimal_text(one.units),
            "prorated": decimal_text(units),
        }
        for one, units in parts
    ]
    return Billed(exact_sum(units for _, units in parts), full, {"units": decimal_text(full), "stretches": steps})


def units_in_advance(units: Decimal, *, window: Window, first_day: date, is_prorated: bool) -> Billed:
    """Say how many units the days of a window from `first_day` on are billed for: all of them, or prorated those days' share."""
    days = max(0, days_between(first_day, last=window.days.last))
    billed = _share_of(units, days, window) if is_prorated else units
    return Billed(billed, units, {"units": decimal_text(units), "first_day": first_day.isoformat(), "days": days})


def _share_of(units: Decimal, days: int, window: Window) -> Decimal:
    return round_half_away(Fraction(units) * days / window.full_days, places=UNIT_PLACES)


def fixed_charge_fee(
    terms: FixedTerms, *, billed: Billed, window: Window, zone: ZoneInfo, currency: Currency, deduction: Fraction = Fraction(0)
) -> FeeDraft:
    """
    Price the units of a window; `deduction` (major units) is what an earlier plan was paid for the same days.

    14 prorated units of 16 at 5.00 are 70.00, 4.375 a unit.
    """
    priced = _price(terms, billed)
    return _fee(terms, billed, priced, max(priced.amount - deduction, Fraction(0)), window=window, zone=zone, currency=currency)


def change_fee(
    terms: FixedTerms, *, paid: Decimal, units: Decimal, window: Window, today: date, zone: ZoneInfo, currency: Currency
) -> FeeDraft:
    """
    Price a change of units in a period that was paid for in advance: from `paid` to `units`, now.

    Nothing is given back; a change downwards comes to nothing. 6 more on Jun 11 at 5.00 are 30.00, prorated 6 x 20/30 = 4
    and 20.00.
    """
    delta = max(exact_sum((units, paid.copy_negate())), Decimal(0))
    billed = units_in_advance(delta, window=window, first_day=today, is_prorated=terms.is_prorated)
    if not delta:
        nothing = Price(Fraction(0), Fraction(0), {}, {})
        return _fee(terms, billed, nothing, Fraction(0), window=window, zone=zone, currency=currency)
    if terms.is_prorated or not paid:
        priced = _price(terms, billed)
        return _fee(terms, billed, priced, priced.amount, window=window, zone=zone, currency=currency)
    before, after = (_price(terms, Billed(number, number, {})) for number in (paid, units))
    amount = max(after.amount - before.amount, Fraction(0))
    steps = {"before": exact_text(before.amount), "after": exact_text(after.amount)}
    priced = Price(amount, amount / Fraction(delta), {}, steps)
    return _fee(terms, billed, priced, amount, window=window, zone=zone, currency=currency)


def _price(terms: FixedTerms, billed: Billed) -> Price:
    if not terms.is_prorated:
        consumption = Consumption(units=billed.units, full_units=billed.full_units)
        return price(terms.charge_model, properties=terms.properties, consumption=consumption)
    changes: list[Change] = []
    if billed.full_units:
        changes.append(Change(billed.full_units, Fraction(billed.units) / Fraction(billed.full_units)))
    elif billed.units:  # all were taken away during the period; what was there before is still due
        changes += [Change(billed.units, Fraction(1)), Change(billed.units.copy_negate(), Fraction(0))]
    consumption = Consumption(units=billed.units, full_units=billed.full_units, changes=changes)
    return price_prorated(terms.charge_model, properties=terms.properties, consumption=consumption)


def _fee(
    terms: FixedTerms, billed: Billed, priced: Price, amount: Fraction, *, window: Window, zone: ZoneInfo, currency: Currency
) -> FeeDraft:
    cents = to_cents(amount, currency=currency)
    derivation = {
        "kind": "fixed_charge",
        "fixed_charge": dict(terms.shown),
        "period": shown_period(window, zone=zone.key),
        "quantity": {"billed": decimal_text(billed.units), "is_prorated": terms.is_prorated, **billed.steps},
        "price": {
            "model": terms.charge_model,
            "units": decimal_text(billed.units),
            "amount": exact_text(priced.amount),
            "deduction": exact_text(priced.amount - amount),
            **priced.steps,
        },
        "rounding": shown_rounding(amount, cents=cents, currency=currency),
    }
    unit_amount = amount / Fraction(billed.full_units) if billed.full_units else Fraction(0)
    return FeeDraft(
        fee_type="fixed_charge",
        subscription_id=terms.subscription_id,
        charge_id=None,
        fixed_charge_id=terms.fixed_charge_id,
        bucket=Bucket(None, ()),
        group_keys=(),
        units=billed.full_units,
        total_aggregated_units=billed.full_units,
        events_count=0,
        amount_cents=cents,
        precise_amount_cents=precise_cents(amount, currency=currency),
        precise_unit_amount=round_half_away(unit_amount, places=_PRICE_PLACES),
        amount_details=priced.amount_details,
        window=window,
        derivation=derivation,
    )


def paid_share(*, amount_cents: int, first_day: date, last_day: date, from_day: date) -> Fraction:
    """
    Return the part of an older plan's fee, in minor units, that pays for the days from `from_day` on.

    50.00 for Jun 1-30 is 33.33… from Jun 11 on. Nothing once the fee's days are over.
    """
    covered = days_between(first_day, last=last_day)
    left = max(0, days_between(max(from_day, first_day), last=last_day))
    return Fraction(amount_cents * left, covered) if covered > 0 else Fraction(0)
