"""All SQL about e-mails."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from daycount.invoicing.papers.tables import document_files
from daycount.mails.records import Mail, MailFilter, Status
from daycount.mails.tables import mails
from daycount.organizations.tables import billing_entities, test_clocks

AT_ONCE = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
"""When an e-mail is to be sent that was just written: whatever time it is."""
_NAMES = Mail.__struct_fields__
_COLUMNS = [mails.c[name] for name in _NAMES]
_CLAIM = sa.text("""
update mails m set next_attempt_at = :until, attempts = m.attempts + 1
from (
    select id from mails where next_attempt_at <= :now order by next_attempt_at, place limit :most for update skip locked
) due
where m.id = due.id
returning m.id
""")


def _mail(row: Any) -> Mail:
    return Mail(**{name: row[name] for name in _NAMES if name != "status"}, status=Status(row["status"]))


def insert_mails(tx: Connection, found: Sequence[Mail]) -> None:
    """Write e-mails to the outbox, but for what was told of already. One statement."""
    if found:
        rows = [{name: getattr(mail, name) for name in _NAMES} for mail in found]
        statement = insert(mails).on_conflict_do_nothing(index_elements=["email_type", "document_id"], index_where=sa.text("not is_resend"))
        tx.execute(statement, rows)


def is_asked_for(tx: Connection, *, organization_id: UUID, email_type: str) -> bool:
    """Tell whether a billing entity of an organization has e-mails of a type sent."""
    table = billing_entities.c
    statement = sa.select(table.id).where(table.organization_id == organization_id, table.email_settings.contains([email_type]))
    return bool(tx.execute(sa.select(statement.exists())).scalar_one())


def claim(tx: Connection, *, now: datetime, until: datetime, most: int) -> list[Mail]:
    """Take e-mails that are due at the real instant `now`; nobody else takes them before `until`. Two queries."""
    ids = list(tx.execute(_CLAIM, {"now": now, "until": until, "most": most}).scalars())
    if not ids:
        return []
    return [_mail(row) for row in tx.execute(sa.select(*_COLUMNS).where(mails.c.id.in_(ids)).order_by(mails.c.place)).mappings()]


def find_frozen_times(tx: Connection, *, organization_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """Return what the clocks of those organizations show that are sandboxes."""
    table = test_clocks.c
    statement = sa.select(table.organization_id, table.frozen_time).where(table.organization_id.in_(organization_ids))
    return {row.organization_id: row.frozen_time for row in tx.execute(statement)}


def settle(tx: Connection, *, mail_id: UUID, status: Status, error: str | None, at: datetime, next_attempt_at: datetime | None) -> None:
    """Write what became of an attempt to send an e-mail."""
    values = {"status": status.value, "error": error, "last_attempt_at": at, "next_attempt_at": next_attempt_at}
    tx.execute(mails.update().where(mails.c.id == mail_id).values(values))


def find_pdfs(tx: Connection, *, subject_ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """Return the PDFs that were made of things."""
    table = document_files.c
    statement = sa.select(table.subject_id, table.content).where(table.subject_id.in_(subject_ids), table.format == "pdf")
    return {row.subject_id: bytes(row.content) for row in tx.execute(statement)}


def find_mail(tx: Connection, *, organization_id: UUID, mail_id: UUID) -> Mail | None:
    """Return an e-mail."""
    statement = sa.select(*_COLUMNS).where(mails.c.organization_id == organization_id, mails.c.id == mail_id)
    row = tx.execute(statement).mappings().one_or_none()
    return None if row is None else _mail(row)


def list_mails(tx: Connection, *, organization_id: UUID, query: MailFilter, limit: int, offset: int) -> list[Mail]:
    """Return a page of e-mails, newest first."""
    statement = sa.select(*_COLUMNS).where(*_filtered(organization_id, query)).order_by(mails.c.place.desc())
    return [_mail(row) for row in tx.execute(statement.limit(limit).offset(offset)).mappings()]


def count_mails(tx: Connection, *, organization_id: UUID, query: MailFilter) -> int:
    """Count what `list_mails` pages through."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(mails).where(*_filtered(organization_id, query))).scalar_one())


def _filtered(organization_id: UUID, query: MailFilter) -> list[sa.ColumnElement[bool]]:
    table = mails.c
    conditions: list[sa.ColumnElement[bool]] = [table.organization_id == organization_id]
    if query.statuses:
        conditions.append(table.status.in_(query.statuses))
    if query.email_types:
        conditions.append(table.email_type.in_(query.email_types))
    if query.external_customer_id is not None:
        conditions.append(table.external_customer_id == query.external_customer_id)
    if query.document_id is not None:
        conditions.append(table.document_id == query.document_id)
    return conditions
