"""
What callers do to invoices: change, refresh, finalize, delete, void, lose a dispute, try again.

Every use case holds the customer's lane and locks the invoice, so that nothing of the customer is billed meanwhile.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import UnsetType, structs

from daycount import errors
from daycount.customers.operations import lane_of
from daycount.customers.vat.store import find_waiting
from daycount.infra.work import Work
from daycount.invoicing import drafts, store
from daycount.invoicing.deadlines import OVERDUE, set_deadlines
from daycount.invoicing.fields import InvoiceInput, read_metadata, read_payment_status
from daycount.invoicing.messages_life import DisputeLost, InvoiceDeleted, InvoicesOverdue, InvoiceVoided, PaymentStatusChanged
from daycount.invoicing.records import VISIBLE_STATUSES, Invoice
from daycount.usage.port import EventStore


def get_invoice(work: Work, invoice_id: UUID) -> Invoice:
    """Return a visible invoice. Raises NotFound."""
    invoice = store.find_invoice(work.tx, organization_id=work.organization_id, invoice_id=invoice_id)
    if invoice is None:
        raise errors.NotFound("invoice")
    return invoice


def lock_invoice(work: Work, invoice_id: UUID) -> Invoice:
    """Hold the lane of the customer and lock a visible invoice. Raises NotFound."""
    work.agenda.hold(lane_of(get_invoice(work, invoice_id).customer_id))
    invoice = store.find_invoice(work.tx, organization_id=work.organization_id, invoice_id=invoice_id, lock=True)
    if invoice is None:
        raise errors.NotFound("invoice")
    return invoice


def _lock_visible_or_open(work: Work, invoice_id: UUID) -> Invoice:
    """Hold the lane of the customer and lock an invoice that may be said to be paid. Raises NotFound."""
    seen = store.find_invoices(work.tx, organization_id=work.organization_id, ids=[invoice_id])
    if not seen or seen[0].status not in (*VISIBLE_STATUSES, "open"):
        raise errors.NotFound("invoice")
    work.agenda.hold(lane_of(seen[0].customer_id))
    [invoice] = store.find_invoices(work.tx, organization_id=work.organization_id, ids=[invoice_id], lock=True)
    return invoice


def update_invoice(work: Work, invoice_id: UUID, changes: InvoiceInput) -> Invoice:
    """
    Set payment status and metadata.

    Said to be paid, it counts as paid in full; when that is taken back, all but its recorded payments is due again.
    Raises NotFound, Invalid, NotAllowed.
    """
    invoice = _lock_visible_or_open(work, invoice_id)
    if invoice.status == "voided":
        raise errors.NotAllowed("update_on_voided_invoice")
    payment_status = read_payment_status(invoice, changes)
    metadata = invoice.metadata if isinstance(changes.metadata, UnsetType) else read_metadata(work, invoice, changes.metadata)
    changed = structs.replace(invoice, metadata=metadata, updated_at=work.now)
    if payment_status != invoice.payment_status:
        set_payment_status(work, changed, payment_status)
        # Who listens may have changed what was paid, and made an open invoice final or closed it.
        return store.find_invoices(work.tx, organization_id=work.organization_id, ids=[invoice.id])[0]
    store.update_invoices(work.tx, [changed])
    return changed


def settle_by_offset(work: Work, invoice: Invoice) -> Invoice:
    """Write an invoice of which nothing is due any more, because credit notes took the rest off. Announces PaymentStatusChanged."""
    return _set_payment_status(work, invoice, "succeeded")


def set_payment_status(work: Work, invoice: Invoice, payment_status: str) -> Invoice:
    """Write an invoice that somebody says is paid, or is not any more. Announces PaymentStatusChanged."""
    paid = invoice.total_paid_amount_cents
    if payment_status == "succeeded":
        paid = max(invoice.total_amount_cents - invoice.offset_amount_cents, 0)
    elif invoice.payment_status == "succeeded":
        paid = 0
    return _set_payment_status(work, structs.replace(invoice, total_paid_amount_cents=paid), payment_status)


def add_payment(work: Work, invoice: Invoice, *, amount_cents: int) -> Invoice:
    """Write an invoice, locked by the caller, of which something was paid. Announces PaymentStatusChanged once nothing is due."""
    paid = structs.replace(invoice, total_paid_amount_cents=invoice.total_paid_amount_cents + amount_cents, updated_at=work.now)
    if paid.total_due_amount_cents == 0:
        return _set_payment_status(work, paid, "succeeded")
    store.update_invoices(work.tx, [paid])
    return paid


def set_total_paid(work: Work, invoice: Invoice, *, amount_cents: int) -> None:
    """Write what was paid of an invoice, locked by the caller, without a word to anybody."""
    store.update_invoices(work.tx, [structs.replace(invoice, total_paid_amount_cents=amount_cents)])


def _set_payment_status(work: Work, invoice: Invoice, payment_status: str) -> Invoice:
    is_paid = payment_status == "succeeded"
    changed = structs.replace(
        invoice, payment_status=payment_status, payment_overdue=invoice.payment_overdue and not is_paid, updated_at=work.now
    )
    store.update_invoices(work.tx, [changed])
    store.set_fees_payment_status(work.tx, invoice_id=invoice.id, payment_status=payment_status, at=work.now)
    if is_paid:
        work.agenda.drop_kind(OVERDUE, subject_id=invoice.id)
    elif changed.status == "finalized":
        set_deadlines(work, [changed])
    work.announce(PaymentStatusChanged(invoice=changed))
    return changed


def refresh_invoice(work: Work, invoice_id: UUID, *, events: EventStore) -> Invoice:
    """Compute a draft again; what is no draft stays as it is. Raises NotFound, Forbidden for what never was a draft."""
    invoice = lock_invoice(work, invoice_id)
    if invoice.invoice_type != "subscription":
        raise errors.Forbidden("feature_unavailable")
    return drafts.refresh(work, invoice, events=events) if invoice.status == "draft" else invoice


def finalize_invoice(work: Work, invoice_id: UUID, *, events: EventStore) -> Invoice:
    """Finalize a draft before its grace ends. Raises NotFound, also for what is no draft, Forbidden while its taxes are not known."""
    invoice = get_invoice(work, invoice_id)
    work.agenda.hold(lane_of(invoice.customer_id))
    if invoice.status == "draft" and find_waiting(work.tx, customer_ids=[invoice.customer_id]):
        raise errors.Forbidden("cannot_finalize_with_pending_taxes")
    final = drafts.finalize(work, [invoice_id], events=events)
    if not final:
        raise errors.NotFound("invoice")
    return final[0]


def delete_invoice(work: Work, invoice_id: UUID) -> Invoice:
    """Delete a draft: it is not shown any more, and its periods are not billed again. Raises NotFound, NotAllowed."""
    invoice = lock_invoice(work, invoice_id)
    if invoice.status != "draft":
        raise errors.NotAllowed("not_deletable")
    deleted = structs.replace(invoice, status="deleted", updated_at=work.now)
    store.update_invoices(work.tx, [deleted])
    work.agenda.drop(subject_ids=[invoice.id])
    work.announce(InvoiceDeleted(invoice=deleted))
    return deleted


def void_invoice(work: Work, invoice: Invoice, *, keeps_wallets: bool = False) -> Invoice:
    """
    Make a finalized invoice, locked by the caller, void: nothing of it is due, its number stays taken.

    Announces InvoiceVoided, upon which what it used is given back. Raises NotAllowed. Source: Lago API, void.
    """
    if invoice.status != "finalized":
        raise errors.NotAllowed("not_voidable")
    voided = structs.replace(invoice, status="voided", voided_at=work.now, payment_overdue=False, updated_at=work.now)
    store.update_invoices(work.tx, [voided])
    work.agenda.drop(subject_ids=[invoice.id])
    work.announce(InvoiceVoided(invoice=voided, keeps_wallets=keeps_wallets))
    return voided


def lose_dispute(work: Work, invoice_id: UUID, *, reason: str | None = None) -> Invoice:
    """
    Note, once, that a dispute about the payment is lost: it is not overdue any more; `reason` is a provider's.

    Raises NotFound, NotAllowed.
    """
    invoice = lock_invoice(work, invoice_id)
    if invoice.status not in ("finalized", "voided"):
        raise errors.NotAllowed("not_disputable")
    if invoice.payment_dispute_lost_at is not None:
        return invoice
    lost = structs.replace(invoice, payment_dispute_lost_at=work.now, payment_overdue=False, updated_at=work.now)
    store.update_invoices(work.tx, [lost])
    work.agenda.drop_kind(OVERDUE, subject_id=invoice.id)
    work.announce(DisputeLost(invoice=lost, reason=reason))
    return lost


def retry_invoice(work: Work, invoice_id: UUID) -> Invoice:
    """Try again to finalize an invoice that failed for its taxes. Raises NotFound, NotAllowed: no invoice fails for that."""
    if get_invoice(work, invoice_id).status != "failed":
        raise errors.NotAllowed("invalid_status")
    raise errors.NotAllowed("tax_provider_not_configured")


def check_downloadable(work: Work, invoice_id: UUID) -> Invoice:
    """Return a finalized invoice, of which a document can be had. Raises NotFound."""
    invoice = get_invoice(work, invoice_id)
    if invoice.status != "finalized":
        raise errors.NotFound("invoice")
    return invoice


def check_integration(work: Work, invoice_id: UUID) -> Invoice:
    """Say why no CRM knows an invoice. Raises NotFound: the invoice, or else the integration, since none can be connected."""
    get_invoice(work, invoice_id)
    raise errors.NotFound("integration")


def mark_overdue(work: Work, invoice_ids: Sequence[UUID], *, at: datetime) -> None:
    """Mark invoices that were not paid in time. The agenda calls it. Announces InvoicesOverdue."""
    late = store.mark_overdue(work.tx, organization_id=work.organization_id, ids=invoice_ids, at=at)
    if late:
        work.announce(InvoicesOverdue(invoices=late))
