"""
The lines and fees of an invoice: what stands on it of each subscription, as it is called now.

Nothing is computed here; figures come from `compute.py` and the steps of money.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

from msgspec import structs

from daycount.catalog.fixed_charges.records import FixedCharge
from daycount.catalog.records import Charge, Plan
from daycount.engine.calendar import Occasion, Window, billing_windows, plan_window
from daycount.engine.fees import FeeDraft
from daycount.engine.invoice import Assembled, tax_items
from daycount.engine.items import Item
from daycount.infra.work import Work
from daycount.invoicing.compute import Computed
from daycount.invoicing.money import item_of, taxed_fields
from daycount.invoicing.progressive.records import PROGRESSIVE
from daycount.invoicing.records import REASONS, Fee, Invoice, InvoiceLine, Reason
from daycount.periods import INSTANT_STEP, ONE_DAY, local_date, shown_end, start_of_day
from daycount.subscriptions.records import Subscription


def line_of(work: Work, invoice: Invoice, computed: Computed) -> InvoiceLine:
    """Write down which windows of a subscription an invoice takes in."""
    job = computed.job
    shown_from, shown_to = _shown_base(computed)
    charges = job.windows.charges
    fixed = _shown_fixed(computed)
    return InvoiceLine(
        id=work.new_id(),
        organization_id=work.organization_id,
        invoice_id=invoice.id,
        subscription_id=job.subject.subscription.id,
        plan_id=job.subject.plan.id,
        invoicing_reason=Reason.PROGRESSIVE if invoice.invoice_type == PROGRESSIVE else REASONS[job.occasion],
        billed_at=job.at,
        base_from=job.windows.base.period.start if computed.base is not None and job.windows.base is not None else None,
        charges_from=None if job.windows.charges is None or job.occasion is Occasion.USAGE else job.windows.charges.period.start,
        shown_from=shown_from,
        shown_to=shown_to,
        shown_charges_from=charges.period.start if charges is not None else shown_from,
        shown_charges_to=_shown_end(charges) if charges is not None else shown_to,
        shown_fixed_from=None if fixed is None else fixed.period.start,
        shown_fixed_to=None if fixed is None else _shown_end(fixed),
    )


def _shown_base(computed: Computed) -> tuple[datetime, datetime]:
    """
    Return the window of the base fee as it is shown, also where no base fee is billed.

    That is the period of the plan the fee is or would be for: in arrears the closed one, which before the first fee is
    nothing but the start itself, from its midnight on. An ended plan in advance shows its last period, an event
    paid for in advance the one that runs.
    """
    job, terms = computed.job, computed.job.subject.terms
    shown = job.windows.base
    if shown is None and job.occasion in (Occasion.TERMINATING, Occasion.USAGE):
        assert job.windows.charges is not None
        shown = plan_window(terms, at=job.windows.charges.period.start)
    elif shown is None:
        shown = plan_window(terms, at=job.at)
        if shown is not None and not terms.is_pay_in_advance:
            closed = plan_window(terms, at=shown.period.start - INSTANT_STEP)
            shown = closed if closed is not None and closed.period.start < shown.period.start else None
    if shown is None:
        return start_of_day(local_date(terms.started_at, zone=terms.zone), zone=terms.zone), terms.started_at.replace(microsecond=0)
    return shown.period.start, _shown_end(shown)


def _shown_fixed(computed: Computed) -> Window | None:
    """Return the window of fixed charges as it is shown: at a start the running one, which those in advance are billed for."""
    job = computed.job
    if job.occasion is Occasion.STARTING:
        return billing_windows(job.subject.terms, occasion=Occasion.USAGE, at=job.at).fixed_charges
    return job.windows.fixed_charges


def _shown_end(window: Window) -> datetime:
    return shown_end(window.period.end, is_cut=window.is_cut)


class Names:
    """What things are called now; what a charge is called is worked out once for all invoices of a work."""

    def __init__(self) -> None:
        self._charges: dict[tuple[UUID, UUID | None], dict[str, Any]] = {}

    def item_of(self, computed: Computed, draft: FeeDraft) -> dict[str, Any]:
        """Write down what was billed, as it is called now. Must not be changed."""
        if draft.charge_id is None:
            return _item(computed, draft)
        known = self._charges.get((draft.charge_id, draft.bucket.filter_id))
        if known is None:
            known = self._charges[draft.charge_id, draft.bucket.filter_id] = _item(computed, draft)
        return known


def fees_of(work: Work, invoice: Invoice, group: Sequence[Computed], assembled: Assembled, *, names: Names | None = None) -> list[Fee]:
    """Write down the fees of subscriptions that share an invoice, in the order in which they were assembled."""
    called = Names() if names is None else names
    drafts = [(item, draft) for item in group for draft in item.fees]
    fees = [
        _fee(work, invoice, computed, draft, position=position, item=taxed, names=called)
        for position, ((computed, draft), taxed) in enumerate(zip(drafts, assembled.items, strict=True))
    ]
    return _link_true_ups(fees, drafts=[draft for _, draft in drafts])


def _fee(work: Work, invoice: Invoice | None, computed: Computed, draft: FeeDraft, *, position: int, item: Item, names: Names) -> Fee:
    called = names.item_of(computed, draft)
    plan = computed.job.subject.plan
    return Fee(
        id=work.new_id(),
        organization_id=work.organization_id,
        invoice_id=None if invoice is None else invoice.id,
        subscription_id=draft.subscription_id,
        charge_id=draft.charge_id,
        fixed_charge_id=draft.fixed_charge_id,
        charge_filter_id=draft.bucket.filter_id,
        grouped_by=draft.grouped_by,
        position=position,
        fee_type=draft.fee_type,
        item=called | {"invoice_display_name": draft.invoice_display_name} if draft.invoice_display_name else called,
        currency=plan.amount_currency,
        units=draft.units,
        total_aggregated_units=draft.total_aggregated_units,
        events_count=draft.events_count,
        amount_cents=draft.amount_cents,
        precise_amount_cents=draft.precise_amount_cents,
        precise_unit_amount=draft.precise_unit_amount,
        amount_details=draft.amount_details,
        shown_from=draft.window.period.start,
        shown_to=_shown_end(draft.window),
        pay_in_advance=_is_in_advance(plan, draft),
        payment_status="pending" if invoice is None else invoice.payment_status,
        derivation={**draft.derivation, "plan_version": plan.version},
        created_at=computed.job.at,
        succeeded_at=computed.job.at if invoice is not None and invoice.payment_status == "succeeded" else None,
        in_units=draft.in_units,
        breakdowns=draft.breakdowns,
        event_key=draft.event_key,
        event_transaction_id=draft.event_transaction_id,
        **taxed_fields(work, item),
    )


def _link_true_ups(fees: Sequence[Fee], *, drafts: Sequence[FeeDraft]) -> list[Fee]:
    """Tie each true-up to the fee before it, to which it belongs; `drafts` are what the fees were made of."""
    linked = list(fees)
    for place, draft in enumerate(drafts):
        if draft.is_true_up:
            parent, own = linked[place - 1], linked[place]
            linked[place - 1] = structs.replace(parent, true_up_fee_id=own.id)
            linked[place] = structs.replace(own, true_up_parent_fee_id=parent.id)
    return linked


def uninvoiced_fee_of(work: Work, computed: Computed, draft: FeeDraft) -> Fee:
    """Write down a fee that is on no invoice yet, with its taxes."""
    [taxed] = tax_items([item_of(computed, draft)])
    return _fee(work, None, computed, draft, position=0, item=taxed, names=Names())


def lone_fee_of(work: Work, computed: Computed, draft: FeeDraft) -> Fee:
    """Write down a fee that stands on no invoice; it is shown with whole local days."""
    zone, days = computed.job.subject.zone, draft.window.days
    return structs.replace(
        uninvoiced_fee_of(work, computed, draft),
        pay_in_advance=True,
        invoiceable=False,
        shown_from=start_of_day(days.first, zone=zone),
        shown_to=shown_end(start_of_day(days.last + ONE_DAY, zone=zone), is_cut=False),
    )


def _is_in_advance(plan: Plan, draft: FeeDraft) -> bool:
    match draft.fee_type:
        case "subscription":
            return plan.pay_in_advance
        case "fixed_charge":
            return next(item.pay_in_advance for item in plan.fixed_charges if item.id == draft.fixed_charge_id)
        case _:
            return draft.event_transaction_id is not None


def _recurring_item(plan: Plan, draft: FeeDraft) -> dict[str, Any]:
    """Write down what a fixed charge or a commitment is called now, without what depends on the subscription."""
    if draft.fee_type == "commitment":
        assert plan.minimum_commitment is not None
        shown = plan.minimum_commitment.invoice_display_name or f"Minimum commitment - {plan.name}"
        return {"type": "commitment", "invoice_display_name": shown}
    return _fixed_charge_item(next(item for item in plan.fixed_charges if item.id == draft.fixed_charge_id))


def _fixed_charge_item(item: FixedCharge) -> dict[str, Any]:
    return {
        "type": "fixed_charge",
        "code": item.add_on.code,
        "name": item.add_on.name,
        "description": item.add_on.description,
        "invoice_display_name": item.shown_name,
        "lago_item_id": str(item.add_on.id),
        "item_type": "AddOn",
    }


def _item(computed: Computed, draft: FeeDraft) -> dict[str, Any]:
    """Write down what was billed, as it is called now."""
    subject = computed.job.subject
    if draft.charge_id is None:
        own = {} if draft.fee_type == "subscription" else _recurring_item(subject.plan, draft)
        return plan_item(subject.plan, subject.subscription) | own
    charge = next(usage.charge for usage in computed.charges if usage.charge.id == draft.charge_id)
    return charge_item(charge, draft.bucket.filter_id)


def plan_item(plan: Plan, subscription: Subscription, fixed_charge: FixedCharge | None = None) -> dict[str, Any]:
    """Write down what a base fee, or a fee of a fixed charge, is for, as it is called now."""
    own = {} if fixed_charge is None else _fixed_charge_item(fixed_charge)
    return {
        "type": "subscription",
        "code": plan.code,
        "name": plan.name,
        "description": plan.description,
        "invoice_display_name": subscription.name or plan.invoice_display_name or plan.name,
        "lago_item_id": str(subscription.id),
        "item_type": "Subscription",
        "filters": None,
        "filter_invoice_display_name": None,
        **own,
    }


def charge_item(charge: Charge, filter_id: UUID | None) -> dict[str, Any]:
    """Write down what a fee of a charge is for, as it is called now."""
    metric = charge.metric
    shown = charge.invoice_display_name or metric.name
    own = next((item for item in charge.filters if item.id == filter_id), None)
    return {
        "type": "charge",
        "code": metric.code,
        "name": metric.name,
        "description": metric.description,
        "invoice_display_name": shown,
        "lago_item_id": str(metric.id),
        "item_type": "BillableMetric",
        "filters": None if own is None else {key: list(values) for key, values in own.values.items()},
        "filter_invoice_display_name": None
        if own is None
        else own.invoice_display_name or ", ".join(chain.from_iterable(own.values.values())),
    }
