"""
The event store on PostgreSQL: all SQL about events.

Writing: one text COPY straight into the table, where the unique key decides; only when it objects are the known keys
looked up and their batches taken out. Reading: one statement for each kind of aggregation, whatever the number of
requests.
"""

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from psycopg.errors import UniqueViolation
from sqlalchemy import Connection

from daycount import errors
from daycount.engine.metrics import AggregationType, Member, Toggle, Usage, UsageRequest, read_number, read_operation
from daycount.infra.database import copy_text
from daycount.money import exact_sum
from daycount.periods import local_date, start_of_day
from daycount.usage.port import Batch
from daycount.usage.records import EventFilter, IncomingEvent, MetricFacts, StoredEvent
from daycount.usage.values import event_key, read_property, read_two

_SEQUENCE_BLOCK = 10_000
_MOST_CACHED = 500_000
_TRIES = 8
_HISTORY = datetime(1, 1, 1, tzinfo=UTC)
_COLUMNS = (
    "key, stream_id, sequence, at, created_at, field_id, is_add, number, member, precise_total_amount_cents, transaction_id, properties"
)

_KNOWN_STREAMS = sa.text("""
select s.organization_id, s.external_subscription_id, s.code, s.id,
       coalesce(age(s.xmin) > age(cast(pg_current_xact_id_if_assigned() as xid)), true) as is_settled
from event_streams s
join unnest(cast(:organizations as uuid[]), cast(:subscriptions as text[]), cast(:codes as text[])) as w(organization_id, subscription, code)
  on s.organization_id = w.organization_id and s.external_subscription_id = w.subscription and s.code = w.code
""")
_NEW_STREAMS = sa.text("""
insert into event_streams (organization_id, external_subscription_id, code)
select * from unnest(cast(:organizations as uuid[]), cast(:subscriptions as text[]), cast(:codes as text[]))
on conflict (organization_id, external_subscription_id, code) do update set code = excluded.code
returning organization_id, external_subscription_id, code, id
""")
_FIELDS = sa.text("""
select name, id, coalesce(age(xmin) > age(cast(pg_current_xact_id_if_assigned() as xid)), true) as is_settled
from event_fields where name = any(:names)
""")
_NEW_FIELDS = sa.text("""
insert into event_fields (name) select unnest(cast(:names as text[])) on conflict (name) do update set name = excluded.name returning name, id
""")
_SEQUENCE = sa.text("select nextval('usage_event_sequence')")
_KNOWN_KEYS = sa.text("select key::text from usage_events where key = any(cast(:keys as uuid[]))")

_REQUESTS = """
unnest(cast(:ordinals as int[]), cast(:organizations as uuid[]), cast(:subscriptions as text[]), cast(:codes as text[]),
       cast(:lows as timestamptz[]), cast(:starts as timestamptz[]), cast(:ends as timestamptz[]), cast(:fields as text[]),
       cast(:typings as text[]), cast(:thresholds as text[]))
  as r(ordinal, organization_id, subscription, code, low, period_start, period_end, field, typing, thresholds)
join event_streams s
  on s.organization_id = r.organization_id and s.external_subscription_id = r.subscription and s.code = r.code
join usage_events e on e.stream_id = s.id and e.at >= r.low and e.at < r.period_end
left join event_fields f on f.name = r.typing
"""
_NUMBER = "case when e.field_id = f.id then e.number else daycount_number(daycount_property(e.properties, r.field)) end"
_MEMBER = "case when e.field_id = f.id then e.member else daycount_property(e.properties, r.field) end"
_IS_ADD = "case when e.field_id = f.id then e.is_add else daycount_operation(daycount_property(e.properties, 'operation_type')) end"

