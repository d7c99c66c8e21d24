"""What pages read that no operation of the API gives in one call: counts and sums for the first page and for lists."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection

_LATEST_WEBHOOKS: Final = 1000
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Facts(NamedTuple):
    """What an organization has, at a glance."""

    metrics: int
    plans: int
    customers: int
    subscriptions: int
    invoices: int
    drafts: int
    overdue: int
    failed: int
    has_events: bool
    due_by_currency: Sequence[tuple[str, int, int]]
    """Currency, sum due, and sum overdue, in minor units."""


class Unbilled(NamedTuple):
    """Events of one code and subscription that no metric or no subscription takes."""

    code: str
    external_subscription_id: str
    has_metric: bool
    has_subscription: bool


class Standing(NamedTuple):
    """What a customer has and owes."""

    plans: Sequence[str]
    due_cents: int
    overdue_cents: int
    wallet_cents: int | None


_COUNTS = sa.text("""
select (select count(*) from billable_metrics where organization_id = :organization_id and deleted_at is null),
       (select count(*) from plans where organization_id = :organization_id and deleted_at is null and parent_id is null),
       (select count(*) from customers where organization_id = :organization_id and deleted_at is null),
       (select count(*) from subscriptions where organization_id = :organization_id and status = 'active'),
       (select exists (select from event_streams where organization_id = :organization_id))
""")

_MONEY = sa.text("""
select currency,
       count(*) filter (where status = 'finalized') as finalized,
       count(*) filter (where status = 'draft') as drafts,
       count(*) filter (where status = 'failed' or (status = 'finalized' and payment_status = 'failed')) as failed,
       count(*) filter (where status = 'finalized' and payment_overdue) as overdue,
       coalesce(sum(total_due_amount_cents) filter (where status = 'finalized' and payment_status <> 'succeeded'), 0) as due_cents,
       coalesce(sum(total_due_amount_cents) filter (where status = 'finalized' and payment_overdue), 0) as overdue_cents
from (select i.*, i.total_amount_cents - i.total_paid_amount_cents - i.offset_amount_cents as total_due_amount_cents
      from invoices i where i.organization_id = :organization_id) i
group by currency order by currency
""")

_UNBILLED = sa.text("""
select s.code, s.external_subscription_id, m.id is not null as has_metric, u.external_id is not null as has_subscription
from event_streams s
left join billable_metrics m on m.organization_id = s.organization_id and m.code = s.code and m.deleted_at is null
left join lateral (
    select u.external_id from subscriptions u
    where u.organization_id = s.organization_id and u.external_id = s.external_subscription_id limit 1
) u on true
where s.organization_id = :organization_id and (m.id is null or u.external_id is null)
order by s.id desc limit :limit
""")

_STANDINGS = sa.text("""
select c.id,
       (select coalesce(array_agg(distinct p.code), '{}') from subscriptions s join plans p on p.id = s.plan_id
         where s.customer_id = c.id and s.status = 'active') as plans,
       (select coalesce(sum(i.total_amount_cents - i.total_paid_amount_cents - i.offset_amount_cents), 0) from invoices i
         where i.customer_id = c.id and i.status = 'finalized' and i.payment_status <> 'succeeded') as due_cents,
       (select coalesce(sum(i.total_amount_cents - i.total_paid_amount_cents - i.offset_amount_cents), 0) from invoices i
         where i.customer_id = c.id and i.status = 'finalized' and i.payment_overdue) as overdue_cents,
       (select sum(w.balance_cents) from wallets w where w.customer_id = c.id and w.status = 'active') as wallet_cents
