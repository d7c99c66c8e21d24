"""What an event would cost before it is sent: exactly, from all that was used so far, or at once, from its properties alone."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from msgspec import Struct

from daycount import errors
from daycount.catalog.metric_operations import get_metric
from daycount.catalog.records import Charge, ChargeFilter, Metric
from daycount.engine.charges.models import ChargeModel
from daycount.engine.filters import Filter, bucket_of, in_order
from daycount.engine.metrics import AggregationType, apply_rounding, read_number, read_operation
from daycount.engine.pricing_units import to_money
from daycount.infra.work import Work
from daycount.invoicing.advance.pricing import price_readings, read_event
from daycount.invoicing.compute import Subject, load_subjects
from daycount.invoicing.lines import lone_fee_of, uninvoiced_fee_of
from daycount.invoicing.records import Fee
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.records import Status, Subscription
from daycount.usage.port import EventStore
from daycount.usage.records import Arrived, StoredEvent
from daycount.usage.values import read_texts

_LAST = 2**62
_NUMERIC = frozenset({AggregationType.SUM, AggregationType.MAX, AggregationType.LATEST})
_INSTANT = frozenset({ChargeModel.STANDARD, ChargeModel.PERCENTAGE})


class InstantFee(Struct, frozen=True, kw_only=True):
    """What an event costs by one charge, taken by itself; amounts are exact, in major units of money."""

    subject: Subject
    charge: Charge
    own_filter: ChargeFilter | None
    grouped_by: Mapping[str, str | None]
    transaction_id: str | None
    units: Decimal
    amount: Fraction


def find_active(work: Work, external_subscription_id: str | None) -> Subscription:
    """Return the active row of an external id. Raises NotFound (subscription)."""
    rows = subscriptions.find_rows(work.tx, organization_id=work.organization_id, external_id=external_subscription_id or "")
    row = next((row for row in rows if row.status is Status.ACTIVE), None)
    if row is None:
        raise errors.NotFound("subscription")
    return row


def estimate_fees(work: Work, row: Subscription, event: StoredEvent, *, events: EventStore) -> list[Fee]:
    """
    Return the fees that an event would make now; nothing is stored. By the code that makes them.

    Raises NotFound (billable_metric), Invalid (code: does_not_match_an_instant_charge; properties: value_is_not_valid_number).
    Source: Lago API, estimates.
    """
    metric = get_metric(work, event.code)
    if metric.aggregation_type in _NUMERIC and read_number(read_texts(event.properties).get(metric.field_name or "")) is None:
        raise errors.Invalid({"properties": ["value_is_not_valid_number"]})
    [subject] = load_subjects(work, [row])
    _charges_of(subject, event.code)
    readings = read_event(work, Arrived(event, _LAST), subject, is_real=False)
    priced = price_readings(work, readings, events=events)
    return [
        uninvoiced_fee_of(work, item.computed, item.draft)
        if item.reading.charge.invoiceable
        else lone_fee_of(work, item.computed, item.draft)
        for item in priced
    ]


def estimate_instant_fees(subject: Subject, *, code: str, properties: Mapping[str, str], transaction_id: str | None) -> list[InstantFee]:
    """
    Price an event by itself, by standard and percentage charges in advance; without what was used before, tiers and taxes.

    A counted value is one unit. Raises Invalid (code: does_not_match_an_instant_charge; properties: value_is_not_valid_number).
    Source: Lago API, instant estimates.
    """
    charges = [charge for charge in _charges_of(subject, code) if charge.charge_model in _INSTANT]
    if not charges:
        raise errors.Invalid({"code": ["does_not_match_an_instant_charge"]})
    return [_instant(subject, charge, properties, transaction_id) for charge in charges]


def _charges_of(subject: Subject, code: str) -> list[Charge]:
    found = [charge for charge in subject.plan.charges if charge.pay_in_advance and charge.metric.code == code]
    if not found:
        raise errors.Invalid({"code": ["does_not_match_an_instant_charge"]})
    return found


def _instant(subject: Subject, charge: Charge, properties: Mapping[str, str], transaction_id: str | None) -> InstantFee:
    metric = charge.metric
    filters = [Filter(id=item.id, values=item.values, created_at=item.created_at) for item in charge.filters]
    conditions = in_order(filters, metric_values={item.key: item.values for item in metric.filters})
    filter_id = bucket_of(properties, conditions=conditions)
    own = next((item for item in charge.filters if item.id == filter_id), None)
    units = max(
        apply_rounding(_units(metric, properties), function=metric.rounding_function, precision=metric.rounding_precision), Decimal(0)
    )
    price = charge.properties if own is None else own.properties
    keys = charge.group_keys if own is None else charge.keys_of(own)
    return InstantFee(
        subject=subject,
        charge=charge,
        own_filter=own,
        grouped_by={key: properties.get(key) or None for key in keys},
        transaction_id=transaction_id,
        units=units,
        amount=to_money(_amount(charge.charge_model, price, units), unit_amount=Fraction(0), unit=charge.pricing_unit).amount,
    )


def _units(metric: Metric, properties: Mapping[str, str]) -> Decimal:
    if metric.field_name is None:
        return Decimal(1)
    text = properties.get(metric.field_name)
    if text is None:
        return Decimal(0)
    if metric.aggregation_type is AggregationType.UNIQUE_COUNT:
        return Decimal(1 if read_operation(properties.get("operation_type")) else 0)
    number = read_number(text)
    if number is None:
        raise errors.Invalid({"properties": ["value_is_not_valid_number"]})
    return number


def _amount(model: ChargeModel, price: Mapping[str, Any], units: Decimal) -> Fraction:
    if model is ChargeModel.STANDARD:
        return Fraction(units) * _price(price, "amount")
    amount = Fraction(units) * _price(price, "rate") / 100 + _price(price, "fixed_amount")
    if price.get("per_transaction_max_amount") is not None:
        amount = min(amount, _price(price, "per_transaction_max_amount"))
    if price.get("per_transaction_min_amount") is not None:
        amount = max(amount, _price(price, "per_transaction_min_amount"))
    return amount


def _price(price: Mapping[str, Any], name: str) -> Fraction:
    return Fraction(Decimal(str(price.get(name) or 0)))
