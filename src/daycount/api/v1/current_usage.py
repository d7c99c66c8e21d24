"""Current usage on the wire: what the running period comes to, by the computation that will bill it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from daycount.api.routing import Call, Routes
from daycount.api.v1.invoices import BreakdownObject, breakdown_to_wire
from daycount.api.v1.pricing_units import UsageUnitObject, usage_to_wire
from daycount.api.v1.usage_query import PARAMETERS, FoundUsage, find_usage
from daycount.api.wire import Day, DecimalText, Stamp, stamp, text
from daycount.catalog.records import Charge, ChargeFilter
from daycount.engine.calendar import Window
from daycount.engine.fees import FeeDraft
from daycount.infra.work import Work
from daycount.invoicing.compute import ChargeUsage
from daycount.invoicing.presentation import Breakdowns
from daycount.money import exact_sum
from daycount.periods import shown_end

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
    pricing_unit_details: UsageUnitObject | None
    invoice_display_name: str | None
    values: Mapping[str, Sequence[str]] | None
    presentation_breakdowns: Sequence[BreakdownObject]


class GroupUsageObject(Struct, frozen=True, kw_only=True):
    """What one group of a charge comes to; a group value is null where events have none."""

    units: DecimalText
    total_aggregated_units: DecimalText
    events_count: int
    amount_cents: int
    pricing_unit_details: UsageUnitObject | None
    grouped_by: Mapping[str, str | None]
    filters: Sequence[FilterUsageObject]
    presentation_breakdowns: Sequence[BreakdownObject]


class ChargeUsageObject(Struct, frozen=True, kw_only=True):
    """What one charge comes to in the period."""

    units: DecimalText
    total_aggregated_units: DecimalText
    events_count: int
    amount_cents: int
    amount_currency: str
    pricing_unit_details: UsageUnitObject | None
    charge: UsedChargeObject
    billable_metric: UsedMetricObject
    filters: Sequence[FilterUsageObject]
    grouped_usage: Sequence[GroupUsageObject]
    presentation_breakdowns: Sequence[BreakdownObject]


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
    "/customers/{external_customer_id}/current_usage", returns=CustomerUsageObject, root_out="customer_usage", parameters=PARAMETERS
)
def find_customer_current_usage(work: Work, call: Call) -> CustomerUsageObject:
    """Show what a subscription used in its running period."""
    return _to_wire(find_usage(work, call, is_selective=True))


def _to_wire(found: FoundUsage) -> CustomerUsageObject:
    window = found.computed.job.windows.charges
    assert window is not None, "an active subscription has a running period"
    return CustomerUsageObject(
        from_datetime=stamp(window.period.start),
        to_datetime=stamp(shown_end(window.period.end, is_cut=window.is_cut)),
        issuing_date=issuing_date_of(window),
        currency=found.computed.job.subject.plan.amount_currency,
        amount_cents=found.amount_cents,
        total_amount_cents=found.amount_cents + found.taxes_cents,
        taxes_amount_cents=found.taxes_cents,
        lago_invoice_id=None,
        charges_usage=[_usage(found, usage) for usage in found.charges],
    )


def issuing_date_of(window: Window) -> str:
    """Return the UTC date of a period's last instant. Source: Lago API, current usage."""
    return (window.period.end - timedelta(microseconds=1)).date().isoformat()


def _usage(found: FoundUsage, usage: ChargeUsage) -> ChargeUsageObject:
    charge = usage.charge
    plain = [fee for fee in usage.fees if not charge.filters and not fee.group_keys]
    return ChargeUsageObject(
        **_sums(charge, usage.fees),
        amount_currency=found.computed.job.subject.plan.amount_currency,
        charge=UsedChargeObject(
            lago_id=str(charge.id), code=charge.code, charge_model=charge.charge_model, invoice_display_name=charge.invoice_display_name
        ),
        billable_metric=used_metric(charge),
        filters=_by_filter(charge, usage.fees, found.breakdowns, is_group=False),
        grouped_usage=_by_group(charge, usage.fees, found.breakdowns),
        presentation_breakdowns=breakdowns_of(charge, plain, found.breakdowns),
    )


