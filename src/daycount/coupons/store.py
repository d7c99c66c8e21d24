"""All SQL about coupons and applied coupons."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from daycount import errors
from daycount.catalog.tables import billable_metrics, plans
from daycount.coupons.records import AppliedCoupon, AppliedCouponFilter, Coupon, CouponStatus, Expiration, GivenCoupon
from daycount.coupons.tables import applied_coupons, coupons
from daycount.customers.tables import customers
from daycount.engine.discounts import CouponType, Frequency
from daycount.infra.database import is_any

_COUPON = Coupon.__struct_fields__
_APPLIED = AppliedCoupon.__struct_fields__
_GIVEN = (
    sa.select(
        *(applied_coupons.c[name].label(f"applied_{name}") for name in _APPLIED),
        *(coupons.c[name] for name in _COUPON),
        customers.c.external_id.label("external_customer_id"),
    )
    .join(coupons, coupons.c.id == applied_coupons.c.coupon_id)
    .join(customers, customers.c.id == applied_coupons.c.customer_id)
)


def _coupon(row: RowMapping) -> Coupon:
    values = {name: row[name] for name in _COUPON}
    kinds = {
        "coupon_type": CouponType(row["coupon_type"]),
        "frequency": Frequency(row["frequency"]),
        "expiration": Expiration(row["expiration"]),
    }
    return Coupon(**values | kinds)


def _given(row: RowMapping) -> GivenCoupon:
    values = {name: row[f"applied_{name}"] for name in _APPLIED}
    kinds = {"status": CouponStatus(values["status"]), "frequency": Frequency(values["frequency"])}
    return GivenCoupon(applied=AppliedCoupon(**values | kinds), coupon=_coupon(row), external_customer_id=row["external_customer_id"])


def _values(record: Coupon | AppliedCoupon) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


def insert_coupon(tx: Connection, coupon: Coupon) -> None:
    """Write a new coupon. Raises Invalid when a live one has its code."""
    _write(tx, coupons.insert().values(_values(coupon)))


def update_coupon(tx: Connection, coupon: Coupon) -> None:
    """Write a changed coupon. Raises Invalid when another live one has its code."""
    _write(tx, coupons.update().where(coupons.c.id == coupon.id).values(_values(coupon)))


def _write(tx: Connection, statement: sa.Executable) -> None:
    try:
        with tx.begin_nested():
            tx.execute(statement)
    except IntegrityError as error:
        raise errors.Invalid({"code": ["value_already_exist"]}) from error


def find_coupon(tx: Connection, *, organization_id: UUID, code: str, lock: bool = False) -> Coupon | None:
    """Return the coupon of that code that is not deleted; `lock` keeps it from being deleted until the transaction ends."""
    table = coupons.c
    statement = sa.select(coupons).where(table.organization_id == organization_id, table.code == code, table.deleted_at.is_(None))
    row = tx.execute(statement.with_for_update() if lock else statement).mappings().one_or_none()
    return None if row is None else _coupon(row)


def is_applied(tx: Connection, *, coupon_id: UUID, customer_id: UUID | None = None) -> bool:
    """Tell whether a coupon was ever given to anybody, or to that customer."""
    conditions = [applied_coupons.c.coupon_id == coupon_id]
    if customer_id is not None:
        conditions.append(applied_coupons.c.customer_id == customer_id)
    return bool(tx.execute(sa.select(sa.exists().where(*conditions))).scalar_one())


def count_coupons(tx: Connection, *, organization_id: UUID) -> int:
    """Count the coupons that are not deleted."""
    statement = sa.select(sa.func.count()).where(coupons.c.organization_id == organization_id, coupons.c.deleted_at.is_(None))
    return int(tx.execute(statement).scalar_one())


def list_coupons(tx: Connection, *, organization_id: UUID, at: datetime, limit: int, offset: int) -> list[Coupon]:
    """Return a page of coupons: those that can be given at `at` first, then those without limit of time, the next to expire, the newest."""
    table = coupons.c
    statement = (
        sa.select(coupons)
        .where(table.organization_id == organization_id, table.deleted_at.is_(None))
        .order_by(
            sa.func.coalesce(table.expiration_at <= at, sa.false()),
            table.expiration,
            table.expiration_at,
            table.created_at.desc(),
            table.id,
        )
        .limit(limit)
        .offset(offset)
    )
    return [_coupon(row) for row in tx.execute(statement).mappings()]


def find_limits(tx: Connection, *, organization_id: UUID, plan_codes: Sequence[str], metric_codes: Sequence[str]) -> dict[str, list[UUID]]:
    """Return the ids of live plans and metrics by their kind (`plans`, `billable_metrics`), in the order of the codes."""
    found: dict[str, list[UUID]] = {}
    for table, codes in ((plans, plan_codes), (billable_metrics, metric_codes)):
        conditions = [table.c.organization_id == organization_id, table.c.code.in_(codes), table.c.deleted_at.is_(None)]
        ids = dict(tx.execute(sa.select(table.c.code, table.c.id).where(*conditions)).all()) if codes else {}
        found[table.name] = [ids[code] for code in dict.fromkeys(codes) if code in ids]
    return found


def find_codes(tx: Connection, *, plan_ids: Sequence[UUID], metric_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the codes of plans and metrics, deleted ones included."""
    found: dict[UUID, str] = {}
    for table, ids in ((plans, plan_ids), (billable_metrics, metric_ids)):
        if ids:
            found.update(tx.execute(sa.select(table.c.id, table.c.code).where(table.c.id.in_(set(ids)))).all())
    return found


