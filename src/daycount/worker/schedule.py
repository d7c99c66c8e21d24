"""
The one table of what time can cause.

Which kinds of agenda entries exist, in which order those of one instant run, and who handles them.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from daycount.customers import store as customers
from daycount.customers.vat import operations as vat
from daycount.dunning import operations as dunning
from daycount.dunning.pursuing import pursue_customers
from daycount.infra.work import Work
from daycount.invoicing import deadlines, ongoing
from daycount.invoicing import operations as invoice_operations
from daycount.invoicing.papers.reactions import MAKE, PaperReactions
from daycount.invoicing.reactions import InvoicingReactions
from daycount.monitoring import evaluation as alerts
from daycount.payments import linking
from daycount.payments.charging import collecting, outcomes
from daycount.payments.charging.sending import Sending
from daycount.payments.checkout.providing import END_PAGE, Checkout
from daycount.payments.linking import Linking
from daycount.payments.receipt_papers import MAKE_RECEIPT, ReceiptPapers
from daycount.payments.refunds import operations as refunding
from daycount.payments.refunds.operations import Refunding
from daycount.quotes import orders
from daycount.quotes.operations import EXPIRE_FORM
from daycount.subscriptions import gating, life, plan_changes, schedule, starting, store
from daycount.subscriptions.records import RuleStatus, Status
from daycount.taxes.eu import RATES_CHANGE, keep_eu_taxes
from daycount.usage.faults import operations as faults
from daycount.usage.port import EventStore
from daycount.usage.prompt import CHECK_USAGE, PRICE_EVENT
from daycount.wallets import operations as wallet_operations
from daycount.wallets import reactions as wallet_reactions
from daycount.wallets import rules as wallet_rules
from daycount.wallets.authorizations import operations as authorizations

Handler = Callable[[Work, Sequence[UUID], datetime], None]


class Kind(NamedTuple):
    """
    A kind of entry; those with a lower rank run first where instants are equal.

    Where it is about lanes, the handler gets each lane once, however many entries of one instant it has.
    """

    rank: int
    handle: Handler
    is_about_lanes: bool = False


class Documents(NamedTuple):
    """Who makes documents."""

    papers: PaperReactions
    receipts: ReceiptPapers


class Charging(NamedTuple):
    """Who speaks to payment providers."""

    sending: Sending
    linking: Linking
    refunding: Refunding
    checkout: Checkout


def kinds(
    invoicing: InvoicingReactions, events: EventStore, checks: vat.VatChecks, documents: Documents, charging: Charging
) -> dict[str, Kind]:
    """
    Return the table.

    No two kinds share a rank. At one instant: a subscription starts before a trial ends, a trial ends before a subscription
    does, and what ends is ended, or gives way to another plan, before periods are billed, so that a period that closes with
    its subscription is billed once. Drafts of earlier days are finalized before all that, so that their numbers come first.
    """

    def end_trials(work: Work, subjects: Sequence[UUID], due_at: datetime) -> None:
        rows = store.find_subscriptions(work.tx, organization_id=work.organization_id, ids=subjects, lock=True)
        life.end_trials(work, [row for row in rows if row.status is Status.ACTIVE], at=due_at)
        invoicing.bill_after_trial(work, subjects, due_at=due_at)

    def bill_periods(work: Work, subjects: Sequence[UUID], due_at: datetime) -> None:
        invoicing.bill_periods(work, subjects, due_at=due_at)
        alerts.look_again(work, subjects)

    def finalize_drafts(work: Work, subjects: Sequence[UUID], due_at: datetime) -> None:
        invoicing.finalize_drafts(work, subjects, due_at=due_at)

    def price_events(work: Work, subjects: Sequence[UUID], _due_at: datetime) -> None:
        invoicing.price_events(work, subjects)

    def check_usage(work: Work, customer_ids: Sequence[UUID], _due_at: datetime) -> None:
        invoicing.bill_reached(work, customer_ids)
        alerts.evaluate_usage(work, customer_ids, events=events)
        invoicing.refresh_wallets_after_usage(work, customer_ids)

    def bill_units(work: Work, subjects: Sequence[UUID], due_at: datetime) -> None:
        invoicing.bill_units(work, subjects, due_at=due_at)

    def refresh_wallets(work: Work, subjects: Sequence[UUID], _due_at: datetime) -> None:
        invoicing.refresh_wallets(work, subjects)

    def refresh_drafts(work: Work, subjects: Sequence[UUID], _due_at: datetime) -> None:
        invoicing.refresh_drafts(work, subjects)

    def check_numbers(work: Work, subjects: Sequence[UUID], _due_at: datetime) -> None:
        checks.check(work, subjects)

    def close_accounts(work: Work, subjects: Sequence[UUID], _due_at: datetime) -> None:
        invoicing.close_accounts(work, subjects)

    return {
        **_kinds_of_charging(charging),
        RATES_CHANGE: Kind(1, _change_rates),
        vat.CHECK: Kind(2, check_numbers),
        wallet_operations.EXPIRES: Kind(3, _expire_wallets),
        wallet_rules.RULE_EXPIRES: Kind(4, _expire_rules),
        authorizations.EXPIRES: Kind(7, _expire_authorizations),
        deadlines.FINALIZE: Kind(5, finalize_drafts),
        deadlines.REFRESH: Kind(6, refresh_drafts),
        deadlines.CLOSE_ACCOUNT: Kind(58, close_accounts),
        schedule.EXPIRE: Kind(8, _expire_activations),
        orders.EXECUTE_ORDER: Kind(9, _execute_orders),
        schedule.START: Kind(10, _start),
        EXPIRE_FORM: Kind(11, _expire_forms),
        schedule.TRIAL_END: Kind(20, end_trials),
        schedule.END: Kind(30, _end),
        schedule.CANCEL: Kind(32, _cancel),
        schedule.SWITCH: Kind(35, _switch),
        PRICE_EVENT: Kind(38, price_events),
        CHECK_USAGE: Kind(39, check_usage, is_about_lanes=True),
        schedule.BILL_PERIOD: Kind(40, bill_periods),
        schedule.BILL_UNITS: Kind(42, bill_units),
        wallet_rules.INTERVAL_DUE: Kind(50, _top_up),
        ongoing.REFRESH: Kind(55, refresh_wallets),
        schedule.END_NEAR: Kind(57, _tell_of_near_ends),
        deadlines.OVERDUE: Kind(60, _fall_overdue),
        dunning.PURSUE: Kind(61, _pursue),
        faults.REPORT: Kind(62, _report_faults),
        MAKE: Kind(70, documents.papers.make),
        MAKE_RECEIPT: Kind(71, documents.receipts.make),
    }


def _report_faults(work: Work, _subjects: Sequence[UUID], due_at: datetime) -> None:
    faults.report_faults(work, due_at)


def _expire_forms(work: Work, subjects: Sequence[UUID], _due_at: datetime) -> None:
    orders.expire_forms(work, subjects)


def _execute_orders(work: Work, subjects: Sequence[UUID], _due_at: datetime) -> None:
    orders.execute_due(work, subjects)


def _kinds_of_charging(charging: Charging) -> dict[str, Kind]:
    def collect(work: Work, invoice_ids: Sequence[UUID], _due_at: datetime) -> None:
        collecting.collect(work, invoice_ids)

    def collect_requests(work: Work, request_ids: Sequence[UUID], _due_at: datetime) -> None:
        collecting.collect_requests(work, request_ids)

    def send(work: Work, payment_ids: Sequence[UUID], _due_at: datetime) -> None:
        charging.sending.send(work, payment_ids)

    def follow(work: Work, payment_ids: Sequence[UUID], _due_at: datetime) -> None:
        charging.sending.follow(work, payment_ids)

    def link(work: Work, customer_ids: Sequence[UUID], _due_at: datetime) -> None:
        charging.linking.link(work, customer_ids)

    def refund(work: Work, refund_ids: Sequence[UUID], _due_at: datetime) -> None:
        charging.refunding.refund(work, refund_ids)

    def follow_refunds(work: Work, refund_ids: Sequence[UUID], _due_at: datetime) -> None:
        charging.refunding.follow(work, refund_ids)

    def end_pages(work: Work, page_ids: Sequence[UUID], _due_at: datetime) -> None:
        charging.checkout.end(work, page_ids)

    return {
        linking.LINK: Kind(80, link),
        outcomes.FOLLOW: Kind(81, follow),
        deadlines.COLLECT: Kind(82, collect),
        collecting.COLLECT_REQUEST: Kind(83, collect_requests),
        collecting.SEND: Kind(84, send),
        refunding.REFUND: Kind(85, refund),
        refunding.FOLLOW_REFUND: Kind(86, follow_refunds),
        END_PAGE: Kind(87, end_pages),
    }


def _change_rates(work: Work, _subjects: Sequence[UUID], _due_at: datetime) -> None:
    keep_eu_taxes(work)


def _tell_of_near_ends(work: Work, subjects: Sequence[UUID], _due_at: datetime) -> None:
    rows = store.find_subscriptions(work.tx, organization_id=work.organization_id, ids=subjects, lock=True)
    schedule.tell_of_near_ends(work, [row for row in rows if row.status is Status.ACTIVE and row.ending_at is not None])


def _fall_overdue(work: Work, subjects: Sequence[UUID], due_at: datetime) -> None:
    invoice_operations.mark_overdue(work, subjects, at=due_at)


def _pursue(work: Work, subjects: Sequence[UUID], _due_at: datetime) -> None:
    pursue_customers(work, subjects)


def _start(work: Work, subjects: Sequence[UUID], due_at: datetime) -> None:
    for row in store.find_subscriptions(work.tx, organization_id=work.organization_id, ids=subjects, lock=True):
        if row.status is Status.PENDING:
            starting.activate_pending(work, row, at=due_at)


def _end(work: Work, subjects: Sequence[UUID], due_at: datetime) -> None:
    for row in store.find_subscriptions(work.tx, organization_id=work.organization_id, ids=subjects, lock=True):
        if row.status is Status.ACTIVE:
            life.end_subscription(work, row, at=due_at)


def _cancel(work: Work, subjects: Sequence[UUID], due_at: datetime) -> None:
    for row in store.find_subscriptions(work.tx, organization_id=work.organization_id, ids=subjects, lock=True):
        if row.status is Status.PENDING:
            life.cancel_pending(work, row, at=due_at)
        elif row.status is Status.INCOMPLETE:
            gating.give_up_waiting(work, row, reason=None, rule_status=RuleStatus.DECLINED, at=due_at)


def _expire_activations(work: Work, subjects: Sequence[UUID], due_at: datetime) -> None:
    for row in store.find_subscriptions(work.tx, organization_id=work.organization_id, ids=subjects, lock=True):
        if row.status is Status.INCOMPLETE:
            gating.give_up_waiting(work, row, reason=gating.Reason.TIMEOUT, rule_status=RuleStatus.EXPIRED, at=due_at)


def _switch(work: Work, subjects: Sequence[UUID], due_at: datetime) -> None:
    rows = store.find_subscriptions(work.tx, organization_id=work.organization_id, ids=subjects, lock=True)
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[row.customer_id for row in rows], lock=True)
    for row in rows:
        if row.status is Status.PENDING:
            plan_changes.switch_plan(work, row, at=due_at, customer=owners[row.customer_id])


def _expire_wallets(work: Work, subjects: Sequence[UUID], _due_at: datetime) -> None:
    wallet_reactions.expire(work, subjects)


def _expire_authorizations(work: Work, subjects: Sequence[UUID], _due_at: datetime) -> None:
    authorizations.expire(work, subjects)


def _expire_rules(work: Work, subjects: Sequence[UUID], _due_at: datetime) -> None:
    wallet_rules.expire_rules(work, subjects)


def _top_up(work: Work, subjects: Sequence[UUID], _due_at: datetime) -> None:
    wallet_reactions.fire_intervals(work, subjects)
