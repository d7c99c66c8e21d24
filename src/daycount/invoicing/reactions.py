"""What invoicing does when subscriptions start, end, or must be settled before they change; and when the agenda says so."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from daycount.catalog import store as catalog
from daycount.catalog.messages import PlanDeleted, PlansRewritten
from daycount.coupons.applying import restore_coupons
from daycount.credit_notes.spending import give_back
from daycount.customers import store as customers
from daycount.customers.messages import CustomerDeleted, InvoiceSettingsChanged
from daycount.customers.operations import lane_of
from daycount.engine.calendar import Occasion
from daycount.infra.work import Work
from daycount.invoicing import credit_store, gating, ongoing, store
from daycount.invoicing.advance.carrying import carry_standings
from daycount.invoicing.advance.pricing import price_events
from daycount.invoicing.billing_run import bill, bill_unit_changes, gather_at_end
from daycount.invoicing.crediting import finalize_notes, issue_excess, issue_for_unused
from daycount.invoicing.credits import CreditKind
from daycount.invoicing.deadlines import CLOSE_ACCOUNT, FINALIZE, set_refreshes
from daycount.invoicing.draft_notes import follow_drafts
from daycount.invoicing.drafts import finalize, move_dates, refresh_many
from daycount.invoicing.messages import TimeUnused, UsageOverbilled
from daycount.invoicing.messages_life import DraftsRebuilt, InvoiceClosed, InvoiceDeleted, InvoicesFinalized, InvoiceVoided
from daycount.invoicing.progressive.checking import bill_reached
from daycount.invoicing.records import Bill
from daycount.invoicing.unused_time import give_back_unused_time
from daycount.organizations.entities.records import EntityChanged
from daycount.subscriptions import schedule
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.messages import (
    ActivationPaid,
    ActivationWaits,
    PeriodsDue,
    PlanOverridden,
    PlanSwitched,
    SubscriptionEnded,
    SubscriptionStarted,
    UnitsToBill,
)
from daycount.subscriptions.records import Status
from daycount.taxes.messages import TaxesChanged
from daycount.usage.port import EventStore
from daycount.wallets import movements

DRAFTS_OF_DELETED_AFTER = timedelta(minutes=5)


def _restore_coupons(work: Work, invoice_id: UUID) -> None:
    used = credit_store.list_of_invoices(work.tx, organization_id=work.organization_id, invoice_ids=[invoice_id])
    restore_coupons(work, [shown.credit.source_id for shown in used if shown.credit.kind is CreditKind.COUPON])


def _give_back_credits(work: Work, invoice_id: UUID) -> None:
    give_back(work, invoice_id=invoice_id)
    movements.give_back(work, invoice_id=invoice_id)


class InvoicingReactions:
    """The reactions, with the event store they read from."""

    def __init__(self, events: EventStore) -> None:
        self._events = events

    def on_started(self, work: Work, message: SubscriptionStarted) -> None:
        """Bill a subscription at its start: what of its plan is paid for in advance. Nothing is read where nothing is."""
        subscription = message.subscription
        assert subscription.activated_at is not None
        plans = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[subscription.plan_id])
        plan = plans[subscription.plan_id]
        if not plan.pay_in_advance and not any(item.pay_in_advance for item in plan.fixed_charges):
            return
        bill(work, [Bill(subscription.id, Occasion.STARTING, subscription.activated_at)], events=self._events)

    def on_periods_due(self, work: Work, message: PeriodsDue) -> None:
        """Bill every period that closed before now, each at its own instant."""
        subscription_id = message.subscription.id
        due = work.agenda.find(schedule.BILL_PERIOD, subject_id=subscription_id)
        while due is not None and due < work.now:
            bill(work, [Bill(subscription_id, Occasion.PERIODIC, due)], events=self._events)
            due = work.agenda.find(schedule.BILL_PERIOD, subject_id=subscription_id)

    def on_ended(self, work: Work, message: SubscriptionEnded) -> None:
        """Give back what a plan in advance took for later days; bill what is left, unless the row was asked to skip that."""
        subscription = message.subscription
        give_back_unused_time(work, subscription, at=subscription.updated_at)
        item = Bill(
            subscription.id,
            Occasion.TERMINATING,
            subscription.updated_at,
            closes_boundary=message.unbilled_boundary is not None,
        )
        if subscription.on_termination_invoice == "skip":
            gather_at_end(work, item)
            return
        bill(work, [item], events=self._events)

    def on_switched(self, work: Work, message: PlanSwitched) -> None:
        """
        Bill a change of plan on one invoice: what the old row still owes, and what the new one costs in advance.

        The new plan takes part only where it bills something now: a plan in advance out of its trial.
        """
        ended, started = message.ended, message.started
        give_back_unused_time(work, ended, at=ended.updated_at)
        closing = Bill(ended.id, Occasion.TERMINATING, ended.updated_at, closes_boundary=message.unbilled_boundary is not None)
        bill(work, [closing, Bill(started.id, Occasion.STARTING, ended.updated_at)], events=self._events)

    def on_time_unused(self, work: Work, message: TimeUnused) -> None:
        """Give back the days of a base fee that were not used."""
        issue_for_unused(work, fee=message.fee, unused=message.unused, method=message.method, at=message.at)

    def on_overbilled(self, work: Work, message: UsageOverbilled) -> None:
        """Give back what was billed on the way of usage that is not there at the end."""
        issue_excess(work, message.invoices, net_cents=message.net_cents, at=message.at)

    def on_finalized(self, work: Work, message: InvoicesFinalized) -> None:
        """Make the credit notes of drafts final with them."""
        finalize_notes(work, message.invoices)

    def on_rebuilt(self, work: Work, message: DraftsRebuilt) -> None:
        """Let the credit notes of drafts follow the amounts of their fees."""
        follow_drafts(work, message.invoice_ids, amounts_before=message.amounts_before)

    def on_deleted(self, work: Work, message: InvoiceDeleted) -> None:
        """Delete the credit notes of a draft with it."""
        finalize_notes(work, [message.invoice])

    def on_voided(self, work: Work, message: InvoiceVoided) -> None:
        """Give back what the invoice used: coupons always, credit notes and wallets unless its value came back as a note of its own."""
        _restore_coupons(work, message.invoice.id)
        if not message.keeps_wallets:
            _give_back_credits(work, message.invoice.id)

    def on_closed(self, work: Work, message: InvoiceClosed) -> None:
        """Give back what an invoice used that was not paid in time to count."""
        _restore_coupons(work, message.invoice.id)
        _give_back_credits(work, message.invoice.id)

    def on_waiting(self, work: Work, message: ActivationWaits) -> None:
        """Make the invoice that an activation waits for."""
        gating.bill_waiting(work, message, events=self._events)

    def on_waited(self, work: Work, message: ActivationPaid) -> None:
        """Bill what the row owes that gave way to one that was paid for first."""
        gating.bill_ended(work, message, events=self._events)

    def on_prices_changed(self, work: Work, message: PlansRewritten | TaxesChanged) -> None:
        """Have the drafts that it concerns computed again by the prices and taxes of now."""
        about = message.plan_ids if isinstance(message, PlansRewritten) else message.target_ids
        set_refreshes(work, store.list_all_drafts(work.tx, organization_id=work.organization_id, about=about))

    def refresh_drafts(self, work: Work, invoice_ids: Sequence[UUID]) -> None:
        """Compute drafts again after something they depend on changed. The agenda calls it."""
        refresh_many(work, invoice_ids, events=self._events)

    def on_settings_changed(self, work: Work, message: InvoiceSettingsChanged) -> None:
        """Move the dates of a customer's drafts."""
        move_dates(work, message.customer)

    def on_entity_changed(self, work: Work, message: EntityChanged) -> None:
        """Move the dates of drafts of a billing entity; go on from its numbered invoices where they are numbered together."""
        drafts = store.list_all_drafts(work.tx, organization_id=work.organization_id, about=[message.entity_id])
        ids = list({row.customer_id for row in drafts})
        for customer in customers.find_customers(work.tx, organization_id=work.organization_id, ids=ids).values():
            move_dates(work, customer)
        if message.numbers_itself:
            store.seed_numbers(work.tx, entity_id=message.entity_id)

    def on_customer_deleted(self, work: Work, message: CustomerDeleted) -> None:
        """Finalize the drafts of a customer that is gone a few minutes later, also those of what ends with it."""
        due_at = work.now + DRAFTS_OF_DELETED_AFTER
        work.agenda.put(CLOSE_ACCOUNT, subject_id=message.customer_id, lane_id=lane_of(message.customer_id), due_at=due_at)

    def close_accounts(self, work: Work, customer_ids: Sequence[UUID]) -> None:
        """Finalize all drafts of customers. The agenda calls it."""
        drafts = store.list_all_drafts(work.tx, organization_id=work.organization_id, about=customer_ids)
        finalize(work, [row.id for row in drafts if row.customer_id in set(customer_ids)], events=self._events)

    def on_plan_deleted(self, work: Work, message: PlanDeleted) -> None:
        """Finalize the drafts about a plan that is gone, now."""
        drafts = store.list_all_drafts(work.tx, organization_id=work.organization_id, about=[message.plan_id])
        work.agenda.put_many(FINALIZE, [(row.id, lane_of(row.customer_id), work.now) for row in drafts])

    def finalize_drafts(self, work: Work, invoice_ids: Sequence[UUID], *, due_at: datetime) -> None:
        """Finalize drafts whose days of grace are over. The agenda calls it."""
        assert due_at <= work.now
        finalize(work, invoice_ids, events=self._events)

    def bill_periods(self, work: Work, subscription_ids: Sequence[UUID], *, due_at: datetime) -> None:
        """Bill the period that closed at `due_at` of many subscriptions. The agenda calls it."""
        bill(work, [Bill(subscription_id, Occasion.PERIODIC, due_at) for subscription_id in subscription_ids], events=self._events)

    def on_plan_overridden(self, work: Work, message: PlanOverridden) -> None:
        """Let what a subscription paid for in advance stand for the charges of its own plan."""
        carry_standings(work, message.subscription_id, before=message.before, after=message.after)

    def on_units_to_bill(self, work: Work, message: UnitsToBill) -> None:
        """Bill units of fixed charges that changed in a period paid for in advance."""
        bill_unit_changes(work, [message.subscription_id], at=work.now)

    def bill_units(self, work: Work, subscription_ids: Sequence[UUID], *, due_at: datetime) -> None:
        """Bill the changed units of many subscriptions. The agenda calls it."""
        bill_unit_changes(work, subscription_ids, at=due_at)

    def bill_after_trial(self, work: Work, subscription_ids: Sequence[UUID], *, due_at: datetime) -> None:
        """Bill plans in advance whose trial ended at `due_at`, unless that day's periodic invoice carried the fee already."""
        rows = subscriptions.find_subscriptions(work.tx, organization_id=work.organization_id, ids=subscription_ids, lock=True)
        open_rows = [row for row in rows if row.status is Status.ACTIVE and not row.has_base_fee]
        bill(work, [Bill(row.id, Occasion.STARTING, due_at) for row in open_rows], events=self._events)

    def price_events(self, work: Work, event_keys: Sequence[UUID]) -> None:
        """Make the fees of events that are paid for in advance. The agenda calls it."""
        price_events(work, event_keys, events=self._events)

    def bill_reached(self, work: Work, customer_ids: Sequence[UUID]) -> None:
        """Bill what customers used where it reached a threshold. The agenda calls it, in the customers' lanes."""
        bill_reached(work, customer_ids, events=self._events)

    def refresh_wallets_after_usage(self, work: Work, customer_ids: Sequence[UUID]) -> None:
        """Let wallets see usage that grew. The agenda calls it, in the customers' lanes."""
        ongoing.refresh_after_usage(work, customer_ids, events=self._events)

    def refresh_wallets(self, work: Work, customer_ids: Sequence[UUID]) -> None:
        """Work ongoing balances out again and let threshold rules top up. The agenda calls it."""
        ongoing.refresh(work, customer_ids, events=self._events)
