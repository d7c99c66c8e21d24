"""
Writing e-mails to the outbox, in the transaction of what they tell of.

`tell_…` are for things that happen; they write only where the billing entity's settings ask for it, and where sender and recipient
have an address. The same drafts are used when something is sent again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from daycount.credit_notes.records import CreditNote
from daycount.dunning import store as dunning
from daycount.infra.work import Work
from daycount.invoicing import store as invoices
from daycount.invoicing.papers.compose import Sides
from daycount.invoicing.papers.operations import find_sides
from daycount.invoicing.records import Invoice
from daycount.mails import store
from daycount.mails.records import Mail, Status
from daycount.mails.words import phrases_of
from daycount.organizations import store as organizations
from daycount.payments.records import ShownReceipt
from daycount.payments.requests.records import ShownRequest
from daycount.periods import local_date

INVOICE: Final = "invoice.finalized"
CREDIT_NOTE: Final = "credit_note.created"
RECEIPT: Final = "payment_receipt.created"
REQUEST: Final = "payment_request.created"
_MOST_ATTACHED: Final = 20
_templates = Environment(loader=PackageLoader("daycount.mails"), autoescape=select_autoescape(), undefined=StrictUndefined)


class Draft(NamedTuple):
    """An e-mail before it is addressed: `texts` fill the phrases, `rows` are labels and values below them, `link` where to pay."""

    email_type: str
    document_type: str
    document_id: UUID
    number: str
    sides: Sides
    phrases: tuple[str, str]
    texts: Mapping[str, str]
    rows: Sequence[tuple[str, str]]
    attachments: Sequence[tuple[str, UUID, str]]
    link: str | None = None


class Address(NamedTuple):
    """To whom an e-mail goes, beside the customer."""

    to: Sequence[str]
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()


def draft_invoices(work: Work, found: Sequence[Invoice]) -> list[Draft]:
    """Return the drafts about finalized invoices. Three queries."""
    sides = find_sides(work, [(invoice.customer_id, invoice.billing_entity_id) for invoice in found])
    return [_of_invoice(invoice, sides[invoice.customer_id, invoice.billing_entity_id]) for invoice in found]


def _of_invoice(invoice: Invoice, sides: Sides) -> Draft:
    words = sides.words
    amount = words.cents(invoice.total_amount_cents, invoice.currency)
    due = words.day(invoice.payment_due_date)
    rows = [
        (words["number"], invoice.number),
        (words["issued"], words.day(invoice.issuing_date)),
        (words["total"], amount),
        (words["due"], due),
    ]
    attached = [("invoice", invoice.id, invoice.number)]
    texts = {"number": invoice.number, "amount": amount, "due": due}
    return Draft(INVOICE, "Invoice", invoice.id, invoice.number, sides, phrases_of(words).invoice, texts, rows, attached)


def draft_credit_note(work: Work, note: CreditNote) -> Draft:
    """Return the draft about a credit note."""
    pair = (note.customer_id, note.billing_entity_id)
    sides = find_sides(work, [pair])[pair]
    words = sides.words
    amount = words.cents(note.total_amount_cents, note.currency)
    rows = [(words["number"], note.number), (words["invoice"], note.invoice_number), (words["total"], amount)]
    attached = [("credit_note", note.id, note.number)]
    texts = {"number": note.number, "amount": amount}
    return Draft(CREDIT_NOTE, "CreditNote", note.id, note.number, sides, phrases_of(words).credit_note, texts, rows, attached)


def draft_receipt(work: Work, shown: ShownReceipt) -> Draft:
    """Return the draft about a receipt; it comes from whoever sent the first of the invoices that were paid."""
    receipt, payment = shown.receipt, shown.shown.payment
    [first] = invoices.find_invoices(work.tx, organization_id=work.organization_id, ids=[shown.shown.invoices[0].id])
    pair = (first.customer_id, first.billing_entity_id)
    sides = find_sides(work, [pair])[pair]
    words = sides.words
    amount = words.cents(payment.amount_cents, payment.currency)
    day = words.day(local_date(payment.created_at, zone=ZoneInfo(first.zone)))
    numbers = ", ".join(paid.number for paid in shown.shown.invoices)
    rows = [(words["number"], receipt.number), (words["invoice"], numbers), (words["issued"], day), (words["total"], amount)]
    attached = [("payment_receipt", receipt.id, receipt.number)]
    texts = {"number": receipt.number, "amount": amount}
    return Draft(RECEIPT, "PaymentReceipt", receipt.id, receipt.number, sides, phrases_of(words).receipt, texts, rows, attached)


def draft_request(work: Work, shown: ShownRequest) -> Draft:
    """Return the draft about a payment request: each invoice with what is due of it."""
    request = shown.request
    pair = (request.customer_id, request.billing_entity_id)
    sides = find_sides(work, [pair])[pair]
    words = sides.words
    found = invoices.find_invoices(work.tx, organization_id=work.organization_id, ids=shown.invoice_ids)
    found = sorted(found, key=lambda invoice: (invoice.issuing_date, invoice.number))
    amount = words.cents(request.amount_cents, request.currency)
    rows = [(f"{words['invoice']} {one.number}", words.cents(one.total_due_amount_cents, one.currency)) for one in found]
    attached = [("invoice", one.id, one.number) for one in found[:_MOST_ATTACHED]]
    texts = {"amount": amount, "numbers": ", ".join(one.number for one in found)}
    rows.append((words["total"], amount))
    return Draft(REQUEST, "PaymentRequest", request.id, "", sides, phrases_of(words).request, texts, rows, attached)


def sender_address(work: Work, draft: Draft) -> str | None:
    """Return the address of the billing entity; of the default one, the organization's where it has none of its own."""
    entity = draft.sides.entity
    own = entity.texts["email"]
    if own or not entity.is_default:
        return own
    organization = organizations.find_organization(work.tx, work.organization_id)
    return None if organization is None else organization.email


