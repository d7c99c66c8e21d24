"""Use cases that start, change and end subscriptions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import structs
from sqlalchemy import Connection

from daycount import errors
from daycount.catalog import store as catalog
from daycount.catalog.plan_operations import get_plan
from daycount.catalog.records import Plan, PlanInput
from daycount.customers import store as customers
from daycount.customers.operations import MAX_EXTERNAL_ID, ensure_customer, find_entity, lane_of
from daycount.customers.payment_methods.records import Reference
from daycount.customers.records import Customer
from daycount.engine.calendar import BillingTime
from daycount.given import given, given_or_default, is_given
from daycount.infra.work import Work
from daycount.organizations import store as organizations
from daycount.organizations.records import BillingEntity
from daycount.organizations.sections.operations import choose_sections, copy_choice
from daycount.organizations.sections.records import Chooser
from daycount.periods import local_date, whole_millisecond
from daycount.subscriptions import overrides, plan_changes, schedule, store
from daycount.subscriptions.fields import (
    check_instant,
    payer_of,
    read_activation_rules,
    read_credit_note_choice,
    read_ending,
    read_instant,
    read_invoice_choice,
    read_payment_method,
    read_purchase_order,
)
from daycount.subscriptions.life import after_earlier_rows, cancel_pending, end_subscription
from daycount.subscriptions.messages import SubscriptionSaved
from daycount.subscriptions.records import ActivationRule, Status, Subscription, SubscriptionInput
from daycount.subscriptions.starting import start_backdated, start_now
from daycount.usage.prompt import CHECK_USAGE

_OPEN = (Status.ACTIVE, Status.PENDING)


def create_subscription(work: Work, wanted: SubscriptionInput) -> Subscription:
    """
    Subscribe a customer to a plan, from `subscription_at` (default now) on.

    By the local dates of the customer: a start today is active at once and billed if the plan is in advance; a past one is
    active without a first invoice; a future one is pending until its instant. The same external id with the same plan
    returns what is there; with another plan it is a change of plan (`plan_changes`), and the row that runs afterwards is
    returned. An unknown customer is made. Locks the customer. Announces SubscriptionStarted or PlanSwitched.
    Raises Forbidden (an amount is to be held first), NotFound (billing_entity, plan), Invalid.
    Source: Lago API, subscriptions; a pending one starts at its exact instant (decision).
    """
    if given_or_default(wanted.authorization, {}):
        raise errors.Forbidden("feature_not_available")
    sender = _find_sender(work, wanted)
    plan = get_plan(work, given(wanted.plan_code, None) or "")
    found = errors.FieldErrors()
    # Events are dated to the millisecond by many: one dated as the start is shown must not come before it.
    subscription_at = whole_millisecond(
        read_instant(wanted.subscription_at, "subscription_at", found) or check_instant(work.now, "subscription_at", found)
    )
    ending_at = read_ending(wanted, subscription_at, work.now, found)
    way = read_payment_method(work, wanted.payment_method, owner=given(wanted.external_customer_id, None), found=found) or Reference()
    rules = _read_rules(work, wanted, way, found)
    own = overrides.read_overrides(wanted, found)
    thresholds = overrides.read_own_thresholds(work, wanted, (), found)
    found.raise_if_any()
    external_customer_id = given(wanted.external_customer_id, None)
    if not external_customer_id or not external_customer_id.strip():
        raise errors.Invalid({"external_customer_id": ["value_is_mandatory"]})
    external_id, billing_time = _check_identity(wanted)

    customer = ensure_customer(work, external_customer_id)
    rows = store.find_rows(work.tx, organization_id=work.organization_id, external_id=external_id)
    if any(row.status is Status.INCOMPLETE and row.customer_id == customer.id for row in rows):
        raise errors.Invalid({"subscription": ["subscription_incomplete"]})
    current = next((row for row in rows if row.status in _OPEN and row.customer_id == customer.id), None)
    if current is None and any(row.status in (Status.ACTIVE, Status.INCOMPLETE) for row in rows):
        raise errors.Invalid({"external_id": ["value_already_exist"]})
    old_plan = None
    if current is not None:
        old_plan = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[current.plan_id])[current.plan_id]
        if plan.id in (old_plan.id, old_plan.parent_id) and own is None:
            return current
    plan = overrides.plan_for_new(work, plan, own)
    blank = _blank(
        work,
        wanted,
        customer=customer,
        plan=plan,
        external_id=external_id,
        billing_time=billing_time,
        subscription_at=subscription_at,
        ending_at=ending_at,
    )
    blank = structs.replace(
        blank,
        payment_method_type=way.kind,
        payment_method_id=way.method_id,
        usage_thresholds=thresholds,
        activation_rules=rules,
        billing_entity_id=None if sender is None else sender.id,
    )
    choose_sections(work, Chooser.SUBSCRIPTION, blank.id, given(wanted.invoice_custom_section, None))
    if current is None or old_plan is None:
        return _start_new(work, blank, plan, customer, rows, own=own)
    current = store.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[current.id], lock=True)[0]
    following = _inheriting(blank, wanted, current)
    if not is_given(wanted.invoice_custom_section):
        copy_choice(work, Chooser.SUBSCRIPTION, blank.id, [current.id])
    return plan_changes.change_plan(work, current, blank=following, old_plan=old_plan, new_plan=plan, customer=customer)


def _read_rules(work: Work, wanted: SubscriptionInput, way: Reference, found: errors.FieldErrors) -> tuple[ActivationRule, ...]:
    """Read the rules of an activation that may wait; who pays is the customer as it is known before."""
    external_id = given(wanted.external_customer_id, None)
    known = None
    if external_id and given(wanted.activation_rules, []):
        known = customers.find_customer(work.tx, organization_id=work.organization_id, external_id=external_id)
    return read_activation_rules(work, wanted.activation_rules, payer=payer_of(work, known, way), found=found)


def _names_sender(wanted: SubscriptionInput) -> bool:
    return is_given(wanted.billing_entity_code) or is_given(wanted.billing_entity_id)


def _find_sender(work: Work, wanted: SubscriptionInput) -> BillingEntity | None:
    """Return the billing entity that is named by its code or its id; None for the customer's. Raises NotFound."""
    entity_id = given(wanted.billing_entity_id, None)
    if given(wanted.billing_entity_code, None) or entity_id is None:
        return find_entity(work, given(wanted.billing_entity_code, None))
    found = organizations.find_entities_by_id(work.tx, organization_id=work.organization_id, ids=[entity_id])
    if entity_id not in found:
        raise errors.NotFound("billing_entity")
    return found[entity_id]