_COUNT = sa.text(f"select r.ordinal, count(*) as total from {_REQUESTS} group by r.ordinal")  # noqa: S608 - constants only
_SUM = sa.text(f"""
select ordinal, count(number) as events_count, coalesce(sum(number), 0) as total
from (select r.ordinal, {_NUMBER} as number from {_REQUESTS}) as v
group by ordinal
""")  # noqa: S608 - constants only
_SUM_BY_DAY = sa.text(f"""
select ordinal, day, count(number) as events_count, sum(number) as total
from (
    select r.ordinal, {_NUMBER} as number, width_bucket(e.at, cast(r.thresholds as timestamptz[])) as day
    from {_REQUESTS}
) as v
where number is not null
group by ordinal, day
order by ordinal, day
""")  # noqa: S608 - constants only
_UNIQUE = sa.text(f"""
select ordinal, sum(inside) as events_count, count(*) filter (where is_active) as total
from (
    select ordinal, member, count(*) filter (where at >= period_start) as inside, (array_agg(is_add order by at desc, sequence desc))[1] as is_active
    from (
        select r.ordinal, r.period_start, e.at, e.sequence, {_MEMBER} as member, {_IS_ADD} as is_add
        from {_REQUESTS}
    ) as v
    where member is not null and is_add is not null
    group by ordinal, member
) as m
group by ordinal
""")  # noqa: S608 - constants only
_TOGGLES = sa.text(f"""
select ordinal, member,
       count(*) filter (where at >= period_start) as inside,
       array_agg(at order by at, sequence) filter (where is_add <> was_active) as toggles
from (
    select *, lag(is_add, 1, false) over (partition by ordinal, member order by at, sequence) as was_active
    from (
        select r.ordinal, r.period_start, e.at, e.sequence, {_MEMBER} as member, {_IS_ADD} as is_add
        from {_REQUESTS}
    ) as v
    where member is not null and is_add is not null
) as w
group by ordinal, member
order by ordinal, member collate "C"
""")  # noqa: S608 - constants only

_LIST = """
select e.key::text, s.external_subscription_id, s.code, e.transaction_id, e.at, e.created_at, e.properties, e.precise_total_amount_cents
from event_streams s join usage_events e on e.stream_id = s.id
where s.organization_id = :organization_id
  and (cast(:subscription as text) is null or s.external_subscription_id = :subscription)
  and (cast(:code as text) is null or s.code = :code)
  and e.at >= :at_from and e.at <= :at_to
"""
_PAGE = sa.text(_LIST + ' order by e.at desc, e.transaction_id collate "C", e.key limit :limit offset :offset')
_TOTAL = sa.text("select count(*) from (" + _LIST + ") as found")
_ONE = sa.text("""
select e.key::text, s.external_subscription_id, s.code, e.transaction_id, e.at, e.created_at, e.properties, e.precise_total_amount_cents
from usage_events e join event_streams s on s.id = e.stream_id
where e.key = any(cast(:keys as uuid[])) and s.organization_id = :organization_id
order by e.at desc limit 1
""")
_SUBSCRIPTIONS_WITH_EVENTS = sa.text("""
select distinct external_subscription_id from event_streams where organization_id = :organization_id
""")
_ERASE = sa.text("""
delete from usage_events e using event_streams s where s.id = e.stream_id and s.organization_id = :organization_id
""")
_ERASE_STREAMS = sa.text("delete from event_streams where organization_id = :organization_id")

Stream = tuple[UUID, str, str]


