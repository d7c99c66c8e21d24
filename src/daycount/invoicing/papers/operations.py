"""Making documents: the PDF of an invoice or a credit note, made when it is first asked for and kept as it is."""

import hashlib
import secrets
from uuid import UUID

from daycount.catalog import store as catalog
from daycount.credit_notes import store as notes
from daycount.credit_notes.records import CreditNote
from daycount.customers import store as customers
from daycount.infra.work import Work
from daycount.invoicing import credit_store, section_store
from daycount.invoicing import store as invoices
from daycount.invoicing.papers import store
from daycount.invoicing.papers.compose import InvoiceFacts, Sides, compose_credit_note, compose_invoice
from daycount.invoicing.papers.records import Paper
from daycount.invoicing.papers.typesetting import typeset
from daycount.invoicing.records import Invoice
from daycount.organizations.entities import store as entities
from daycount.subscriptions import store as subscriptions

PATH = "/files/"


def provide_invoice(work: Work, invoice: Invoice, *, public_url: str) -> str:
    """Return the address of an invoice's PDF, which is made now if it is asked for the first time. `invoice` is finalized."""
    found = store.find_urls(work.tx, organization_id=work.organization_id, subject_ids=[invoice.id])
    return found.get(invoice.id) or keep_paper(work, invoice.id, paper_of_invoice(work, invoice), public_url=public_url)


def provide_credit_note(work: Work, note: CreditNote, *, public_url: str) -> str:
    """Return the address of a credit note's PDF, which is made now if it is asked for the first time. `note` is finalized."""
    found = store.find_urls(work.tx, organization_id=work.organization_id, subject_ids=[note.id])
    return found.get(note.id) or keep_paper(work, note.id, paper_of_credit_note(work, note), public_url=public_url)


def keep_paper(work: Work, subject_id: UUID, paper: Paper, *, public_url: str) -> str:
    """Make the PDF of a paper, keep it with its hash and return its address; one that was made meanwhile stays."""
    content, token = typeset(paper), secrets.token_urlsafe(24)
    file = store.DocumentFile(
        id=work.new_id(),
        organization_id=work.organization_id,
        subject_id=subject_id,
        token=token,
        url=f"{public_url.rstrip('/')}{PATH}{token}.pdf",
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        created_at=work.now,
    )
    store.keep(work.tx, file)
    return store.find_urls(work.tx, organization_id=work.organization_id, subject_ids=[subject_id])[subject_id]


def paper_of_invoice(work: Work, invoice: Invoice) -> Paper:
    """Return what stands on an invoice, a draft's too. Some ten queries."""
    organization_id, ids = work.organization_id, [invoice.id]
    lines = invoices.list_lines(work.tx, organization_id=organization_id, invoice_ids=ids)
    rows = subscriptions.find_subscriptions(work.tx, organization_id=organization_id, ids=[line.subscription_id for line in lines])
    plans = catalog.find_plans(work.tx, organization_id=organization_id, ids=[row.plan_id for row in rows])
    names = {row.id: row.name or plans[row.plan_id].invoice_display_name or plans[row.plan_id].name for row in rows}
    sections = section_store.list_sections(work.tx, organization_id=organization_id, invoice_ids=ids)
    facts = InvoiceFacts(
        invoice=invoice,
        sides=_sides(work, customer_id=invoice.customer_id, entity_id=invoice.billing_entity_id),
        lines=lines,
        fees=invoices.list_fees(work.tx, organization_id=organization_id, invoice_ids=ids),
        credits=credit_store.list_of_invoices(work.tx, organization_id=organization_id, invoice_ids=ids),
        uses=notes.list_uses(work.tx, organization_id=organization_id, invoice_ids=ids),
        subscription_names=names,
        notes=[part for row in sections for part in (row.display_name, row.details) if part],
    )
    return compose_invoice(facts)


def paper_of_credit_note(work: Work, note: CreditNote) -> Paper:
    """Return what stands on a credit note."""
    fees = {fee.id: fee for fee in invoices.list_fees(work.tx, organization_id=work.organization_id, invoice_ids=[note.invoice_id])}
    items = notes.list_items(work.tx, organization_id=work.organization_id, credit_note_ids=[note.id])
    sides = _sides(work, customer_id=note.customer_id, entity_id=note.billing_entity_id)
    return compose_credit_note(note, [(item, fees[item.fee_id]) for item in items], sides)


def _sides(work: Work, *, customer_id: UUID, entity_id: UUID) -> Sides:
    customer = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[customer_id])[customer_id]
    known = entities.list_entities(work.tx, organization_id=work.organization_id)
    return Sides(customer=customer, entity=next(entity for entity in known if entity.id == entity_id))
