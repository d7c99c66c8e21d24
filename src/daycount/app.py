"""The composition root: puts stores, clocks, reactions and the API together. No logic."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import SecretStr

from daycount import __version__
from daycount.api.activities import ACTIVITIES
from daycount.api.ingest import Ingest
from daycount.api.inside import Inside
from daycount.api.openapi import describe_api
from daycount.api.operations import Administration
from daycount.api.routing import Router
from daycount.api.server import Server
from daycount.api.services import People, Services
from daycount.api.v1 import (
    add_ons,
    adjusted_fees,
    analytics,
    api_keys,
    applied_coupons,
    billable_metrics,
    billing_entities,
    billing_runs,
    coupons,
    credit_notes,
    current_usage,
    customer_portal,
    customers,
    dunning_campaigns,
    emails,
    entitlements,
    event_places,
    events,
    explanations,
    fee_estimates,
    fee_events,
    fees,
    invoice_actions,
    invoice_checks,
    invoice_custom_sections,
    invoice_previews,
    invoices,
    lifetime_usage,
    logs,
    organizations,
    past_usage,
    payment_methods,
    payment_providers,
    payment_receipts,
    payment_requests,
    payments,
    plan_parts,
    plans,
    pricing_units,
    projected_usage,
    quotes,
    subscription_changes,
    subscription_parts,
    subscriptions,
    taxes,
    wallet_authorizations,
    wallet_transactions,
    wallets,
    webhook_endpoints,
    webhooks,
)
from daycount.api.v1 import (
    alerts as alert_routes,
)
from daycount.api.webhook_events import EVENTS, listen
from daycount.catalog.messages import FixedUnitsChanged, MetricSaved, PlanDeleted, PlanRepriced, PlansRewritten, ThresholdsChanged
from daycount.clock import Clock, SystemClock
from daycount.config import Settings
from daycount.coupons.reactions import on_customer_deleted as take_coupons_away
from daycount.credit_notes.messages import CreditNoteCreated
from daycount.customers.messages import CustomerDeleted, DunningChoiceChanged, InvoiceSettingsChanged, LinkAsked, TimezoneChanged
from daycount.customers.vat.messages import VatSettled
from daycount.customers.vat.operations import VatChecks
from daycount.customers.vat.registries import registry_at
from daycount.dashboard.accounts import store as accounts
from daycount.dashboard.site import Site
from daycount.docsite.api import ApiDocument
from daycount.docsite.site import DocSite
from daycount.dunning import reactions as dunning_reactions
from daycount.ids import TimeOrderedIds
from daycount.infra.database import connect
from daycount.infra.work import CommitPoints, Workplace
from daycount.invoicing import gating
from daycount.invoicing.credit_purchases import on_credits_purchased, on_invoice_voided, on_payment_status_changed
from daycount.invoicing.custom_sections import on_invoices_made
from daycount.invoicing.guarding import WalletGuard
from daycount.invoicing.messages import TimeUnused, UsageOverbilled, WalletsRefreshed
from daycount.invoicing.messages_life import (
    DraftsRebuilt,
    InvoiceClosed,
    InvoiceDeleted,
    InvoicesFinalized,
    InvoicesMade,
    InvoicesOpened,
    InvoicesOverdue,
    InvoiceVoided,
    PaymentChosen,
    PaymentStatusChanged,
)
from daycount.invoicing.ongoing import on_wallets_moved
from daycount.invoicing.papers.reactions import PaperReactions
from daycount.invoicing.reactions import InvoicingReactions
from daycount.invoicing.releasing import on_vat_settled
from daycount.mails import reactions as mails
from daycount.mails.delivery import Mailer, MailPolicy
from daycount.mails.smtp import MailServer
from daycount.monitoring import evaluation as alerts
from daycount.organizations.entities.records import DefaultCampaignChanged, EntityChanged
from daycount.organizations.payment_providers.records import ConnectionRemoved
from daycount.payments import reactions as payment_reactions
from daycount.payments.charging import collecting
from daycount.payments.charging.sending import Sending
from daycount.payments.checkout.paying import Paying
from daycount.payments.checkout.providing import Checkout
from daycount.payments.inbound.operations import Hearing
from daycount.payments.linking import Linking, on_connection_removed
from daycount.payments.providers.registry import Gateways
from daycount.payments.receipt_papers import ReceiptPapers
from daycount.payments.records import CustomerLinked, PaymentFailed, ReceiptMade
from daycount.payments.refunds.operations import Refunding
from daycount.payments.requests.records import PaymentRequestMade, PaymentRequestStatusChanged
from daycount.subscriptions.directory import CatalogDirectory
from daycount.subscriptions.fixed_units.operations import change_units_of_plan
from daycount.subscriptions.messages import (
    ActivationCanceled,
    ActivationPaid,
    ActivationWaits,
    PeriodsDue,
    PlanOverridden,
    PlanSwitched,
    SubscriptionEnded,
    SubscriptionStarted,
    UnitsToBill,
)
from daycount.subscriptions.plan_changes import reconsider_changes
from daycount.subscriptions.reactions import on_customer_deleted, on_plan_deleted, on_thresholds_changed
from daycount.subscriptions.schedule import move_to_new_zone
from daycount.taxes.eu import on_entity_changed
from daycount.taxes.messages import TaxesChanged
from daycount.usage.folding import Folder
from daycount.usage.ingest import GroupCommit
from daycount.usage.prompt import THREADS, PromptChecks, PromptPricing
from daycount.usage.store import PostgresEventStore
from daycount.wallets import reactions as wallet_reactions
from daycount.wallets.messages import CreditsPurchased, WalletsMoved
from daycount.webhooks.delivery import Deliverer, Policy, Wait, documented_wait, fixed_waits
from daycount.webhooks.keys import KeyRing
from daycount.webhooks.sending import Sender
from daycount.worker.clock import TestClocks
from daycount.worker.loop import Loop
from daycount.worker.prompt import PromptRunner
from daycount.worker.runner import Runner
from daycount.worker.schedule import Charging, Documents, kinds

API_PREFIX = "/api/v1"
_FOLDERS = 1
_CHECKERS = 1
RESOURCES = (
    payment_receipts.routes,
    payments.routes,
    payment_methods.routes,
    payment_providers.routes,
    payment_requests.routes,
    applied_coupons.routes,
    coupons.routes,
    add_ons.routes,
    analytics.routes,
    alert_routes.routes,
    api_keys.routes,
    billable_metrics.routes,
    billing_entities.routes,
    credit_notes.routes,
    current_usage.routes,
    customers.routes,
    customer_portal.routes,
    dunning_campaigns.routes,
    emails.routes,
    entitlements.routes,
    event_places.routes,
    events.routes,
    fee_estimates.routes,
    fees.routes,
    adjusted_fees.routes,
    explanations.fee_routes,
    fee_events.routes,
    lifetime_usage.routes,
    logs.routes,
    invoices.routes,
    explanations.invoice_routes,
    invoice_checks.routes,
    invoice_actions.routes,
    invoice_previews.routes,
    invoice_custom_sections.routes,
    billing_runs.routes,
    organizations.routes,
    past_usage.routes,
    plans.routes,
    pricing_units.routes,
    projected_usage.routes,
    quotes.routes,
    plan_parts.routes,
    subscriptions.routes,
    subscription_parts.routes,
    taxes.routes,
    subscription_changes.routes,
    wallet_authorizations.routes,
    wallet_transactions.routes,
    wallets.routes,
    webhook_endpoints.routes,
    webhooks.routes,
)


_DUNNING: Mapping[type, list[Any]] = {
    InvoicesOverdue: [dunning_reactions.on_invoices_overdue],
    DunningChoiceChanged: [dunning_reactions.on_choice_changed],
    DefaultCampaignChanged: [dunning_reactions.on_default_changed],
}


class App(NamedTuple):
    """Everything one process is made of."""

    settings: Settings
    workplace: Workplace
    clock: Clock
    events: PostgresEventStore
    invoicing: InvoicingReactions
    runner: Runner
    clocks: TestClocks
    webhook_keys: KeyRing
    linking: Linking
    hearing: Hearing
    checkout: Checkout


def _connect_reactions(documents: Documents, invoicing: InvoicingReactions, charging: Charging) -> dict[type, list[Any]]:
    """Say what is done when something is announced, in order."""
    reactions: dict[type, list[Any]] = {
        SubscriptionStarted: [invoicing.on_started],
        PeriodsDue: [invoicing.on_periods_due],
        SubscriptionEnded: [invoicing.on_ended],
        PlanSwitched: [invoicing.on_switched, alerts.on_switched],
        WalletsRefreshed: [alerts.on_wallets_refreshed],
        ActivationWaits: [invoicing.on_waiting],
        ActivationPaid: [invoicing.on_waited],
        ActivationCanceled: [gating.close_canceled],
        TimezoneChanged: [move_to_new_zone, wallet_reactions.on_timezone_changed],
        WalletsMoved: [on_wallets_moved],
        EntityChanged: [on_entity_changed, invoicing.on_entity_changed],
        VatSettled: [on_vat_settled],
        CreditsPurchased: [on_credits_purchased],
        PaymentStatusChanged: [
            on_payment_status_changed,
            payment_reactions.on_payment_status_changed,
            gating.on_payment_status_changed,
            dunning_reactions.on_payment_status_changed,
            charging.checkout.on_payment_status_changed,
        ],
        **_DUNNING,
        TimeUnused: [invoicing.on_time_unused],
        UsageOverbilled: [invoicing.on_overbilled],
        CreditNoteCreated: [
            charging.refunding.on_credit_note_created,
            documents.papers.on_credit_note_created,
            mails.on_credit_note_created,
        ],
        ReceiptMade: [documents.receipts.on_receipt_made, mails.on_receipt_made],
        InvoicesMade: [
            on_invoices_made,
            payment_reactions.on_invoices_made,
            collecting.on_invoices_made,
            documents.papers.on_invoices_made,
            mails.on_invoices_made,
        ],
        InvoicesOpened: [collecting.on_invoices_made],
        PaymentChosen: [collecting.on_payment_chosen],
        **_reactions_of_checkout(charging),
        ConnectionRemoved: [on_connection_removed],
        DraftsRebuilt: [invoicing.on_rebuilt],
        InvoicesFinalized: [
            on_invoices_made,
            invoicing.on_finalized,
            collecting.on_invoices_made,
            documents.papers.on_invoices_made,
            mails.on_invoices_made,
        ],
        InvoiceDeleted: [invoicing.on_deleted],
        InvoiceVoided: [invoicing.on_voided, on_invoice_voided, charging.checkout.on_invoice_voided],
        InvoiceClosed: [invoicing.on_closed],
        CustomerDeleted: [on_customer_deleted, take_coupons_away, wallet_reactions.on_customer_deleted, invoicing.on_customer_deleted],
        InvoiceSettingsChanged: [invoicing.on_settings_changed],
        TaxesChanged: [invoicing.on_prices_changed],
        PlanDeleted: [on_plan_deleted, invoicing.on_plan_deleted],
        MetricSaved: [alerts.on_metric_saved],
        PlanRepriced: [reconsider_changes],
        PlansRewritten: [invoicing.on_prices_changed],
        FixedUnitsChanged: [change_units_of_plan],
        ThresholdsChanged: [on_thresholds_changed],
        PlanOverridden: [invoicing.on_plan_overridden],
        UnitsToBill: [invoicing.on_units_to_bill],
    }
    for message, reaction in ACTIVITIES.items():
        reactions[message] = [*reactions.get(message, []), reaction]
    for message in EVENTS:
        reactions[message] = [listen, *reactions.get(message, [])]
    return reactions


def _reactions_of_checkout(charging: Charging) -> dict[type, list[Any]]:
    request_mails = mails.RequestMails(charging.checkout)
    return {
        LinkAsked: [charging.linking.on_link_asked],
        CustomerLinked: [charging.checkout.on_customer_linked],
        PaymentRequestMade: [collecting.on_request_made, request_mails.on_request_made],
        PaymentRequestStatusChanged: [charging.checkout.on_request_changed],
        PaymentFailed: [request_mails.on_payment_failed],
    }


def build(settings: Settings, *, database_url: str, environment: Mapping[str, str], pool_size: int | None = None) -> App:
    """Put together what every process needs, around one pool of connections."""
    folder = Folder()
    events = PostgresEventStore(folder)
    invoicing = InvoicingReactions(events)
    gateways = Gateways(stripe_url=settings.stripe_api_url, timeout_s=settings.payment_provider_timeout_seconds)
    charging = Charging(Sending(gateways), Linking(gateways), Refunding(gateways), Checkout(gateways, settings.public_url))
    documents = Documents(PaperReactions(settings.public_url), ReceiptPapers(settings.public_url))
    reactions = _connect_reactions(documents, invoicing, charging)
    workplace = Workplace(
        connect(database_url, pool_size=pool_size or settings.database_pool_size + settings.ingest_lanes + THREADS + _CHECKERS + _FOLDERS),
        new_id=TimeOrderedIds(),
        reactions=reactions,
        commit_points=CommitPoints(environment),
    )
    folder.open(workplace)
    checks = VatChecks(registry_at(settings.vies_url), registry_at(settings.vies_sandbox_url))
    runner = Runner(workplace, kinds(invoicing, events, checks, documents, charging))
    return App(
        settings=settings,
        workplace=workplace,
        clock=SystemClock(),
        events=events,
        invoicing=invoicing,
        runner=runner,
        clocks=TestClocks(workplace, runner),
        linking=charging.linking,
        hearing=Hearing(gateways),
        checkout=charging.checkout,
        webhook_keys=KeyRing(workplace.transaction, configured=_secret(settings.rsa_private_key)),
    )


def _secret(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()


class Web(NamedTuple):
    """A web process: the ASGI application and the queue of events, which is closed last."""

    server: Server
    commits: GroupCommit
    router: Router
    pages: DocSite


def build_web(app: App) -> Web:
    """Put the API and the pages together."""

    def advance(organization_id: UUID, target: datetime) -> datetime:
        return app.clocks.advance(organization_id, target=target)

    prompt = PromptRunner(app.workplace, app.runner)
    directory = CatalogDirectory()
    people = People(accounts.find_emails, accounts.find_ids)
    services = Services(
        app.settings,
        app.workplace,
        app.clock,
        app.events,
        directory,
        advance,
        app.webhook_keys.public_text,
        people,
        app.linking,
        app.hearing,
        app.checkout,
    )
    commits = GroupCommit(
        app.workplace,
        app.events,
        directory,
        app.clock,
        lanes=app.settings.ingest_lanes,
        horizon_days=app.settings.event_horizon_days,
        pricing=PromptPricing(prompt.price),
        checks=PromptChecks(prompt.check),
        guard=WalletGuard(app.workplace, app.events),
    )
    router = build_router()
    ingest = Ingest(commits, batch_limit=app.settings.ingest_batch_limit)
    site = Site(app.settings, app.workplace, app.clock, Inside(services, router, ingest), Paying(app.checkout, app.linking))
    described = ApiDocument(lambda: describe_api(router), address=app.settings.public_url.rstrip("/"))
    pages = DocSite(site, described, public_url=app.settings.public_url)
    return Web(Server(services, router, ingest, Administration(services, router), pages), commits, router, pages)


def build_router() -> Router:
    """Put the route table together."""
    return Router(API_PREFIX, RESOURCES)


def build_loop(app: App) -> Loop:
    """Put the worker together."""
    settings = app.settings
    return Loop(
        app.workplace,
        app.runner,
        app.clocks,
        app.clock,
        lanes=settings.worker_lanes,
        poll_s=settings.worker_poll_s,
        settle_s=settings.worker_settle_s,
    )


def build_deliverer(app: App) -> Deliverer:
    """Put the delivery of webhooks together; it uses one connection of the pool at a time."""
    settings = app.settings
    wait: Wait = documented_wait
    if settings.webhook_retry_seconds is not None:
        wait = fixed_waits([int(seconds) for seconds in settings.webhook_retry_seconds.split(",")])
    policy = Policy(
        attempts=settings.webhook_attempts,
        timeout_s=settings.webhook_timeout_seconds,
        wait=wait,
        issuer=settings.public_url,
        keeps_days=settings.webhook_log_days,
    )

    def make_sender() -> Sender:
        return Sender(timeout_s=policy.timeout_s, allows_private=settings.webhooks_allow_private, user_agent=f"Daycount/{__version__}")

    return Deliverer(app.workplace, app.clock, app.webhook_keys, policy, make_sender)


def build_mailer(app: App) -> Mailer:
    """Put the sending of e-mails together; it uses one connection of the pool at a time."""
    settings = app.settings
    server = None
    if settings.smtp_address:
        password = _secret(settings.smtp_password)
        if settings.smtp_password_file is not None:
            password = settings.smtp_password_file.read_text(encoding="utf-8").strip()
        server = MailServer(
            host=settings.smtp_address,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=password,
            security=settings.smtp_security,
            sender=settings.smtp_from,
            timeout_s=settings.smtp_timeout_seconds,
        )
    policy = MailPolicy(
        server=server,
        sends_sandboxes=settings.smtp_sandboxes,
        attempts=settings.smtp_attempts,
        waits=[int(seconds) for seconds in settings.smtp_retry_seconds.split(",")],
        public_url=settings.public_url,
    )
    return Mailer(app.workplace, app.clock, policy)
