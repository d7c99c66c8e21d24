"""
The event store on PostgreSQL: all SQL about events.

Writing: one text COPY straight into the table, where the unique key decides; only when it objects are the known keys
looked up and their batches taken out. Where all that a row needs is known, `open` asks for the rest together with the
COPY. Reading: two statements for each kind of aggregation at most, whatever the number of requests: one for those that
have a running state, one for those that read events only.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import sqlalchemy as sa
from psycopg.errors import UniqueViolation
from sqlalchemy import Connection

from daycount import errors
from daycount.engine.metrics import Bucket, Usage, UsageRequest
from daycount.infra.copying import OpenCopy, Row
from daycount.infra.database import copy_in, driver_of
from daycount.usage.activity.store import find_active
from daycount.usage.aggregation.store import aggregate
from daycount.usage.folding import Folder
from daycount.usage.lines import COLUMNS, Typers, typing_of, write_lines
from daycount.usage.port import Batch, Opened, OrganizationRow
from daycount.usage.records import Arrived, EventFilter, MetricFacts, Question, StoredEvent
from daycount.usage.states import store as states
from daycount.usage.values import digest, event_key, horizon_lock, keyed_hash

_SEQUENCE_BLOCK = 10_000
_MOST_CACHED = 500_000
_TRIES = 8
_HISTORY = datetime(1, 1, 1, tzinfo=UTC)

_KNOWN_STREAMS = sa.text("""
select s.organization_id, s.external_subscription_id, s.code, s.id,
       coalesce(age(s.xmin) > age(cast(pg_current_xact_id_if_assigned() as xid)), true) as is_settled
from event_streams s
join unnest(cast(:organizations as uuid[]), cast(:subscriptions as text[]), cast(:codes as text[]))
  as w(organization_id, subscription, code)
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
insert into event_fields (name) select unnest(cast(:names as text[]))
on conflict (name) do update set name = excluded.name
returning name, id
""")
_KNOWN_KEYS = sa.text("select replace(key::text, '-', '') from usage_events where key = any(cast(:keys as uuid[]))")
_COPY = f"copy usage_events ({COLUMNS}) from stdin"

_LIST = """
select e.key::text, s.external_subscription_id, s.code, e.transaction_id, e.at, e.created_at, e.properties, e.precise_total_amount_cents
from event_streams s join usage_events e on e.stream_id = s.id
where s.organization_id = :organization_id
  and (cast(:subscription as text) is null or s.external_subscription_id = :subscription)
  and (cast(:code as text) is null or s.code = :code)
  and e.at >= :at_from and e.at <= :at_to
"""
# Each stream gives no more than the page and what stands before it, by its index; only those are put in order.
_PAGE = sa.text("""
select e.key::text, s.external_subscription_id, s.code, e.transaction_id, e.at, e.created_at, e.properties, e.precise_total_amount_cents
from event_streams s
cross join lateral (
    select * from usage_events
    where stream_id = s.id and at >= :at_from and at <= :at_to
    order by at desc, transaction_id collate "C", key limit :limit + :offset
) as e
where s.organization_id = :organization_id
  and (cast(:subscription as text) is null or s.external_subscription_id = :subscription)
  and (cast(:code as text) is null or s.code = :code)
order by e.at desc, e.transaction_id collate "C", e.key limit :limit offset :offset
""")
_PAGE_BY_ARRIVAL = sa.text(_LIST + " order by e.created_at desc, e.sequence desc limit :limit offset :offset")
_TOTAL = sa.text("select count(*) from (" + _LIST + ") as found")  # noqa: S608 - constants only
_ONE = sa.text("""
select e.key::text, s.external_subscription_id, s.code, e.transaction_id, e.at, e.created_at, e.properties, e.precise_total_amount_cents
from usage_events e join event_streams s on s.id = e.stream_id
where e.key = any(cast(:keys as uuid[])) and s.organization_id = :organization_id
order by e.at desc limit 1
""")
_ARRIVED = sa.text("""
select e.key::text, s.external_subscription_id, s.code, e.transaction_id, e.at, e.created_at, e.properties, e.precise_total_amount_cents,
       e.sequence
