"""Activities that messages tell of: what happens to invoices, and to subscriptions without anybody asking."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from daycount.api.wire import stamp
from daycount.audit.operations import Happening, log_happenings
from daycount.catalog import store as catalog
from daycount.customers import store as customers
from daycount.entitlements.messages import PlanEntitled, SubscriptionEntitled
from daycount.infra.work import Work
from daycount.invoicing.messages_life import (
    InvoiceDeleted,
    InvoicesFinalized,
    InvoicesMade,
    InvoicesOverdue,
    InvoiceVoided,
    PaymentStatusChanged,
)
from daycount.invoicing.records import Invoice
from daycount.payments.refunds.records import RefundFailed
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.messages import SubscriptionEnded, SubscriptionStarted
from daycount.subscriptions.records import Subscription

_MADE: Final = {"one_off": "invoice.one_off_created", "credit": "invoice.paid_credit_added"}
_INVOICE_FIELDS: Final = (
    "number",
    "invoice_type",
    "status",
    "payment_status",
    "currency",
    "fees_amount_cents",
    "coupons_amount_cents",
    "taxes_amount_cents",
    "credit_notes_amount_cents",
    "prepaid_credit_amount_cents",
    "total_amount_cents",
    "total_paid_amount_cents",
)


def on_invoices_made(work: Work, message: InvoicesMade | InvoicesFinalized) -> None:
    """Log invoices that were made or became final; those that show nothing are not told of."""
    _log_invoices(work, [(_type_of(invoice), invoice) for invoice in message.invoices if invoice.status in ("draft", "finalized")])


def on_invoice_voided(work: Work, message: InvoiceVoided) -> None:
    """Log that an invoice was voided."""
    _log_invoices(work, [("invoice.voided", message.invoice)])


def on_invoice_deleted(work: Work, message: InvoiceDeleted) -> None:
    """Log that a draft was deleted."""
    _log_invoices(work, [("invoice.deleted", message.invoice)])


def on_invoices_overdue(work: Work, message: InvoicesOverdue) -> None:
    """Log that invoices were not paid in time."""
    _log_invoices(work, [("invoice.payment_overdue", invoice) for invoice in message.invoices])


def on_payment_status_changed(work: Work, message: PaymentStatusChanged) -> None:
    """Log that an invoice is paid, or is not any more."""
    _log_invoices(work, [("invoice.payment_status_updated", message.invoice)])


def on_subscription_started(work: Work, message: SubscriptionStarted) -> None:
    """Log that a subscription started by itself; what was asked for is logged where it was asked."""
    _log_subscription(work, "subscription.started", message.subscription)


def on_subscription_ended(work: Work, message: SubscriptionEnded) -> None:
    """Log that a subscription ended by itself."""
    _log_subscription(work, "subscription.terminated", message.subscription)


def on_plan_entitled(work: Work, message: PlanEntitled) -> None:
    """Log that a plan entitles to something else."""
    plan = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[message.plan_id])[message.plan_id]
    shown = {"lago_id": str(plan.id), "code": plan.code, "name": plan.name}
    log_happenings(work, [Happening(activity_type="plan.updated", resource_type="Plan", resource_id=plan.id, object=shown, changes={})])


def on_subscription_entitled(work: Work, message: SubscriptionEntitled) -> None:
    """Log that a subscription entitles to something else."""
    for row in subscriptions.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[message.subscription_id]):
        _log_row(work, "subscription.updated", row)


def on_refund_failed(work: Work, message: RefundFailed) -> None:
    """Log that a provider did not give back what a credit note refunds."""
    refund = message.refund
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[refund.customer_id])
    shown = {"lago_id": str(refund.credit_note_id), "refund_status": "failed", "refund_amount_cents": refund.amount_cents}
    happening = Happening(
        activity_type="credit_note.refund_failure",
        resource_type="CreditNote",
        resource_id=refund.credit_note_id,
        object=shown | {"provider_error": {"message": message.message, "error_code": message.code}},
        external_customer_id=owners[refund.customer_id].external_id,
    )
    log_happenings(work, [happening])


ACTIVITIES: Final[Mapping[type, Callable[[Work, Any], None]]] = {
    InvoicesMade: on_invoices_made,
    InvoicesFinalized: on_invoices_made,
    InvoiceVoided: on_invoice_voided,
    InvoiceDeleted: on_invoice_deleted,
    InvoicesOverdue: on_invoices_overdue,
    PaymentStatusChanged: on_payment_status_changed,
    SubscriptionStarted: on_subscription_started,
    SubscriptionEnded: on_subscription_ended,
    PlanEntitled: on_plan_entitled,
    RefundFailed: on_refund_failed,
    SubscriptionEntitled: on_subscription_entitled,
}
"""What is told of, and what logs it."""


def _type_of(invoice: Invoice) -> str:
    return "invoice.drafted" if invoice.status == "draft" else _MADE.get(invoice.invoice_type, "invoice.created")


def _log_invoices(work: Work, found: Sequence[tuple[str, Invoice]]) -> None:
    """Log something of many invoices. Two statements."""
    if not found:
        return
    ids = {invoice.customer_id for _, invoice in found}
    owners = customers.find_external_ids(work.tx, organization_id=work.organization_id, ids=ids)
    happenings = [
        Happening(
            activity_type=activity_type,
            resource_type="Invoice",
            resource_id=invoice.id,
            object=_shown(invoice),
            external_customer_id=owners[invoice.customer_id],
        )
        for activity_type, invoice in found
    ]
    log_happenings(work, happenings)


def _shown(invoice: Invoice) -> dict[str, Any]:
    dates = {"issuing_date": invoice.issuing_date.isoformat(), "payment_due_date": invoice.payment_due_date.isoformat()}
    return {"lago_id": str(invoice.id), **{name: getattr(invoice, name) for name in _INVOICE_FIELDS}, **dates}


def _log_subscription(work: Work, activity_type: str, row: Subscription) -> None:
    if not work.actor.startswith(("api_key:", "user:")):
        _log_row(work, activity_type, row)


def _log_row(work: Work, activity_type: str, row: Subscription) -> None:
    shown = {
        "lago_id": str(row.id),
        "external_id": row.external_id,
        "external_customer_id": row.external_customer_id,
        "status": row.status,
        "started_at": None if row.started_at is None else stamp(row.started_at),
        "terminated_at": None if row.terminated_at is None else stamp(row.terminated_at),
    }
    happening = Happening(
        activity_type=activity_type,
        resource_type="Subscription",
        resource_id=row.id,
        object=shown,
        external_customer_id=row.external_customer_id,
        external_subscription_id=row.external_id,
    )
    log_happenings(work, [happening])
