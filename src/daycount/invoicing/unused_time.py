"""
What is to be given back when a plan in advance ends before the days it was paid for.

Finds the base fee, has the engine compute the unused part, and announces it; making a credit note of it is somebody else's.
"""

from datetime import datetime
from fractions import Fraction

from daycount.engine.calendar import unused_days
from daycount.engine.unused_time import unused_time
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.compute import load_subjects
from daycount.invoicing.messages import TimeUnused
from daycount.subscriptions.records import EndedBy, Subscription

CREDIT, SKIP = "credit", "skip"


def give_back_unused_time(work: Work, ended: Subscription, *, at: datetime) -> None:
    """
    Announce the unused part of the last base fee of a row that ended, as the row was told to give it back.

    Nothing is announced for a plan in arrears, after a downgrade, where no base fee stands for days that are left, or where
    the invoice of that fee is voided. An upgrade always credits. Three queries.
    Source: Lago docs, credit notes on termination and upgrade.
    """
    method = CREDIT if ended.ended_by is EndedBy.UPGRADE else ended.on_termination_credit_note or SKIP
    if method == SKIP or ended.ended_by is EndedBy.DOWNGRADE or not ended.has_base_fee:
        return
    [subject] = load_subjects(work, [ended])
    fee = store.find_last_base_fee(work.tx, subscription_id=ended.id) if subject.plan.pay_in_advance else None
    if fee is None or fee.amount_cents == 0:
        return
    share = fee.derivation["share"]
    unused = unused_time(
        days=unused_days(subject.terms, trial_end=subject.trial_end),
        billed_days=share["days"],
        full_days=share["full_days"],
        plan_amount_cents=fee.amount_details["plan_amount_cents"],
        fee_amount_cents=fee.amount_cents,
        credited_cents=Fraction(0),
    )
    if unused is not None:
        work.announce(TimeUnused(subscription=ended, fee=fee, unused=unused, method=method, at=at))
