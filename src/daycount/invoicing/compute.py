"""
The one computation: load what is needed for many subscriptions, ask the event store once, call the engine.

Bills, current usage and every other figure go through here; they differ in the windows they ask for and in what they do
with the result. The number of queries does not depend on the number of subscriptions.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from daycount.catalog import store as catalog
from daycount.catalog.records import Charge, Plan
from daycount.customers import store as customers
from daycount.customers.records import Customer
from daycount.engine.advance import Standing, running_quantity
from daycount.engine.calendar import (
    Occasion,
    Terms,
    Window,
    Windows,
    base_fee,
    billing_windows,
    is_base_fee_in_trial,
)
from daycount.engine.charges.consumption import Detail
from daycount.engine.charges.dispatch import detail_of
from daycount.engine.fees import ChargeTerms, FeeDraft, charge_fee, subscription_fee
from daycount.engine.metrics import NOTHING, AggregationType, Bucket, Usage, UsageRequest, measure
from daycount.engine.minimums import parent_of, true_up_fee
from daycount.engine.reducer import CustomTerms, read_reducer
from daycount.engine.taxes import TaxRate
from daycount.infra.work import Work
from daycount.invoicing.advance.standings import Place, bucket_key, load_standings
from daycount.invoicing.records import Series
from daycount.invoicing.view import EVERYTHING, View
from daycount.money import CURRENCIES, Currency
from daycount.organizations import store as organizations
from daycount.organizations.records import BillingEntity
from daycount.periods import INSTANT_STEP, Period, local_date, start_of_day
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.records import EndedBy, Subscription, terms_of, trial_end_of
from daycount.subscriptions.store import History
from daycount.taxes import store as taxes
from daycount.usage.port import EventStore

_LEVELS = frozenset({AggregationType.SUM, AggregationType.UNIQUE_COUNT})
"""What stands at the end of a period and is billed as a whole there."""


class Subject(Struct, frozen=True, kw_only=True):
    """A subscription with all that its fees depend on."""

    subscription: Subscription
    plan: Plan
    customer: Customer
    terms: Terms
    trial_end: datetime | None
    settled_until: datetime | None
    """End, exclusive, of the events that earlier rows of the same external id billed."""
    passed_on_metrics: frozenset[UUID]
    """The metrics that the next plan charges for, where an upgrade ended the row."""
    sender: BillingEntity | None = None
    """The billing entity that issues its invoices, where it is not the customer's."""
    inherited_taxes: Sequence[TaxRate] = ()
    """Taxes of the customer, or else of its billing entity: what counts where a fee's charge and plan have none."""

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone whose days count."""
        return self.terms.zone

    @property
    def currency(self) -> Currency:
        """Return the currency of the plan."""
        return CURRENCIES[self.plan.amount_currency]


class Job(Struct, frozen=True, kw_only=True):
    """A subject and the windows that are to be priced for it."""

    subject: Subject
    occasion: Occasion
    at: datetime
    windows: Windows
    view: View = EVERYTHING

    @property
    def charges(self) -> Sequence[Charge]:
        """
        Return the charges whose usage is billed.

        What an upgrade passes on to the next plan is billed there: recurring levels that are not prorated, where that plan
        charges for the same metric. A level weighted by time and what a reducer made of each event are billed for the time they
        fell in, by either plan its own. Source: Lago docs, upgrades; weighted sums in two parts are ours.
        """
        return [charge for charge in self.subject.plan.charges if self.view.shows(charge.id) and self._takes_in(charge)]

    def _takes_in(self, charge: Charge) -> bool:
        if charge.pay_in_advance:
            return self.occasion is Occasion.USAGE or (self.renews and charge.metric.recurring)
        metric = charge.metric
        is_level = metric.recurring and not charge.prorated and metric.aggregation_type in _LEVELS
        return not (self.occasion is Occasion.TERMINATING and is_level and metric.id in self.subject.passed_on_metrics)

    @property
    def renews(self) -> bool:
        """
        Tell whether recurring quantities paid for in advance are billed for the coming period.

        They are on every boundary, that of a downgrade included, but not when the subscription ends or is upgraded.
        """
        if self.occasion is Occasion.TERMINATING:
            return self.subject.subscription.ended_by is EndedBy.DOWNGRADE
        return self.occasion is Occasion.PERIODIC

    @property
    def coming(self) -> Window:
        """Return the period of charges that begins when this one is billed, as if the row went on."""
        terms = structs.replace(self.subject.terms, terminated_at=None, is_upgraded=False)
        window = billing_windows(terms, occasion=Occasion.USAGE, at=self.at).charges
        assert window is not None, "a row that renews has a coming period"
        return window


class ChargeUsage(Struct, frozen=True, kw_only=True):
    """
    What one charge comes to in the window: a fee for every bucket, the unused ones of its filters included.

    `true_up` is what an invoice bills on top to reach the charge's minimum.
    """

    charge: Charge
    fees: Sequence[FeeDraft]
    true_up: FeeDraft | None = None

    @property
    def billed_fees(self) -> list[FeeDraft]:
        """Return the fees that came to something; a true-up stands right behind the fee it belongs to, which then stays."""
        if self.true_up is None:
            return [fee for fee in self.fees if not fee.is_empty]
        parent = parent_of(self.fees)
        return [*(fee for fee in self.fees if not fee.is_empty and fee is not parent), parent, self.true_up]


class Computed(Struct, frozen=True, kw_only=True, dict=True):
    """The fees of one job: the base fee, if one is due, and one for every charge, used or not."""

    job: Job
    base: FeeDraft | None
    charges: Sequence[ChargeUsage]
    recurring: Sequence[FeeDraft] = ()
    """Fees of fixed charges, and what is missing to a commitment; `recurring.pricing` adds them."""

    @cached_property
    def fees(self) -> Sequence[FeeDraft]:
        """Return the fees an invoice carries: the base fee even at zero, charges that came to something."""
        used = [fee for usage in self.charges if usage.charge.invoiceable for fee in usage.billed_fees]
        return [*([] if self.base is None else [self.base]), *used, *self.recurring]

    @property
    def lone_fees(self) -> list[FeeDraft]:
        """Return the fees that stand alone: those of charges that are not invoiced, also of nothing."""
        return [fee for usage in self.charges if not usage.charge.invoiceable for fee in usage.fees]


def load_subjects(work: Work, rows: Sequence[Subscription]) -> list[Subject]:
    """Load plans, customers, trials and taxes of started subscriptions, in their order. Some ten queries."""
    if not rows:
        return []
    plans = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[row.plan_id for row in rows])
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[row.customer_id for row in rows])
    pairs = [(row.customer_id, row.external_id) for row in rows]
    histories = subscriptions.find_histories(work.tx, organization_id=work.organization_id, pairs=pairs)
    upgraded = [row.id for row in rows if row.ended_by is EndedBy.UPGRADE]
    next_metrics = subscriptions.find_next_plan_metrics(work.tx, organization_id=work.organization_id, ids=upgraded)
    subjects = [
        _subject(
            row,
            plans[row.plan_id],
            owners[row.customer_id],
            histories[row.customer_id, row.external_id],
            next_metrics.get(row.id, frozenset()),
        )
        for row in rows
    ]
    inherited = load_inherited_taxes(work, list(owners.values()))
    own = {row.billing_entity_id for row in rows if row.billing_entity_id is not None}
    senders = organizations.find_entities_by_id(work.tx, organization_id=work.organization_id, ids=own)
    return [
        structs.replace(
            subject,
            inherited_taxes=inherited[subject.customer.id],
            sender=senders.get(subject.subscription.billing_entity_id or subject.customer.entity.id),
        )
        for subject in subjects
    ]


def load_inherited_taxes(work: Work, owners: Sequence[Customer]) -> dict[UUID, Sequence[TaxRate]]:
    """Return by customer the taxes of the customer, or else those of its billing entity. One query."""
    ids = {customer.id for customer in owners} | {customer.entity.id for customer in owners}
    found = taxes.find_applied(work.tx, organization_id=work.organization_id, target_ids=ids)
    return {customer.id: [tax.as_rate for tax in found[customer.id] or found[customer.entity.id]] for customer in owners}


def _subject(row: Subscription, plan: Plan, customer: Customer, history: History, passed_on_metrics: frozenset[UUID]) -> Subject:
    return Subject(
        subscription=row,
        plan=plan,
        customer=customer,
        terms=terms_of(row, plan=plan, zone=customer.zone),
        trial_end=trial_end_of(plan=plan, first_started_at=history.first_started_at),
        settled_until=history.settled_until,
        passed_on_metrics=passed_on_metrics,
    )


def job_for(subject: Subject, *, occasion: Occasion, at: datetime, closes_boundary: bool = False) -> Job:
    """Work out which windows an invoice due at `at`, or current usage at `at`, takes in."""
    windows = billing_windows(subject.terms, occasion=occasion, at=at)
    if closes_boundary:
        closed = billing_windows(subject.terms, occasion=Occasion.PERIODIC, at=at)
        base = None if subject.terms.is_pay_in_advance else closed.base
        windows = Windows(base=base, charges=closed.charges, fixed_charges=closed.fixed_charges)
    return Job(subject=subject, occasion=occasion, at=at, windows=windows)


def compute(work: Work, jobs: Sequence[Job], *, events: EventStore) -> list[Computed]:
    """Price all jobs: one request to the event store for everything, then plain arithmetic."""
    requests: list[UsageRequest] = []
    for job in jobs:
        if job.windows.charges is not None:
            requests.extend(
                job.view.ask(usage_request(job.subject, charge, job.windows.charges, is_renewal=charge.pay_in_advance and job.renews))
                for charge in job.charges
            )
    answers = iter(zip(requests, events.aggregate(work.tx, requests), strict=True))
    standings = load_standings(work.tx, [series for job in jobs for series in _series_of(job)])
    computed = []
    for job in jobs:
        used: list[ChargeUsage] = []
        if job.windows.charges is not None:
            for charge in job.charges:
                request, found = next(answers)
                used.append(_price(job, job.windows.charges, charge, request=request, found=job.view.answer(found), standings=standings))
        computed.append(Computed(job=job, base=_base_draft(job), charges=used))
    return computed


def _series_of(job: Job) -> list[Series]:
    """Return the standings that current usage of charges in advance needs."""
    if job.occasion is not Occasion.USAGE or job.windows.charges is None:
        return []
    start = job.windows.charges.period.start
    return [Series(job.subject.subscription.id, charge.id, start) for charge in job.charges if charge.pay_in_advance]


def _price(
    job: Job,
    window: Window,
    charge: Charge,
    *,
    request: UsageRequest,
    found: Mapping[Bucket, Usage],
    standings: Mapping[Place, Standing],
) -> ChargeUsage:
    """Price every bucket of a charge; one in advance is billed for the coming period, or shown with what it billed so far."""
    fees = []
    shown = job.coming if charge.pay_in_advance and job.renews else window
    counted = window if not _counts_from_midnight(job.subject, charge, window) else structs.replace(window, period=request.period)
    for bucket, keys in _buckets(charge, found, job.view):
        quantity = measure(
            found.get(bucket, NOTHING),
            request=request,
            window=counted,
            rounding_function=charge.metric.rounding_function,
            rounding_precision=charge.metric.rounding_precision,
            billed_zone=job.subject.terms.billed_zone,
        )
        if charge.pay_in_advance and job.occasion is Occasion.USAGE:
            series = Series(job.subject.subscription.id, charge.id, window.period.start)
            standing = standings.get((series, bucket_key(bucket)))
            quantity = running_quantity(quantity, standing=standing, window=window, is_prorated=charge.prorated)
        terms = charge_terms(job.subject.subscription.id, charge, bucket, keys)
        fees.append(charge_fee(terms, quantity=quantity, request=request, window=shown, currency=job.subject.currency))
    return ChargeUsage(charge=charge, fees=fees, true_up=true_up_of(job, window, charge, fees))


def true_up_of(job: Job, window: Window, charge: Charge, fees: Sequence[FeeDraft]) -> FeeDraft | None:
    """Make up the minimum of a charge in arrears, on invoices that close a period or the subscription."""
    closes = job.occasion in (Occasion.PERIODIC, Occasion.TERMINATING)
    if not closes or charge.pay_in_advance or not charge.min_amount_cents:
        return None
    subject = job.subject
    return true_up_fee(
        fees,
        minimum_cents=charge.min_amount_cents,
        window=window,
        zone=subject.zone,
        is_upgraded=subject.terms.is_upgraded,
        currency=subject.currency,
        unit=charge.pricing_unit,
    )


def _buckets(charge: Charge, found: Mapping[Bucket, Usage], view: View) -> list[tuple[Bucket, tuple[str, ...]]]:
    """
    Return the buckets of a charge with their group keys: those of its filters in their order, then the default one.

    A grouped bucket is one for each group of values, by the values; without any usage it is one of nulls.
    """
    buckets: list[tuple[Bucket, tuple[str, ...]]] = []
    sources = [*((item.id, charge.keys_of(item)) for item in charge.filters), (None, charge.group_keys)]
    for filter_id, keys in [(filter_id, view.keys(all_keys)) for filter_id, all_keys in sources]:
        own = sorted((bucket for bucket in found if bucket.filter_id == filter_id), key=_by_values)
        buckets.extend((bucket, keys) for bucket in own or [Bucket(filter_id, (None,) * len(keys))])
    return buckets


def _by_values(bucket: Bucket) -> tuple[tuple[bool, str], ...]:
    return tuple((value is None, value or "") for value in bucket.group)


def usage_request(subject: Subject, charge: Charge, window: Window, *, is_renewal: bool = False) -> UsageRequest:
    """Return what is asked of the event store for a charge in a window."""
    return UsageRequest(
        organization_id=subject.subscription.organization_id,
        external_subscription_id=subject.subscription.external_id,
        code=charge.metric.code,
        aggregation=charge.metric.aggregation_type,
        field_name=charge.metric.field_name,
        is_recurring=charge.metric.recurring,
        is_prorated=charge.prorated and not is_renewal,
        period=_period_asked_for(subject, charge, window),
        zone=subject.zone.key,
        conditions=charge.conditions,
        detail=_detail(charge),
        custom=_custom(charge),
        group_by=charge.keys_by_place,
    )


def _custom(charge: Charge) -> CustomTerms | None:
    """Return what a custom aggregation is reduced by, with the charge's own properties as texts."""
    if charge.metric.custom_aggregator is None:
        return None
    own = charge.properties.get("custom_properties", {})
    return CustomTerms(read_reducer(charge.metric.custom_aggregator), {key: str(value) for key, value in own.items()})


