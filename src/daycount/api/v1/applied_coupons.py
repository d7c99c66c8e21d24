"""Applied coupons on the wire."""

from collections.abc import Sequence

from msgspec import UNSET, Struct, UnsetType, structs

from daycount.api.paging import Page, page_of, read_page
from daycount.api.query import Query
from daycount.api.routing import Call, Routes
from daycount.api.v1 import credits as credits_wire
from daycount.api.v1.credits import CreditObject
from daycount.api.wire import DecimalText, Stamp, read_path_uuid, stamp, stamp_or_none, text
from daycount.coupons import applying, store
from daycount.coupons.records import AppliedCouponFilter, AppliedCouponInput, CouponStatus, GivenCoupon
from daycount.customers.operations import get_customer
from daycount.engine.discounts import CouponType, Frequency
from daycount.infra.work import Work
from daycount.invoicing import credit_store

routes = Routes("applied_coupons")
LIST_PARAMETERS = ("status", "external_customer_id", "coupon_code[]")


class AppliedCouponObject(Struct, frozen=True, kw_only=True):
    """A coupon given to a customer; lists add the credits taken of it."""

    lago_id: str
    lago_coupon_id: str
    coupon_code: str
    coupon_name: str
    coupon_description: str | None
    coupon_status: str
    coupon_deleted_at: Stamp | None
    lago_customer_id: str
    external_customer_id: str
    status: str
    amount_cents: int | None
    amount_cents_remaining: int | None
    amount_currency: str | None
    percentage_rate: DecimalText | None
    frequency: str
    frequency_duration: int | None
    frequency_duration_remaining: int | None
    expiration_at: Stamp | None
    created_at: Stamp
    terminated_at: Stamp | None
    credits: Sequence[CreditObject] | UnsetType = UNSET


def list_to_wire(work: Work, found: Sequence[GivenCoupon]) -> list[AppliedCouponObject]:
    """Write applied coupons with what is left of them. One query."""
    used = credit_store.sum_of_coupons(work.tx, applied_coupon_ids=[item.applied.id for item in found])
    return [_to_wire(work, item, used_cents=used.get(item.applied.id, 0)) for item in found]


def _to_wire(work: Work, item: GivenCoupon, *, used_cents: int) -> AppliedCouponObject:
    applied, coupon = item.applied, item.coupon
    has_rest = coupon.coupon_type is CouponType.FIXED_AMOUNT and applied.frequency is Frequency.ONCE
    return AppliedCouponObject(
        lago_id=str(applied.id),
        lago_coupon_id=str(coupon.id),
        coupon_code=coupon.code,
        coupon_name=coupon.name,
        coupon_description=coupon.description,
        coupon_status=coupon.status(work.now),
        coupon_deleted_at=stamp_or_none(coupon.deleted_at),
        lago_customer_id=str(applied.customer_id),
        external_customer_id=item.external_customer_id,
        status=applied.status,
        amount_cents=applied.amount_cents,
        amount_cents_remaining=max((applied.amount_cents or 0) - used_cents, 0) if has_rest else None,
        amount_currency=applied.amount_currency,
        percentage_rate=None if applied.percentage_rate is None else text(applied.percentage_rate),
        frequency=applied.frequency,
        frequency_duration=applied.frequency_duration,
        frequency_duration_remaining=applied.frequency_duration_remaining,
        expiration_at=stamp_or_none(coupon.expiration_at),
        created_at=stamp(applied.created_at),
        terminated_at=stamp_or_none(applied.terminated_at),
    )


def read_filter(query: Query) -> AppliedCouponFilter:
    """Read the filters of the list. Raises Invalid for a status of no known set."""
    statuses = query.members("status", tuple(CouponStatus))
    return AppliedCouponFilter(
        external_customer_id=query.one("external_customer_id"),
        status=CouponStatus(statuses[-1]) if statuses else None,
        coupon_codes=query.many("coupon_code"),
    )


def _list(work: Work, call: Call, query: AppliedCouponFilter) -> Page:
    asked = read_page(call.query)
    found = store.list_applied_coupons(
        work.tx, organization_id=work.organization_id, query=query, limit=asked.per_page, offset=asked.offset
    )
    total = store.count_applied_coupons(work.tx, organization_id=work.organization_id, query=query)
    taken = credits_wire.by_source(work, [item.applied.id for item in found])
    shown = [structs.replace(wire, credits=taken[item.applied.id]) for item, wire in zip(found, list_to_wire(work, found), strict=True)]
    return page_of(shown, asked=asked, total=total)


@routes.post(
    "/applied_coupons", accepts=AppliedCouponInput, root_in="applied_coupon", returns=AppliedCouponObject, root_out="applied_coupon"
)
def create_applied_coupon(work: Work, call: Call) -> AppliedCouponObject:
    """Give a coupon to a customer."""
    return list_to_wire(work, [applying.apply_coupon(work, call.body)])[0]


@routes.get("/applied_coupons", returns=AppliedCouponObject, root_out="applied_coupons", is_list=True, parameters=LIST_PARAMETERS)
def find_all_applied_coupons(work: Work, call: Call) -> Page:
    """List applied coupons, newest first."""
    return _list(work, call, read_filter(call.query))


@routes.get(
    "/customers/{external_customer_id}/applied_coupons",
    returns=AppliedCouponObject,
    root_out="applied_coupons",
    is_list=True,
    parameters=("status", "coupon_code[]"),
)
def find_all_customer_applied_coupons(work: Work, call: Call) -> Page:
    """List the coupons of a customer, newest first."""
    customer = get_customer(work, call.path["external_customer_id"])
    return _list(work, call, structs.replace(read_filter(call.query), external_customer_id=customer.external_id))


@routes.delete(
    "/customers/{external_customer_id}/applied_coupons/{applied_coupon_id}", returns=AppliedCouponObject, root_out="applied_coupon"
)
def destroy_applied_coupon(work: Work, call: Call) -> AppliedCouponObject:
    """Take a coupon away from a customer."""
    get_customer(work, call.path["external_customer_id"])
    applied_coupon_id = read_path_uuid(call.path["applied_coupon_id"], "applied_coupon")
    found = applying.terminate_applied_coupon(
        work, external_customer_id=call.path["external_customer_id"], applied_coupon_id=applied_coupon_id
    )
    return list_to_wire(work, [found])[0]
