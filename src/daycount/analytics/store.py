"""All SQL of analytics: it reads the tables of the packages below."""

from collections.abc import Set as AbstractSet
from fractions import Fraction
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection

from daycount.analytics.records import (
    Collection,
    CustomerRevenue,
    Liability,
    MetricRevenue,
    Overdue,
    PlanRevenue,
    Question,
    Revenue,
    SubscriptionRevenue,
    UsageQuestion,
)

_MINUTES_OF_A_DAY = 1440
_SECONDS_OF_A_MINUTE = 60

_COUNTED = """
    i.organization_id = :organization_id and i.status = 'finalized' and not i.self_billed and i.payment_dispute_lost_at is null
    and i.issuing_date >= :first and i.issuing_date < cast(:last as date) + interval '1 month'
    and (cast(:currency as text) is null or i.currency = :currency)
    and (cast(:entity_code as text) is null or e.code = :entity_code)
"""
_FROM_INVOICES = "from invoices i join billing_entities e on e.id = i.billing_entity_id join customers c on c.id = i.customer_id"
_OF_CUSTOMER = "and (cast(:external_customer_id as text) is null or c.external_id = :external_customer_id)"

_PARTS = f"""
        select cast(date_trunc('month', i.issuing_date) as date) as month, i.currency, i.billing_entity_id as entity_id,
            c.id as customer_id,
            i.total_amount_cents - coalesce((select sum(n.refund_amount_cents) from credit_notes n where n.invoice_id = i.id), 0) as amount,
            1 as invoices
        {_FROM_INVOICES} where {_COUNTED} {_OF_CUSTOMER}
        union all
        select cast(date_trunc('month', f.created_at at time zone 'UTC') as date), f.currency, e.id, c.id, f.amount_cents, 0
        from fees f join subscriptions s on s.id = f.subscription_id join customers c on c.id = s.customer_id
        join billing_entities e on e.id = c.billing_entity_id
        where f.organization_id = :organization_id and f.invoice_id is null and f.pay_in_advance and f.deleted_at is null
        and f.created_at >= cast(:first as timestamp) at time zone 'UTC'
        and f.created_at < (cast(:last as timestamp) + interval '1 month') at time zone 'UTC'
        and (cast(:currency as text) is null or f.currency = :currency)
        and (cast(:entity_code as text) is null or e.code = :entity_code) {_OF_CUSTOMER}
"""  # noqa: S608 - put together from constants
_REVENUE = f"""
    select month, currency, entity_id, cast(sum(amount) as bigint), sum(invoices) from ({_PARTS}) as found
    group by month, currency, entity_id order by month, currency, entity_id
"""  # noqa: S608 - put together from constants
_BY_CUSTOMER = f"""
    select c.external_id, c.name, found.currency, cast(sum(found.amount) as bigint) as amount, sum(found.invoices)
    from ({_PARTS}) as found join customers c on c.id = found.customer_id
    group by c.id, found.currency order by amount desc, c.external_id, found.currency limit :limit offset :offset
"""  # noqa: S608 - put together from constants
_CUSTOMERS_COUNT = f"""
    select count(*) from (select 1 from ({_PARTS}) as found group by found.customer_id, found.currency) as counted
"""  # noqa: S608 - put together from constants

_OF_SUBSCRIPTIONS = """
    from fees f join subscriptions s on s.id = f.subscription_id join plans p on p.id = s.plan_id
    left join plans parent on parent.id = p.parent_id
"""
_BY_PLAN = f"""
    select month, code, currency, sum(amount) as amount from (
        select cast(date_trunc('month', i.issuing_date) as date) as month, coalesce(parent.code, p.code) as code, i.currency,
            f.amount_cents - f.precise_coupons_amount_cents as amount
        {_OF_SUBSCRIPTIONS} join invoices i on i.id = f.invoice_id join billing_entities e on e.id = i.billing_entity_id
        where {_COUNTED} and f.deleted_at is null
        union all
        select cast(date_trunc('month', f.created_at at time zone 'UTC') as date), coalesce(parent.code, p.code), f.currency, f.amount_cents
        {_OF_SUBSCRIPTIONS} join customers c on c.id = s.customer_id join billing_entities e on e.id = c.billing_entity_id
        where f.organization_id = :organization_id and f.invoice_id is null and f.pay_in_advance and f.deleted_at is null
        and f.created_at >= cast(:first as timestamp) at time zone 'UTC'
        and f.created_at < (cast(:last as timestamp) + interval '1 month') at time zone 'UTC'
        and (cast(:currency as text) is null or f.currency = :currency)
        and (cast(:entity_code as text) is null or e.code = :entity_code)
    ) as found group by month, code, currency order by month, amount desc, code, currency
"""  # noqa: S608 - put together from constants

