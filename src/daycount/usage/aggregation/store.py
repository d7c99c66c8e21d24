"""
Aggregates on PostgreSQL: one statement for each kind of aggregation, whatever the number of requests and buckets.

Requests are handed over as arrays. Each event is put into its bucket by the filters of its request and into its group by
the values of the named properties; requests without either never look at the JSON for it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from daycount.engine.charges.consumption import Detail
from daycount.engine.metrics import NOTHING, AggregationType, Arrival, Bucket, Event, Member, Toggle, Usage, UsageRequest, observe_custom
from daycount.money import exact_sum
from daycount.periods import local_date, start_of_day
from daycount.usage.lines import typing_of
from daycount.usage.records import StoredEvent
from daycount.usage.values import read_texts

_HISTORY = datetime(1, 1, 1, tzinfo=UTC)

_REQUESTS = """
unnest(cast(:ordinals as int[]), cast(:organizations as uuid[]), cast(:subscriptions as text[]), cast(:codes as text[]),
       cast(:lows as timestamptz[]), cast(:starts as timestamptz[]), cast(:ends as timestamptz[]), cast(:fields as text[]),
       cast(:typings as text[]), cast(:thresholds as text[]), cast(:conditions as jsonb[]), cast(:groupings as jsonb[]))
  as r(ordinal, organization_id, subscription, code, low, period_start, period_end, field, typing, thresholds, conditions, groupings)
join event_streams s
  on s.organization_id = r.organization_id and s.external_subscription_id = r.subscription and s.code = r.code
join usage_events e on e.stream_id = s.id and e.at >= r.low and e.at < r.period_end
left join event_fields f on f.name = r.typing
cross join lateral (
    select case when r.conditions is null then 0 else daycount_bucket(e.properties, r.conditions) end as place
) as b
cross join lateral (
    select case when r.groupings is null then cast('{}' as text[]) else daycount_group(e.properties, r.groupings -> b.place) end as names
) as g
"""
NUMBER = "case when e.field_id = f.id then e.number else daycount_number(daycount_property(e.properties, r.field)) end"
MEMBER = "case when e.field_id = f.id then e.member else daycount_property(e.properties, r.field) end"
IS_ADD = "case when e.field_id = f.id then e.is_add else daycount_operation(daycount_property(e.properties, 'operation_type')) end"
MICROSECONDS = "extract(epoch from (period_end - at)) * 1000000"

_COUNT = sa.text(f"""
select r.ordinal, b.place, g.names, count(*) as events_count, count(*) as total
from {_REQUESTS}
group by 1, 2, 3
""")  # noqa: S608 - constants only
_NUMBERS = f"""
select r.ordinal, b.place, g.names, r.period_start, r.period_end, e.at, e.sequence, {NUMBER} as number
from {_REQUESTS}
"""  # noqa: S608 - constants only


def _over_numbers(figures: str) -> sa.TextClause:
    return sa.text(f"""
    select ordinal, place, names, {figures}
    from ({_NUMBERS}) as v
    where number is not null
    group by 1, 2, 3
    """)  # noqa: S608 - constants only


_SUM = _over_numbers("count(*) as events_count, sum(number) as total")
_MAX = _over_numbers("count(*) as events_count, max(number) as total")
_LATEST = _over_numbers("count(*) as events_count, (array_agg(number order by at desc, sequence desc))[1] as total")
_WEIGHTED = _over_numbers(f"""
    count(*) filter (where at >= period_start) as events_count,
    sum(number) as total,
    coalesce(sum(number) filter (where at < period_start), 0) as carried,
    coalesce(sum(number * {MICROSECONDS}) filter (where at >= period_start), 0) as weighted
""")
_SUM_BY_DAY = sa.text(f"""
select ordinal, place, names, day, count(*) as events_count, sum(number) as total
from (
    select r.ordinal, b.place, g.names, {NUMBER} as number, width_bucket(e.at, cast(r.thresholds as timestamptz[])) as day
    from {_REQUESTS}
) as v
where number is not null
group by 1, 2, 3, 4
order by 1, 2, 3, 4
""")  # noqa: S608 - constants only
_CUSTOM = sa.text(f"""
select r.ordinal, b.place, g.names, e.at, e.sequence, e.properties
from {_REQUESTS}
order by r.ordinal, e.at, e.sequence
""")  # noqa: S608 - constants only
_MEMBERS = f"""
select r.ordinal, b.place, g.names, r.period_start, e.at, e.sequence, {MEMBER} as member, {IS_ADD} as is_add
from {_REQUESTS}
"""  # noqa: S608 - constants only
_UNIQUE = sa.text(f"""
select ordinal, place, names, sum(inside) as events_count, count(*) filter (where is_active) as total
from (
    select ordinal, place, names, member, count(*) filter (where at >= period_start) as inside,
           (array_agg(is_add order by at desc, sequence desc))[1] as is_active
    from ({_MEMBERS}) as v
    where member is not null and is_add is not null
    group by 1, 2, 3, 4
) as m
group by 1, 2, 3
""")  # noqa: S608 - constants only
_TOGGLES = sa.text(f"""
select ordinal, place, names, member,
       count(*) filter (where at >= period_start) as inside,
       array_agg(at order by at, sequence) filter (where is_add <> was_active) as toggles
