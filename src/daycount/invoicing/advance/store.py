"""All SQL about the standing of buckets paid for in advance, and about fees that stand alone."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection

from daycount.infra.database import copy_rows
from daycount.invoicing.records import AdvanceStep, Fee, Series
from daycount.invoicing.store import read_fee
from daycount.invoicing.tables import advance_steps

_KEYS = """
unnest(cast(:subscriptions as uuid[]), cast(:charges as uuid[]), cast(:periods as timestamptz[]))
  as k(subscription_id, charge_id, period_start)
"""
_SAME = "s.subscription_id = k.subscription_id and s.charge_id = k.charge_id and s.period_start = k.period_start"
_COLUMNS = ", ".join(f's."{name}"' for name in AdvanceStep.__struct_fields__)
_KEPT = tuple(name for name in AdvanceStep.__struct_fields__ if name not in ("charge_id", "bucket"))

_LATEST = sa.text(f"""
select distinct on (s.subscription_id, s.charge_id, s.period_start, s.bucket) {_COLUMNS}
from {_KEYS}
join advance_steps s on {_SAME}
order by s.subscription_id, s.charge_id, s.period_start, s.bucket, s.ordinal desc
""")  # noqa: S608 - constants only

_VALUES = sa.text(f"""
select s.subscription_id, s.charge_id, s.period_start, s.bucket, array_agg(s.billed order by s.ordinal) as billed
from {_KEYS}
join advance_steps s on {_SAME} and s.is_value
group by 1, 2, 3, 4
""")  # noqa: S608 - constants only

_MEMBERS = sa.text(f"""
select distinct on (s.subscription_id, s.charge_id, s.period_start, s.bucket, s.member)
       s.subscription_id, s.charge_id, s.period_start, s.bucket, s.member, s.change > 0 as is_there
from {_KEYS}
join advance_steps s on {_SAME} and s.member = any(:members) and s.change <> 0
order by s.subscription_id, s.charge_id, s.period_start, s.bucket, s.member, s.ordinal desc
""")  # noqa: S608 - constants only

Place = tuple[Series, str]
"""A series and, as text, one of its buckets."""


def insert_steps(tx: Connection, steps: Sequence[AdvanceStep]) -> None:
    """Write steps with one COPY; an event that was counted for a charge before is refused by the table's key."""
    names = AdvanceStep.__struct_fields__
    copy_rows(tx, advance_steps, names, [[getattr(step, name) for name in names] for step in steps])


_COPY = sa.text(f"""
insert into advance_steps ({", ".join(f'"{name}"' for name in ("charge_id", "bucket", *_KEPT))})
select c.new_id, case when f.new_id is null then s.bucket else '["' || f.new_id || substr(s.bucket, 39) end,
       {", ".join(f's."{name}"' for name in _KEPT)}
from unnest(cast(:old_charges as uuid[]), cast(:new_charges as uuid[])) as c(old_id, new_id)
join advance_steps s on s.subscription_id = :subscription_id and s.charge_id = c.old_id
left join unnest(cast(:old_filters as uuid[]), cast(:new_filters as uuid[])) as f(old_id, new_id) on left(s.bucket, 38) = '["' || f.old_id
where s.period_start = (
    select max(t.period_start) from advance_steps t where t.subscription_id = s.subscription_id and t.charge_id = s.charge_id
)
""")  # noqa: S608 - constants only


def copy_steps(
    tx: Connection, *, subscription_id: UUID, charges: Sequence[tuple[UUID, UUID]], filters: Sequence[tuple[UUID, UUID]]
) -> None:
    """Make a subscription's steps of the last period those of other charges, and of other filters, too: (old, new). One statement."""
    if charges:
        parameters = {
            "subscription_id": subscription_id,
            "old_charges": [old for old, _ in charges],
            "new_charges": [new for _, new in charges],
            "old_filters": [old for old, _ in filters],
            "new_filters": [new for _, new in filters],
        }
        tx.execute(_COPY, parameters)


