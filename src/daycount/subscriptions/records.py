"""What a subscription is."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import UNSET, Struct, UnsetType

from daycount.catalog.records import Plan, PlanInput, ThresholdInput, UsageThreshold
from daycount.engine.calendar import BilledBase, BillingTime, Terms
from daycount.organizations.sections.records import ChoiceInput


class Status(StrEnum):
    """Where a subscription stands in its life."""

    PENDING = "pending"
    INCOMPLETE = "incomplete"
    """It has begun, and waits for its first invoice to be paid."""
    ACTIVE = "active"
    TERMINATED = "terminated"
    CANCELED = "canceled"


class EndedBy(StrEnum):
    """What ended a row: nothing follows it, or a row with another plan does."""

    TERMINATION = "termination"
    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"


class RuleStatus(StrEnum):
    """Where a rule of activation stands."""

    INACTIVE = "inactive"
    PENDING = "pending"
    SATISFIED = "satisfied"
    DECLINED = "declined"
    FAILED = "failed"
    EXPIRED = "expired"
    NOT_APPLICABLE = "not_applicable"


class ActivationRule(Struct, frozen=True, kw_only=True):
    """What an activation waits for: a payment, for some hours, or for ever where these are 0."""

    id: UUID
    type: str
    timeout_hours: int
    status: RuleStatus
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Subscription(Struct, frozen=True, kw_only=True):
    """One row of a subscription: a plan for a customer, from an instant to an instant."""

    id: UUID
    organization_id: UUID
    customer_id: UUID
    external_customer_id: str
    plan_id: UUID
    external_id: str
    name: str | None
    status: Status
    billing_time: BillingTime
    subscription_at: datetime
    started_at: datetime | None
    ending_at: datetime | None
    terminated_at: datetime | None
    canceled_at: datetime | None
    activated_at: datetime | None
    trial_ended_at: datetime | None
    on_termination_credit_note: str | None
    on_termination_invoice: str
    progressive_billing_disabled: bool
    consolidate_invoice: bool
    purchase_order_number: str | None
    billed_through: datetime | None
    billed_zone: str | None
    has_base_fee: bool
    """Whether an invoice already carries a base fee of this row."""
    created_at: datetime
    updated_at: datetime
    base_billed_through: datetime | None = None
    """End, exclusive, of what base fees of this row are for, and the local day after it."""
    base_unbilled_from: date | None = None
    previous_id: UUID | None = None
    """The row that this one follows with another plan."""
    ended_by: EndedBy | None = None
    cancellation_reason: str | None = None
    payment_method_type: str = "provider"
    payment_method_id: UUID | None = None
    billing_entity_id: UUID | None = None
    """Who issues its invoices; None for the billing entity of its customer."""
    usage_thresholds: tuple[UsageThreshold, ...] = ()
    """Thresholds of its own, which count instead of its plan's."""
    activation_rules: tuple[ActivationRule, ...] = ()

    @property
    def was_paid_for_first(self) -> bool:
        """Tell whether it became active by a payment it had waited for."""
        return any(rule.status is RuleStatus.SATISFIED for rule in self.activation_rules)

    @property
    def base_billed(self) -> BilledBase | None:
        """Return how far base fees of this row reach."""
        if self.base_billed_through is None or self.base_unbilled_from is None:
            return None
        return BilledBase(through=self.base_billed_through, next_day=self.base_unbilled_from)

    @property
    def has_successor(self) -> bool:
        """Tell whether another row goes on at the instant this one ended."""
        return self.ended_by in (EndedBy.UPGRADE, EndedBy.DOWNGRADE)


def terms_of(subscription: Subscription, *, plan: Plan, zone: ZoneInfo) -> Terms:
    """Return what the calendar has to know of a started subscription."""
    assert subscription.started_at is not None
    billed_through = subscription.billed_through
    if subscription.terminated_at is not None and billed_through is not None and billed_through > subscription.terminated_at:
        billed_through = None  # the last invoice is made: its own period is what remains to be shown
    return Terms(
        interval=plan.interval,
        billing_time=subscription.billing_time,
        is_pay_in_advance=plan.pay_in_advance,
        bills_charges_monthly=plan.bills_charges_monthly,
        bills_fixed_charges_monthly=bool(plan.bill_fixed_charges_monthly),
        zone=zone,
        subscription_at=subscription.subscription_at,
        started_at=subscription.started_at,
        terminated_at=subscription.terminated_at,
        is_upgraded=subscription.ended_by is EndedBy.UPGRADE,
        billed_through=billed_through,
        billed_zone=ZoneInfo(subscription.billed_zone) if subscription.billed_zone else None,
        base_billed=subscription.base_billed,
    )


def trial_end_of(*, plan: Plan, first_started_at: datetime) -> datetime | None:
    """Return the instant at which the plan's trial ends, None without one; days may be fractions of 24 hours."""
    if plan.trial_period_days <= 0:
        return None
    microseconds = Fraction(plan.trial_period_days) * 86_400_000_000
    return first_started_at + timedelta(microseconds=int(microseconds))


class SubscriptionInput(Struct, frozen=True, kw_only=True):
    """A subscription as a caller gives it."""

    external_customer_id: str | None | UnsetType = UNSET
    plan_code: str | None | UnsetType = UNSET
    external_id: str | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    billing_time: str | None | UnsetType = UNSET
    subscription_at: str | None | UnsetType = UNSET
    ending_at: str | None | UnsetType = UNSET
    billing_entity_code: str | None | UnsetType = UNSET
    billing_entity_id: UUID | None | UnsetType = UNSET
    progressive_billing_disabled: bool | None | UnsetType = UNSET
    consolidate_invoice: bool | None | UnsetType = UNSET
    purchase_order_number: str | None | UnsetType = UNSET
    on_termination_credit_note: str | None | UnsetType = UNSET
    on_termination_invoice: str | None | UnsetType = UNSET
    payment_method: dict[str, Any] | None | UnsetType = UNSET
    invoice_custom_section: ChoiceInput | None | UnsetType = UNSET
    activation_rules: Any = UNSET
    usage_thresholds: list[ThresholdInput] | UnsetType = UNSET
    plan_overrides: PlanInput | None | UnsetType = UNSET
    status: str | None | UnsetType = UNSET
    """Which row of the external id a change is for; read from beside the root."""
    authorization: Any = UNSET
    """An amount to hold before a subscription is made; read from beside the root. Nothing can be held yet."""


class SubscriptionFilter(Struct, frozen=True, kw_only=True):
    """Which subscriptions a list shows; no status means all."""

    entity_ids: tuple[UUID, ...] = ()
    external_customer_id: str | None = None
    external_id: str | None = None
    plan_code: str | None = None
    currency: str | None = None
    statuses: tuple[Status, ...] = ()
    is_overridden: bool | None = None
    """Whether the subscription has a plan of its own; None for both."""
