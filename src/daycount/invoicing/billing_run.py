"""
The billing run: from subscriptions that are due to stored invoices.

Load, compute, assemble, write: a constant number of statements for hundreds of subscriptions. The caller holds the
lanes of their customers and commits.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib.metadata import version
from itertools import chain
from typing import Any
from uuid import UUID

from daycount.customers import store as customers
from daycount.customers.records import Customer
from daycount.engine.calendar import BilledBase, Occasion, Window, billing_windows, next_billing_instant, plan_window
from daycount.engine.fees import FeeDraft
from daycount.engine.invoice import assemble
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.compute import Computed, Subject, compute, job_for, load_subjects
from daycount.invoicing.records import REASONS, Bill, Documents, Fee, Invoice, InvoiceLine
from daycount.periods import INSTANT_STEP, ONE_DAY, local_date, shown_end, start_of_day
from daycount.subscriptions import schedule
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.records import Status, Subscription
from daycount.usage.port import EventStore

TZ_VERSION = version("tzdata")

InvoiceKey = tuple[UUID, str, datetime, str | None, str | None]


def bill(work: Work, bills: Sequence[Bill], *, events: EventStore) -> list[Invoice]:
    """
    Put subscriptions on invoices and set their next periods. Returns the invoices made, closed ones included.

    Subscriptions of one customer share an invoice when currency, instant and purchase order number are the same and they
    consolidate. Locks customers, then subscriptions. A row that is no longer there to be billed is passed over. About
    fifteen statements whatever the number of bills.
    Source: Lago docs, invoicing; one periodic invoice for each boundary (database constraint).
    """
    found = subscriptions.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[item.subscription_id for item in bills])
    customers.find_customers(work.tx, organization_id=work.organization_id, ids=[row.customer_id for row in found], lock=True)
    rows = {
        row.id: row
        for row in subscriptions.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[row.id for row in found], lock=True)
        if row.started_at is not None
    }
    wanted = [item for item in bills if item.subscription_id in rows and _is_due(rows[item.subscription_id], item)]
    subjects = load_subjects(work, [rows[item.subscription_id] for item in wanted])
    jobs = [
        job_for(subject, occasion=item.occasion, at=item.at, closes_boundary=item.closes_boundary)
        for subject, item in zip(subjects, wanted, strict=True)
        if not _is_left_to_periodic(subject, item)
    ]
    computed = compute(work, jobs, events=events)
    documents = _documents(work, [item for item in computed if _has_line(item)])
    store.insert(work.tx, documents)
    subscriptions.mark_billed(work.tx, marks=[_mark(item) for item in computed])
    schedule.set_next_periods(work, [_next(item) for item in computed if item.job.occasion is Occasion.PERIODIC])
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
    return computed.base is not None or computed.job.windows.charges is not None


def _mark(computed: Computed) -> subscriptions.Mark:
    job = computed.job
    through = job.windows.charges.period.end if job.windows.charges is not None and job.occasion is not Occasion.STARTING else None
    if through is not None and job.occasion is Occasion.TERMINATING and not job.subject.subscription.has_successor:
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
        key = (row.customer_id, plan.amount_currency, item.job.at, row.purchase_order_number, alone)
        groups.setdefault(key, []).append(item)
    return groups


def _documents(work: Work, computed: Sequence[Computed]) -> Documents:
    groups = _group(computed)
    numbered = {
        key: any(fee.amount_cents for item in group for fee in item.fees) or _customer(group).finalizes_zero_invoices
        for key, group in groups.items()
    }
    counts: dict[UUID, int] = {}
    for key, is_numbered in numbered.items():
        if is_numbered:
            counts[key[0]] = counts.get(key[0], 0) + 1
    last_numbers = customers.take_invoice_numbers(work.tx, counts=counts) if counts else {}
    invoices: list[Invoice] = []
    lines: list[InvoiceLine] = []
    fees: list[Fee] = []
    for key, group in sorted(groups.items(), key=lambda entry: (entry[0][2], entry[1][0].job.subject.subscription.id)):
        number = None
        if numbered[key]:
            last_numbers[key[0]] += 1
            number = last_numbers[key[0]]
        invoice = _invoice(work, group, number)
        invoices.append(invoice)
        for item in group:
            lines.append(_line(work, invoice, item))
            first = len(fees)
            fees += [_fee(work, invoice, item, draft, position) for position, draft in enumerate(item.fees, first)]
    return Documents(invoices=invoices, lines=lines, fees=fees)


def _customer(group: Sequence[Computed]) -> Customer:
    return group[0].job.subject.customer


def _invoice(work: Work, group: Sequence[Computed], number: int | None) -> Invoice:
    job, customer = group[0].job, _customer(group)
    totals = assemble([fee for item in group for fee in item.fees])
    issuing_date = _issuing_date(job.at, customer, is_recurring=job.occasion is Occasion.PERIODIC)
    term = customer.applicable_payment_term
    prefix = customer.entity.document_number_prefix
    return Invoice(
        id=work.new_id(),
        organization_id=work.organization_id,
        customer_id=customer.id,
        billing_entity_id=customer.entity.id,
        sequential_id=number,
        number=f"{prefix}-{customer.sequential_id:03}-{number:03}" if number is not None else "",
        purchase_order_number=job.subject.subscription.purchase_order_number,
        issuing_date=issuing_date,
        payment_due_date=issuing_date + timedelta(days=term),
        net_payment_term=term,
        invoice_type="subscription",
        status="finalized" if number is not None else "closed",
        payment_status="pending" if totals.total else "succeeded",
        currency=job.subject.plan.amount_currency,
        zone=customer.applicable_timezone,
        tz_version=TZ_VERSION,
        fees_amount_cents=totals.fees,
        progressive_billing_credit_amount_cents=totals.progressive_billing_credit,
        coupons_amount_cents=totals.coupons,
        sub_total_excluding_taxes_amount_cents=totals.sub_total_excluding_taxes,
        taxes_amount_cents=totals.taxes,
        sub_total_including_taxes_amount_cents=totals.sub_total_including_taxes,
        credit_notes_amount_cents=totals.credit_notes,
        prepaid_credit_amount_cents=totals.prepaid_credit,
        total_amount_cents=totals.total,
        total_paid_amount_cents=0,
        finalized_at=job.at if number is not None else None,
        created_at=job.at,
        updated_at=job.at,
    )


def _issuing_date(at: datetime, customer: Customer, *, is_recurring: bool) -> Any:
    """Return the local date of the billing instant; a periodic invoice may be anchored at the day before."""
    day = local_date(at, zone=customer.zone)
    is_before = customer.billing_configuration.get("subscription_invoice_issuing_date_anchor") == "current_period_end"
    return day - timedelta(days=1) if is_recurring and is_before else day


def _line(work: Work, invoice: Invoice, computed: Computed) -> InvoiceLine:
    job = computed.job
    shown_from, shown_to = _shown_base(computed)
    charges = job.windows.charges
    return InvoiceLine(
        id=work.new_id(),
        organization_id=work.organization_id,
        invoice_id=invoice.id,
        subscription_id=job.subject.subscription.id,
        plan_id=job.subject.plan.id,
        invoicing_reason=REASONS[job.occasion],
        billed_at=job.at,
        base_from=job.windows.base.period.start if computed.base is not None and job.windows.base is not None else None,
        charges_from=job.windows.charges.period.start if job.windows.charges is not None else None,
        shown_from=shown_from,
        shown_to=shown_to,
        shown_charges_from=charges.period.start if charges is not None else shown_from,
        shown_charges_to=_shown_end(charges) if charges is not None else shown_to,
    )


def _shown_base(computed: Computed) -> tuple[datetime, datetime]:
    """
    Return the window of the base fee as it is shown, also where no base fee is billed.

    That is the period of the plan the fee is or would be for: in arrears the closed one, which before the first fee is
    nothing but the start itself, from its midnight on. An ended plan in advance shows its last period.
    """
    job, terms = computed.job, computed.job.subject.terms
    shown = job.windows.base
    if shown is None and job.occasion is Occasion.TERMINATING:
        assert job.windows.charges is not None
        shown = plan_window(terms, at=job.windows.charges.period.start)
    elif shown is None:
        shown = plan_window(terms, at=job.at)
        if shown is not None and not terms.is_pay_in_advance:
            closed = plan_window(terms, at=shown.period.start - INSTANT_STEP)
            shown = closed if closed is not None and closed.period.start < shown.period.start else None
    if shown is None:
        return start_of_day(local_date(terms.started_at, zone=terms.zone), zone=terms.zone), terms.started_at.replace(microsecond=0)
    return shown.period.start, _shown_end(shown)


def _shown_end(window: Window) -> datetime:
    return shown_end(window.period.end, is_cut=window.is_cut)


def _fee(work: Work, invoice: Invoice, computed: Computed, draft: FeeDraft, position: int) -> Fee:
    return Fee(
        id=work.new_id(),
        organization_id=work.organization_id,
        invoice_id=invoice.id,
        subscription_id=draft.subscription_id,
        charge_id=draft.charge_id,
        charge_filter_id=draft.bucket.filter_id,
        grouped_by=draft.grouped_by,
        position=position,
        fee_type=draft.fee_type,
        item=_item(computed, draft),
        currency=invoice.currency,
        units=draft.units,
        total_aggregated_units=draft.total_aggregated_units,
        events_count=draft.events_count,
        amount_cents=draft.amount_cents,
        precise_amount_cents=draft.precise_amount_cents,
        precise_unit_amount=draft.precise_unit_amount,
        taxes_amount_cents=0,
        amount_details=draft.amount_details,
        shown_from=draft.window.period.start,
        shown_to=_shown_end(draft.window),
        pay_in_advance=draft.charge_id is None and computed.job.subject.plan.pay_in_advance,
        payment_status=invoice.payment_status,
        derivation=draft.derivation,
        created_at=invoice.created_at,
    )


def _item(computed: Computed, draft: FeeDraft) -> dict[str, Any]:
    """Write down what was billed, as it is called now."""
    subject = computed.job.subject
    if draft.charge_id is None:
        plan = subject.plan
        shown = subject.subscription.name or plan.invoice_display_name or plan.name
        return {
            "type": "subscription",
            "code": plan.code,
            "name": plan.name,
            "description": plan.description,
            "invoice_display_name": shown,
            "lago_item_id": str(subject.subscription.id),
            "item_type": "Subscription",
            "filters": None,
            "filter_invoice_display_name": None,
        }
    charge = next(usage.charge for usage in computed.charges if usage.charge.id == draft.charge_id)
    metric = charge.metric
    shown = charge.invoice_display_name or metric.name
    own = next((item for item in charge.filters if item.id == draft.bucket.filter_id), None)
    return {
        "type": "charge",
        "code": metric.code,
        "name": metric.name,
        "description": metric.description,
        "invoice_display_name": shown,
        "lago_item_id": str(metric.id),
        "item_type": "BillableMetric",
        "filters": None if own is None else {key: list(values) for key, values in own.values.items()},
        "filter_invoice_display_name": None
        if own is None
        else own.invoice_display_name or ", ".join(chain.from_iterable(own.values.values())),
    }
