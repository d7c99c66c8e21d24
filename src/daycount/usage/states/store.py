"""
Running states in PostgreSQL: what the settled events of one request come to, and reads that add what is new.

A state belongs to a stream and to the fingerprint of a request; whatever the answer depends on is in the fingerprint, so
that an edited metric, filter, plan, zone or period asks for another state. It covers exactly the events dated before its
horizon, of which late ones only where their transaction is older than its watermark. Everything else is its tail. So an
event is in the state or in the tail, and one statement, which is one snapshot, reads both.

Events that are not late and dated before the horizon cannot come any more (the package's README says why),
and what is older than the oldest open transaction has been committed or never will be.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from daycount.engine.metrics import NOTHING, AggregationType, Bucket, Usage, UsageRequest
from daycount.usage.aggregation.store import (
    IS_ADD,
    MEMBER,
    MICROSECONDS,
    NUMBER,
    Row,
    arrays_of,
    by_bucket,
    is_detailed,
    read_days,
    read_total,
    read_weighted,
)
from daycount.usage.values import horizon_lock

_VERSION = 2
"""Part of every fingerprint; a change to what states hold counts it up, and all are folded anew."""
_KNOWN_FIELDS = frozenset(
    (
        "organization_id",
        "external_subscription_id",
        "code",
        "aggregation",
        "field_name",
        "is_recurring",
        "is_prorated",
        "period",
        "zone",
        "conditions",
        "group_by",
    )
)
_MOST_STATES = 64

_CLUSTER = "(select system_identifier from pg_control_system())"
_NAMED = """
unnest(cast(:ordinals as int[]), cast(:organizations as uuid[]), cast(:subscriptions as text[]), cast(:codes as text[]),
       cast(:fingerprints as uuid[])) with ordinality as r(ordinal, organization_id, subscription, code, fingerprint, number)
join event_streams s
  on s.organization_id = r.organization_id and s.external_subscription_id = r.subscription and s.code = r.code
"""
_FIND = sa.text(f"""
select r.ordinal, s.id as stream_id, u.id as state_id
from {_NAMED}
join usage_states u on u.stream_id = s.id and u.fingerprint = r.fingerprint and u.cluster = {_CLUSTER}
""")  # noqa: S608 - constants only


def _asked(*, more_arrays: str = "", more_names: str = "") -> str:
    return f"""
    asked as materialized (
        select r.*, u.id as held_id,
               coalesce(u.watermark, cast('0' as xid8)) as watermark, coalesce(u.horizon, cast('-infinity' as timestamptz)) as horizon
        from unnest(cast(:ordinals as int[]), cast(:streams as bigint[]), cast(:states as bigint[]),
                    cast(:lows as timestamptz[]), cast(:starts as timestamptz[]), cast(:ends as timestamptz[]), cast(:fields as text[]),
                    cast(:typings as text[]), cast(:thresholds as text[]), cast(:conditions as jsonb[]), cast(:groupings as jsonb[])
                    {more_arrays})
          as r(ordinal, stream_id, state_id, low, period_start, period_end, field, typing, thresholds, conditions, groupings
               {more_names})
        left join usage_states u on u.id = r.state_id
    )
    """  # noqa: S608 - constants only


_TO_READ = _asked()
_TO_FOLD = _asked(more_arrays=", cast(:horizons as timestamptz[])", more_names=", next_horizon")
# The bounds of time in the second part are no conditions for an index on purpose: they would look better than the watermark,
# and lead through everything. The upper bound of transactions says that there is a range, which the planner takes for a small one.
_TAIL = """
asked r
cross join lateral (
    select * from usage_events e
    where e.stream_id = r.stream_id and e.at >= greatest(r.low, r.horizon) and e.at < r.period_end
    union all
    select * from usage_events e
    where e.stream_id = r.stream_id and e.is_late
      and e.written_by >= r.watermark and e.written_by <= cast('18446744073709551615' as xid8)
      and (e.at >= r.low and e.at < least(r.horizon, r.period_end)) is true
) e
left join event_fields f on f.name = r.typing
cross join lateral (
    select case when r.conditions is null then 0 else daycount_bucket(e.properties, r.conditions) end as place
) as b
cross join lateral (
    select case when r.groupings is null then cast('{}' as text[]) else daycount_group(e.properties, r.groupings -> b.place) end as names
) as g
"""
_SETTLED = """
where e.at < greatest(r.horizon, r.next_horizon)
  and (not e.is_late or e.written_by < greatest(r.watermark, cast(:watermark as xid8)))
