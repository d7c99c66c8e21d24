"""Asking for the payment of an invoice again, because somebody says so."""

from uuid import UUID

from daycount import errors
from daycount.customers import store as customers
from daycount.customers.payment_methods.operations import read_reference
from daycount.customers.payment_methods.records import MANUAL
from daycount.given import given
from daycount.infra.work import Work
from daycount.invoicing import operations as invoicing
from daycount.invoicing.one_off import OneOffPaymentInput
from daycount.payments.charging import store
from daycount.payments.charging.collecting import collect
from daycount.payments.records import ChargeImpossible
from daycount.payments.requests import store as requests

NO_PROVIDER = "customer_must_have_payment_provider"


def retry_payment(work: Work, invoice_id: UUID, method: OneOffPaymentInput | None) -> None:
    """
    Charge an invoice again, by another payment method where one is named. Holds the customer's lane.

    Announces ChargeImpossible where the customer is linked to no provider. Raises NotFound, NotAllowed for a draft, a voided or a paid
    invoice and for one that a provider is being asked for, Invalid. Source: Lago API, retry of a payment.
    """
    invoice = invoicing.lock_invoice(work, invoice_id)
    if invoice.status != "finalized" or invoice.payment_status == "succeeded":
        raise errors.NotAllowed("invalid_status")
    if store.find_under_way(work.tx, invoice_ids=[invoice.id]) or requests.find_under_way(work.tx, invoice_ids=[invoice.id]):
        raise errors.NotAllowed("payment_processor_is_currently_handling_payment")
    if method is not None:
        found = errors.FieldErrors()
        kind, method_id = given(method.payment_method_type, None), given(method.payment_method_id, None)
        reference = read_reference(work, kind=kind, method_id=method_id, owner=invoice.customer_id, found=found)
        found.raise_if_any()
        if reference.kind == MANUAL:
            return
        store.save_choice(work.tx, organization_id=work.organization_id, invoice_id=invoice.id, reference=reference)
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[invoice.customer_id])
    customer = owners[invoice.customer_id]
    if not store.find_linked(work.tx, customer_ids=[customer.id]):
        work.announce(ChargeImpossible(invoice=invoice, customer=customer, code=NO_PROVIDER))
    else:
        collect(work, [invoice.id])
