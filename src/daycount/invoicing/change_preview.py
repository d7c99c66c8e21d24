"""
What a change of plan or a termination would bill: it is carried out in a rehearsal, looked at, and taken back.

The same operations, the same billing run and the same credits as the real thing; nothing is computed here.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from enum import StrEnum

from msgspec import UNSET, Struct, UnsetType

from daycount import errors
from daycount.catalog import store as catalog
from daycount.customers import store as customers
from daycount.engine.calendar import next_plan_period
from daycount.given import given
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.messages import TimeUnused
from daycount.invoicing.records import Invoice
from daycount.periods import parse_instant
from daycount.subscriptions import operations, plan_changes, schedule
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.records import Subscription, SubscriptionInput, terms_of


class Change(StrEnum):
    """What would happen."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    TERMINATION = "termination"


class ChangeInput(Struct, frozen=True, kw_only=True):
    """The change that is asked about: to a plan, or, without one, the end; at an instant, by default now."""

    plan_code: str | None | UnsetType = UNSET
    at: str | None | UnsetType = UNSET
    on_termination_credit_note: str | None | UnsetType = UNSET
    on_termination_invoice: str | None | UnsetType = UNSET


class RehearsedChange(Struct, frozen=True, kw_only=True):
    """What the change does at `effective_at`; `work` sees the world after it, as long as the rehearsal lasts."""

    work: Work
    change: Change
    effective_at: datetime
    invoices: Sequence[Invoice]
    unused: Sequence[TimeUnused]


@contextmanager
def rehearse_change(work: Work, external_id: str, wanted: ChangeInput) -> Iterator[RehearsedChange]:
    """
    Carry out a change of the active subscription and take it back when the block ends.

    The instant lies between now and the end of the running period of the plan; periods of usage that close until then are
    billed on the way. Holds the customer's lane. Raises NotFound (subscription, plan), Invalid (at, base, plan_code, the choices).
    """
    row = operations.get_subscription(work, external_id, status=None)
    at = _read_at(work, row, wanted)
    with ExitStack() as rehearsals:
        rehearsal = rehearsals.enter_context(work.rehearse(now=at))
        made_before = {invoice.id for invoice in _invoices_of(work, external_id, since=work.now)}
        plan_code = given(wanted.plan_code, None)
        if plan_code is None:
            change, effective_at = _terminate(rehearsal.work, external_id, wanted), at
        else:
            change, pending = _change_plan(rehearsal.work, row, plan_code)
            effective_at = at
            if pending is not None:
                due = rehearsal.work.agenda.find(schedule.SWITCH, subject_id=pending.id)
                assert due is not None
                effective_at = due
                rehearsal = rehearsals.enter_context(rehearsal.work.rehearse(now=due))
                owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[row.customer_id])
                plan_changes.switch_plan(rehearsal.work, pending, at=due, customer=owners[row.customer_id])
        made = _invoices_of(rehearsal.work, external_id, since=work.now)
        yield RehearsedChange(
            work=rehearsal.work,
            change=change,
            effective_at=effective_at,
            invoices=[invoice for invoice in made if invoice.id not in made_before],
            unused=[message for message in rehearsal.heard if isinstance(message, TimeUnused)],
        )


def _read_at(work: Work, row: Subscription, wanted: ChangeInput) -> datetime:
    text = given(wanted.at, None)
    if text is None:
        return work.now
    try:
        at = parse_instant(text)
    except ValueError as error:
        raise errors.Invalid({"at": ["invalid_date"]}) from error
    plan = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[row.plan_id])[row.plan_id]
    owner = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[row.customer_id])[row.customer_id]
    last = next_plan_period(terms_of(row, plan=plan, zone=owner.zone), after=work.now)
    if not work.now <= at <= last:
        raise errors.Invalid({"at": ["value_is_out_of_range"]})
    return at


def _terminate(work: Work, external_id: str, wanted: ChangeInput) -> Change:
    operations.terminate_subscription(
        work,
        external_id,
        status=None,
        on_termination_credit_note=given(wanted.on_termination_credit_note, None),
        on_termination_invoice=given(wanted.on_termination_invoice, None),
    )
    return Change.TERMINATION


def _change_plan(work: Work, row: Subscription, plan_code: str) -> tuple[Change, Subscription | None]:
    """Post the other plan; return what it is, and the row that waits for the end of the period, if one does."""
    wanted = SubscriptionInput(external_customer_id=row.external_customer_id, plan_code=plan_code, external_id=row.external_id)
    running = operations.create_subscription(work, wanted)
    if running.id != row.id:
        return Change.UPGRADE, None
    rows = subscriptions.find_rows(work.tx, organization_id=work.organization_id, external_id=row.external_id)
    target = catalog.find_plan(work.tx, organization_id=work.organization_id, code=plan_code)
    waiting = next(
        (item for item in rows if item.previous_id == row.id and item.canceled_at is None and target and item.plan_id == target.id), None
    )
    if waiting is None:
        raise errors.Invalid({"base": ["new_plan_should_be_different_from_existing_plan"]})
    return Change.DOWNGRADE, waiting


def _invoices_of(work: Work, external_id: str, *, since: datetime) -> list[Invoice]:
    return store.list_billed_since(work.tx, organization_id=work.organization_id, external_id=external_id, since=since)