def used_metric(charge: Charge) -> UsedMetricObject:
    """Write the metric behind a charge."""
    metric = charge.metric
    return UsedMetricObject(lago_id=str(metric.id), name=metric.name, code=metric.code, aggregation_type=metric.aggregation_type)


def breakdowns_of(charge: Charge, fees: Sequence[FeeDraft], breakdowns: Breakdowns) -> list[BreakdownObject]:
    """Write the breakdowns of some buckets of a charge."""
    return [breakdown_to_wire(item) for fee in fees for item in breakdowns.get((charge.id, fee.bucket), ())]


def _sums(charge: Charge, fees: Sequence[FeeDraft]) -> dict[str, Any]:
    """Add up the figures of several buckets."""
    return {
        "units": text(exact_sum(fee.units for fee in fees)),
        "total_aggregated_units": text(exact_sum(fee.total_aggregated_units for fee in fees)),
        "events_count": sum(fee.events_count for fee in fees),
        "amount_cents": sum(fee.amount_cents for fee in fees),
        "pricing_unit_details": usage_to_wire(charge.pricing_unit, in_units_cents(fees)),
    }


def in_units_cents(fees: Sequence[FeeDraft]) -> int:
    """Add up what fees come to in the pricing unit of their charge, in hundredths."""
    return sum(fee.in_units.amount_cents for fee in fees if fee.in_units is not None)


def _by_filter(charge: Charge, fees: Sequence[FeeDraft], breakdowns: Breakdowns, *, is_group: bool) -> list[FilterUsageObject]:
    """Write one entry for each filter, in their order, and one for the events that none takes; nothing without filters."""
    entries = []
    for item, own in fees_by_filter(charge, fees):
        shown = [fee for fee in own if is_group or not fee.group_keys]
        entries.append(
            FilterUsageObject(
                **_sums(charge, own),
                invoice_display_name=item.invoice_display_name if item else None,
                values=item.values if item else None,
                presentation_breakdowns=breakdowns_of(charge, shown, breakdowns),
            )
        )
    return entries


def fees_by_filter(charge: Charge, fees: Sequence[FeeDraft]) -> list[tuple[ChargeFilter | None, list[FeeDraft]]]:
    """Sort fees by the filters of their charge, in their order, the events that none takes last; nothing without filters."""
    if not charge.filters:
        return []
    found: dict[UUID | None, list[FeeDraft]] = {}
    for fee in fees:
        found.setdefault(fee.bucket.filter_id, []).append(fee)
    shown: list[ChargeFilter | None] = [*charge.filters, None]
    return [(item, found.get(item.id if item else None, [])) for item in shown]


def fees_by_group(fees: Sequence[FeeDraft]) -> list[tuple[dict[str, str | None], list[FeeDraft]]]:
    """Sort fees by their groups of values; those of no group are left out."""
    found: dict[tuple[tuple[str, str | None], ...], list[FeeDraft]] = {}
    for fee in fees:
        if fee.group_keys:
            found.setdefault(tuple(fee.grouped_by.items()), []).append(fee)
    return [(dict(group), own) for group, own in found.items()]


def _by_group(charge: Charge, fees: Sequence[FeeDraft], breakdowns: Breakdowns) -> list[GroupUsageObject]:
    """Write one entry for each group of values; nothing where no bucket is grouped."""
    return [
        GroupUsageObject(
            **_sums(charge, own),
            grouped_by=group,
            filters=_by_filter(charge, own, breakdowns, is_group=True),
            presentation_breakdowns=[] if charge.filters else breakdowns_of(charge, own, breakdowns),
        )
        for group, own in fees_by_group(fees)
    ]
