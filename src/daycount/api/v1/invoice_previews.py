"""Previews of invoices on the wire."""

from msgspec import structs

from daycount.api.routing import Call, Routes
from daycount.api.v1.invoices import InvoiceObject, whole_to_wire
from daycount.infra.work import Work
from daycount.invoicing.preview import PreviewInput, rehearse_invoice

routes = Routes("invoices")


@routes.post("/invoices/preview", accepts=PreviewInput, returns=InvoiceObject, root_out="invoice")
def preview_invoice(work: Work, call: Call) -> InvoiceObject:
    """Say what would be billed next, for a plan, or by a change; nothing is stored."""
    with rehearse_invoice(work, call.body, events=call.services.events) as previewed:
        shown = whole_to_wire(previewed.work, previewed.invoice)
        return structs.replace(shown, number="", sequential_id=None, status="finalized", payment_status="pending")
