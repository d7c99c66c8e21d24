"""
Fixed charges and minimum commitments on invoices: what of them each job bills.

Loads units and fees made before with a constant number of statements, hands them to the engine, and puts changes of units that
are paid for in advance on an invoice of their own.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from msgspec import Struct, structs

from daycount.catalog.fixed_charges.records import FixedCharge
from daycount.engine.adjustments import Adjustment
from daycount.engine.calendar import Occasion, Window, billing_windows, plan_window
from daycount.engine.commitment import commitment_fee
from daycount.engine.fees import FeeDraft
from daycount.engine.fixed_charges import (
    FixedTerms,
    UnitEvent,
    change_fee,
    fixed_charge_fee,
    paid_share,
    units_before,
    units_in_advance,
    units_in_arrears,
)
from daycount.infra.work import Work
from daycount.invoicing.adjusting.applying import adjust_computed
from daycount.invoicing.compute import Computed, Job, Subject, compute, job_for
from daycount.invoicing.presentation import with_breakdowns
from daycount.invoicing.recurring.store import PaidFee, Span, find_paid_fixed_fees, sum_fees
from daycount.money import exact_sum
from daycount.periods import INSTANT_STEP, Period, local_date
from daycount.subscriptions.fixed_units import store as fixed_units
from daycount.usage.port import EventStore


class FixedUsage(Struct, frozen=True, kw_only=True):
    """The units of fixed charges by (subscription, fixed charge), and the fees in advance made for them by subscription."""

    units: Mapping[tuple[UUID, UUID], Sequence[UnitEvent]]
    paid: Mapping[UUID, Sequence[PaidFee]]


def compute_bills(
    work: Work,
    jobs: Sequence[Job],
    *,
    events: EventStore,
    leaving_out: Sequence[UUID] = (),
    adjusted: Sequence[Mapping[str, Adjustment]] = (),
) -> list[Computed]:
    """
    Price jobs whole, as invoices bill them: base fees and usage, fixed charges, and what is missing to commitments.

    Fees of the invoices `leaving_out`, which are computed again, do not count as made before; `adjusted` holds what was changed of
    their fees by hand, job by job. At most three statements more
    than `compute`, whatever the number of jobs.
    """
    priced = with_breakdowns(work, compute(work, jobs, events=events), events=events)
    usage = load_fixed_usage(work, [job.subject for job in jobs], leaving_out=leaving_out)
    whole = [structs.replace(item, recurring=fixed_drafts(item.job, usage)) for item in priced]
    if adjusted:
        whole = [adjust_computed(item, found) for item, found in zip(whole, adjusted, strict=True)]
    missing = commitment_drafts(work, jobs, [item.fees for item in whole], leaving_out=leaving_out)
    return [
        item if draft is None else structs.replace(item, recurring=[*item.recurring, draft])
        for item, draft in zip(whole, missing, strict=True)
    ]


def load_fixed_usage(work: Work, subjects: Sequence[Subject], *, leaving_out: Sequence[UUID] = ()) -> FixedUsage:
    """Load what fixed charges are billed by. Nothing is asked where no plan has any, else two queries."""
    with_any = [subject for subject in subjects if subject.plan.fixed_charges]
    if not with_any:
        return FixedUsage(units={}, paid={})
    ids = [subject.subscription.id for subject in with_any]
    before = [subject.subscription.previous_id for subject in with_any if subject.subscription.previous_id is not None]
    found = fixed_units.find_units(work.tx, subscription_ids=ids)
    paid = find_paid_fixed_fees(work.tx, organization_id=work.organization_id, subscription_ids=[*ids, *before], leaving_out=leaving_out)
    return FixedUsage(units={key: [UnitEvent(item.units, item.effective_at) for item in own] for key, own in found.items()}, paid=paid)


def fixed_drafts(job: Job, usage: FixedUsage) -> list[FeeDraft]:
    """Return the fees of the job's fixed charges: those of the closed window in arrears, then those of the coming one in advance."""
    if not job.subject.plan.fixed_charges:
        return []
    drafts: list[FeeDraft] = []
    closed = job.windows.fixed_charges
    if closed is not None and job.occasion in (Occasion.PERIODIC, Occasion.TERMINATING):
        for item in job.subject.plan.fixed_charges:
            draft = None if item.pay_in_advance else _in_arrears(job.subject, item, usage, closed)
            if draft is not None:
                drafts.append(draft)
    if job.occasion is Occasion.STARTING or (job.occasion is Occasion.PERIODIC and closed is not None):
        coming = running_window(job.subject, at=job.at)
        for item in job.subject.plan.fixed_charges:
            draft = _in_advance(job, item, usage, coming) if item.pay_in_advance and coming is not None else None
            if draft is not None:
                drafts.append(draft)
    return [draft for draft in drafts if not draft.is_empty]


