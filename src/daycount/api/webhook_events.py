"""
Which webhook tells of which message, and how its object is written: one line for each in `EVENTS`.

An object is written by the same functions as the API's replies, in the transaction of what happened, and only where an endpoint
asks for it. A type that is not named here is not sent yet.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, structs

from daycount.api import payment_news
from daycount.api.v1 import (
    alerts,
    billable_metrics,
    checkouts,
    credit_notes,
    customers,
    events,
    fees,
    invoices,
    payment_receipts,
    payment_requests,
    payments,
    plans,
    quotes,
    subscriptions,
    wallet_transactions,
)
from daycount.api.v1 import wallets as wallets_wire
from daycount.api.v1.entitlements_wire import feature_to_wire
from daycount.catalog import store as plan_store
from daycount.catalog.messages import MetricSaved, PlanSaved
from daycount.credit_notes import store as note_store
from daycount.credit_notes.messages import CreditNoteCreated
from daycount.customers import store as customer_store
from daycount.customers.messages import CustomerSaved
from daycount.customers.vat.messages import VatChecked
from daycount.customers.vat.records import VatStatus
from daycount.dunning.records import CampaignFinished
from daycount.entitlements.messages import FeatureSaved, PlanEntitled, SubscriptionEntitled
from daycount.infra.work import Work
from daycount.invoicing import store as invoice_store
from daycount.invoicing.messages import UsageThresholdReached
from daycount.invoicing.messages_life import (
    DisputeLost,
    FeesMade,
    InvoiceDeleted,
    InvoicesFinalized,
    InvoicesMade,
    InvoicesOverdue,
    InvoiceVoided,
    PaymentStatusChanged,
)
from daycount.invoicing.papers.messages import DocumentKind, DocumentMade
from daycount.invoicing.records import Invoice
from daycount.monitoring.messages import AlertTriggered
from daycount.payments import operations as payment_operations
from daycount.payments import receipts
from daycount.payments.checkout.records import CheckoutMade
from daycount.payments.records import (
    ChargeImpossible,
    CustomerLinked,
    LinkFailed,
    PaymentConfirmed,
    PaymentFailed,
    PaymentWaits,
    ReceiptMade,
)
from daycount.payments.refunds.records import RefundFailed
from daycount.payments.requests import operations as request_operations
from daycount.payments.requests.records import PaymentRequestMade, PaymentRequestStatusChanged
from daycount.quotes import store as quote_store
from daycount.quotes.records import OrderChanged, OrderFormChanged, QuoteChanged
from daycount.subscriptions import store as subscription_store
from daycount.subscriptions.messages import SubscriptionSaved
from daycount.subscriptions.records import Subscription
from daycount.usage.faults.records import EventRefused, EventsFaulty, FaultKind
from daycount.wallets import store as wallet_store
from daycount.wallets.messages import TransactionsSaved, WalletSaved
from daycount.webhooks import outbox

Shown = Sequence[tuple[UUID | None, Any]]
"""Objects as they are written, each with the id of what it is about."""


class News(NamedTuple):
    """One type of webhook, and what writes its objects."""

    webhook_type: str
    render: Callable[[Work], Shown]


def listen(work: Work, message: Any) -> None:
    """Queue the webhooks that tell of a message, if the organization has endpoints."""
    if outbox.find_listeners(work):
        for news in EVENTS[type(message)](message):
            outbox.queue(work, news.webhook_type, partial(news.render, work))


def extended(shown: Struct, **more: Any) -> dict[str, Any]:
    """Return what an object is written as, with further fields."""
    return {name: value for name, value in structs.asdict(shown).items() if value is not UNSET} | more


_CREATED: Final[Mapping[str, str]] = {"one_off": "invoice.one_off_created", "credit": "invoice.paid_credit_added"}
"""What tells of the making of invoices of some types; of all others it is `invoice.created`."""


def _invoice_news(found: Sequence[Invoice]) -> Iterable[News]:
    """Tell of invoices as they are now: drafted, or final; one that is closed or still open is not told of."""
    for invoice in found:
        if invoice.status == "draft":
            yield News("invoice.drafted", partial(_invoices, [invoice]))
            yield News("invoice.ready_to_finalize", partial(_invoices, [invoice]))
        elif invoice.status == "finalized":
            yield News(_CREATED.get(invoice.invoice_type, "invoice.created"), partial(_invoices, [invoice]))


def _invoices(found: Sequence[Invoice], work: Work) -> Shown:
    ids = [invoice.id for invoice in found]
    fresh = invoice_store.find_invoices(work.tx, organization_id=work.organization_id, ids=ids)
    return [(invoice.id, invoices.whole_to_wire(work, invoice)) for invoice in fresh]


def _lost_disputes(message: DisputeLost, work: Work) -> Shown:
    return [(invoice_id, {"invoice": shown}) for invoice_id, shown in _invoices([message.invoice], work)]


def _fees(message: FeesMade, work: Work) -> Shown:
    return [(fee.id, shown) for fee, shown in zip(message.fees, fees.with_taxes(work, message.fees), strict=True)]


def _credit_notes(message: CreditNoteCreated, work: Work) -> Shown:
    return [(message.credit_note.id, shown) for shown in credit_notes.list_to_wire(work, [message.credit_note])]


def _documented_invoices(message: DocumentMade, work: Work) -> Shown:
    found = invoice_store.find_invoices(work.tx, organization_id=work.organization_id, ids=[message.subject_id])
    return _invoices(found, work)


def _documented_notes(message: DocumentMade, work: Work) -> Shown:
    found = note_store.find_final(work.tx, organization_id=work.organization_id, ids=[message.subject_id])
    return [(message.subject_id, shown) for shown in credit_notes.list_to_wire(work, found)]


def _documented_receipts(message: DocumentMade, work: Work) -> Shown:
    shown = receipts.get_receipt(work, message.subject_id)
    return [(message.subject_id, one) for one in payment_receipts.list_to_wire(work, [shown])]


_DOCUMENTS: Final[Mapping[DocumentKind, Callable[[DocumentMade, Work], Shown]]] = {
    DocumentKind.INVOICE: _documented_invoices,
    DocumentKind.CREDIT_NOTE: _documented_notes,
    DocumentKind.PAYMENT_RECEIPT: _documented_receipts,
}


def _customers(message: CustomerSaved, work: Work) -> Shown:
    customer_id = message.customer.id
    found = customer_store.find_customers(work.tx, organization_id=work.organization_id, ids=[customer_id])
    return [(customer_id, shown) for shown in customers.list_to_wire(work, [found[customer_id]], is_whole=True)]


def _checked_numbers(message: VatChecked, work: Work) -> Shown:
    check = message.check
    found = {"valid": check.status is VatStatus.VALID, "vat_number": check.number, "status": check.status, "error": check.failure}
    shown = customers.list_to_wire(work, [message.customer], is_whole=True)
    return [(message.customer.id, extended(one, vies_check=found)) for one in shown]


def _metrics(message: MetricSaved, work: Work) -> Shown:
    return [(message.metric.id, billable_metrics.to_wire(message.metric))]


def _plans(message: PlanSaved, work: Work) -> Shown:
    if message.event == "deleted":
        return [(message.plan.id, structs.replace(plans.to_wire(message.plan), entitlements=UNSET))]
    return [(message.plan.id, plans.whole_to_wire(work, message.plan))]


def _features(message: FeatureSaved, work: Work) -> Shown:
    return [(message.feature.id, feature_to_wire(message.feature))]


def _entitled_plans(plan_ids: Sequence[UUID], work: Work) -> Shown:
    found = plan_store.find_plans(work.tx, organization_id=work.organization_id, ids=plan_ids)
    return [(plan.id, plans.whole_to_wire(work, plan)) for plan in found.values()]


def _entitled_subscription(subscription_id: UUID, work: Work) -> Shown:
    rows = subscription_store.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[subscription_id])
    return [(row.id, _subscription(row, work, event="updated")) for row in rows]


_WITH_ENTITLEMENTS: Final = frozenset({"started", "updated"})


def _subscription(row: Subscription, work: Work, *, event: str) -> dict[str, Any]:
    whole = subscriptions.whole_to_wire(work, row, has_entitlements=event in _WITH_ENTITLEMENTS)
    owners = customer_store.find_customers(work.tx, organization_id=work.organization_id, ids=[row.customer_id])
    return extended(whole, customer=customers.to_wire(owners[row.customer_id], is_whole=True))


def _subscriptions(message: SubscriptionSaved, work: Work) -> Shown:
    row = message.subscription
    return [(row.id, _subscription(row, work, event=message.event))]


def _reached_thresholds(message: UsageThresholdReached, work: Work) -> Shown:
    reached = message.reached
    [row] = subscription_store.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[reached.subscription_id])
    shown = _subscription(row, work, event="usage_threshold_reached")
    return [(row.id, shown | {"usage_threshold": plans.threshold_to_wire(reached.threshold)})]


def _failed_payments(message: PaymentFailed) -> Iterable[News]:
    renders = {
        "invoice.payment_failure": payment_news.failed_invoice,
        "wallet_transaction.payment_failure": payment_news.failed_purchases,
        "payment_request.payment_failure": payment_news.failed_request,
    }
    for webhook_type in payment_news.types_of_failure(message):
        yield News(webhook_type, partial(renders[webhook_type], message))


def _linked(message: CustomerLinked, work: Work) -> Shown:
    return _customers(CustomerSaved(message.customer, "updated"), work)


def _checkouts(message: CheckoutMade, _work: Work) -> Shown:
    return [(message.provided.customer.id, checkouts.checkout_to_wire(message.provided))]


def _payments(message: PaymentConfirmed | PaymentWaits, work: Work) -> Shown:
    return [(message.payment.id, payments.to_wire(payment_operations.get_payment(work, message.payment.id)))]


def _receipts(message: ReceiptMade, work: Work) -> Shown:
    shown = receipts.get_receipt(work, message.receipt.id)
    return [(message.receipt.id, one) for one in payment_receipts.list_to_wire(work, [shown])]


def _requests(message: PaymentRequestMade | PaymentRequestStatusChanged, work: Work) -> Shown:
    request_id = message.request.id
    return [(request_id, payment_requests.list_to_wire(work, [request_operations.get_request(work, request_id)])[0])]


def _wallets(message: WalletSaved, work: Work) -> Shown:
    found = wallet_store.find_wallets(work.tx, organization_id=work.organization_id, ids=[message.wallet_id])
    chosen = wallets_wire.choices_of(work, found)
    return [(wallet.id, wallets_wire.to_wire(wallet, is_whole=False, chosen=chosen)) for wallet in found]


def _transactions(message: TransactionsSaved, work: Work) -> Shown:
    found = wallet_store.find_transactions(work.tx, organization_id=work.organization_id, ids=message.transaction_ids)
    ids = {item.wallet_id for item in found}
    owners = {wallet.id: wallet for wallet in wallet_store.find_wallets(work.tx, organization_id=work.organization_id, ids=ids)}
    return [(item.id, wallet_transactions.to_wire(item, owners[item.wallet_id], has_wallet=True)) for item in found]


def _refused_events(message: EventRefused, _work: Work) -> Shown:
    event, codes = events.to_wire(message.event, ()), msgspec.json.encode(message.details).decode()
    shown = {name: value for name, value in structs.asdict(event).items() if name != "warnings"}
    error = {"status": 422, "error": "Unprocessable entity", "message": codes, "event": shown}
    return [(UUID(message.event.key), error)]


def _faulty_events(message: EventsFaulty, _work: Work) -> Shown:
    return [(None, {kind: message.found[kind] for kind in FaultKind} | {"missing_group_key": None})]


def _quotes(message: QuoteChanged, work: Work) -> Shown:
    found = quote_store.find_quote(work.tx, organization_id=work.organization_id, quote_id=message.quote_id)
    return [] if found is None else [(found.id, shown) for shown in quotes.list_to_wire(work, [found])]


def _order_forms(message: OrderFormChanged, work: Work) -> Shown:
    found = quote_store.find_form(work.tx, organization_id=work.organization_id, form_id=message.form_id)
    return [] if found is None else [(found.id, quotes.form_to_wire(found))]


def _orders(message: OrderChanged, work: Work) -> Shown:
    found = quote_store.find_order(work.tx, organization_id=work.organization_id, order_id=message.order_id)
    return [] if found is None else [(found.id, quotes.order_to_wire(found, is_whole=False))]


def _alerts(message: AlertTriggered, work: Work) -> Shown:
    return [(message.triggered.id, alerts.triggered_to_wire(message.triggered))]


def _finished_campaigns(message: CampaignFinished, work: Work) -> Shown:
    """Write what is overdue after the last attempt: as a whole in one currency, the customer's own if it owes in that."""
    found = customer_store.find_customers(work.tx, organization_id=work.organization_id, ids=[message.customer_id])
    customer, balances = found[message.customer_id], message.balances
    currency = customer.currency if customer.currency is not None and customer.currency in balances else next(iter(balances))
    shown = {
        "external_customer_id": customer.external_id,
        "customer_external_id": customer.external_id,
        "dunning_campaign_code": message.campaign.code,
        "overdue_balance_cents": balances[currency],
        "overdue_balance_currency": currency,
        "overdue_balances": [{"currency": name, "amount_cents": amount} for name, amount in balances.items()],
    }
    return [(customer.id, shown)]


