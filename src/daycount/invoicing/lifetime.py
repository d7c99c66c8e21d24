"""
Lifetime usage: what the usage charges of a subscription came to since it began, through all changes of its plan.

Nothing is kept but what the customer used elsewhere before; the rest is worked out when asked, so that it is never stale.
"""

from collections.abc import Sequence
from uuid import UUID, uuid5

from msgspec import Struct, structs

from daycount.engine.calendar import Occasion
from daycount.infra.work import Work
from daycount.invoicing import lifetime_store
from daycount.invoicing.compute import Job, compute, job_for, load_subjects
from daycount.periods import Period
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.records import Status, Subscription
from daycount.usage.port import EventStore
from daycount.usage.prompt import CHECK_USAGE


class Lifetime(Struct, frozen=True, kw_only=True):
    """What of a lifetime of usage is settled, in minor units before taxes: from elsewhere, and of draft and finalized invoices."""

    id: UUID
    historical_amount_cents: int
    invoiced_amount_cents: int

    @property
    def settled_cents(self) -> int:
        """Return both together."""
        return self.historical_amount_cents + self.invoiced_amount_cents


class LifetimeUsage(Struct, frozen=True, kw_only=True):
    """Amounts in minor units, before taxes: from elsewhere, of draft and finalized invoices, and of the running period."""

    id: UUID
    historical_amount_cents: int
    invoiced_amount_cents: int
    current_amount_cents: int

    @property
    def total_cents(self) -> int:
        """Return all of it."""
        return self.historical_amount_cents + self.invoiced_amount_cents + self.current_amount_cents


def find_lifetime_usage(work: Work, row: Subscription, *, events: EventStore) -> LifetimeUsage:
    """
    Work out the lifetime usage of a started subscription.

    Rows of one external id and one `subscription_at` follow each other by changes of plan and count together. What has ended has
    no running period. Source: Lago docs, lifetime usage.
    """
    current = 0
    if row.status is Status.ACTIVE:
        job = job_for(load_subjects(work, [row])[0], occasion=Occasion.USAGE, at=work.now)
        [computed] = compute(work, [job], events=events)
        current = sum(fee.amount_cents for usage in computed.charges for fee in usage.fees)
    settled = load_lifetimes(work, [row])[row.id]
    return LifetimeUsage(
        id=settled.id,
        historical_amount_cents=settled.historical_amount_cents,
        invoiced_amount_cents=settled.invoiced_amount_cents,
        current_amount_cents=current,
    )


def load_lifetimes(work: Work, rows: Sequence[Subscription]) -> dict[UUID, Lifetime]:
    """Return what is settled of the lifetime usage of started subscriptions, by the id of each. Three queries."""
    if not rows:
        return {}
    chains = _chains(work, rows)
    ids = {row_id: _id_of(chain) for row_id, chain in chains.items()}
    historical = lifetime_store.find_historical(work.tx, organization_id=work.organization_id, ids=list(ids.values()))
    members = {item.id for chain in chains.values() for item in chain}
    invoiced = lifetime_store.sum_invoiced_usage(work.tx, organization_id=work.organization_id, subscription_ids=list(members))
    return {
        row_id: Lifetime(
            id=ids[row_id],
            historical_amount_cents=historical.get(ids[row_id], 0),
            invoiced_amount_cents=sum(invoiced.get(item.id, 0) for item in chain),
        )
        for row_id, chain in chains.items()
    }


def since_start(job: Job) -> Job:
    """Stretch the running window of a job back to the start of its subscription. What has no such window stays as it is."""
    started_at, window = job.subject.subscription.started_at, job.windows.charges
    if started_at is None or window is None:
        return job
    whole = Period(start=started_at, end=window.period.end)
    return structs.replace(job, windows=structs.replace(job.windows, charges=structs.replace(window, period=whole, full_period=whole)))


def set_historical_usage(work: Work, row: Subscription, *, amount_cents: int) -> None:
    """Note what was used elsewhere before, in minor units, 0 or more; thresholds are looked at again."""
    own_id = _id_of(_chains(work, [row])[row.id])
    lifetime_store.put_historical(work.tx, organization_id=work.organization_id, id=own_id, amount_cents=amount_cents, at=work.now)
    work.agenda.put(CHECK_USAGE, subject_id=work.new_id(), lane_id=row.customer_id, due_at=work.now)


def _chains(work: Work, rows: Sequence[Subscription]) -> dict[UUID, list[Subscription]]:
    """Return by row the rows that count together with it, the first one first."""
    names = {row.external_id for row in rows}
    found = subscriptions.find_rows_of(work.tx, organization_id=work.organization_id, external_ids=names)
    chains: dict[tuple[object, ...], list[Subscription]] = {}
    for item in sorted(found, key=lambda item: (item.created_at, item.id)):
        chains.setdefault(_chain_of(item), []).append(item)
    return {row.id: chains[_chain_of(row)] for row in rows}


def _chain_of(row: Subscription) -> tuple[object, ...]:
    return row.customer_id, row.external_id, row.subscription_at


def _id_of(chain: Sequence[Subscription]) -> UUID:
    """Return the id of a lifetime usage: made from that of its first row, so that it stays through changes of plan."""
    return uuid5(chain[0].id, "lifetime_usage")
