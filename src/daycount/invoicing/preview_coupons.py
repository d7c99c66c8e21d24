"""Coupons that a preview tries on: given to the customer inside the rehearsal, where nothing stays."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import UNSET, Struct, UnsetType

from daycount.coupons import applying, operations, store
from daycount.coupons.records import AppliedCouponInput, CouponInput
from daycount.customers.records import Customer
from daycount.given import given, given_or_default
from daycount.infra.work import Work


class PreviewCoupon(Struct, frozen=True, kw_only=True):
    """A coupon to try on: one that exists, by its code, whose worth may be another here, or a new one."""

    code: str | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    coupon_type: str | None | UnsetType = UNSET
    amount_cents: int | None | UnsetType = UNSET
    amount_currency: str | None | UnsetType = UNSET
    percentage_rate: Decimal | None | UnsetType = UNSET
    frequency: str | None | UnsetType = UNSET
    frequency_duration: int | None | UnsetType = UNSET
    frequency_duration_remaining: int | None | UnsetType = UNSET


def try_coupons(work: Work, customer: Customer, wanted: Sequence[PreviewCoupon], *, currency: str) -> None:
    """
    Give coupons to a customer that has none; where it has some, those count and the sent ones do not.

    Raises Invalid, NotAllowed (plan_overlapping). Source: Lago API, invoice preview.
    """
    if store.list_active(work.tx, organization_id=work.organization_id, customer_ids=[customer.id]):
        return
    for coupon in wanted:
        code = given(coupon.code, None) or str(work.new_id())
        if store.find_coupon(work.tx, organization_id=work.organization_id, code=code) is None:
            _create(work, coupon, code=code, currency=currency)
        applying.apply_coupon(
            work,
            AppliedCouponInput(
                external_customer_id=customer.external_id,
                coupon_code=code,
                amount_cents=given(coupon.amount_cents, None),
                amount_currency=given(coupon.amount_currency, None),
                percentage_rate=given(coupon.percentage_rate, None),
                frequency=given(coupon.frequency, None),
                frequency_duration=given(coupon.frequency_duration_remaining, None) or given(coupon.frequency_duration, None),
            ),
        )


def _create(work: Work, coupon: PreviewCoupon, *, code: str, currency: str) -> None:
    duration = given(coupon.frequency_duration, None) or given(coupon.frequency_duration_remaining, None)
    is_percentage = given(coupon.percentage_rate, None) is not None
    operations.create_coupon(
        work,
        CouponInput(
            code=code,
            name=given(coupon.name, None) or code,
            coupon_type=given_or_default(coupon.coupon_type, "percentage" if is_percentage else "fixed_amount"),
            amount_cents=coupon.amount_cents,
            amount_currency=given(coupon.amount_currency, None) or currency,
            percentage_rate=coupon.percentage_rate,
            frequency=given_or_default(coupon.frequency, "once"),
            frequency_duration=duration,
            expiration="no_expiration",
        ),
    )
