"""
Previews of invoices: what would be billed next, or for a plan nobody has yet, is carried out in a rehearsal and taken back.

The same operations, the same billing run and the same credits as the real thing; nothing is computed here, and nothing stays.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import UNSET, Struct, UnsetType

from daycount import errors
from daycount.catalog import store as catalog
from daycount.catalog.plan_operations import get_plan
from daycount.customers import store as customers
from daycount.customers.operations import get_customer, upsert_customer
from daycount.customers.records import AddressInput, BillingConfigurationInput, Customer, CustomerInput
from daycount.customers.vat.operations import answer_by_digits
from daycount.engine.calendar import Occasion
from daycount.given import given, given_or_default, is_given
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.billing_run import bill
from daycount.invoicing.change_preview import ChangeInput, rehearse_change
from daycount.invoicing.preview_coupons import try_coupons
from daycount.invoicing.records import Bill, Invoice
from daycount.periods import parse_instant
from daycount.subscriptions import operations, schedule
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.records import Status, Subscription, SubscriptionInput
from daycount.usage.port import EventStore


class PreviewCustomer(Struct, frozen=True, kw_only=True):
    """Who the preview is for: a known customer, whose values may be others here, or somebody new."""

    external_id: str | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    currency: str | None | UnsetType = UNSET
    timezone: str | None | UnsetType = UNSET
    tax_identification_number: str | None | UnsetType = UNSET
    address_line1: str | None | UnsetType = UNSET
    address_line2: str | None | UnsetType = UNSET
    city: str | None | UnsetType = UNSET
    zipcode: str | None | UnsetType = UNSET
    state: str | None | UnsetType = UNSET
    country: str | None | UnsetType = UNSET
    shipping_address: AddressInput | None | UnsetType = UNSET


class PreviewInput(Struct, frozen=True, kw_only=True):
    """What is asked for; without subscriptions it is a new one on `plan_code`."""

    customer: PreviewCustomer | None | UnsetType = UNSET
    plan_code: str | None | UnsetType = UNSET
    billing_time: str | None | UnsetType = UNSET
    subscription_at: str | None | UnsetType = UNSET
    billing_entity_code: str | None | UnsetType = UNSET
    coupons: Any = ()
    """A list of PreviewCoupon once the edge has read it."""
    subscriptions: Any = UNSET


class Previewed(NamedTuple):
    """The invoice as it would be, in the world that it would stand in, as long as the rehearsal lasts."""

    work: Work
    invoice: Invoice


class _Asked(NamedTuple):
    """The subscriptions that are asked about, and what happens to them."""

    external_ids: Sequence[str]
    plan_code: str | None
    terminated_at: str | None


@contextmanager
def rehearse_invoice(work: Work, wanted: PreviewInput, *, events: EventStore) -> Iterator[Previewed]:
    """
    Make the invoice that is asked for and take it back when the block ends.

    Raises NotFound (customer, plan, subscription, billing_entity), BadRequest for lists of the wrong shape, Invalid.
    Source: Lago API, invoice preview.
    """
    asked = _read_subscriptions(wanted)
    customer = _known_customer(work, wanted)
    if asked is not None and customer is None:
        raise errors.Invalid({"customer": ["must_be_persisted"]})
    with ExitStack() as rehearsals:
        if asked is None:
            yield _propose(work, wanted, customer, rehearsals, events=events)
            return
        assert customer is not None
        rows = _find_rows(work, customer, asked)
        changes = customer.external_id, wanted
        if asked.terminated_at is None and asked.plan_code is None:
            ending = _ending_in_period(work, rows)
            if ending is not None:
                yield _change(work, rows[0], asked._replace(terminated_at=ending.isoformat()), changes, rehearsals)
                return
            yield _project(work, rows, changes, rehearsals, events=events)
        else:
            yield _change(work, rows[0], asked, changes, rehearsals)


def _propose(work: Work, wanted: PreviewInput, customer: Customer | None, rehearsals: ExitStack, *, events: EventStore) -> Previewed:
    """Subscribe to a plan and bill what comes first: its start where it is in advance, else its first period."""
    plan = get_plan(work, given_or_default(wanted.plan_code, ""))
    start = _instant(wanted.subscription_at, "subscription_at") or work.now
    inside = rehearsals.enter_context(work.rehearse(now=start)).work
    external_id = customer.external_id if customer is not None else str(work.new_id())
    _upsert(inside, external_id, wanted, currency=plan.amount_currency)
    row = operations.create_subscription(
        inside,
        SubscriptionInput(
            external_customer_id=external_id,
            external_id=str(work.new_id()),
            plan_code=plan.code,
            billing_time=wanted.billing_time,
        ),
    )
    made = _invoices(inside, [row], since=start)
    return Previewed(inside, made[-1]) if made else _bill_next(inside, [row], rehearsals, events=events)


def _project(
    work: Work, rows: Sequence[Subscription], changes: tuple[str, PreviewInput], rehearsals: ExitStack, *, events: EventStore
) -> Previewed:
    """Bill the period that runs, at its end."""
    inside = rehearsals.enter_context(work.rehearse(now=work.now)).work
    plans = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[row.plan_id for row in rows])
    currencies = {plan.amount_currency for plan in plans.values()}
    if len(currencies) > 1:
        raise errors.Invalid({"base": ["subscription_currencies_does_not_match"]})
    if len({row.billing_entity_id for row in rows}) > 1:
        raise errors.Invalid({"base": ["subscription_billing_entities_do_not_match"]})
    _upsert(inside, *changes, currency=currencies.pop())
    return _bill_next(inside, rows, rehearsals, events=events)


def _ending_in_period(work: Work, rows: Sequence[Subscription]) -> datetime | None:
    """Return when the only subscription asked about ends, where it does so before its running period is billed."""
    ending = rows[0].ending_at
    if len(rows) > 1 or ending is None:
        return None
    due = work.agenda.find(schedule.BILL_PERIOD, subject_id=rows[0].id)
    return ending if due is None or ending < due else None


def _bill_next(work: Work, rows: Sequence[Subscription], rehearsals: ExitStack, *, events: EventStore) -> Previewed:
    dues = {work.agenda.find(schedule.BILL_PERIOD, subject_id=row.id) for row in rows}
    due = dues.pop()
    if dues:
        raise errors.Invalid({"base": ["billing_periods_does_not_match"]})
    if due is None:
        raise errors.NotFound("subscription")
    inside = rehearsals.enter_context(work.rehearse(now=due)).work
    bill(inside, [Bill(row.id, Occasion.PERIODIC, due) for row in rows], events=events)
    return Previewed(inside, _last(_invoices(inside, rows, since=due)))


def _change(work: Work, row: Subscription, asked: _Asked, changes: tuple[str, PreviewInput], rehearsals: ExitStack) -> Previewed:
    """End a subscription, or change its plan."""
    inside = rehearsals.enter_context(work.rehearse(now=work.now)).work
    plan = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[row.plan_id])[row.plan_id]
    _upsert(inside, *changes, currency=plan.amount_currency)
    if asked.plan_code is not None:
        if get_plan(work, asked.plan_code).id == row.plan_id:
            raise errors.Invalid({"base": ["new_plan_should_be_different_from_existing_plan"]})
        wanted = ChangeInput(plan_code=asked.plan_code)
    else:
        at = _instant(asked.terminated_at, "terminated_at", code="invalid_timestamp")
        if at is not None and at < work.now:
            raise errors.Invalid({"terminated_at": ["cannot_be_in_past"]})
        wanted = ChangeInput(at=asked.terminated_at)
    rehearsed = rehearsals.enter_context(rehearse_change(inside, row.external_id, wanted))
    return Previewed(rehearsed.work, _last(rehearsed.invoices))


def _last(made: Sequence[Invoice]) -> Invoice:
    if not made:
        raise errors.Invalid({"base": ["nothing_to_bill"]})
    return made[-1]


def _invoices(work: Work, rows: Sequence[Subscription], *, since: datetime) -> list[Invoice]:
    return [
        invoice
        for invoice in store.list_billed_since(work.tx, organization_id=work.organization_id, external_id=rows[0].external_id, since=since)
        if invoice.created_at >= since
    ]


def _upsert(work: Work, external_id: str, wanted: PreviewInput, *, currency: str) -> None:
    """Write the customer as it is in the preview, with its coupons: nothing stays a draft, and an invoice of nothing is shown."""
    sent = given(wanted.customer, None)
    names = [name for name in PreviewCustomer.__struct_fields__ if name != "external_id"]
    values = {} if sent is None else {name: getattr(sent, name) for name in names}
    fields = {name: value for name, value in values.items() if is_given(value) and value is not None}  # clients send what they leave out
    configuration = BillingConfigurationInput(invoice_grace_period=0)
    changes = CustomerInput(
        external_id=external_id,
        finalize_zero_amount_invoice="finalize",
        billing_configuration=configuration,
        billing_entity_code=wanted.billing_entity_code,
        **fields,
    )
    customer = upsert_customer(work, changes)
    answer_by_digits(work, customer)
    try_coupons(work, customer, wanted.coupons or (), currency=currency)


def _known_customer(work: Work, wanted: PreviewInput) -> Customer | None:
    sent = given(wanted.customer, None)
    external_id = None if sent is None else given(sent.external_id, None)
    return get_customer(work, external_id) if external_id else None


def _find_rows(work: Work, customer: Customer, asked: _Asked) -> list[Subscription]:
    if len(asked.external_ids) > 1 and (asked.plan_code or asked.terminated_at):
        what = "termination" if asked.terminated_at else "plan_change"
        raise errors.Invalid({"subscriptions": [f"only_one_subscription_allowed_for_{what}"]})
    rows = []
    for external_id in asked.external_ids:
        found = subscriptions.find_rows(work.tx, organization_id=work.organization_id, external_id=external_id)
        active = [row for row in found if row.status is Status.ACTIVE and row.customer_id == customer.id]
        if not active:
            raise errors.NotFound("subscription")
        rows.append(active[0])
    customers.find_customers(work.tx, organization_id=work.organization_id, ids=[customer.id], lock=True)
    return rows


def _read_subscriptions(wanted: PreviewInput) -> _Asked | None:
    sent = given(wanted.subscriptions, None)
    if sent is None:
        return None
    if not isinstance(sent, dict):
        raise errors.WrongShape("subscriptions_must_be_an_object")
    ids = sent.get("external_ids") or []
    if not isinstance(ids, list) or not ids:
        return None
    plan_code, terminated_at = sent.get("plan_code"), sent.get("terminated_at")
    return _Asked(
        [str(external_id) for external_id in dict.fromkeys(map(str, ids[:100]))],
        None if plan_code is None else str(plan_code),
        None if terminated_at is None else str(terminated_at),
    )


def _instant(value: str | None | UnsetType, field: str, *, code: str = "invalid_date") -> datetime | None:
    if not is_given(value) or value is None:
        return None
    try:
        return parse_instant(str(value))
    except ValueError as error:
        raise errors.Invalid({field: [code]}) from error