from (
    select *, lag(is_add, 1, false) over (partition by ordinal, place, names, member order by at, sequence) as was_active
    from ({_MEMBERS}) as v
    where member is not null and is_add is not null
) as w
group by 1, 2, 3, 4
order by ordinal, place, names, member collate "C"
""")  # noqa: S608 - constants only

_SUM_VALUES = _over_numbers("count(*) as events_count, sum(number) as total, array_agg(number order by at, sequence) as amounts")
_SUM_AMOUNTS = sa.text(f"""
select ordinal, place, names, count(*) as events_count, sum(number) as total, coalesce(sum(cents), 0) as cents
from (
    select r.ordinal, b.place, g.names, e.precise_total_amount_cents as cents, {NUMBER} as number
    from {_REQUESTS}
) as v
where number is not null
group by 1, 2, 3
""")  # noqa: S608 - constants only
_SUM_CHANGES = _over_numbers("""
    count(*) as events_count, sum(number) as total,
    coalesce(sum(number) filter (where at < period_start), 0) as carried,
    array_agg(at order by at, sequence) filter (where at >= period_start) as instants,
    array_agg(number order by at, sequence) filter (where at >= period_start) as amounts
""")
_UNIQUE_VALUES = sa.text(f"""
select ordinal, place, names,
       count(*) filter (where at >= period_start) as events_count,
       sum(step) as total,
       array_agg(step order by at, sequence) as amounts