def _inheriting(blank: Subscription, wanted: SubscriptionInput, current: Subscription) -> Subscription:
    """Take over from the row before what a change of plan keeps unless the caller says otherwise."""
    kept = ("ending_at", "purchase_order_number", "consolidate_invoice")
    fields: dict[str, Any] = {name: getattr(current, name) for name in kept if not is_given(getattr(wanted, name))}
    if not _names_sender(wanted):
        fields["billing_entity_id"] = current.billing_entity_id
    return structs.replace(blank, **fields)


def _check_identity(wanted: SubscriptionInput) -> tuple[str, BillingTime]:
    found = errors.FieldErrors()
    external_id = given(wanted.external_id, None)
    if not external_id or not external_id.strip():
        found.add("external_id", "value_is_mandatory")
    elif len(external_id) > MAX_EXTERNAL_ID:
        found.add("external_id", "value_is_too_long")
    billing_time = given_or_default(wanted.billing_time, BillingTime.CALENDAR.value)
    if billing_time not in set(BillingTime):
        found.add("billing_time", "value_is_invalid")
    found.raise_if_any()
    assert external_id is not None
    return external_id, BillingTime(billing_time)


def _blank(
    work: Work,
    wanted: SubscriptionInput,
    *,
    customer: Customer,
    plan: Plan,
    external_id: str,
    billing_time: BillingTime,
    subscription_at: datetime,
    ending_at: datetime | None,
) -> Subscription:
    return Subscription(
        id=work.new_id(),
        organization_id=work.organization_id,
        customer_id=customer.id,
        external_customer_id=customer.external_id,
        plan_id=plan.id,
        external_id=external_id,
        name=given(wanted.name, None),
        status=Status.PENDING,
        billing_time=billing_time,
        subscription_at=subscription_at,
        started_at=None,
        ending_at=ending_at,
        terminated_at=None,
        canceled_at=None,
        activated_at=None,
        trial_ended_at=None,
        on_termination_credit_note=read_credit_note_choice(given(wanted.on_termination_credit_note, None), plan),
        on_termination_invoice=read_invoice_choice(given(wanted.on_termination_invoice, None)),
        progressive_billing_disabled=given_or_default(wanted.progressive_billing_disabled, default=False),
        consolidate_invoice=given_or_default(wanted.consolidate_invoice, default=True),
        purchase_order_number=read_purchase_order(given(wanted.purchase_order_number, None)),
        billed_through=None,
        billed_zone=None,
        has_base_fee=False,
        created_at=work.now,
        updated_at=work.now,
    )