"""
_DIGEST = "sha256(convert_to(place || ' ' || cast(names as text), 'UTF8'))"
_MEMBER_DIGEST = "sha256(convert_to(place || ' ' || cast(names as text) || ' ' || member, 'UTF8'))"


class _Kind(NamedTuple):
    """
    How events of one kind of aggregation become a state, and how two of them become one.

    `fresh`: the figures of a bucket's new events: events_count, total, carried, weighted, at, sequence. `merged`: the total
    over states and new events. `kept`: the total after an upsert.
    """

    number: str
    day: str
    fresh: str
    merged: str
    kept: str
    read: Callable[[Sequence[Row], UsageRequest], Usage]


_NO_DAY = "0"
_NOT_WEIGHTED = "cast(0 as numeric) as carried, cast(0 as numeric) as weighted"
_UNDATED = "cast(null as timestamptz) as at, cast(null as bigint) as sequence"
_ADDED, _KEPT_SUM = "sum(total)", "old.total + excluded.total"
_KINDS: Mapping[tuple[AggregationType, bool], _Kind] = {
    (AggregationType.COUNT, False): _Kind(
        "cast(1 as numeric)",
        _NO_DAY,
        f"count(*) as events_count, cast(count(*) as numeric) as total, {_NOT_WEIGHTED}, {_UNDATED}",
        _ADDED,
        _KEPT_SUM,
        read_total,
    ),
    (AggregationType.SUM, False): _Kind(
        NUMBER, _NO_DAY, f"count(*) as events_count, sum(number) as total, {_NOT_WEIGHTED}, {_UNDATED}", _ADDED, _KEPT_SUM, read_total
    ),
    (AggregationType.SUM, True): _Kind(
        NUMBER,
        "width_bucket(e.at, cast(r.thresholds as timestamptz[]))",
        f"count(*) as events_count, sum(number) as total, {_NOT_WEIGHTED}, {_UNDATED}",
        _ADDED,
        _KEPT_SUM,
        read_days,
    ),
    (AggregationType.MAX, False): _Kind(
        NUMBER,
        _NO_DAY,
        f"count(*) as events_count, max(number) as total, {_NOT_WEIGHTED}, {_UNDATED}",
        "max(total)",
        "greatest(old.total, excluded.total)",
        read_total,
    ),
    (AggregationType.LATEST, False): _Kind(
        NUMBER,
        _NO_DAY,
        f"""count(*) as events_count, (array_agg(number order by at desc, sequence desc))[1] as total, {_NOT_WEIGHTED},
            max(at) as at, (array_agg(sequence order by at desc, sequence desc))[1] as sequence""",
        "(array_agg(total order by at desc, sequence desc))[1]",
        "case when (excluded.at, excluded.sequence) > (old.at, old.sequence) then excluded.total else old.total end",
        read_total,
    ),
    (AggregationType.WEIGHTED_SUM, False): _Kind(
        NUMBER,
        _NO_DAY,
        f"""count(*) filter (where at >= period_start) as events_count, sum(number) as total,
            coalesce(sum(number) filter (where at < period_start), 0) as carried,
            coalesce(sum(number * {MICROSECONDS}) filter (where at >= period_start), 0) as weighted, {_UNDATED}""",
        _ADDED,
        _KEPT_SUM,
        read_weighted,
    ),
}


def _fresh(kind: _Kind, condition: str) -> str:
    return f"""
    fresh as (
        select r.ordinal, r.held_id, b.place, g.names, {kind.day} as day, r.period_start, r.period_end, e.at, e.sequence,
               {kind.number} as number
        from {_TAIL} {condition}
    )
    """  # noqa: S608 - constants only


def _reading(kind: _Kind) -> sa.TextClause:
    return sa.text(f"""
    with {_TO_READ}, {_fresh(kind, "")}, parts as (
        select ordinal, place, names, day, {kind.fresh}, count(*) as fresh
        from fresh where number is not null
        group by 1, 2, 3, 4
        union all
        select r.ordinal, b.place, b.names, b.day, b.events_count, b.total, b.carried, b.weighted, b.at, b.sequence, 0
        from asked r join usage_state_buckets b on b.state_id = r.held_id
    )
    select ordinal, place, names, day, cast(sum(events_count) as bigint) as events_count, {kind.merged} as total,
           sum(carried) as carried, sum(weighted) as weighted, cast(sum(fresh) as bigint) as fresh
    from parts
    group by 1, 2, 3, 4
    """)  # noqa: S608 - constants only


def _folding(kind: _Kind) -> sa.TextClause:
    is_later = "(excluded.at, excluded.sequence) > (old.at, old.sequence)"
    return sa.text(f"""
    with {_TO_FOLD}, {_fresh(kind, _SETTLED)}
    insert into usage_state_buckets as old
        (state_id, digest, place, names, day, events_count, total, carried, weighted, at, sequence)
    select held_id, {_DIGEST}, place, names, day, {kind.fresh}
    from fresh where number is not null
    group by held_id, place, names, day
    on conflict (state_id, digest, day) do update set
        events_count = old.events_count + excluded.events_count, total = {kind.kept},
        carried = old.carried + excluded.carried, weighted = old.weighted + excluded.weighted,
        at = case when {is_later} then excluded.at else old.at end,
        sequence = case when {is_later} then excluded.sequence else old.sequence end
    """)  # noqa: S608 - constants only


# A seat is active when the later of its latest event in the state and its latest new one says so.
def _seats(condition: str) -> str:
    return f"""
    fresh as (
        select held_id, ordinal, place, names, {_MEMBER_DIGEST} as digest, count(*) filter (where at >= period_start) as inside,
               count(*) as fresh, max(at) as at, (array_agg(sequence order by at desc, sequence desc))[1] as sequence,
               (array_agg(is_add order by at desc, sequence desc))[1] as is_active
        from (
            select r.ordinal, r.held_id, b.place, g.names, r.period_start, e.at, e.sequence, {MEMBER} as member, {IS_ADD} as is_add
            from {_TAIL} {condition}
        ) as v
        where member is not null and is_add is not null
        group by held_id, ordinal, place, names, member
    ), changed as (
        select f.*, coalesce(m.is_active, false) as was_active, m.at is null or (f.at, f.sequence) > (m.at, m.sequence) as is_later
        from fresh f left join usage_state_members m on m.state_id = f.held_id and m.digest = f.digest
    ), parts as (
        select held_id, ordinal, place, names, sum(inside) as events_count, sum(fresh) as fresh,
               count(*) filter (where is_later and is_active and not was_active)
               - count(*) filter (where is_later and was_active and not is_active) as total
        from changed
        group by 1, 2, 3, 4
    )
    """  # noqa: S608 - constants only


_READ_SEATS = sa.text(f"""
with {_TO_READ}, {_seats("")}, whole as (
    select ordinal, place, names, events_count, total, fresh from parts
    union all
    select r.ordinal, b.place, b.names, b.events_count, b.total, 0
    from asked r join usage_state_buckets b on b.state_id = r.held_id
)
select ordinal, place, names, cast(sum(events_count) as bigint) as events_count, sum(total) as total, cast(sum(fresh) as bigint) as fresh
from whole
group by 1, 2, 3
""")  # noqa: S608 - constants only
_FOLD_SEATS = sa.text(f"""
with {_TO_FOLD}, {_seats(_SETTLED)}, seats as (
    insert into usage_state_members as old (state_id, digest, at, sequence, is_active)
    select held_id, digest, at, sequence, is_active from changed
    on conflict (state_id, digest) do update set at = excluded.at, sequence = excluded.sequence, is_active = excluded.is_active
        where (excluded.at, excluded.sequence) > (old.at, old.sequence)
)
insert into usage_state_buckets as old (state_id, digest, place, names, day, events_count, total, carried, weighted)
select held_id, {_DIGEST}, place, names, 0, events_count, total, 0, 0 from parts
on conflict (state_id, digest, day) do update set
    events_count = old.events_count + excluded.events_count, total = old.total + excluded.total
