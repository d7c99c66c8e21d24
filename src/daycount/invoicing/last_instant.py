"""
The instant at which a subscription ends: whose are the events dated at it.

They are the successor's if there is one, else those of the row that ended. A successor may come later, under the same
external id and at the same instant, as happens where time stands still. So the last invoice settles the instant only
where it found something in it; otherwise the instant stays free.
"""

from collections.abc import Sequence
from uuid import UUID

from msgspec import structs

from daycount.engine.calendar import Occasion
from daycount.engine.charges.consumption import Detail
from daycount.engine.metrics import UsageRequest
from daycount.infra.work import Work
from daycount.invoicing.compute import Job, usage_request
from daycount.periods import INSTANT_STEP, Period
from daycount.usage.port import EventStore


def find_settled(work: Work, jobs: Sequence[Job], *, events: EventStore) -> frozenset[UUID]:
    """Return the subscriptions that end by these jobs, without a successor, and have events at that instant. One request."""
    ending = [job for job in jobs if job.occasion is Occasion.TERMINATING and not job.subject.subscription.has_successor]
    asked = [(job.subject.subscription.id, request) for job in ending for request in _last_instant(job)]
    if not asked:
        return frozenset()
    answers = events.aggregate(work.tx, [request for _, request in asked])
    return frozenset(subscription_id for (subscription_id, _), found in zip(asked, answers, strict=True) if found)


def _last_instant(job: Job) -> list[UsageRequest]:
    window = job.windows.charges
    if window is None:
        return []
    instant = Period(start=window.period.end, end=window.period.end + INSTANT_STEP)
    return [
        structs.replace(
            usage_request(job.subject, charge, window), period=instant, is_recurring=False, is_prorated=False, detail=Detail.NONE
        )
        for charge in job.subject.plan.charges
    ]
