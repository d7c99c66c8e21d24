"""
The agenda: everything that time must cause is a row here, written in the same transaction as its cause.

A row says what (`kind`), for whom (`subject_id`), in which queue (`lane_id`) and when (`due_at`). Rows of one lane are
handled strictly in the order of their instants. This module knows no kind by name; which exist and who handles them
stands in `worker/schedule.py`. All SQL of the agenda is here.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import TIMESTAMP

from daycount.ids import NewId
from daycount.infra.database import metadata

agenda = sa.Table(
    "agenda",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("is_sandbox", sa.Boolean, nullable=False),
    sa.Column("lane_id", sa.Uuid, nullable=False, comment="rows of one lane run in order; a customer is a lane"),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject_id", sa.Uuid, nullable=False),
    sa.Column("due_at", TIMESTAMP(timezone=True), nullable=False),
    sa.Column("parked_at", TIMESTAMP(timezone=True), comment="set when its handler failed; nothing of the lane runs until it is retried"),
    sa.Column("parked_because", sa.Text),
    sa.UniqueConstraint("organization_id", "kind", "subject_id"),
    sa.Index("ix_agenda_live_due", "due_at", postgresql_where=sa.text("not is_sandbox and parked_at is null")),
    sa.Index("ix_agenda_organization_due", "organization_id", "due_at", postgresql_where=sa.text("parked_at is null")),
    sa.Index("ix_agenda_lane_due", "lane_id", "due_at"),
)


class Entry(NamedTuple):
    """One row that has come due; this transaction holds its lane."""

    id: UUID
    organization_id: UUID
    lane_id: UUID
    kind: str
    subject_id: UUID
    due_at: datetime
    is_sandbox: bool


class Agenda:
    """What an operation may do with the agenda of its own organization."""

    def __init__(self, tx: Connection, *, organization_id: UUID, is_sandbox: bool, new_id: NewId) -> None:
        self._tx = tx
        self._organization_id = organization_id
        self._is_sandbox = is_sandbox
        self._new_id = new_id

    def hold(self, lane_id: UUID) -> None:
        """
        Hold a lane until the transaction ends, so that nothing of it runs meanwhile.

        An operation takes it before it locks rows of the lane: everybody locks in the order lane, customer, subscription.
        """
        self.hold_all([lane_id])

    def hold_all(self, lane_ids: Collection[UUID]) -> None:
        """Hold lanes, in one order for everybody, as `hold` does."""
        self._tx.execute(_HOLD, {"lanes": list(lane_ids)})

    def put(self, kind: str, *, subject_id: UUID, lane_id: UUID, due_at: datetime) -> None:
        """Set the instant at which `kind` is due for the subject; an earlier setting is replaced."""
        self.put_many(kind, [(subject_id, lane_id, due_at)])

    def put_many(self, kind: str, dues: Sequence[tuple[UUID, UUID, datetime]]) -> None:
        """Do what `put` does for many (subject, lane, instant) at once, in one statement."""
        if not dues:
            return
        self._tx.execute(
            _PUT,
            {
                "organization_id": self._organization_id,
                "is_sandbox": self._is_sandbox,
                "kind": kind,
                "ids": [self._new_id() for _ in dues],
                "subjects": [subject for subject, _, _ in dues],
                "lanes": [lane for _, lane, _ in dues],
                "dues": [due for _, _, due in dues],
            },
        )

    def drop(self, *, subject_ids: Sequence[UUID]) -> None:
        """Take back everything that is due for the subjects."""
        self._tx.execute(_DROP, {"organization_id": self._organization_id, "subjects": list(subject_ids)})

    def drop_kind(self, kind: str, *, subject_id: UUID) -> None:
        """Take back one kind of what is due for the subject."""
        self._tx.execute(_DROP_KIND, {"organization_id": self._organization_id, "kind": kind, "subject": subject_id})

    def drop_kind_of(self, kind: str, *, subject_ids: Sequence[UUID]) -> list[UUID]:
        """Take back one kind of what is due for many subjects, in one statement; returns those for which there was any."""
        parameters = {"organization_id": self._organization_id, "kind": kind, "subjects": list(subject_ids)}
        return list(self._tx.execute(_DROP_KIND_OF, parameters).scalars())

    def find(self, kind: str, *, subject_id: UUID) -> datetime | None:
        """Return the instant at which `kind` is due for the subject, if it is."""
        found = self._tx.execute(_FIND, {"organization_id": self._organization_id, "kind": kind, "subject": subject_id})
        due: datetime | None = found.scalar_one_or_none()
        return due


_PUT = sa.text("""
insert into agenda (id, organization_id, is_sandbox, kind, subject_id, lane_id, due_at)
select i.id, :organization_id, :is_sandbox, :kind, i.subject_id, i.lane_id, i.due_at
from unnest(cast(:ids as uuid[]), cast(:subjects as uuid[]), cast(:lanes as uuid[]), cast(:dues as timestamptz[]))
     as i(id, subject_id, lane_id, due_at)
