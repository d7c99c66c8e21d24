"""
Drafts: invoices that are computed again, as often as wanted, until they are finalized.

A draft keeps what its subscriptions were when it was made, so that it is always about the same windows: events that came
late and changed prices flow in, later periods do not.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from daycount.customers import store as customers
from daycount.customers.records import Customer
from daycount.customers.vat.store import find_waiting
from daycount.engine.calendar import Occasion
from daycount.engine.invoice import NO_STEPS
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.adjusting.records import key_of_fee
from daycount.invoicing.adjusting.store import list_adjusted
from daycount.invoicing.compute import Computed, Job, job_for, load_subjects
from daycount.invoicing.custom_sections import write_sections
from daycount.invoicing.deadlines import FINALIZE, set_deadlines
from daycount.invoicing.documents import Heading, Number, dates_of, find_senders, held, money_fields, take_numbers
from daycount.invoicing.lines import fees_of
from daycount.invoicing.messages_life import DraftsRebuilt, InvoicesFinalized
from daycount.invoicing.money import assemble_fees
from daycount.invoicing.progressive import store as progressive
from daycount.invoicing.progressive.crediting import Earlier, load_earlier
from daycount.invoicing.purse import Purse, load_purse
from daycount.invoicing.records import Bill, Fee, Invoice, InvoiceLine
from daycount.invoicing.recurring.pricing import compute_bills
from daycount.organizations.records import BillingEntity
from daycount.periods import local_date
from daycount.subscriptions.records import Subscription
from daycount.usage.port import EventStore


class _Snapshot(Struct, frozen=True, kw_only=True):
    subscription: Subscription
    occasion: Occasion
    closes_boundary: bool
    settled_until: datetime | None


def snapshot_of(computed: Computed, bill: Bill) -> dict[str, Any]:
    """Return what a line of a draft is computed from again, as plain data."""
    subject = computed.job.subject
    snapshot = _Snapshot(
        subscription=subject.subscription,
        occasion=bill.occasion,
        closes_boundary=bill.closes_boundary,
        settled_until=subject.settled_until,
    )
    return dict(msgspec.to_builtins(snapshot))


def refresh(work: Work, draft: Invoice, *, events: EventStore) -> Invoice:
    """
    Compute a draft again, locked by the caller, by the prices, taxes and events of now.

    Its windows, dates and the ids of fees that stay are kept; coupons and credits wait for its finalization.
    """
    return _refresh(work, [draft], events=events)[0]


def refresh_many(work: Work, invoice_ids: Sequence[UUID], *, events: EventStore) -> None:
    """Compute drafts again; what is no draft any more is passed over. Locks the invoices. The agenda calls it."""
    found = store.find_invoices(work.tx, organization_id=work.organization_id, ids=invoice_ids, lock=True)
    drafts = [row for row in found if row.status == "draft"]
    if drafts:
        _refresh(work, drafts, events=events)


def _refresh(work: Work, drafts: Sequence[Invoice], *, events: EventStore) -> list[Invoice]:
    computed = _compute(work, drafts, events=events)
    rebuilt = _rebuild(work, drafts, computed)
    computed.earlier.write(work)
    changed = [structs.replace(invoice, updated_at=work.now) for invoice, _ in rebuilt]
    store.update_invoices(work.tx, changed)
    _replace_fees(work, [row.id for row in drafts], [fee for _, fees in rebuilt for fee in fees], before=computed.stored)
    write_sections(work, changed)
    return changed


def finalize(work: Work, invoice_ids: Sequence[UUID], *, events: EventStore) -> list[Invoice]:
    """
    Finalize drafts: compute them again, apply what is taken off, give them numbers; a draft of nothing may be closed.

    Locks customers, then invoices; what is no draft is passed over. Announces InvoicesFinalized. A fixed number of statements.
    Source: Lago docs, grace period: it is issued on the day it is finalized, unless the anchor is to be kept.
    """
    seen = store.find_invoices(work.tx, organization_id=work.organization_id, ids=invoice_ids)
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[row.customer_id for row in seen], lock=True)
    drafts = [
        row
        for row in store.find_invoices(work.tx, organization_id=work.organization_id, ids=invoice_ids, lock=True)
        if row.status == "draft"
    ]
    waiting = find_waiting(work.tx, customer_ids=list(owners))
    _hold_back(work, [row for row in drafts if row.customer_id in waiting], owners, events=events)
    drafts = [row for row in drafts if row.customer_id not in waiting]
    if not drafts:
        return []
    computed = _compute(work, drafts, events=events)
    computed.earlier.give_back(work, list(computed.groups.values()))
    purse = load_purse(work, list(owners))
    rebuilt = _rebuild(work, drafts, computed, purse=purse)
    computed.earlier.write(work)
    paid = purse.write(work, [row for row, _ in rebuilt])
    rebuilt = [(row, fees) for row, (_, fees) in zip(paid, rebuilt, strict=True)]
    senders = find_senders(work, drafts, owners)
    headings = [heading_of(row, owners[row.customer_id], senders[row.billing_entity_id]) for row in drafts]
    issued = [
        any(fee.amount_cents for fee in fees) or heading.finalizes_zero_invoices
        for heading, (_, fees) in zip(headings, rebuilt, strict=True)
    ]
    numbers = take_numbers(work, [heading if is_wanted else None for heading, is_wanted in zip(headings, issued, strict=True)])
    final = [finalized(work, row, heading, number) for (row, _), heading, number in zip(rebuilt, headings, numbers, strict=True)]
    ids = [row.id for row in final]
    store.update_invoices(work.tx, final)
    _replace_fees(work, ids, [fee for _, fees in rebuilt for fee in fees], before=computed.stored)
    store.clear_snapshots(work.tx, invoice_ids=ids)
    for row in final:
        work.agenda.drop_kind(FINALIZE, subject_id=row.id)
    set_deadlines(work, final)
    work.announce(InvoicesFinalized(invoices=final))
    return final


def _replace_fees(work: Work, invoice_ids: Sequence[UUID], made: Sequence[Fee], *, before: Sequence[Fee]) -> None:
    """Write computed fees in the place of those before, and tell whose amount is another now. Announces DraftsRebuilt."""
    store.replace_fees(work.tx, invoice_ids=invoice_ids, made=made)
    amounts = {fee.id: fee.amount_cents for fee in before}
    moved = {fee.id: amounts[fee.id] for fee in made if fee.id in amounts and amounts[fee.id] != fee.amount_cents}
    if moved:
        work.announce(DraftsRebuilt(invoice_ids=invoice_ids, amounts_before=moved))


def _hold_back(work: Work, drafts: Sequence[Invoice], owners: Mapping[UUID, Customer], *, events: EventStore) -> None:
    """Let drafts whose grace is over wait, as they are now, until it is known which taxes their customers have."""
    if not drafts:
        return
    senders = find_senders(work, drafts, owners)
    waiting = [held(row, senders[row.billing_entity_id]) for row in _refresh(work, drafts, events=events)]
    store.update_invoices(work.tx, waiting)
    store.clear_snapshots(work.tx, invoice_ids=[row.id for row in waiting])
    work.agenda.drop(subject_ids=[row.id for row in waiting])


def move_dates(work: Work, customer: Customer) -> None:
    """Give the drafts of a customer the dates of its present settings; what is past its grace then is due at once."""
    drafts = store.list_drafts(work.tx, organization_id=work.organization_id, customer_id=customer.id)
    moved = []
    for row in drafts:
        heading = heading_of(row, customer, customer.entity)  # whoever issues it, dates are the customer's
        dates = dates_of(heading)
        moved.append(
            structs.replace(
                row,
                issuing_date=dates.issuing_date,
                payment_due_date=dates.payment_due_date,
                net_payment_term=customer.applicable_payment_term,
                expected_finalization_date=dates.expected_finalization_date or local_date(row.created_at, zone=customer.zone),
                updated_at=work.now,
            )
        )
    store.update_invoices(work.tx, moved)
    set_deadlines(work, moved)


def heading_of(row: Invoice, customer: Customer, sender: BillingEntity) -> Heading:
    """Return what a stored invoice says besides its fees."""
    return Heading(
        customer=customer,
        sender=sender,
        currency=row.currency,
        at=row.created_at,
        invoice_type=row.invoice_type,
        purchase_order_number=row.purchase_order_number,
        is_recurring=row.is_recurring,
        has_grace=True,
    )


def finalized(work: Work, row: Invoice, heading: Heading, number: Number | None) -> Invoice:
    """Return an invoice as it is from now on: final, dated today unless its date is to be kept; closed without a number."""
    customer = heading.customer
    is_kept = row.is_recurring and customer.keeps_issuing_date
    issuing_date = row.issuing_date if is_kept else local_date(work.now, zone=customer.zone)
    return structs.replace(
        row,
        status="closed" if number is None else "finalized",
        sequential_id=None if number is None else number.sequential_id,
        number="" if number is None else number.text,
        issuing_date=issuing_date,
        payment_due_date=issuing_date + timedelta(days=row.net_payment_term),
        finalized_at=None if number is None else work.now,
        updated_at=work.now,
    )


class _Computed(NamedTuple):
    """What stands on drafts now, by invoice, and what progressive invoices billed of it before."""

    groups: dict[UUID, list[Computed]]
    earlier: Earlier
    stored: Sequence[Fee]
    """The fees as they were until now."""


def _compute(work: Work, drafts: Sequence[Invoice], *, events: EventStore) -> _Computed:
    """Compute drafts again, all at once; what they took of progressive invoices is forgotten."""
    ids = [row.id for row in drafts]
    lines = store.list_lines(work.tx, organization_id=work.organization_id, invoice_ids=ids)
    found = list_adjusted(work.tx, organization_id=work.organization_id, invoice_ids=ids)
    by_hand = [{key: item.adjustment for (owner, key), item in found.items() if owner == line.invoice_id} for line in lines]
    computed = compute_bills(work, _jobs(work, lines), events=events, leaving_out=ids, adjusted=by_hand)
    groups: dict[UUID, list[Computed]] = {}
    for line, item in zip(lines, computed, strict=True):
        groups.setdefault(line.invoice_id, []).append(item)
    progressive.delete_credits(work.tx, invoice_ids=ids)
    stored = store.list_fees(work.tx, organization_id=work.organization_id, invoice_ids=ids)
    return _Computed(groups, load_earlier(work, computed, leaving_out=ids), stored)


def _rebuild(work: Work, drafts: Sequence[Invoice], computed: _Computed, *, purse: Purse | None = None) -> list[tuple[Invoice, list[Fee]]]:
    """Put computed drafts together, and use a purse where given. Their rows are given back changed; none is written."""
    known = {(fee.invoice_id, key_of_fee(fee)): fee.id for fee in computed.stored}
    return [_rebuilt(work, row, computed, purse, known) for row in drafts]


def _rebuilt(
    work: Work, row: Invoice, computed: _Computed, purse: Purse | None, known: Mapping[tuple[UUID | None, str], UUID]
) -> tuple[Invoice, list[Fee]]:
    group = computed.groups[row.id]
    steps = NO_STEPS if purse is None else purse.steps_for(row.customer_id, currency=row.currency, invoice_id=row.id)
    assembled = assemble_fees(group, steps=structs.replace(steps, progressive=computed.earlier.credits_of(group)))
    changed = structs.replace(row, **money_fields(work, assembled))
    computed.earlier.note(work, changed, group)
    if purse is not None:
        purse.take(work, changed, assembled)
    fees = fees_of(work, changed, group, assembled)
    ids: dict[UUID | None, UUID] = {fee.id: known.get((fee.invoice_id, key_of_fee(fee)), fee.id) for fee in fees}
    return changed, [
        structs.replace(
            fee,
            id=ids[fee.id],
            true_up_fee_id=ids.get(fee.true_up_fee_id),
            true_up_parent_fee_id=ids.get(fee.true_up_parent_fee_id),
        )
        for fee in fees
    ]


def _jobs(work: Work, lines: Sequence[InvoiceLine]) -> list[Job]:
    snapshots = [msgspec.convert(line.snapshot, _Snapshot) for line in lines]
    subjects = load_subjects(work, [snapshot.subscription for snapshot in snapshots])
    return [
        job_for(
            structs.replace(subject, settled_until=snapshot.settled_until),
            occasion=snapshot.occasion,
            at=line.billed_at,
            closes_boundary=snapshot.closes_boundary,
        )
        for line, snapshot, subject in zip(lines, snapshots, subjects, strict=True)
    ]