def _period_asked_for(subject: Subject, charge: Charge, window: Window) -> Period:
    if charge.metric.aggregation_type is AggregationType.WEIGHTED_SUM:
        return window.period
    if _counts_from_midnight(subject, charge, window):
        midnight = start_of_day(local_date(window.period.start, zone=subject.zone), zone=subject.zone)
        return Period(start=midnight, end=_events_period(subject, window).end)
    return _events_period(subject, window)


def _counts_from_midnight(subject: Subject, charge: Charge, window: Window) -> bool:
    """
    Tell whether seats that left in the morning of an upgrade count here.

    The whole day of an upgrade is the new plan's, also for a seat that was gone before it.
    """
    is_first = subject.subscription.previous_id is not None and window.period.start == subject.terms.started_at
    return is_first and charge.prorated and charge.metric.aggregation_type is AggregationType.UNIQUE_COUNT


def _detail(charge: Charge) -> Detail:
    """Tell what the store has to bring for a charge: the most that its own price or that of a filter depends on."""
    prices = [charge.properties, *(item.properties for item in charge.filters)]
    wanted = (detail_of(charge.charge_model, properties=properties, is_prorated=charge.prorated) for properties in prices)
    return next((detail for detail in wanted if detail is not Detail.NONE), Detail.NONE)


