"""Use cases that write coupons."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from msgspec import structs

from daycount import errors
from daycount.catalog.fields import read_amount_cents, read_code, read_currency, read_text
from daycount.coupons import store
from daycount.coupons.records import AppliesTo, Coupon, CouponInput, Expiration
from daycount.engine.discounts import CouponType, Frequency
from daycount.given import given, given_or_default, is_given
from daycount.infra.work import Work
from daycount.money import round_half_away
from daycount.periods import parse_instant

_RATE_PLACES = 5
_MAX_RATE = 1_000_000
_MAX_DURATION = 2**31 - 1
Kind = TypeVar("Kind", bound=StrEnum)


def create_coupon(work: Work, wanted: CouponInput) -> Coupon:
    """
    Add a coupon. Raises NotFound (plans, billable_metrics), NotAllowed (only_one_limitation_type_per_coupon_allowed), Invalid.

    Source: Lago API, coupons.
    """
    limits = _limits(work, wanted)
    found = errors.FieldErrors()
    worth = _read_worth(wanted, found)
    coupon = Coupon(
        id=work.new_id(),
        organization_id=work.organization_id,
        code=read_code(wanted.code, found),
        name=read_text(wanted.name, "name", found),
        description=given(wanted.description, None),
        **worth,
        **_read_expiration(work, wanted, found),
        reusable=given_or_default(wanted.reusable, default=True),
        plan_ids=limits["plans"],
        metric_ids=limits["billable_metrics"],
        created_at=work.now,
        updated_at=work.now,
        deleted_at=None,
    )
    found.raise_if_any()
    store.insert_coupon(work.tx, coupon)
    return coupon


def update_coupon(work: Work, code: str, changes: CouponInput) -> Coupon:
    """
    Change a coupon; once it was given to anybody, what it is worth and what it is for stay, and such keys are ignored.

    Raises NotFound (coupon, plans, billable_metrics), NotAllowed, Invalid. Source: Lago API, coupons.
    """
    coupon = get_coupon(work, code)
    is_applied = store.is_applied(work.tx, coupon_id=coupon.id)
    found = errors.FieldErrors()
    fields: dict[str, Any] = {"updated_at": work.now}
    if is_given(changes.name):
        fields["name"] = read_text(given(changes.name, None), "name", found)
    if is_given(changes.description):
        fields["description"] = given(changes.description, None)
    if is_given(changes.expiration) or is_given(changes.expiration_at):
        whole = structs.replace(changes, expiration=given(changes.expiration, coupon.expiration.value))
        if not is_given(changes.expiration_at) and coupon.expiration_at is not None:
            fields["expiration"] = _member(Expiration, whole.expiration, "expiration", found)
            fields["expiration_at"] = coupon.expiration_at if fields["expiration"] is Expiration.TIME_LIMIT else None
        else:
            fields |= _read_expiration(work, whole, found)
    if not is_applied:
        fields |= _editable(work, coupon, changes, found)
    found.raise_if_any()
    changed = structs.replace(coupon, **fields)
    store.update_coupon(work.tx, changed)
    return changed


def delete_coupon(work: Work, code: str) -> Coupon:
    """Delete a coupon softly and end it wherever it is applied. Raises NotFound. Source: Lago API, coupons."""
    coupon = get_coupon(work, code)
    store.mark_coupon_deleted(work.tx, coupon_id=coupon.id, at=work.now)
    return structs.replace(coupon, deleted_at=work.now, updated_at=work.now)


def get_coupon(work: Work, code: str) -> Coupon:
    """Return the coupon of that code. Raises NotFound."""
    coupon = store.find_coupon(work.tx, organization_id=work.organization_id, code=code)
    if coupon is None:
        raise errors.NotFound("coupon")
    return coupon


def _editable(work: Work, coupon: Coupon, changes: CouponInput, found: errors.FieldErrors) -> dict[str, Any]:
    """Return what of a coupon may change as long as nobody has it."""
    kept = {
        name: getattr(changes, name) if is_given(getattr(changes, name)) else getattr(coupon, name)
        for name in ("coupon_type", "amount_cents", "amount_currency", "percentage_rate", "frequency", "frequency_duration")
    }
    fields = _read_worth(CouponInput(**kept), found)
    if is_given(changes.code):
        fields["code"] = read_code(changes.code, found)
    if is_given(changes.reusable):
        fields["reusable"] = given_or_default(changes.reusable, default=True)
    if is_given(changes.applies_to):
        limits = _limits(work, changes)
        fields |= {"plan_ids": limits["plans"], "metric_ids": limits["billable_metrics"]}
    return fields


def _limits(work: Work, wanted: CouponInput) -> Mapping[str, Any]:
    applies_to = given(wanted.applies_to, None) or AppliesTo()
    plan_codes, metric_codes = given(applies_to.plan_codes, []), given(applies_to.billable_metric_codes, [])
    limits = store.find_limits(work.tx, organization_id=work.organization_id, plan_codes=plan_codes, metric_codes=metric_codes)
    if len(limits["plans"]) != len(set(plan_codes)):
        raise errors.NotFound("plans")
    if len(limits["billable_metrics"]) != len(set(metric_codes)):
        raise errors.NotFound("billable_metrics")
    if plan_codes and metric_codes:
        raise errors.NotAllowed("only_one_limitation_type_per_coupon_allowed")
    return limits


def _read_worth(wanted: CouponInput, found: errors.FieldErrors) -> dict[str, Any]:
    """Read what a coupon takes off, and how often; what its type does not use is null."""
    coupon_type = _member(CouponType, wanted.coupon_type, "coupon_type", found)
    frequency = _member(Frequency, wanted.frequency, "frequency", found)
    is_fixed = coupon_type is CouponType.FIXED_AMOUNT
    return {
        "coupon_type": coupon_type,
        "amount_cents": read_amount(given(wanted.amount_cents, None), found) if is_fixed else None,
        "amount_currency": read_currency(given(wanted.amount_currency, None), found) if is_fixed else None,
        "percentage_rate": None if is_fixed else read_rate(given(wanted.percentage_rate, None), found),
        "frequency": frequency,
        "frequency_duration": read_duration(given(wanted.frequency_duration, None), frequency, found),
    }


def read_amount(value: int | None, found: errors.FieldErrors) -> int:
    """Read a fixed amount in minor units, more than 0."""
    if value is not None and value <= 0:
        found.add("amount_cents", "value_is_out_of_range")
        return 0
    return read_amount_cents(value, found)


def read_rate(value: Decimal | None, found: errors.FieldErrors) -> Decimal:
    """Read a rate in percent, more than 0; it may be more than 100."""
    if value is None:
        found.add("percentage_rate", "value_is_mandatory")
        return Decimal(0)
    if not 0 < value <= _MAX_RATE:
        found.add("percentage_rate", "value_is_out_of_range")
        return Decimal(0)
    return round_half_away(value, places=_RATE_PLACES)


def read_duration(value: int | None, frequency: Frequency, found: errors.FieldErrors) -> int | None:
    """Read a number of invoices, which a recurring coupon must have."""
    if frequency is not Frequency.RECURRING:
        return None
    if value is None:
        found.add("frequency_duration", "value_is_mandatory")
    elif not 0 < value <= _MAX_DURATION:
        found.add("frequency_duration", "value_is_out_of_range")
    return value


def _read_expiration(work: Work, wanted: CouponInput, found: errors.FieldErrors) -> dict[str, Any]:
    expiration = _member(Expiration, wanted.expiration, "expiration", found)
    expiration_at = None
    if expiration is Expiration.TIME_LIMIT:
        expiration_at = _future(given(wanted.expiration_at, None), work.now)
        if expiration_at is None:
            found.add("expiration_at", "invalid_date")
    return {"expiration": expiration, "expiration_at": expiration_at}


def _future(value: str | None, now: datetime) -> datetime | None:
    """Read an instant after `now`; None where it is none."""
    try:
        instant = parse_instant(value) if value else None
    except ValueError:
        return None
    return instant if instant is not None and instant > now else None


def _member(kind: type[Kind], value: object, field: str, found: errors.FieldErrors) -> Kind:
    """Read a member of a set; where it is none, that is noted and the first one stands in for it."""
    for member in kind:
        if member == value:
            return member
    found.add(field, "value_is_invalid")
    return next(iter(kind))