_LIABILITY = """
    with months as (
        select cast(day as date) as month, (cast(day as timestamp) + interval '1 month') at time zone 'UTC' as over
        from generate_series(cast(:first as timestamp), cast(:last as timestamp), interval '1 month') as day
    ), moved as (
        select wallet_id, cast(date_trunc('month', settled_at at time zone 'UTC') as date) as month,
            sum(case when transaction_type = 'inbound' then amount_cents else -amount_cents end) as amount
        from wallet_transactions where organization_id = :organization_id and status = 'settled'
        group by 1, 2
    )
    select m.month, w.currency, cast(sum(moved.amount) as bigint), count(distinct w.id)
    from months m join wallets w on w.organization_id = :organization_id and (w.terminated_at is null or w.terminated_at >= m.over)
    join moved on moved.wallet_id = w.id and moved.month <= m.month
    where (cast(:currency as text) is null or w.currency = :currency)
    group by 1, 2 order by 1, 2
"""

_COLLECTION = f"""
    select cast(date_trunc('month', i.issuing_date) as date), i.payment_status, i.currency,
        cast(sum(i.total_amount_cents) as bigint), count(*)
    {_FROM_INVOICES} where {_COUNTED} group by 1, 2, 3 order by 1, 3, 2
"""

_USAGE_REVENUE = """
    select cast(date_trunc('month', f.created_at at time zone 'UTC') as date), f.item ->> 'code', f.currency,
        sum(f.amount_cents - f.precise_coupons_amount_cents)
    from fees f join invoices i on i.id = f.invoice_id join billing_entities e on e.id = i.billing_entity_id
    where f.organization_id = :organization_id and f.fee_type = 'charge' and not i.self_billed and i.payment_dispute_lost_at is null
    and f.deleted_at is null and f.created_at >= cast(:first as timestamp) at time zone 'UTC'
    and f.created_at < (cast(:last as timestamp) + interval '1 month') at time zone 'UTC'
    and (cast(:currency as text) is null or f.currency = :currency)
    and (cast(:entity_code as text) is null or e.code = :entity_code)
    group by 1, 2, 3 order by 1 desc, 4 desc, 2, 3
"""

_OVERDUE = f"""
    select cast(date_trunc('month', i.payment_due_date) as date), i.currency, i.billing_entity_id,
        cast(sum(i.total_amount_cents - i.total_paid_amount_cents - i.offset_amount_cents) as bigint),
        array_agg(i.id order by i.created_at, i.id)
    {_FROM_INVOICES}
    where i.organization_id = :organization_id and i.payment_overdue and i.status = 'finalized' and not i.self_billed
    and i.payment_due_date >= :first and i.payment_due_date < cast(:last as date) + interval '1 month'
    and (cast(:currency as text) is null or i.currency = :currency)
    and (cast(:entity_code as text) is null or e.code = :entity_code) {_OF_CUSTOMER}
    group by 1, 2, 3 order by 1, 2, 3
"""

_SUBSCRIPTION_FEES = """
    select i.issuing_date, i.currency, p.interval, f.pay_in_advance,
        cast(extract(epoch from f.shown_to - f.shown_from) as bigint) as seconds,
        sum(f.amount_cents - f.precise_coupons_amount_cents + f.taxes_amount_cents) as amount, count(*)
    from fees f join invoices i on i.id = f.invoice_id join billing_entities e on e.id = i.billing_entity_id
    join subscriptions s on s.id = f.subscription_id join plans p on p.id = s.plan_id
    where f.organization_id = :organization_id and f.fee_type = 'subscription' and i.status = 'finalized'
    and not i.self_billed and i.payment_dispute_lost_at is null
    and i.issuing_date >= cast(:first as date) - interval '2 years' and i.issuing_date < cast(:last as date) + interval '2 years'
    and (cast(:currency as text) is null or i.currency = :currency)
    and (cast(:entity_code as text) is null or e.code = :entity_code)
    group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
"""

