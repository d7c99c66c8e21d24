"""The SQL about fees made before that fixed charges and commitments look at."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection


class PaidFee(NamedTuple):
    """A fee in advance of a fixed charge: for which period, and for which of its local days."""

    fixed_charge_id: UUID
    add_on_id: UUID
    period_start: datetime
    first_day: date
    last_day: date
    units: Decimal
    amount_cents: int


class Span(NamedTuple):
    """A stretch of time of a subscription."""

    subscription_id: UUID
    start: datetime
    end: datetime


def find_paid_fixed_fees(
    tx: Connection, *, organization_id: UUID, subscription_ids: Sequence[UUID], leaving_out: Sequence[UUID]
) -> dict[UUID, list[PaidFee]]:
    """Return the fees in advance of fixed charges by subscription, without those of invoices that are voided or left out. One query."""
    statement = sa.text("""
        select f.subscription_id, f.fixed_charge_id, c.add_on_id, f.shown_from, f.units, f.amount_cents,
            cast(coalesce(f.derivation #>> '{quantity,first_day}', f.derivation #>> '{period,first_day}') as date) as first_day,
            cast(f.derivation #>> '{period,last_day}' as date) as last_day
        from fees f
        join fixed_charges c on c.id = f.fixed_charge_id and c.pay_in_advance
        join invoices i on i.id = f.invoice_id and i.status <> 'voided'
        where f.organization_id = :organization_id and f.subscription_id = any(:ids) and f.invoice_id <> all(cast(:left_out as uuid[]))
        order by f.id
    """)
    found: dict[UUID, list[PaidFee]] = defaultdict(list)
    for row in tx.execute(statement, {"organization_id": organization_id, "ids": list(subscription_ids), "left_out": list(leaving_out)}):
        fee = PaidFee(row.fixed_charge_id, row.add_on_id, row.shown_from, row.first_day, row.last_day, row.units, row.amount_cents)
        found[row.subscription_id].append(fee)
    return found


def sum_fees(tx: Connection, *, organization_id: UUID, spans: Sequence[Span], leaving_out: Sequence[UUID]) -> dict[UUID, int]:
    """
    Return what the fees come to whose own period lies in a stretch of their subscription, one stretch each.

    Its middle decides, since a change of zone moves the ends of periods by some hours. Fees that are deleted, on invoices that are
    voided, progressive or left out, and earlier commitments do not count; amounts are before coupons and taxes. One query.
    """
    statement = sa.text("""
        select f.subscription_id, sum(f.amount_cents) as amount_cents
        from unnest(cast(:ids as uuid[]), cast(:starts as timestamptz[]), cast(:ends as timestamptz[])) as s(subscription_id, starts, ends)
        join fees f on f.subscription_id = s.subscription_id
            and f.shown_from + (f.shown_to - f.shown_from) / 2 >= s.starts and f.shown_from + (f.shown_to - f.shown_from) / 2 < s.ends
        left join invoices i on i.id = f.invoice_id
        where f.organization_id = :organization_id and f.deleted_at is null and f.fee_type <> 'commitment'
            and coalesce(i.status, '') <> 'voided' and coalesce(i.invoice_type, '') <> 'progressive_billing'
            and (f.invoice_id is null or f.invoice_id <> all(cast(:left_out as uuid[])))
        group by 1
    """)
    parameters = {
        "organization_id": organization_id,
        "ids": [span.subscription_id for span in spans],
        "starts": [span.start for span in spans],
        "ends": [span.end for span in spans],
        "left_out": list(leaving_out),
    }
    return {row.subscription_id: int(row.amount_cents) for row in tx.execute(statement, parameters)}
