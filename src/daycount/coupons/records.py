"""What a coupon and an applied coupon are."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from daycount.engine.discounts import CouponTerms, CouponType, Frequency


class Expiration(StrEnum):
    """Whether a coupon can be given for ever."""

    NO_EXPIRATION = "no_expiration"
    TIME_LIMIT = "time_limit"


class CouponStatus(StrEnum):
    """Whether a coupon can be given, or an applied one counts."""

    ACTIVE = "active"
    TERMINATED = "terminated"


class Coupon(Struct, frozen=True, kw_only=True):
    """A discount; `amount_cents` in minor units, `percentage_rate` in percent, `frequency_duration` in invoices."""

    id: UUID
    organization_id: UUID
    code: str
    name: str
    description: str | None
    coupon_type: CouponType
    amount_cents: int | None
    amount_currency: str | None
    percentage_rate: Decimal | None
    frequency: Frequency
    frequency_duration: int | None
    expiration: Expiration
    expiration_at: datetime | None
    reusable: bool
    plan_ids: Sequence[UUID]
    metric_ids: Sequence[UUID]
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

    def terminated_at(self, now: datetime) -> datetime | None:
        """Return since when it can be given no more; None while it can."""
        if self.deleted_at is not None:
            return self.deleted_at
        return self.expiration_at if self.expiration_at is not None and self.expiration_at <= now else None

    def status(self, now: datetime) -> CouponStatus:
        """Tell whether it can be given."""
        return CouponStatus.ACTIVE if self.terminated_at(now) is None else CouponStatus.TERMINATED


class AppliedCoupon(Struct, frozen=True, kw_only=True):
    """A coupon given to a customer, with the worth it was given with."""

    id: UUID
    organization_id: UUID
    coupon_id: UUID
    customer_id: UUID
    status: CouponStatus
    amount_cents: int | None
    amount_currency: str | None
    percentage_rate: Decimal | None
    frequency: Frequency
    frequency_duration: int | None
    frequency_duration_remaining: int | None
    created_at: datetime
    updated_at: datetime
    terminated_at: datetime | None


class GivenCoupon(Struct, frozen=True, kw_only=True):
    """An applied coupon with its coupon and the external id of its customer."""

    applied: AppliedCoupon
    coupon: Coupon
    external_customer_id: str

    def terms(self, *, used_cents: int) -> CouponTerms:
        """Return what the engine has to know; `used_cents` is what live invoices took of it."""
        applied, coupon = self.applied, self.coupon
        amount = applied.amount_cents or 0
        return CouponTerms(
            applied_coupon_id=applied.id,
            coupon_type=coupon.coupon_type,
            frequency=applied.frequency,
            currency=applied.amount_currency,
            remaining_cents=max(amount - used_cents, 0) if applied.frequency is Frequency.ONCE else amount,
            rate=applied.percentage_rate or Decimal(0),
            invoices_remaining=applied.frequency_duration_remaining,
            metric_ids=frozenset(coupon.metric_ids),
            plan_ids=frozenset(coupon.plan_ids),
            applied_at=applied.created_at,
        )


class AppliesTo(Struct, frozen=True, kw_only=True):
    """What a coupon is limited to, as a caller gives it."""

    plan_codes: list[str] | UnsetType = UNSET
    billable_metric_codes: list[str] | UnsetType = UNSET


class CouponInput(Struct, frozen=True, kw_only=True):
    """A coupon as a caller gives it."""

    name: str | None | UnsetType = UNSET
    code: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    coupon_type: str | None | UnsetType = UNSET
    amount_cents: int | None | UnsetType = UNSET
    amount_currency: str | None | UnsetType = UNSET
    percentage_rate: Decimal | None | UnsetType = UNSET
    frequency: str | None | UnsetType = UNSET
    frequency_duration: int | None | UnsetType = UNSET
    expiration: str | None | UnsetType = UNSET
    expiration_at: str | None | UnsetType = UNSET
    reusable: bool | None | UnsetType = UNSET
    applies_to: AppliesTo | None | UnsetType = UNSET


class AppliedCouponInput(Struct, frozen=True, kw_only=True):
    """A coupon for a customer as a caller gives it; what is absent is the coupon's."""

    external_customer_id: str | None | UnsetType = UNSET
    coupon_code: str | None | UnsetType = UNSET
    amount_cents: int | None | UnsetType = UNSET
    amount_currency: str | None | UnsetType = UNSET
    percentage_rate: Decimal | None | UnsetType = UNSET
    frequency: str | None | UnsetType = UNSET
    frequency_duration: int | None | UnsetType = UNSET


class AppliedCouponFilter(Struct, frozen=True, kw_only=True):
    """Which applied coupons a list shows."""

    external_customer_id: str | None = None
    status: CouponStatus | None = None
    coupon_codes: tuple[str, ...] = ()