from (
    select *, case when is_add = was_active then 0 when is_add then 1 else -1 end as step
    from (
        select *, lag(is_add, 1, false) over (partition by ordinal, place, names, member order by at, sequence) as was_active
        from ({_MEMBERS}) as v
        where member is not null and is_add is not null
    ) as w
) as x
group by 1, 2, 3
""")  # noqa: S608 - constants only

Row = sa.Row[Any]
Kind = tuple[AggregationType, bool, Detail]
"""What a statement answers: an aggregation, with its days or without, with a detail or without."""
Answers = dict[int, dict[Bucket, Usage]]


def aggregate(tx: Connection, requests: Sequence[UsageRequest]) -> list[dict[Bucket, Usage]]:
    """Answer all requests with at most one statement for each kind of aggregation; empty buckets are left out."""
    kinds: dict[Kind, list[int]] = {}
    for place, request in enumerate(requests):
        kinds.setdefault(_kind_of(request), []).append(place)
    answers: list[dict[Bucket, Usage]] = [{} for _ in requests]
    for kind, places in kinds.items():
        statement, read = _KINDS[kind]
        rows = tx.execute(statement, arrays_of(requests, places)).all()
        for ordinal, found in by_bucket(rows, requests).items():
            usages = {bucket: read(own, requests[ordinal]) for bucket, own in found.items()}
            answers[ordinal] = {bucket: usage for bucket, usage in usages.items() if usage != NOTHING}
    return answers


def is_detailed(request: UsageRequest) -> bool:
    """Tell whether the answer needs days or seats besides a figure."""
    return request.is_prorated and request.aggregation in (AggregationType.SUM, AggregationType.UNIQUE_COUNT)


def _kind_of(request: UsageRequest) -> Kind:
    """Tell which statement answers a request: some detail needs another one, some follows from what is answered anyway."""
    kind = request.aggregation, request.is_prorated, request.detail
    return next(found for found in (kind, (*kind[:2], Detail.NONE), (kind[0], False, Detail.NONE)) if found in _KINDS)


def by_bucket(rows: Iterable[Row], requests: Sequence[UsageRequest]) -> dict[int, dict[Bucket, list[Row]]]:
    """Sort rows into the buckets of their requests, by the place of the request."""
    found: dict[int, dict[Bucket, list[Row]]] = {}
    for row in rows:
        conditions = requests[row.ordinal].conditions
        bucket = Bucket(conditions[row.place - 1].filter_id if row.place else None, tuple(row.names))
        found.setdefault(row.ordinal, {}).setdefault(bucket, []).append(row)
    return found


def arrays_of(requests: Sequence[UsageRequest], places: Sequence[int]) -> dict[str, list[object]]:
    """Write the requests at these places as the arrays that statements take them from."""
    chosen = [requests[place] for place in places]
    return {
        "ordinals": list(places),
        "organizations": [request.organization_id for request in chosen],
        "subscriptions": [request.external_subscription_id for request in chosen],
        "codes": [request.code for request in chosen],
        "lows": [_HISTORY if _reads_history(request) else request.period.start for request in chosen],
        "starts": [request.period.start for request in chosen],
        "ends": [request.period.end for request in chosen],
        "fields": [request.field_name for request in chosen],
        "typings": [typing_of(request.aggregation, request.field_name) for request in chosen],
        "thresholds": [_thresholds(request) for request in chosen],
        "conditions": [_conditions(request) for request in chosen],
        "groupings": [msgspec.json.encode(request.group_by).decode() if any(request.group_by) else None for request in chosen],
    }


def _conditions(request: UsageRequest) -> str | None:
    if not request.conditions:
        return None
    plain = [{key: sorted(values) for key, values in condition.values.items()} for condition in request.conditions]
    return msgspec.json.encode(plain).decode()


def _reads_history(request: UsageRequest) -> bool:
    return request.is_recurring and request.aggregation in (
        AggregationType.SUM,
        AggregationType.UNIQUE_COUNT,
        AggregationType.WEIGHTED_SUM,
        AggregationType.CUSTOM,
    )


def _days_of(request: UsageRequest) -> list[date]:
    zone = ZoneInfo(request.zone)
    first, last = local_date(request.period.start, zone=zone), local_date(request.period.end - timedelta(microseconds=1), zone=zone)
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]


def _thresholds(request: UsageRequest) -> str | None:
    """Write the starts of the period's local days as an array; the first is the period's own start, which may be later that day."""
    if _kind_of(request) != (AggregationType.SUM, True, Detail.NONE):
        return None
    zone = ZoneInfo(request.zone)
    starts = [request.period.start, *(start_of_day(day, zone=zone) for day in _days_of(request)[1:])]
    return "{" + ",".join(start.isoformat() for start in starts) + "}"


def read_total(rows: Sequence[Row], _request: UsageRequest) -> Usage:
    """Read a count, a sum, or the largest or latest value."""
    [row] = rows
    return Usage(events_count=int(row.events_count), total=Decimal(row.total))


def read_weighted(rows: Sequence[Row], _request: UsageRequest) -> Usage:
    """Read what a level is averaged from."""
    [row] = rows
    return Usage(events_count=row.events_count, total=row.total, carried=row.carried, weighted=row.weighted)


def read_days(rows: Sequence[Row], request: UsageRequest) -> Usage:
    """Read the sums of local days; rows without one were before the period."""
    days = _days_of(request)
    return Usage(
        events_count=sum(row.events_count for row in rows),
        total=exact_sum(row.total for row in rows),
        carried=exact_sum(row.total for row in rows if row.day == 0),
        by_day={days[row.day - 1]: row.total for row in rows if row.day},
    )


def _read_values(rows: Sequence[Row], _request: UsageRequest) -> Usage:
    [row] = rows
    return Usage(events_count=row.events_count, total=Decimal(row.total), values=tuple(map(Decimal, row.amounts)))


def _read_amounts(rows: Sequence[Row], _request: UsageRequest) -> Usage:
    [row] = rows
    return Usage(events_count=row.events_count, total=row.total, event_cents=row.cents)


def _read_changes(rows: Sequence[Row], request: UsageRequest) -> Usage:
    [row] = rows
    zone = ZoneInfo(request.zone)
    arrivals = tuple(Arrival(at, units) for at, units in zip(row.instants or (), row.amounts or (), strict=True))
    by_day: dict[date, Decimal] = {}
    for item in arrivals:
        day = local_date(item.at, zone=zone)
        by_day[day] = exact_sum((by_day.get(day, Decimal(0)), item.units))
    return Usage(events_count=row.events_count, total=row.total, carried=row.carried, by_day=by_day, arrivals=arrivals)


def _read_custom(rows: Sequence[Row], request: UsageRequest) -> Usage:
    events = (Event(sequence=row.sequence, at=row.at, properties=read_texts(row.properties)) for row in rows)
    return observe_custom(events, request=request)


def _read_members(rows: Sequence[Row], request: UsageRequest) -> Usage:
    """Fold the toggles of each seat; those long gone are left out, but their events of the period count."""
    members = []
    active = 0
    for row in rows:
        instants = row.toggles or []
        is_active = len(instants) % 2 == 1
        active += is_active
        if is_active or (instants and instants[-1] >= request.period.start):
            members.append(Member(row.member, tuple(Toggle(at, place % 2 == 0) for place, at in enumerate(instants))))
    return Usage(events_count=sum(row.inside for row in rows), total=Decimal(active), members=tuple(members))


_COUNT_OF, _SUM_OF, _UNIQUE_OF = AggregationType.COUNT, AggregationType.SUM, AggregationType.UNIQUE_COUNT
_KINDS: Mapping[Kind, tuple[sa.TextClause, Callable[[Sequence[Row], UsageRequest], Usage]]] = {
    (_COUNT_OF, False, Detail.NONE): (_COUNT, read_total),
    (_SUM_OF, False, Detail.NONE): (_SUM, read_total),
    (_SUM_OF, False, Detail.VALUES): (_SUM_VALUES, _read_values),
    (_SUM_OF, False, Detail.AMOUNTS): (_SUM_AMOUNTS, _read_amounts),
    (_SUM_OF, True, Detail.NONE): (_SUM_BY_DAY, read_days),
    (_SUM_OF, True, Detail.CHANGES): (_SUM_CHANGES, _read_changes),
    (_UNIQUE_OF, False, Detail.NONE): (_UNIQUE, read_total),
    (_UNIQUE_OF, False, Detail.VALUES): (_UNIQUE_VALUES, _read_values),
    (_UNIQUE_OF, True, Detail.NONE): (_TOGGLES, _read_members),
    (AggregationType.MAX, False, Detail.NONE): (_MAX, read_total),
    (AggregationType.LATEST, False, Detail.NONE): (_LATEST, read_total),
    (AggregationType.WEIGHTED_SUM, False, Detail.NONE): (_WEIGHTED, read_weighted),
    (AggregationType.CUSTOM, False, Detail.NONE): (_CUSTOM, _read_custom),
}


class CountedEvent(NamedTuple):
    """An event that counts for a bucket, and the value it counts with; None where events themselves are counted or reduced."""

    event: StoredEvent
    value: str | None


def _counted(value: str, counts: str) -> tuple[sa.TextClause, sa.TextClause]:
    """Return the statements that list and count the events of one bucket of one request, in the order in which they count."""
    found = f"""
    from {_REQUESTS}
    where {counts} and b.place = :place and g.names = cast(:names as text[]) and e.created_at <= :received_until
    """
    columns = f"""
    select e.key::text, s.external_subscription_id, s.code, e.transaction_id, e.at, e.created_at, e.properties,
           e.precise_total_amount_cents, {value} as value
    """
    page = sa.text(columns + found + " order by e.at, e.sequence limit :limit offset :offset")
    return page, sa.text("select count(*)" + found)


_OF_ANY = _counted("cast(null as text)", "true")
_OF_NUMBERS = _counted(f"cast({NUMBER} as text)", f"{NUMBER} is not null")
_OF_MEMBERS = _counted(MEMBER, f"{MEMBER} is not null and {IS_ADD} is not null")


def _counted_of(request: UsageRequest) -> tuple[sa.TextClause, sa.TextClause]:
    match request.aggregation:
        case AggregationType.COUNT | AggregationType.CUSTOM:
            return _OF_ANY
        case AggregationType.UNIQUE_COUNT:
            return _OF_MEMBERS
        case _:
            return _OF_NUMBERS


def _of_bucket(request: UsageRequest, bucket: Bucket, received_until: datetime) -> dict[str, object]:
    places: dict[UUID | None, int] = {condition.filter_id: place for place, condition in enumerate(request.conditions, 1)}
    own = {"place": places.get(bucket.filter_id, 0), "names": list(bucket.group), "received_until": received_until}
    return {**arrays_of([request], [0]), **own}


def list_counted(
    tx: Connection, request: UsageRequest, bucket: Bucket, *, received_until: datetime, limit: int, offset: int
) -> list[CountedEvent]:
    """Return a page of the events that a bucket counts, the oldest first; those received later than `received_until` are left out."""
    values = _of_bucket(request, bucket, received_until) | {"limit": limit, "offset": offset}
    rows = tx.execute(_counted_of(request)[0], values)
    return [
        CountedEvent(
            StoredEvent(
                key=row.key,
                external_subscription_id=row.external_subscription_id or None,
                code=row.code,
                transaction_id=row.transaction_id,
                at=row.at,
                created_at=row.created_at,
                properties=row.properties,
                precise_total_amount_cents=row.precise_total_amount_cents,
            ),
            row.value,
        )
        for row in rows
    ]


def count_counted(tx: Connection, request: UsageRequest, bucket: Bucket, *, received_until: datetime) -> int:
    """Count what `list_counted` pages through."""
    return int(tx.execute(_counted_of(request)[1], _of_bucket(request, bucket, received_until)).scalar_one())
