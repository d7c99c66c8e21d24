"""Receipts: one for every payment that succeeded."""

from uuid import UUID

from daycount import errors
from daycount.customers import store as customers
from daycount.infra.work import Work
from daycount.payments import store
from daycount.payments.records import Payment, Receipt, ReceiptMade, ShownReceipt


def give_receipt(work: Work, payment: Payment) -> None:
    """
    Write the receipt of a payment that succeeded; partners, who bill themselves, get none.

    The caller holds the customer's lane, so that numbers have no gaps. Announces ReceiptMade.
    """
    found = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[payment.customer_id])
    customer = found[payment.customer_id]
    if customer.account_type == "partner":
        return
    number = store.count_receipts_of_customer(work.tx, customer_id=customer.id) + 1
    receipt = Receipt(
        id=work.new_id(),
        organization_id=work.organization_id,
        customer_id=customer.id,
        payment_id=payment.id,
        sequential_id=number,
        number=f"{customer.slug}-RCPT-{number:06}",
        created_at=work.now,
    )
    store.insert_receipt(work.tx, receipt)
    work.announce(ReceiptMade(receipt))


def get_receipt(work: Work, receipt_id: UUID) -> ShownReceipt:
    """Return a receipt with its payment. Raises NotFound."""
    found = store.find_receipt(work.tx, organization_id=work.organization_id, receipt_id=receipt_id)
    if found is None:
        raise errors.NotFound("payment_receipt")
    return found
