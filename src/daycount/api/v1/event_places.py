"""Where an event counts, on the wire."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from daycount import errors
from daycount.api.routing import Call, Routes
from daycount.api.v1.events import EventObject, to_wire
from daycount.api.wire import Stamp, stamp, stamp_or_none
from daycount.infra.work import Work
from daycount.invoicing.event_places import EventPlace, explain_place, place_event
from daycount.periods import shown_end
from daycount.usage.records import Warned

routes = Routes("events")


class PlacedMetricObject(Struct, frozen=True, kw_only=True):
    """The metric that an event's code names."""

    lago_id: str
    code: str
    name: str
    aggregation_type: str
    field_name: str | None
    recurring: bool


class PlacedSubscriptionObject(Struct, frozen=True, kw_only=True):
    """The subscription that an event belongs to."""

    lago_id: str
    external_id: str
    external_customer_id: str
    plan_code: str
    status: str
    started_at: Stamp | None
    terminated_at: Stamp | None


class PlacedFilterObject(Struct, frozen=True, kw_only=True):
    """The charge filter that takes an event."""

    lago_id: str
    values: Mapping[str, Sequence[str]]


class PlacementObject(Struct, frozen=True, kw_only=True):
    """A charge that counts an event, and the bucket it falls into; `filter` is null where no filter takes it."""

    lago_id: str
    code: str
    charge_model: str
    pay_in_advance: bool
    filter: PlacedFilterObject | None
    grouped_by: Mapping[str, str | None]


class EventExplanationObject(Struct, frozen=True, kw_only=True):
    """
    Where an event counts, and why it is not billed where it is not.

    `sentences` say the same to people. The period and the invoice are null where no charge counts the event.
    """

    event: EventObject
    is_billed: bool
    reasons: Sequence[Warned]
    billable_metric: PlacedMetricObject | None
    subscription: PlacedSubscriptionObject | None
    charges: Sequence[PlacementObject]
    from_datetime: Stamp | None
    to_datetime: Stamp | None
    lago_invoice_id: str | None
    sentences: Sequence[str]


@routes.get("/events/{transaction_id}/explain", returns=EventExplanationObject, root_out="event_explanation", is_extension=True)
def explain_event(work: Work, call: Call) -> EventExplanationObject:
    """Say which metric, charge, filter, group and period an event counts in, or why it counts nowhere."""
    event = call.services.events.find(work.tx, organization_id=work.organization_id, transaction_id=call.path["transaction_id"])
    if event is None:
        raise errors.NotFound("event")
    return _to_wire(place_event(work, event))


def _to_wire(place: EventPlace) -> EventExplanationObject:
    window = place.window if place.placements else None
    return EventExplanationObject(
        event=to_wire(place.event, [reason for reason in place.reasons if reason.code != "period_already_billed"]),
        is_billed=place.is_billed,
        reasons=place.reasons,
        billable_metric=_metric(place),
        subscription=_subscription(place),
        charges=[
            PlacementObject(
                lago_id=str(item.charge.id),
                code=item.charge.code,
                charge_model=item.charge.charge_model,
                pay_in_advance=item.charge.pay_in_advance,
                filter=None if item.filter is None else PlacedFilterObject(lago_id=str(item.filter.id), values=item.filter.values),
                grouped_by=item.grouped_by,
            )
            for item in place.placements
        ],
        from_datetime=None if window is None else stamp(window.period.start),
        to_datetime=None if window is None else stamp(shown_end(window.period.end, is_cut=window.is_cut)),
        lago_invoice_id=None if window is None or place.invoice is None else str(place.invoice.id),
        sentences=explain_place(place),
    )


def _metric(place: EventPlace) -> PlacedMetricObject | None:
    metric = place.metric
    if metric is None:
        return None
    return PlacedMetricObject(
        lago_id=str(metric.id),
        code=metric.code,
        name=metric.name,
        aggregation_type=metric.aggregation_type,
        field_name=metric.field_name,
        recurring=metric.recurring,
    )


def _subscription(place: EventPlace) -> PlacedSubscriptionObject | None:
    if place.subject is None:
        return None
    row = place.subject.subscription
    return PlacedSubscriptionObject(
        lago_id=str(row.id),
        external_id=row.external_id,
        external_customer_id=row.external_customer_id,
        plan_code=place.subject.plan.code,
        status=row.status,
        started_at=stamp_or_none(row.started_at),
        terminated_at=stamp_or_none(row.terminated_at),
    )