class PostgresEventStore:
    """Keeps events in `usage_events`. One instance serves a process; it is safe for several threads."""

    def __init__(self) -> None:
        self._streams: dict[Stream, int] = {}
        self._fields: dict[str, int] = {}

    def append(self, tx: Connection, batches: Sequence[Batch], *, metrics: Sequence[dict[str, MetricFacts]]) -> None:
        """
        Keep the events of every batch without a duplicate, with one COPY; see the port.

        Rows go in by ascending key, so that concurrent writers wait for each other in one order. Raises errors.Busy when
        keys keep being taken by others for several tries.
        """
        keys = [[_key_of(batch.organization_id, event) for event in batch.events] for batch in batches]
        streams = self._find_streams(tx, {_stream_of(batch, event) for batch in batches for event in batch.events})
        fields = self._find_fields(
            tx, {_typing(facts.aggregation, facts.field_name) for known in metrics for facts in known.values() if facts.field_name}
        )
        known: set[str] = set()
        for _ in range(_TRIES):
            accepted = _without_duplicates(batches, keys, known)
            if not accepted:
                return
            rows = _rows(tx, [(batches[i], keys[i], metrics[i]) for i in accepted], streams=streams, fields=fields)
            savepoint = tx.begin_nested()
            try:
                _copy(tx, rows)
            except UniqueViolation:
                savepoint.rollback()
                wanted = [key for i in accepted for key in keys[i]]
                known.update(tx.execute(_KNOWN_KEYS, {"keys": wanted}).scalars())
            else:
                savepoint.commit()
                for i in accepted:
                    batches[i].stored = [_stored(batches[i], event, key) for event, key in zip(batches[i].events, keys[i], strict=True)]
                return
        raise errors.Busy("events_contended")

    def _find_streams(self, tx: Connection, wanted: set[Stream]) -> dict[Stream, int]:
        """Resolve streams to ids. Only ids that a committed transaction made, and not this one, are remembered."""
        missing = sorted((stream for stream in wanted if stream not in self._streams), key=lambda item: (item[0].int, item[1], item[2]))
        if not missing:
            return self._streams
        streams = {stream: self._streams[stream] for stream in wanted.difference(missing)}
        if len(self._streams) > _MOST_CACHED:
            self._streams = {}
        for row in tx.execute(_KNOWN_STREAMS, _stream_arrays(missing)):
            streams[row[0], row[1], row[2]] = row.id
            if row.is_settled:
                self._streams[row[0], row[1], row[2]] = row.id
        fresh = [stream for stream in missing if stream not in streams]
        made = {(row[0], row[1], row[2]): row[3] for row in tx.execute(_NEW_STREAMS, _stream_arrays(fresh))} if fresh else {}
        return streams | made

    def _find_fields(self, tx: Connection, names: set[str]) -> dict[str, int]:
        missing = sorted(names.difference(self._fields))
        if not missing:
            return self._fields
        rows = tx.execute(_FIELDS, {"names": missing}).all()
        self._fields.update({row.name: row.id for row in rows if row.is_settled})
        found = {row.name: row.id for row in rows}
        fresh = [name for name in missing if name not in found]
        made = {row.name: row.id for row in tx.execute(_NEW_FIELDS, {"names": fresh})} if fresh else {}
        return self._fields | found | made

    def aggregate(self, tx: Connection, requests: Sequence[UsageRequest]) -> list[Usage]:
        """Answer all requests with at most one statement for each kind of aggregation; see the port."""
        kinds: dict[tuple[AggregationType, bool], list[int]] = {}
        for place, request in enumerate(requests):
            is_detailed = request.is_prorated and request.aggregation is not AggregationType.COUNT
            kinds.setdefault((request.aggregation, is_detailed), []).append(place)
        answers = [Usage(events_count=0, total=Decimal(0)) for _ in requests]
        for (aggregation, is_detailed), places in kinds.items():
            parameters = _request_arrays(requests, places)
            match aggregation, is_detailed:
                case AggregationType.COUNT, _:
                    found = _read_counts(tx, parameters)
                case AggregationType.SUM, False:
                    found = _read_totals(tx, _SUM, parameters)
                case AggregationType.SUM, True:
                    found = _read_days(tx, parameters, requests)
                case AggregationType.UNIQUE_COUNT, False:
                    found = _read_totals(tx, _UNIQUE, parameters)
                case _:
                    found = _read_members(tx, parameters, requests)
            for place, usage in found.items():
                answers[place] = usage
        return answers

    def list_events(self, tx: Connection, query: EventFilter, *, limit: int, offset: int) -> list[StoredEvent]:
        """Return a page of events, newest first; see the port."""
        return [_read(row) for row in tx.execute(_PAGE, _filters(query) | {"limit": limit, "offset": offset})]

    def count(self, tx: Connection, query: EventFilter) -> int:
        """Count what `list_events` would return without a limit."""
        return int(tx.execute(_TOTAL, _filters(query)).scalar_one())

    def find(self, tx: Connection, *, organization_id: UUID, transaction_id: str) -> StoredEvent | None:
        """Return an event of that transaction id; where several subscriptions share it, the latest."""
        subscriptions = tx.execute(_SUBSCRIPTIONS_WITH_EVENTS, {"organization_id": organization_id}).scalars()
        keys = [event_key(organization_id, subscription, transaction_id) for subscription in subscriptions]
        row = tx.execute(_ONE, {"organization_id": organization_id, "keys": keys}).one_or_none()
        return None if row is None else _read(row)

    def erase(self, tx: Connection, *, organization_id: UUID) -> int:
        """Remove every event of an organization; see the port."""
        gone = tx.execute(_ERASE, {"organization_id": organization_id}).rowcount
        tx.execute(_ERASE_STREAMS, {"organization_id": organization_id})
        self._streams = {}
        return gone


def _key_of(organization_id: UUID, event: IncomingEvent) -> str:
    """Events that name no subscription never collide with anything."""
    if not event.external_subscription_id:
        return str(UUID(bytes=os.urandom(16)))
    return event_key(organization_id, event.external_subscription_id, event.transaction_id)


def _stream_of(batch: Batch, event: IncomingEvent) -> Stream:
    return batch.organization_id, event.external_subscription_id or "", event.code


