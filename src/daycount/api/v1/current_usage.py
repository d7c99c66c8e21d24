"""Current usage on the wire: what the running period comes to, by the computation that will bill it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from daycount import errors
from daycount.api.query import Query
from daycount.api.routing import Call, Routes
from daycount.api.wire import Day, DecimalText, Stamp, stamp, text
from daycount.catalog.records import Charge, ChargeFilter
from daycount.customers import store as customers
from daycount.engine.calendar import Occasion
from daycount.engine.fees import FeeDraft
from daycount.infra.work import Work
from daycount.invoicing.compute import ChargeUsage, Computed, compute, job_for, load_subjects
from daycount.money import exact_sum
from daycount.periods import shown_end
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.records import Status, Subscription

routes = Routes("customers")


class UsedChargeObject(Struct, frozen=True, kw_only=True):
    """The charge behind a figure."""

    lago_id: str
    code: str
    charge_model: str
    invoice_display_name: str | None


class UsedMetricObject(Struct, frozen=True, kw_only=True):
    """The metric behind a figure."""

    lago_id: str
    name: str
    code: str
    aggregation_type: str


class FilterUsageObject(Struct, frozen=True, kw_only=True):
    """What one filter of a charge comes to; `values` is null for the events that no filter takes."""

    units: DecimalText
    total_aggregated_units: DecimalText
    events_count: int
    amount_cents: int
    pricing_unit_details: None
    invoice_display_name: str | None
    values: Mapping[str, Sequence[str]] | None
    presentation_breakdowns: Sequence[Any]


class GroupUsageObject(Struct, frozen=True, kw_only=True):
    """What one group of a charge comes to; a group value is null where events have none."""

    units: DecimalText
    total_aggregated_units: DecimalText
    events_count: int
    amount_cents: int
    pricing_unit_details: None
    grouped_by: Mapping[str, str | None]
    filters: Sequence[FilterUsageObject]
    presentation_breakdowns: Sequence[Any]


class ChargeUsageObject(Struct, frozen=True, kw_only=True):
    """What one charge comes to in the period."""

    units: DecimalText
    total_aggregated_units: DecimalText
    events_count: int
    amount_cents: int
    amount_currency: str
    pricing_unit_details: None
    charge: UsedChargeObject
    billable_metric: UsedMetricObject
    filters: Sequence[FilterUsageObject]
    grouped_usage: Sequence[GroupUsageObject]
    presentation_breakdowns: Sequence[Any]


class CustomerUsageObject(Struct, frozen=True, kw_only=True):
    """The usage of one subscription in its running charges period; usage charges alone, no plan fee."""

    from_datetime: Stamp
    to_datetime: Stamp
    issuing_date: Day
    currency: str
    amount_cents: int
    total_amount_cents: int
    taxes_amount_cents: int
    lago_invoice_id: str | None
    charges_usage: Sequence[ChargeUsageObject]


@routes.get(
    "/customers/{external_customer_id}/current_usage",
    returns=CustomerUsageObject,
    root_out="customer_usage",
    parameters=(
        "external_subscription_id",
        "apply_taxes",
        "charge_id",
        "charge_code",
        "billable_metric_code",
        "filter_by_charge_id",
        "filter_by_charge_code",
        "filter_by_metric_code",
    ),
)
def find_customer_current_usage(work: Work, call: Call) -> CustomerUsageObject:
    """Show what a subscription used in its running period."""
    row = _find_row(work, call.path["external_customer_id"], call.query.one("external_subscription_id"))
    subject = load_subjects(work, [row])[0]
    job = job_for(subject, occasion=Occasion.USAGE, at=work.now)
    computed = compute(work, [job], events=call.services.events)[0]
    return _to_wire(computed, _chosen(computed, call.query))


def _find_row(work: Work, external_customer_id: str, external_subscription_id: str | None) -> Subscription:
    """Find the active subscription of a customer. Raises NotFound (customer), NotAllowed (no_active_subscription)."""
    customer = customers.find_customer(work.tx, organization_id=work.organization_id, external_id=external_customer_id)
    if customer is None:
        raise errors.NotFound("customer")
    if external_subscription_id is None:
        raise errors.NotAllowed("no_active_subscription")
    rows = subscriptions.find_rows(work.tx, organization_id=work.organization_id, external_id=external_subscription_id)
    for row in rows:
        if row.status is Status.ACTIVE and row.customer_id == customer.id:
            return row
    raise errors.NotAllowed("no_active_subscription")


def _chosen(computed: Computed, query: Query) -> list[ChargeUsage]:
    """
    Pick the charges that the query names, by id, else by code, else by metric; all when it names none.

    Raises NotFound (charge), NotAllowed (full_usage_not_allowed).
    """
    if query.flag("full_usage"):
        raise errors.NotAllowed("full_usage_not_allowed")
    by_id = query.one("charge_id") or query.one("filter_by_charge_id")
    by_code = query.one("charge_code") or query.one("filter_by_charge_code")
    by_metric = query.one("billable_metric_code") or query.one("filter_by_metric_code")
    usages = list(computed.charges)
    if by_id is not None:
        found = [usage for usage in usages if str(usage.charge.id) == by_id.lower()]
    elif by_code is not None:
        found = [usage for usage in usages if usage.charge.code == by_code]
    elif by_metric is not None:
        found = [usage for usage in usages if usage.charge.metric.code == by_metric]
    else:
        return sorted(usages, key=lambda usage: (usage.charge.metric.name.lower(), str(usage.charge.id)))
    if not found:
        raise errors.NotFound("charge")
    return sorted(found, key=lambda usage: str(usage.charge.id))


def _to_wire(computed: Computed, usages: Sequence[ChargeUsage]) -> CustomerUsageObject:
    window = computed.job.windows.charges
    assert window is not None, "an active subscription has a running period"
    amount = sum(fee.amount_cents for usage in usages for fee in usage.fees)
    return CustomerUsageObject(
        from_datetime=stamp(window.period.start),
        to_datetime=stamp(shown_end(window.period.end, is_cut=window.is_cut)),
        issuing_date=(window.period.end - timedelta(microseconds=1)).date().isoformat(),
        currency=computed.job.subject.plan.amount_currency,
        amount_cents=amount,
        total_amount_cents=amount,
        taxes_amount_cents=0,
        lago_invoice_id=None,
        charges_usage=[_usage(computed, usage) for usage in usages],
    )


def _usage(computed: Computed, usage: ChargeUsage) -> ChargeUsageObject:
    charge = usage.charge
    return ChargeUsageObject(
        **_sums(usage.fees),
        amount_currency=computed.job.subject.plan.amount_currency,
        charge=UsedChargeObject(
            lago_id=str(charge.id), code=charge.code, charge_model=charge.charge_model, invoice_display_name=charge.invoice_display_name
        ),
        billable_metric=UsedMetricObject(
            lago_id=str(charge.metric.id), name=charge.metric.name, code=charge.metric.code, aggregation_type=charge.metric.aggregation_type
        ),
        filters=_by_filter(charge, usage.fees),
        grouped_usage=_by_group(charge, usage.fees),
        presentation_breakdowns=[],
    )


def _sums(fees: Sequence[FeeDraft]) -> dict[str, Any]:
    """Add up the figures of several buckets."""
    return {
        "units": text(exact_sum(fee.units for fee in fees)),
        "total_aggregated_units": text(exact_sum(fee.total_aggregated_units for fee in fees)),
        "events_count": sum(fee.events_count for fee in fees),
        "amount_cents": sum(fee.amount_cents for fee in fees),
        "pricing_unit_details": None,
    }


def _by_filter(charge: Charge, fees: Sequence[FeeDraft]) -> list[FilterUsageObject]:
    """Write one entry for each filter, in their order, and one for the events that none takes; nothing without filters."""
    if not charge.filters:
        return []
    found: dict[UUID | None, list[FeeDraft]] = {}
    for fee in fees:
        found.setdefault(fee.bucket.filter_id, []).append(fee)
    shown: list[ChargeFilter | None] = [*charge.filters, None]
    return [
        FilterUsageObject(
            **_sums(found.get(item.id if item else None, [])),
            invoice_display_name=item.invoice_display_name if item else None,
            values=item.values if item else None,
            presentation_breakdowns=[],
        )
        for item in shown
    ]


def _by_group(charge: Charge, fees: Sequence[FeeDraft]) -> list[GroupUsageObject]:
    """Write one entry for each group of values; nothing where no bucket is grouped."""
    found: dict[tuple[tuple[str, str | None], ...], list[FeeDraft]] = {}
    for fee in fees:
        if fee.group_keys:
            found.setdefault(tuple(fee.grouped_by.items()), []).append(fee)
    return [
        GroupUsageObject(**_sums(own), grouped_by=dict(group), filters=_by_filter(charge, own), presentation_breakdowns=[])
        for group, own in found.items()
    ]
