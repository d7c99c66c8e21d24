"""
Aggregation: from the events of a bucket to a quantity.

The event store answers a `UsageRequest` with a `Usage`: plain facts (counts, sums, what each seat did and when) without
any arithmetic of days or money. `measure` turns those facts into the quantity that is priced, and keeps how it got
there. `observe` is the reference of what a store must answer, over a plain list of events; every store is tested
against it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from daycount.engine.calendar import Window
from daycount.engine.charges.consumption import Change, Detail
from daycount.engine.filters import Condition, bucket_of
from daycount.engine.proration import (
    Span,
    billed_changes,
    billed_days,
    billed_share,
    billed_spans,
    prorated_quantity,
    prorated_sum,
    prorated_units,
)
from daycount.engine.reducer import CustomTerms, Passing, reduce_events
from daycount.money import ceil_to, exact_product, exact_sum, round_half_away
from daycount.periods import INSTANT_STEP, Period, local_date

_MAX_DIGITS = 100
_WEIGHTED_PLACES = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AggregationType(StrEnum):
    """How events become units."""

    COUNT = "count_agg"
    SUM = "sum_agg"
    UNIQUE_COUNT = "unique_count_agg"
    MAX = "max_agg"
    LATEST = "latest_agg"
    WEIGHTED_SUM = "weighted_sum_agg"
    CUSTOM = "custom_agg"


class RoundingFunction(StrEnum):
    """How a metric rounds its final aggregate."""

    ROUND = "round"
    CEIL = "ceil"
    FLOOR = "floor"


class Bucket(NamedTuple):
    """A part of a charge's events that is priced by itself: those of one filter (None: of none) and one group of values."""

    filter_id: UUID | None
    group: tuple[str | None, ...]


class UsageRequest(Struct, frozen=True, kw_only=True):
    """
    The events of one subscription and metric dated inside `period`, split into buckets.

    A recurring request sees all of history before the period's end. `field_name` is None for counts only. Events are held
    against `conditions` in their order; `group_by` names the properties that split the default bucket (place 0) and the bucket
    of each condition (places 1, 2, …). `detail` asks for more than the aggregate.
    """

    organization_id: UUID
    external_subscription_id: str
    code: str
    aggregation: AggregationType
    field_name: str | None
    is_recurring: bool
    is_prorated: bool
    period: Period
    zone: str
    conditions: tuple[Condition, ...] = ()
    detail: Detail = Detail.NONE
    group_by: tuple[tuple[str, ...], ...] = ((),)
    custom: CustomTerms | None = None
    """What a custom aggregation is reduced by."""

    @property
    def is_split(self) -> bool:
        """Tell whether there is more than the one default bucket without groups."""
        return bool(self.conditions) or any(self.group_by)


class Toggle(Struct, frozen=True, array_like=True):
    """A seat that became active (`is_add`) or stopped being so, at an instant."""

    at: datetime
    is_add: bool


class Member(Struct, frozen=True, array_like=True):
    """One counted value (a seat) and its toggles in the order of (timestamp, ingestion); repeats are left out."""

    name: str
    toggles: tuple[Toggle, ...]


class Arrival(Struct, frozen=True, array_like=True):
    """Units that came (or, negative, went) at an instant."""

    at: datetime
    units: Decimal


class Usage(Struct, frozen=True, kw_only=True):
    """
    What a store found for one bucket of a request.

    `events_count`: events dated inside the period that count (for a recurring sum: of all history).
    `total`: the number of events, the sum, the largest or the latest value of the field, or the number of values active at the
    period's end. Prorated requests carry the detail that days are counted from: `members` (unique count), or `carried` (sum
    before the period) and `by_day` (sum for each local day of the period). A weighted sum carries `carried` and `weighted`: the
    sum of each value times the microseconds it was there until the period's end.
    What `detail` asks for covers the events that `total` does, in order: `values` is each event's value (a counted value that
    comes is 1, one that goes -1), `event_cents` the sum of the amounts they brought along, in minor units, `arrivals` the values
    of a prorated sum inside the period with their instants.
    """

    events_count: int
    total: Decimal
    members: tuple[Member, ...] = ()
    carried: Decimal = Decimal(0)
    by_day: Mapping[date, Decimal] = {}
    weighted: Decimal = Decimal(0)
    values: tuple[Decimal, ...] = ()
    event_cents: Decimal = Decimal(0)
    arrivals: tuple[Arrival, ...] = ()
    custom_amount: Decimal = Decimal(0)
    """What a custom aggregation came to, in major units."""


