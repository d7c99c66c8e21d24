"""Events on the wire: reading what clients send, and what they read back."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw, Struct, structs

from daycount import errors
from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.wire import DecimalText, Stamp, stamp, stamp_milliseconds, text
from daycount.engine.metrics import read_number
from daycount.infra.work import Work
from daycount.money import round_half_away
from daycount.usage.port import Batch
from daycount.usage.records import EventFilter, IncomingEvent, MetricFacts, StoredEvent, SubscriptionFacts, Warned
from daycount.usage.values import read_property, text_of
from daycount.usage.warnings import warn

routes = Routes("events")

_TIMESTAMP = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,30})?")
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ABSENT = Raw(b"")
_NO_PROPERTIES = Raw(b"{}")
_MOST_CACHED = 16_384
_PRECISE_DIGITS = 25
_PRECISE_PLACES = 15
_MAX_INDEXED = 255
"""Most characters of a code and of a subscription's id: both stand in one unique index."""


class EventInput(Struct, kw_only=True, gc=False):
    """
    An event as a client sends it; every field is kept as its JSON text until it is checked.

    `timestamp` is Unix seconds, as a number or its text; absent or null is now. `properties` is an object.
    """

    transaction_id: Raw = _ABSENT
    external_subscription_id: Raw = _ABSENT
    code: Raw = _ABSENT
    timestamp: Raw = _ABSENT
    precise_total_amount_cents: Raw = _ABSENT
    properties: Raw = _ABSENT


class PlainEvent(Struct, kw_only=True, gc=False):
    """An event as nearly all clients send it, with texts where texts are due: read with half the effort, and never refused."""

    transaction_id: str
    external_subscription_id: str
    code: str
    timestamp: Raw = _ABSENT
    precise_total_amount_cents: Raw = _ABSENT
    properties: Raw = _NO_PROPERTIES


class PlainSingle(Struct, gc=False):
    """The body of a single plain event."""

    event: PlainEvent


class PlainBatch(Struct, gc=False):
    """The body of a batch of plain events."""

    events: list[PlainEvent]


class SingleInput(Struct, gc=False):
    """The body of a single event."""

    event: EventInput


class BatchInput(Struct, gc=False):
    """The body of a batch."""

    events: list[EventInput] | None = None


class EventObject(Struct, frozen=True, gc=False):
    """An event; `warnings` says why it will not be billed as things stand (empty when it will)."""

    lago_id: str
    transaction_id: str
    lago_customer_id: str | None
    lago_subscription_id: str | None
    external_subscription_id: str | None
    code: str
    timestamp: Stamp
    precise_total_amount_cents: str | None
    properties: Raw
    created_at: Stamp
    warnings: Sequence[Warned]


class EnrichedEventObject(Struct, frozen=True, kw_only=True):
    """An event with the value that its metric reads, as sent and as a number."""

    transaction_id: str
    external_subscription_id: str | None
    code: str
    timestamp: Stamp
    enriched_at: Stamp
    value: str | None
    decimal_value: DecimalText
    precise_total_amount_cents: str | None
    properties: Raw


def read_plain(sources: Sequence[PlainEvent]) -> list[IncomingEvent] | None:
    """
    Check plain events; returns what `read_event` would make of them, or None where it must have a look.

    The body they came in must hold no escaped NUL.
    """
    events = []
    for source in sources:
        transaction_id, subscription, code = source.transaction_id, source.external_subscription_id, source.code
        is_named = subscription and transaction_id.strip() and code.strip()
        if not is_named or len(code) > _MAX_INDEXED or len(subscription) > _MAX_INDEXED:
            return None
        raw = source.precise_total_amount_cents
        try:
            at = _instant(bytes(source.timestamp))
            properties = bytes(source.properties).decode()
        except (ValueError, OverflowError):
            return None
        if not properties.startswith("{"):
            return None
        events.append(
            IncomingEvent(
                transaction_id=transaction_id,
                code=code,
                external_subscription_id=subscription,
                at=at,
                properties=properties,
                precise_total_amount_cents=None if raw is _ABSENT else _precise(bytes(raw)),
            )
        )
    return events


def read_event(source: EventInput) -> tuple[IncomingEvent | None, dict[str, list[str]]]:
    """Check the fields of an event; returns it, or the codes of the fields that cannot be accepted."""
    codes: dict[str, list[str]] = {}
    transaction_id = _scalar(source.transaction_id)
    code = _scalar(source.code)
    if not transaction_id or not transaction_id.strip():
        codes["transaction_id"] = ["value_is_mandatory"]
    if not code or not code.strip():
        codes["code"] = ["value_is_mandatory"]
    elif len(code) > _MAX_INDEXED:
        codes["code"] = ["value_is_too_long"]
    external_subscription_id = _scalar(source.external_subscription_id)
    if external_subscription_id is not None and len(external_subscription_id) > _MAX_INDEXED:
        codes["external_subscription_id"] = ["value_is_too_long"]
    at = None
    try:
        at = _instant(bytes(source.timestamp))
    except (ValueError, OverflowError):
        codes["timestamp"] = ["invalid_format"]
    properties = bytes(source.properties)
    if properties in (b"", b"null"):
        properties = b"{}"
    if properties[:1] != b"{":
        codes["properties"] = ["value_is_invalid"]
    if codes:
        return None, codes
    if b"\\u0000" in properties:
        properties = _NUL.sub(rb"\1", properties)
    assert transaction_id is not None
    assert code is not None
    event = IncomingEvent(
        transaction_id=transaction_id,
        code=code,
        external_subscription_id=external_subscription_id,
        at=at,
        properties=properties.decode(),
        precise_total_amount_cents=_precise(bytes(source.precise_total_amount_cents)),
    )
    return event, codes


