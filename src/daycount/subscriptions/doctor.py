"""
A check of the agenda: every open subscription has the entries that its dates ask for, and no others.

What is expected comes from the functions that write the entries (`schedule`), from the rows as they are now. Nothing is
mended here: an entry that is off is a defect of whoever changed the row.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from daycount.catalog import store as catalog
from daycount.catalog.records import Plan
from daycount.customers import store as customers
from daycount.infra.agenda import list_dues
from daycount.subscriptions import schedule, store
from daycount.subscriptions.records import Status, Subscription, trial_end_of

_PAGE = 500


class Stale(NamedTuple):
    """An entry that is missing (`due_at` None), not wanted (`expected_at` None), or set to another instant than it should be."""

    subscription: Subscription
    kind: str
    due_at: datetime | None
    expected_at: datetime | None


def find_stale(tx: Connection, *, organization_id: UUID) -> Iterator[Stale]:
    """
    Go through the open subscriptions of an organization and yield what is off in the agenda.

    An end or a cancellation that was set for now, as deletions do, is not off. Six queries for each 500 rows.
    """
    after: UUID | None = None
    while rows := store.list_open_page(tx, organization_id=organization_id, after=after, limit=_PAGE):
        after = rows[-1].id
        expected = _expected(tx, organization_id, rows)
        found = list_dues(tx, organization_id=organization_id, subject_ids=[row.id for row in rows])
        for row in rows:
            yield from _compare(row, expected[row.id], found.get(row.id, {}))


def _compare(row: Subscription, expected: Mapping[str, datetime], found: Mapping[str, datetime]) -> Iterator[Stale]:
    if {schedule.END, schedule.CANCEL} & (found.keys() - expected.keys()):
        return  # it is about to end
    for kind in sorted((expected.keys() | found.keys()) - {schedule.END_NEAR}):
        due_at, expected_at = found.get(kind), expected.get(kind)
        is_ended_early = kind == schedule.END and due_at is not None and expected_at is not None and due_at < expected_at
        if due_at != expected_at and not is_ended_early:
            yield Stale(row, kind, due_at, expected_at)


def _expected(tx: Connection, organization_id: UUID, rows: Sequence[Subscription]) -> dict[UUID, dict[str, datetime]]:
    before = {
        row.id: row
        for row in store.find_subscriptions(tx, organization_id=organization_id, ids=[row.previous_id for row in rows if row.previous_id])
    }
    plans = catalog.find_plans(tx, organization_id=organization_id, ids=[row.plan_id for row in (*rows, *before.values())])
    owners = customers.find_customers(tx, organization_id=organization_id, ids=[row.customer_id for row in rows])
    pairs = [(row.customer_id, row.external_id) for row in rows]
    histories = store.find_histories(tx, organization_id=organization_id, pairs=pairs)
    expected: dict[UUID, dict[str, datetime]] = {}
    for row in rows:
        plan, zone = plans[row.plan_id], owners[row.customer_id].zone
        if row.status is Status.ACTIVE:
            dues = schedule.dues_of(row, plan=plan, zone=zone, after=schedule.settled_until(row))
            history = histories[row.customer_id, row.external_id]
            expected[row.id] = dues | _trial(row, plan=plan, first_started_at=history.first_started_at)
        elif row.previous_id is not None:
            current = before[row.previous_id]
            due = schedule.switch_due(current, plan=plans[current.plan_id], zone=zone, after=schedule.settled_until(current))
            expected[row.id] = {schedule.SWITCH: due}
        else:
            expected[row.id] = schedule.dues_of(row, plan=plan, zone=zone, after=row.subscription_at)
    return expected


def _trial(row: Subscription, *, plan: Plan, first_started_at: datetime) -> dict[str, datetime]:
    end = trial_end_of(plan=plan, first_started_at=first_started_at)
    is_open = end is not None and row.trial_ended_at is None and row.activated_at is not None and end > row.activated_at
    return {schedule.TRIAL_END: end} if is_open and end is not None else {}