on conflict (organization_id, kind, subject_id)
do update set due_at = excluded.due_at, lane_id = excluded.lane_id, parked_at = null, parked_because = null
""")

_DROP_KIND = sa.text("delete from agenda where organization_id = :organization_id and kind = :kind and subject_id = :subject")
_DROP_KIND_OF = sa.text(
    "delete from agenda where organization_id = :organization_id and kind = :kind and subject_id = any(:subjects) returning subject_id"
)
_FIND = sa.text("select due_at from agenda where organization_id = :organization_id and kind = :kind and subject_id = :subject")
_DUES = sa.text(
    "select subject_id, kind, due_at from agenda where organization_id = :organization_id and subject_id = any(:subjects) order by id"
)
_DROP = sa.text("delete from agenda where organization_id = :organization_id and subject_id = any(:subjects)")

_LIVE_LANES = sa.text("""
select lane_id, due_at
from (
    select lane_id, min(due_at) as due_at
    from (
        select a.lane_id, a.due_at
        from agenda a
        where not a.is_sandbox and a.parked_at is null and a.due_at <= :until
          and not exists (select 1 from agenda p where p.lane_id = a.lane_id and p.parked_at is not null)
        order by a.due_at, a.id
        limit :scan
    ) as overdue
    group by lane_id
    order by 2, 1
    offset 0
) as earliest
where pg_try_advisory_xact_lock(hashtextextended(lane_id::text, 7))
limit :lanes
""")

_HOLD = sa.text("""
select pg_advisory_xact_lock(hashtextextended(lane_id::text, 7))
from (select unnest(cast(:lanes as uuid[])) as lane_id order by 1) as wanted
""")

_ORGANIZATION_LANES = sa.text("""
select a.lane_id, min(a.due_at) as due_at
from agenda a
where a.organization_id = :organization_id and a.parked_at is null and a.due_at = (
    select min(due_at) from agenda e
    where e.organization_id = :organization_id and e.parked_at is null and e.due_at <= :until
      and not exists (select 1 from agenda p where p.lane_id = e.lane_id and p.parked_at is not null)
)
  and not exists (select 1 from agenda p where p.lane_id = a.lane_id and p.parked_at is not null)
group by a.lane_id
order by 1
limit :lanes
""")

_ENTRIES = sa.text("""
select a.id, a.organization_id, a.lane_id, a.kind, a.subject_id, a.due_at, a.is_sandbox
from agenda a
join unnest(cast(:lanes as uuid[]), cast(:dues as timestamptz[])) as l(lane_id, due_at)
  on a.lane_id = l.lane_id and a.due_at = l.due_at
where a.parked_at is null
order by a.lane_id, a.due_at, a.id
""")

_LANE_ENTRIES = sa.text("""
select a.id, a.organization_id, a.lane_id, a.kind, a.subject_id, a.due_at, a.is_sandbox
from agenda a
where a.organization_id = :organization_id and a.kind = :kind and a.lane_id = any(cast(:lanes as uuid[]))
  and not exists (select 1 from agenda p where p.lane_id = a.lane_id and p.parked_at is not null)
  and not (:in_turn and exists (select 1 from agenda o where o.lane_id = a.lane_id and o.kind <> a.kind and o.due_at < a.due_at))