from usage_events e join event_streams s on s.id = e.stream_id
where e.key = any(cast(:keys as uuid[])) and s.organization_id = :organization_id
order by e.sequence
""")
_SUBSCRIPTIONS_WITH_EVENTS = sa.text("""
select distinct external_subscription_id from event_streams where organization_id = :organization_id
""")
_ERASE = sa.text("""
delete from usage_events e using event_streams s where s.id = e.stream_id and s.organization_id = :organization_id
""")
_ERASE_STREAMS = sa.text("delete from event_streams where organization_id = :organization_id")

Stream = tuple[UUID, str, str]


class _Reserved(NamedTuple):
    """Numbers for events, and from which date on the events of each organization are not late; all where there is none."""

    sequence: Iterator[int]
    horizons: Mapping[UUID, datetime]


class _OpenAppend:
    """Rows that are waited for; see `Opened`."""

    def __init__(
        self,
        copy: OpenCopy,
        batches: Sequence[Batch],
        *,
        digests: Sequence[Sequence[str]],
        streams: Sequence[Sequence[int]],
        typers: Mapping[UUID, Typers],
    ) -> None:
        _, organizations, _, horizons = copy.answers
        self.organizations: Sequence[OrganizationRow] = [_read_organization(row) for row in organizations]
        first = int(organizations[0][-1] or 0) if organizations else 0
        self._reserved = _Reserved(iter(range(first, first + _SEQUENCE_BLOCK)), dict(map(_read_horizon, horizons)))
        self._copy = copy
        self._batches = batches
        self._digests = digests
        self._streams = streams
        self._typers = typers

    def send(self, places: Sequence[int]) -> bool:
        """Write the batches at these places; False where the unique key objects. See the port."""
        sequence, horizons = self._reserved
        lines: list[str] = []
        for i in places:
            batch, own = self._batches[i], self._digests[i]
            horizon = horizons.get(batch.organization_id)
            typers = self._typers[batch.organization_id]
            lines += write_lines(batch, own, self._streams[i], sequence, typers=typers, horizon=horizon)
            batch.digests = own
        lines.sort()
        try:
            self._copy.send("".join(lines))
        except UniqueViolation:
            return False
        return True

    def give_up(self) -> None:
        """Write nothing; see the port."""
        self._copy.give_up()


class PostgresEventStore:
    """Keeps events in `usage_events`. One instance serves a process; it is safe for several threads."""

    def __init__(self, folder: Folder | None = None) -> None:
        self._folder = folder
        self._streams: dict[UUID, dict[str, dict[str, int]]] = {}
        self._streams_known = 0
        self._fields: dict[str, int] = {}

    def append(
        self, tx: Connection, batches: Sequence[Batch], *, metrics: Sequence[dict[str, MetricFacts]], seeks_known: bool = False
    ) -> None:
        """
        Keep the events of every batch without a duplicate, with one COPY; see the port.

        Rows go in by ascending key, so that concurrent writers wait for each other in one order. Raises errors.Busy when
        keys keep being taken by others for several tries.
        """
        hashes = {organization_id: keyed_hash(organization_id) for organization_id in {batch.organization_id for batch in batches}}
        digests = [_digests(batch, hashes[batch.organization_id]) for batch in batches]
        streams = self._find_streams(tx, batches)
        fields = self._find_fields(tx, _typings(batches, metrics))
        driver = driver_of(tx)
        # A batch that repeats itself is refused without being written, so the table does not object to what else it repeats.
        known = _find_known(tx, [own for own in digests if seeks_known or len(set(own)) < len(own)])
        for _ in range(_TRIES):
            accepted = _without_duplicates(batches, digests, known)
            if not accepted:
                return
            organizations = {batches[i].organization_id for i in accepted}
            sequence, horizons = _reserve(driver, sum(len(digests[i]) for i in accepted), organizations)
            lines: list[str] = []
            typers = {id(metrics[i]): Typers(metrics[i], fields) for i in accepted}
            for i in accepted:
                horizon = horizons.get(batches[i].organization_id)
                lines += write_lines(batches[i], digests[i], streams[i], sequence, typers=typers[id(metrics[i])], horizon=horizon)
            lines.sort()
            try:
                copy_in(driver, _COPY, "".join(lines))
            except UniqueViolation:
                driver.execute("rollback to savepoint events")
                known |= _find_known(tx, [digests[i] for i in accepted])
            else:
                for i in accepted:
                    batches[i].digests = digests[i]
                return
        raise errors.Busy("events_contended")

    def open(self, tx: Connection, batches: Sequence[Batch], *, metrics: Sequence[dict[str, MetricFacts]]) -> Opened | None:
        """Begin to append with one round trip; None where a stream or a field is not known yet, or events repeat. See the port."""
        try:
            streams = [_look_up(self._streams[batch.organization_id], batch) for batch in batches]
        except KeyError:
            return None
        hashes = {organization_id: keyed_hash(organization_id) for organization_id in {batch.organization_id for batch in batches}}
        digests = [_digests(batch, hashes[batch.organization_id]) for batch in batches]
        known, fields = set(chain.from_iterable(digests)), self._fields
        count = sum(map(len, digests))
        if len(known) < count or count > _SEQUENCE_BLOCK or not _typings(batches, metrics).issubset(fields):
            return None
        typers = {batch.organization_id: Typers(own, fields) for batch, own in zip(batches, metrics, strict=True)}
        copy = OpenCopy(driver_of(tx), _write_opening(hashes))
        return _OpenAppend(copy, batches, digests=digests, streams=streams, typers=typers)

    def _find_streams(self, tx: Connection, batches: Sequence[Batch]) -> list[list[int]]:
        """Return the stream of every event. Most are known, and then this is all there is to it."""
        try:
            return [_look_up(self._streams[batch.organization_id], batch) for batch in batches]
        except KeyError:
            return self._resolve_streams(tx, batches)

    def _resolve_streams(self, tx: Connection, batches: Sequence[Batch]) -> list[list[int]]:
        """Find or make streams. Only those that a committed transaction made, and not this one, are remembered."""
        named = [[(batch.organization_id, event.external_subscription_id or "", event.code) for event in batch.events] for batch in batches]
        streams: dict[Stream, int] = {}
        wanted = []
        for stream in sorted(set(chain.from_iterable(named)), key=lambda item: (item[0].int, item[1], item[2])):
            known = self._streams.get(stream[0], {}).get(stream[2], {}).get(stream[1])
            if known is None:
                wanted.append(stream)
            else:
                streams[stream] = known
        if self._streams_known > _MOST_CACHED:
            self._streams, self._streams_known = {}, 0
        for organization_id, subscription, code, stream_id, is_settled in tx.execute(_KNOWN_STREAMS, _stream_arrays(wanted)):
            streams[organization_id, subscription, code] = stream_id
            if is_settled:
                self._streams.setdefault(organization_id, {}).setdefault(code, {})[subscription] = stream_id
                self._streams_known += 1
        fresh = [stream for stream in wanted if stream not in streams]
        if fresh:
            for organization_id, subscription, code, stream_id in tx.execute(_NEW_STREAMS, _stream_arrays(fresh)):
                streams[organization_id, subscription, code] = stream_id
        return [[streams[stream] for stream in names] for names in named]

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

    def aggregate(self, tx: Connection, requests: Sequence[UsageRequest]) -> list[dict[Bucket, Usage]]:
        """
        Answer all requests, from running states where there are any; see the port.

        Where many events had to be read, the folder is told, so that the next read has less to do.
        """
        held = states.read(tx, requests, [place for place, request in enumerate(requests) if states.can_fold(request)])
        others = [place for place in range(len(requests)) if place not in held]
        found = dict(zip(others, aggregate(tx, [requests[place] for place in others]), strict=True)) if others else {}
        if self._folder is not None:
            self._folder.note_states((requests[place], answer.fresh) for place, answer in held.items())
            self._folder.note_events((requests[place], answer) for place, answer in found.items())
        return [held[place].buckets if place in held else found[place] for place in range(len(requests))]

    def list_events(self, tx: Connection, query: EventFilter, *, limit: int, offset: int) -> list[StoredEvent]:
        """Return a page of events, newest first; see the port."""
        statement = _PAGE_BY_ARRIVAL if query.by_arrival else _PAGE
        return [_read(row) for row in tx.execute(statement, _filters(query) | {"limit": limit, "offset": offset})]

    def count(self, tx: Connection, query: EventFilter) -> int:
        """Count what `list_events` would return without a limit."""
        return int(tx.execute(_TOTAL, _filters(query)).scalar_one())

    def find(self, tx: Connection, *, organization_id: UUID, transaction_id: str) -> StoredEvent | None:
        """Return an event of that transaction id; where several subscriptions share it, the latest."""
        subscriptions = tx.execute(_SUBSCRIPTIONS_WITH_EVENTS, {"organization_id": organization_id}).scalars()
        keys = [event_key(organization_id, subscription, transaction_id) for subscription in subscriptions]
        row = tx.execute(_ONE, {"organization_id": organization_id, "keys": keys}).one_or_none()
        return None if row is None else _read(row)

    def find_arrived(self, tx: Connection, *, organization_id: UUID, keys: Collection[UUID]) -> list[Arrived]:
        """Return the events of these keys, in the order of their arrival; see the port."""
        rows = tx.execute(_ARRIVED, {"organization_id": organization_id, "keys": list(keys)})
        return [Arrived(_read(row), row.sequence) for row in rows]

    def were_active(self, tx: Connection, questions: Sequence[Question]) -> list[bool]:
        """Tell whether counted values were there just before events; see the port."""
        return find_active(tx, questions)

    def erase(self, tx: Connection, *, organization_id: UUID) -> int:
        """Remove every event of an organization; see the port."""
        gone = tx.execute(_ERASE, {"organization_id": organization_id}).rowcount
        tx.execute(_ERASE_STREAMS, {"organization_id": organization_id})
        self._streams, self._streams_known = {}, 0
        return gone


def _look_up(streams: Mapping[str, Mapping[str, int]], batch: Batch) -> list[int]:
    return [streams[event.code][event.external_subscription_id or ""] for event in batch.events]


def _digests(batch: Batch, keyed: blake2b) -> list[str]:
    """Return the identities of a batch's events. Events that name no subscription never collide with anything."""
    return [
        digest(keyed, event.external_subscription_id, event.transaction_id) if event.external_subscription_id else os.urandom(16).hex()
        for event in batch.events
    ]


