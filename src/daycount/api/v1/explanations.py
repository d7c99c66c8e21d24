"""How fees and invoices came to their amounts, on the wire: the derivations that were stored with them, step by step."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from daycount import errors
from daycount.api.routing import Call, Routes
from daycount.api.wire import read_path_uuid
from daycount.customers import store as customers
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.explain import Step, explain_fee, explain_invoice, steps_of_fee, steps_of_invoice
from daycount.invoicing.fees import operations
from daycount.invoicing.records import Fee

fee_routes = Routes("fees")
invoice_routes = Routes("invoices")


class StepObject(Struct, frozen=True, kw_only=True):
    """One step: its name, its figures as they were stored, and sentences that say them to people."""

    step: str
    figures: Mapping[str, Any]
    sentences: Sequence[str]


class FeeExplanationObject(Struct, frozen=True, kw_only=True):
    """How a fee came to its amount; amounts in minor units."""

    lago_fee_id: str
    lago_invoice_id: str | None
    name: str
    currency: str
    amount_cents: int
    taxes_amount_cents: int
    total_amount_cents: int
    events_path: str | None
    """Where the events that it counts are listed; null for fees that are of no events."""
    steps: Sequence[StepObject]
    sentences: Sequence[str]


class InvoiceExplanationObject(Struct, frozen=True, kw_only=True):
    """How an invoice came to its total: its fees, then the steps from them to the total; amounts in minor units."""

    lago_invoice_id: str
    number: str
    currency: str
    total_amount_cents: int
    fees: Sequence[FeeExplanationObject]
    steps: Sequence[StepObject]
    sentences: Sequence[str]


def _steps(steps: Sequence[Step]) -> list[StepObject]:
    return [StepObject(step=item.step, figures=item.figures, sentences=item.sentences) for item in steps]


def _fee(fee: Fee) -> FeeExplanationObject:
    return FeeExplanationObject(
        lago_fee_id=str(fee.id),
        lago_invoice_id=None if fee.invoice_id is None else str(fee.invoice_id),
        name=fee.item["invoice_display_name"],
        currency=fee.currency,
        amount_cents=fee.amount_cents,
        taxes_amount_cents=fee.taxes_amount_cents,
        total_amount_cents=fee.amount_cents + fee.taxes_amount_cents,
        events_path=None if fee.charge_id is None else f"/api/v1/fees/{fee.id}/events",
        steps=_steps(steps_of_fee(fee)),
        sentences=explain_fee(fee),
    )


@fee_routes.get("/fees/{lago_id}/explain", returns=FeeExplanationObject, root_out="fee_explanation", is_extension=True)
def explain_one_fee(work: Work, call: Call) -> FeeExplanationObject:
    """Say how a fee came to its amount, from what was stored with it."""
    return _fee(operations.get_fee(work, read_path_uuid(call.path["lago_id"], "fee")))


@invoice_routes.get("/invoices/{lago_id}/explain", returns=InvoiceExplanationObject, root_out="invoice_explanation", is_extension=True)
def explain_one_invoice(work: Work, call: Call) -> InvoiceExplanationObject:
    """Say how an invoice came to its total, from what was stored with it and its fees."""
    invoice_id = read_path_uuid(call.path["lago_id"], "invoice")
    invoice = store.find_invoice(work.tx, organization_id=work.organization_id, invoice_id=invoice_id)
    if invoice is None:
        raise errors.NotFound("invoice")
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[invoice.customer_id])
    lines = store.list_lines(work.tx, organization_id=work.organization_id, invoice_ids=[invoice.id])
    fees = store.list_fees(work.tx, organization_id=work.organization_id, invoice_ids=[invoice.id])
    return InvoiceExplanationObject(
        lago_invoice_id=str(invoice.id),
        number=invoice.number,
        currency=invoice.currency,
        total_amount_cents=invoice.total_amount_cents,
        fees=[_fee(fee) for fee in fees],
        steps=_steps(steps_of_invoice(invoice, lines, fees)),
        sentences=explain_invoice(invoice, owners[invoice.customer_id], lines, fees),
    )