def running_window(subject: Subject, *, at: datetime) -> Window | None:
    """Return the period of fixed charges that runs at an instant."""
    return billing_windows(subject.terms, occasion=Occasion.USAGE, at=at).fixed_charges


def _in_arrears(subject: Subject, item: FixedCharge, usage: FixedUsage, window: Window) -> FeeDraft | None:
    events = usage.units.get((subject.subscription.id, item.id), [])
    billed = units_in_arrears(events, window=window, zone=subject.zone, is_prorated=item.prorated)
    if billed is None:
        return None
    return fixed_charge_fee(fixed_terms(subject, item), billed=billed, window=window, zone=subject.zone, currency=subject.currency)


def _in_advance(job: Job, item: FixedCharge, usage: FixedUsage, window: Window) -> FeeDraft | None:
    """Price the coming period, unless that was done before."""
    subject = job.subject
    row = subject.subscription
    paid = usage.paid.get(row.id, ())
    if any(_is_for(fee, item) and fee.period_start == window.period.start and fee.amount_cents for fee in paid):
        return None
    units = units_before(usage.units.get((row.id, item.id), []), end=max(job.at, window.period.start) + INSTANT_STEP)
    if units is None:
        return None
    billed = units_in_advance(units, window=window, first_day=window.days.first, is_prorated=item.prorated)
    return fixed_charge_fee(
        fixed_terms(subject, item),
        billed=billed,
        window=window,
        zone=subject.zone,
        currency=subject.currency,
        deduction=_deduction(job, item, usage),
    )


def _is_for(fee: PaidFee, item: FixedCharge) -> bool:
    """Tell whether a fee was made for a fixed charge, or for the one that it overrides by now."""
    return fee.fixed_charge_id in (item.id, item.parent_id)


def _deduction(job: Job, item: FixedCharge, usage: FixedUsage) -> Fraction:
    """Return, in major units, what the plan before an upgrade was paid for the same add-on and the days that remain."""
    subject = job.subject
    previous_id = subject.subscription.previous_id
    if job.occasion is not Occasion.STARTING or previous_id is None or not item.prorated:
        return Fraction(0)
    today = local_date(job.at, zone=subject.zone)
    shares = [
        paid_share(amount_cents=fee.amount_cents, first_day=fee.first_day, last_day=fee.last_day, from_day=today)
        for fee in usage.paid.get(previous_id, ())
        if fee.add_on_id == item.add_on.id
    ]
    return sum(shares, Fraction(0)) / subject.currency.subunits


def change_drafts(job: Job, usage: FixedUsage, *, changed: set[UUID]) -> list[FeeDraft]:
    """Return the fees of units that changed in a period paid for in advance; also those of nothing, which document a change."""
    subject = job.subject
    window = running_window(subject, at=job.at)
    if window is None:
        return []
    drafts = []
    today: date = local_date(job.at, zone=subject.zone)
    for item in subject.plan.fixed_charges:
        if item.id not in changed or not item.pay_in_advance:
            continue
        own = [fee for fee in usage.paid.get(subject.subscription.id, ()) if _is_for(fee, item)]
        paid = exact_sum(fee.units for fee in own if fee.period_start == window.period.start)
        units = units_before(usage.units.get((subject.subscription.id, item.id), []), end=job.at + INSTANT_STEP) or Decimal(0)
        drafts.append(
            change_fee(
                fixed_terms(subject, item),
                paid=paid,
                units=units,
                window=window,
                today=today,
                zone=subject.zone,
                currency=subject.currency,
            )
        )
    return drafts