""")  # noqa: S608 - constants only

_UNIQUE = (AggregationType.UNIQUE_COUNT, False)
_READS = {kind: _reading(how) for kind, how in _KINDS.items()} | {_UNIQUE: _READ_SEATS}
_FOLDS = {kind: _folding(how) for kind, how in _KINDS.items()} | {_UNIQUE: _FOLD_SEATS}
_READERS = {kind: how.read for kind, how in _KINDS.items()} | {_UNIQUE: read_total}

_FORGET_FOREIGN = sa.text(f"""
delete from usage_states where cluster <> {_CLUSTER} and (stream_id, fingerprint) in (select s.id, r.fingerprint from {_NAMED})
""")  # noqa: S608 - constants only
_BEGIN = sa.text(f"""
insert into usage_states (stream_id, fingerprint, cluster, watermark, horizon, period_start, period_end)
select s.id, r.fingerprint, {_CLUSTER}, cast('0' as xid8), cast('-infinity' as timestamptz), r.period_start, r.period_end
from unnest(cast(:organizations as uuid[]), cast(:subscriptions as text[]), cast(:codes as text[]), cast(:fingerprints as uuid[]),
            cast(:starts as timestamptz[]), cast(:ends as timestamptz[]))
  as r(organization_id, subscription, code, fingerprint, period_start, period_end)
