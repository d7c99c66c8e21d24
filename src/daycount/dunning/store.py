"""All SQL about dunning campaigns and their attempts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from daycount import errors
from daycount.dunning.records import Attempt, Campaign, Threshold
from daycount.dunning.tables import dunning_attempts, dunning_campaigns
from daycount.engine.dunning import Standing

_NAMES = Campaign.__struct_fields__
_COLUMNS = [dunning_campaigns.c[name] for name in _NAMES]


def _campaign(row: RowMapping) -> Campaign:
    values = {name: row[name] for name in _NAMES}
    return Campaign(**values | {"thresholds": msgspec.convert(row["thresholds"], list[Threshold])})


def _values(campaign: Campaign) -> dict[str, Any]:
    values = {name: getattr(campaign, name) for name in _NAMES}
    return values | {"bcc_emails": list(campaign.bcc_emails), "thresholds": [msgspec.to_builtins(item) for item in campaign.thresholds]}


def insert_campaign(tx: Connection, campaign: Campaign) -> None:
    """Write a new campaign. Raises Invalid when a live one has its code."""
    _write(tx, dunning_campaigns.insert().values(_values(campaign)))


def update_campaign(tx: Connection, campaign: Campaign) -> None:
    """Write a changed campaign. Raises Invalid when another live one has its code."""
    _write(tx, dunning_campaigns.update().where(dunning_campaigns.c.id == campaign.id).values(_values(campaign)))


def _write(tx: Connection, statement: sa.Insert | sa.Update) -> None:
    try:
        with tx.begin_nested():
            tx.execute(statement)
    except IntegrityError as error:
        raise errors.Invalid({"code": ["value_already_exist"]}) from error


_FORSAKE = sa.text("update customers set applied_dunning_campaign_id = null where applied_dunning_campaign_id = :id")
_FORSAKE_ENTITIES = sa.text("update billing_entities set applied_dunning_campaign_id = null where applied_dunning_campaign_id = :id")


def delete_campaign(tx: Connection, *, campaign_id: UUID, at: datetime) -> None:
    """Delete a campaign softly; whoever it was applied to has none of its own any more. Its row is locked first."""
    tx.execute(dunning_campaigns.update().where(dunning_campaigns.c.id == campaign_id).values(deleted_at=at))
    tx.execute(_FORSAKE, {"id": campaign_id})
    tx.execute(_FORSAKE_ENTITIES, {"id": campaign_id})


def find_campaign(tx: Connection, *, organization_id: UUID, code: str, lock: bool = False) -> Campaign | None:
    """Return the live campaign of a code, or of an id written out; `lock` holds its row."""
    table = dunning_campaigns.c
    named = sa.or_(table.code == code, sa.cast(table.id, sa.Text) == code.lower())
    statement = sa.select(*_COLUMNS).where(table.organization_id == organization_id, table.deleted_at.is_(None), named)
    statement = statement.order_by((table.code == code).desc(), table.id).limit(1)
    row = tx.execute(statement.with_for_update() if lock else statement).mappings().first()
    return None if row is None else _campaign(row)


def find_campaigns(tx: Connection, *, organization_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Campaign]:
    """Return campaigns by id, deleted ones included."""
    table = dunning_campaigns.c
    statement = sa.select(*_COLUMNS).where(table.organization_id == organization_id, table.id.in_(ids))
    return {row["id"]: _campaign(row) for row in tx.execute(statement).mappings()}


def list_campaigns(
    tx: Connection, *, organization_id: UUID, search_term: str | None, currencies: Sequence[str], limit: int, offset: int
) -> list[Campaign]:
    """Return a page of live campaigns, newest first."""
    table = dunning_campaigns.c
    statement = sa.select(*_COLUMNS).where(*_listed(organization_id, search_term, currencies))
    statement = statement.order_by(table.created_at.desc(), table.id).limit(limit).offset(offset)
    return [_campaign(row) for row in tx.execute(statement).mappings()]


def count_campaigns(tx: Connection, *, organization_id: UUID, search_term: str | None = None, currencies: Sequence[str] = ()) -> int:
    """Count what `list_campaigns` pages through."""
    statement = sa.select(sa.func.count()).select_from(dunning_campaigns).where(*_listed(organization_id, search_term, currencies))
    return int(tx.execute(statement).scalar_one())


def _listed(organization_id: UUID, search_term: str | None, currencies: Sequence[str]) -> list[sa.ColumnElement[bool]]:
    table = dunning_campaigns.c
    conditions: list[sa.ColumnElement[bool]] = [table.organization_id == organization_id, table.deleted_at.is_(None)]
    if search_term:
        conditions.append(sa.or_(*(column.icontains(search_term, autoescape=True) for column in (table.code, table.name))))
    if currencies:
        conditions.append(sa.or_(*(table.thresholds.contains([{"currency": currency}]) for currency in currencies)))
    return conditions


_CAMPAIGNS_OF = sa.text("""
select c.id as customer_id, d.id as campaign_id
from customers c
join billing_entities e on e.id = c.billing_entity_id
join dunning_campaigns d on d.id = coalesce(c.applied_dunning_campaign_id, e.applied_dunning_campaign_id) and d.deleted_at is null
where c.organization_id = :organization_id and c.id = any(:ids) and c.deleted_at is null
    and not c.exclude_from_dunning_campaign and c.account_type <> 'partner'
