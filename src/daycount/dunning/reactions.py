"""What dunning does when others announce: begins, begins anew, or forgets."""

from daycount.customers.messages import DunningChoiceChanged
from daycount.dunning import store
from daycount.dunning.operations import look_at
from daycount.infra.work import Work
from daycount.invoicing.messages_life import InvoicesOverdue, PaymentStatusChanged
from daycount.organizations.entities.records import DefaultCampaignChanged


def on_invoices_overdue(work: Work, message: InvoicesOverdue) -> None:
    """Look at customers whose invoices were not paid in time, if the organization has campaigns."""
    if store.count_campaigns(work.tx, organization_id=work.organization_id):
        look_at(work, list({invoice.customer_id for invoice in message.invoices}))


def on_payment_status_changed(work: Work, message: PaymentStatusChanged) -> None:
    """Begin to count anew when an invoice is paid that a campaign asked for."""
    invoice = message.invoice
    if invoice.payment_status != "succeeded":
        return
    if store.reset_paid(work.tx, customer_id=invoice.customer_id, currency=invoice.currency, invoice_id=invoice.id):
        look_at(work, [invoice.customer_id])


def on_choice_changed(work: Work, message: DunningChoiceChanged) -> None:
    """Begin anew for a customer for whom another campaign counts, or none."""
    store.reset(work.tx, customer_ids=[message.customer_id])
    look_at(work, [message.customer_id])


def on_default_changed(work: Work, message: DefaultCampaignChanged) -> None:
    """Begin anew for the customers of a billing entity that have no campaign of their own."""
    owing = store.list_owing_of_entity(work.tx, organization_id=work.organization_id, entity_id=message.entity_id)
    store.reset(work.tx, customer_ids=owing)
    look_at(work, owing)
