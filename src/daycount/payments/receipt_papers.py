"""
Receipts on paper. Each is made right after its payment: there is no other way to ask for one.

It is due at the instant of the receipt, in a lane of its own, so that no customer waits for it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from daycount.infra.work import Work
from daycount.invoicing import store as invoices
from daycount.invoicing.einvoices.compose import traders
from daycount.invoicing.einvoices.records import Category, EInvoice, Line, PaymentMeans, Preceding, Rate, TaxGroup, TypeCode
from daycount.invoicing.papers.compose import Sides, footer, headings, parties
from daycount.invoicing.papers.messages import DocumentKind
from daycount.invoicing.papers.operations import Document, find_sides, keep_documents
from daycount.invoicing.papers.records import Fact, Paper, Row, Section
from daycount.invoicing.records import Invoice
from daycount.money import CURRENCIES
from daycount.payments import store
from daycount.payments.records import ReceiptMade, ShownReceipt
from daycount.payments.requests.store import find_paid_amounts
from daycount.periods import local_date

MAKE_RECEIPT: Final = "make_receipt"
_MOST_TOGETHER: Final = 25


class ReceiptPapers:
    """Makes receipts whose files are found at `public_url`."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url

    def on_receipt_made(self, work: Work, message: ReceiptMade) -> None:
        """Have a receipt put on paper."""
        _put(work, [message.receipt.id], at=work.now)

    def make(self, work: Work, receipt_ids: Sequence[UUID], due_at: datetime) -> None:
        """Make the files of receipts. The agenda calls it. Announces DocumentMade of each. Some eight queries."""
        together = receipt_ids if work.is_sandbox else receipt_ids[:_MOST_TOGETHER]
        found = store.find_receipts(work.tx, organization_id=work.organization_id, receipt_ids=together)
        ids = [paid.id for receipt in found for paid in receipt.shown.invoices]
        paid = {row.id: row for row in invoices.find_invoices(work.tx, organization_id=work.organization_id, ids=ids)}
        amounts = find_paid_amounts(work.tx, organization_id=work.organization_id, invoice_ids=ids)
        firsts = {receipt.receipt.id: paid[receipt.shown.invoices[0].id] for receipt in found}
        sides = find_sides(work, [(first.customer_id, first.billing_entity_id) for first in firsts.values()])
        documents = []
        for receipt in found:
            first = firsts[receipt.receipt.id]
            own = sides[first.customer_id, first.billing_entity_id]
            paper = compose_receipt(receipt, own, paid, amounts)
            einvoice = einvoice_of_receipt(receipt, own, paid, amounts) if own.entity.einvoicing else None
            documents.append(Document(kind=DocumentKind.PAYMENT_RECEIPT, subject_id=receipt.receipt.id, paper=paper, einvoice=einvoice))
        keep_documents(work, documents, public_url=self._public_url)
        _put(work, receipt_ids[len(together) :], at=due_at + timedelta(milliseconds=1))


def _put(work: Work, receipt_ids: Sequence[UUID], *, at: datetime) -> None:
    work.agenda.put_many(MAKE_RECEIPT, [(receipt_id, receipt_id, at) for receipt_id in receipt_ids])


def compose_receipt(receipt: ShownReceipt, sides: Sides, paid: Mapping[UUID, Invoice], amounts: Mapping[tuple[UUID, UUID], int]) -> Paper:
    """Put a receipt on paper in the customer's language. `amounts` is what requests paid of invoices, in minor units."""
    payment, words = receipt.shown.payment, sides.words
    sender, recipient = parties(sides, words, "bill_to", is_swapped=False)
    amount = words.cents(payment.amount_cents, payment.currency)
    rows = []
    for shown in receipt.shown.invoices:
        invoice = paid[shown.id]
        cents = _paid_cents(receipt, shown.id, amounts)
        issued = f"{words['issued']}: {words.day(invoice.issuing_date)}"
        total = words.cents(invoice.total_amount_cents, invoice.currency)
        rows.append(
            Row(name=f"{words['invoice']} {shown.number}", note=issued, unit_price=total, amount=words.cents(cents, payment.currency))
        )
    day = words.day(local_date(payment.created_at, zone=ZoneInfo(paid[receipt.shown.invoices[0].id].zone)))
    return Paper(
        language=words.language,
        logo=sides.logo,
        title=words["receipt"],
        number=receipt.receipt.number,
        mark="",
        facts=[
            Fact(label=words["number"], value=receipt.receipt.number),
            Fact(label=words["paid_on"], value=day),
            *([Fact(label=words["reference"], value=payment.reference)] if payment.reference else []),
        ],
        sender=sender,
        recipient=recipient,
        headline=amount,
        headline_note=f"{words['paid_on']} {day}",
        headings=[headings(words)[0], "", words["total"], "", words["amount"]],
        summary=[],
        summary_word="",
        sections=[Section(title=words["receipt"], days="", rows=rows, total="")],
        totals=[Fact(label=words["already_paid"], value=amount, is_strong=True)],
        notes=footer(sides),
        page_word=words["page"],
    )


def _paid_cents(receipt: ShownReceipt, invoice_id: UUID, amounts: Mapping[tuple[UUID, UUID], int]) -> int:
    payment = receipt.shown.payment
    return payment.amount_cents if payment.payment_request_id is None else amounts[payment.payment_request_id, invoice_id]


def einvoice_of_receipt(
    receipt: ShownReceipt, sides: Sides, paid: Mapping[UUID, Invoice], amounts: Mapping[tuple[UUID, UUID], int]
) -> EInvoice:
    """
    Return a receipt in the terms of EN 16931: a line for each invoice it pays, outside the scope of taxes and paid in full.

    The tax of what was paid stands on the invoices, which it names.
    """
    payment, words = receipt.shown.payment, sides.words
    outside = Rate(category=Category.OUTSIDE, percent=Decimal(0))
    lines = []
    for shown in receipt.shown.invoices:
        cents = _paid_cents(receipt, shown.id, amounts)
        lines.append(
            Line(
                name=f"{words['receipt']} {words['invoice']} {shown.number}",
                about=None,
                quantity=Decimal(1),
                price=Decimal(cents) / CURRENCIES[payment.currency].subunits,
                amount_cents=cents,
                rate=outside,
                first_day=None,
                last_day=None,
            )
        )
    seller, buyer = traders(sides, is_swapped=False, has_vat_numbers=False)
    total = sum(line.amount_cents for line in lines)
    day = local_date(payment.created_at, zone=ZoneInfo(paid[receipt.shown.invoices[0].id].zone))
    return EInvoice(
        number=receipt.receipt.number,
        type_code=TypeCode.INVOICE,
        issuing_date=day,
        due_date=None,
        currency=payment.currency,
        seller=seller,
        buyer=buyer,
        buyer_reference=sides.customer.external_id,
        purchase_order_number=None,
        preceding=[Preceding(shown.number, paid[shown.id].issuing_date) for shown in receipt.shown.invoices],
        lines=lines,
        groups=[TaxGroup(rate=outside, lines_cents=total, allowance_cents=0, tax_cents=0)],
        allowance_reason="",
        prepaid_cents=total,
        rounding_cents=0,
        means=[PaymentMeans.STANDARD if payment.payment_type == "manual" else PaymentMeans.CARD],
        terms=f"{words['paid_on']} {words.day(day)}",
    )
