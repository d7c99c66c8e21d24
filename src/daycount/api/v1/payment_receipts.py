"""Receipts of payments on the wire."""

from collections.abc import Sequence

from msgspec import Struct

from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.v1 import payments
from daycount.api.v1.payments import PaymentObject
from daycount.api.wire import Stamp, read_path_uuid, stamp
from daycount.infra.work import Work
from daycount.invoicing.papers import store as papers
from daycount.payments import receipts, store
from daycount.payments.records import ShownReceipt

routes = Routes("payment_receipts")


class PaymentReceiptObject(Struct, frozen=True, kw_only=True):
    """A receipt for a payment that succeeded."""

    lago_id: str
    number: str
    file_url: str | None
    xml_url: str | None
    payment: PaymentObject
    created_at: Stamp


def list_to_wire(work: Work, found: Sequence[ShownReceipt]) -> list[PaymentReceiptObject]:
    """Write receipts with their payments. One query."""
    urls = papers.find_urls(work.tx, organization_id=work.organization_id, subject_ids=[shown.receipt.id for shown in found])
    return [_to_wire(shown, urls.get(shown.receipt.id, papers.NOWHERE)) for shown in found]


def _to_wire(shown: ShownReceipt, urls: papers.Urls) -> PaymentReceiptObject:
    receipt = shown.receipt
    return PaymentReceiptObject(
        lago_id=str(receipt.id),
        number=receipt.number,
        file_url=urls.file_url,
        xml_url=urls.xml_url,
        payment=payments.to_wire(shown.shown),
        created_at=stamp(receipt.created_at),
    )


@routes.get("/payment_receipts", returns=PaymentReceiptObject, root_out="payment_receipts", is_list=True, parameters=("invoice_id",))
def find_all_payment_receipts(work: Work, call: Call) -> Page:
    """List receipts, newest first."""
    asked, invoice_id = read_page(call.query), payments.read_invoice_id(call)
    organization_id = work.organization_id
    found = store.list_receipts(work.tx, organization_id=organization_id, invoice_id=invoice_id, limit=asked.per_page, offset=asked.offset)
    total = store.count_receipts(work.tx, organization_id=organization_id, invoice_id=invoice_id)
    return page_of(list_to_wire(work, found), asked=asked, total=total)


@routes.get("/payment_receipts/{lago_id}", returns=PaymentReceiptObject, root_out="payment_receipt")
def find_payment_receipt(work: Work, call: Call) -> PaymentReceiptObject:
    """Find a receipt."""
    shown = receipts.get_receipt(work, read_path_uuid(call.path["lago_id"], "payment_receipt"))
    return list_to_wire(work, [shown])[0]