_USING = """
    select s.id from subscriptions s join customers c on c.id = s.customer_id join plans p on p.id = s.plan_id
    where s.organization_id = :organization_id and s.started_at is not null
    and s.started_at < (cast(:last as timestamp) + interval '2 days') at time zone 'UTC'
    and (s.terminated_at is null or s.terminated_at > (cast(:first as timestamp) - interval '1 day') at time zone 'UTC')
    and (cast(:currency as text) is null or p.amount_currency = :currency)
    and (cast(:external_customer_id as text) is null or c.external_id = :external_customer_id)
    and (cast(:external_subscription_id as text) is null or s.external_id = :external_subscription_id)
    and (cast(:customer_type as text) is null or c.customer_type = :customer_type)
    and (cast(:customer_country as text) is null or c.country = :customer_country)
    and (cast(:plan_code as text) is null or p.code = :plan_code)
    order by s.id limit :most
"""


def _asked(question: Question | UsageQuestion) -> dict[str, Any]:
    return {name: getattr(question, name) for name in question.__struct_fields__}


def list_revenue(tx: Connection, question: Question) -> list[Revenue]:
    """
    Add up finalized invoices by the month they were issued in, less what was refunded, and fees that stand alone by the month of making.

    Months without any are left out.
    """
    return [Revenue(*row) for row in tx.execute(sa.text(_REVENUE), _asked(question))]


def list_collection(tx: Connection, question: Question) -> list[Collection]:
    """Count and add up finalized invoices by month, state of payment and currency."""
    return [Collection(*row) for row in tx.execute(sa.text(_COLLECTION), _asked(question))]


def list_metric_revenue(tx: Connection, question: Question) -> list[MetricRevenue]:
    """Add up what usage was invoiced at by month, metric and currency, the latest month and the largest amount first."""
    return [MetricRevenue(*row) for row in tx.execute(sa.text(_USAGE_REVENUE), _asked(question))]


def list_plan_revenue(tx: Connection, question: Question) -> list[PlanRevenue]:
    """Add up the fees of subscriptions by month, plan and currency; what overrides a plan counts to it."""
    return [PlanRevenue(*row) for row in tx.execute(sa.text(_BY_PLAN), _asked(question))]


def list_customer_revenue(tx: Connection, question: Question, *, limit: int, offset: int) -> list[CustomerRevenue]:
    """Add up what was invoiced over all the months by customer and currency, the largest amount first."""
    parameters = _asked(question) | {"limit": limit, "offset": offset}
    return [CustomerRevenue(*row) for row in tx.execute(sa.text(_BY_CUSTOMER), parameters)]


def count_customer_revenue(tx: Connection, question: Question) -> int:
    """Count what `list_customer_revenue` lists."""
    return int(tx.execute(sa.text(_CUSTOMERS_COUNT), _asked(question)).scalar_one())


def list_liability(tx: Connection, question: Question) -> list[Liability]:
    """Add up what wallets held at the end of each month, by currency."""
    return [Liability(*row) for row in tx.execute(sa.text(_LIABILITY), _asked(question))]


def list_overdue(tx: Connection, question: Question) -> list[Overdue]:
    """Add up what is due of overdue invoices by the month they were due in."""
    return [Overdue(*row) for row in tx.execute(sa.text(_OVERDUE), _asked(question))]


def list_subscription_revenue(tx: Connection, question: Question) -> list[SubscriptionRevenue]:
    """Return the fees of plans that may touch the months, put together where they are for equally long stretches of one day's invoices."""
    rows = tx.execute(sa.text(_SUBSCRIPTION_FEES), _asked(question))
    return [
        SubscriptionRevenue(
            issuing_date=row[0],
            currency=row[1],
            interval=row[2],
            pay_in_advance=row[3],
            billed_days=Fraction(row[4] // _SECONDS_OF_A_MINUTE, _MINUTES_OF_A_DAY),
            amount_cents=row[5],
            fees=row[6],
        )
        for row in rows
    ]


def find_using(tx: Connection, question: UsageQuestion, *, most: int) -> list[UUID]:
    """Return the ids of subscriptions that may have used something in those days, at most `most`."""
    return list(tx.execute(sa.text(_USING), _asked(question) | {"most": most}).scalars())


def find_deleted_metrics(tx: Connection, *, organization_id: UUID, codes: AbstractSet[str]) -> set[str]:
    """Return those of the codes that no live metric has."""
    statement = sa.text("select code from billable_metrics where organization_id = :id and deleted_at is null and code = any(:codes)")
    return set(codes) - set(tx.execute(statement, {"id": organization_id, "codes": list(codes)}).scalars())
