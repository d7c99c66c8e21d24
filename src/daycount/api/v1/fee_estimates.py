"""Fee estimates on the wire: what an event would cost, were it sent now."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from daycount import errors
from daycount.api.routing import Call, Routes
from daycount.api.v1.fees import with_taxes
from daycount.api.v1.invoices import FeeObject
from daycount.api.wire import DecimalText, decode, text
from daycount.engine.metrics import read_number
from daycount.given import given, given_or_default
from daycount.infra.work import Work
from daycount.invoicing.advance.estimates import InstantFee, estimate_fees, estimate_instant_fees, find_active
from daycount.invoicing.compute import load_subjects
from daycount.invoicing.lines import charge_item
from daycount.money import decimal_text, round_half_away
from daycount.usage.computed import compute_values
from daycount.usage.records import IncomingEvent, StoredEvent
from daycount.usage.values import read_texts

routes = Routes("events")
_encoder = msgspec.json.Encoder(decimal_format="number")
_UNIT_PLACES = 15


class EstimateInput(Struct, frozen=True, kw_only=True):
    """An event that is only thought of. Its time is now, whatever is sent."""

    code: str | None | UnsetType = UNSET
    external_subscription_id: str | None | UnsetType = UNSET
    transaction_id: str | None | UnsetType = UNSET
    timestamp: str | None | UnsetType = UNSET
    precise_total_amount_cents: str | None | UnsetType = UNSET
    properties: dict[str, Any] | None | UnsetType = UNSET


class BatchEstimateInput(Struct, frozen=True, kw_only=True):
    """Events that are only thought of."""

    events: list[dict[str, Any]] | None | UnsetType = UNSET


class InstantItemObject(Struct, frozen=True, kw_only=True):
    """What an estimate is for."""

    type: str
    code: str
    name: str
    description: str | None
    invoice_display_name: str
    filters: Mapping[str, Any] | None
    filter_invoice_display_name: str | None
    lago_item_id: str
    item_type: str
    grouped_by: Mapping[str, str | None]


class InstantFeeObject(Struct, frozen=True, kw_only=True):
    """What an event costs taken by itself; unlike on a fee, amounts in minor units are decimal texts."""

    lago_id: None
    lago_charge_id: str
    lago_charge_filter_id: str | None
    lago_invoice_id: None
    lago_true_up_fee_id: None
    lago_true_up_parent_fee_id: None
    lago_subscription_id: str
    external_subscription_id: str
    lago_customer_id: str
    external_customer_id: str
    item: InstantItemObject
    pay_in_advance: bool
    invoiceable: bool
    amount_cents: DecimalText
    amount_currency: str
    precise_amount: DecimalText
    precise_total_amount: DecimalText
    taxes_amount_cents: int
    taxes_precise_amount: DecimalText
    taxes_rate: int
    total_amount_cents: DecimalText
    total_amount_currency: str
    units: DecimalText
    description: str | None
    precise_unit_amount: DecimalText
    precise_coupons_amount_cents: DecimalText
    events_count: int
    payment_status: str
    created_at: None
    succeeded_at: None
    failed_at: None
    refunded_at: None
    amount_details: None
    event_transaction_id: str | None


@routes.post(
    "/events/estimate_fees", accepts=EstimateInput, root_in="event", returns=FeeObject, root_out="fees", is_list=True, has_meta=False
)
def event_estimate_fees(work: Work, call: Call) -> Sequence[FeeObject]:
    """Show the fees that an event would make now."""
    body: EstimateInput = call.body
    row = find_active(work, given(body.external_subscription_id, None))
    _check_timestamp(body)
    event = _thought_of(work, call, body)
    fees = estimate_fees(work, row, event, events=call.services.events)
    return [structs.replace(shown, lago_id=None, created_at=None) for shown in with_taxes(work, fees)]


@routes.post(
    "/events/estimate_instant_fees",
    accepts=EstimateInput,
    root_in="event",
    returns=InstantFeeObject,
    root_out="fees",
    is_list=True,
    has_meta=False,
)
def event_estimate_instant_fees(work: Work, call: Call) -> Sequence[InstantFeeObject]:
    """Show what an event costs taken by itself."""
    body: EstimateInput = call.body
    [subject] = load_subjects(work, [find_active(work, given(body.external_subscription_id, None))])
    event = _thought_of(work, call, body)
    found = estimate_instant_fees(
        subject, code=event.code, properties=read_texts(event.properties), transaction_id=given(body.transaction_id, None)
    )
    return [_to_wire(fee) for fee in found]


@routes.post(
    "/events/batch_estimate_instant_fees",
    accepts=BatchEstimateInput,
    returns=InstantFeeObject,
    root_out="fees",
    is_list=True,
    has_meta=False,
)
def event_batch_estimate_instant_fees(work: Work, call: Call) -> Sequence[InstantFeeObject]:
    """Show what events cost, each taken by itself; those that no such charge is for are left out."""
    items = given(call.body.events, None)
    if not items:
        raise errors.Invalid({"events": ["no_events"]})
    bodies = [_read_item(item) for item in items]
    names = [given(body.external_subscription_id, None) for body in bodies]
    rows = {name: find_active(work, name) for name in dict.fromkeys(names)}
    subjects = dict(zip(rows, load_subjects(work, list(rows.values())), strict=True))
    found: list[InstantFee] = []
    for body, name in zip(bodies, names, strict=True):
        event = _thought_of(work, call, body)
        try:
            found += estimate_instant_fees(
                subjects[name], code=event.code, properties=read_texts(event.properties), transaction_id=given(body.transaction_id, None)
            )
        except errors.Invalid as error:
            if "code" not in error.details:
                raise
    return [_to_wire(fee) for fee in found]


def _read_item(item: dict[str, Any]) -> EstimateInput:
    """Read one event of a batch; a root around it is taken off."""
    inner = item.get("event")
    return decode(EstimateInput, inner if isinstance(inner, dict) else item)


def _check_timestamp(body: EstimateInput) -> None:
    value = given(body.timestamp, None)
    if value is not None and read_number(value) is None:
        raise errors.Invalid({"timestamp": ["invalid_format"]})


def _thought_of(work: Work, call: Call, body: EstimateInput) -> StoredEvent:
    """Make an event of now, with what its metric's expression computes. Raises Invalid where that fails."""
    transaction_id = given(body.transaction_id, None) or str(work.new_id())
    properties: dict[str, Any] = given_or_default(body.properties, {})
    incoming = IncomingEvent(
        transaction_id=transaction_id,
        code=given(body.code, None) or "",
        external_subscription_id=given(body.external_subscription_id, None),
        at=work.now,
        properties=_encoder.encode(properties).decode(),
        precise_total_amount_cents=_precise(given(body.precise_total_amount_cents, None)),
    )
    metrics = call.services.directory.metrics(work.tx, work.organization_id)
    computed, failed = compute_values([incoming], now=work.now, metrics=metrics)
    if failed:
        raise errors.Invalid(failed["0"])
    [event] = computed
    return StoredEvent(
        key="",
        external_subscription_id=event.external_subscription_id,
        code=event.code,
        transaction_id=transaction_id,
        at=work.now,
        created_at=work.now,
        properties=event.properties,
        precise_total_amount_cents=event.precise_total_amount_cents,
    )


