"""
Fees: what one charge or one base fee comes to, with the way it was computed.

Every draft carries its derivation: plain data (texts, numbers, dates) in which each figure can be worked out from the
one before. It is stored with the fee, so that it stays true when prices change.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from msgspec import Struct

from daycount.engine.calendar import BaseFee, Window
from daycount.engine.charges.consumption import NOTHING, Consumption
from daycount.engine.charges.dispatch import price, price_prorated
from daycount.engine.charges.models import ChargeModel
from daycount.engine.metrics import Bucket, Quantity, UsageRequest
from daycount.engine.pricing_units import PricingUnit, UnitAmounts, subunits_of, to_money
from daycount.money import Currency, as_fraction, decimal_text, exact_text, precise_cents, product, quotient, round_half_away, to_cents

_UNIT_PLACES = 15


class Breakdown(Struct, frozen=True, kw_only=True):
    """The units that share some values; a value that events do not have is an empty text, since clients read texts only."""

    presentation_by: Mapping[str, str]
    units: Decimal


class FeeDraft(Struct, frozen=True, kw_only=True):
    """
    A fee before it is stored.

    `amount_cents` is rounded once, half away from zero; `precise_amount_cents` is the same before rounding;
    `precise_unit_amount` is in major units. `units` is what the customer reads, for a prorated charge without proration;
    `total_aggregated_units` differs from it for a weighted sum alone, whose level at the end it is. `bucket` is the part of a charge's
    events it prices; `group_keys` name the values of its group. A true-up
    makes up the charge's minimum and follows the fee it belongs to.
    """

    fee_type: str
    subscription_id: UUID
    charge_id: UUID | None
    bucket: Bucket
    group_keys: tuple[str, ...]
    units: Decimal
    total_aggregated_units: Decimal
    events_count: int
    amount_cents: int
    precise_amount_cents: Decimal
    precise_unit_amount: Decimal
    amount_details: Mapping[str, Any]
    window: Window
    derivation: Mapping[str, Any]
    is_true_up: bool = False
    event_key: UUID | None = None
    """The event that a fee in advance is for, and its transaction."""
    event_transaction_id: str | None = None
    fixed_charge_id: UUID | None = None
    in_units: UnitAmounts | None = None
    """What it comes to in the pricing unit of its charge."""
    breakdowns: Sequence[Breakdown] = ()
    """Its units by the values of the charge's presentation keys; they never change an amount."""

    is_adjusted: bool = False
    """Whether somebody changed it by hand; it is then shown also at nothing."""
    invoice_display_name: str | None = None
    """What it is called by hand."""

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to bill or to show: no units, no amount, no events."""
        return not (self.units or self.amount_cents or self.events_count or self.is_adjusted)

    @property
    def grouped_by(self) -> dict[str, str | None]:
        """Return the values that the bucket's group stands for, by property."""
        return dict(zip(self.group_keys, self.bucket.group, strict=True)) if self.group_keys else {}


class ChargeTerms(Struct, frozen=True, kw_only=True):
    """What a charge fee is priced by."""

    charge_id: UUID
    subscription_id: UUID
    charge_model: ChargeModel
    properties: Mapping[str, Any]
    metric: Mapping[str, Any]
    """What is shown of the metric: code, name, aggregation_type, field_name, recurring, rounding."""
    bucket: Bucket
    group_keys: tuple[str, ...]
    filter_values: Mapping[str, Sequence[str]] | None
    """The values of the charge filter; None for the default bucket."""
    unit: PricingUnit | None = None
    """What prices are in instead of money."""


