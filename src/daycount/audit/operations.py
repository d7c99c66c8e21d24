"""Writing entries of logs, and how long they are kept."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from daycount.audit import store
from daycount.audit.records import Activity, ApiLog, Family
from daycount.infra.work import Work

_KEPT: Final = {Family.ACTIVITY: timedelta(days=30), Family.SECURITY: timedelta(days=90)}
"""For how long entries are shown. Source: Lago API, logs."""


class Happening(Struct, frozen=True, kw_only=True):
    """Something that is to be logged; what of it is a matter of course comes from the work."""

    activity_type: str
    resource_type: str
    resource_id: UUID
    object: Any = None
    changes: Any = None
    external_customer_id: str | None = None
    external_subscription_id: str | None = None
    family: Family = Family.ACTIVITY


def shown_since(now: datetime, family: Family = Family.ACTIVITY) -> datetime:
    """Return since when entries are shown at `now`: thirty days, of security ninety."""
    return now - _KEPT[family]


def log_happenings(work: Work, happenings: Sequence[Happening]) -> None:
    """Write what happened, in the transaction in which it happened. One insert for all."""
    entries = [
        Activity(
            id=work.new_id(),
            organization_id=work.organization_id,
            source=_source(work.actor),
            actor=work.actor,
            logged_at=work.now,
            **{name: getattr(item, name) for name in item.__struct_fields__},
        )
        for item in happenings
    ]
    store.insert_activities(work.tx, entries, kept_since=shown_since(work.now, Family.SECURITY))


def log_request(work: Work, entry: ApiLog) -> None:
    """Write a request, in the transaction of what it did."""
    store.insert_api_log(work.tx, entry, kept_since=shown_since(work.now))


def _source(actor: str) -> str:
    """Tell where something comes from: the API, a page, or time."""
    kind = actor.partition(":")[0]
    return {"api_key": "api", "user": "front"}.get(kind, "system")
