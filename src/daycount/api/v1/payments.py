"""Payments on the wire."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from daycount import errors
from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.wire import Stamp, read_path_uuid, stamp
from daycount.customers.operations import get_customer
from daycount.infra.work import Work
from daycount.organizations.payment_providers.records import CLASS_NAMES
from daycount.payments import operations, store
from daycount.payments.records import PaymentFilter, PaymentInput, ShownPayment

routes = Routes("payments")


class PaymentObject(Struct, frozen=True, kw_only=True):
    """A payment of an invoice or of a payment request, in minor units."""

    lago_id: str
    lago_customer_id: str
    external_customer_id: str
    invoice_ids: Sequence[str]
    invoice_numbers: Sequence[str]
    lago_payable_id: str
    payable_type: str
    amount_cents: int
    amount_currency: str
    status: str
    payment_status: str
    type: str
    reference: str | None
    payment_provider_code: str | None
    payment_provider_type: str | None
    external_payment_id: str | None
    provider_payment_id: str | None
    provider_customer_id: str | None
    payment_method_id: str | None
    next_action: Mapping[str, Any]
    created_at: Stamp


def to_wire(shown: ShownPayment) -> PaymentObject:
    """Write a payment."""
    payment = shown.payment
    return PaymentObject(
        lago_id=str(payment.id),
        lago_customer_id=str(payment.customer_id),
        external_customer_id=shown.external_customer_id,
        invoice_ids=[str(invoice.id) for invoice in shown.invoices],
        invoice_numbers=[invoice.number for invoice in shown.invoices],
        lago_payable_id=str(payment.invoice_id or payment.payment_request_id),
        payable_type="Invoice" if payment.invoice_id is not None else "PaymentRequest",
        amount_cents=payment.amount_cents,
        amount_currency=payment.currency,
        status=payment.provider_status or payment.status,
        payment_status=payment.status,
        type=payment.payment_type,
        reference="" if payment.provider_id is not None else payment.reference,
        payment_provider_code=shown.provider_code,
        payment_provider_type=None if shown.provider_type is None else CLASS_NAMES[shown.provider_type],
        external_payment_id=payment.provider_payment_id,
        provider_payment_id=payment.provider_payment_id,
        provider_customer_id=payment.provider_customer_id,
        payment_method_id=None if payment.payment_method_id is None else str(payment.payment_method_id),
        next_action=payment.next_action,
        created_at=stamp(payment.created_at),
    )


@routes.post("/payments", accepts=PaymentInput, root_in="payment", returns=PaymentObject, root_out="payment")
def create_payment(work: Work, call: Call) -> PaymentObject:
    """Record a payment."""
    return to_wire(operations.record_payment(work, call.body))


@routes.get("/payments", returns=PaymentObject, root_out="payments", is_list=True, parameters=("external_customer_id", "invoice_id"))
def find_all_payments(work: Work, call: Call) -> Page:
    """List payments, newest first."""
    return _list(work, call, PaymentFilter(read_invoice_id(call), call.query.one("external_customer_id")))


@routes.get("/payments/{lago_id}", returns=PaymentObject, root_out="payment")
def find_payment(work: Work, call: Call) -> PaymentObject:
    """Find a payment."""
    return to_wire(operations.get_payment(work, read_path_uuid(call.path["lago_id"], "payment")))


@routes.get(
    "/customers/{external_customer_id}/payments", returns=PaymentObject, root_out="payments", is_list=True, parameters=("invoice_id",)
)
def find_all_customer_payments(work: Work, call: Call) -> Page:
    """List a customer's payments."""
    customer = get_customer(work, call.path["external_customer_id"])
    return _list(work, call, PaymentFilter(read_invoice_id(call), customer.external_id))


def read_invoice_id(call: Call) -> UUID | None:
    """Read the filter by invoice. Raises Invalid for what is no uuid."""
    text = call.query.one("invoice_id")
    try:
        return None if text is None else UUID(text)
    except ValueError as error:
        raise errors.Invalid({"invoice_id": ["value_is_invalid"]}) from error


def _list(work: Work, call: Call, query: PaymentFilter) -> Page:
    asked = read_page(call.query)
    found = store.list_payments(work.tx, organization_id=work.organization_id, query=query, limit=asked.per_page, offset=asked.offset)
    total = store.count_payments(work.tx, organization_id=work.organization_id, query=query)
    return page_of([to_wire(shown) for shown in found], asked=asked, total=total)