order by a.lane_id, a.due_at, a.id
limit :most
""")

_DONE = sa.text("""
delete from agenda a
using unnest(cast(:ids as uuid[]), cast(:dues as timestamptz[])) as d(id, due_at)
where a.id = d.id and a.due_at <= d.due_at
""")
_PARK = sa.text("update agenda set parked_at = :at, parked_because = :because where id = any(:ids)")
_WAITING = sa.text("""
select c.organization_id
from test_clocks c
where exists (
    select 1 from agenda a
    where a.organization_id = c.organization_id and a.parked_at is null and a.due_at <= coalesce(c.advancing_to, c.frozen_time)
      and not exists (select 1 from agenda p where p.lane_id = a.lane_id and p.parked_at is not null)
) or c.advancing_to is not null
order by 1
limit 100
for update of c skip locked
""")
_PARKED = sa.text("""
select kind, lane_id, subject_id, due_at, parked_at, parked_because
from agenda where organization_id = :organization_id and parked_at is not null
order by due_at, id limit 1000
""")
_RETRY = sa.text("""
update agenda set parked_at = null, parked_because = null
where organization_id = :organization_id and lane_id = :lane and parked_at is not null
""")
_BACKLOG = sa.text("""
select count(*) filter (where parked_at is null) as due, count(*) filter (where parked_at is not null) as parked, min(due_at) as oldest
from agenda where due_at <= :now and not is_sandbox
""")


def list_dues(tx: Connection, *, organization_id: UUID, subject_ids: Sequence[UUID]) -> dict[UUID, dict[str, datetime]]:
    """Return what is due for subjects and when, by subject and kind; parked entries included."""
    found: dict[UUID, dict[str, datetime]] = {}
    for row in tx.execute(_DUES, {"organization_id": organization_id, "subjects": list(subject_ids)}):
        found.setdefault(row.subject_id, {})[row.kind] = row.due_at
    return found


class Backlog(NamedTuple):
    """How far the live agenda is behind."""

    due: int
    parked: int
    oldest: datetime | None


def claim_live(tx: Connection, *, until: datetime, lanes: int) -> list[Entry]:
    """
    Hold at most `lanes` lanes of live organizations and return the earliest due entries of each.

    A lane that another worker or an operation holds, or that has a parked entry, is passed over. Three queries.
    """
    found = tx.execute(_LIVE_LANES, {"until": until, "lanes": lanes, "scan": lanes * 10}).all()
    return _entries(tx, found)


def claim_organization(tx: Connection, *, organization_id: UUID, until: datetime, lanes: int) -> list[Entry]:
    """
    Return what is due first in one sandbox organization: entries of one instant, of at most `lanes` lanes.

    The caller holds the organization's test clock, so nobody else runs its agenda.
    """
    found = tx.execute(_ORGANIZATION_LANES, {"organization_id": organization_id, "until": until, "lanes": lanes}).all()
    if found:
        tx.execute(_HOLD, {"lanes": [lane.lane_id for lane in found]})
    return _entries(tx, found)


def claim_lanes(
    tx: Connection, kind: str, *, organization_id: UUID, lanes: Sequence[UUID], most: int, in_turn: bool = False
) -> list[Entry]:
    """
    Hold lanes, waiting for whoever holds them, and return their entries of one kind.

    Whatever else is due there does not matter, unless they are to come `in_turn`: then one before which something of another kind
    is due is passed over. So is a lane with a parked entry. Two queries.
    """
    tx.execute(_HOLD, {"lanes": list(lanes)})
    parameters = {"organization_id": organization_id, "kind": kind, "lanes": list(lanes), "most": most, "in_turn": in_turn}
    rows = tx.execute(_LANE_ENTRIES, parameters)
    return [Entry(*row) for row in rows]


def _entries(tx: Connection, lanes: Sequence[sa.Row[tuple[UUID, datetime]]]) -> list[Entry]:
    if not lanes:
        return []
    rows = tx.execute(_ENTRIES, {"lanes": [lane.lane_id for lane in lanes], "dues": [lane.due_at for lane in lanes]})
    return [Entry(*row) for row in rows]


class Parked(NamedTuple):
    """An entry that was set aside with the reason; its lane stands still."""

    kind: str
    lane_id: UUID
    subject_id: UUID
    due_at: datetime
    parked_at: datetime
    because: str


def list_parked(tx: Connection, *, organization_id: UUID) -> list[Parked]:
    """Return the entries of an organization that are set aside, the earliest due first."""
    return [Parked(*row) for row in tx.execute(_PARKED, {"organization_id": organization_id})]


def retry(tx: Connection, *, organization_id: UUID, lane_id: UUID) -> None:
    """Let a lane run again from where it stopped."""
    tx.execute(_RETRY, {"organization_id": organization_id, "lane": lane_id})


def finish(tx: Connection, entries: Sequence[Entry]) -> None:
    """Remove entries that were handled, unless their handler set them to a later instant."""
    if entries:
        tx.execute(_DONE, {"ids": [entry.id for entry in entries], "dues": [entry.due_at for entry in entries]})


def park(tx: Connection, entries: Sequence[Entry], *, at: datetime, because: str) -> None:
    """Set entries aside with the reason; their lane stands still until somebody retries them."""
    tx.execute(_PARK, {"ids": [entry.id for entry in entries], "at": at, "because": because[:4000]})


def find_waiting_sandboxes(tx: Connection) -> list[UUID]:
    """Return sandbox organizations that have entries due on their own clock, or a move of it to finish."""
    return list(tx.execute(_WAITING).scalars())


def measure_backlog(tx: Connection, *, now: datetime) -> Backlog:
    """Tell how many live entries are overdue at `now`, how many are parked, and since when."""
    return Backlog(*tx.execute(_BACKLOG, {"now": now}).one())