def _stream_arrays(streams: Iterable[Stream]) -> dict[str, list[object]]:
    organizations, subscriptions, codes = zip(*streams, strict=True)
    return {"organizations": list(organizations), "subscriptions": list(subscriptions), "codes": list(codes)}


def _without_duplicates(batches: Sequence[Batch], keys: Sequence[Sequence[str]], known: set[str]) -> list[int]:
    """Note the duplicates of each batch and return the places of batches without; the first of two equal events wins."""
    taken: set[str] = set()
    accepted = []
    for place, batch in enumerate(batches):
        own: set[str] = set()
        batch.duplicates = []
        for i, key in enumerate(keys[place]):
            if key in own or key in known or key in taken:
                batch.duplicates.append(i)
            own.add(key)
        if not batch.duplicates:
            taken |= own
            accepted.append(place)
    return accepted


def _rows(
    tx: Connection,
    accepted: Sequence[tuple[Batch, Sequence[str], dict[str, MetricFacts]]],
    *,
    streams: dict[Stream, int],
    fields: dict[str, int],
) -> list[tuple[str, str]]:
    """Write the events as (key, line of text COPY). Their sequence follows the order in which they came."""
    sequence, left = 0, 0
    rows = []
    for batch, keys, metrics in accepted:
        organization_id, created_at = batch.organization_id, batch.now.isoformat()
        for event, key in zip(batch.events, keys, strict=True):
            if not left:
                sequence, left = int(tx.execute(_SEQUENCE).scalar_one()), _SEQUENCE_BLOCK
            stream_id = streams[organization_id, event.external_subscription_id or "", event.code]
            at = created_at if event.at is None else event.at.isoformat()
            typed = _typed_columns(event, metrics.get(event.code), fields)
            precise = event.precise_total_amount_cents
            rows.append(
                (
                    key,
                    f"{key}\t{stream_id}\t{sequence}\t{at}\t{created_at}\t{typed}\t{copy_text(precise)}"
                    f"\t{copy_text(event.transaction_id)}\t{copy_text(event.properties)}\n",
                )
            )
            sequence += 1
            left -= 1
    rows.sort()
    return rows


def _typed_columns(event: IncomingEvent, metric: MetricFacts | None, fields: dict[str, int]) -> str:
    """Write field_id, is_add, number and member: the billed value, read once and typed as the metric wants it."""
    if metric is None or metric.field_name is None:
        return "\\N\t\\N\t\\N\t\\N"
    field_id = fields[_typing(metric.aggregation, metric.field_name)]
    if metric.aggregation is AggregationType.UNIQUE_COUNT:
        text, operation = read_two(event.properties, metric.field_name, "operation_type")
        return f"{field_id}\t{copy_text(read_operation(operation))}\t\\N\t{copy_text(text)}"
    number = read_number(read_property(event.properties, metric.field_name))
    return f"{field_id}\t\\N\t{copy_text(number)}\t\\N"


def _typing(aggregation: AggregationType, field_name: str | None) -> str:
    """Name a way of typing a value: which property, and as a number or as a counted member."""
    return f"{'member' if aggregation is AggregationType.UNIQUE_COUNT else 'number'}:{field_name}"


def _copy(tx: Connection, rows: Sequence[tuple[str, str]]) -> None:
    driver = tx.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor, cursor.copy(f"copy usage_events ({_COLUMNS}) from stdin") as copy:
        copy.write("".join([line for _, line in rows]))


def _stored(batch: Batch, event: IncomingEvent, key: str) -> StoredEvent:
    return StoredEvent(
        key=key,
        external_subscription_id=event.external_subscription_id or None,
        code=event.code,
        transaction_id=event.transaction_id,
        at=batch.now if event.at is None else event.at,
        created_at=batch.now,
        properties=event.properties,
        precise_total_amount_cents=event.precise_total_amount_cents,
    )


def _read(row: sa.Row[tuple[object, ...]]) -> StoredEvent:
    return StoredEvent(
        key=row.key,
        external_subscription_id=row.external_subscription_id or None,
        code=row.code,
        transaction_id=row.transaction_id,
        at=row.at,
        created_at=row.created_at,
        properties=row.properties,
        precise_total_amount_cents=row.precise_total_amount_cents,
    )


def _filters(query: EventFilter) -> dict[str, object]:
    return {
        "organization_id": query.organization_id,
        "subscription": query.external_subscription_id,
        "code": query.code,
        "at_from": query.at_from or _HISTORY,
        "at_to": query.at_to or datetime.max.replace(tzinfo=UTC),
    }


