"""
Pricing events that are paid for in advance: each makes a fee for every such charge on its metric, once.

Events of a lane are priced one after the other, in the order of their arrival; where a bucket stands is read from the steps
that earlier events made and written with the step of this one. So the fees of a period add up to the price of its units
also where events come at the same moment, late, or through several processes. An estimate is the same without writing.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from msgspec import Struct, structs
from sqlalchemy import Connection

from daycount.catalog.records import TARGET_WALLET, Charge
from daycount.customers import store as customers
from daycount.engine.advance import Happening, Standing, Step, event_fee, take_step
from daycount.engine.calendar import Occasion, Window
from daycount.engine.charges.consumption import Detail
from daycount.engine.charges.dispatch import detail_of
from daycount.engine.charges.models import ChargeModel
from daycount.engine.fees import Breakdown, ChargeTerms, FeeDraft
from daycount.engine.metrics import (
    NOTHING,
    AggregationType,
    Bucket,
    UsageRequest,
    place_of,
    read_number,
    read_operation,
)
from daycount.infra.work import Work
from daycount.invoicing import store as invoicing
from daycount.invoicing.advance import store
from daycount.invoicing.advance.standings import Place, bucket_key, standing_of
from daycount.invoicing.billing_run import make_documents
from daycount.invoicing.compute import ChargeUsage, Computed, Job, Subject, charge_terms, job_for, load_subjects, usage_request
from daycount.invoicing.deadlines import set_deadlines
from daycount.invoicing.lines import lone_fee_of
from daycount.invoicing.messages_life import FeesMade, InvoicesMade
from daycount.invoicing.records import UNANNOUNCED_STATUSES, AdvanceStep, Series
from daycount.periods import Period
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.records import Subscription
from daycount.usage.port import EventStore
from daycount.usage.records import Arrived, Question, StoredEvent
from daycount.usage.values import read_texts


class Reading(Struct, frozen=True, kw_only=True):
    """An event as one charge reads it: the bucket it falls into, and its value (a number, or what was added or removed)."""

    key: UUID | None
    arrived: Arrived
    job: Job
    charge: Charge
    request: UsageRequest
    place: int
    bucket: Bucket
    group_keys: tuple[str, ...]
    value: Decimal
    member: str | None

    @property
    def window(self) -> Window:
        """Return the period of charges that the event lies in."""
        assert self.job.windows.charges is not None
        return self.job.windows.charges

    @property
    def series(self) -> Series:
        """Return the steps that the event's own one joins."""
        return Series(self.job.subject.subscription.id, self.charge.id, self.window.period.start)

    @property
    def at_place(self) -> Place:
        """Return the bucket among all buckets."""
        return self.series, bucket_key(self.bucket)

    @property
    def prices_all_units(self) -> bool:
        """Tell whether a unit's price depends on how many there are, those carried into the period included."""
        return self.charge.metric.recurring and self.charge.charge_model is not ChargeModel.STANDARD

    @property
    def looks_at_events(self) -> bool:
        """Tell whether the price depends on the value of every event."""
        own = next((item for item in self.charge.filters if item.id == self.bucket.filter_id), None)
        properties = self.charge.properties if own is None else own.properties
        return detail_of(self.charge.charge_model, properties=properties, is_prorated=False) is Detail.VALUES


class PricedEvent(Struct, frozen=True, kw_only=True):
    """What an event comes to by one charge: the fee, and the step of its bucket."""

    reading: Reading
    draft: FeeDraft
    step: AdvanceStep | None

    @property
    def computed(self) -> Computed:
        """Return the fee as something that can be put on an invoice."""
        usage = ChargeUsage(charge=self.reading.charge, fees=[self.draft])
        return Computed(job=self.reading.job, base=None, charges=[usage])


def price_events(work: Work, event_keys: Sequence[UUID], *, events: EventStore) -> None:
    """
    Make the fees of events, in the order of their arrival: an invoice for each where the charge is invoiced, else one that stands alone.

    The caller holds the lanes of their customers. Locks customers, then subscriptions. What was priced before is passed over.
    Some twenty statements whatever the number of events.
    """
    arrived = events.find_arrived(work.tx, organization_id=work.organization_id, keys=event_keys)
    rows = _rows_of(work, [item.event for item in arrived])
    customers.find_customers(work.tx, organization_id=work.organization_id, ids=[row.customer_id for row in rows.values()], lock=True)
    locked = subscriptions.find_subscriptions(
        work.tx, organization_id=work.organization_id, ids=[row.id for row in rows.values()], lock=True
    )
    subjects = {subject.subscription.id: subject for subject in load_subjects(work, locked)}
    counted = store.find_counted(work.tx, event_keys=event_keys)
    readings = [
        reading
        for item in arrived
        if item.event.key in rows
        for reading in read_event(work, item, subjects[rows[item.event.key].id])
        if (reading.key, reading.charge.id) not in counted
    ]
    priced = price_readings(work, readings, events=events)
    documents = make_documents(work, [[item.computed] for item in priced if item.reading.charge.invoiceable], bills={})
    alone = [lone_fee_of(work, item.computed, item.draft) for item in priced if not item.reading.charge.invoiceable]
    invoicing.insert(work.tx, documents._replace(fees=[*documents.fees, *alone]))
    set_deadlines(work, documents.invoices)
    work.announce(FeesMade(fees=[*documents.fees, *alone]))
    work.announce(InvoicesMade(invoices=[row for row in documents.invoices if row.status not in UNANNOUNCED_STATUSES]))
    store.insert_steps(work.tx, [item.step for item in priced if item.step is not None])