def find_counted(tx: Connection, *, event_keys: Collection[UUID]) -> set[tuple[UUID, UUID]]:
    """Return (event, charge) of what was counted before."""
    table = advance_steps.c
    rows = tx.execute(sa.select(table.event_key, table.charge_id).where(table.event_key.in_(event_keys)))
    return {(row.event_key, row.charge_id) for row in rows}


def find_latest(tx: Connection, series: Sequence[Series]) -> dict[Place, AdvanceStep]:
    """Return the latest step of every bucket of the series. One query."""
    rows = tx.execute(_LATEST, _arrays(series)).mappings() if series else ()
    found = (AdvanceStep(**{name: row[name] for name in AdvanceStep.__struct_fields__}) for row in rows)
    return {(Series(step.subscription_id, step.charge_id, step.period_start), step.bucket): step for step in found}


def find_values(tx: Connection, series: Sequence[Series]) -> dict[Place, tuple[object, ...]]:
    """Return what each event that brought units billed, by bucket, in order. One query."""
    rows = tx.execute(_VALUES, _arrays(series)) if series else ()
    return {(Series(row.subscription_id, row.charge_id, row.period_start), row.bucket): tuple(row.billed) for row in rows}


def find_members(tx: Connection, series: Sequence[Series], *, members: Collection[str]) -> dict[tuple[Place, str], bool]:
    """Return for counted values whether the steps of the period left them there; those never changed are left out. One query."""
    rows = tx.execute(_MEMBERS, _arrays(series) | {"members": list(members)}) if series and members else ()
    return {((Series(row.subscription_id, row.charge_id, row.period_start), row.bucket), row.member): row.is_there for row in rows}


def _arrays(series: Sequence[Series]) -> dict[str, list[object]]:
    return {
        "subscriptions": [item.subscription_id for item in series],
        "charges": [item.charge_id for item in series],
        "periods": [item.period_start for item in series],
    }


class Chain(NamedTuple):
    """The rows of one external id, whose paid fees are gathered at `at`; `is_end` when the last of them has ended."""

    subscription_id: UUID
    at: datetime
    is_end: bool


_PAID = sa.text("""
select distinct on (f.id) f.*, c.subscription_id as chain_id
from unnest(cast(:ids as uuid[]), cast(:ats as timestamptz[]), cast(:ends as boolean[])) as c(subscription_id, at, is_end)
join subscriptions r on r.id = c.subscription_id and r.organization_id = :organization_id
join subscriptions o on o.organization_id = r.organization_id and o.external_id = r.external_id and o.customer_id = r.customer_id
join fees f on f.subscription_id = o.id and f.invoice_id is null and f.deleted_at is null
join charges g on g.id = f.charge_id and g.regroup_paid_fees = 'invoice'
where f.payment_status = 'succeeded' and f.succeeded_at <= c.at and (c.is_end or f.shown_to < c.at)
order by f.id
""")


def find_paid(tx: Connection, *, organization_id: UUID, chains: Sequence[Chain]) -> dict[UUID, list[Fee]]:
    """Return the paid fees that are to be gathered on an invoice, by the subscription they were asked for with. One query."""
    parameters = {
        "organization_id": organization_id,
        "ids": [chain.subscription_id for chain in chains],
        "ats": [chain.at for chain in chains],
        "ends": [chain.is_end for chain in chains],
    }
    found: dict[UUID, list[Fee]] = {}
    for row in tx.execute(_PAID, parameters).mappings() if chains else ():
        found.setdefault(row["chain_id"], []).append(read_fee(row))
    return found


def put_on_invoices(tx: Connection, placed: Sequence[tuple[UUID, UUID]]) -> None:
    """Put fees that stand alone on invoices: (fee, invoice). One statement."""
    if placed:
        statement = sa.text("""
            update fees f set invoice_id = p.invoice_id
            from unnest(cast(:fees as uuid[]), cast(:invoices as uuid[])) as p(fee_id, invoice_id)
            where f.id = p.fee_id and f.invoice_id is null
        """)
        tx.execute(statement, {"fees": [fee for fee, _ in placed], "invoices": [invoice for _, invoice in placed]})
