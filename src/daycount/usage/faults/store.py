"""All SQL about faults of events."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection

from daycount.infra.database import copy_rows
from daycount.usage.faults.records import Fault, FaultKind
from daycount.usage.faults.tables import event_faults

_COLUMNS = ("organization_id", "hour", "kind", "transaction_id", "code")
_TAKE = sa.text("""
with taken as (
    delete from event_faults where organization_id = :organization_id and hour = :hour returning id, kind, transaction_id, code
)
select t.kind, t.transaction_id, t.code from taken t
where t.kind <> 'invalid_code' or not exists (
    select 1 from billable_metrics m where m.organization_id = :organization_id and m.code = t.code
)
order by t.id
""")


def insert(tx: Connection, faults: Sequence[Fault], *, organization_id: UUID, hour: datetime) -> None:
    """Note faults of events that were received in an hour, with one COPY."""
    copy_rows(tx, event_faults, _COLUMNS, [[organization_id, hour, *fault] for fault in faults])


def take(tx: Connection, *, organization_id: UUID, hour: datetime) -> list[Fault]:
    """Take the faults of an hour out, in the order of their arrival; a code that any metric has, or ever had, is none."""
    found = tx.execute(_TAKE, {"organization_id": organization_id, "hour": hour})
    return [Fault(FaultKind(row.kind), row.transaction_id, row.code) for row in found]