""")


def find_campaigns_of(tx: Connection, *, organization_id: UUID, customer_ids: Sequence[UUID]) -> dict[UUID, Campaign]:
    """Return the campaign that counts for each customer: its own, else its billing entity's; none for whoever is left out. Two queries."""
    rows = tx.execute(_CAMPAIGNS_OF, {"organization_id": organization_id, "ids": list(customer_ids)})
    found: dict[UUID, UUID] = {row.customer_id: row.campaign_id for row in rows}
    campaigns = find_campaigns(tx, organization_id=organization_id, ids=list(set(found.values()))) if found else {}
    return {customer_id: campaigns[campaign_id] for customer_id, campaign_id in found.items()}


_OWING = """
select c.id from customers c
join billing_entities e on e.id = c.billing_entity_id
where c.organization_id = :organization_id and c.deleted_at is null and {condition} and exists (
    select 1 from invoices i
    where i.customer_id = c.id and i.organization_id = c.organization_id and i.payment_overdue and i.status = 'finalized'
)
order by c.id
"""
_OWING_UNDER = sa.text(
    _OWING.format(condition="coalesce(c.applied_dunning_campaign_id, e.applied_dunning_campaign_id) = cast(:id as uuid)")
)
_OWING_OF_ENTITY = sa.text(_OWING.format(condition="c.billing_entity_id = cast(:id as uuid) and c.applied_dunning_campaign_id is null"))


def list_owing_under(tx: Connection, *, organization_id: UUID, campaign_id: UUID) -> list[UUID]:
    """Return the customers for whom a campaign counts and who have overdue invoices, in the order of ids."""
    return list(tx.execute(_OWING_UNDER, {"organization_id": organization_id, "id": campaign_id}).scalars())


def list_owing_of_entity(tx: Connection, *, organization_id: UUID, entity_id: UUID) -> list[UUID]:
    """Return the customers of a billing entity without a campaign of their own who have overdue invoices, in the order of ids."""
    return list(tx.execute(_OWING_OF_ENTITY, {"organization_id": organization_id, "id": entity_id}).scalars())


def list_asked_under(tx: Connection, *, organization_id: UUID, campaign_id: UUID) -> list[UUID]:
    """Return the customers with attempts of a campaign that count, in the order of ids."""
    table = dunning_attempts.c
    statement = sa.select(table.customer_id).distinct().where(table.organization_id == organization_id, table.campaign_id == campaign_id)
    return list(tx.execute(statement.where(sa.or_(table.counts, table.paces)).order_by(table.customer_id)).scalars())


def find_standings(tx: Connection, *, customer_ids: Sequence[UUID]) -> dict[UUID, dict[str, Standing]]:
    """Return how often each currency of customers was asked for, and when last. One query."""
    table = dunning_attempts.c
    count, last_at = sa.func.count().filter(table.counts), sa.func.max(table.attempted_at).filter(table.paces)
    statement = (
        sa.select(table.customer_id, table.currency, count, last_at)
        .where(table.customer_id.in_(customer_ids), sa.or_(table.counts, table.paces))
        .group_by(table.customer_id, table.currency)
    )
    found: dict[UUID, dict[str, Standing]] = {}
    for customer_id, currency, attempts, last in tx.execute(statement):
        found.setdefault(customer_id, {})[currency] = Standing(attempts, last)
    return found


def insert_attempts(tx: Connection, attempts: Sequence[Attempt]) -> None:
    """Write attempts; a customer is asked for a currency once at an instant, by the table's key."""
    if attempts:
        names = Attempt.__struct_fields__
        tx.execute(dunning_attempts.insert(), [{name: getattr(attempt, name) for name in names} for attempt in attempts])


def reset(tx: Connection, *, customer_ids: Sequence[UUID]) -> None:
    """Let everything begin anew for customers: what they were asked for counts no more and holds nothing up."""
    table = dunning_attempts
    statement = table.update().where(table.c.customer_id.in_(customer_ids), sa.or_(table.c.counts, table.c.paces))
    tx.execute(statement.values(counts=False, paces=False))


_RESET_PAID = sa.text("""
update dunning_attempts a
set counts = false, paces = exists (
    select 1 from invoices i
    where i.customer_id = a.customer_id and i.currency = a.currency and i.payment_overdue and i.status = 'finalized' and not i.self_billed
)
where a.customer_id = :customer_id and a.currency = :currency and a.paces and exists (
    select 1 from payment_request_invoices r join payment_requests p on p.id = r.payment_request_id
    where r.invoice_id = :invoice_id and p.dunning_campaign_id is not null
)
""")


def reset_paid(tx: Connection, *, customer_id: UUID, currency: str, invoice_id: UUID) -> bool:
    """
    Begin to count a currency anew if a campaign asked for an invoice that is paid now; tells whether it did.

    While something else of it is overdue, the next attempt still waits its days.
    """
    found: sa.CursorResult[Any] = tx.execute(_RESET_PAID, {"customer_id": customer_id, "currency": currency, "invoice_id": invoice_id})
    return found.rowcount > 0