NOTHING = Usage(events_count=0, total=Decimal(0))
"""What a bucket without events comes to."""


class Event(Struct, frozen=True, kw_only=True):
    """An event as aggregation sees it; `sequence` is its place in the order of ingestion."""

    sequence: int
    at: datetime
    properties: Mapping[str, str]
    precise_total_amount_cents: Decimal | None = None


class MemberDays(Struct, frozen=True, kw_only=True):
    """The local days one seat is billed for."""

    name: str
    spans: tuple[Span, ...]
    days: int


class Quantity(Struct, frozen=True, kw_only=True):
    """
    What is priced, and how it came about.

    `exact` is the aggregate as a fraction before any rounding; `aggregate` the same up to five decimals where it is
    prorated; `billed`, after the metric's own rounding, is handed to the charge model; `full_units` is the quantity without
    proration; `level` is what a weighted sum stands at when the period ends. `values`, `event_cents` and `changes` are what the
    request's `detail` asks for, made ready for the charge model.
    """

    aggregate: Decimal
    billed: Decimal
    full_units: Decimal
    events_count: int
    exact: Fraction
    full_days: int
    members: tuple[MemberDays, ...] = ()
    carried: Decimal = Decimal(0)
    by_day: Mapping[date, Decimal] = {}
    total_days: int | None = None
    level: Decimal | None = None
    values: tuple[Decimal, ...] = ()
    event_cents: Decimal = Decimal(0)
    changes: tuple[Change, ...] = ()
    custom_amount: Decimal = Decimal(0)


def measure(
    usage: Usage,
    *,
    request: UsageRequest,
    window: Window,
    rounding_function: RoundingFunction | None,
    rounding_precision: int | None,
    billed_zone: ZoneInfo | None,
) -> Quantity:
    """
    Turn what a store found into the quantity that is priced.

    `billed_zone` is the zone of the days that the period before was billed in, if it was another. Rounding, in order: the
    prorated aggregate up to 5 decimals, once for the bucket; then the metric's own rounding.
    Source: Lago docs, prorated charges; rounding order is ours and exact (ADR-0006).
    """

    def rounded(value: Decimal) -> Decimal:
        return apply_rounding(value, function=rounding_function, precision=rounding_precision)

    quantity = _measure_aggregate(usage, request=request, window=window, rounded=rounded, billed_zone=billed_zone)
    match request.detail:
        case Detail.NONE:
            return quantity
        case Detail.VALUES:
            return structs.replace(quantity, values=_values_of(usage, quantity, request=request))
        case Detail.AMOUNTS:
            return structs.replace(quantity, event_cents=usage.event_cents)
        case Detail.CHANGES:
            return structs.replace(quantity, changes=_changes_of(usage, request=request, window=window, billed_zone=billed_zone))


def _values_of(usage: Usage, quantity: Quantity, *, request: UsageRequest) -> tuple[Decimal, ...]:
    """Return the value of each event; a largest value and an average are one value as a whole."""
    if request.aggregation is AggregationType.COUNT:
        return (Decimal(1),) * usage.events_count
    if request.aggregation in (AggregationType.SUM, AggregationType.UNIQUE_COUNT):
        return usage.values
    return (quantity.billed,) if usage.events_count else ()


