"""Adjusted fees of drafts, and invoices made again from voided ones, on the wire."""

from daycount.api.routing import Call, Routes
from daycount.api.v1.fees import with_taxes
from daycount.api.v1.invoices import FeeObject, InvoiceObject, whole_to_wire
from daycount.api.wire import read_path_uuid
from daycount.infra.work import Work
from daycount.invoicing.adjusting import operations
from daycount.invoicing.adjusting.records import AdjustedFeeInput
from daycount.invoicing.adjusting.regenerating import RegenerateInput, regenerate_invoice

routes = Routes("invoices")
_FEE = {"returns": FeeObject, "root_out": "fee", "is_extension": True}


@routes.post("/invoices/{lago_id}/adjusted_fees", accepts=AdjustedFeeInput, root_in="adjusted_fee", **_FEE)
def create_adjusted_fee(work: Work, call: Call) -> FeeObject:
    """Change units, price or name of a fee of a draft; it stays so when the draft is computed again."""
    invoice_id = read_path_uuid(call.path["lago_id"], "invoice")
    return with_taxes(work, [operations.adjust_fee(work, invoice_id, call.body, events=call.services.events)])[0]


@routes.post("/invoices/{lago_id}/adjusted_fees/estimate", accepts=AdjustedFeeInput, root_in="adjusted_fee", **_FEE)
def estimate_adjusted_fee(work: Work, call: Call) -> FeeObject:
    """Say what a fee of a draft would come to; nothing is stored."""
    invoice_id = read_path_uuid(call.path["lago_id"], "invoice")
    with operations.estimate_fee(work, invoice_id, call.body, events=call.services.events) as (inside, fee):
        return with_taxes(inside, [fee])[0]


@routes.delete("/adjusted_fees/{fee_id}", **_FEE)
def destroy_adjusted_fee(work: Work, call: Call) -> FeeObject:
    """Take the adjustment of a fee back."""
    fee_id = read_path_uuid(call.path["fee_id"], "adjusted_fee")
    return with_taxes(work, [operations.remove_adjustment(work, fee_id, events=call.services.events)])[0]


@routes.post(
    "/invoices/{lago_id}/regenerate",
    accepts=RegenerateInput,
    root_if_any="invoice",
    is_body_optional=True,
    returns=InvoiceObject,
    root_out="invoice",
    is_extension=True,
)
def regenerate_voided_invoice(work: Work, call: Call) -> InvoiceObject:
    """Make an invoice again from a voided one, with its fees as they were, changed, or new."""
    invoice_id = read_path_uuid(call.path["lago_id"], "invoice")
    return whole_to_wire(work, regenerate_invoice(work, invoice_id, call.body))
