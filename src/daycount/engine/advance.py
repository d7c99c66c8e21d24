"""
Usage that is paid for in advance: what one event costs, given what was paid for before it.

A bucket of a charge has a standing in each period, which begins at nothing: how many units are there now (`current`,
without those carried into the period), how many were there at most (`maximum`) and what was billed of them. An event bills what it raises
the maximum by, so that units that come back are not billed twice and what goes is not refunded. The fee is the price of all units
with the event minus the price without it, so the fees of a period add up to the price of its units.
Source: Lago docs, charges paid in advance; decisions: units that leave first lower the standing, one pricing function.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from daycount.engine.calendar import Window
from daycount.engine.charges.consumption import Consumption, Price
from daycount.engine.charges.dispatch import price
from daycount.engine.charges.models import ChargeModel
from daycount.engine.fees import ChargeTerms, FeeDraft, bucket_text, shown_period, shown_rounding
from daycount.engine.metrics import Quantity
from daycount.engine.pricing_units import subunits_of, to_money
from daycount.engine.proration import prorated_quantity
from daycount.money import Currency, decimal_text, exact_sum, exact_text, precise_cents, round_half_away, to_cents
from daycount.periods import days_between, local_date

_UNIT_PLACES = 15
_NO_PRICE = Price(amount=Fraction(0), unit_amount=Fraction(0), amount_details={}, steps={})


class Standing(Struct, frozen=True, kw_only=True):
    """
    Where a bucket stands in a period.

    `maximum_prorated` is the sum of what was billed, each part for its share of the period. `events_count` counts the events
    that brought units, `event_cents` adds up the amounts that events brought along. `values` holds what each event billed, in
    order, where the price looks at single events.
    """

    current: Decimal = Decimal(0)
    maximum: Decimal = Decimal(0)
    maximum_prorated: Decimal = Decimal(0)
    events_count: int = 0
    event_cents: Decimal = Decimal(0)
    values: tuple[Decimal, ...] = ()


class Step(Struct, frozen=True, kw_only=True):
    """What an event does to a standing: units billed, the part of them that is priced, units shown on its fee."""

    before: Standing
    after: Standing
    change: Decimal
    billed: Decimal
    prorated: Decimal
    units: Decimal


class Happening(Struct, frozen=True, kw_only=True):
    """An event as its fee sees it: when, by which transaction, and the amount it brought along, in minor units."""

    key: UUID | None
    """None for one that is only thought of."""
    at: datetime
    transaction_id: str
    event_cents: Decimal = Decimal(0)


def take_step(standing: Standing, *, change: Decimal, happening: Happening, window: Window, is_prorated: bool, zone: ZoneInfo) -> Step:
    """
    Count an event that changes the units of a bucket by `change`.

    Two seats, then one less, then one more: the third event bills nothing and shows one unit. With 25 of 30 days left, a
    prorated unit is 0.83334.
    """
    current = exact_sum((standing.current, change))
    billed = max(exact_sum((current, standing.maximum.copy_negate())), Decimal(0))
    prorated = _share(billed, happening.at, window=window, zone=zone) if is_prorated else billed
    units = billed or max(change, Decimal(0))
    after = Standing(
        current=current,
        maximum=max(standing.maximum, current),
        maximum_prorated=exact_sum((standing.maximum_prorated, prorated)),
        events_count=standing.events_count + (1 if units else 0),
        event_cents=exact_sum((standing.event_cents, happening.event_cents)),
        values=(*standing.values, billed) if units else standing.values,
    )
    return Step(before=standing, after=after, change=change, billed=billed, prorated=prorated, units=units)


def _share(billed: Decimal, at: datetime, *, window: Window, zone: ZoneInfo) -> Decimal:
    """Return units for the days from the event's own to the period's last, rounded up to 5 decimals."""
    first = max(local_date(at, zone=zone), window.days.first)
    left = min(max(days_between(first, last=window.days.last), 0), window.full_days)
    return prorated_quantity(Fraction(billed) * left / window.full_days)


def event_fee(
    terms: ChargeTerms,
    *,
    step: Step,
    carried: Decimal,
    happening: Happening,
    window: Window,
    zone: str,
    is_prorated: bool,
    currency: Currency,
) -> FeeDraft:
    """
    Price what an event bills: the price with it minus the price without it, rounded once.

    `carried` is what stood there when the period began and was paid for then: prices in tiers go on above it. No flat amount
    counts where there was nothing before. Graduated at 0.30 up to 100 plus 7 and 0.20 beyond plus 4: the first unit costs
    7.30, the hundredth 0.30, the next 4.20.
    """
    if is_prorated:
        amount = Fraction(step.prorated) * Fraction(Decimal(str(terms.properties["amount"])))
        details: Mapping[str, Any] = {}
        with_event, without = _NO_PRICE, _NO_PRICE
    else:
        with_event, without = (
            _price(terms, standing=standing, carried=carried, currency=currency) for standing in (step.after, step.before)
        )
        amount = max(with_event.amount - without.amount, Fraction(0))
        details = _details(terms.charge_model, with_event.amount_details, without.amount_details)
    worth = to_money(amount, unit_amount=amount / Fraction(step.units) if step.units else Fraction(0), unit=terms.unit)
    cents = to_cents(worth.amount, currency=currency)
    derivation = {
        "kind": "advance",
        "metric": dict(terms.metric),
        "bucket": bucket_text(terms),
        "period": shown_period(window, zone=zone),
        "event": {"transaction_id": happening.transaction_id, "at": happening.at.isoformat(), "change": decimal_text(step.change)},
        "standing": {
            "carried": decimal_text(carried),
            "before": _standing_text(step.before),
            "after": _standing_text(step.after),
            "billed": decimal_text(step.billed),
            "prorated": decimal_text(step.prorated),
            "is_prorated": is_prorated,
        },
        "price": {
            "model": terms.charge_model,
            "with": exact_text(with_event.amount),
            "without": exact_text(without.amount),
            "amount": exact_text(amount),
        },
        **worth.steps,
        "rounding": shown_rounding(worth.amount, cents=cents, currency=currency),
    }
    return FeeDraft(
        fee_type="charge",
        subscription_id=terms.subscription_id,
        charge_id=terms.charge_id,
        bucket=terms.bucket,
        group_keys=terms.group_keys,
        units=step.units,
        total_aggregated_units=step.units,
        events_count=1,
        amount_cents=cents,
        precise_amount_cents=precise_cents(worth.amount, currency=currency),
        precise_unit_amount=round_half_away(worth.unit_amount, places=_UNIT_PLACES),
        in_units=worth.in_units,
        amount_details=details,
        window=window,
        derivation=derivation,
        event_key=happening.key,
        event_transaction_id=happening.transaction_id,
    )


def _price(terms: ChargeTerms, *, standing: Standing, carried: Decimal, currency: Currency) -> Price:
    """Price all units of a standing; nothing where there are none, not even a flat amount."""
    units = max(exact_sum((carried, standing.maximum)), Decimal(0))
    if not units:
        return _NO_PRICE
    consumption = Consumption(
        units=units,
        full_units=units,
        events_count=standing.events_count,
        values=standing.values,
        event_amount=Fraction(standing.event_cents) / subunits_of(terms.unit, currency=currency),
    )
    return price(terms.charge_model, properties=terms.properties, consumption=consumption)


def _standing_text(standing: Standing) -> dict[str, str]:
    return {"current": decimal_text(standing.current), "maximum": decimal_text(standing.maximum)}


def _details(model: ChargeModel, with_event: Mapping[str, Any], without: Mapping[str, Any]) -> Mapping[str, Any]:
    """
    Return the breakdown of an event's fee: the figures with the event minus those without it, for the two percentage models.

    Source: Lago API; the rate and the fixed amount are prices and stay as they are.
    """
    if not with_event:
        return {}
    if model is ChargeModel.PERCENTAGE:
        return _percentage_details(with_event, without)
    if model is ChargeModel.GRADUATED_PERCENTAGE:
        before = {_bounds(tier): tier for tier in without.get("graduated_percentage_ranges", ())}
        tiers = [_tier_details(tier, before.get(_bounds(tier), {})) for tier in with_event["graduated_percentage_ranges"]]
        return {"graduated_percentage_ranges": tiers}
    return {}


def _percentage_details(with_event: Mapping[str, Any], without: Mapping[str, Any]) -> dict[str, Any]:
    prices = ("rate", "fixed_fee_unit_amount")
    found = {name: value if name in prices else _minus(value, without.get(name)) for name, value in with_event.items()}
    return found | {"free_units": _minus(found["units"], found["paid_units"])}


def _bounds(tier: Mapping[str, Any]) -> tuple[Any, Any]:
    return tier["from_value"], tier["to_value"]


def _tier_details(tier: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    moved = {name: _minus(tier[name], before.get(name)) for name in ("units", "flat_unit_amount", "total_with_flat_amount")}
    units = Fraction(moved["units"])
    average = round_half_away(Fraction(moved["total_with_flat_amount"]) / units, places=2) if units else Decimal(0)
    return dict(tier) | moved | {"per_unit_total_amount": decimal_text(average)}


def _minus(value: Any, other: Any) -> Any:
    """Subtract figures as they are shown: counts as numbers, decimals as texts."""
    if isinstance(value, int):
        return value - (other or 0)
    return decimal_text(Fraction(value) - Fraction(other or 0))


def running_quantity(quantity: Quantity, *, standing: Standing | None, window: Window, is_prorated: bool) -> Quantity:
    """
    Return what current usage prices of a charge in advance, what was billed already included.

    Units that were carried in count for the whole period, those that came in it as they were billed; what left is still paid
    for. Two carried seats and one for 25 of 30 days are 2.83334, also after one of them left.
    Source: Lago docs, current usage of charges in advance.
    """
    units = quantity.full_units
    if standing is None:
        if not is_prorated or window.days.days < window.full_days:
            return quantity
        return structs.replace(quantity, billed=units, aggregate=units)
    if not is_prorated:
        paid = exact_sum((units, standing.current.copy_negate(), standing.maximum))
        return structs.replace(quantity, billed=paid, aggregate=paid)
    carried = exact_sum((units, standing.current.copy_negate()))
    share = prorated_quantity(Fraction(window.days.days, window.full_days))
    paid = Decimal(decimal_text(Fraction(carried) * Fraction(min(share, Decimal(1))) + Fraction(standing.maximum_prorated)))
    return structs.replace(quantity, billed=paid, aggregate=paid)