join event_streams s
  on s.organization_id = r.organization_id and s.external_subscription_id = r.subscription and s.code = r.code
order by s.id, r.fingerprint
on conflict (stream_id, fingerprint) do nothing
""")  # noqa: S608 - constants only
_LOCK = sa.text(f"""
select r.ordinal, s.id as stream_id, u.id as state_id, cast(pg_snapshot_xmin(pg_current_snapshot()) as text) as watermark,
       coalesce(cast(h.horizon as text), '-infinity') as horizon
from {_NAMED}
left join event_horizons h on h.organization_id = s.organization_id
join usage_states u on u.stream_id = s.id and u.fingerprint = r.fingerprint and u.cluster = {_CLUSTER}
for update of u skip locked
""")  # noqa: S608 - constants only
_ADVANCE = sa.text("""
update usage_states u
set watermark = greatest(u.watermark, cast(:watermark as xid8)), horizon = greatest(u.horizon, n.horizon)
from unnest(cast(:states as bigint[]), cast(:horizons as timestamptz[])) as n(id, horizon)
where u.id = n.id
""")
_BEYOND = sa.text(f"""
select s.organization_id, max(e.at) as horizon
from {_NAMED}
left join event_horizons h on h.organization_id = s.organization_id
cross join lateral (
    select case when count(*) > :many then (array_agg(n.at order by n.at desc))[:left + 1] + interval '1 microsecond' end as at
    from (
        select e.at from usage_events e
        where e.stream_id = s.id and e.at >= coalesce(h.horizon, cast('-infinity' as timestamptz))
          and e.at < (cast(:ends as timestamptz[]))[r.number]
        order by e.at desc limit cast(:many as bigint) + 1
    ) as n
) as e
where e.at is not null
group by s.organization_id
order by s.organization_id
""")  # noqa: S608 - constants only
_STOP_INGEST = sa.text("select pg_advisory_xact_lock(:key)")
_RAISE = sa.text("""
insert into event_horizons as old (organization_id, horizon) values (:organization_id, :horizon)
on conflict (organization_id) do update set horizon = excluded.horizon where excluded.horizon > old.horizon
""")
_FORGET_OLD = sa.text("""
delete from usage_states where id in (
    select id from (
        select u.id, u.period_end < n.period_start - (n.period_end - n.period_start) as is_past,
               row_number() over (partition by u.stream_id order by u.id desc) as place
        from usage_states u join usage_states n on n.stream_id = u.stream_id and n.id = any(cast(:states as bigint[]))
        where not u.id = any(cast(:states as bigint[]))
    ) as o
    where is_past or place > :most
)
""")


class Read(NamedTuple):
    """An answer from a state, and how many events were added to it."""

    buckets: dict[Bucket, Usage]
    fresh: int


def can_fold(request: UsageRequest) -> bool:
    """
    Tell whether there can be a state for the request.

    Not for prorated seats, whose answer lists each seat with all it did, and not for requests that say something which
    states know nothing of.
    """
    return (request.aggregation, is_detailed(request)) in _FOLDS and _is_plain(request)


def _is_plain(request: UsageRequest) -> bool:
    return all(getattr(request, name) == default for name, default in _OTHER_FIELDS)


def _other_fields() -> list[tuple[str, Any]]:
    """List the fields of a request that states know nothing of, with the values at which they do not matter."""
    return [
        (field.name, field.default_factory() if field.default is msgspec.NODEFAULT else field.default)
        for field in msgspec.structs.fields(UsageRequest)
        if field.name not in _KNOWN_FIELDS
    ]


_OTHER_FIELDS = _other_fields()


def fingerprint(request: UsageRequest) -> UUID:
    """Return a digest of all that an answer depends on besides the events of the stream."""
    parts = (
        _VERSION,
        request.aggregation,
        request.field_name,
        request.is_recurring,
        is_detailed(request),
        request.period.start,
        request.period.end,
        request.zone if is_detailed(request) else None,
        [sorted((key, sorted(values)) for key, values in condition.values.items()) for condition in request.conditions],
        request.group_by,
    )
    return UUID(bytes=blake2b(msgspec.json.encode(parts), digest_size=16).digest())


def read(tx: Connection, requests: Sequence[UsageRequest], places: Sequence[int]) -> dict[int, Read]:
    """
    Answer those of the requests at `places` for which there is a state: one statement to find them, one for each kind.

    Each answer is the state plus what came since, seen in one snapshot.
    """
    if not places:
        return {}
    found = tx.execute(_FIND, _keys(requests, places)).all()
    answers = {}
    for kind, own in _by_kind(requests, found).items():
        rows = tx.execute(_READS[kind], _arrays(requests, own)).all()
        by_request = by_bucket(rows, requests)
        for place in (row.ordinal for row in own):
            buckets = by_request.get(place, {})
            usages = {bucket: _READERS[kind](parts, requests[place]) for bucket, parts in buckets.items()}
            answers[place] = Read(
                {bucket: usage for bucket, usage in usages.items() if usage != NOTHING},
                sum(part.fresh for parts in buckets.values() for part in parts),
            )
    return answers


def find_horizons(tx: Connection, requests: Sequence[UsageRequest], *, many: int, left: int) -> dict[UUID, datetime]:
    """
    Return, by organization, how far its horizon is to be raised because a stream has more than `many` events beyond it.

    Then no stream has more than `left` of them. Organizations that are content are left out. Looks at `many` events, for
    each request.
    """
    bounds = {"ends": [request.period.end for request in requests], "many": many, "left": left}
    rows = tx.execute(_BEYOND, _keys(requests, range(len(requests))) | bounds)
    return {row.organization_id: row.horizon for row in rows}


def raise_horizon(tx: Connection, *, organization_id: UUID, horizon: datetime) -> None:
    """
    Declare events dated before `horizon` late from now on; a horizon never falls.

    Waits for the writers of the organization's events and keeps new ones waiting until the commit, which must follow at
    once: then no event that is dated before the horizon and not late can come any more.
    """
    tx.execute(_STOP_INGEST, {"key": horizon_lock(organization_id)})
    tx.execute(_RAISE, {"organization_id": organization_id, "horizon": horizon})


def fold(tx: Connection, requests: Sequence[UsageRequest]) -> None:
    """
    Make the states of the requests, or carry them forward to what is settled by now.

    Takes locks on the states and leaves those out that another transaction is folding. To be committed soon; nobody waits
    for it but who folds the same.
    """
    keys = _keys(requests, range(len(requests)))
    tx.execute(_FORGET_FOREIGN, keys)
    bounds = {"starts": [request.period.start for request in requests], "ends": [request.period.end for request in requests]}
    tx.execute(_BEGIN, keys | bounds)
    locked = list({row.state_id: row for row in tx.execute(_LOCK, keys)}.values())
    if not locked:
        return
    # Whatever is settled in this snapshot is visible to the later ones of the statements below.
    watermark = locked[0].watermark
    for kind, own in _by_kind(requests, locked).items():
        until = {"watermark": watermark, "horizons": [row.horizon for row in own]}
        tx.execute(_FOLDS[kind], _arrays(requests, own) | until)
    states = [row.state_id for row in locked]
    tx.execute(_ADVANCE, {"watermark": watermark, "states": states, "horizons": [row.horizon for row in locked]})
    tx.execute(_FORGET_OLD, {"states": states, "most": _MOST_STATES})


def _by_kind(requests: Sequence[UsageRequest], rows: Iterable[Row]) -> dict[tuple[AggregationType, bool], list[Row]]:
    kinds: dict[tuple[AggregationType, bool], list[Row]] = {}
    for row in rows:
        request = requests[row.ordinal]
        kinds.setdefault((request.aggregation, is_detailed(request)), []).append(row)
    return kinds


def _keys(requests: Sequence[UsageRequest], places: Sequence[int]) -> dict[str, list[object]]:
    chosen = [requests[place] for place in places]
    return {
        "ordinals": list(places),
        "organizations": [request.organization_id for request in chosen],
        "subscriptions": [request.external_subscription_id for request in chosen],
        "codes": [request.code for request in chosen],
        "fingerprints": [fingerprint(request) for request in chosen],
    }


def _arrays(requests: Sequence[UsageRequest], rows: Sequence[Row]) -> dict[str, Any]:
    arrays = arrays_of(requests, [row.ordinal for row in rows])
    return arrays | {"streams": [row.stream_id for row in rows], "states": [row.state_id for row in rows]}
