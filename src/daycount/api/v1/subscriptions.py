"""Subscriptions on the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from daycount.api.entities import read_entities
from daycount.api.paging import Page, page_of, read_page
from daycount.api.query import Query
from daycount.api.routing import Call, Routes
from daycount.api.v1 import invoice_custom_sections as sections_wire
from daycount.api.v1 import plans as plans_wire
from daycount.api.v1.entitlements_wire import SubscriptionEntitlementObject, effective_to_wire
from daycount.api.wire import Stamp, stamp, stamp_milliseconds, stamp_or_none
from daycount.catalog import store as catalog
from daycount.catalog.records import Plan
from daycount.customers import store as customers
from daycount.customers.operations import get_customer
from daycount.engine.calendar import Occasion, billing_windows, next_plan_period
from daycount.entitlements.operations import of_subscription
from daycount.given import given
from daycount.infra.work import Work
from daycount.invoicing.compute import Subject, load_subjects
from daycount.organizations import store as organizations
from daycount.organizations.sections.operations import find_choice
from daycount.periods import local_date, shown_end
from daycount.subscriptions import operations, store
from daycount.subscriptions.overrides import applicable_thresholds
from daycount.subscriptions.records import ActivationRule, EndedBy, Status, Subscription, SubscriptionFilter, SubscriptionInput
from daycount.subscriptions.store import Links

routes = Routes("subscriptions")
LIST_PARAMETERS = ("external_customer_id", "external_id", "plan_code", "currency", "status[]", "billing_entity_codes[]", "overridden")


class PaymentMethodObject(Struct, frozen=True, kw_only=True):
    """How a subscription is paid."""

    payment_method_id: str | None
    payment_method_type: str | None


class ActivationRuleObject(Struct, frozen=True, kw_only=True):
    """What the activation of a subscription waits for."""

    lago_id: str
    type: str
    timeout_hours: int
    status: str
    expires_at: Stamp | None
    created_at: Stamp
    updated_at: Stamp


class SubscriptionObject(Struct, frozen=True, kw_only=True):
    """A subscription; the plan and what hangs on it are left out of lists."""

    lago_id: str
    external_id: str
    lago_customer_id: str
    external_customer_id: str
    billing_entity_code: str
    name: str | None
    plan_code: str
    plan_amount_cents: int
    plan_amount_currency: str
    status: str
    billing_time: str
    subscription_at: Stamp
    started_at: Stamp | None
    trial_ended_at: Stamp | None
    ending_at: Stamp | None
    terminated_at: Stamp | None
    canceled_at: Stamp | None
    created_at: Stamp
    previous_plan_code: str | None
    next_plan_code: str | None
    downgrade_plan_date: str | None
    current_billing_period_started_at: Stamp | None
    current_billing_period_ending_at: Stamp | None
    on_termination_credit_note: str | None
    on_termination_invoice: str
    progressive_billing_disabled: bool
    consolidate_invoice: bool
    purchase_order_number: str | None
    cancellation_reason: str | None
    activated_at: Stamp | None
    payment_method: PaymentMethodObject
    activation_rules: Sequence[ActivationRuleObject]
    plan: plans_wire.PlanObject | UnsetType = UNSET
    entitlements: Sequence[SubscriptionEntitlementObject] | UnsetType = UNSET
    applicable_usage_thresholds: Sequence[Any] | UnsetType = UNSET
    applied_invoice_custom_sections: Sequence[sections_wire.ChosenSectionObject] | UnsetType = UNSET


def _current_period(subject: Subject | None, now: datetime) -> tuple[str | None, str | None]:
    if subject is None:
        return None, None
    window = billing_windows(subject.terms, occasion=Occasion.USAGE, at=now).charges
    if window is None:
        return None, None
    return stamp(window.period.start), stamp(shown_end(window.period.end, is_cut=window.is_cut))


def _downgrade_date(subscription: Subscription, links: Links, *, subject: Subject | None, now: datetime) -> str | None:
    """Return the local day on which a cheaper plan takes over, or took over."""
    if subject is None or links.next_plan_code is None:
        return None
    if links.next_status == Status.PENDING:
        return local_date(next_plan_period(subject.terms, after=now), zone=subject.zone).isoformat()
    if subscription.ended_by is EndedBy.DOWNGRADE and links.next_started_at is not None:
        return local_date(links.next_started_at, zone=subject.zone).isoformat()
    return None


def to_wire(
    subscription: Subscription, plan: Plan, *, entity_code: str, links: Links, subject: Subject | None, now: datetime
) -> SubscriptionObject:
    """Write a subscription as lists show it; `subject` is None while it has not started."""
    started, ending = _current_period(subject, now)
    return SubscriptionObject(
        lago_id=str(subscription.id),
        external_id=subscription.external_id,
        lago_customer_id=str(subscription.customer_id),
        external_customer_id=subscription.external_customer_id,
        billing_entity_code=entity_code,
        name=subscription.name,
        plan_code=plan.code,
        plan_amount_cents=plan.amount_cents,
        plan_amount_currency=plan.amount_currency,
        status=subscription.status,
        billing_time=subscription.billing_time,
        subscription_at=stamp(subscription.subscription_at),
        started_at=None if subscription.started_at is None else stamp_milliseconds(subscription.started_at),
        trial_ended_at=stamp_or_none(subscription.trial_ended_at),
        ending_at=stamp_or_none(subscription.ending_at),
        terminated_at=stamp_or_none(subscription.terminated_at),
        canceled_at=stamp_or_none(subscription.canceled_at),
        created_at=stamp(subscription.created_at),
        previous_plan_code=links.previous_plan_code,
        next_plan_code=links.next_plan_code,
        downgrade_plan_date=_downgrade_date(subscription, links, subject=subject, now=now),
        current_billing_period_started_at=started,
        current_billing_period_ending_at=ending,
        on_termination_credit_note=subscription.on_termination_credit_note,
        on_termination_invoice=subscription.on_termination_invoice,
        progressive_billing_disabled=subscription.progressive_billing_disabled,
        consolidate_invoice=subscription.consolidate_invoice,
        purchase_order_number=subscription.purchase_order_number,
        cancellation_reason=subscription.cancellation_reason,
        activated_at=stamp_or_none(subscription.activated_at),
        payment_method=PaymentMethodObject(
            payment_method_id=None if subscription.payment_method_id is None else str(subscription.payment_method_id),
            payment_method_type=subscription.payment_method_type,
        ),
        activation_rules=[_rule_to_wire(rule) for rule in subscription.activation_rules],
    )


def _rule_to_wire(rule: ActivationRule) -> ActivationRuleObject:
    return ActivationRuleObject(
        lago_id=str(rule.id),
        type=rule.type,
        timeout_hours=rule.timeout_hours,
        status=rule.status,
        expires_at=stamp_or_none(rule.expires_at),
        created_at=stamp(rule.created_at),
        updated_at=stamp(rule.updated_at),
    )


def list_to_wire(work: Work, rows: Sequence[Subscription]) -> list[SubscriptionObject]:
    """Write many subscriptions with a constant number of queries."""
    plans = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[row.plan_id for row in rows])
    started = {subject.subscription.id: subject for subject in load_subjects(work, [row for row in rows if row.started_at is not None])}
    links = store.find_links(work.tx, organization_id=work.organization_id, ids=[row.id for row in rows])
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[row.customer_id for row in rows])
    own = {row.billing_entity_id for row in rows if row.billing_entity_id is not None}
    senders = organizations.find_entities_by_id(work.tx, organization_id=work.organization_id, ids=own)
    return [
        to_wire(
            row,
            plans[row.plan_id],
            entity_code=(owners[row.customer_id].entity if row.billing_entity_id is None else senders[row.billing_entity_id]).code,
            links=links[row.id],
            subject=started.get(row.id),
            now=work.now,
        )
        for row in rows
    ]


def whole_to_wire(work: Work, row: Subscription, *, has_entitlements: bool) -> SubscriptionObject:
    """Write one subscription with its plan, as its own endpoints do."""
    plan = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[row.plan_id])[row.plan_id]
    parent_ids = [] if plan.parent_id is None else [plan.parent_id]
    parents = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=parent_ids) if parent_ids else {}
    thresholds = applicable_thresholds(row, plan, next(iter(parents.values()), None))
    [brief] = list_to_wire(work, [row])
    return structs.replace(
        brief,
        plan=plans_wire.whole_to_wire(work, plan),
        entitlements=_entitlements(work, row, plan) if has_entitlements else UNSET,
        applicable_usage_thresholds=plans_wire.applicable_to_wire(thresholds),
        applied_invoice_custom_sections=sections_wire.choice_to_wire(find_choice(work, row.id)),
    )


def _entitlements(work: Work, row: Subscription, plan: Plan) -> list[SubscriptionEntitlementObject]:
    return [effective_to_wire(one) for one in of_subscription(work, row.id, plan.parent_id or plan.id)]


def read_filter(work: Work, query: Query) -> SubscriptionFilter:
    """Read the filters of the list: active ones by default, all when a status is unknown. Raises NotFound (billing_entity)."""
    wanted = query.many("status") or (Status.ACTIVE.value,)
    statuses = tuple(Status(value) for value in wanted) if set(wanted) <= {*Status} else ()
    return SubscriptionFilter(
        entity_ids=read_entities(work, query),
        external_customer_id=query.one("external_customer_id"),
        external_id=query.one("external_id"),
        plan_code=query.one("plan_code"),
        currency=query.one("currency"),
        statuses=statuses,
        is_overridden=query.flag("overridden") if query.one("overridden") is not None else query.flag("overriden"),
    )


def _list(work: Work, call: Call, query: SubscriptionFilter) -> Page:
    asked = read_page(call.query)
    rows = store.list_subscriptions(work.tx, organization_id=work.organization_id, query=query, limit=asked.per_page, offset=asked.offset)
    total = store.count_subscriptions(work.tx, organization_id=work.organization_id, query=query)
    return page_of(list_to_wire(work, rows), asked=asked, total=total)


@routes.post(
    "/subscriptions",
    accepts=SubscriptionInput,
    root_in="subscription",
    beside_root=("authorization",),
    returns=SubscriptionObject,
    root_out="subscription",
)
def create_subscription(work: Work, call: Call) -> SubscriptionObject:
    """Subscribe a customer to a plan."""
    row = operations.create_subscription(work, call.body)
    return whole_to_wire(work, row, has_entitlements=True)


@routes.get("/subscriptions", returns=SubscriptionObject, root_out="subscriptions", is_list=True, parameters=LIST_PARAMETERS)
def find_all_subscriptions(work: Work, call: Call) -> Page:
    """List subscriptions; active ones unless `status[]` says otherwise."""
    return _list(work, call, read_filter(work, call.query))


@routes.get(
    "/customers/{external_customer_id}/subscriptions",
    returns=SubscriptionObject,
    root_out="subscriptions",
    is_list=True,
    parameters=LIST_PARAMETERS[1:],
)
def find_all_customer_subscriptions(work: Work, call: Call) -> Page:
    """List the subscriptions of a customer."""
    customer = get_customer(work, call.path["external_customer_id"])
    return _list(work, call, structs.replace(read_filter(work, call.query), external_customer_id=customer.external_id))


@routes.get("/subscriptions/{external_id}", returns=SubscriptionObject, root_out="subscription", parameters=("status",))
def find_subscription(work: Work, call: Call) -> SubscriptionObject:
    """Find a subscription by its external id."""
    row = operations.get_subscription(work, call.path["external_id"], status=call.query.one("status"))
    return whole_to_wire(work, row, has_entitlements=True)


@routes.put(
    "/subscriptions/{external_id}",
    accepts=SubscriptionInput,
    root_in="subscription",
    beside_root=("status",),
    returns=SubscriptionObject,
    root_out="subscription",
    parameters=("status",),
)
def update_subscription(work: Work, call: Call) -> SubscriptionObject:
    """Change a subscription."""
    status = call.query.one("status") or given(call.body.status, None)
    row, _ = operations.update_subscription(work, call.path["external_id"], call.body, status=status)
    return whole_to_wire(work, row, has_entitlements=False)


@routes.delete(
    "/subscriptions/{external_id}",
    returns=SubscriptionObject,
    root_out="subscription",
    parameters=("status", "on_termination_credit_note", "on_termination_invoice"),
)
def destroy_subscription(work: Work, call: Call) -> SubscriptionObject:
    """End the active subscription now, or cancel the pending one."""
    chosen = {name: call.query.one(name) for name in ("status", "on_termination_credit_note", "on_termination_invoice")}
    row = operations.terminate_subscription(work, call.path["external_id"], **chosen)
    return whole_to_wire(work, row, has_entitlements=False)
