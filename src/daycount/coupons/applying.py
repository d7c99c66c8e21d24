"""Use cases that give coupons to customers and take them away."""

from collections.abc import Sequence
from uuid import UUID

from daycount import errors
from daycount.catalog import store as catalog
from daycount.catalog.fields import read_currency
from daycount.coupons import store
from daycount.coupons.operations import read_amount, read_duration, read_rate
from daycount.coupons.records import AppliedCoupon, AppliedCouponInput, Coupon, CouponStatus, GivenCoupon
from daycount.customers import store as customers
from daycount.customers.operations import lock_customer
from daycount.customers.records import Customer
from daycount.engine.discounts import CouponType, Frequency
from daycount.given import given, given_or_default
from daycount.infra.work import Work


def apply_coupon(work: Work, wanted: AppliedCouponInput) -> GivenCoupon:
    """
    Give a coupon to a customer from now on.

    A fixed one fills the currency of a customer that has none. Locks the customer. Raises NotFound (customer, coupon),
    NotAllowed (plan_overlapping), Invalid (coupon and the worth given). Source: Lago API, applied coupons.
    """
    customer = lock_customer(work, given(wanted.external_customer_id, None) or "")
    if customer is None:
        raise errors.NotFound("customer")
    coupon = store.find_coupon(work.tx, organization_id=work.organization_id, code=given(wanted.coupon_code, None) or "", lock=True)
    if coupon is None or coupon.status(work.now) is not CouponStatus.ACTIVE:
        raise errors.NotFound("coupon")
    _refuse_overlap(work, coupon, customer)
    if not coupon.reusable and store.is_applied(work.tx, coupon_id=coupon.id, customer_id=customer.id):
        raise errors.Invalid({"coupon": ["coupon_is_not_reusable"]})
    applied = _applied(work, wanted, coupon, customer)
    store.insert_applied_coupon(work.tx, applied)
    if applied.amount_currency is not None:
        customers.set_currency(work.tx, customer_id=customer.id, currency=applied.amount_currency)
    return GivenCoupon(applied=applied, coupon=coupon, external_customer_id=customer.external_id)


def terminate_applied_coupon(work: Work, *, external_customer_id: str, applied_coupon_id: UUID) -> GivenCoupon:
    """Take a coupon away from a customer; again changes nothing. Raises NotFound (customer, applied_coupon)."""
    customer = lock_customer(work, external_customer_id)
    if customer is None:
        raise errors.NotFound("customer")
    if store.find_applied_coupon(work.tx, customer_id=customer.id, applied_coupon_id=applied_coupon_id) is None:
        raise errors.NotFound("applied_coupon")
    store.terminate(work.tx, applied_coupon_id=applied_coupon_id, at=work.now)
    found = store.find_applied_coupon(work.tx, customer_id=customer.id, applied_coupon_id=applied_coupon_id)
    assert found is not None
    return found


def restore_coupons(work: Work, applied_coupon_ids: Sequence[UUID]) -> None:
    """
    Give back what a voided invoice used of coupons: spent ones count again, a recurring one for one invoice more.

    Those whose coupon itself is terminated stay spent. The caller holds the customer. Source: Lago API, void.
    """
    found = store.find_given(work.tx, organization_id=work.organization_id, ids=applied_coupon_ids)
    open_again = {
        applied_id: item.applied
        for applied_id, item in found.items()
        if item.applied.status is CouponStatus.ACTIVE or item.coupon.status(work.now) is CouponStatus.ACTIVE
    }
    remaining = {applied_id: _one_more(applied) for applied_id, applied in open_again.items()}
    store.write_uses(work.tx, remaining=remaining, at={})


def _one_more(applied: AppliedCoupon) -> int | None:
    left = applied.frequency_duration_remaining
    return left if left is None or applied.frequency is not Frequency.RECURRING else left + 1


def _applied(work: Work, wanted: AppliedCouponInput, coupon: Coupon, customer: Customer) -> AppliedCoupon:
    """Read the worth that a coupon is given with: the caller's, else the coupon's; its type stays."""
    found = errors.FieldErrors()
    is_fixed = coupon.coupon_type is CouponType.FIXED_AMOUNT
    frequency = coupon.frequency
    asked = given(wanted.frequency, None)
    if asked is not None:
        frequency = next((item for item in Frequency if item == asked), frequency)
        if frequency != asked:
            found.add("frequency", "value_is_invalid")
    duration = read_duration(given_or_default(wanted.frequency_duration, coupon.frequency_duration), frequency, found)
    applied = AppliedCoupon(
        id=work.new_id(),
        organization_id=work.organization_id,
        coupon_id=coupon.id,
        customer_id=customer.id,
        status=CouponStatus.ACTIVE,
        amount_cents=read_amount(given_or_default(wanted.amount_cents, coupon.amount_cents), found) if is_fixed else None,
        amount_currency=read_currency(given_or_default(wanted.amount_currency, coupon.amount_currency), found) if is_fixed else None,
        percentage_rate=None if is_fixed else read_rate(given_or_default(wanted.percentage_rate, coupon.percentage_rate), found),
        frequency=frequency,
        frequency_duration=duration,
        frequency_duration_remaining=duration,
        created_at=work.now,
        updated_at=work.now,
        terminated_at=None,
    )
    found.raise_if_any()
    return applied


def _refuse_overlap(work: Work, coupon: Coupon, customer: Customer) -> None:
    """
    Refuse a limited coupon where another one of the customer lowers some of the same fees.

    Raises NotAllowed (plan_overlapping). Source: Lago API, applied coupons.
    """
    if not coupon.plan_ids and not coupon.metric_ids:
        return
    others = store.list_active(work.tx, organization_id=work.organization_id, customer_ids=[customer.id])
    limited = [item.coupon for item in others if item.coupon.plan_ids or item.coupon.metric_ids]
    plan_ids = {plan_id for item in (coupon, *limited) for plan_id in item.plan_ids}
    plans = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=list(plan_ids)) if plan_ids else {}

    def reach(item: Coupon) -> set[UUID]:
        charged = {charge.metric.id for plan_id in item.plan_ids if plan_id in plans for charge in plans[plan_id].charges}
        return {*item.plan_ids, *item.metric_ids, *charged}

    own_limits = {*coupon.plan_ids, *coupon.metric_ids}
    for other in limited:
        other_limits = {*other.plan_ids, *other.metric_ids}
        if own_limits & reach(other) or reach(coupon) & other_limits:
            raise errors.NotAllowed("plan_overlapping")
