"""
Usage by days: what each local day added to what its period comes to, by the computation that bills.

A day's figure is what the period comes to when it is cut at the end of the day, less what it came to a day before. The figures of a
period's days add up to the period. Charges in advance are priced as if they were in arrears, at the same amounts in the end.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from msgspec import structs

from daycount import errors
from daycount.analytics import store
from daycount.analytics.records import Granularity, UsageQuestion, UsedMetric, month_after
from daycount.engine.calendar import DayRange, Occasion
from daycount.infra.work import Work
from daycount.invoicing.compute import Computed, Job, Subject, compute, job_for, load_subjects
from daycount.money import exact_sum
from daycount.periods import INSTANT_STEP, ONE_DAY, Period, local_date, start_of_day
from daycount.subscriptions import store as subscriptions
from daycount.usage.port import EventStore

MOST_CUTS: Final = 20_000
"""How many days of subscriptions are worked out for one answer at most."""


class _Cut(NamedTuple):
    """A subscription's running period up to the end of a local day; `job` is None on the day before a period's first."""

    day: date
    job: Job


class _Key(NamedTuple):
    first: date
    currency: str
    code: str


def list_usage(work: Work, question: UsageQuestion, *, events: EventStore) -> list[UsedMetric]:
    """
    Return what metrics came to in each day, week or month asked for, in order; what came to nothing is left out.

    One request to the event store. Raises Invalid where the days and subscriptions asked for are too many to work out at once.
    """
    ids = store.find_using(work.tx, question, most=MOST_CUTS + 1)
    rows = subscriptions.find_subscriptions(work.tx, organization_id=work.organization_id, ids=ids)
    cuts = [cut for subject in load_subjects(work, rows) for cut in _cuts(_as_arrears(subject, question), question, now=work.now)]
    if len(cuts) > MOST_CUTS:
        raise errors.Invalid({"from_date": ["value_is_out_of_range"]})
    computed = compute(work, [cut.job for cut in cuts], events=events)
    units: dict[_Key, list[Decimal]] = defaultdict(list)
    cents: dict[_Key, int] = defaultdict(int)
    before: dict[tuple[object, ...], tuple[Decimal, int]] = {}
    for cut, result in zip(cuts, computed, strict=True):
        for charge_id, code, found_units, found_cents in _by_charge(result):
            place = (result.job.subject.subscription.id, _start_of(result.job), charge_id)
            last_units, last_cents = before.get(place, (Decimal(0), 0))
            before[place] = (found_units, found_cents)
            if cut.day < question.first:
                continue
            key = _Key(_first_of(cut.day, question.granularity), result.job.subject.plan.amount_currency, code)
            units[key].append(found_units - last_units)
            cents[key] += found_cents - last_cents
    deleted = store.find_deleted_metrics(work.tx, organization_id=work.organization_id, codes={key.code for key in units})
    found = [
        UsedMetric(
            first=key.first,
            last=_last_of(key.first, question.granularity),
            currency=key.currency,
            code=key.code,
            is_deleted=key.code in deleted,
            units=exact_sum(units[key]),
            amount_cents=cents[key],
        )
        for key in sorted(units)
    ]
    return [row for row in found if row.units or row.amount_cents]


def _as_arrears(subject: Subject, question: UsageQuestion) -> Subject:
    charges = [
        structs.replace(charge, pay_in_advance=False)
        for charge in subject.plan.charges
        if question.metric_code in (None, charge.metric.code) and question.is_recurring in (None, charge.metric.recurring)
    ]
    return structs.replace(subject, plan=structs.replace(subject.plan, charges=charges))


def _cuts(subject: Subject, question: UsageQuestion, *, now: datetime) -> Iterator[_Cut]:
    """Cut a subscription's periods at the end of each day asked for, and of the day before the first one."""
    row, zone = subject.subscription, subject.zone
    assert row.started_at is not None
    end = min(now, row.terminated_at or now)
    day = max(question.first - ONE_DAY, local_date(row.started_at, zone=zone))
    while day <= question.last and day <= local_date(end, zone=zone) and subject.plan.charges:
        cut = min(start_of_day(day + ONE_DAY, zone=zone), end + INSTANT_STEP)
        if cut > row.started_at:
            job = job_for(subject, occasion=Occasion.USAGE, at=max(cut - INSTANT_STEP, row.started_at))
            window = job.windows.charges
            if window is not None and window.period.start < cut:
                period = Period(window.period.start, min(cut, window.period.end))
                shown = structs.replace(
                    window,
                    period=period,
                    days=DayRange(window.days.first, min(day, window.days.last)),
                    full_period=window.full_period or window.period,
                )
                yield _Cut(day, structs.replace(job, windows=structs.replace(job.windows, charges=shown)))
        day += ONE_DAY


def _start_of(job: Job) -> datetime:
    assert job.windows.charges is not None
    return job.windows.charges.period.start


def _by_charge(result: Computed) -> Iterator[tuple[object, str, Decimal, int]]:
    for usage in result.charges:
        yield (
            usage.charge.id,
            usage.charge.metric.code,
            exact_sum(fee.units for fee in usage.fees),
            sum(fee.amount_cents for fee in usage.fees),
        )


def _first_of(day: date, granularity: Granularity) -> date:
    match granularity:
        case Granularity.DAILY:
            return day
        case Granularity.WEEKLY:
            return day - timedelta(days=day.weekday())
        case Granularity.MONTHLY:
            return day.replace(day=1)


def _last_of(first: date, granularity: Granularity) -> date:
    match granularity:
        case Granularity.DAILY:
            return first
        case Granularity.WEEKLY:
            return first + timedelta(days=6)
        case Granularity.MONTHLY:
            return month_after(first, 1) - ONE_DAY


def days_of(first: date | None, last: date | None, *, today: date) -> Sequence[date]:
    """Return the first and the last day asked for: thirty days up to today where nothing else is said."""
    last = last or today
    return first or last - timedelta(days=29), last
