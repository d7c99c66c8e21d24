"""Receipts: one for every payment that succeeded."""

from collections.abc import Sequence
from uuid import UUID

from daycount import errors
from daycount.customers import store as customers
from daycount.infra.work import Work
from daycount.payments import store
from daycount.payments.records import Payment, Receipt, ReceiptMade, ShownReceipt


def give_receipts(work: Work, payments: Sequence[Payment]) -> None:
    """
    Write the receipts of payments that succeeded; partners, who bill themselves, get none.

    The caller holds the customers' lanes, so that numbers have no gaps. Announces ReceiptMade for each. Three statements.
    """
    ids = [payment.customer_id for payment in payments]
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=ids)
    counts = store.count_receipts_of_customers(work.tx, customer_ids=ids)
    made = []
    for payment in payments:
        customer = owners[payment.customer_id]
        if customer.account_type == "partner":
            continue
        number = counts[customer.id] = counts.get(customer.id, 0) + 1
        receipt = Receipt(
            id=work.new_id(),
            organization_id=work.organization_id,
            customer_id=customer.id,
            payment_id=payment.id,
            sequential_id=number,
            number=f"{customer.slug}-RCPT-{number:06}",
            created_at=work.now,
        )
        made.append(receipt)
    store.insert_receipts(work.tx, made)
    for receipt in made:
        work.announce(ReceiptMade(receipt))


def get_receipt(work: Work, receipt_id: UUID) -> ShownReceipt:
    """Return a receipt with its payment. Raises NotFound."""
    found = store.find_receipt(work.tx, organization_id=work.organization_id, receipt_id=receipt_id)
    if found is None:
        raise errors.NotFound("payment_receipt")
    return found