def _events_period(subject: Subject, window: Window) -> Period:
    """
    Return the instants whose events a window bills.

    An event at the very instant of a termination belongs to the row that ended, unless a change of plan ended it: then to
    the row that starts there.
    """
    start, end = window.period
    if end == subject.terms.terminated_at and not subject.subscription.has_successor:
        end += INSTANT_STEP
    return Period(start=min(max(start, subject.settled_until or start), end), end=end)


def charge_terms(subscription_id: UUID, charge: Charge, bucket: Bucket, group_keys: tuple[str, ...]) -> ChargeTerms:
    """Return what the fee of a bucket is priced by."""
    metric = charge.metric
    own = next((item for item in charge.filters if item.id == bucket.filter_id), None)
    return ChargeTerms(
        charge_id=charge.id,
        subscription_id=subscription_id,
        charge_model=charge.charge_model,
        properties=charge.properties if own is None else own.properties,
        bucket=bucket,
        group_keys=group_keys,
        filter_values=None if own is None else own.values,
        unit=charge.pricing_unit,
        metric={
            "code": metric.code,
            "name": metric.name,
            "aggregation_type": metric.aggregation_type,
            "field_name": metric.field_name,
            "recurring": metric.recurring,
            "rounding_function": metric.rounding_function,
            "rounding_precision": metric.rounding_precision,
        },
    )


