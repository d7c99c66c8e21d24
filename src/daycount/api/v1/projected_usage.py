"""Projected usage on the wire: what the running period comes to if usage goes on as it did."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from msgspec import Struct

from daycount.api.routing import Call, Routes
from daycount.api.v1.current_usage import (
    UsedMetricObject,
    breakdowns_of,
    fees_by_filter,
    fees_by_group,
    in_units_cents,
    issuing_date_of,
    used_metric,
)
from daycount.api.v1.invoices import BreakdownObject
from daycount.api.v1.pricing_units import UsageUnitObject
from daycount.api.v1.usage_query import FoundUsage, find_usage
from daycount.api.wire import Day, DecimalText, Stamp, stamp, text
from daycount.catalog.records import Charge
from daycount.engine.fees import FeeDraft
from daycount.infra.work import Work
from daycount.invoicing.compute import ChargeUsage
from daycount.invoicing.projection import Projection, passed_share, project_fee, project_units
from daycount.money import exact_sum
from daycount.periods import local_date, shown_end

routes = Routes("customers")


class ProjectedUnitObject(UsageUnitObject, frozen=True, kw_only=True):
    """What usage comes to and is going to come to in the pricing unit of its charge, in hundredths."""

    projected_amount_cents: int


class ProjectedChargeNameObject(Struct, frozen=True, kw_only=True):
    """The charge behind a projection."""

    lago_id: str
    charge_model: str
    invoice_display_name: str | None


class ProjectedFilterUsageObject(Struct, frozen=True, kw_only=True):
    """What one filter of a charge is going to come to; `values` is empty for the events that no filter takes."""

    units: DecimalText
    projected_units: DecimalText
    events_count: int
    amount_cents: int
    projected_amount_cents: int
    pricing_unit_details: ProjectedUnitObject | None
    invoice_display_name: str | None
    values: Mapping[str, Sequence[str]]
    presentation_breakdowns: Sequence[BreakdownObject]
    projected_presentation_breakdowns: Sequence[BreakdownObject]


class ProjectedGroupUsageObject(Struct, frozen=True, kw_only=True):
    """What one group of a charge is going to come to."""

    units: DecimalText
    projected_units: DecimalText
    events_count: int
    amount_cents: int
    projected_amount_cents: int
    pricing_unit_details: ProjectedUnitObject | None
    grouped_by: Mapping[str, str | None]
    filters: Sequence[ProjectedFilterUsageObject]
    presentation_breakdowns: Sequence[BreakdownObject]
    projected_presentation_breakdowns: Sequence[BreakdownObject]


class ProjectedChargeUsageObject(Struct, frozen=True, kw_only=True):
    """What one charge is going to come to."""

    units: DecimalText
    projected_units: DecimalText
    events_count: int
    amount_cents: int
    projected_amount_cents: int
    amount_currency: str
    pricing_unit_details: ProjectedUnitObject | None
    charge: ProjectedChargeNameObject
    billable_metric: UsedMetricObject
    filters: Sequence[ProjectedFilterUsageObject]
    grouped_usage: Sequence[ProjectedGroupUsageObject]
    presentation_breakdowns: Sequence[BreakdownObject]
    projected_presentation_breakdowns: Sequence[BreakdownObject]


class CustomerProjectedUsageObject(Struct, frozen=True, kw_only=True):
    """The usage of one subscription in its running period, and what it is going to be at its end; taxes are not projected."""

    from_datetime: Stamp
    to_datetime: Stamp
    issuing_date: Day
    currency: str
    amount_cents: int
    projected_amount_cents: int
    total_amount_cents: int
    taxes_amount_cents: int
    lago_invoice_id: str | None
    charges_usage: Sequence[ProjectedChargeUsageObject]


@routes.get(
    "/customers/{external_customer_id}/projected_usage",
    returns=CustomerProjectedUsageObject,
    root_out="customer_projected_usage",
    parameters=("external_subscription_id", "apply_taxes"),
)
def find_customer_projected_usage(work: Work, call: Call) -> CustomerProjectedUsageObject:
    """Show what the running period of a subscription is going to come to."""
    found = find_usage(work, call, is_selective=False)
    window = found.computed.job.windows.charges
    assert window is not None, "an active subscription has a running period"
    subject = found.computed.job.subject
    share = passed_share(window.days, today=local_date(work.now, zone=subject.zone))
    charges = [_Projector(found, usage, share).to_wire() for usage in found.charges]
    return CustomerProjectedUsageObject(
        from_datetime=stamp(window.period.start),
        to_datetime=stamp(shown_end(window.period.end, is_cut=window.is_cut)),
        issuing_date=issuing_date_of(window),
        currency=subject.plan.amount_currency,
        amount_cents=found.amount_cents,
        projected_amount_cents=sum(charge.projected_amount_cents for charge in charges),
        total_amount_cents=found.amount_cents + found.taxes_cents,
        taxes_amount_cents=found.taxes_cents,
        lago_invoice_id=None,
        charges_usage=charges,
    )


class _Projector:
    """Writes one charge, whose buckets are projected one by one."""

    def __init__(self, found: FoundUsage, usage: ChargeUsage, share: Fraction) -> None:
        self._found = found
        self._usage = usage
        self._charge: Charge = usage.charge
        self._share = share

    def to_wire(self) -> ProjectedChargeUsageObject:
        """Write the charge."""
        charge, fees = self._charge, self._usage.fees
        plain = [fee for fee in fees if not charge.filters and not fee.group_keys]
        return ProjectedChargeUsageObject(
            **self._figures(fees, shown=plain),
            amount_currency=self._found.computed.job.subject.plan.amount_currency,
            charge=ProjectedChargeNameObject(
                lago_id=str(charge.id), charge_model=charge.charge_model, invoice_display_name=charge.invoice_display_name
            ),
            billable_metric=used_metric(charge),
            filters=self._by_filter(fees, is_group=False),
            grouped_usage=[
                ProjectedGroupUsageObject(
                    **self._figures(own, shown=[] if charge.filters else own),
                    grouped_by=group,
                    filters=self._by_filter(own, is_group=True),
                )
                for group, own in fees_by_group(fees)
            ],
        )

    def _by_filter(self, fees: Sequence[FeeDraft], *, is_group: bool) -> list[ProjectedFilterUsageObject]:
        return [
            ProjectedFilterUsageObject(
                **self._figures(own, shown=[fee for fee in own if is_group or not fee.group_keys]),
                invoice_display_name=item.invoice_display_name if item else None,
                values=item.values if item else {},
            )
            for item, own in fees_by_filter(self._charge, fees)
        ]

    def _project(self, fee: FeeDraft) -> Projection:
        charge = self._charge
        own = next((item for item in charge.filters if item.id == fee.bucket.filter_id), None)
        return project_fee(
            fee,
            model=charge.charge_model,
            properties=dict(charge.properties if own is None else own.properties),
            share=self._share,
            is_recurring=charge.metric.recurring,
            currency=self._found.computed.job.subject.currency,
            unit=charge.pricing_unit,
        )

    def _figures(self, fees: Sequence[FeeDraft], *, shown: Sequence[FeeDraft]) -> dict[str, Any]:
        """Add up the figures of several buckets, and write the breakdowns of those `shown`."""
        projected = [self._project(fee) for fee in fees]
        breakdowns = breakdowns_of(self._charge, shown, self._found.breakdowns)
        return {
            "units": text(exact_sum(fee.units for fee in fees)),
            "projected_units": text(exact_sum(item.units for item in projected)),
            "events_count": sum(fee.events_count for fee in fees),
            "amount_cents": sum(fee.amount_cents for fee in fees),
            "projected_amount_cents": sum(item.amount_cents for item in projected),
            "pricing_unit_details": self._in_units(fees, projected),
            "presentation_breakdowns": breakdowns,
            "projected_presentation_breakdowns": self._project_breakdowns(shown),
        }

    def _in_units(self, fees: Sequence[FeeDraft], projected: Sequence[Projection]) -> ProjectedUnitObject | None:
        unit = self._charge.pricing_unit
        if unit is None:
            return None
        return ProjectedUnitObject(
            amount_cents=in_units_cents(fees),
            projected_amount_cents=sum(item.unit_cents for item in projected),
            short_name=unit.short_name,
            conversion_rate=text(unit.conversion_rate),
        )

    def _project_breakdowns(self, fees: Sequence[FeeDraft]) -> list[BreakdownObject]:
        return [
            BreakdownObject(
                presentation_by=item.presentation_by,
                units=text(project_units(item.units, share=self._share, is_recurring=self._charge.metric.recurring)),
            )
            for fee in fees
            for item in self._found.breakdowns.get((self._charge.id, fee.bucket), ())
        ]
