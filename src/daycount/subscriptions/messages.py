"""What subscriptions announce."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from daycount.catalog.records import Plan
from daycount.subscriptions.records import Subscription


class SubscriptionSaved(Struct, frozen=True, kw_only=True):
    """
    Something happened to a row that others may want to hear of.

    `event` is one of started, updated, trial_ended, termination_alert, terminated (also for a canceled one
    that was pending), incomplete, canceled.
    """

    subscription: Subscription
    event: str


class SubscriptionStarted(Struct, frozen=True, kw_only=True):
    """A row became active, at its own start (not backdated)."""

    subscription: Subscription


class SubscriptionEnded(Struct, frozen=True, kw_only=True):
    """
    A row was terminated; `subscription` is the row as it is now.

    `unbilled_boundary` is the instant of a period's end that was due to be billed at the very instant of the end and was
    not; None otherwise.
    """

    subscription: Subscription
    unbilled_boundary: datetime | None


class ActivationWaits(Struct, frozen=True, kw_only=True):
    """A row has begun, and waits for its first invoice, which is still to be made, to be paid."""

    subscription: Subscription


class ActivationPaid(Struct, frozen=True, kw_only=True):
    """
    A row that waited is active now. `ended` is the row that gave way to it, None where there was none.

    `unbilled_boundary` is as for SubscriptionEnded.
    """

    subscription: Subscription
    ended: Subscription | None
    unbilled_boundary: datetime | None


class ActivationCanceled(Struct, frozen=True, kw_only=True):
    """A row that waited was given up; it has the reason."""

    subscription: Subscription


class PeriodsDue(Struct, frozen=True, kw_only=True):
    """Closed periods of a row must be invoiced before it changes; `due_at` is the first of them."""

    subscription: Subscription
    due_at: datetime


class PlanSwitched(Struct, frozen=True, kw_only=True):
    """
    A row gave way to one with another plan: `ended` and `started` as they are now.

    `unbilled_boundary` is as for SubscriptionEnded.
    """

    ended: Subscription
    started: Subscription
    unbilled_boundary: datetime | None


class PlanOverridden(Struct, frozen=True, kw_only=True):
    """A running row has a plan of its own now: `after`, whose charges are those of `before` but for what was overridden."""

    subscription_id: UUID
    before: Plan
    after: Plan


class UnitsToBill(Struct, frozen=True, kw_only=True):
    """A running row has units of fixed charges that are paid for in advance and are to be billed at once."""

    subscription_id: UUID
