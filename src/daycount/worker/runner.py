"""
Running entries that are due: grouped by organization, instant and kind, in the order of ranks.

Of a kind that is about lanes, what waits in a lane until something else is due there is done with the first. A group that fails
is taken back and its lanes are run one by one; the lanes that still fail are parked with the reason, and the rest goes on.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from uuid import UUID

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

from daycount.infra import agenda
from daycount.infra.agenda import Entry
from daycount.infra.work import Workplace
from daycount.worker.schedule import Kind

_log = structlog.get_logger("worker")
ACTOR = "agenda"
_MOST_TOGETHER = 10_000


class Runner:
    """Runs agenda entries inside a transaction that the caller commits."""

    def __init__(self, workplace: Workplace, kinds: Mapping[str, Kind]) -> None:
        assert len({kind.rank for kind in kinds.values()}) == len(kinds), "entries of one instant are told apart by their ranks"
        self._workplace = workplace
        self._kinds = kinds

    def run(self, tx: Connection, entries: Sequence[Entry]) -> None:
        """Handle entries, then strike them off; lanes that cannot be handled are parked."""
        try:
            with tx.begin_nested():
                self._handle(tx, entries)
        except Exception as error:
            if _is_connection_lost(error):
                raise
            _log.warning("entries failed together; running their lanes one by one", entries=len(entries), error=repr(error))
            self._run_by_lane(tx, entries)

    def _run_by_lane(self, tx: Connection, entries: Sequence[Entry]) -> None:
        lanes: dict[UUID, list[Entry]] = {}
        for entry in entries:
            lanes.setdefault(entry.lane_id, []).append(entry)
        for lane_id, lane in lanes.items():
            try:
                with tx.begin_nested():
                    self._handle(tx, lane)
            except Exception as error:
                if _is_connection_lost(error):
                    raise
                _log.exception("lane parked", lane_id=str(lane_id), kinds=[entry.kind for entry in lane])
                agenda.park(tx, lane, at=max(entry.due_at for entry in lane), because=repr(error))

    def _handle(self, tx: Connection, entries: Sequence[Entry]) -> None:
        def place(entry: Entry) -> tuple[str, object, int]:
            return str(entry.organization_id), entry.due_at, self._kinds[entry.kind].rank

        for _, group in groupby(sorted(entries, key=place), key=place):
            same = list(group)
            first = same[0]
            work = self._workplace.work_on(
                tx, now=first.due_at, actor=ACTOR, organization_id=first.organization_id, is_sandbox=first.is_sandbox
            )
            kind = self._kinds[first.kind]
            if kind.is_about_lanes:
                lanes = list(dict.fromkeys(entry.lane_id for entry in same))
                later = agenda.claim_lanes(
                    tx, first.kind, organization_id=first.organization_id, lanes=lanes, most=_MOST_TOGETHER, in_turn=True
                )
                kind.handle(work, lanes, first.due_at)
                agenda.finish(tx, later)
            else:
                kind.handle(work, [entry.subject_id for entry in same], first.due_at)
        agenda.finish(tx, entries)


def _is_connection_lost(error: Exception) -> bool:
    """Tell whether the failure is the database's, so that nothing is known about the entries themselves."""
    return isinstance(error, OperationalError) or (isinstance(error, DBAPIError) and error.connection_invalidated)
