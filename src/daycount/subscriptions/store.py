"""All SQL about subscriptions."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from daycount import errors
from daycount.catalog.records import UsageThreshold
from daycount.catalog.tables import plans
from daycount.customers.tables import customers
from daycount.engine.calendar import BilledBase, BillingTime
from daycount.infra.database import is_any
from daycount.subscriptions.records import ActivationRule, EndedBy, Status, Subscription, SubscriptionFilter
from daycount.subscriptions.tables import subscriptions

_SELECT = sa.select(subscriptions, customers.c.external_id.label("external_customer_id")).join(
    customers, customers.c.id == subscriptions.c.customer_id
)

_NAMES = tuple(column.name for column in _SELECT.selected_columns)


def _subscription(row: Mapping[str, Any] | RowMapping) -> Subscription:
    values: dict[str, Any] = dict(row)
    values["status"] = Status(values["status"])
    values["billing_time"] = BillingTime(values["billing_time"])
    values["ended_by"] = None if values["ended_by"] is None else EndedBy(values["ended_by"])
    values["activation_rules"] = (
        msgspec.convert(values["activation_rules"], tuple[ActivationRule, ...]) if values["activation_rules"] else ()
    )
    values["usage_thresholds"] = (
        msgspec.convert(values["usage_thresholds"], tuple[UsageThreshold, ...]) if values["usage_thresholds"] else ()
    )
    return Subscription(**values)


def _values(subscription: Subscription) -> dict[str, Any]:
    values = {name: getattr(subscription, name) for name in subscription.__struct_fields__ if name != "external_customer_id"}
    return values | {name: [msgspec.to_builtins(item) for item in values[name]] for name in ("usage_thresholds", "activation_rules")}


def insert_subscription(tx: Connection, subscription: Subscription) -> None:
    """Write a new row. Raises Invalid when its external id has a row of that status already."""
    _write(tx, subscriptions.insert().values(_values(subscription)))


def update_subscription(tx: Connection, subscription: Subscription) -> None:
    """Write a changed row. Raises Invalid when its external id has another row of that status."""
    _write(tx, subscriptions.update().where(subscriptions.c.id == subscription.id).values(_values(subscription)))


def _write(tx: Connection, statement: sa.Insert | sa.Update) -> None:
    try:
        with tx.begin_nested():
            tx.execute(statement)
    except IntegrityError as error:
        raise errors.Invalid({"external_id": ["value_already_exist"]}) from error


def find_rows(tx: Connection, *, organization_id: UUID, external_id: str) -> list[Subscription]:
    """Return all rows of an external id: active first, then pending, then incomplete, then the latest terminated."""
    table = subscriptions.c
    rank = sa.case({"active": 0, "pending": 1, "incomplete": 2, "terminated": 3}, value=table.status, else_=4)
    statement = (
        _SELECT.where(table.organization_id == organization_id, table.external_id == external_id)
        .order_by(rank, table.terminated_at.desc().nulls_last(), table.started_at.desc().nulls_last(), table.id)
        .limit(1000)
    )
    return [_subscription(row) for row in tx.execute(statement).mappings()]


def find_rows_of(tx: Connection, *, organization_id: UUID, external_ids: Collection[str]) -> list[Subscription]:
    """Return the started rows of external ids: for each, those that run first, then the latest ended, then the latest started."""
    table = subscriptions.c
    statement = _SELECT.where(
        table.organization_id == organization_id,
        table.external_id.in_(external_ids),
        table.started_at.is_not(None),
        table.status != Status.INCOMPLETE,
    ).order_by(table.terminated_at.desc().nulls_first(), table.started_at.desc(), table.id.desc())
    return [_subscription(row) for row in tx.execute(statement).mappings()]


def find_subscriptions(tx: Connection, *, organization_id: UUID, ids: Sequence[UUID], lock: bool = False) -> list[Subscription]:
    """Return rows by id, in the order of ids; `lock` holds them until the transaction ends."""
    table = subscriptions.c
    statement = _SELECT.where(table.organization_id == organization_id, is_any(table.id, set(ids))).order_by(table.id)
    if lock:
        statement = statement.with_for_update(of=subscriptions)
    return [_subscription(dict(zip(_NAMES, row, strict=True))) for row in tx.execute(statement).all()]


def find_customer_ids(tx: Connection, *, organization_id: UUID, ids: Collection[UUID]) -> set[UUID]:
    """Return the customers of rows."""
    table = subscriptions.c
    statement = sa.select(table.customer_id).where(table.organization_id == organization_id, is_any(table.id, ids))
    return set(tx.execute(statement).scalars())


def find_open(
    tx: Connection, *, organization_id: UUID, customer_id: UUID | None = None, plan_id: UUID | None = None, lock: bool = False
) -> list[Subscription]:
    """Return the active, pending and incomplete rows of a customer or of a plan; `lock` holds them until the transaction ends."""
    table = subscriptions.c
    statement = _SELECT.where(
        table.organization_id == organization_id, table.status.in_([Status.ACTIVE, Status.PENDING, Status.INCOMPLETE])
    )
    if customer_id is not None:
        statement = statement.where(table.customer_id == customer_id)
    if plan_id is not None:
        statement = statement.where(table.plan_id == plan_id)
    statement = statement.order_by(table.id)
    if lock:
        statement = statement.with_for_update(of=subscriptions)
    return [_subscription(row) for row in tx.execute(statement).mappings()]


def find_open_of(tx: Connection, *, organization_id: UUID, customer_ids: Collection[UUID]) -> list[Subscription]:
    """Return the active and pending rows of several customers."""
    table = subscriptions.c
    statement = _SELECT.where(
        table.organization_id == organization_id,
        is_any(table.customer_id, customer_ids),
        table.status.in_([Status.ACTIVE, Status.PENDING]),
    )
    return [_subscription(row) for row in tx.execute(statement.order_by(table.id)).mappings()]


def find_open_on(tx: Connection, *, organization_id: UUID, plan_ids: Sequence[UUID]) -> list[Subscription]:
    """Return the active and pending rows on several plans."""
    table = subscriptions.c
    statement = _SELECT.where(
        table.organization_id == organization_id, table.plan_id.in_(plan_ids), table.status.in_([Status.ACTIVE, Status.PENDING])
    )
    return [_subscription(row) for row in tx.execute(statement.order_by(table.id)).mappings()]


def list_open_page(tx: Connection, *, organization_id: UUID, after: UUID | None, limit: int) -> list[Subscription]:
    """Return active and pending rows in the order of their ids, those behind `after`."""
    table = subscriptions.c
    statement = _SELECT.where(table.organization_id == organization_id, table.status.in_([Status.ACTIVE, Status.PENDING]))
    if after is not None:
        statement = statement.where(table.id > after)
    return [_subscription(row) for row in tx.execute(statement.order_by(table.id).limit(limit)).mappings()]


def find_waiting_changes(tx: Connection, *, organization_id: UUID, plan_id: UUID) -> list[tuple[Subscription, Subscription]]:
    """Return (active row, row that waits to follow it) where one of the two is on the plan. Two queries."""
    table, before = subscriptions.c, subscriptions.alias("before")
    waiting = (
        _SELECT.join(before, before.c.id == table.previous_id)
        .where(table.organization_id == organization_id, table.status == Status.PENDING, before.c.status == Status.ACTIVE)
        .where(sa.or_(table.plan_id == plan_id, before.c.plan_id == plan_id))
        .order_by(table.id)
    )
    rows = [_subscription(row) for row in tx.execute(waiting).mappings()]
    found = find_subscriptions(tx, organization_id=organization_id, ids=[row.previous_id for row in rows if row.previous_id])
    current = {row.id: row for row in found}
    return [(current[row.previous_id], row) for row in rows if row.previous_id is not None]


class Links(NamedTuple):
    """The plans before and after a row; the latest successor that is not canceled counts."""

    previous_plan_code: str | None
    next_plan_code: str | None
    next_status: str | None
    next_started_at: datetime | None


def find_links(tx: Connection, *, organization_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Links]:
    """Return what stands before and after each row. One query."""
    statement = sa.text("""
        select s.id, before.code as previous_code, follows.code as next_code, follows.status, follows.started_at
        from subscriptions s
        left join subscriptions p on p.id = s.previous_id
        left join plans before on before.id = p.plan_id
        left join lateral (
            select n.status, n.started_at, after.code
            from subscriptions n join plans after on after.id = n.plan_id
            where n.previous_id = s.id and n.status <> 'canceled'
            order by n.created_at desc, n.id desc limit 1
        ) as follows on true
        where s.organization_id = :organization_id and s.id = any(:ids)
    """)
    rows = tx.execute(statement, {"organization_id": organization_id, "ids": list(ids)})
    return {row.id: Links(row.previous_code, row.next_code, row.status, row.started_at) for row in rows}


def find_next_plan_metrics(tx: Connection, *, organization_id: UUID, ids: Sequence[UUID]) -> dict[UUID, frozenset[UUID]]:
    """Return for each row that another one followed the metrics that the next plan charges for. One query."""
    statement = sa.text("""
        select n.previous_id, array_agg(c.billable_metric_id) as metric_ids
        from subscriptions n join charges c on c.plan_id = n.plan_id and c.deleted_at is null
        where n.organization_id = :organization_id and n.previous_id = any(:ids) and n.status <> 'canceled'
        group by 1
    """)
    if not ids:
        return {}
    rows = tx.execute(statement, {"organization_id": organization_id, "ids": list(ids)})
    return {row.previous_id: frozenset(row.metric_ids) for row in rows}


class History(NamedTuple):
    """
    What the rows of one external id of a customer have in common.

    `first_started_at`: when the customer's first row ever started; trials are counted from there. `settled_until`: the end, exclusive,
    of the events that ended rows billed, also those of a customer who had the id before; None where no row ended with an invoice.
    """

    first_started_at: datetime
    settled_until: datetime | None


def find_histories(tx: Connection, *, organization_id: UUID, pairs: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], History]:
    """Return the history of each (customer, external id) that ever started."""
    statement = sa.text("""
        select w.customer_id, s.external_id, min(s.started_at) filter (where s.customer_id = w.customer_id) as first,
               max(s.billed_through) filter (where s.status = 'terminated') as settled
        from subscriptions s
        join unnest(cast(:customers as uuid[]), cast(:externals as text[])) as w(customer_id, external_id) on w.external_id = s.external_id
        where s.organization_id = :organization_id and s.started_at is not null
        group by 1, 2
        having bool_or(s.customer_id = w.customer_id)
    """)
    parameters = {
        "organization_id": organization_id,
        "customers": [customer for customer, _ in pairs],
        "externals": [external for _, external in pairs],
    }
    return {(row.customer_id, row.external_id): History(row.first, row.settled) for row in tx.execute(statement, parameters)}


class Mark(NamedTuple):
    """How far a row is billed now: the end of the charges window with its zone, and of the base fee with the day after it."""

    subscription_id: UUID
    through: datetime | None
    zone: str
    base: BilledBase | None


def mark_billed(tx: Connection, *, marks: Sequence[Mark]) -> None:
    """Note for many rows how far they are billed; what a mark leaves out stays as it was."""
    statement = sa.text("""
        update subscriptions s
        set billed_through = coalesce(m.through, s.billed_through),
            billed_zone = case when m.through is null then s.billed_zone else m.zone end,
            has_base_fee = s.has_base_fee or m.base_through is not null,
            base_billed_through = coalesce(m.base_through, s.base_billed_through),
            base_unbilled_from = coalesce(m.base_next, s.base_unbilled_from)
        from unnest(cast(:ids as uuid[]), cast(:throughs as timestamptz[]), cast(:zones as text[]),
                    cast(:base_throughs as timestamptz[]), cast(:base_nexts as date[]))
          as m(id, through, zone, base_through, base_next)
        where s.id = m.id
    """)
    if marks:
        parameters = {
            "ids": [mark.subscription_id for mark in marks],
            "throughs": [mark.through for mark in marks],
            "zones": [mark.zone for mark in marks],
            "base_throughs": [None if mark.base is None else mark.base.through for mark in marks],
            "base_nexts": [None if mark.base is None else mark.base.next_day for mark in marks],
        }
        tx.execute(statement, parameters)


def _filtered(organization_id: UUID, query: SubscriptionFilter) -> list[sa.ColumnElement[bool]]:
    table = subscriptions.c
    conditions = [table.organization_id == organization_id]
    if query.statuses:
        conditions.append(table.status.in_(query.statuses))
    if query.external_customer_id is not None:
        conditions.append(customers.c.external_id == query.external_customer_id)
    if query.external_id is not None:
        conditions.append(table.external_id == query.external_id)
    if query.plan_code is not None:
        conditions.append(plans.c.code == query.plan_code)
    if query.currency is not None:
        conditions.append(plans.c.amount_currency == query.currency)
    if query.is_overridden is not None:
        conditions.append(plans.c.parent_id.is_not(None) if query.is_overridden else plans.c.parent_id.is_(None))
    if query.entity_ids:
        conditions.append(sa.func.coalesce(table.billing_entity_id, customers.c.billing_entity_id).in_(query.entity_ids))
    return conditions


def count_subscriptions(tx: Connection, *, organization_id: UUID, query: SubscriptionFilter) -> int:
    """Count the rows that a list shows."""
    statement = _SELECT.join(plans, plans.c.id == subscriptions.c.plan_id).where(*_filtered(organization_id, query))
    return int(tx.execute(sa.select(sa.func.count()).select_from(statement.subquery())).scalar_one())


def list_subscriptions(tx: Connection, *, organization_id: UUID, query: SubscriptionFilter, limit: int, offset: int) -> list[Subscription]:
    """Return a page of rows, the latest `subscription_at` first."""
    table = subscriptions.c
    statement = (
        _SELECT.join(plans, plans.c.id == table.plan_id)
        .where(*_filtered(organization_id, query))
        .order_by(table.subscription_at.desc(), table.created_at.desc(), table.id)
        .limit(limit)
        .offset(offset)
    )
    return [_subscription(row) for row in tx.execute(statement).mappings()]


_FACTS = sa.text("""
select s.external_id, case when s.status = 'pending' then s.subscription_at else s.started_at end as started_at, s.terminated_at,
       array(select c.billable_metric_id from charges c where c.plan_id = s.plan_id and c.deleted_at is null) as metric_ids,
       array(select c.billable_metric_id from charges c
             where c.plan_id = s.plan_id and c.deleted_at is null and c.pay_in_advance) as advance_metric_ids,
       array(select c.billable_metric_id from charges c
             where c.plan_id = s.plan_id and c.deleted_at is null and c.accepts_target_wallet) as target_metric_ids,
       array(select w.code from wallets w where w.customer_id = s.customer_id and w.status = 'active') as wallet_codes,
       s.customer_id,
       s.status <> 'terminated' and (
           exists (select 1 from wallets w where w.customer_id = s.customer_id and w.status = 'active')
           or exists (select 1 from alerts a where a.organization_id = s.organization_id
                      and a.external_subscription_id = s.external_id and a.deleted_at is null)
           or (not s.progressive_billing_disabled and (
               s.usage_thresholds <> '[]' or p.usage_thresholds <> '[]' or coalesce(parent.usage_thresholds, '[]') <> '[]'))
       ) as is_watched,
       coalesce(parent.requires_wallet_balance, p.requires_wallet_balance) as needs_balance
from subscriptions s join plans p on p.id = s.plan_id left join plans parent on parent.id = p.parent_id
where s.organization_id = :organization_id and s.external_id = any(:external_ids) and s.status not in ('canceled', 'incomplete')
  and not (s.status = 'pending' and s.previous_id is not null)
order by s.external_id, s.id
""")


def find_facts(tx: Connection, *, organization_id: UUID, external_ids: Sequence[str]) -> Sequence[sa.Row[Any]]:
    """
    Return life, customer and metrics charged, those in advance too, of rows that are no canceled or pending changes.

    `is_watched` says whether something looks at the row's usage as it grows, `needs_balance` whether prepaid credits must cover it.
    """
    return tx.execute(_FACTS, {"organization_id": organization_id, "external_ids": list(external_ids)}).all()
