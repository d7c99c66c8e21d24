"""
Adjusting fees of drafts, and taking adjustments back. The draft is computed again each time.

Every use case holds the customer's lane and locks the draft.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from daycount import errors
from daycount.catalog import store as catalog
from daycount.catalog.records import Plan
from daycount.engine.adjustments import Pricing
from daycount.given import given
from daycount.infra.work import Work
from daycount.invoicing import drafts, store
from daycount.invoicing.adjusting import store as adjusted
from daycount.invoicing.adjusting.records import AdjustedFee, AdjustedFeeInput, key_of_fee, key_of_unused
from daycount.invoicing.fees import store as fees
from daycount.invoicing.operations import lock_invoice
from daycount.invoicing.records import Fee, Invoice
from daycount.usage.port import EventStore

_MAX_NAME = 255
_MAX_UNITS, _MAX_AMOUNT = 10**15, 10**12


def adjust_fee(work: Work, invoice_id: UUID, wanted: AdjustedFeeInput, *, events: EventStore) -> Fee:
    """
    Adjust a fee of a draft, or add one for a charge, a filter or a fixed charge of the plan that has none. Returns the new fee.

    Raises NotFound (invoice, fee, charge), Forbidden for what is no draft, Invalid: prices that do not follow from units alone
    need a unit price, and a fee is adjusted once. Source: Lago docs, draft invoices.
    """
    invoice = _lock_draft(work, invoice_id)
    key = _read_key(work, invoice, wanted)
    if (invoice.id, key) in adjusted.list_adjusted(work.tx, organization_id=work.organization_id, invoice_ids=[invoice.id]):
        raise errors.Invalid({"adjusted_fee": ["already_exists"]})
    adjusted.insert_adjusted(work.tx, _read(work, invoice, key, wanted))
    drafts.refresh(work, invoice, events=events)
    made = _find(work, invoice, key)
    if made is None:
        raise errors.NotFound("charge")
    return made


@contextmanager
def estimate_fee(work: Work, invoice_id: UUID, wanted: AdjustedFeeInput, *, events: EventStore) -> Iterator[tuple[Work, Fee]]:
    """Adjust a fee and take it back when the block ends, also one that is adjusted already. Raises what `adjust_fee` does."""
    with work.rehearse(now=work.now) as rehearsal:
        inside = rehearsal.work
        invoice = _lock_draft(inside, invoice_id)
        adjusted.delete_adjusted(inside.tx, invoice_id=invoice.id, fee_key=_read_key(inside, invoice, wanted))
        yield inside, adjust_fee(inside, invoice_id, wanted, events=events)


def remove_adjustment(work: Work, fee_id: UUID, *, events: EventStore) -> Fee:
    """
    Take the adjustment of a fee back, and return the fee as it is then; one that was added is returned as it was, and is gone.

    Raises NotFound (adjusted_fee), Forbidden for what is no draft any more.
    """
    fee = fees.find_fee(work.tx, organization_id=work.organization_id, fee_id=fee_id)
    if fee is None or fee.invoice_id is None:
        raise errors.NotFound("adjusted_fee")
    invoice, key = _lock_draft(work, fee.invoice_id), key_of_fee(fee)
    if not adjusted.delete_adjusted(work.tx, invoice_id=invoice.id, fee_key=key):
        raise errors.NotFound("adjusted_fee")
    drafts.refresh(work, invoice, events=events)
    return _find(work, invoice, key) or fee


def _lock_draft(work: Work, invoice_id: UUID) -> Invoice:
    invoice = lock_invoice(work, invoice_id)
    if invoice.status != "draft":
        raise errors.Forbidden("feature_unavailable")
    return invoice


def _find(work: Work, invoice: Invoice, key: str) -> Fee | None:
    found = store.list_fees(work.tx, organization_id=work.organization_id, invoice_ids=[invoice.id])
    return next((fee for fee in found if key_of_fee(fee) == key), None)


def _read_key(work: Work, invoice: Invoice, wanted: AdjustedFeeInput) -> str:
    fee_id = given(wanted.fee_id, None)
    if fee_id:
        found = store.list_fees(work.tx, organization_id=work.organization_id, invoice_ids=[invoice.id])
        fee = next((item for item in found if str(item.id) == fee_id.lower()), None)
        if fee is None:
            raise errors.NotFound("fee")
        return key_of_fee(fee)
    charge_id, fixed_id = _id(given(wanted.charge_id, None), "charge"), _id(given(wanted.fixed_charge_id, None), "fixed_charge")
    if charge_id is None and fixed_id is None:
        raise errors.NotFound("fee")
    return key_of_unused(
        subscription_id=_subscription_of(work, invoice, _id(given(wanted.subscription_id, None), "subscription")),
        charge_id=charge_id if fixed_id is None else None,
        filter_id=_id(given(wanted.charge_filter_id, None), "charge_filter"),
        fixed_charge_id=fixed_id,
    )


def _subscription_of(work: Work, invoice: Invoice, subscription_id: UUID | None) -> UUID:
    """Return the subscription meant: the only one of the invoice where none is named."""
    lines = store.list_lines(work.tx, organization_id=work.organization_id, invoice_ids=[invoice.id])
    ids = {line.subscription_id for line in lines}
    if subscription_id is None and len(ids) == 1:
        return ids.pop()
    if subscription_id is None or subscription_id not in ids:
        raise errors.NotFound("subscription")
    return subscription_id


def _id(text: str | None, resource: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise errors.NotFound(resource) from error


def _read(work: Work, invoice: Invoice, key: str, wanted: AdjustedFeeInput) -> AdjustedFee:
    found = errors.FieldErrors()
    units, unit_amount = given(wanted.units, None), given(wanted.unit_precise_amount, None)
    name = (given(wanted.invoice_display_name, None) or "").strip() or None
    if units is None and (unit_amount is not None or name is None):
        found.add("units", "value_is_mandatory")
    if units is not None and not 0 <= units <= _MAX_UNITS:
        found.add("units", "value_is_out_of_range")
    if unit_amount is not None and not 0 <= unit_amount <= _MAX_AMOUNT:
        found.add("unit_precise_amount", "value_is_out_of_range")
    if name is not None and len(name) > _MAX_NAME:
        found.add("invoice_display_name", "value_is_too_long")
    if units is not None and unit_amount is None:
        pricing = _pricing(work, invoice, key, wanted)
        if pricing is not None and not pricing.takes_units:
            found.add("charge", "invalid_charge_model")
    found.raise_if_any()
    return AdjustedFee(
        id=work.new_id(),
        organization_id=work.organization_id,
        invoice_id=invoice.id,
        fee_key=key,
        units=units,
        unit_amount=unit_amount,
        invoice_display_name=name,
        created_at=work.now,
    )


def _pricing(work: Work, invoice: Invoice, key: str, wanted: AdjustedFeeInput) -> Pricing | None:
    """Return what the fee's charge or fixed charge is priced by; None where it is for neither."""
    fee = _find(work, invoice, key)
    charge_id = fee.charge_id if fee is not None else _id(given(wanted.charge_id, None), "charge")
    fixed_id = fee.fixed_charge_id if fee is not None else _id(given(wanted.fixed_charge_id, None), "fixed_charge")
    lines = store.list_lines(work.tx, organization_id=work.organization_id, invoice_ids=[invoice.id])
    plans = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[line.plan_id for line in lines])
    found = [item for plan in plans.values() for item in _pricings(plan, charge_id, fixed_id)]
    return found[0] if found else None


def _pricings(plan: Plan, charge_id: UUID | None, fixed_id: UUID | None) -> list[Pricing]:
    charges = [
        Pricing(charge_model=item.charge_model, properties=item.properties, is_prorated=item.prorated)
        for item in plan.charges
        if item.id == charge_id
    ]
    fixed = [
        Pricing(charge_model=item.charge_model, properties=item.properties, is_prorated=item.prorated)
        for item in plan.fixed_charges
        if item.id == fixed_id
    ]
    return [*charges, *fixed]
