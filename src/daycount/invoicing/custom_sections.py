"""
Custom sections on invoices: which texts an invoice carries, written down when it is made.

    the invoice's own choice → those of its subscriptions, each with its own choice or its customer's → the customer's
    a customer's: none where it skips them → its selection → that of its billing entity
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from daycount.customers import store as customers
from daycount.customers.records import Customer
from daycount.infra.work import Work
from daycount.invoicing import section_store, store
from daycount.invoicing.messages_life import InvoicesFinalized, InvoicesMade
from daycount.invoicing.records import AppliedSection, Invoice
from daycount.organizations.sections import store as sections
from daycount.organizations.sections.records import Choice, Section


def on_invoices_made(work: Work, message: InvoicesMade | InvoicesFinalized) -> None:
    """Write down the sections of invoices that were made or became final."""
    write_sections(work, message.invoices)


def write_sections(work: Work, invoices: Sequence[Invoice]) -> None:
    """Write down which sections invoices carry, in place of those they carried. Some six statements, one where nobody chose any."""
    if not invoices or not sections.has_choices(work.tx, organization_id=work.organization_id):
        return
    ids = [invoice.id for invoice in invoices]
    lines = store.list_lines(work.tx, organization_id=work.organization_id, invoice_ids=ids)
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[invoice.customer_id for invoice in invoices])
    targets = {*ids, *(line.subscription_id for line in lines), *owners, *(owner.entity.id for owner in owners.values())}
    chosen = sections.find_choices(work.tx, organization_id=work.organization_id, target_ids=targets)
    subscriptions: dict[UUID, list[UUID]] = {}
    for line in lines:
        subscriptions.setdefault(line.invoice_id, []).append(line.subscription_id)
    rows = [
        AppliedSection(
            id=work.new_id(),
            organization_id=work.organization_id,
            invoice_id=invoice.id,
            position=position,
            code=section.code,
            display_name=section.shown_name,
            details=section.details or "",
            created_at=work.now,
        )
        for invoice in invoices
        for position, section in enumerate(_of_invoice(invoice, owners[invoice.customer_id], subscriptions.get(invoice.id, []), chosen))
    ]
    section_store.replace_sections(work.tx, invoice_ids=ids, rows=rows)


def _of_invoice(invoice: Invoice, customer: Customer, subscription_ids: Sequence[UUID], chosen: Mapping[UUID, Choice]) -> Iterable[Section]:
    own = chosen.get(invoice.id)
    if own is not None and own.is_made:
        return () if own.is_skipped else own.sections
    inherited = applicable_sections(customer, chosen)
    if not subscription_ids:
        return inherited
    found: dict[UUID, Section] = {}
    for subscription_id in subscription_ids:
        choice = chosen.get(subscription_id)
        if choice is None or not choice.is_made:
            found |= {section.id: section for section in inherited}
        elif not choice.is_skipped:
            found |= {section.id: section for section in choice.sections}
    return found.values()


def applicable_sections(customer: Customer, chosen: Mapping[UUID, Choice]) -> Sequence[Section]:
    """Return the sections of a customer's invoices where nothing on them chose; `chosen` holds its choice and its billing entity's."""
    if customer.skip_invoice_custom_sections:
        return ()
    for target_id in (customer.id, customer.entity.id):
        choice = chosen.get(target_id)
        if choice is not None and choice.sections:
            return choice.sections
    return ()