def _changes_of(usage: Usage, *, request: UsageRequest, window: Window, billed_zone: ZoneInfo | None) -> tuple[Change, ...]:
    """List what a prorated bucket began with, then what came and went in order of time, each with its share of the period."""
    zone, first_day, last_day = ZoneInfo(request.zone), window.days.first, window.days.last
    if request.aggregation is AggregationType.SUM:
        found = [(usage.carried, first_day)] + [(item.units, max(local_date(item.at, zone=zone), first_day)) for item in usage.arrivals]
        changes = [Change(units, billed_share(day, last_day=last_day, full_days=window.full_days)) for units, day in found]
    else:
        seats = [
            change
            for member in usage.members
            for change in billed_changes(
                [(toggle.at, toggle.is_add) for toggle in member.toggles],
                period=window.period,
                first_day=first_day,
                last_day=last_day,
                zone=zone,
                billed_zone=billed_zone,
            )
        ]
        seats.sort(key=lambda change: change.at)
        changes = [
            Change(Decimal(1 if change.is_add else -1), billed_share(change.first_day, last_day=last_day, full_days=window.full_days))
            for change in seats
        ]
    return tuple(change for change in changes if change.units and (change.share or change.units < 0))


def _measure_aggregate(
    usage: Usage, *, request: UsageRequest, window: Window, rounded: Callable[[Decimal], Decimal], billed_zone: ZoneInfo | None
) -> Quantity:
    if request.aggregation is AggregationType.WEIGHTED_SUM:
        return _measure_weighted(usage, window=window, rounded=rounded)
    full = rounded(usage.total)
    if not request.is_prorated:
        return Quantity(
            aggregate=usage.total,
            billed=full,
            full_units=full,
            events_count=usage.events_count,
            exact=Fraction(usage.total),
            full_days=window.full_days,
            custom_amount=usage.custom_amount,
        )
    if request.aggregation is AggregationType.SUM:
        exact = prorated_sum(
            carried=usage.carried, by_day=usage.by_day, first_day=window.days.first, last_day=window.days.last, full_days=window.full_days
        )
        aggregate = prorated_quantity(exact)
        return Quantity(
            aggregate=aggregate,
            billed=rounded(aggregate),
            full_units=full,
            events_count=usage.events_count,
            exact=exact,
            full_days=window.full_days,
            carried=usage.carried,
            by_day=usage.by_day,
        )
    members = member_days(usage.members, window=window, zone=ZoneInfo(request.zone), billed_zone=billed_zone)
    exact = prorated_units((member.days for member in members), full_days=window.full_days)
    aggregate = prorated_quantity(exact)
    return Quantity(
        aggregate=aggregate,
        billed=rounded(aggregate),
        full_units=full,
        events_count=usage.events_count,
        exact=exact,
        full_days=window.full_days,
        members=members,
        total_days=sum(member.days for member in members),
    )


def _measure_weighted(usage: Usage, *, window: Window, rounded: Callable[[Decimal], Decimal]) -> Quantity:
    """
    Average a level over the whole period: each value counts for the time it was there, rounded up to 20 decimals.

    The length of the period is its real one, so that a constant level is itself also where clocks change.
    """
    assert window.full_period is not None
    covered, whole = (_microseconds(period) for period in (window.period, window.full_period))
    exact = (Fraction(usage.carried) * covered + Fraction(usage.weighted)) / whole
    aggregate = ceil_to(exact, places=_WEIGHTED_PLACES)
    billed = rounded(aggregate)
    return Quantity(
        aggregate=aggregate,
        billed=billed,
        full_units=billed,
        events_count=usage.events_count,
        exact=exact,
        full_days=window.full_days,
        carried=usage.carried,
        level=usage.total,
    )


def _microseconds(period: Period) -> int:
    return (period.end - period.start) // INSTANT_STEP


def member_days(members: Iterable[Member], *, window: Window, zone: ZoneInfo, billed_zone: ZoneInfo | None) -> tuple[MemberDays, ...]:
    """Count the local days each seat is billed for in the window; seats without a day are left out."""
    counted = []
    for member in members:
        spans = billed_spans(
            [(toggle.at, toggle.is_add) for toggle in member.toggles],
            period=window.period,
            first_day=window.days.first,
            last_day=window.days.last,
            zone=zone,
            billed_zone=billed_zone,
        )
        days = min(billed_days(spans), window.full_days)
        if days:
            counted.append(MemberDays(name=member.name, spans=tuple(spans), days=days))
    return tuple(sorted(counted, key=lambda item: item.name))


