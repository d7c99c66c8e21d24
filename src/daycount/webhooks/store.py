"""All SQL about webhooks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from daycount import errors
from daycount.webhooks.records import Algorithm, Attempt, Endpoint, Flight, Outcome, Status, Webhook, WebhookFilter
from daycount.webhooks.tables import signing_keys, webhook_attempts, webhook_endpoints, webhooks

AT_ONCE = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
"""When a webhook is to be sent that just happened: whatever time it is."""

# Goes from endpoint to endpoint that has something waiting, so that what waits for one does not make the others wait.
# A webhook waits for an earlier one about the same thing.
_CLAIM = sa.text("""
with recursive waiting as (
    (select endpoint_id from webhooks where next_attempt_at is not null order by endpoint_id limit 1)
    union all
    select (
        select w.endpoint_id from webhooks w
        where w.next_attempt_at is not null and w.endpoint_id > e.endpoint_id
        order by w.endpoint_id limit 1
    )
    from waiting e where e.endpoint_id is not null
),
chosen as (
    select due.id
    from waiting e
    cross join lateral (
        select w.id from webhooks w
        where w.endpoint_id = e.endpoint_id and w.next_attempt_at <= :now
            and not exists (
                select 1 from webhooks o
                where o.endpoint_id = w.endpoint_id and o.object_id = w.object_id and o.place < w.place and o.next_attempt_at is not null
            )
        order by w.place
        limit case when e.endpoint_id = any(:busy) then 0 else :each end
        for update of w skip locked
    ) due
    where e.endpoint_id is not null
    limit :most
)
update webhooks w
set next_attempt_at = :until, attempts = w.attempts + 1, tries = w.tries + 1
from chosen c, webhook_endpoints e, organizations o
where w.id = c.id and e.id = w.endpoint_id and o.id = w.organization_id
returning w.id, w.endpoint_id, e.url, e.signature_algo, o.hmac_key, w.payload, w.attempts, w.tries, w.place
""")
_SETTLE = sa.text("""
update webhooks w
set status = r.status, next_attempt_at = r.next_attempt_at, last_attempt_at = r.at, http_status = r.http_status
from unnest(
    cast(:ids as uuid[]), cast(:statuses as text[]), cast(:nexts as timestamptz[]), cast(:ats as timestamptz[]), cast(:codes as int[])
) as r(id, status, next_attempt_at, at, http_status)
where w.id = r.id
""")
_RELEASE = sa.text("update webhooks set next_attempt_at = :at, tries = tries - 1 where id = any(:ids) and next_attempt_at is not null")
_RESEND = sa.text("""
update webhooks set next_attempt_at = :at, tries = 0, status = case when attempts = 0 then 'pending' else 'retrying' end
where organization_id = :organization_id and id = :id and next_attempt_at is null
""")
_FORGET = sa.text("""
delete from webhooks where id in (
    select id from webhooks where next_attempt_at is null and last_attempt_at < :before order by last_attempt_at limit :most
)
""")
_SELECT = sa.select(webhooks, webhook_endpoints.c.url).join(webhook_endpoints, webhook_endpoints.c.id == webhooks.c.endpoint_id)
_NAMES = Webhook.__struct_fields__


def _endpoint(row: sa.RowMapping) -> Endpoint:
    return Endpoint(**{**row, "signature_algo": Algorithm(row["signature_algo"])})


def list_endpoints(tx: Connection, *, organization_id: UUID) -> list[Endpoint]:
    """Return the endpoints of an organization, in the order of their addresses."""
    table = webhook_endpoints.c
    statement = sa.select(webhook_endpoints).where(table.organization_id == organization_id)
    return [_endpoint(row) for row in tx.execute(statement.order_by(table.url, table.created_at.desc(), table.id)).mappings()]


def find_endpoint(tx: Connection, *, organization_id: UUID, endpoint_id: UUID, lock: bool = False) -> Endpoint | None:
    """Return an endpoint; `lock` holds its row."""
    table = webhook_endpoints.c
    statement = sa.select(webhook_endpoints).where(table.organization_id == organization_id, table.id == endpoint_id)
    row = tx.execute(statement.with_for_update(key_share=True) if lock else statement).mappings().one_or_none()
    return None if row is None else _endpoint(row)


def lock_organization(tx: Connection, organization_id: UUID) -> None:
    """Hold an organization's row, so that its endpoints are counted right."""
    tx.execute(sa.text("select id from organizations where id = :id for no key update"), {"id": organization_id})


def find_hmac_key(tx: Connection, organization_id: UUID) -> str:
    """Return the key that signs what an organization is told."""
    return str(tx.execute(sa.text("select hmac_key from organizations where id = :id"), {"id": organization_id}).scalar_one())


def insert_endpoint(tx: Connection, endpoint: Endpoint) -> None:
    """Write a new endpoint. Raises Invalid where the organization has its address already."""
    _guard(tx, webhook_endpoints.insert().values(_columns(endpoint)))


def update_endpoint(tx: Connection, endpoint: Endpoint) -> None:
    """Write a changed endpoint. Raises Invalid where another one has its address."""
    _guard(tx, webhook_endpoints.update().where(webhook_endpoints.c.id == endpoint.id).values(_columns(endpoint)))


def _columns(endpoint: Endpoint) -> dict[str, Any]:
    return {name: getattr(endpoint, name) for name in Endpoint.__struct_fields__}


def _guard(tx: Connection, statement: sa.Executable) -> None:
    try:
        with tx.begin_nested():
            tx.execute(statement)
    except IntegrityError as error:
        raise errors.Invalid({"webhook_url": ["value_already_exist"]}) from error


