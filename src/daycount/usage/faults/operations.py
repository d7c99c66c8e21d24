"""Noting faults while events are taken in, and telling of them after the hour."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid5

from daycount.infra.work import Work
from daycount.usage.faults import store
from daycount.usage.faults.records import EventsFaulty, Fault, FaultKind

REPORT: Final = "events.report_faults"
"""The kind of agenda entry by which the faults of an hour are told of; its lane is the organization, its subject the hour."""

_HOUR = timedelta(hours=1)
_AFTER = timedelta(minutes=5)
_MOST_TOLD = 10_000


def note_faults(work: Work, faults: Sequence[Fault]) -> None:
    """Note faults of events that are received now, to be told of five minutes after the hour."""
    if not faults:
        return
    hour = work.now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    store.insert(work.tx, faults, organization_id=work.organization_id, hour=hour)
    subject_id = uuid5(work.organization_id, hour.isoformat())
    work.agenda.put(REPORT, subject_id=subject_id, lane_id=work.organization_id, due_at=hour + _HOUR + _AFTER)


def report_faults(work: Work, due_at: datetime) -> None:
    """
    Tell of the faults of the hour that ended five minutes before `due_at`. The agenda calls it.

    Announces EventsFaulty, several times where there are very many. Source: Lago API, validation of events after the hour.
    """
    faults = store.take(work.tx, organization_id=work.organization_id, hour=due_at - _HOUR - _AFTER)
    for start in range(0, len(faults), _MOST_TOLD):
        told = faults[start : start + _MOST_TOLD]
        work.announce(EventsFaulty({kind: [fault.transaction_id for fault in told if fault.kind is kind] for kind in FaultKind}))