def _find_known(tx: Connection, digests: Iterable[Sequence[str]]) -> set[str]:
    """Return those of the identities that are in the table."""
    wanted = list(chain.from_iterable(digests))
    return set(tx.execute(_KNOWN_KEYS, {"keys": wanted}).scalars()) if wanted else set()


def _typings(batches: Sequence[Batch], metrics: Sequence[dict[str, MetricFacts]]) -> set[str]:
    """Return the ways in which the values of these events are typed."""
    asked: dict[int, tuple[dict[str, MetricFacts], set[str]]] = {}
    for batch, known in zip(batches, metrics, strict=True):
        asked.setdefault(id(known), (known, set()))[1].update([event.code for event in batch.events])
    found = [known[code] for known, codes in asked.values() for code in codes if code in known]
    return {typing_of(facts.aggregation, facts.field_name) for facts in found if facts.field_name is not None}


def _stream_arrays(streams: Iterable[Stream]) -> dict[str, list[object]]:
    organizations, subscriptions, codes = zip(*streams, strict=True)
    return {"organizations": list(organizations), "subscriptions": list(subscriptions), "codes": list(codes)}


def _without_duplicates(batches: Sequence[Batch], keys: Sequence[Sequence[str]], known: set[str]) -> list[int]:
    """Note the duplicates of each batch and return the places of batches without; the first of two equal events wins."""
    everything = list(chain.from_iterable(keys))
    if not known and len(set(everything)) == len(everything):
        for batch in batches:
            batch.duplicates = []
        return list(range(len(batches)))
    taken: set[str] = set()
    accepted = []
    for place, batch in enumerate(batches):
        own = set(keys[place])
        batch.duplicates = []
        if len(own) < len(keys[place]) or not own.isdisjoint(known) or not own.isdisjoint(taken):
            batch.duplicates = _find_duplicates(keys[place], known | taken)
        else:
            taken |= own
            accepted.append(place)
    return accepted