def delete_endpoint(tx: Connection, endpoint_id: UUID) -> None:
    """Delete an endpoint and all that was, or was to be, told to it."""
    tx.execute(webhook_endpoints.delete().where(webhook_endpoints.c.id == endpoint_id))


def insert_webhooks(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Queue webhooks, in their order."""
    if rows:
        tx.execute(webhooks.insert(), [{**row, "status": Status.PENDING, "next_attempt_at": AT_ONCE} for row in rows])


def claim(tx: Connection, *, now: datetime, until: datetime, busy: Sequence[UUID], each: int, most: int) -> list[Flight]:
    """
    Take what is due at the real instant `now`, in its order, at most `each` of an endpoint and none of `busy` ones.

    Nobody else takes it before `until`: what is not settled by then is due again. One query.
    """
    parameters = {"now": now, "until": until, "busy": list(busy), "each": each, "most": most}
    rows = sorted(tx.execute(_CLAIM, parameters), key=lambda row: int(row.place))
    return [
        Flight(row.id, row.endpoint_id, row.url, Algorithm(row.signature_algo), str(row.hmac_key), row.payload, row.attempts, row.tries)
        for row in rows
    ]


def settle(tx: Connection, outcomes: Sequence[Outcome]) -> None:
    """Write what became of flights. What was deleted meanwhile is passed over. Two queries."""
    if not outcomes:
        return
    ids = [item.webhook_id for item in outcomes]
    parameters = {
        "ids": ids,
        "statuses": [item.status.value for item in outcomes],
        "nexts": [item.next_attempt_at for item in outcomes],
        "ats": [item.attempt.started_at for item in outcomes],
        "codes": [item.attempt.http_status for item in outcomes],
    }
    tx.execute(_SETTLE, parameters)
    known = set(tx.execute(sa.select(webhooks.c.id).where(webhooks.c.id.in_(ids))).scalars())
    rows = [{"webhook_id": item.webhook_id, **item.attempt._asdict()} for item in outcomes if item.webhook_id in known]
    if rows:
        tx.execute(insert(webhook_attempts).on_conflict_do_nothing(), rows)


def release(tx: Connection, ids: Sequence[UUID]) -> None:
    """Give back what was taken and is not settled: it is due again."""
    tx.execute(_RELEASE, {"ids": list(ids), "at": AT_ONCE})


def resend(tx: Connection, *, organization_id: UUID, webhook_id: UUID) -> None:
    """Queue a webhook again that is done with, whatever came of it; one that waits goes on waiting."""
    tx.execute(_RESEND, {"organization_id": organization_id, "id": webhook_id, "at": AT_ONCE})


def forget(tx: Connection, *, before: datetime, most: int) -> int:
    """Delete webhooks whose last attempt was before an instant; returns how many."""
    found: sa.CursorResult[Any] = tx.execute(_FORGET, {"before": before, "most": most})
    return found.rowcount


def find_webhook(tx: Connection, *, organization_id: UUID, webhook_id: UUID) -> Webhook | None:
    """Return a webhook."""
    found = _read(tx, _SELECT.where(webhooks.c.organization_id == organization_id, webhooks.c.id == webhook_id))
    return found[0] if found else None


def list_webhooks(tx: Connection, *, organization_id: UUID, query: WebhookFilter, limit: int, offset: int) -> list[Webhook]:
    """Return a page of webhooks, newest first."""
    statement = _SELECT.where(*_filtered(organization_id, query)).order_by(webhooks.c.place.desc())
    return _read(tx, statement.limit(limit).offset(offset))


def count_webhooks(tx: Connection, *, organization_id: UUID, query: WebhookFilter) -> int:
    """Count what `list_webhooks` pages through."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(webhooks).where(*_filtered(organization_id, query))).scalar_one())


def list_attempts(tx: Connection, *, webhook_id: UUID) -> list[Attempt]:
    """Return the attempts to deliver a webhook, the first one first."""
    names = [webhook_attempts.c[name] for name in Attempt._fields]
    statement = sa.select(*names).where(webhook_attempts.c.webhook_id == webhook_id).order_by(webhook_attempts.c.number)
    return [Attempt(*row) for row in tx.execute(statement)]


def _filtered(organization_id: UUID, query: WebhookFilter) -> list[sa.ColumnElement[bool]]:
    table = webhooks.c
    conditions = [table.organization_id == organization_id]
    if query.statuses:
        conditions.append(table.status.in_(query.statuses))
    if query.webhook_types:
        conditions.append(table.webhook_type.in_(query.webhook_types))
    if query.endpoint_id is not None:
        conditions.append(table.endpoint_id == query.endpoint_id)
    if query.object_id is not None:
        conditions.append(table.object_id == query.object_id)
    return conditions


def _read(tx: Connection, statement: sa.Select[Any]) -> list[Webhook]:
    return [
        Webhook(**{name: row[name] for name in _NAMES if name != "status"}, status=Status(row["status"]))
        for row in tx.execute(statement).mappings()
    ]


def find_key(tx: Connection, *, name: str) -> str | None:
    """Return a private key."""
    return tx.execute(sa.select(signing_keys.c.private_pem).where(signing_keys.c.name == name)).scalar_one_or_none()


def insert_key(tx: Connection, *, name: str, private_pem: str) -> None:
    """Keep a private key, unless somebody else just did."""
    tx.execute(insert(signing_keys).values(name=name, private_pem=private_pem).on_conflict_do_nothing())
