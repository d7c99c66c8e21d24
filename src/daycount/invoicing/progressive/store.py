"""All SQL about progressive billing."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from daycount.catalog.records import UsageThreshold
from daycount.infra.database import copy_rows
from daycount.invoicing import store as invoices
from daycount.invoicing.credits import CreditKind
from daycount.invoicing.progressive.records import Billed, ReachedThreshold
from daycount.invoicing.tables import applied_usage_thresholds, invoice_credits

_NAMES = ReachedThreshold.__struct_fields__

_COVERING = sa.text("""
select l.subscription_id, l.invoice_id
from unnest(cast(:subscriptions as uuid[]), cast(:starts as timestamptz[])) as w(subscription_id, starts)
join invoice_subscriptions l on l.subscription_id = w.subscription_id and l.invoicing_reason = 'progressive_billing'
    and l.shown_charges_from <= w.starts and l.shown_charges_to > w.starts
join invoices i on i.id = l.invoice_id and i.status in ('finalized', 'failed', 'pending')
where l.organization_id = :organization_id
order by i.issuing_date desc, l.billed_at desc, i.created_at desc, i.id desc
""")


def find_billed(tx: Connection, *, organization_id: UUID, places: Sequence[tuple[UUID, datetime]]) -> dict[UUID, list[Billed]]:
    """
    Return the progressive invoices of periods that hold an instant, by subscription, the latest first; voided ones do not count.

    One query, and one more where there are any.
    """
    if not places:
        return {}
    parameters = {
        "organization_id": organization_id,
        "subscriptions": [subscription_id for subscription_id, _ in places],
        "starts": [start for _, start in places],
    }
    rows = tx.execute(_COVERING, parameters).all()
    if not rows:
        return {}
    by_id = {row.id: row for row in invoices.find_invoices(tx, organization_id=organization_id, ids=[row.invoice_id for row in rows])}
    found: dict[UUID, list[Billed]] = defaultdict(list)
    for row in rows:
        found[row.subscription_id].append(Billed(row.subscription_id, by_id[row.invoice_id]))
    return found


_TAKEN = sa.text("""
select c.source_id, sum(c.amount_cents) as amount_cents
from credits c join invoices i on i.id = c.invoice_id
where c.organization_id = :organization_id and c.kind = 'invoice' and c.source_id = any(:sources)
    and i.status in ('draft', 'finalized', 'failed', 'pending') and i.id <> all(cast(:left_out as uuid[]))
group by 1
""")


def sum_credits(tx: Connection, *, organization_id: UUID, invoice_ids: Sequence[UUID], leaving_out: Sequence[UUID]) -> dict[UUID, int]:
    """Return what other invoices took of progressive ones, in minor units, without those left out."""
    parameters = {"organization_id": organization_id, "sources": list(invoice_ids), "left_out": list(leaving_out)}
    return {row.source_id: int(row.amount_cents) for row in tx.execute(_TAKEN, parameters)}


def delete_credits(tx: Connection, *, invoice_ids: Sequence[UUID]) -> None:
    """Forget what drafts took of progressive invoices, before they are computed again."""
    table = invoice_credits
    tx.execute(table.delete().where(table.c.invoice_id.in_(invoice_ids), table.c.kind == CreditKind.INVOICE))


def insert_reached(tx: Connection, reached: Sequence[ReachedThreshold]) -> None:
    """Write thresholds that were reached. Each level is written once for a lifetime of usage (database constraint)."""
    copy_rows(tx, applied_usage_thresholds, _NAMES, [[getattr(item, name) for name in _NAMES] for item in reached])


def _reached(row: RowMapping) -> ReachedThreshold:
    values = {name: row[name] for name in _NAMES}
    return ReachedThreshold(**values | {"threshold": msgspec.convert(values["threshold"], UsageThreshold)})


def list_reached(tx: Connection, *, organization_id: UUID, lifetime_usage_ids: Collection[UUID]) -> list[ReachedThreshold]:
    """Return the thresholds that lifetimes of usage reached, in the order of their levels."""
    table = applied_usage_thresholds.c
    statement = sa.select(applied_usage_thresholds).where(
        table.organization_id == organization_id, table.lifetime_usage_id.in_(lifetime_usage_ids)
    )
    return [_reached(row) for row in tx.execute(statement.order_by(table.level_cents, table.threshold_id)).mappings()]


def list_reached_of(tx: Connection, *, organization_id: UUID, invoice_ids: Sequence[UUID]) -> dict[UUID, list[ReachedThreshold]]:
    """Return the thresholds for which progressive invoices were made, by invoice, in the order of their levels."""
    table = applied_usage_thresholds.c
    statement = sa.select(applied_usage_thresholds).where(table.organization_id == organization_id, table.invoice_id.in_(invoice_ids))
    found: dict[UUID, list[ReachedThreshold]] = defaultdict(list)
    for row in tx.execute(statement.order_by(table.level_cents, table.threshold_id)).mappings():
        found[row["invoice_id"]].append(_reached(row))
    return found


class BilledAmount(NamedTuple):
    """What progressive invoices of a running period billed, taxes included and coupons taken off, in minor units."""

    customer_id: UUID
    currency: str
    fee_type: str
    metric_id: UUID | None
    target_wallet_code: str | None
    amount_cents: Decimal


_AMOUNTS = sa.text("""
select i.customer_id, i.currency, f.fee_type, c.billable_metric_id, f.grouped_by ->> 'target_wallet_code' as target_wallet_code,
       sum(f.amount_cents - f.precise_coupons_amount_cents + f.taxes_amount_cents) as amount_cents
from unnest(cast(:subscriptions as uuid[]), cast(:starts as timestamptz[])) as w(subscription_id, starts)
join invoice_subscriptions l on l.subscription_id = w.subscription_id and l.invoicing_reason = 'progressive_billing'
    and l.shown_charges_from <= w.starts and l.shown_charges_to > w.starts
join invoices i on i.id = l.invoice_id and i.status in ('finalized', 'failed', 'pending')
join fees f on f.invoice_id = i.id
left join charges c on c.id = f.charge_id
where l.organization_id = :organization_id
group by 1, 2, 3, 4, 5
""")


def list_billed_amounts(tx: Connection, *, organization_id: UUID, places: Sequence[tuple[UUID, datetime]]) -> list[BilledAmount]:
    """Add up what progressive invoices of running periods billed, by customer, currency and what decides on the wallet. One query."""
    parameters = {
        "organization_id": organization_id,
        "subscriptions": [subscription_id for subscription_id, _ in places],
        "starts": [start for _, start in places],
    }
    found = tx.execute(_AMOUNTS, parameters) if places else ()
    return [BilledAmount(*row) for row in found]