def charge_fee(terms: ChargeTerms, *, quantity: Quantity, request: UsageRequest, window: Window, currency: Currency) -> FeeDraft:
    """
    Price what was used in a window.

    Negative units or amounts bill nothing. 77 seat days of 31 at 10.00 are 2.48388 units, 24.8388, and 2484 cents.
    Source: Lago docs, charges; rounding half away from zero at the currency's exponent, once.
    """
    consumption = _consumption(quantity, subunits=subunits_of(terms.unit, currency=currency))
    compute_price = price_prorated if request.is_prorated else price
    priced = compute_price(terms.charge_model, properties=terms.properties, consumption=consumption)
    is_nothing = quantity.billed < 0 or quantity.full_units < 0 or priced.amount < 0
    priced_amount = NOTHING if is_nothing else priced.amount
    worth = to_money(priced_amount, unit_amount=NOTHING if is_nothing else priced.unit_amount, unit=terms.unit)
    full_units = Decimal(0) if is_nothing else consumption.full_units
    cents = to_cents(worth.amount, currency=currency)
    derivation = {
        "kind": "charge",
        "metric": dict(terms.metric),
        "bucket": bucket_text(terms),
        "period": shown_period(window, zone=request.zone),
        "quantity": _quantity(quantity, request=request),
        "price": {
            "model": terms.charge_model,
            "units": decimal_text(consumption.units),
            "amount": exact_text(priced_amount),
            **priced.steps,
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
        units=full_units,
        total_aggregated_units=full_units if quantity.level is None else max(quantity.level, Decimal(0)),
        events_count=quantity.events_count,
        amount_cents=cents,
        precise_amount_cents=precise_cents(worth.amount, currency=currency),
        precise_unit_amount=round_half_away(worth.unit_amount, places=_UNIT_PLACES),
        in_units=worth.in_units,
        amount_details=priced.amount_details,
        window=window,
        derivation=derivation,
    )


def subscription_fee(
    fee: BaseFee, *, subscription_id: UUID, plan_amount_cents: int, plan_name: str, window: Window, zone: str, currency: Currency
) -> FeeDraft:
    """
    Turn the exact base fee of a window into a fee of one unit.

    3 100 cents for 20 of 31 days are 2 000 cents. Source: Lago docs, subscription fees; exact fractions instead of floats.
    """
    amount = quotient(fee.amount, currency.subunits)
    cents = to_cents(amount, currency=currency)
    derivation = {
        "kind": "subscription",
        "plan": {"name": plan_name, "amount_cents": plan_amount_cents},
        "period": shown_period(window, zone=zone),
        "share": {"days": fee.days, "full_days": fee.full_days, "is_full_price": fee.is_full_price, "amount": exact_text(amount)},
        "rounding": shown_rounding(amount, cents=cents, currency=currency),
    }
    return FeeDraft(
        fee_type="subscription",
        subscription_id=subscription_id,
        charge_id=None,
        bucket=Bucket(None, ()),
        group_keys=(),
        units=Decimal(1),
        total_aggregated_units=Decimal(1),
        events_count=0,
        amount_cents=cents,
        precise_amount_cents=precise_cents(amount, currency=currency),
        precise_unit_amount=Decimal(cents) / currency.subunits,
        amount_details={"plan_amount_cents": plan_amount_cents},
        window=window,
        derivation=derivation,
    )


def _consumption(quantity: Quantity, *, subunits: int) -> Consumption:
    """Hand a quantity to the models; one below zero is nothing."""
    is_negative = quantity.billed < 0 or quantity.full_units < 0
    return Consumption(
        units=Decimal(0) if is_negative else quantity.billed,
        full_units=Decimal(0) if is_negative else quantity.full_units,
        events_count=quantity.events_count,
        values=quantity.values,
        event_amount=quotient(quantity.event_cents, subunits) if quantity.event_cents else NOTHING,
        custom_amount=as_fraction(quantity.custom_amount) if quantity.custom_amount else NOTHING,
        changes=quantity.changes,
    )


def bucket_text(terms: ChargeTerms) -> dict[str, Any]:
    """Write down which part of a charge's events a fee is for."""
    filters = None if terms.filter_values is None else {key: list(values) for key, values in terms.filter_values.items()}
    return {"filter": filters, "group": dict(zip(terms.group_keys, terms.bucket.group, strict=True))}


def shown_period(window: Window, *, zone: str) -> dict[str, Any]:
    """Write a window into a derivation."""
    return {
        "from": window.period.start.isoformat(),
        "to": window.period.end.isoformat(),
        "zone": zone,
        "first_day": window.days.first.isoformat(),
        "last_day": window.days.last.isoformat(),
        "full_days": window.full_days,
    }


def _quantity(quantity: Quantity, *, request: UsageRequest) -> dict[str, Any]:
    steps: dict[str, Any] = {
        "events_count": quantity.events_count,
        "full_units": decimal_text(quantity.full_units),
        "exact": f"{quantity.exact.numerator}/{quantity.exact.denominator}",
        "aggregate": decimal_text(quantity.aggregate),
        "billed": decimal_text(quantity.billed),
        "is_prorated": request.is_prorated,
    }
    if quantity.total_days is not None:
        steps["total_days"] = quantity.total_days
        steps["members"] = [
            {"name": member.name, "days": member.days, "spans": [[span.first.isoformat(), span.last.isoformat()] for span in member.spans]}
            for member in quantity.members
        ]
    elif quantity.level is not None:
        steps["carried"] = decimal_text(quantity.carried)
        steps["level"] = decimal_text(quantity.level)
    elif request.is_prorated:
        steps["carried"] = decimal_text(quantity.carried)
        steps["by_day"] = {day.isoformat(): decimal_text(value) for day, value in sorted(quantity.by_day.items())}
    return steps


def shown_rounding(amount: Fraction, *, cents: int, currency: Currency) -> dict[str, Any]:
    """Write the one rounding of an amount in major units into a derivation."""
    return {
        "currency": currency.code,
        "exact_cents": exact_text(product(amount, currency.subunits)),
        "cents": cents,
        "rule": "half away from zero, once",
    }