def own_addresses(draft: Draft) -> list[str]:
    """Return the addresses of the customer, who may have several with commas between."""
    return [part.strip() for part in (draft.sides.customer.texts["email"] or "").split(",") if part.strip()]


def write(work: Work, draft: Draft, *, sender: str, address: Address, is_resend: bool) -> Mail:
    """Return an e-mail to be put into the outbox."""
    customer, entity, words = draft.sides.customer, draft.sides.entity, draft.sides.words
    sender_name = entity.texts["legal_name"] or entity.name
    names = customer.texts
    person = " ".join(part for part in (names["firstname"], names["lastname"]) if part)
    texts = {**draft.texts, "sender": sender_name, "name": names["legal_name"] or names["name"] or person or customer.external_id}
    subject = " ".join(draft.phrases[0].format(**texts).split())
    seen: dict[str, Any] = {
        "language": words.language,
        "subject": subject,
        "greeting": phrases_of(words).greeting.format(**texts),
        "sentence": draft.phrases[1].format(**texts),
        "rows": [{"label": label, "value": value} for label, value in draft.rows],
        "link": draft.link,
        "pay": phrases_of(words).pay,
        "closing": phrases_of(words).closing,
        "sender": sender_name,
    }
    return Mail(
        id=work.new_id(),
        organization_id=work.organization_id,
        customer_id=customer.id,
        external_customer_id=customer.external_id,
        email_type=draft.email_type,
        document_type=draft.document_type,
        document_id=draft.document_id,
        document_number=draft.number,
        is_resend=is_resend,
        sender_name=sender_name,
        reply_to=sender,
        recipients=list(address.to),
        cc=list(address.cc),
        bcc=list(address.bcc),
        subject=subject,
        text=_templates.get_template("mail.txt").render(seen),
        html=_templates.get_template("mail.html").render(seen),
        attachments=[{"kind": kind, "id": str(subject_id), "number": number} for kind, subject_id, number in draft.attachments],
        status=Status.PENDING,
        attempts=0,
        error=None,
        created_at=work.now,
        last_attempt_at=None,
        next_attempt_at=store.AT_ONCE,
    )


def _tell(work: Work, drafts: Sequence[Draft]) -> None:
    """Write e-mails to customers whose billing entities ask for them. One statement, and the search for a sender."""
    found = []
    for draft in drafts:
        to = own_addresses(draft)
        sender = sender_address(work, draft) if to and draft.email_type in draft.sides.entity.email_settings else None
        if sender:
            found.append(write(work, draft, sender=sender, address=Address(to), is_resend=False))
    store.insert_mails(work.tx, found)


def tell_invoices(work: Work, found: Sequence[Invoice]) -> None:
    """Tell customers of final invoices that hold fees."""
    final = [invoice for invoice in found if invoice.status == "finalized" and invoice.fees_amount_cents]
    if final and _is_asked_for(work, INVOICE):
        _tell(work, draft_invoices(work, final))


def tell_credit_note(work: Work, note: CreditNote) -> None:
    """Tell a customer of a credit note."""
    if _is_asked_for(work, CREDIT_NOTE):
        _tell(work, [draft_credit_note(work, note)])


def tell_receipt(work: Work, shown: ShownReceipt) -> None:
    """Tell a customer of a receipt."""
    if _is_asked_for(work, RECEIPT) and shown.shown.invoices:
        _tell(work, [draft_receipt(work, shown)])


def tell_request(work: Work, shown: ShownRequest, *, link: str | None) -> None:
    """Ask a customer to pay, at the address `link` if there is one; copies go to whom the dunning campaign names, if one asked."""
    request = shown.request
    to = [part.strip() for part in (request.email or "").split(",") if part.strip()]
    if not to:
        return
    draft = draft_request(work, shown)._replace(link=link)
    sender = sender_address(work, draft)
    if not sender:
        return
    bcc: Sequence[str] = ()
    if request.dunning_campaign_id is not None:
        found = dunning.find_campaigns(work.tx, organization_id=work.organization_id, ids=[request.dunning_campaign_id])
        bcc = found[request.dunning_campaign_id].bcc_emails
    store.insert_mails(work.tx, [write(work, draft, sender=sender, address=Address(to, bcc=bcc), is_resend=False)])


def _is_asked_for(work: Work, email_type: str) -> bool:
    """Tell whether any billing entity has e-mails of a type sent. One small query."""
    return store.is_asked_for(work.tx, organization_id=work.organization_id, email_type=email_type)
