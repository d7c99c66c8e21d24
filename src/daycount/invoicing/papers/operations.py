"""Making documents: the files of invoices and credit notes, made when they are first wanted and kept as they are."""

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote
from uuid import UUID

from msgspec import Struct

from daycount.catalog import store as catalog
from daycount.coupons import store as coupons
from daycount.credit_notes import store as notes
from daycount.credit_notes.records import CreditNote
from daycount.customers import store as customers
from daycount.infra.work import Work
from daycount.invoicing import credit_store, section_store
from daycount.invoicing import store as invoices
from daycount.invoicing.einvoices.compose import einvoice_of_credit_note, einvoice_of_invoice
from daycount.invoicing.einvoices.records import EInvoice
from daycount.invoicing.einvoices.writing import embed, write_cii, write_ubl
from daycount.invoicing.papers import store
from daycount.invoicing.papers.compose import InvoiceFacts, NoteFacts, Sides, compose_credit_note, compose_invoice
from daycount.invoicing.papers.messages import DocumentKind, DocumentMade
from daycount.invoicing.papers.records import Paper
from daycount.invoicing.papers.typesetting import typeset, typeset_for_archives
from daycount.invoicing.progressive import store as progressive
from daycount.invoicing.records import Invoice
from daycount.organizations.entities import store as entities
from daycount.subscriptions import store as subscriptions

PATH = "/files/"
_Row = TypeVar("_Row")


class Document(Struct, frozen=True, kw_only=True):
    """A document to be made, with what it says as an electronic invoice where its billing entity has those."""

    kind: DocumentKind
    subject_id: UUID
    paper: Paper
    einvoice: EInvoice | None = None


def provide_invoice(work: Work, invoice: Invoice, *, public_url: str) -> str:
    """Return the address of an invoice's PDF, which is made now if it is the first time. `invoice` is finalized."""
    return provide_invoices(work, [invoice], public_url=public_url)[invoice.id]


def provide_credit_note(work: Work, note: CreditNote, *, public_url: str) -> str:
    """Return the address of a credit note's PDF, which is made now if it is the first time. `note` is finalized."""
    return provide_credit_notes(work, [note], public_url=public_url)[note.id]


def provide_invoices(work: Work, wanted: Sequence[Invoice], *, public_url: str) -> dict[UUID, str]:
    """Return the addresses of the PDFs of finalized invoices, made now where there is none. Announces DocumentMade of each new one."""
    found = store.find_urls(work.tx, organization_id=work.organization_id, subject_ids=[invoice.id for invoice in wanted])
    facts = facts_of_invoices(work, [invoice for invoice in wanted if found.get(invoice.id, store.NOWHERE).file_url is None])
    return keep_documents(work, map(_document_of_invoice, facts), public_url=public_url) | _file_urls(found)


def provide_credit_notes(work: Work, wanted: Sequence[CreditNote], *, public_url: str) -> dict[UUID, str]:
    """Return the addresses of the PDFs of finalized credit notes, made now where there is none. Announces DocumentMade of each new one."""
    found = store.find_urls(work.tx, organization_id=work.organization_id, subject_ids=[note.id for note in wanted])
    facts = facts_of_credit_notes(work, [note for note in wanted if found.get(note.id, store.NOWHERE).file_url is None])
    return keep_documents(work, map(_document_of_credit_note, facts), public_url=public_url) | _file_urls(found)


def provide_invoice_xml(work: Work, invoice: Invoice, *, public_url: str) -> None:
    """Have the files of a finalized invoice made that are not there, where its billing entity has electronic invoices."""
    if _lacks_xml(work, invoice.id, entity_id=invoice.billing_entity_id):
        keep_documents(work, map(_document_of_invoice, facts_of_invoices(work, [invoice])), public_url=public_url)


def provide_credit_note_xml(work: Work, note: CreditNote, *, public_url: str) -> None:
    """Have the files of a finalized credit note made that are not there, where its billing entity has electronic invoices."""
    if _lacks_xml(work, note.id, entity_id=note.billing_entity_id):
        keep_documents(work, map(_document_of_credit_note, facts_of_credit_notes(work, [note])), public_url=public_url)


def _lacks_xml(work: Work, subject_id: UUID, *, entity_id: UUID) -> bool:
    found = store.find_urls(work.tx, organization_id=work.organization_id, subject_ids=[subject_id])
    if found.get(subject_id, store.NOWHERE).xml_url is not None:
        return False
    return any(
        entity.id == entity_id and entity.einvoicing for entity in entities.list_entities(work.tx, organization_id=work.organization_id)
    )


def _document_of_invoice(facts: InvoiceFacts) -> Document:
    einvoice = einvoice_of_invoice(facts) if facts.sides.entity.einvoicing else None
    return Document(kind=DocumentKind.INVOICE, subject_id=facts.invoice.id, paper=compose_invoice(facts), einvoice=einvoice)


def _document_of_credit_note(facts: NoteFacts) -> Document:
    einvoice = einvoice_of_credit_note(facts) if facts.sides.entity.einvoicing else None
    return Document(kind=DocumentKind.CREDIT_NOTE, subject_id=facts.note.id, paper=compose_credit_note(facts), einvoice=einvoice)


def keep_documents(work: Work, documents: Iterable[Document], *, public_url: str) -> dict[UUID, str]:
    """
    Make the files of documents, keep them with their hashes and return the addresses of the PDFs.

    What was made meanwhile by somebody else stays as it is. Announces DocumentMade of each that is new. Three queries.
    """
    made = list(documents)
    if not made:
        return {}
    files = [
        _file(work, document, written, content, public_url=public_url)
        for document in made
        for written, content in _contents(document, at=work.now).items()
    ]
    new = store.keep(work.tx, files)
    for document in made:
        if document.subject_id in new:
            work.announce(DocumentMade(kind=document.kind, subject_id=document.subject_id))
    ids = [document.subject_id for document in made]
    return _file_urls(store.find_urls(work.tx, organization_id=work.organization_id, subject_ids=ids))