from customers c
where c.organization_id = :organization_id and c.id = any(:ids)
""")


_FAILING = sa.text("""
select e.url, count(*) as failed, count(*) filter (where w.status = 'failed') as given_up
from (select endpoint_id, status from webhooks where organization_id = :organization_id order by place desc limit :looked_at) w
join webhook_endpoints e on e.id = w.endpoint_id
where w.status in ('failed', 'retrying')
group by e.id, e.url order by failed desc, e.id limit :limit
""")


class Failing(NamedTuple):
    """An endpoint that does not take what it is told: how many of the latest webhooks, and how many of those are tried no more."""

    url: str
    failed: int
    given_up: int


def list_failing(tx: Connection, *, organization_id: UUID, limit: int) -> list[Failing]:
    """Return the endpoints with failed deliveries among the latest webhooks."""
    parameters = {"organization_id": organization_id, "looked_at": _LATEST_WEBHOOKS, "limit": limit}
    return [Failing(*row) for row in tx.execute(_FAILING, parameters)]


def read_facts(tx: Connection, *, organization_id: UUID, now: datetime) -> Facts:
    """Count what an organization has and sum what is due to it. Two queries."""
    counts = tx.execute(_COUNTS, {"organization_id": organization_id}).one()
    rows = tx.execute(_MONEY, {"organization_id": organization_id}).all()
    return Facts(
        metrics=counts[0],
        plans=counts[1],
        customers=counts[2],
        subscriptions=counts[3],
        has_events=counts[4],
        invoices=sum(row.finalized for row in rows),
        drafts=sum(row.drafts for row in rows),
        overdue=sum(row.overdue for row in rows),
        failed=sum(row.failed for row in rows),
        due_by_currency=[(row.currency, int(row.due_cents), int(row.overdue_cents)) for row in rows if row.due_cents],
    )


def list_unbilled(tx: Connection, *, organization_id: UUID, limit: int) -> list[Unbilled]:
    """Return which kinds of events were sent that match no metric or no subscription, the latest kinds first."""
    return [Unbilled(*row) for row in tx.execute(_UNBILLED, {"organization_id": organization_id, "limit": limit})]


def find_standings(tx: Connection, *, organization_id: UUID, ids: Sequence[Any]) -> dict[str, Standing]:
    """Return what customers have and owe, by their ids as texts. One query."""
    rows = tx.execute(_STANDINGS, {"organization_id": organization_id, "ids": [UUID(str(value)) for value in ids]})
    return {
        str(row.id): Standing(
            row.plans, int(row.due_cents), int(row.overdue_cents), None if row.wallet_cents is None else int(row.wallet_cents)
        )
        for row in rows
    }


class Coming(NamedTuple):
    """Something that time will cause: what, when, and for which customer."""

    kind: str
    due_at: datetime
    external_customer_id: str | None


class Happened(NamedTuple):
    """Something that happened: when, what kind of thing, its id or code, what it is called, how it stands, and its amount."""

    at: datetime
    kind: str
    id: str
    name: str
    status: str
    amount_cents: int | None
    currency: str | None


_COMING = sa.text("""
select a.kind, a.due_at, c.external_id as external_customer_id
from agenda a
left join customers c on c.id = a.lane_id and c.organization_id = a.organization_id
where a.organization_id = :organization_id and a.parked_at is null
order by a.due_at, a.id limit :limit
""")

_HAPPENED = sa.text("""
select * from (
    (select coalesce(i.finalized_at, i.created_at) as at, 'invoice' as kind, i.id::text as id, i.number as name, i.status as status,
            i.total_amount_cents as amount_cents, i.currency as currency
     from invoices i where i.organization_id = :organization_id and i.status <> 'generating'
       and coalesce(i.finalized_at, i.created_at) > :since order by coalesce(i.finalized_at, i.created_at) desc limit :limit)
    union all
    (select p.created_at, 'payment', p.invoice_id::text, coalesce(p.reference, ''), p.status, p.amount_cents, p.currency
     from payments p where p.organization_id = :organization_id and p.created_at > :since order by p.created_at desc limit :limit)
    union all
    (select coalesce(t.settled_at, t.created_at), 'wallet', t.wallet_id::text, t.transaction_status, t.status, t.amount_cents, w.currency
     from wallet_transactions t join wallets w on w.id = t.wallet_id
     where t.organization_id = :organization_id and coalesce(t.settled_at, t.created_at) > :since
     order by coalesce(t.settled_at, t.created_at) desc limit :limit)
    union all
    (select coalesce(s.terminated_at, s.started_at), 'subscription', s.external_id, s.external_id, s.status, null, null
     from subscriptions s where s.organization_id = :organization_id and coalesce(s.terminated_at, s.started_at) > :since
     order by coalesce(s.terminated_at, s.started_at) desc limit :limit)
) as found
order by at desc, kind, id limit :limit
""")

_CURRENCIES = sa.text("""
select distinct currency from customers
where organization_id = :organization_id and deleted_at is null and currency is not null order by currency limit 40
""")


def list_coming(tx: Connection, *, organization_id: UUID, limit: int) -> list[Coming]:
    """Return what time will cause next."""
    return [Coming(*row) for row in tx.execute(_COMING, {"organization_id": organization_id, "limit": limit})]


def list_happened(tx: Connection, *, organization_id: UUID, since: datetime | None, limit: int) -> list[Happened]:
    """Return what happened from an instant on, the latest first."""
    parameters = {"organization_id": organization_id, "since": since or _EVER, "limit": limit}
    return [Happened(*row) for row in tx.execute(_HAPPENED, parameters)]


def list_currencies(tx: Connection, *, organization_id: UUID) -> list[str]:
    """Return the currencies that customers are billed in."""
    return list(tx.execute(_CURRENCIES, {"organization_id": organization_id}).scalars())


_CURRENCIES_OF = sa.text("""
select external_id, currency from customers
where organization_id = :organization_id and deleted_at is null and currency is not null and external_id = any(:customers)
union all
select id::text, currency from wallets where organization_id = :organization_id and id = any(:wallets)
""")


def find_currencies(tx: Connection, *, organization_id: UUID, customers: Sequence[str], wallets: Sequence[str]) -> dict[str, str]:
    """Return what customers are billed in, by their external ids, and wallets are kept in, by their ids as texts. One query."""
    parameters = {"organization_id": organization_id, "customers": list(customers), "wallets": [UUID(value) for value in wallets]}
    return {row[0]: row[1] for row in tx.execute(_CURRENCIES_OF, parameters)}


_AMOUNT_CURRENCIES = sa.text("""
select currency from customers where organization_id = :organization_id and currency is not null
union select currency from wallets where organization_id = :organization_id order by 1 limit 40
""")


def list_amount_currencies(tx: Connection, *, organization_id: UUID) -> list[str]:
    """Return the currencies that amounts of an organization are in: of customers, gone ones too, and of wallets."""
    return list(tx.execute(_AMOUNT_CURRENCIES, {"organization_id": organization_id}).scalars())


def find_number(tx: Connection, *, organization_id: UUID, invoice_id: UUID | str) -> str | None:
    """Return the number of an invoice; None before it has one."""
    query = sa.text("select number from invoices where organization_id = :organization_id and id = :invoice_id")
    return tx.execute(query, {"organization_id": organization_id, "invoice_id": invoice_id}).scalar_one_or_none() or None