def read_line(content: bytes) -> tuple[IncomingEvent | None, Mapping[str, Sequence[str]]]:
    """Read an event from a line of a file, by the rules of a request's body."""
    try:
        return read_event(_line_decoder.decode(content))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None, {"base": ["invalid_format"]}


def read_plain_lines(contents: Sequence[bytes]) -> list[IncomingEvent] | None:
    """Read events from lines in which all is as it is nearly always; None where `read_line` must look at each."""
    body = b"\n".join(contents)
    try:
        sources = [] if b"\\u0000" in body else _plain_line_decoder.decode_lines(body)
        return read_plain(sources) if len(sources) == len(contents) else None
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
        return None


_line_decoder = msgspec.json.Decoder(EventInput)
_plain_line_decoder = msgspec.json.Decoder(PlainEvent)


def _scalar(raw: Raw) -> str | None:
    content = bytes(raw)
    return text_of(content) if content else None


@lru_cache(_MOST_CACHED)
def _instant(raw: bytes) -> datetime | None:
    """Read Unix seconds, exactly to the microsecond. Raises ValueError, OverflowError."""
    if raw in (b"", b"null"):
        return None
    if raw[:1] in b"tf":
        raise ValueError(raw)
    content = text_of(raw)
    if content is None or not _TIMESTAMP.fullmatch(content):
        raise ValueError(raw)
    whole, _, fraction = content.partition(".")
    if whole.isdigit():
        return _EPOCH + timedelta(seconds=int(whole), microseconds=int(fraction[:6].ljust(6, "0")))
    return _EPOCH + timedelta(microseconds=int(Decimal(content).scaleb(6)))


def _precise(raw: bytes) -> Decimal | None:
    """Read an amount; what is no number counts as 0, as the contract has it."""
    content = text_of(raw) if raw else None
    if content is None:
        return None
    try:
        number = Decimal(content)
    except InvalidOperation:
        return Decimal(0)
    if not number.is_finite() or not -_PRECISE_DIGITS < number.adjusted() < _PRECISE_DIGITS:
        return Decimal(0)
    return round_half_away(number, places=_PRECISE_PLACES)


_cached_stamp = lru_cache(_MOST_CACHED)(stamp)
_cached_milliseconds = lru_cache(_MOST_CACHED)(stamp_milliseconds)


def to_wire(event: StoredEvent, warnings: Sequence[Warned]) -> EventObject:
    """Write an event."""
    return _object_of(event, event.key, event.at, stamp(event.created_at), warnings)


def batch_to_wire(batch: Batch, warnings: Sequence[Sequence[Warned]]) -> list[EventObject]:
    """Write the events of a request that were just kept: the same objects, without a detour."""
    now, created_at = batch.now, _cached_stamp(batch.now)
    return [
        _object_of(event, key, event.at or now, created_at, why) for event, key, why in zip(batch.events, batch.keys, warnings, strict=True)
    ]


def _object_of(event: StoredEvent | IncomingEvent, key: str, at: datetime, created_at: str, warnings: Sequence[Warned]) -> EventObject:
    precise = event.precise_total_amount_cents
    return EventObject(
        key,
        event.transaction_id,
        None,
        None,
        event.external_subscription_id or None,
        event.code,
        _cached_milliseconds(at),
        None if precise is None else text(precise),
        Raw(event.properties.encode()),
        created_at,
        warnings,
    )


def _with_warnings(work: Work, call: Call, events: Sequence[StoredEvent]) -> list[EventObject]:
    directory = call.services.directory
    metrics: Mapping[str, MetricFacts] = directory.metrics(work.tx, work.organization_id)
    names = sorted({event.external_subscription_id for event in events if event.external_subscription_id is not None})
    subscriptions: Mapping[str, Sequence[SubscriptionFacts]] = directory.subscriptions(work.tx, work.organization_id, names)
    return [
        to_wire(
            event,
            warn(
                code=event.code,
                external_subscription_id=event.external_subscription_id,
                at=event.at,
                properties=event.properties,
                metrics=metrics,
                subscriptions=subscriptions,
            ),
        )
        for event in events
    ]


