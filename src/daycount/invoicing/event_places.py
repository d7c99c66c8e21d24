"""
Where an event counts: which subscription, charges, filters, groups and period take it in, or why none does.

By the rules that aggregation and billing follow, for one event at a time and for people; nothing is billed by it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from daycount.catalog import store as catalog
from daycount.catalog.records import Charge, ChargeFilter, Metric
from daycount.engine.calendar import Occasion, Window
from daycount.engine.filters import Filter, bucket_of, in_order
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.compute import Subject, job_for, load_subjects
from daycount.invoicing.records import Invoice, InvoiceLine
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.directory import CatalogDirectory
from daycount.subscriptions.records import Status, Subscription
from daycount.usage.records import StoredEvent, Warned
from daycount.usage.values import read_texts
from daycount.usage.warnings import warn

_LIVED = (Status.ACTIVE, Status.TERMINATED)


class Placement(Struct, frozen=True, kw_only=True):
    """The bucket of a charge that an event falls into; `filter` is None for the default one."""

    charge: Charge
    filter: ChargeFilter | None
    grouped_by: Mapping[str, str | None]


class EventPlace(Struct, frozen=True, kw_only=True):
    """
    All that is known of where an event counts.

    `reasons` say why it is not billed, or not in its own period; `window` is the charges period it is dated in, or the first one
    where a recurring metric carries it from before the start. `invoice` is the one that bills that period, once there is one.
    """

    event: StoredEvent
    metric: Metric | None
    subject: Subject | None
    window: Window | None
    placements: Sequence[Placement]
    invoice: Invoice | None
    reasons: Sequence[Warned]

    @property
    def is_billed(self) -> bool:
        """Tell whether the event counts for what it was meant."""
        return bool(self.placements) and not self.reasons


def place_event(work: Work, event: StoredEvent) -> EventPlace:
    """Say where a stored event counts. A constant number of queries."""
    directory = CatalogDirectory()
    name = event.external_subscription_id
    reasons = warn(
        code=event.code,
        external_subscription_id=name,
        at=event.at,
        properties=event.properties,
        metrics=directory.metrics(work.tx, work.organization_id),
        subscriptions=directory.subscriptions(work.tx, work.organization_id, [name] if name else []),
    )
    metric = catalog.find_metric(work.tx, organization_id=work.organization_id, code=event.code)
    rows = subscriptions.find_rows(work.tx, organization_id=work.organization_id, external_id=name) if name else []
    row = _row_of(rows, event.at, is_recurring=metric is not None and metric.recurring)
    if row is None:
        return EventPlace(event=event, metric=metric, subject=None, window=None, placements=(), invoice=None, reasons=reasons)
    subject = load_subjects(work, [row])[0]
    window = _window_of(subject, event.at)
    placements = [_place(charge, event) for charge in subject.plan.charges if metric is not None and charge.metric.id == metric.id]
    found = (
        None
        if window is None
        else store.find_usage_invoice(
            work.tx, organization_id=work.organization_id, subscription_id=row.id, charges_from=window.period.start
        )
    )
    if found is not None and placements and event.created_at > found[0].billed_at:
        reasons = [*reasons, _late(found, metric)]
    return EventPlace(
        event=event,
        metric=metric,
        subject=subject,
        window=window,
        placements=placements,
        invoice=None if found is None else found[1],
        reasons=reasons,
    )


def _row_of(rows: Sequence[Subscription], at: datetime, *, is_recurring: bool) -> Subscription | None:
    """
    Return the row whose life an instant lies in, one that goes on before one that ended; else, if recurring, the active one.

    Source: Lago docs, events; the row that starts at the end of another takes the instant.
    """
    lived = [row for row in rows if row.status in _LIVED and row.started_at is not None]
    for row in lived:
        assert row.started_at is not None
        if row.started_at <= at and (row.terminated_at is None or at <= row.terminated_at):
            return row
    return next((row for row in lived if is_recurring and row.status is Status.ACTIVE), None)


def _window_of(subject: Subject, at: datetime) -> Window | None:
    """Return the charges window an instant lies in, of the past, too; before the start it is the first one."""
    terms = subject.terms
    if terms.billed_through is not None and at < terms.billed_through:
        subject = structs.replace(subject, terms=structs.replace(terms, billed_through=None, billed_zone=None))
    return job_for(subject, occasion=Occasion.USAGE, at=max(at, terms.started_at)).windows.charges


def _place(charge: Charge, event: StoredEvent) -> Placement:
    properties = read_texts(event.properties)
    filters = [Filter(id=item.id, values=item.values, created_at=item.created_at) for item in charge.filters]
    conditions = in_order(filters, metric_values={item.key: item.values for item in charge.metric.filters})
    filter_id: UUID | None = bucket_of(properties, conditions=conditions)
    own = next((item for item in charge.filters if item.id == filter_id), None)
    keys = charge.group_keys if own is None else charge.keys_of(own)
    return Placement(charge=charge, filter=own, grouped_by={key: properties.get(key) or None for key in keys})


def _late(found: tuple[InvoiceLine, Invoice], metric: Metric | None) -> Warned:
    """Say what becomes of an event that came after its period was billed."""
    number = found[1].number or "without a number"
    if metric is not None and metric.recurring:
        return Warned("period_already_billed", f"invoice {number} had billed its period; it counts from the next period on")
    return Warned("period_already_billed", f"invoice {number} had billed its period; it is not billed any more")


def explain_place(place: EventPlace) -> list[str]:
    """Say where an event counts, one sentence a step."""
    event = place.event
    sentences = [f"Event {event.transaction_id!r} of {event.at.isoformat()} was received at {event.created_at.isoformat()}."]
    if place.metric is not None:
        sentences.append(f"Its code is that of the metric {place.metric.name!r} ({place.metric.aggregation_type}).")
    if place.subject is not None:
        row = place.subject.subscription
        sentences.append(
            f"It belongs to the subscription {row.external_id!r} of {row.external_customer_id!r}, plan {place.subject.plan.code!r}."
        )
    if place.window is not None and place.placements:
        start, end = place.window.period
        sentences.append(f"Its period goes from {start.isoformat()} to {end.isoformat()}.")
    for item in place.placements:
        bucket = " outside the filters" if item.charge.filters and item.filter is None else ""
        if item.filter is not None:
            bucket = " under the filter " + " and ".join(f"{key} {' or '.join(values)}" for key, values in item.filter.values.items())
        group = "".join(f", {key} {'(none)' if value is None else value}" for key, value in item.grouped_by.items())
        sentences.append(f"Charge {item.charge.code!r} ({item.charge.charge_model}) counts it{bucket}{group}.")
    if place.invoice is not None and place.placements:
        sentences.append(f"That period is billed by invoice {place.invoice.number}.")
    sentences.extend(f"Not billed: {reason.message} ({reason.code})." for reason in place.reasons)
    return sentences