def _base_draft(job: Job) -> FeeDraft | None:
    """Price the plan itself, unless no base fee is due: no window for it, or a trial that goes on beyond today."""
    subject, window = job.subject, job.windows.base
    if window is None or is_base_fee_in_trial(job.at, trial_end=subject.trial_end, zone=subject.zone):
        return None
    fee = base_fee(
        plan_amount_cents=subject.plan.amount_cents,
        terms=subject.terms,
        window=window,
        occasion=job.occasion,
        has_earlier_base_fee=subject.subscription.has_base_fee,
        follows_other_plan=subject.subscription.previous_id is not None,
        was_backdated=_is_past_start(subject),
        trial_end=subject.trial_end,
    )
    return subscription_fee(
        fee,
        subscription_id=subject.subscription.id,
        plan_amount_cents=subject.plan.amount_cents,
        plan_name=subject.plan.invoice_display_name or subject.plan.name,
        window=window,
        zone=subject.zone.key,
        currency=subject.currency,
    )


def _is_past_start(subject: Subject) -> bool:
    """Tell whether the row began on an earlier local day than it was made active, so that nothing was billed at its start."""
    row = subject.subscription
    assert row.started_at is not None
    if row.was_paid_for_first:
        return False
    activated = row.activated_at or row.started_at
    return row.started_at.astimezone(subject.zone).date() < activated.astimezone(subject.zone).date()