@routes.get(
    "/events",
    returns=EventObject,
    root_out="events",
    is_list=True,
    parameters=("external_subscription_id", "code", "timestamp_from_started_at", "timestamp_from", "timestamp_to"),
)
def find_all_events(work: Work, call: Call) -> Page:
    """List events, the latest timestamp first."""
    query, asked = _read_filter(work, call), read_page(call.query)
    events = call.services.events.list_events(work.tx, query, limit=asked.per_page, offset=asked.offset)
    return page_of(_with_warnings(work, call, events), asked=asked, total=call.services.events.count(work.tx, query))


def _read_filter(work: Work, call: Call) -> EventFilter:
    subscription = call.query.one("external_subscription_id")
    at_from = call.query.instant("timestamp_from")
    raw = call.query.one("timestamp_from_started_at")
    if raw is not None and raw.lower() not in {"true", "false", "1", "0"}:
        raise errors.Invalid({"timestamp_from_started_at": ["must be one of: true, false"]})
    if raw is not None and call.query.flag("timestamp_from_started_at"):
        if at_from is not None:
            raise errors.Invalid({"timestamp_from": ["cannot be used with timestamp_from_started_at"]})
        if subscription is None:
            raise errors.Invalid({"external_subscription_id": ["required with timestamp_from_started_at"]})
        rows = call.services.directory.subscriptions(work.tx, work.organization_id, [subscription]).get(subscription, ())
        at_from = max((row.started_at for row in rows if row.started_at is not None), default=None)
    return EventFilter(
        organization_id=work.organization_id,
        external_subscription_id=subscription,
        code=call.query.one("code"),
        at_from=at_from,
        at_to=call.query.instant("timestamp_to"),
    )


@routes.get(
    "/events_enriched",
    returns=EnrichedEventObject,
    root_out="events",
    is_list=True,
    is_beta=True,
    parameters=("external_subscription_id", "code", "timestamp_from_started_at", "timestamp_from", "timestamp_to"),
)
def find_all_enriched_events(work: Work, call: Call) -> Page:
    """List events with the value that their metric reads, the latest received first."""
    query, asked = structs.replace(_read_filter(work, call), by_arrival=True), read_page(call.query)
    events = call.services.events.list_events(work.tx, query, limit=asked.per_page, offset=asked.offset)
    metrics = call.services.directory.metrics(work.tx, work.organization_id)
    total = call.services.events.count(work.tx, query)
    return page_of([_enriched(event, metrics.get(event.code)) for event in events], asked=asked, total=total)


def _enriched(event: StoredEvent, metric: MetricFacts | None) -> EnrichedEventObject:
    """Write an event with its value: that of its metric's property, or 1 where events are counted; what is no number counts as 0."""
    value = None if metric is None or metric.field_name is None else read_property(event.properties, metric.field_name)
    is_counted = metric is not None and metric.field_name is None
    precise = event.precise_total_amount_cents
    return EnrichedEventObject(
        transaction_id=event.transaction_id,
        external_subscription_id=event.external_subscription_id,
        code=event.code,
        timestamp=stamp_milliseconds(event.at),
        enriched_at=stamp_milliseconds(event.created_at),
        value="1" if is_counted else value,
        decimal_value=text(Decimal(1) if is_counted else read_number(value) or Decimal(0)),
        precise_total_amount_cents=None if precise is None else text(precise),
        properties=Raw(event.properties.encode()),
    )


@routes.get("/events/{transaction_id}", returns=EventObject, root_out="event")
def find_event(work: Work, call: Call) -> EventObject:
    """Find an event by its transaction id."""
    event = call.services.events.find(work.tx, organization_id=work.organization_id, transaction_id=call.path["transaction_id"])
    if event is None:
        raise errors.NotFound("event")
    return _with_warnings(work, call, [event])[0]


def create_event(_work: Any, _call: Any) -> EventObject:
    """Send one usage event; the answer means that it is durable."""
    raise AssertionError("events are taken in by api/ingest.py")


def create_batch_events(_work: Any, _call: Any) -> Page:
    """Send up to 100 usage events, all or none of which are kept."""
    raise AssertionError("events are taken in by api/ingest.py")


class EventDocument(Struct, kw_only=True):
    """How an event is to be sent; for the OpenAPI document."""

    transaction_id: str
    code: str
    external_subscription_id: str | None = None
    timestamp: int | str | None = None
    precise_total_amount_cents: str | None = None
    properties: dict[str, Any] | None = None


routes.post("/events", accepts=EventDocument, root_in="event", returns=EventObject, root_out="event")(create_event)
routes.post(
    "/events/batch", accepts=list[EventDocument], root_in="events", returns=EventObject, root_out="events", is_list=True, has_meta=False
)(create_batch_events)

plain_single_decoder = msgspec.json.Decoder(PlainSingle)
plain_batch_decoder = msgspec.json.Decoder(PlainBatch)
single_decoder = msgspec.json.Decoder(SingleInput)
batch_decoder = msgspec.json.Decoder(BatchInput)