def apply_rounding(value: Decimal, *, function: RoundingFunction | None, precision: int | None) -> Decimal:
    """Round an aggregate as its metric says; half-way is away from zero. 1234.567 by ceil and -2 is 1300."""
    places = precision or 0
    match function:
        case None:
            return value
        case RoundingFunction.ROUND:
            return round_half_away(value, places=places)
        case RoundingFunction.CEIL:
            return ceil_to(value, places=places)
        case RoundingFunction.FLOOR:
            return ceil_to(value.copy_negate(), places=places).copy_negate()


def read_number(text: str | None) -> Decimal | None:
    """
    Read a property as a number: an optional minus, digits, and perhaps a decimal part.

    Anything else is None, also what is longer than 100 characters.
    """
    if text is None or len(text) > _MAX_DIGITS:
        return None
    digits = text.removeprefix("-")
    whole, point, rest = digits.partition(".")
    is_plain = whole.isascii() and whole.isdigit() and (not point or (rest.isascii() and rest.isdigit()))
    return Decimal(text) if is_plain else None


def read_operation(text: str | None) -> bool | None:
    """Read `operation_type`: True for add (also when absent), False for remove, None for anything else."""
    return True if text is None else {"add": True, "remove": False}.get(text)


def observe(events: Sequence[Event], *, request: UsageRequest) -> dict[Bucket, Usage]:
    """
    Answer a request from a plain list of events of its subscription and code: the reference for every store.

    Each event belongs to one bucket. Buckets in which nothing counts are left out.
    """
    buckets: dict[Bucket, list[Event]] = {}
    for event in events:
        place, group = place_of(event.properties, request=request)
        filter_id = request.conditions[place - 1].filter_id if place else None
        buckets.setdefault(Bucket(filter_id, group), []).append(event)
    answers = {bucket: _observe_bucket(found, request) for bucket, found in buckets.items()}
    return {bucket: usage for bucket, usage in answers.items() if usage != NOTHING}


def place_of(properties: Mapping[str, str], *, request: UsageRequest) -> tuple[int, tuple[str | None, ...]]:
    """Return where an event falls: the place of the condition that takes it (0: none does), and its group."""
    filter_id = bucket_of(properties, conditions=request.conditions)
    place = next((place for place, condition in enumerate(request.conditions, 1) if condition.filter_id == filter_id), 0)
    return place, tuple(properties.get(key) or None for key in request.group_by[place])


def _observe_bucket(events: Sequence[Event], request: UsageRequest) -> Usage:
    """
    Answer for the events of one bucket.

    Events at one instant count in the order of ingestion. Values that are missing, not numeric, or carry an unknown
    operation are left out. Source: Lago docs, aggregation; ignoring bad operations and missing values is our fix.
    """
    ordered = sorted((event for event in events if event.at < request.period.end), key=lambda event: (event.at, event.sequence))
    inside = [event for event in ordered if event.at >= request.period.start]
    match request.aggregation:
        case AggregationType.COUNT:
            return Usage(events_count=len(inside), total=Decimal(len(inside)))
        case AggregationType.SUM:
            return _observe_sum(ordered if request.is_recurring else inside, request)
        case AggregationType.UNIQUE_COUNT:
            return _observe_unique(ordered if request.is_recurring else inside, request)
        case AggregationType.MAX | AggregationType.LATEST:
            return _observe_extreme(inside, request)
        case AggregationType.WEIGHTED_SUM:
            return _observe_weighted(ordered if request.is_recurring else inside, request)
        case AggregationType.CUSTOM:
            return observe_custom(ordered if request.is_recurring else inside, request=request)