def _start_new(
    work: Work, blank: Subscription, plan: Plan, customer: Customer, rows: Sequence[Subscription], *, own: PlanInput | None
) -> Subscription:
    if customer.currency is None:
        customers.set_currency(work.tx, customer_id=customer.id, currency=plan.amount_currency)
    start_day, today = (local_date(instant, zone=customer.zone) for instant in (blank.subscription_at, work.now))
    if start_day > today:
        store.insert_subscription(work.tx, blank)
        overrides.preset(work, blank, plan, own)
        schedule.set_entries(work, blank, plan=plan, zone=customer.zone, after=work.now)
        organizations.bump_catalog_version(work)
        return blank

    def write(tx: Connection, row: Subscription) -> None:
        store.insert_subscription(tx, row)
        overrides.preset(work, row, plan, own)

    begun = structs.replace(blank, started_at=after_earlier_rows(blank, rows))
    start = start_backdated if start_day < today else start_now
    return start(work, begun, plan=plan, customer=customer, at=work.now, write=write)


def terminate_subscription(
    work: Work,
    external_id: str,
    *,
    status: str | None,
    on_termination_credit_note: str | None,
    on_termination_invoice: str | None,
) -> Subscription:
    """
    End the active subscription now, or cancel the pending one when `status` says so.

    Closed periods that were not billed yet are billed first. Announces SubscriptionEnded. Raises NotFound, Invalid.
    Source: Lago API, subscriptions.
    """
    wanted = Status.PENDING if status == Status.PENDING else Status.ACTIVE
    rows = store.find_rows(work.tx, organization_id=work.organization_id, external_id=external_id)
    row = next((row for row in rows if row.status is wanted), None)
    waiting = next((row for row in rows if row.status is Status.INCOMPLETE), None)
    if row is None:
        if waiting is not None and wanted is Status.ACTIVE:
            raise errors.Invalid({"base": ["subscription_incomplete"]})
        raise errors.NotFound("subscription")
    if waiting is not None and waiting.previous_id == row.id:
        raise errors.Invalid({"base": ["next_subscription_incomplete"]})
    row = _lock_row(work, row)
    if row.status is not wanted:
        raise errors.NotFound("subscription")
    if wanted is Status.PENDING:
        return cancel_pending(work, row, at=work.now)
    plan = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[row.plan_id])[row.plan_id]
    chosen = structs.replace(
        row,
        on_termination_credit_note=(
            read_credit_note_choice(on_termination_credit_note, plan) if on_termination_credit_note else row.on_termination_credit_note
        ),
        on_termination_invoice=read_invoice_choice(on_termination_invoice) if on_termination_invoice else row.on_termination_invoice,
    )
    return end_subscription(work, chosen, at=work.now)


def update_subscription(work: Work, external_id: str, changes: SubscriptionInput, *, status: str | None) -> tuple[Subscription, Plan]:
    """
    Change what may change while a subscription lives; absent keys stay.

    The target is the only row of that external id, else the active one, or the pending one when `status` says so. A new
    `subscription_at` moves a pending start. Raises NotFound, Invalid, NotAllowed. Source: Lago API, subscriptions.
    """
    row = find_target(work, external_id, status=status)
    if row.status is Status.INCOMPLETE:
        raise errors.NotAllowed("subscription_incomplete")
    plan = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[row.plan_id])[row.plan_id]
    found = errors.FieldErrors()
    fields: dict[str, Any] = {"updated_at": work.now}
    for name in ("name", "progressive_billing_disabled", "consolidate_invoice"):
        if is_given(getattr(changes, name)) and (name == "name" or getattr(changes, name) is not None):
            fields[name] = getattr(changes, name)
    if is_given(changes.purchase_order_number):
        if row.status in (Status.TERMINATED, Status.CANCELED):
            raise errors.NotAllowed("purchase_order_number_not_editable")
        fields["purchase_order_number"] = read_purchase_order(given(changes.purchase_order_number, None))
    if is_given(changes.on_termination_credit_note):
        fields["on_termination_credit_note"] = read_credit_note_choice(given(changes.on_termination_credit_note, None), plan)
    if given(changes.on_termination_invoice, None):
        fields["on_termination_invoice"] = read_invoice_choice(given(changes.on_termination_invoice, None))
    moved = read_instant(changes.subscription_at, "subscription_at", found)
    if moved is not None and row.status is Status.PENDING and row.previous_id is None:
        fields["subscription_at"] = moved
    if is_given(changes.ending_at):
        fields["ending_at"] = read_ending(changes, fields.get("subscription_at", row.subscription_at), work.now, found)
    owner = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[row.customer_id])[row.customer_id]
    fields |= _payment_fields(work, row, changes, owner, found)
    own = overrides.read_overrides(changes, found)
    fields["usage_thresholds"] = overrides.read_own_thresholds(work, changes, row.usage_thresholds, found)
    found.raise_if_any()
    changed = structs.replace(row, **fields)
    choose_sections(work, Chooser.SUBSCRIPTION, row.id, given(changes.invoice_custom_section, None))
    if own is not None:
        changed, plan = overrides.override_running(work, changed, own, zone=owner.zone)
    if given(changes.usage_thresholds, []):
        plan = overrides.without_thresholds(work, plan)
    return _write_changed(work, changed, plan), plan