def _request_arrays(requests: Sequence[UsageRequest], places: Sequence[int]) -> dict[str, list[object]]:
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
        "typings": [_typing(request.aggregation, request.field_name) for request in chosen],
        "thresholds": [_threshold_text(request) for request in chosen],
    }


def _reads_history(request: UsageRequest) -> bool:
    return request.is_recurring and request.aggregation is not AggregationType.COUNT


def _days_of(request: UsageRequest) -> list[date]:
    zone = ZoneInfo(request.zone)
    first, last = local_date(request.period.start, zone=zone), local_date(request.period.end - timedelta(microseconds=1), zone=zone)
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]


def _threshold_text(request: UsageRequest) -> str | None:
    """Write the starts of the period's local days as an array; the first is the period's own start, which may be later that day."""
    if not (request.is_prorated and request.aggregation is AggregationType.SUM):
        return None
    zone = ZoneInfo(request.zone)
    starts = [request.period.start, *(start_of_day(day, zone=zone) for day in _days_of(request)[1:])]
    return "{" + ",".join(start.isoformat() for start in starts) + "}"


def _read_counts(tx: Connection, parameters: dict[str, list[object]]) -> dict[int, Usage]:
    return {row.ordinal: Usage(events_count=row.total, total=Decimal(row.total)) for row in tx.execute(_COUNT, parameters)}


def _read_totals(tx: Connection, statement: sa.TextClause, parameters: dict[str, list[object]]) -> dict[int, Usage]:
    return {row.ordinal: Usage(events_count=int(row.events_count), total=Decimal(row.total)) for row in tx.execute(statement, parameters)}


def _read_days(tx: Connection, parameters: dict[str, list[object]], requests: Sequence[UsageRequest]) -> dict[int, Usage]:
    found: dict[int, list[sa.Row[tuple[int, int, int, Decimal]]]] = {}
    for row in tx.execute(_SUM_BY_DAY, parameters):
        found.setdefault(row.ordinal, []).append(row)
    answers = {}
    for ordinal, rows in found.items():
        days = _days_of(requests[ordinal])
        answers[ordinal] = Usage(
            events_count=sum(row.events_count for row in rows),
            total=exact_sum(row.total for row in rows),
            carried=exact_sum(row.total for row in rows if row.day == 0),
            by_day={days[row.day - 1]: row.total for row in rows if row.day},
        )
    return answers


def _read_members(tx: Connection, parameters: dict[str, list[object]], requests: Sequence[UsageRequest]) -> dict[int, Usage]:
    counts: dict[int, int] = {}
    active: dict[int, int] = {}
    members: dict[int, list[Member]] = {}
    for row in tx.execute(_TOGGLES, parameters):
        counts[row.ordinal] = counts.get(row.ordinal, 0) + row.inside
        instants = row.toggles or []
        is_active = len(instants) % 2 == 1
        active[row.ordinal] = active.get(row.ordinal, 0) + is_active
        if is_active or (instants and instants[-1] >= requests[row.ordinal].period.start):
            toggles = tuple(Toggle(at, place % 2 == 0) for place, at in enumerate(instants))
            members.setdefault(row.ordinal, []).append(Member(row.member, toggles))
    return {
        ordinal: Usage(events_count=count, total=Decimal(active[ordinal]), members=tuple(members.get(ordinal, ())))
        for ordinal, count in counts.items()
    }


_ORGANIZATIONS = sa.text("""
select o.id, o.catalog_version, c.frozen_time, cast(pg_current_xact_id() as text) as written_by
from organizations o left join test_clocks c on c.organization_id = o.id
where o.id = any(:ids)
""")


def read_organizations(tx: Connection, ids: Iterable[UUID]) -> Sequence[sa.Row[tuple[UUID, int, datetime | None, str]]]:
    """Return (id, catalog_version, frozen_time, written_by) of organizations; the last names this transaction."""
    return tx.execute(_ORGANIZATIONS, {"ids": list(ids)}).all()


_STATUS = sa.text("select pg_xact_status(cast(:written_by as xid8))")


def is_committed(tx: Connection, written_by: str) -> bool:
    """Tell what became of another transaction. Raises errors.Busy while that is open."""
    status = tx.execute(_STATUS, {"written_by": written_by}).scalar_one()
    if status == "in progress":
        raise errors.Busy("events_contended")
    return bool(status == "committed")
