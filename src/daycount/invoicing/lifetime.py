"""
Lifetime usage: what the usage charges of a subscription came to since it began, through all changes of its plan.

Nothing is kept but what the customer used elsewhere before; the rest is worked out when asked, so that it is never stale.
"""

from uuid import UUID, uuid5

from msgspec import Struct

from daycount.engine.calendar import Occasion
from daycount.infra.work import Work
from daycount.invoicing import lifetime_store
from daycount.invoicing.compute import compute, job_for, load_subjects
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.records import Status, Subscription
from daycount.usage.port import EventStore


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
    chain = _chain(work, row)
    own_id = _id_of(chain)
    current = 0
    if row.status is Status.ACTIVE:
        job = job_for(load_subjects(work, [row])[0], occasion=Occasion.USAGE, at=work.now)
        [computed] = compute(work, [job], events=events)
        current = sum(fee.amount_cents for usage in computed.charges for fee in usage.fees)
    return LifetimeUsage(
        id=own_id,
        historical_amount_cents=lifetime_store.find_historical(work.tx, organization_id=work.organization_id, id=own_id),
        invoiced_amount_cents=lifetime_store.sum_invoiced_usage(
            work.tx, organization_id=work.organization_id, subscription_ids=[item.id for item in chain]
        ),
        current_amount_cents=current,
    )


def set_historical_usage(work: Work, row: Subscription, *, amount_cents: int) -> None:
    """Note what was used elsewhere before, in minor units, 0 or more."""
    lifetime_store.put_historical(
        work.tx, organization_id=work.organization_id, id=_id_of(_chain(work, row)), amount_cents=amount_cents, at=work.now
    )


def _chain(work: Work, row: Subscription) -> list[Subscription]:
    """Return the rows that count together, the first one first."""
    rows = subscriptions.find_rows(work.tx, organization_id=work.organization_id, external_id=row.external_id)
    mine = [
        item
        for item in rows
        if item.customer_id == row.customer_id and item.subscription_at == row.subscription_at and item.started_at is not None
    ]
    return sorted(mine, key=lambda item: (item.created_at, item.id))


def _id_of(chain: list[Subscription]) -> UUID:
    """Return the id of a lifetime usage: made from that of its first row, so that it stays through changes of plan."""
    return uuid5(chain[0].id, "lifetime_usage")
