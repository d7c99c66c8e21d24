"""
The billing run: from subscriptions that are due to stored invoices.

Load, compute, assemble, write: a constant number of statements for hundreds of subscriptions. The caller holds the
lanes of their customers and commits.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import structs

from daycount.customers import store as customers
from daycount.customers.vat.store import find_waiting
from daycount.engine.calendar import BilledBase, Occasion, billing_windows, next_billing_instant
from daycount.engine.invoice import NO_STEPS
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.advance.gathering import gather_paid_fees
from daycount.invoicing.compute import Computed, Subject, job_for, load_subjects
from daycount.invoicing.deadlines import set_deadlines
from daycount.invoicing.documents import Heading, held, invoice_of, is_issued, take_numbers
from daycount.invoicing.drafts import snapshot_of
from daycount.invoicing.last_instant import find_settled
from daycount.invoicing.lines import Names, fees_of, line_of, lone_fee_of
from daycount.invoicing.messages_life import FeesMade, InvoicesMade
from daycount.invoicing.money import assemble_fees
from daycount.invoicing.progressive.crediting import CLOSING, load_earlier
from daycount.invoicing.progressive.records import PROGRESSIVE
from daycount.invoicing.purse import load_purse
from daycount.invoicing.records import UNANNOUNCED_STATUSES, Bill, Documents, Fee, Invoice, InvoiceLine
from daycount.invoicing.recurring.pricing import compute_bills, compute_unit_changes
from daycount.periods import INSTANT_STEP, ONE_DAY
from daycount.subscriptions import schedule
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.records import Status, Subscription
from daycount.usage.port import EventStore

_CHARGED = ("finalized", "open")
"""Statuses in which coupons, credit notes and wallets are used."""
InvoiceKey = tuple[UUID, UUID, str, datetime, str | None, str | None, str, UUID | None]


def bill(work: Work, bills: Sequence[Bill], *, events: EventStore) -> list[Invoice]:
    """
    Put subscriptions on invoices and set their next periods. Returns the invoices made, closed ones included.

    Subscriptions of one customer share an invoice when billing entity, currency, instant, purchase order number and, for periods, payment
    method are the same and they consolidate. Locks customers, then subscriptions. A row that is no longer there to be billed
    is passed over. About fifteen statements whatever the number of bills.
    Source: Lago docs, invoicing; one periodic invoice for each boundary (database constraint).
    """
    ids = [item.subscription_id for item in bills]
    owners = subscriptions.find_customer_ids(work.tx, organization_id=work.organization_id, ids=ids)
    customers.lock_customers(work.tx, organization_id=work.organization_id, ids=owners)
    rows = {
        row.id: row
        for row in subscriptions.find_subscriptions(work.tx, organization_id=work.organization_id, ids=ids, lock=True)
        if row.started_at is not None
    }
    wanted = [item for item in bills if item.subscription_id in rows and _is_due(rows[item.subscription_id], item)]
    subjects = load_subjects(work, [rows[item.subscription_id] for item in wanted])
    jobs = [
        job_for(subject, occasion=item.occasion, at=item.at, closes_boundary=item.closes_boundary)
        for subject, item in zip(subjects, wanted, strict=True)
        if not _is_left_to_periodic(subject, item)
    ]
    computed = compute_bills(work, jobs, events=events)
    asked = {item.subscription_id: item for item in wanted}
    groups = list(_group([item for item in computed if _has_line(item)]).values())
    documents = make_documents(work, groups, bills=asked)
    alone = [lone_fee_of(work, item, draft) for item in computed for draft in item.lone_fees]
    store.insert(work.tx, documents._replace(fees=[*documents.fees, *alone]))
    made = [*documents.invoices, *gather_paid_fees(work, [item.job for item in computed])]
    set_deadlines(work, made)
    settled = find_settled(work, jobs, events=events)
    subscriptions.mark_billed(work.tx, marks=[_mark(item, settled) for item in computed])
    schedule.set_next_periods(work, [_next(item) for item in computed if item.job.occasion is Occasion.PERIODIC])
    work.announce(InvoicesMade(invoices=[row for row in made if row.status not in UNANNOUNCED_STATUSES]))
    if alone:
        work.announce(FeesMade(fees=alone))
    return made


def bill_unit_changes(work: Work, subscription_ids: Sequence[UUID], *, at: datetime) -> list[Invoice]:
    """
    Put units of fixed charges that are paid for in advance and changed in their period on invoices, one for each subscription.

    The caller holds the lanes. Locks customers, then subscriptions. What was billed by then is not billed again.
    """
    owners = subscriptions.find_customer_ids(work.tx, organization_id=work.organization_id, ids=subscription_ids)
    customers.lock_customers(work.tx, organization_id=work.organization_id, ids=owners)
    rows = subscriptions.find_subscriptions(work.tx, organization_id=work.organization_id, ids=subscription_ids, lock=True)
    subjects = load_subjects(work, [row for row in rows if row.status is Status.ACTIVE])
    documents = make_documents(work, [[item] for item in compute_unit_changes(work, subjects, at=at)], bills={})
    store.insert(work.tx, documents)
    set_deadlines(work, documents.invoices)
    work.announce(InvoicesMade(invoices=[row for row in documents.invoices if row.status not in UNANNOUNCED_STATUSES]))
    return list(documents.invoices)


def _is_due(row: Subscription, item: Bill) -> bool:
    """Tell whether the row is still in the state that the bill was meant for."""
    return (row.status is Status.TERMINATED) == (item.occasion is Occasion.TERMINATING)


def _is_left_to_periodic(subject: Subject, item: Bill) -> bool:
    """Tell whether a periodic invoice of the same instant carries the base fee: a trial that ends with a period."""
    if item.occasion is not Occasion.STARTING or next_billing_instant(subject.terms, after=item.at - INSTANT_STEP) != item.at:
        return False
    return billing_windows(subject.terms, occasion=Occasion.PERIODIC, at=item.at).base is not None


def _has_line(computed: Computed) -> bool:
    """Tell whether there is anything an invoice could speak of."""
    return computed.base is not None or computed.job.windows.charges is not None or bool(computed.recurring)


def _mark(computed: Computed, settled: Collection[UUID]) -> subscriptions.Mark:
    job = computed.job
    through = job.windows.charges.period.end if job.windows.charges is not None and job.occasion is not Occasion.STARTING else None
    if through is not None and job.subject.subscription.id in settled:
        through += INSTANT_STEP  # the instant of the end was billed too
    base = None
    if computed.base is not None:
        base = BilledBase(through=computed.base.window.period.end, next_day=computed.base.window.days.last + ONE_DAY)
    return subscriptions.Mark(job.subject.subscription.id, through, job.subject.zone.key, base)


def _next(computed: Computed) -> tuple[Any, Any, Any, datetime]:
    subject = computed.job.subject
    return subject.subscription, subject.plan, subject.zone, computed.job.at


def _group(computed: Sequence[Computed]) -> dict[InvoiceKey, list[Computed]]:
    groups: dict[InvoiceKey, list[Computed]] = {}
    for item in computed:
        row, plan = item.job.subject.subscription, item.job.subject.plan
        alone = None if row.consolidate_invoice else row.external_id  # the rows of one change of plan stay together
        # The two rows of a change of plan are one invoice, however each of them is paid.
        paid_by = (row.payment_method_type, row.payment_method_id) if item.job.occasion is Occasion.PERIODIC else ("", None)
        sender_id = row.billing_entity_id or item.job.subject.customer.entity.id
        key = (row.customer_id, sender_id, plan.amount_currency, item.job.at, row.purchase_order_number, alone, *paid_by)
        groups.setdefault(key, []).append(item)
    return groups


def make_documents(
    work: Work, groups: Sequence[Sequence[Computed]], *, bills: Mapping[UUID, Bill], invoice_type: str = "subscription"
) -> Documents:
    """
    Make an invoice of each group, which are subscriptions of one customer that share it; numbers go by instant and subscription.

    `bills` says by subscription what was asked for; a draft is computed again by it. What progressive invoices billed too much is
    given back first, so that an invoice that is final can use it.
    """
    ordered = sorted(groups, key=lambda group: (group[0].job.at, group[0].job.subject.subscription.id))
    headings = [structs.replace(_heading(group), invoice_type=invoice_type) for group in ordered]
    is_always = invoice_type == PROGRESSIVE
    waiting = find_waiting(work.tx, customer_ids=[heading.customer.id for heading in headings])
    statuses = [_status_of(group, heading, waiting) for heading, group in zip(headings, ordered, strict=True)]
    earlier = load_earlier(work, [item for group in ordered for item in group], occasions=(Occasion.USAGE,) if is_always else CLOSING)
    earlier.give_back(work, [group for heading, group in zip(headings, ordered, strict=True) if heading.grace_days == 0])
    numbers = take_numbers(work, [heading if status == "finalized" else None for heading, status in zip(headings, statuses, strict=True)])
    charged = [heading.customer.id for heading, status in zip(headings, statuses, strict=True) if status in _CHARGED]
    purse = load_purse(work, charged)
    invoices: list[Invoice] = []
    lines: list[InvoiceLine] = []
    fees: list[Fee] = []
    names = Names()
    for heading, group, number, status in zip(headings, ordered, numbers, statuses, strict=True):
        steps = purse.steps_for(heading.customer.id, currency=heading.currency) if status in _CHARGED else NO_STEPS
        assembled = assemble_fees(group, steps=structs.replace(steps, progressive=earlier.credits_of(group)))
        invoice = invoice_of(work, heading, assembled, number=number)
        if status == "open":
            invoice = structs.replace(invoice, status=status)
        elif status == "pending":
            invoice = held(invoice, heading.entity)
        purse.take(work, invoice, assembled)
        earlier.note(work, invoice, group)
        invoices.append(invoice)
        for item in group:
            snapshot = snapshot_of(item, bills[item.job.subject.subscription.id]) if invoice.status == "draft" else None
            lines.append(structs.replace(line_of(work, invoice, item), snapshot=snapshot))
        fees += fees_of(work, invoice, group, assembled, names=names)
    earlier.write(work)
    return Documents(invoices=purse.write(work, invoices), lines=lines, fees=fees)


def _heading(group: Sequence[Computed]) -> Heading:
    job = group[0].job
    return Heading(
        customer=job.subject.customer,
        sender=job.subject.sender,
        currency=job.subject.plan.amount_currency,
        at=job.at,
        purchase_order_number=job.subject.subscription.purchase_order_number,
        is_recurring=job.occasion is Occasion.PERIODIC,
        has_grace=job.occasion is not Occasion.USAGE and not _is_waiting(group),
    )


def _status_of(group: Sequence[Computed], heading: Heading, waiting: Collection[UUID]) -> str:
    """
    Return the status that an invoice begins with; `waiting` are customers whose taxes are not known yet.

    One that has to be paid first cannot wait for them.
    """
    if heading.grace_days:
        return "draft"
    if heading.invoice_type != PROGRESSIVE and not is_issued(group, heading):
        return "closed"
    if _is_waiting(group):
        return "open"
    return "pending" if heading.customer.id in waiting else "finalized"


def _is_waiting(group: Sequence[Computed]) -> bool:
    """Tell whether an invoice is for a row that has to be paid for before it is active."""
    return any(item.job.subject.subscription.status is Status.INCOMPLETE for item in group)


def gather_at_end(work: Work, item: Bill) -> list[Invoice]:
    """Gather the paid fees of a subscription that ends without a last invoice. The caller holds its lane."""
    rows = subscriptions.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[item.subscription_id])
    jobs = [
        job_for(subject, occasion=item.occasion, at=item.at, closes_boundary=item.closes_boundary) for subject in load_subjects(work, rows)
    ]
    made = gather_paid_fees(work, jobs)
    if made:
        work.announce(InvoicesMade(invoices=made))
    return made
