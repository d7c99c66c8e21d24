"""
Looking at usage after it grew: where it reached a threshold, what was used so far is billed at once.

One invoice for a subscription, whatever the number of thresholds; each level once in a lifetime of usage.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import structs

from daycount.catalog import store as catalog
from daycount.catalog.records import UsageThreshold
from daycount.customers import store as customers
from daycount.engine.calendar import Occasion
from daycount.engine.thresholds import Reached, Threshold, find_reached
from daycount.infra.work import Work
from daycount.invoicing import store as invoices
from daycount.invoicing.billing_run import make_documents
from daycount.invoicing.compute import Computed, Subject, compute, job_for, load_subjects
from daycount.invoicing.deadlines import set_deadlines
from daycount.invoicing.lifetime import Lifetime, load_lifetimes
from daycount.invoicing.messages import UsageThresholdReached
from daycount.invoicing.messages_life import InvoicesMade
from daycount.invoicing.progressive import store
from daycount.invoicing.progressive.records import PROGRESSIVE, ReachedThreshold
from daycount.invoicing.records import UNANNOUNCED_STATUSES
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.overrides import applicable_thresholds
from daycount.subscriptions.records import Status, Subscription
from daycount.usage.port import EventStore


class _Passed(NamedTuple):
    """A subscription whose usage reached thresholds."""

    computed: Computed
    lifetime: Lifetime
    total_cents: int
    reached: Sequence[tuple[UsageThreshold, Reached]]


def bill_reached(work: Work, customer_ids: Sequence[UUID], *, events: EventStore) -> None:
    """
    Bill the subscriptions of customers whose usage reached a threshold since it was billed last.

    The caller holds the customers' lanes. Announces InvoicesMade and UsageThresholdReached. A fixed number of statements.
    Source: Lago docs, progressive billing; a level that was reached is not reached again when its invoice is voided (decision).
    """
    rows = subscriptions.find_open_of(work.tx, organization_id=work.organization_id, customer_ids=customer_ids)
    open_rows = [row for row in rows if row.status is Status.ACTIVE and not row.progressive_billing_disabled]
    thresholds = find_thresholds(work, open_rows)
    watched = [row for row in open_rows if thresholds[row.id]]
    passed = _find_passed(work, load_subjects(work, watched), thresholds, events=events) if watched else []
    if not passed:
        return
    owners = [item.computed.job.subject.customer.id for item in passed]
    customers.find_customers(work.tx, organization_id=work.organization_id, ids=owners, lock=True)
    documents = make_documents(work, [[item.computed] for item in passed if item.computed.fees], bills={}, invoice_type=PROGRESSIVE)
    invoices.insert(work.tx, documents)
    invoice_of = {line.subscription_id: line.invoice_id for line in documents.lines}
    reached = [entry for item in passed for entry in _entries(work, item, invoice_of)]
    store.insert_reached(work.tx, reached)
    set_deadlines(work, documents.invoices)
    if documents.invoices:
        work.announce(InvoicesMade(invoices=[row for row in documents.invoices if row.status not in UNANNOUNCED_STATUSES]))
    for entry in reached:
        work.announce(UsageThresholdReached(reached=entry))


def find_thresholds(work: Work, rows: Sequence[Subscription]) -> dict[UUID, Sequence[UsageThreshold]]:
    """Return the thresholds that count for subscriptions, by the id of each. Some queries for all."""
    plans = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[row.plan_id for row in rows]) if rows else {}
    parent_ids = [plan.parent_id for plan in plans.values() if plan.parent_id is not None]
    parents = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=parent_ids) if parent_ids else {}
    found: dict[UUID, Sequence[UsageThreshold]] = {}
    for row in rows:
        plan = plans[row.plan_id]
        found[row.id] = applicable_thresholds(row, plan, None if plan.parent_id is None else parents[plan.parent_id])
    return found


def as_terms(thresholds: Sequence[UsageThreshold]) -> list[Threshold]:
    """Return thresholds as the engine sees them."""
    return [Threshold(item.id, item.amount_cents, item.recurring) for item in thresholds]


def _find_passed(
    work: Work, subjects: Sequence[Subject], thresholds: dict[UUID, Sequence[UsageThreshold]], *, events: EventStore
) -> list[_Passed]:
    computed = compute(work, [job_for(subject, occasion=Occasion.USAGE, at=work.now) for subject in subjects], events=events)
    lifetimes = load_lifetimes(work, [subject.subscription for subject in subjects])
    places = [
        (item.job.subject.subscription.id, item.job.windows.charges.period.start)
        for item in computed
        if item.job.windows.charges is not None
    ]
    billed = store.find_billed(work.tx, organization_id=work.organization_id, places=places)
    known = {
        (entry.lifetime_usage_id, entry.threshold_id, entry.level_cents)
        for entry in store.list_reached(
            work.tx, organization_id=work.organization_id, lifetime_usage_ids=[item.id for item in lifetimes.values()]
        )
    }
    passed = []
    for item in computed:
        row_id = item.job.subject.subscription.id
        lifetime, own = lifetimes[row_id], thresholds[row_id]
        before = billed[row_id][0].invoice.fees_amount_cents if row_id in billed else 0
        total = lifetime.settled_cents + _unbilled_cents(item)
        by_id = {threshold.id: threshold for threshold in own}
        found = find_reached(as_terms(own), before_cents=lifetime.settled_cents + before, total_cents=total)
        fresh = [
            (by_id[reached.threshold.id], reached)
            for reached in found
            if (lifetime.id, reached.threshold.id, reached.level_cents) not in known
        ]
        if fresh:
            passed.append(_Passed(_billable(item), lifetime, total, fresh))
    return passed


def _unbilled_cents(computed: Computed) -> int:
    """Return the usage of the running period; what was invoiced as it was paid for in advance is in the settled part already."""
    return sum(
        fee.amount_cents
        for usage in computed.charges
        if not (usage.charge.pay_in_advance and usage.charge.invoiceable)
        for fee in usage.fees
    )


def _billable(computed: Computed) -> Computed:
    """Return what a progressive invoice bills: usage in arrears that is invoiced."""
    charges = [usage for usage in computed.charges if usage.charge.invoiceable and not usage.charge.pay_in_advance]
    return structs.replace(computed, base=None, charges=charges, recurring=())


def _entries(work: Work, item: _Passed, invoice_of: dict[UUID, UUID]) -> list[ReachedThreshold]:
    row_id = item.computed.job.subject.subscription.id
    return [
        ReachedThreshold(
            organization_id=work.organization_id,
            lifetime_usage_id=item.lifetime.id,
            threshold_id=threshold.id,
            level_cents=reached.level_cents,
            subscription_id=row_id,
            invoice_id=invoice_of.get(row_id),
            lifetime_usage_amount_cents=item.total_cents,
            threshold=threshold,
            created_at=work.now,
        )
        for threshold, reached in item.reached
    ]