def fixed_terms(subject: Subject, item: FixedCharge) -> FixedTerms:
    """Return what a fixed charge's fee is priced by."""
    return FixedTerms(
        fixed_charge_id=item.id,
        subscription_id=subject.subscription.id,
        charge_model=item.charge_model,
        properties=item.properties,
        is_prorated=item.prorated,
        shown={"code": item.code, "add_on_code": item.add_on.code, "name": item.shown_name, "pay_in_advance": item.pay_in_advance},
    )


def commitment_window(job: Job) -> Window | None:
    """
    Return the period of the plan that a job reconciles with its commitment; None where it does none.

    In arrears that is the period the invoice closes, in advance the one before the period it opens; a termination closes its
    own. The trial plays no part.
    """
    subject = job.subject
    if subject.plan.minimum_commitment is None or job.occasion not in (Occasion.PERIODIC, Occasion.TERMINATING):
        return None
    base = job.windows.base
    if job.occasion is Occasion.PERIODIC:
        if base is None or not subject.terms.is_pay_in_advance:
            return base
        opened = (base.full_period or base.period).start  # where a change of zone moves it, the fee itself begins hours before or after
        closed = plan_window(subject.terms, at=opened - INSTANT_STEP)
        is_before = closed is not None and closed.period.end <= opened and subject.terms.started_at < opened
        return closed if is_before else None
    if base is not None or job.windows.charges is None:
        return base
    return plan_window(subject.terms, at=job.windows.charges.period.start)


def commitment_drafts(
    work: Work, jobs: Sequence[Job], drafts: Sequence[Sequence[FeeDraft]], *, leaving_out: Sequence[UUID] = ()
) -> list[FeeDraft | None]:
    """Return the fee that makes up for what each job's period stays below its commitment. One query, none without commitments."""
    windows = [commitment_window(job) for job in jobs]
    spans = [Span(job.subject.subscription.id, *_whole(window)) for job, window in zip(jobs, windows, strict=True) if window is not None]
    spent = sum_fees(work.tx, organization_id=work.organization_id, spans=spans, leaving_out=leaving_out) if spans else {}
    found: list[FeeDraft | None] = []
    for job, window, own in zip(jobs, windows, drafts, strict=True):
        commitment = job.subject.plan.minimum_commitment
        if window is None or commitment is None:
            found.append(None)
            continue
        subject = job.subject
        start, end = _whole(window)
        now = sum(draft.amount_cents for draft in own if start <= _middle(draft.window.period) < end)
        draft = commitment_fee(
            subscription_id=subject.subscription.id,
            amount_cents=commitment.amount_cents,
            spent_cents=spent.get(subject.subscription.id, 0) + now,
            window=window,
            zone=subject.zone.key,
            currency=subject.currency,
        )
        found.append(draft)
    return found


def _whole(window: Window) -> Period:
    """Return the period a window is part of; a fee in advance is for all of it, also where the window is cut by a termination."""
    own, full = window.period, window.full_period or window.period
    return Period(start=min(own.start, full.start), end=max(own.end, full.end))


def _middle(period: Period) -> datetime:
    return period.start + (period.end - period.start) / 2


def compute_unit_changes(work: Work, subjects: Sequence[Subject], *, at: datetime) -> list[Computed]:
    """Price changes of units that are to be billed at once, and note that they are; one result for each subscription with any."""
    changed: dict[UUID, set[UUID]] = defaultdict(set)
    for subscription_id, fixed_charge_id in fixed_units.take_unbilled(work.tx, subscription_ids=[one.subscription.id for one in subjects]):
        changed[subscription_id].add(fixed_charge_id)
    concerned = [subject for subject in subjects if subject.subscription.id in changed]
    usage = load_fixed_usage(work, concerned)
    computed = []
    for subject in concerned:
        job = job_for(subject, occasion=Occasion.USAGE, at=at)
        drafts = change_drafts(job, usage, changed=changed[subject.subscription.id])
        if drafts:
            computed.append(Computed(job=job, base=None, charges=[], recurring=drafts))
    return computed