def _precise(value: str | None) -> Decimal | None:
    return None if value is None else read_number(value) or Decimal(0)


def _to_wire(fee: InstantFee) -> InstantFeeObject:
    """Write an estimate; amounts are not rounded."""
    row, charge, own = fee.subject.subscription, fee.charge, fee.own_filter
    cents = decimal_text(fee.amount * fee.subject.currency.subunits)
    major = decimal_text(fee.amount)
    average = round_half_away(fee.amount / Fraction(fee.units), places=_UNIT_PLACES) if fee.units else Decimal(0)
    return InstantFeeObject(
        lago_id=None,
        lago_charge_id=str(charge.id),
        lago_charge_filter_id=None if own is None else str(own.id),
        lago_invoice_id=None,
        lago_true_up_fee_id=None,
        lago_true_up_parent_fee_id=None,
        lago_subscription_id=str(row.id),
        external_subscription_id=row.external_id,
        lago_customer_id=str(row.customer_id),
        external_customer_id=row.external_customer_id,
        item=InstantItemObject(**charge_item(charge, None if own is None else own.id), grouped_by=fee.grouped_by),
        pay_in_advance=True,
        invoiceable=charge.invoiceable,
        amount_cents=cents,
        amount_currency=fee.subject.plan.amount_currency,
        precise_amount=major,
        precise_total_amount=major,
        taxes_amount_cents=0,
        taxes_precise_amount="0.0",
        taxes_rate=0,
        total_amount_cents=cents,
        total_amount_currency=fee.subject.plan.amount_currency,
        units=text(fee.units),
        description=charge.metric.description,
        precise_unit_amount=text(average),
        precise_coupons_amount_cents="0.0",
        events_count=1,
        payment_status="pending",
        created_at=None,
        succeeded_at=None,
        failed_at=None,
        refunded_at=None,
        amount_details=None,
        event_transaction_id=fee.transaction_id,
    )
