"""
Buying prepaid credits: the invoice of a purchase, and what its payment does to the wallet.

A purchase is billed without tax, coupon or credit. Its credits are there once the invoice is paid; an invoice that must be
paid first is open, which nobody sees, until then.
"""

from fractions import Fraction

from msgspec import structs

from daycount.customers import store as customers
from daycount.customers.records import Customer
from daycount.infra.work import Work
from daycount.invoicing.documents import Heading, find_senders
from daycount.invoicing.messages_life import InvoiceVoided, PaymentStatusChanged
from daycount.invoicing.plain import PlainLine, finalize_open, make_plain_invoice
from daycount.invoicing.records import Invoice
from daycount.organizations import store as organizations
from daycount.wallets import movements
from daycount.wallets import store as wallets
from daycount.wallets.messages import CreditsPurchased
from daycount.wallets.records import Wallet, WalletTransaction

CREDIT = "credit"


def on_credits_purchased(work: Work, message: CreditsPurchased) -> None:
    """Bill credits that are bought, each purchase on an invoice of its own."""
    wallet = message.wallet
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[wallet.customer_id], lock=True)
    for item in message.transactions:
        invoice = _bill(work, wallet, item, owners[wallet.customer_id])
        wallets.set_transactions(work.tx, ids=[item.id], invoice_id=invoice.id)


def _bill(work: Work, wallet: Wallet, item: WalletTransaction, customer: Customer) -> Invoice:
    line = PlainLine(
        fee_type=CREDIT,
        item={
            "type": CREDIT,
            "code": CREDIT,
            "name": CREDIT,
            "description": None,
            "invoice_display_name": item.name or CREDIT,
            "lago_item_id": str(item.id),
            "item_type": "WalletTransaction",
            "filters": None,
            "filter_invoice_display_name": None,
        },
        units=item.credit_amount,
        unit_amount=Fraction(item.amount_cents, wallet.money.subunits) / Fraction(item.credit_amount),
        taxes=(),
        start=work.now,
        end=work.now,
        paper_name=item.name or (f"Prepaid credits - {wallet.name}" if wallet.name else "Prepaid credits"),
    )
    blank = _heading(work, customer, wallet.currency, item.purchase_order_number)
    known = organizations.find_entities(work.tx, organization_id=work.organization_id, codes=[item.billing_entity_code])
    heading = structs.replace(blank, sender=known[0] if known else None, section_sources=(item.id, wallet.id))
    return make_plain_invoice(work, heading, [line], is_open=item.invoice_requires_successful_payment)


def _heading(work: Work, customer: Customer, currency: str, purchase_order_number: str | None) -> Heading:
    return Heading(customer=customer, currency=currency, at=work.now, invoice_type=CREDIT, purchase_order_number=purchase_order_number)


def on_invoice_voided(work: Work, message: InvoiceVoided) -> None:
    """Give up a purchase whose invoice is void before it was paid."""
    if message.invoice.invoice_type == CREDIT:
        movements.fail_purchases(work, invoice_ids=[message.invoice.id], at=work.now)


def on_payment_status_changed(work: Work, message: PaymentStatusChanged) -> None:
    """Give the credits of a purchase that is paid, or mark it as failed; an open invoice that is paid is finalized."""
    invoice = message.invoice
    if invoice.invoice_type != CREDIT:
        return
    is_offset = invoice.payment_status == "succeeded" and invoice.offset_amount_cents >= invoice.total_amount_cents
    if invoice.payment_status == "failed" or is_offset:
        movements.fail_purchases(work, invoice_ids=[invoice.id], at=work.now)
    if invoice.payment_status != "succeeded" or is_offset:
        return
    movements.settle_purchases(work, invoice_ids=[invoice.id], at=work.now)
    if invoice.status == "open":
        owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[invoice.customer_id], lock=True)
        sender = find_senders(work, [invoice], owners)[invoice.billing_entity_id]
        blank = _heading(work, owners[invoice.customer_id], invoice.currency, invoice.purchase_order_number)
        heading = structs.replace(blank, sender=sender)
        finalize_open(work, invoice, heading)