def _find_duplicates(keys: Sequence[str], known: set[str]) -> list[int]:
    seen = set(known)
    places = []
    for place, key in enumerate(keys):
        if key in seen:
            places.append(place)
        seen.add(key)
    return places


def _reserve(driver: psycopg.Connection[tuple[Any, ...]], count: int, organizations: Collection[UUID]) -> _Reserved:
    """
    Take the next numbers of the sequence and the horizons, and set the savepoint `events`: all in one round trip.

    Until the transaction ends, the horizons stay where they are. The savepoint ends with the transaction.
    """
    blocks = -(-count // _SEQUENCE_BLOCK)
    locks = ",".join(str(key) for key in sorted(map(horizon_lock, organizations)))
    ids = ",".join(f"'{organization_id}'" for organization_id in organizations)
    # Numbers and uuids only. Each statement sees what was committed before it, so the horizons are read behind the locks.
    results = driver.execute(f"""
        select nextval('usage_event_sequence') from generate_series(1, {blocks:d});
        select pg_advisory_xact_lock_shared(key) from unnest(cast(array[{locks}] as bigint[])) as key;
        select organization_id, horizon from event_horizons where organization_id in ({ids});
        savepoint events
    """)  # noqa: S608 - see above
    firsts = results.fetchall()
    results.nextset()
    results.nextset()
    horizons = dict(results.fetchall())
    return _Reserved(chain.from_iterable(range(first, first + _SEQUENCE_BLOCK) for (first,) in firsts), horizons)


def _write_opening(organizations: Collection[UUID]) -> str:
    """
    Write what begins an append: read organizations and take a block of the sequence, as `_reserve` does, then wait for rows.

    Numbers and uuids only. Each statement sees what was committed before it, so the horizons are read behind the locks.
    """
    locks = ",".join(str(key) for key in sorted(map(horizon_lock, organizations)))
    ids = ",".join(f"'{organization_id}'" for organization_id in organizations)
    return f"""
        begin;
        select o.id, o.catalog_version, c.frozen_time, pg_current_xact_id(), (select nextval('usage_event_sequence'))
        from organizations o
        left join lateral (select frozen_time from test_clocks where organization_id = o.id for share) as c on true
        where o.id in ({ids});
        select pg_advisory_xact_lock_shared(key) from unnest(cast(array[{locks}] as bigint[])) as key;
        select organization_id, horizon from event_horizons where organization_id in ({ids});
        {_COPY}
    """  # noqa: S608 - see above


def _read_organization(row: Row) -> OrganizationRow:
    key, version, frozen_time, written_by, _ = [None if value is None else value.decode() for value in row]
    assert key and version and written_by
    return OrganizationRow(UUID(key), int(version), datetime.fromisoformat(frozen_time) if frozen_time else None, written_by)


def _read_horizon(row: Row) -> tuple[UUID, datetime]:
    key, horizon = row
    assert key and horizon
    return UUID(key.decode()), datetime.fromisoformat(horizon.decode())


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


_ORGANIZATIONS = """
select o.id, o.catalog_version, c.frozen_time, cast(pg_current_xact_id() as text) as written_by
from organizations o
left join lateral (select frozen_time from test_clocks where organization_id = o.id for share) as c on true
where o.id = any(cast(%s as uuid[]))
"""


def read_organizations(tx: Connection, ids: Iterable[UUID]) -> list[OrganizationRow]:
    """Read organizations, with a statement that the driver prepares once; a list as one text is quicker to hand over."""
    found = driver_of(tx).execute(_ORGANIZATIONS, ["{" + ",".join(map(str, ids)) + "}"], prepare=True).fetchall()
    return [OrganizationRow(*row) for row in found]


_STATUS = sa.text("select pg_xact_status(cast(:written_by as xid8))")


def is_committed(tx: Connection, written_by: str) -> bool:
    """Tell what became of another transaction. Raises errors.Busy while that is open."""
    status = tx.execute(_STATUS, {"written_by": written_by}).scalar_one()
    if status == "in progress":
        raise errors.Busy("events_contended")
    return bool(status == "committed")
