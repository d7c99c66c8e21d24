"""Credit notes on the wire."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, structs

from daycount.api.entities import read_entities
from daycount.api.paging import Page, page_of, read_page
from daycount.api.query import Query
from daycount.api.routing import Call, Routes
from daycount.api.v1 import customers as customers_wire
from daycount.api.v1.invoices import FeeObject, fee_to_wire
from daycount.api.v1.taxes import Rate
from daycount.api.wire import Day, DecimalText, Stamp, read_path_uuid, stamp, stamp_or_none, text
from daycount.credit_notes import operations, store
from daycount.credit_notes.records import (
    CREDIT_STATUSES,
    REASONS,
    REFUND_STATUSES,
    TYPES,
    CreditNote,
    CreditNoteChanges,
    CreditNoteFilter,
    CreditNoteInput,
    CreditNoteItem,
)
from daycount.customers import store as customers
from daycount.customers.operations import get_customer
from daycount.customers.records import Customer
from daycount.infra.work import Work
from daycount.invoicing import crediting
from daycount.invoicing import store as invoices
from daycount.invoicing.papers import operations as paper_operations
from daycount.invoicing.papers import store as papers
from daycount.mails.operations import resend_credit_note
from daycount.mails.records import Recipients
from daycount.subscriptions import store as subscriptions

routes = Routes("credit_notes")
_Metadata = Mapping[str, str | None] | None
LIST_PARAMETERS = (
    "external_customer_id",
    "amount_from",
    "amount_to",
    "billing_entity_codes[]",
    "credit_status[]",
    "currency",
    "invoice_number",
    "purchase_order_number",
    "issuing_date_from",
    "issuing_date_to",
    "reason[]",
    "refund_status[]",
    "self_billed",
    "types[]",
    "search_term",
)


class CreditNoteItemObject(Struct, frozen=True, kw_only=True):
    """What is given back of one fee, in minor units without taxes."""

    lago_id: str
    amount_cents: int
    precise_amount_cents: DecimalText
    amount_currency: str
    fee: FeeObject


class NotedTaxObject(Struct, frozen=True, kw_only=True):
    """A tax of a credit note; of an estimate without ids."""

    lago_tax_id: str | None
    tax_name: str
    tax_code: str
    tax_rate: Rate
    tax_description: str | None
    base_amount_cents: int
    amount_cents: int
    amount_currency: str
    lago_id: str | UnsetType = UNSET
    lago_credit_note_id: str | UnsetType = UNSET
    created_at: Stamp | UnsetType = UNSET


class CreditNoteObject(Struct, frozen=True, kw_only=True):
    """A credit note; amounts in minor units."""

    lago_id: str
    billing_entity_code: str
    sequential_id: int
    number: str
    lago_invoice_id: str
    invoice_number: str
    purchase_order_number: str | None
    issuing_date: Day
    credit_status: str
    refund_status: str | None
    refunded_at: Stamp | None
    reason: str
    description: str | None
    currency: str
    total_amount_cents: int
    precise_total_amount_cents: DecimalText
    taxes_amount_cents: int
    precise_taxes_amount_cents: DecimalText
    sub_total_excluding_taxes_amount_cents: int
    balance_amount_cents: int
    credit_amount_cents: int
    refund_amount_cents: int
    offset_amount_cents: int
    coupons_adjustment_amount_cents: int
    taxes_rate: Rate
    created_at: Stamp
    updated_at: Stamp
    file_url: str | None
    xml_url: str | None
    self_billed: bool
    customer: customers_wire.CustomerObject
    items: Sequence[CreditNoteItemObject]
    applied_taxes: Sequence[NotedTaxObject]
    error_details: Sequence[Any]
    metadata: Mapping[str, str | None] | UnsetType = UNSET


class EstimatedItemObject(Struct, frozen=True, kw_only=True):
    """One item of an estimate."""

    lago_fee_id: str
    amount_cents: int


class EstimatedCreditNoteObject(Struct, frozen=True, kw_only=True):
    """What a credit note would come to, and what of it can be given back in which way."""

    lago_invoice_id: str
    invoice_number: str
    currency: str
    taxes_amount_cents: int
    precise_taxes_amount_cents: DecimalText
    sub_total_excluding_taxes_amount_cents: int
    max_creditable_amount_cents: int
    max_refundable_amount_cents: int
    max_offsettable_amount_cents: int
    coupons_adjustment_amount_cents: int
    precise_coupons_adjustment_amount_cents: DecimalText
    taxes_rate: Rate
    items: Sequence[EstimatedItemObject]
    applied_taxes: Sequence[NotedTaxObject]


class MetadataBody(Struct, frozen=True, kw_only=True):
    """Metadata as a caller gives it."""

    metadata: Any = UNSET


def list_to_wire(work: Work, notes: Sequence[CreditNote]) -> list[CreditNoteObject]:
    """Write credit notes with their items. Five queries."""
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[note.customer_id for note in notes])
    items = store.list_items(work.tx, organization_id=work.organization_id, credit_note_ids=[note.id for note in notes])
    fees = invoices.list_fees(work.tx, organization_id=work.organization_id, invoice_ids=[note.invoice_id for note in notes])
    named = {fee.id: fee for fee in fees if fee.id in {item.fee_id for item in items}}
    ids = [fee.subscription_id for fee in named.values() if fee.subscription_id is not None]
    by_id = {row.id: row for row in subscriptions.find_subscriptions(work.tx, organization_id=work.organization_id, ids=ids)}
    customer_of = {note.invoice_id: owners[note.customer_id] for note in notes}
    self_billed = {note.invoice_id for note in notes if note.self_billed}
    shown = {
        fee.id: fee_to_wire(
            fee,
            by_id[fee.subscription_id] if fee.subscription_id else None,
            customer=customer_of.get(fee.invoice_id),
            is_self_billed=fee.invoice_id in self_billed,
        )
        for fee in named.values()
        if fee.invoice_id is not None
    }
    own: dict[UUID, list[CreditNoteItem]] = {note.id: [] for note in notes}
    for item in items:
        own[item.credit_note_id].append(item)
    codes = invoices.find_entity_codes(work.tx, organization_id=work.organization_id, invoice_ids=[note.invoice_id for note in notes])
    urls = papers.find_urls(work.tx, organization_id=work.organization_id, subject_ids=[note.id for note in notes])
    return [
        structs.replace(
            _to_wire(note, owners[note.customer_id], own[note.id], shown, entity_code=codes[note.invoice_id]),
            file_url=urls.get(note.id, papers.NOWHERE).file_url,
            xml_url=urls.get(note.id, papers.NOWHERE).xml_url,
        )
        for note in notes
    ]


def _to_wire(
    note: CreditNote, customer: Customer, items: Sequence[CreditNoteItem], fees: Mapping[UUID, FeeObject], *, entity_code: str
) -> CreditNoteObject:
    assert note.sequential_id is not None
    return CreditNoteObject(
        lago_id=str(note.id),
        billing_entity_code=entity_code,
        sequential_id=note.sequential_id,
        number=note.number,
        lago_invoice_id=str(note.invoice_id),
        invoice_number=note.invoice_number,
        purchase_order_number=note.purchase_order_number,
        issuing_date=note.issuing_date.isoformat(),
        credit_status=note.credit_status,
        refund_status=note.refund_status,
        refunded_at=stamp_or_none(note.refunded_at),
        reason=note.reason,
        description=note.description,
        currency=note.currency,
        total_amount_cents=note.total_amount_cents,
        precise_total_amount_cents=text(note.precise_total_amount_cents),
        taxes_amount_cents=note.taxes_amount_cents,
        precise_taxes_amount_cents=text(note.precise_taxes_amount_cents),
        sub_total_excluding_taxes_amount_cents=note.sub_total_excluding_taxes_amount_cents,
        balance_amount_cents=note.balance_amount_cents,
        credit_amount_cents=note.credit_amount_cents,
        refund_amount_cents=note.refund_amount_cents,
        offset_amount_cents=note.offset_amount_cents,
        coupons_adjustment_amount_cents=note.coupons_adjustment_amount_cents,
        taxes_rate=float(note.taxes_rate),  # a JSON number by contract; nothing is computed with it
        created_at=stamp(note.created_at),
        updated_at=stamp(note.updated_at),
        file_url=None,
        xml_url=None,
        self_billed=note.self_billed,
        customer=customers_wire.to_wire(customer),
        items=[
            CreditNoteItemObject(
                lago_id=str(item.id),
                amount_cents=item.amount_cents,
                precise_amount_cents=text(item.precise_amount_cents),
                amount_currency=note.currency,
                fee=fees[item.fee_id],
            )
            for item in items
        ],
        applied_taxes=[
            NotedTaxObject(
                lago_id=str(tax.id),
                lago_credit_note_id=str(note.id),
                lago_tax_id=None if tax.tax_id is None else str(tax.tax_id),
                tax_name=tax.name,
                tax_code=tax.code,
                tax_rate=float(tax.rate),  # a JSON number by contract; nothing is computed with it
                tax_description=tax.description,
                base_amount_cents=tax.base_cents,
                amount_cents=tax.amount_cents,
                amount_currency=note.currency,
                created_at=stamp(note.created_at),
            )
            for tax in note.applied_taxes
        ],
        error_details=[],
        metadata=UNSET if note.metadata is None else note.metadata,
    )


def _one(work: Work, note: CreditNote) -> CreditNoteObject:
    return list_to_wire(work, [note])[0]


def _id(call: Call) -> UUID:
    return read_path_uuid(call.path["lago_id"], "credit_note")


def _known(values: tuple[str, ...], allowed: Sequence[str]) -> tuple[str, ...]:
    """Return the values that there are; those of no known set are passed over, as the contract has it."""
    return tuple(value for value in values if value in allowed)


def read_filter(work: Work, query: Query) -> CreditNoteFilter:
    """Read the filters of the list. Raises NotFound (billing_entity), Invalid for amounts that are no numbers."""
    return CreditNoteFilter(
        entity_ids=read_entities(work, query),
        external_customer_id=query.one("external_customer_id"),
        amount_from=query.integer("amount_from"),
        amount_to=query.integer("amount_to"),
        credit_statuses=_known(query.many("credit_status"), CREDIT_STATUSES),
        currency=query.one("currency"),
        invoice_number=query.one("invoice_number"),
        purchase_order_number=query.one("purchase_order_number"),
        issuing_date_from=query.day("issuing_date_from"),
        issuing_date_to=query.day("issuing_date_to"),
        reasons=_known(query.many("reason"), REASONS),
        refund_statuses=_known(query.many("refund_status"), REFUND_STATUSES),
        self_billed=query.flag("self_billed"),
        types=_known(query.many("types"), TYPES),
        search_term=query.one("search_term"),
    )


def _list(work: Work, call: Call, query: CreditNoteFilter) -> Page:
    asked = read_page(call.query)
    found = store.list_credit_notes(work.tx, organization_id=work.organization_id, query=query, limit=asked.per_page, offset=asked.offset)
    total = store.count_credit_notes(work.tx, organization_id=work.organization_id, query=query)
    return page_of(list_to_wire(work, found), asked=asked, total=total)


@routes.post("/credit_notes", accepts=CreditNoteInput, root_in="credit_note", returns=CreditNoteObject, root_out="credit_note")
def create_credit_note(work: Work, call: Call) -> CreditNoteObject:
    """Make a credit note of an invoice."""
    return _one(work, crediting.create_credit_note(work, call.body))


@routes.post(
    "/credit_notes/estimate",
    accepts=CreditNoteInput,
    root_in="credit_note",
    returns=EstimatedCreditNoteObject,
    root_out="estimated_credit_note",
)
def estimate_credit_note(work: Work, call: Call) -> EstimatedCreditNoteObject:
    """Work out what a credit note would come to; nothing is stored."""
    estimate = crediting.estimate_credit_note(work, call.body)
    invoice, worth = estimate.basis.invoice, estimate.worth
    return EstimatedCreditNoteObject(
        lago_invoice_id=str(invoice.id),
        invoice_number=invoice.number,
        currency=invoice.currency,
        taxes_amount_cents=estimate.taxes_cents,
        precise_taxes_amount_cents=text(worth.precise_taxes_cents),
        sub_total_excluding_taxes_amount_cents=worth.sub_total_cents,
        max_creditable_amount_cents=estimate.max_creditable_cents,
        max_refundable_amount_cents=estimate.max_refundable_cents,
        max_offsettable_amount_cents=estimate.max_offsettable_cents,
        coupons_adjustment_amount_cents=worth.coupons_cents,
        precise_coupons_adjustment_amount_cents=text(worth.precise_coupons_cents),
        taxes_rate=float(worth.taxes_rate),  # a JSON number by contract; nothing is computed with it
        items=[EstimatedItemObject(lago_fee_id=str(item.fee.fee_id), amount_cents=int(item.amount)) for item in worth.items],
        applied_taxes=[
            NotedTaxObject(
                lago_tax_id=None if line.tax.tax_id is None else str(line.tax.tax_id),
                tax_name=line.tax.name,
                tax_code=line.tax.code,
                tax_rate=float(line.tax.rate),  # a JSON number by contract; nothing is computed with it
                tax_description=line.tax.description,
                base_amount_cents=line.base_cents,
                amount_cents=line.amount_cents,
                amount_currency=invoice.currency,
            )
            for line in worth.taxes
        ],
    )


@routes.get("/credit_notes", returns=CreditNoteObject, root_out="credit_notes", is_list=True, parameters=LIST_PARAMETERS)
def find_all_credit_notes(work: Work, call: Call) -> Page:
    """List credit notes, the newest first."""
    return _list(work, call, read_filter(work, call.query))


@routes.get(
    "/customers/{external_customer_id}/credit_notes",
    returns=CreditNoteObject,
    root_out="credit_notes",
    is_list=True,
    parameters=LIST_PARAMETERS[1:],
)
def find_all_customer_credit_notes(work: Work, call: Call) -> Page:
    """List the credit notes of a customer."""
    customer = get_customer(work, call.path["external_customer_id"])
    return _list(work, call, structs.replace(read_filter(work, call.query), external_customer_id=customer.external_id))


@routes.get("/credit_notes/{lago_id}", returns=CreditNoteObject, root_out="credit_note")
def find_credit_note(work: Work, call: Call) -> CreditNoteObject:
    """Find a credit note by its id."""
    return _one(work, operations.get_credit_note(work, _id(call)))


@routes.put("/credit_notes/{lago_id}", accepts=CreditNoteChanges, root_in="credit_note", returns=CreditNoteObject, root_out="credit_note")
def update_credit_note(work: Work, call: Call) -> CreditNoteObject:
    """Say what became of a refund, and add metadata."""
    return _one(work, operations.update_credit_note(work, _id(call), call.body))


@routes.put("/credit_notes/{lago_id}/void", returns=CreditNoteObject, root_out="credit_note")
def void_credit_note(work: Work, call: Call) -> CreditNoteObject:
    """Take back what is left of a credit note."""
    return _one(work, operations.void_credit_note(work, _id(call)))


@routes.post("/credit_notes/{lago_id}/download", returns=CreditNoteObject, root_out="credit_note")
def download_credit_note(work: Work, call: Call) -> CreditNoteObject:
    """Have the PDF of a credit note made, and read where it is."""
    return _provide_pdf(work, call)


@routes.post("/credit_notes/{lago_id}/download_pdf", returns=CreditNoteObject, root_out="credit_note")
def download_credit_note_pdf(work: Work, call: Call) -> CreditNoteObject:
    """Have the PDF of a credit note made, the way some clients say it."""
    return _provide_pdf(work, call)


def _provide_pdf(work: Work, call: Call) -> CreditNoteObject:
    note = operations.get_credit_note(work, _id(call))
    paper_operations.provide_credit_note(work, note, public_url=call.services.settings.public_url)
    return _one(work, note)


@routes.post("/credit_notes/{lago_id}/download_xml", returns=CreditNoteObject, root_out="credit_note")
def download_credit_note_xml(work: Work, call: Call) -> CreditNoteObject:
    """Have the XML of a credit note made, and read where it is; there is none where the billing entity has no electronic invoices."""
    note = operations.get_credit_note(work, _id(call))
    paper_operations.provide_credit_note_xml(work, note, public_url=call.services.settings.public_url)
    return _one(work, note)


@routes.post("/credit_notes/{lago_id}/resend_email", accepts=Recipients, is_body_optional=True)
def resend_credit_note_email(work: Work, call: Call) -> None:
    """Send a credit note by e-mail again."""
    resend_credit_note(work, _id(call), call.body)


@routes.post("/credit_notes/{lago_id}/metadata", accepts=MetadataBody, returns=_Metadata, root_out="metadata")
def replace_credit_note_metadata(work: Work, call: Call) -> _Metadata:
    """Put other metadata in the place of what a credit note has."""
    return operations.replace_metadata(work, _id(call), call.body.metadata or {}).metadata


@routes.put("/credit_notes/{lago_id}/metadata", accepts=MetadataBody, returns=_Metadata, root_out="metadata")
def put_credit_note_metadata(work: Work, call: Call) -> _Metadata:
    """Add to the metadata of a credit note, the way some clients say it."""
    return operations.merge_into_metadata(work, _id(call), call.body.metadata or {}).metadata


@routes.add("PATCH", "/credit_notes/{lago_id}/metadata", accepts=MetadataBody, returns=_Metadata, root_out="metadata")
def merge_credit_note_metadata(work: Work, call: Call) -> _Metadata:
    """Add to the metadata of a credit note."""
    return operations.merge_into_metadata(work, _id(call), call.body.metadata or {}).metadata


@routes.delete("/credit_notes/{lago_id}/metadata", returns=_Metadata, root_out="metadata")
def delete_credit_note_metadata(work: Work, call: Call) -> _Metadata:
    """Remove the metadata of a credit note."""
    return operations.delete_metadata(work, _id(call)).metadata


@routes.delete("/credit_notes/{lago_id}/metadata/{key}", returns=_Metadata, root_out="metadata")
def delete_credit_note_metadata_key(work: Work, call: Call) -> _Metadata:
    """Remove one pair of the metadata of a credit note."""
    return operations.delete_metadata(work, _id(call), key=call.path["key"]).metadata
