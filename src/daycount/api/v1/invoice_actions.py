"""What is done to invoices over the wire."""

from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from daycount.api.routing import Call, Routes
from daycount.api.v1.checkouts import InvoicePaymentObject, invoice_payment_to_wire
from daycount.api.v1.invoices import InvoiceObject, whole_to_wire
from daycount.api.wire import read_path_uuid
from daycount.given import given, given_or_default
from daycount.infra.work import Work
from daycount.invoicing import crediting, operations
from daycount.invoicing.fields import InvoiceInput, VoidInput
from daycount.invoicing.one_off import OneOffInput, OneOffPaymentInput, create_one_off
from daycount.invoicing.papers import operations as papers
from daycount.mails.operations import resend_invoice
from daycount.mails.records import Recipients
from daycount.payments.charging.retrying import retry_payment

routes = Routes("invoices")
_ONE = {"returns": InvoiceObject, "root_out": "invoice"}


def _id(call: Call) -> UUID:
    return read_path_uuid(call.path["lago_id"], "invoice")


@routes.post("/invoices", accepts=OneOffInput, root_in="invoice", returns=InvoiceObject, root_out="invoice")
def create_invoice(work: Work, call: Call) -> InvoiceObject:
    """Sell add-ons to a customer by a one-off invoice."""
    return whole_to_wire(work, create_one_off(work, call.body))


@routes.put("/invoices/{lago_id}", accepts=InvoiceInput, root_in="invoice", **_ONE)
def update_invoice(work: Work, call: Call) -> InvoiceObject:
    """Set the payment status and the metadata of an invoice."""
    return whole_to_wire(work, operations.update_invoice(work, _id(call), call.body))


@routes.delete("/invoices/{lago_id}", **_ONE)
def destroy_invoice(work: Work, call: Call) -> InvoiceObject:
    """Delete a draft."""
    return whole_to_wire(work, operations.delete_invoice(work, _id(call)))


@routes.put("/invoices/{lago_id}/refresh", **_ONE)
def refresh_invoice(work: Work, call: Call) -> InvoiceObject:
    """Compute a draft again by the prices, taxes and events of now."""
    return whole_to_wire(work, operations.refresh_invoice(work, _id(call), events=call.services.events))


@routes.put("/invoices/{lago_id}/finalize", **_ONE)
def finalize_invoice(work: Work, call: Call) -> InvoiceObject:
    """Finalize a draft before its days of grace are over."""
    return whole_to_wire(work, operations.finalize_invoice(work, _id(call), events=call.services.events))


@routes.post("/invoices/{lago_id}/void", accepts=VoidInput, root_if_any="invoice", is_body_optional=True, **_ONE)
def void_invoice(work: Work, call: Call) -> InvoiceObject:
    """Make an invoice void; nothing of it is due any more."""
    invoice, wanted = operations.lock_invoice(work, _id(call)), call.body
    if not given_or_default(wanted.generate_credit_note, False):
        return whole_to_wire(work, operations.void_invoice(work, invoice))
    credit, refund = given_or_default(wanted.credit_amount, 0), given_or_default(wanted.refund_amount, 0)
    return whole_to_wire(work, crediting.void_with_credit_note(work, invoice, credit_cents=credit, refund_cents=refund))


@routes.post("/invoices/{lago_id}/lose_dispute", **_ONE)
def lose_invoice_dispute(work: Work, call: Call) -> InvoiceObject:
    """Note that a dispute about the payment of an invoice is lost."""
    return whole_to_wire(work, operations.lose_dispute(work, _id(call)))


@routes.put("/invoices/{lago_id}/lose_dispute", **_ONE)
def put_lost_invoice_dispute(work: Work, call: Call) -> InvoiceObject:
    """Note that a dispute about the payment of an invoice is lost, the way some clients say it."""
    return whole_to_wire(work, operations.lose_dispute(work, _id(call)))


@routes.put("/invoices/{lago_id}/sync_salesforce_id", **_ONE)
def sync_invoice_salesforce_id(work: Work, call: Call) -> InvoiceObject:
    """Note under which id a CRM knows an invoice; refused, since no CRM can be connected."""
    return whole_to_wire(work, operations.check_integration(work, _id(call)))


@routes.post("/invoices/{lago_id}/retry", **_ONE)
def retry_invoice(work: Work, call: Call) -> InvoiceObject:
    """Try again to finalize an invoice that failed."""
    return whole_to_wire(work, operations.retry_invoice(work, _id(call)))


class RetryInput(Struct, frozen=True, kw_only=True):
    """How an invoice is charged again."""

    payment_method: OneOffPaymentInput | None | UnsetType = UNSET


@routes.post("/invoices/{lago_id}/retry_payment", accepts=RetryInput, root_if_any="invoice", is_body_optional=True)
def retry_invoice_payment(work: Work, call: Call) -> None:
    """Ask for the payment of an invoice again."""
    retry_payment(work, _id(call), given(call.body.payment_method, None))


@routes.post("/invoices/{lago_id}/payment_url", returns=InvoicePaymentObject, root_out="invoice_payment_details")
def create_invoice_payment_url(work: Work, call: Call) -> InvoicePaymentObject:
    """Make an address to pay an invoice at, for the next 24 hours."""
    invoice_id = _id(call)
    return invoice_payment_to_wire(call.services.checkout.of_invoice(work, invoice_id), invoice_id)


@routes.post("/invoices/{lago_id}/resend_email", accepts=Recipients, is_body_optional=True)
def resend_invoice_email(work: Work, call: Call) -> None:
    """Send an invoice by e-mail again."""
    resend_invoice(work, _id(call), call.body)


@routes.post("/invoices/{lago_id}/download", **_ONE)
def download_invoice(work: Work, call: Call) -> InvoiceObject:
    """Have the PDF of an invoice made, and read where it is."""
    return _provide_pdf(work, call)


@routes.post("/invoices/{lago_id}/download_pdf", **_ONE)
def download_invoice_pdf(work: Work, call: Call) -> InvoiceObject:
    """Have the PDF of an invoice made, the way some clients say it."""
    return _provide_pdf(work, call)


def _provide_pdf(work: Work, call: Call) -> InvoiceObject:
    invoice = operations.check_downloadable(work, _id(call))
    papers.provide_invoice(work, invoice, public_url=call.services.settings.public_url)
    return whole_to_wire(work, invoice)


@routes.post("/invoices/{lago_id}/download_xml", **_ONE)
def download_invoice_xml(work: Work, call: Call) -> InvoiceObject:
    """Have the XML of an invoice made, and read where it is; there is none where the billing entity has no electronic invoices."""
    invoice = operations.check_downloadable(work, _id(call))
    papers.provide_invoice_xml(work, invoice, public_url=call.services.settings.public_url)
    return whole_to_wire(work, invoice)