def observe_custom(ordered: Iterable[Event], *, request: UsageRequest) -> Usage:
    """Reduce the events of one bucket, which stand in their order; those before the period move the state and cost nothing."""
    assert request.custom is not None
    passing = (
        Passing(
            code=request.code,
            timestamp=int((event.at - _EPOCH) // timedelta(seconds=1)),
            properties=event.properties,
            is_inside=event.at >= request.period.start,
        )
        for event in ordered
    )
    reduced = reduce_events(passing, terms=request.custom)
    return Usage(events_count=reduced.events_count, total=reduced.units, custom_amount=reduced.amount)


def _numbers(events: Sequence[Event], request: UsageRequest) -> list[tuple[datetime, Decimal]]:
    """Return (instant, value) of the events whose field is a number."""
    assert request.field_name is not None
    found = ((event.at, read_number(event.properties.get(request.field_name))) for event in events)
    return [(at, number) for at, number in found if number is not None]


def _observe_extreme(events: Sequence[Event], request: UsageRequest) -> Usage:
    numbers = [number for _, number in _numbers(events, request)]
    if not numbers:
        return NOTHING
    return Usage(events_count=len(numbers), total=max(numbers) if request.aggregation is AggregationType.MAX else numbers[-1])


def _observe_weighted(events: Sequence[Event], request: UsageRequest) -> Usage:
    numbers = _numbers(events, request)
    start, end = request.period
    inside = [(at, number) for at, number in numbers if at >= start]
    return Usage(
        events_count=len(inside),
        total=exact_sum(number for _, number in numbers),
        carried=exact_sum(number for at, number in numbers if at < start),
        weighted=exact_sum(exact_product(number, (end - at) // INSTANT_STEP) for at, number in inside),
    )


def _observe_sum(events: Sequence[Event], request: UsageRequest) -> Usage:
    assert request.field_name is not None
    zone = ZoneInfo(request.zone)
    count, carried = 0, Decimal(0)
    total = Decimal(0)
    by_day: dict[date, Decimal] = {}
    kept: list[tuple[Event, Decimal]] = []
    for event in events:
        number = read_number(event.properties.get(request.field_name))
        if number is None:
            continue
        count += 1
        kept.append((event, number))
        total = exact_sum((total, number))
        if event.at < request.period.start:
            carried = exact_sum((carried, number))
        else:
            day = local_date(event.at, zone=zone)
            by_day[day] = exact_sum((by_day.get(day, Decimal(0)), number))
    whole = _detail_of_sum(kept, request, Usage(events_count=count, total=total))
    return structs.replace(whole, carried=carried, by_day=by_day) if request.is_prorated else whole


def _detail_of_sum(kept: Sequence[tuple[Event, Decimal]], request: UsageRequest, usage: Usage) -> Usage:
    """Add what the request's detail asks for; `kept` are the events that count, with their values."""
    match request.detail:
        case Detail.NONE:
            return usage
        case Detail.VALUES:
            return structs.replace(usage, values=tuple(number for _, number in kept))
        case Detail.AMOUNTS:
            return structs.replace(usage, event_cents=exact_sum(event.precise_total_amount_cents or Decimal(0) for event, _ in kept))
        case Detail.CHANGES:
            arrivals = tuple(Arrival(event.at, number) for event, number in kept if event.at >= request.period.start)
            return structs.replace(usage, arrivals=arrivals)


def _observe_unique(events: Sequence[Event], request: UsageRequest) -> Usage:
    assert request.field_name is not None
    toggles: dict[str, list[Toggle]] = {}
    values: list[Decimal] = []
    count = 0
    for event in events:
        value = event.properties.get(request.field_name)
        is_add = read_operation(event.properties.get("operation_type"))
        if value is None or is_add is None:
            continue
        count += event.at >= request.period.start
        history = toggles.setdefault(value, [])
        was_active = bool(history) and history[-1].is_add
        if is_add != was_active:
            history.append(Toggle(event.at, is_add))
        values.append(Decimal(0 if is_add == was_active else 1 if is_add else -1))
    active = sum(1 for history in toggles.values() if history and history[-1].is_add)
    if not request.is_prorated:
        return Usage(events_count=count, total=Decimal(active), values=tuple(values) if request.detail is Detail.VALUES else ())
    members = tuple(
        Member(name, tuple(history))
        for name, history in sorted(toggles.items())
        if history and (history[-1].is_add or history[-1].at >= request.period.start)
    )
    return Usage(events_count=count, total=Decimal(active), members=members)