def _contents(document: Document, *, at: datetime) -> dict[str, bytes]:
    """Write the files of a document: a PDF; as an electronic invoice one that carries it, and the same by itself."""
    paper, einvoice = document.paper, document.einvoice
    if einvoice is None:
        return {"pdf": typeset(paper, at=at)}
    title = f"{paper.title} {paper.number}"
    pdf = embed(typeset_for_archives(paper, at=at), write_cii(einvoice), language=paper.language, author=paper.sender.name, title=title)
    return {"pdf": pdf, "xml": write_ubl(einvoice)}


def _file(work: Work, document: Document, written: str, content: bytes, *, public_url: str) -> store.DocumentFile:
    """Name a file: what its address holds cannot be guessed, and it ends in the number, by which browsers save it."""
    token = secrets.token_urlsafe(24)
    return store.DocumentFile(
        id=work.new_id(),
        organization_id=work.organization_id,
        subject_id=document.subject_id,
        format=written,
        token=token,
        url=f"{public_url.rstrip('/')}{PATH}{token}/{quote(document.paper.number, safe='')}.{written}",
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        created_at=work.now,
    )


def _file_urls(found: dict[UUID, store.Urls]) -> dict[UUID, str]:
    return {subject_id: urls.file_url for subject_id, urls in found.items() if urls.file_url is not None}


def facts_of_invoices(work: Work, wanted: Sequence[Invoice]) -> list[InvoiceFacts]:
    """Load what the papers of invoices are composed from. Some ten queries whatever their number."""
    if not wanted:
        return []
    organization_id, ids = work.organization_id, [invoice.id for invoice in wanted]
    lines = invoices.list_lines(work.tx, organization_id=organization_id, invoice_ids=ids)
    rows = subscriptions.find_subscriptions(work.tx, organization_id=organization_id, ids=[line.subscription_id for line in lines])
    plans = catalog.find_plans(work.tx, organization_id=organization_id, ids=[row.plan_id for row in rows])
    names = {row.id: row.name or plans[row.plan_id].invoice_display_name or plans[row.plan_id].name for row in rows}
    own_lines = _by_invoice((line.invoice_id, line) for line in lines)
    fees = invoices.list_fees(work.tx, organization_id=organization_id, invoice_ids=ids)
    own_fees = _by_invoice((fee.invoice_id, fee) for fee in fees)
    credits_ = credit_store.list_of_invoices(work.tx, organization_id=organization_id, invoice_ids=ids)
    own_credits = _by_invoice((shown.credit.invoice_id, shown) for shown in credits_)
    given = coupons.find_given(work.tx, organization_id=organization_id, ids=[shown.credit.source_id for shown in credits_])
    reached = progressive.list_reached_of(work.tx, organization_id=organization_id, invoice_ids=ids)
    sections = section_store.list_sections(work.tx, organization_id=organization_id, invoice_ids=ids)
    own_sections = _by_invoice((section.invoice_id, section) for section in sections)
    sides = find_sides(work, [(invoice.customer_id, invoice.billing_entity_id) for invoice in wanted])
    return [
        InvoiceFacts(
            invoice=invoice,
            sides=sides[invoice.customer_id, invoice.billing_entity_id],
            lines=own_lines[invoice.id],
            fees=own_fees[invoice.id],
            credits=own_credits[invoice.id],
            coupons=given,
            thresholds=reached.get(invoice.id, ()),
            subscription_names=names,
            notes=[part for row in own_sections[invoice.id] for part in (row.display_name, row.details) if part],
        )
        for invoice in wanted
    ]


def facts_of_credit_notes(work: Work, wanted: Sequence[CreditNote]) -> list[NoteFacts]:
    """Load what the papers of credit notes are composed from. Five queries whatever their number."""
    if not wanted:
        return []
    invoice_ids = [note.invoice_id for note in wanted]
    fees = {fee.id: fee for fee in invoices.list_fees(work.tx, organization_id=work.organization_id, invoice_ids=invoice_ids)}
    items = notes.list_items(work.tx, organization_id=work.organization_id, credit_note_ids=[note.id for note in wanted])
    own = _by_invoice((item.credit_note_id, (item, fees[item.fee_id])) for item in items)
    sides = find_sides(work, [(note.customer_id, note.billing_entity_id) for note in wanted])
    return [NoteFacts(note=note, items=own[note.id], sides=sides[note.customer_id, note.billing_entity_id]) for note in wanted]


def _by_invoice(pairs: Iterable[tuple[UUID | None, _Row]]) -> defaultdict[UUID, list[_Row]]:
    found: defaultdict[UUID, list[_Row]] = defaultdict(list)
    for owner, row in pairs:
        assert owner is not None, "what was asked for by its owner has one"
        found[owner].append(row)
    return found


def find_sides(work: Work, wanted: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Sides]:
    """Return who bills and who is billed, by the ids of customer and billing entity. Three queries."""
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[customer_id for customer_id, _ in wanted])
    known = {entity.id: entity for entity in entities.list_entities(work.tx, organization_id=work.organization_id)}
    logos = entities.find_logos(work.tx, organization_id=work.organization_id, entity_ids={entity_id for _, entity_id in wanted})
    return {
        (customer, entity): Sides(customer=owners[customer], entity=known[entity], logo=logos.get(entity)) for customer, entity in wanted
    }
