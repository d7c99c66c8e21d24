"""What figures are asked for, and what they are."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct


class Question(Struct, frozen=True, kw_only=True):
    """Which figures are asked for: the months from `first` to `last` (each the first of its month), and what they are limited to."""

    organization_id: UUID
    first: date
    last: date
    currency: str | None
    entity_code: str | None
    external_customer_id: str | None = None

    @property
    def months(self) -> list[date]:
        """Return the first day of every month, in order."""
        count = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month
        return [month_after(self.first, number) for number in range(count + 1)]


def month_after(day: date, months: int) -> date:
    """Return the first day of the month that lies so many months after (or before) that of a day."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


class Revenue(NamedTuple):
    """What was invoiced in a month, in minor units; `invoices` that were made out."""

    month: date
    currency: str
    entity_id: UUID
    amount_cents: int
    invoices: int


class Collection(NamedTuple):
    """The invoices of a month in one state of payment; minor units."""

    month: date
    payment_status: str | None
    currency: str | None
    amount_cents: int
    invoices: int


class MetricRevenue(NamedTuple):
    """What the usage of a metric was invoiced at in a month, less coupons; exact, in minor units."""

    month: date
    code: str
    currency: str
    amount_cents: Decimal


class PlanRevenue(NamedTuple):
    """What the fees of a plan's subscriptions came to in a month, less coupons, before taxes; exact, in minor units."""

    month: date
    plan_code: str
    currency: str
    amount_cents: Decimal


class CustomerRevenue(NamedTuple):
    """What was invoiced to a customer over the months asked for, with taxes and less refunds, in minor units."""

    external_customer_id: str
    name: str | None
    currency: str
    amount_cents: int
    invoices: int


class Liability(NamedTuple):
    """What the wallets that could be used at the end of a month (or now, of the running one) held then, in minor units."""

    month: date
    currency: str
    amount_cents: int
    wallets: int


class Overdue(NamedTuple):
    """What is overdue of the invoices that were due in a month; minor units."""

    month: date
    currency: str
    entity_id: UUID
    amount_cents: int
    invoice_ids: Sequence[UUID]


class SubscriptionRevenue(NamedTuple):
    """Fees of plans that were issued on one day for one stretch of time: their sum, exact, in minor units, and how many `fees` they are."""

    issuing_date: date
    currency: str
    interval: str
    pay_in_advance: bool
    billed_days: Fraction
    amount_cents: Decimal
    fees: int


class Recurring(NamedTuple):
    """The monthly recurring revenue of a month; both None where there is none."""

    month: date
    currency: str | None
    amount_cents: Fraction | None


class Granularity(StrEnum):
    """How usage is put together over time."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class UsageQuestion(Struct, frozen=True, kw_only=True):
    """Which usage is asked for: local days from `first` to `last`, both included, and what it is limited to."""

    organization_id: UUID
    first: date
    last: date
    granularity: Granularity
    currency: str | None
    external_customer_id: str | None
    external_subscription_id: str | None
    customer_type: str | None
    customer_country: str | None
    plan_code: str | None
    metric_code: str | None
    is_recurring: bool | None


class UsedMetric(NamedTuple):
    """What a metric came to in a day, week or month; `amount_cents` in minor units before taxes."""

    first: date
    last: date
    currency: str
    code: str
    is_deleted: bool
    units: Decimal
    amount_cents: int
