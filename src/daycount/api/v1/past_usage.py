"""Past usage on the wire: what closed periods came to, as their invoices say."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from daycount import errors
from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.v1.current_usage import FilterUsageObject, GroupUsageObject, UsedChargeObject, UsedMetricObject
from daycount.api.v1.invoices import BreakdownObject, breakdown_to_wire
from daycount.api.v1.pricing_units import UsageUnitObject
from daycount.api.wire import Day, DecimalText, Stamp, stamp, text
from daycount.catalog import store as catalog
from daycount.catalog.metric_operations import get_metric
from daycount.catalog.records import Charge
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.records import Fee, Invoice, InvoiceLine
from daycount.money import exact_sum

routes = Routes("customers")
_MOST_PERIODS = 1_000_000


class PastChargeObject(Struct, frozen=True, kw_only=True):
    """What one charge came to in a closed period."""

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


class UsagePeriodObject(Struct, frozen=True, kw_only=True):
    """
    One closed period of a subscription.

    `amount_cents` and taxes are those of the whole invoice; `charges_amount_cents` is what the charges shown come to.
    """

    from_datetime: Stamp
    to_datetime: Stamp
    issuing_date: Day
    currency: str
    amount_cents: int
    charges_amount_cents: int
    total_amount_cents: int
    taxes_amount_cents: int
    lago_invoice_id: str
    charges_usage: Sequence[PastChargeObject]


@routes.get(
    "/customers/{external_customer_id}/past_usage",
    returns=UsagePeriodObject,
    root_out="usage_periods",
    is_list=True,
    parameters=("external_subscription_id", "billable_metric_code", "periods_count"),
)
def find_all_customer_past_usage(work: Work, call: Call) -> Page:
    """List what a subscription used in closed periods, the latest first."""
    external_id = call.query.one("external_subscription_id")
    if external_id is None:
        raise errors.Invalid({"external_subscription_id": ["value_is_mandatory"]})
    code = call.query.one("billable_metric_code")
    if code is not None:
        get_metric(work, code)
    asked = read_page(call.query)
    most = call.query.integer("periods_count") or _MOST_PERIODS
    if most < 0:
        raise errors.Invalid({"periods_count": ["value_is_out_of_range"]})
    owner = call.path["external_customer_id"]
    total = min(store.count_usage_periods(work.tx, organization_id=work.organization_id, owner=owner, external_id=external_id), most)
    limit = max(min(asked.per_page, total - asked.offset), 0)
    periods = store.list_usage_periods(
        work.tx, organization_id=work.organization_id, owner=owner, external_id=external_id, limit=limit, offset=asked.offset
    )
    return page_of(_to_wire(work, periods, code), asked=asked, total=total)


def _to_wire(work: Work, periods: Sequence[tuple[InvoiceLine, Invoice]], code: str | None) -> list[UsagePeriodObject]:
    billed = store.list_fees(work.tx, organization_id=work.organization_id, invoice_ids=[invoice.id for _, invoice in periods])
    fees = [fee for fee in billed if fee.true_up_parent_fee_id is None]
    charge_ids = [fee.charge_id for fee in fees if fee.charge_id is not None]
    charges = catalog.find_charges(work.tx, organization_id=work.organization_id, ids=charge_ids)
    shown = []
    for line, invoice in periods:
        own: dict[UUID, list[Fee]] = {}
        for fee in fees:
            is_of_line = fee.invoice_id == invoice.id and fee.subscription_id == line.subscription_id and fee.charge_id is not None
            if is_of_line and code in (None, fee.item["code"]):
                own.setdefault(fee.charge_id or invoice.id, []).append(fee)
        shown.append(
            UsagePeriodObject(
                from_datetime=stamp(line.shown_charges_from),
                to_datetime=stamp(line.shown_charges_to),
                issuing_date=invoice.issuing_date.isoformat(),
                currency=invoice.currency,
                amount_cents=invoice.fees_amount_cents,
                charges_amount_cents=sum(fee.amount_cents for found in own.values() for fee in found),
                total_amount_cents=invoice.fees_amount_cents + invoice.taxes_amount_cents,
                taxes_amount_cents=invoice.taxes_amount_cents,
                lago_invoice_id=str(invoice.id),
                charges_usage=[_charge(charges[charge_id], own[charge_id]) for charge_id in _by_name(own, charges)],
            )
        )
    return shown


def _by_name(ids: Iterable[UUID], charges: Mapping[UUID, Charge]) -> list[UUID]:
    """Put charges in the order in which current usage shows them: by the names of their metrics."""
    return sorted(ids, key=lambda charge_id: (charges[charge_id].metric.name.lower(), str(charge_id)))


def _charge(charge: Charge, fees: Sequence[Fee]) -> PastChargeObject:
    metric = charge.metric
    return PastChargeObject(
        **_sums(fees),
        amount_currency=fees[0].currency,
        charge=UsedChargeObject(
            lago_id=str(charge.id), code=charge.code, charge_model=charge.charge_model, invoice_display_name=charge.invoice_display_name
        ),
        billable_metric=UsedMetricObject(
            lago_id=str(metric.id), name=metric.name, code=metric.code, aggregation_type=metric.aggregation_type
        ),
        filters=_by_filter(fees, is_group=False),
        grouped_usage=_by_group(fees),
        presentation_breakdowns=_breakdowns([fee for fee in fees if fee.charge_filter_id is None and not fee.grouped_by]),
    )


def _sums(fees: Sequence[Fee]) -> dict[str, Any]:
    return {
        "units": text(exact_sum(fee.units for fee in fees)),
        "total_aggregated_units": text(exact_sum(fee.total_aggregated_units for fee in fees)),
        "events_count": sum(fee.events_count for fee in fees),
        "amount_cents": sum(fee.amount_cents for fee in fees),
        "pricing_unit_details": _in_units(fees),
    }


def _in_units(fees: Sequence[Fee]) -> UsageUnitObject | None:
    """Add up what fees came to in the pricing unit of their charge, with the rate of the first of them."""
    found = [fee.in_units for fee in fees if fee.in_units is not None]
    if not found:
        return None
    return UsageUnitObject(
        amount_cents=sum(item.amount_cents for item in found),
        short_name=found[0].short_name,
        conversion_rate=text(found[0].conversion_rate),
    )


def _breakdowns(fees: Sequence[Fee]) -> list[BreakdownObject]:
    return [breakdown_to_wire(item) for fee in fees for item in fee.breakdowns]


def _by_filter(fees: Sequence[Fee], *, is_group: bool) -> list[FilterUsageObject]:
    if all(fee.charge_filter_id is None for fee in fees):
        return []
    found: dict[UUID | None, list[Fee]] = {}
    for fee in fees:
        found.setdefault(fee.charge_filter_id, []).append(fee)
    return [
        FilterUsageObject(
            **_sums(own),
            invoice_display_name=own[0].item["filter_invoice_display_name"],
            values=own[0].item["filters"],
            presentation_breakdowns=_breakdowns([fee for fee in own if is_group or not fee.grouped_by]),
        )
        for own in found.values()
    ]


def _by_group(fees: Sequence[Fee]) -> list[GroupUsageObject]:
    found: dict[tuple[tuple[str, str | None], ...], list[Fee]] = {}
    for fee in fees:
        if fee.grouped_by:
            found.setdefault(tuple(sorted(fee.grouped_by.items())), []).append(fee)
    return [
        GroupUsageObject(
            **_sums(own),
            grouped_by=dict(group),
            filters=_by_filter(own, is_group=True),
            presentation_breakdowns=_breakdowns([fee for fee in own if fee.charge_filter_id is None]),
        )
        for group, own in found.items()
    ]