def _payment_fields(
    work: Work, row: Subscription, changes: SubscriptionInput, owner: Customer, found: errors.FieldErrors
) -> dict[str, Any]:
    """Read how a row is paid from now on, and what its activation waits for while it is pending."""
    fields: dict[str, Any] = {}
    way = Reference(row.payment_method_type, row.payment_method_id)
    if _names_sender(changes):
        sender = _find_sender(work, changes)
        fields["billing_entity_id"] = None if sender is None else sender.id
    if is_given(changes.payment_method):
        way = read_payment_method(work, changes.payment_method, owner=row.customer_id, found=found) or Reference()
        fields |= {"payment_method_type": way.kind, "payment_method_id": way.method_id}
    if row.status is Status.PENDING and is_given(changes.activation_rules):
        payer = payer_of(work, owner, way)
        fields["activation_rules"] = read_activation_rules(work, changes.activation_rules, payer=payer, found=found)
    elif given(changes.activation_rules, []):
        found.add("activation_rules", "subscription_not_pending")
    return fields


def _write_changed(work: Work, changed: Subscription, plan: Plan) -> Subscription:
    customer = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[changed.customer_id])[changed.customer_id]
    if changed.status is Status.PENDING and changed.previous_id is None and changed.subscription_at <= work.now:
        rows = store.find_rows(work.tx, organization_id=work.organization_id, external_id=changed.external_id)
        is_today = local_date(changed.subscription_at, zone=customer.zone) == local_date(work.now, zone=customer.zone)
        begun = structs.replace(changed, started_at=after_earlier_rows(changed, rows))
        start = start_now if is_today else start_backdated
        return start(work, begun, plan=plan, customer=customer, at=work.now, write=store.update_subscription)
    store.update_subscription(work.tx, changed)
    organizations.bump_catalog_version(work)
    may_have_thresholds = changed.usage_thresholds or plan.usage_thresholds or plan.parent_id is not None
    if may_have_thresholds and changed.status is Status.ACTIVE and not changed.progressive_billing_disabled:
        work.agenda.put(CHECK_USAGE, subject_id=work.new_id(), lane_id=lane_of(customer.id), due_at=work.now)
    if changed.status is Status.PENDING:
        schedule.set_entries(work, changed, plan=plan, zone=customer.zone, after=work.now)
    elif changed.status is Status.ACTIVE:
        schedule.set_entries(work, changed, plan=plan, zone=customer.zone, after=schedule.settled_until(changed))
    work.announce(SubscriptionSaved(subscription=changed, event="updated"))
    return changed


def find_target(work: Work, external_id: str, *, status: str | None) -> Subscription:
    """Return, locked, the row that a change of an external id means: the only one, else the active or the pending one. Raises NotFound."""
    rows = store.find_rows(work.tx, organization_id=work.organization_id, external_id=external_id)
    if len(rows) > 1:
        wanted = Status(status) if status in (Status.PENDING, Status.INCOMPLETE) else Status.ACTIVE
        rows = [row for row in rows if row.status is wanted]
    if not rows:
        raise errors.NotFound("subscription")
    return _lock_row(work, rows[0])


def _lock_row(work: Work, row: Subscription) -> Subscription:
    """Hold the customer's lane, lock its row and the subscription's, and return the latter as it is now."""
    work.agenda.hold(lane_of(row.customer_id))
    customers.find_customers(work.tx, organization_id=work.organization_id, ids=[row.customer_id], lock=True)
    return store.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[row.id], lock=True)[0]


def get_subscription(work: Work, external_id: str, *, status: str | None) -> Subscription:
    """Return the row of that external id and status (default active; of several terminated ones the latest). Raises NotFound."""
    wanted = Status(status) if status in set(Status) else Status.ACTIVE
    rows = store.find_rows(work.tx, organization_id=work.organization_id, external_id=external_id)
    row = next((row for row in rows if row.status is wanted), None)
    if row is None:
        raise errors.NotFound("subscription")
    return row