def mark_coupon_deleted(tx: Connection, *, coupon_id: UUID, at: datetime) -> None:
    """Delete a coupon softly, and end it where it is applied."""
    tx.execute(coupons.update().where(coupons.c.id == coupon_id).values(deleted_at=at, updated_at=at))
    _terminate(tx, applied_coupons.c.coupon_id == coupon_id, at)


def terminate_of_customer(tx: Connection, *, customer_id: UUID, at: datetime) -> None:
    """End everything that is applied to a customer."""
    _terminate(tx, applied_coupons.c.customer_id == customer_id, at)


def terminate(tx: Connection, *, applied_coupon_id: UUID, at: datetime) -> None:
    """End an applied coupon; one that ended before stays as it is."""
    _terminate(tx, applied_coupons.c.id == applied_coupon_id, at)


def _terminate(tx: Connection, which: sa.ColumnElement[bool], at: datetime) -> None:
    statement = applied_coupons.update().where(which, applied_coupons.c.status == CouponStatus.ACTIVE)
    tx.execute(statement.values(status=CouponStatus.TERMINATED, terminated_at=at, updated_at=at))


def insert_applied_coupon(tx: Connection, applied: AppliedCoupon) -> None:
    """Write a new applied coupon."""
    tx.execute(applied_coupons.insert().values(_values(applied)))


def find_applied_coupon(tx: Connection, *, customer_id: UUID, applied_coupon_id: UUID) -> GivenCoupon | None:
    """Return an applied coupon of a customer."""
    statement = _GIVEN.where(applied_coupons.c.customer_id == customer_id, applied_coupons.c.id == applied_coupon_id)
    row = tx.execute(statement).mappings().one_or_none()
    return None if row is None else _given(row)


def list_active(tx: Connection, *, organization_id: UUID, customer_ids: Sequence[UUID]) -> list[GivenCoupon]:
    """Return what is applied to customers, the oldest first."""
    table = applied_coupons.c
    statement = _GIVEN.where(
        table.organization_id == organization_id, is_any(table.customer_id, set(customer_ids)), table.status == CouponStatus.ACTIVE
    )
    return [_given(row) for row in tx.execute(statement.order_by(table.created_at, table.id)).mappings()]


def find_given(tx: Connection, *, organization_id: UUID, ids: Sequence[UUID]) -> dict[UUID, GivenCoupon]:
    """Return applied coupons by id."""
    statement = _GIVEN.where(applied_coupons.c.organization_id == organization_id, is_any(applied_coupons.c.id, set(ids)))
    return {row["applied_id"]: _given(row) for row in tx.execute(statement).mappings()}


def write_uses(tx: Connection, *, remaining: Mapping[UUID, int | None], at: Mapping[UUID, datetime]) -> None:
    """
    Write what invoices left of applied coupons: the number of invoices that may still use them, and those that are spent.

    `at` holds the instant at which each spent one ended.
    """
    statement = sa.text("""
        update applied_coupons set frequency_duration_remaining = :remaining, updated_at = coalesce(:at, updated_at),
            status = case when cast(:at as timestamptz) is null then 'active' else 'terminated' end, terminated_at = :at
        where id = :id
    """)
    rows = [{"id": applied_id, "remaining": left, "at": at.get(applied_id)} for applied_id, left in remaining.items()]
    if rows:
        tx.execute(statement, rows)


def _filtered(organization_id: UUID, query: AppliedCouponFilter) -> list[sa.ColumnElement[bool]]:
    conditions = [applied_coupons.c.organization_id == organization_id, customers.c.deleted_at.is_(None)]
    if query.external_customer_id is not None:
        conditions.append(customers.c.external_id == query.external_customer_id)
    if query.status is not None:
        conditions.append(applied_coupons.c.status == query.status)
    if query.coupon_codes:
        conditions.append(coupons.c.code.in_(query.coupon_codes))
    return conditions


def count_applied_coupons(tx: Connection, *, organization_id: UUID, query: AppliedCouponFilter) -> int:
    """Count the applied coupons that a list shows."""
    found = _GIVEN.where(*_filtered(organization_id, query)).subquery()
    return int(tx.execute(sa.select(sa.func.count()).select_from(found)).scalar_one())


def list_applied_coupons(
    tx: Connection, *, organization_id: UUID, query: AppliedCouponFilter, limit: int, offset: int
) -> list[GivenCoupon]:
    """Return a page of applied coupons, newest first."""
    statement = (
        _GIVEN.where(*_filtered(organization_id, query))
        .order_by(applied_coupons.c.created_at.desc(), applied_coupons.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [_given(row) for row in tx.execute(statement).mappings()]
