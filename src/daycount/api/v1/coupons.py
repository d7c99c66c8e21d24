"""Coupons on the wire."""

from collections.abc import Sequence

from msgspec import Struct

from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.wire import DecimalText, Stamp, stamp, stamp_or_none, text
from daycount.coupons import operations, store
from daycount.coupons.records import Coupon, CouponInput
from daycount.infra.work import Work

routes = Routes("coupons")


class CouponObject(Struct, frozen=True, kw_only=True):
    """A coupon; amounts in minor units, the rate in percent as a decimal text."""

    lago_id: str
    name: str
    code: str
    description: str | None
    coupon_type: str
    amount_cents: int | None
    amount_currency: str | None
    percentage_rate: DecimalText | None
    frequency: str
    frequency_duration: int | None
    reusable: bool
    limited_plans: bool
    limited_billable_metrics: bool
    plan_codes: Sequence[str]
    billable_metric_codes: Sequence[str]
    created_at: Stamp
    expiration: str
    expiration_at: Stamp | None
    terminated_at: Stamp | None


def list_to_wire(work: Work, found: Sequence[Coupon]) -> list[CouponObject]:
    """Write coupons with the codes they are limited to. Two queries."""
    plan_ids = [plan_id for coupon in found for plan_id in coupon.plan_ids]
    metric_ids = [metric_id for coupon in found for metric_id in coupon.metric_ids]
    codes = store.find_codes(work.tx, plan_ids=plan_ids, metric_ids=metric_ids)
    return [
        CouponObject(
            lago_id=str(coupon.id),
            name=coupon.name,
            code=coupon.code,
            description=coupon.description,
            coupon_type=coupon.coupon_type,
            amount_cents=coupon.amount_cents,
            amount_currency=coupon.amount_currency,
            percentage_rate=None if coupon.percentage_rate is None else text(coupon.percentage_rate),
            frequency=coupon.frequency,
            frequency_duration=coupon.frequency_duration,
            reusable=coupon.reusable,
            limited_plans=bool(coupon.plan_ids),
            limited_billable_metrics=bool(coupon.metric_ids),
            plan_codes=[codes[plan_id] for plan_id in coupon.plan_ids],
            billable_metric_codes=[codes[metric_id] for metric_id in coupon.metric_ids],
            created_at=stamp(coupon.created_at),
            expiration=coupon.expiration,
            expiration_at=stamp_or_none(coupon.expiration_at),
            terminated_at=stamp_or_none(coupon.terminated_at(work.now)),
        )
        for coupon in found
    ]


@routes.post("/coupons", accepts=CouponInput, root_in="coupon", returns=CouponObject, root_out="coupon")
def create_coupon(work: Work, call: Call) -> CouponObject:
    """Create a coupon."""
    return list_to_wire(work, [operations.create_coupon(work, call.body)])[0]


@routes.get("/coupons", returns=CouponObject, root_out="coupons", is_list=True)
def find_all_coupons(work: Work, call: Call) -> Page:
    """List coupons, those that can be given first."""
    asked = read_page(call.query)
    found = store.list_coupons(work.tx, organization_id=work.organization_id, at=work.now, limit=asked.per_page, offset=asked.offset)
    total = store.count_coupons(work.tx, organization_id=work.organization_id)
    return page_of(list_to_wire(work, found), asked=asked, total=total)


@routes.get("/coupons/{code}", returns=CouponObject, root_out="coupon")
def find_coupon(work: Work, call: Call) -> CouponObject:
    """Find a coupon by its code."""
    return list_to_wire(work, [operations.get_coupon(work, call.path["code"])])[0]


@routes.put("/coupons/{code}", accepts=CouponInput, root_in="coupon", returns=CouponObject, root_out="coupon")
def update_coupon(work: Work, call: Call) -> CouponObject:
    """Change a coupon; once somebody has it, its worth and its limits stay."""
    return list_to_wire(work, [operations.update_coupon(work, call.path["code"], call.body)])[0]


@routes.delete("/coupons/{code}", returns=CouponObject, root_out="coupon")
def destroy_coupon(work: Work, call: Call) -> CouponObject:
    """Delete a coupon and end it wherever it is applied."""
    return list_to_wire(work, [operations.delete_coupon(work, call.path["code"])])[0]