def _rows_of(work: Work, found: Sequence[StoredEvent]) -> dict[str, Subscription]:
    """Return the row that each event belongs to, by its key: the one that runs, else the last that ran at its time."""
    names = {event.external_subscription_id for event in found if event.external_subscription_id is not None}
    rows = subscriptions.find_rows_of(work.tx, organization_id=work.organization_id, external_ids=names)
    chosen = {}
    for event in found:
        row = next((row for row in rows if row.external_id == event.external_subscription_id and _is_inside(row, event)), None)
        if row is not None:
            chosen[event.key] = row
    return chosen


def _is_inside(row: Subscription, event: StoredEvent) -> bool:
    """Tell whether an event lies in a row's life, both ends included; its start to the millisecond, as events are sent."""
    assert row.started_at is not None
    start = row.started_at.replace(microsecond=row.started_at.microsecond // 1000 * 1000)
    return start <= event.at and (row.terminated_at is None or event.at <= row.terminated_at)


def read_event(work: Work, item: Arrived, subject: Subject, *, is_real: bool = True) -> list[Reading]:
    """Read an event by every charge in advance on its metric; by none where its value is missing or cannot be read."""
    found = job_for(subject, occasion=Occasion.USAGE, at=item.event.at)
    if found.windows.charges is None:
        return []
    job = structs.replace(found, at=work.now)
    properties = read_texts(item.event.properties)
    readings = []
    for charge in subject.plan.charges:
        if not charge.pay_in_advance or charge.metric.code != item.event.code:
            continue
        value = _value(charge, properties)
        if value is None:
            continue
        request = usage_request(subject, charge, found.windows.charges)
        place, group = place_of(properties, request=request)
        is_unique = charge.metric.aggregation_type is AggregationType.UNIQUE_COUNT
        readings.append(
            Reading(
                key=UUID(item.event.key) if is_real else None,
                arrived=item,
                job=job,
                charge=charge,
                request=request,
                place=place,
                bucket=Bucket(request.conditions[place - 1].filter_id if place else None, group),
                group_keys=request.group_by[place],
                value=value,
                member=properties[charge.metric.field_name or ""] if is_unique else None,
            )
        )
    return readings


def _value(charge: Charge, properties: Mapping[str, str]) -> Decimal | None:
    """Return what an event says: 1 for counts and values that are added, -1 for those removed, a number for sums."""
    metric = charge.metric
    if metric.aggregation_type is AggregationType.COUNT:
        return Decimal(1)
    text = properties.get(metric.field_name or "")
    if metric.aggregation_type is AggregationType.SUM:
        return read_number(text)
    is_add = read_operation(properties.get("operation_type"))
    return None if text is None or is_add is None else Decimal(1 if is_add else -1)


def price_readings(work: Work, readings: Sequence[Reading], *, events: EventStore) -> list[PricedEvent]:
    """Price events one after the other, each on what those before it left. Six queries at most."""
    series = list(dict.fromkeys(reading.series for reading in readings))
    latest = store.find_latest(work.tx, series)
    standings = _standings(work.tx, latest, [reading.series for reading in readings if reading.looks_at_events])
    ordinals = {place: step.ordinal for place, step in latest.items()}
    carried = _carried(work.tx, readings, events=events)
    was_active = _were_active(work.tx, readings, events=events)
    named = {reading.member for reading in readings if reading.member is not None}
    members = store.find_members(work.tx, series, members=named)
    priced = []
    for reading, is_there in zip(readings, was_active, strict=True):
        place = reading.at_place
        change = reading.value
        if reading.member is not None:
            change = _change(reading.value > 0, was_there=is_there, known=members.get((place, reading.member)))
            if change:
                members[place, reading.member] = change > 0
        happening = _happening(reading)
        step = take_step(
            standings.get(place, Standing()),
            change=change,
            happening=happening,
            window=reading.window,
            is_prorated=reading.charge.prorated,
            zone=reading.job.subject.zone,
        )
        draft = event_fee(
            _terms(reading),
            step=step,
            carried=carried.get(place, Decimal(0)),
            happening=happening,
            window=reading.window,
            zone=reading.job.subject.zone.key,
            is_prorated=reading.charge.prorated,
            currency=reading.job.subject.currency,
        )
        draft = structs.replace(draft, breakdowns=_breakdowns(reading, draft))
        standings[place] = step.after if reading.looks_at_events else structs.replace(step.after, values=())
        ordinals[place] = ordinals.get(place, 0) + 1
        stored = None if reading.key is None else _stored(reading, step, ordinal=ordinals[place])
        priced.append(PricedEvent(reading=reading, draft=draft, step=stored))
    return priced


def _breakdowns(reading: Reading, draft: FeeDraft) -> list[Breakdown]:
    """Return the units of the event by its own values of the charge's presentation keys."""
    keys = reading.charge.presentation_keys
    properties = read_texts(reading.arrived.event.properties) if keys else {}
    return [Breakdown(presentation_by={key: properties.get(key) or "" for key in keys}, units=draft.units)] if keys else []


def _terms(reading: Reading) -> ChargeTerms:
    """Return what the event's fee is priced by; a wallet that the event does not name splits nothing."""
    named = [(key, value) for key, value in zip(reading.group_keys, reading.bucket.group, strict=True) if key != TARGET_WALLET or value]
    shown = Bucket(reading.bucket.filter_id, tuple(value for _, value in named))
    return charge_terms(reading.job.subject.subscription.id, reading.charge, shown, tuple(key for key, _ in named))


def _change(is_add: bool, *, was_there: bool, known: bool | None) -> Decimal:  # noqa: FBT001 - what the event says
    """
    Return what adding or removing a value changes: nothing where it is there already, or gone already.

    `was_there` is what the events before it say, `known` what those priced in this period say, which at one moment in
    several processes may be others.
    """
    if is_add:
        return Decimal(0 if was_there or known is True else 1)
    return Decimal(-1 if was_there and known is not False else 0)


def _happening(reading: Reading) -> Happening:
    event = reading.arrived.event
    return Happening(
        key=reading.key,
        at=event.at,
        transaction_id=event.transaction_id,
        event_cents=event.precise_total_amount_cents or Decimal(0),
    )


def _standings(tx: Connection, latest: Mapping[Place, AdvanceStep], detailed: Sequence[Series]) -> dict[Place, Standing]:
    values = store.find_values(tx, list(dict.fromkeys(detailed)))
    return {place: structs.replace(standing_of(step), values=values.get(place, ())) for place, step in latest.items()}


def _carried(tx: Connection, readings: Sequence[Reading], *, events: EventStore) -> dict[Place, Decimal]:
    """Return the units that buckets began their period with, where prices depend on them."""
    asked = {reading.series: reading for reading in readings if reading.prices_all_units}
    requests = [
        structs.replace(reading.request, period=Period(start=start, end=start), is_prorated=False, detail=Detail.NONE)
        for reading in asked.values()
        for start in [reading.window.period.start]
    ]
    answers = events.aggregate(tx, requests) if requests else []
    found = dict(zip(asked, answers, strict=True))
    return {
        reading.at_place: max(found[reading.series].get(reading.bucket, NOTHING).total, Decimal(0))
        for reading in readings
        if reading.series in found
    }


def _were_active(tx: Connection, readings: Sequence[Reading], *, events: EventStore) -> list[bool]:
    """Tell for each event that adds or removes a value whether that was there before it; False for all others."""
    places = [place for place, reading in enumerate(readings) if reading.member is not None]
    questions = [_question(readings[place]) for place in places]
    answers = dict(zip(places, events.were_active(tx, questions), strict=True))
    return [answers.get(place, False) for place in range(len(readings))]


def _question(reading: Reading) -> Question:
    assert reading.member is not None
    return Question(
        request=reading.request,
        place=reading.place,
        group=reading.bucket.group,
        member=reading.member,
        at=reading.arrived.event.at,
        sequence=reading.arrived.sequence,
    )


def _stored(reading: Reading, step: Step, *, ordinal: int) -> AdvanceStep:
    assert reading.key is not None
    series = reading.series
    return AdvanceStep(
        organization_id=reading.charge.organization_id,
        event_key=reading.key,
        charge_id=series.charge_id,
        subscription_id=series.subscription_id,
        period_start=series.period_start,
        bucket=bucket_key(reading.bucket),
        ordinal=ordinal,
        member=reading.member,
        change=step.change,
        billed=step.billed,
        is_value=bool(step.units),
        current=step.after.current,
        maximum=step.after.maximum,
        maximum_prorated=step.after.maximum_prorated,
        events_count=step.after.events_count,
        event_cents=step.after.event_cents,
    )
