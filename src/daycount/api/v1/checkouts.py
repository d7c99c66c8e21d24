"""Where something can be paid, and a way to pay be left, on the wire."""

from uuid import UUID

from msgspec import Struct

from daycount.payments.checkout.records import Provided


class InvoicePaymentObject(Struct, frozen=True, kw_only=True):
    """Where an invoice can be paid."""

    lago_customer_id: str
    external_customer_id: str
    payment_provider: str
    lago_invoice_id: str
    payment_url: str


class CheckoutObject(Struct, frozen=True, kw_only=True):
    """Where a customer can leave a way to pay."""

    lago_customer_id: str
    external_customer_id: str
    payment_provider: str
    payment_provider_code: str
    checkout_url: str


def invoice_payment_to_wire(provided: Provided, invoice_id: UUID) -> InvoicePaymentObject:
    """Write where an invoice can be paid."""
    return InvoicePaymentObject(
        lago_customer_id=str(provided.customer.id),
        external_customer_id=provided.customer.external_id,
        payment_provider=provided.connection.provider_type,
        lago_invoice_id=str(invoice_id),
        payment_url=provided.url,
    )


def checkout_to_wire(provided: Provided) -> CheckoutObject:
    """Write where a customer can leave a way to pay."""
    return CheckoutObject(
        lago_customer_id=str(provided.customer.id),
        external_customer_id=provided.customer.external_id,
        payment_provider=provided.connection.provider_type,
        payment_provider_code=provided.connection.code,
        checkout_url=provided.url,
    )