EVENTS: Final[Mapping[type, Callable[[Any], Iterable[News]]]] = {
    AlertTriggered: lambda message: [News("alert.triggered", partial(_alerts, message))],
    CampaignFinished: lambda message: [News("dunning_campaign.finished", partial(_finished_campaigns, message))],
    CreditNoteCreated: lambda message: [News("credit_note.created", partial(_credit_notes, message))],
    DocumentMade: lambda message: [News(message.kind.webhook_type, partial(_DOCUMENTS[message.kind], message))],
    CustomerSaved: lambda message: [News(f"customer.{message.event}", partial(_customers, message))],
    DisputeLost: lambda message: [News("invoice.payment_dispute_lost", partial(_lost_disputes, message))],
    EventRefused: lambda message: [News("event.error", partial(_refused_events, message))],
    EventsFaulty: lambda message: [News("events.errors", partial(_faulty_events, message))],
    FeesMade: lambda message: [News("fee.created", partial(_fees, message))],
    FeatureSaved: lambda message: [
        News(f"feature.{message.event}", partial(_features, message)),
        *([News("plan.updated", partial(_entitled_plans, message.plan_ids))] if message.plan_ids else []),
    ],
    InvoiceDeleted: lambda message: [News("invoice.deleted", partial(_invoices, [message.invoice]))],
    InvoiceVoided: lambda message: [News("invoice.voided", partial(_invoices, [message.invoice]))],
    InvoicesFinalized: lambda message: _invoice_news(message.invoices),
    InvoicesMade: lambda message: _invoice_news(message.invoices),
    InvoicesOverdue: lambda message: [News("invoice.payment_overdue", partial(_invoices, message.invoices))],
    MetricSaved: lambda message: [News(f"billable_metric.{message.event}", partial(_metrics, message))],
    ChargeImpossible: lambda message: [News("invoice.payment_failure", partial(payment_news.impossible, message))],
    CheckoutMade: lambda message: [News("customer.checkout_url_generated", partial(_checkouts, message))],
    CustomerLinked: lambda message: [News("customer.payment_provider_created", partial(_linked, message))],
    LinkFailed: lambda message: [News("customer.payment_provider_error", partial(payment_news.link_failed, message))],
    PaymentConfirmed: lambda message: [News("payment.succeeded", partial(_payments, message))],
    PaymentFailed: _failed_payments,
    PaymentWaits: lambda message: [News("payment.requires_action", partial(_payments, message))],
    PaymentRequestMade: lambda message: [News("payment_request.created", partial(_requests, message))],
    PaymentRequestStatusChanged: lambda message: [News("payment_request.payment_status_updated", partial(_requests, message))],
    PaymentStatusChanged: lambda message: [News("invoice.payment_status_updated", partial(_invoices, [message.invoice]))],
    PlanEntitled: lambda message: [News("plan.updated", partial(_entitled_plans, [message.plan_id]))],
    RefundFailed: lambda message: [
        News(name, partial(payment_news.failed_refund, message))
        for name in ("credit_note.provider_refund_failure", "credit_note.refund_failure")
    ],
    OrderChanged: lambda message: [News(f"order.{message.event}", partial(_orders, message))],
    OrderFormChanged: lambda message: [News(f"order_form.{message.event}", partial(_order_forms, message))],
    PlanSaved: lambda message: [News(f"plan.{message.event}", partial(_plans, message))],
    QuoteChanged: lambda message: [News(f"quote.{message.event}", partial(_quotes, message))],
    ReceiptMade: lambda message: [News("payment_receipt.created", partial(_receipts, message))],
    SubscriptionEntitled: lambda message: [News("subscription.updated", partial(_entitled_subscription, message.subscription_id))],
    SubscriptionSaved: lambda message: [News(f"subscription.{message.event}", partial(_subscriptions, message))],
    TransactionsSaved: lambda message: [News(f"wallet_transaction.{message.event}", partial(_transactions, message))],
    UsageThresholdReached: lambda message: [News("subscription.usage_threshold_reached", partial(_reached_thresholds, message))],
    VatChecked: lambda message: [News("customer.vies_check", partial(_checked_numbers, message))],
    WalletSaved: lambda message: [News(f"wallet.{message.event}", partial(_wallets, message))],
}
