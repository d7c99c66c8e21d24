"""All SQL about credit notes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from daycount.credit_notes.records import CreditNote, CreditNoteFilter, CreditNoteItem, CreditNoteUse, NotedTax
from daycount.credit_notes.tables import credit_note_items, credit_note_uses, credit_notes
from daycount.customers.tables import customers
from daycount.infra.database import copy_rows, is_any

_SEARCHED = ("name", "firstname", "lastname", "external_id", "email")


def _note(row: RowMapping) -> CreditNote:
    values = {name: row[name] for name in CreditNote.__struct_fields__}
    return CreditNote(**values | {"applied_taxes": msgspec.convert(row["applied_taxes"], list[NotedTax])})


def insert(tx: Connection, note: CreditNote, items: Sequence[CreditNoteItem]) -> None:
    """Write a credit note with its items."""
    copy_rows(tx, credit_notes, CreditNote.__struct_fields__, [[getattr(note, name) for name in CreditNote.__struct_fields__]])
    names = CreditNoteItem.__struct_fields__
    copy_rows(tx, credit_note_items, names, [[getattr(item, name) for name in names] for item in items])


def update(tx: Connection, note: CreditNote) -> None:
    """Write a changed credit note."""
    values = {name: getattr(note, name) for name in CreditNote.__struct_fields__}
    values |= {"applied_taxes": msgspec.to_builtins(note.applied_taxes), "metadata": None if note.metadata is None else dict(note.metadata)}
    tx.execute(credit_notes.update().where(credit_notes.c.id == note.id).values(values))


def find(tx: Connection, *, organization_id: UUID, credit_note_id: UUID, lock: bool = False) -> CreditNote | None:
    """Return a finalized credit note; `lock` holds its row until the transaction ends."""
    table = credit_notes.c
    statement = sa.select(credit_notes).where(
        table.organization_id == organization_id, table.id == credit_note_id, table.status == "finalized"
    )
    row = tx.execute(statement.with_for_update() if lock else statement).mappings().one_or_none()
    return None if row is None else _note(row)


def find_final(tx: Connection, *, organization_id: UUID, ids: Sequence[UUID]) -> list[CreditNote]:
    """Return the finalized credit notes of these ids, in the order they were made."""
    table = credit_notes.c
    statement = sa.select(credit_notes).where(table.organization_id == organization_id, table.id.in_(ids), table.status == "finalized")
    return [_note(row) for row in tx.execute(statement.order_by(table.created_at, table.id)).mappings()]


def list_of_invoices(tx: Connection, *, organization_id: UUID, invoice_ids: Sequence[UUID]) -> list[CreditNote]:
    """Return the credit notes of invoices, drafts included, in the order they were made."""
    table = credit_notes.c
    statement = sa.select(credit_notes).where(
        table.organization_id == organization_id, table.invoice_id.in_(invoice_ids), table.status != "deleted"
    )
    return [_note(row) for row in tx.execute(statement.order_by(table.created_at, table.id)).mappings()]


def update_items(tx: Connection, items: Sequence[CreditNoteItem]) -> None:
    """Write other amounts of items, in one statement."""
    table = credit_note_items
    statement = table.update().where(table.c.id == sa.bindparam("item_id"))
    values: dict[str, Any] = {"amount_cents": sa.bindparam("new_amount"), "precise_amount_cents": sa.bindparam("new_precise")}
    rows = [{"item_id": item.id, "new_amount": item.amount_cents, "new_precise": item.precise_amount_cents} for item in items]
    if rows:
        tx.execute(statement.values(values), rows)


def sum_of_items(tx: Connection, *, organization_id: UUID, fee_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return what items of all notes, voided ones included, took of fees, in minor units."""
    table = credit_note_items.c
    statement = (
        sa.select(table.fee_id, sa.cast(sa.func.sum(table.amount_cents), sa.BigInteger))
        .join(credit_notes, credit_notes.c.id == table.credit_note_id)
        .where(table.organization_id == organization_id, table.fee_id.in_(fee_ids), credit_notes.c.status != "deleted")
        .group_by(table.fee_id)
    )
    return dict(tx.execute(statement).all())


def list_items(tx: Connection, *, organization_id: UUID, credit_note_ids: Sequence[UUID]) -> list[CreditNoteItem]:
    """Return the items of credit notes, in their order."""
    table = credit_note_items.c
    statement = sa.select(credit_note_items).where(table.organization_id == organization_id, table.credit_note_id.in_(credit_note_ids))
    rows = tx.execute(statement.order_by(table.credit_note_id, table.position)).mappings()
    return [CreditNoteItem(**{name: row[name] for name in CreditNoteItem.__struct_fields__}) for row in rows]


def list_available(tx: Connection, *, organization_id: UUID, customer_ids: Sequence[UUID]) -> list[CreditNote]:
    """Return the notes of customers that have something left, the oldest first; the caller holds the customers."""
    table = credit_notes.c
    statement = sa.select(credit_notes).where(
        table.organization_id == organization_id,
        is_any(table.customer_id, customer_ids),
        table.status == "finalized",
        table.credit_status == "available",
        table.balance_amount_cents > 0,
    )
    return [_note(row) for row in tx.execute(statement.order_by(table.created_at, table.id)).mappings()]


def change_balances(tx: Connection, *, changes: Mapping[UUID, int], at: datetime) -> None:
    """Add amounts (minor units, negative for a use) to the balances of notes; one at zero is consumed. Voided ones stay so."""
    statement = sa.text("""
        update credit_notes n
        set balance_amount_cents = n.balance_amount_cents + c.amount, updated_at = :at,
            credit_status = case when n.balance_amount_cents + c.amount = 0 then 'consumed' else 'available' end
        from unnest(cast(:ids as uuid[]), cast(:amounts as bigint[])) as c(id, amount)
        where n.id = c.id and n.voided_at is null
    """)
    if changes:
        tx.execute(statement, {"ids": list(changes), "amounts": list(changes.values()), "at": at})


def insert_uses(tx: Connection, uses: Sequence[CreditNoteUse]) -> None:
    """Write what invoices used with one COPY; an invoice uses a note once (database constraint)."""
    names = CreditNoteUse.__struct_fields__
    copy_rows(tx, credit_note_uses, names, [[getattr(use, name) for name in names] for use in uses])


def list_uses(tx: Connection, *, organization_id: UUID, invoice_ids: Sequence[UUID]) -> list[tuple[CreditNoteUse, CreditNote]]:
    """Return what invoices used of which notes, in the order it was taken. Two queries."""
    table = credit_note_uses.c
    statement = sa.select(credit_note_uses).where(table.organization_id == organization_id, table.invoice_id.in_(invoice_ids))
    rows = tx.execute(statement.order_by(table.created_at, table.id)).mappings()
    uses = [CreditNoteUse(**{name: row[name] for name in CreditNoteUse.__struct_fields__}) for row in rows]
    wanted = sa.select(credit_notes).where(credit_notes.c.id.in_([use.credit_note_id for use in uses]))
    notes = {row["id"]: _note(row) for row in tx.execute(wanted).mappings()} if uses else {}
    return [(use, notes[use.credit_note_id]) for use in uses]


def mark_returned(tx: Connection, *, invoice_id: UUID, at: datetime) -> None:
    """Note that a voided invoice gave back what it used."""
    table = credit_note_uses
    tx.execute(table.update().where(table.c.invoice_id == invoice_id, table.c.returned_at.is_(None)).values(returned_at=at))


def _filtered(organization_id: UUID, query: CreditNoteFilter) -> list[sa.ColumnElement[bool]]:
    table = credit_notes.c
    conditions: list[sa.ColumnElement[bool]] = [table.organization_id == organization_id, table.status == "finalized"]
    equal: dict[Any, Any] = {
        customers.c.external_id: query.external_customer_id,
        table.currency: query.currency,
        table.invoice_number: query.invoice_number,
        table.self_billed: query.self_billed,
    }
    conditions.extend(column == value for column, value in equal.items() if value is not None)
    if query.purchase_order_number is not None:
        conditions.append(sa.func.lower(table.purchase_order_number) == query.purchase_order_number.lower())
    sets = {table.credit_status: query.credit_statuses, table.refund_status: query.refund_statuses, table.reason: query.reasons}
    conditions.extend(column.in_(values) for column, values in sets.items() if values)
    conditions.extend(_ranges(query))
    if query.types:
        conditions.append(sa.or_(*(table[f"{name}_amount_cents"] > 0 for name in query.types)))
    if query.search_term:
        term = query.search_term
        found = [customers.c[name].icontains(term, autoescape=True) for name in _SEARCHED]
        conditions.append(sa.or_(table.number.icontains(term, autoescape=True), sa.cast(table.id, sa.Text) == term, *found))
    if query.entity_ids:
        sender = sa.literal_column("(select i.billing_entity_id from invoices i where i.id = credit_notes.invoice_id)", sa.Uuid)
        conditions.append(sender.in_(query.entity_ids))
    return conditions


def _ranges(query: CreditNoteFilter) -> list[sa.ColumnElement[bool]]:
    table = credit_notes.c
    least = {table.issuing_date: query.issuing_date_from, table.total_amount_cents: query.amount_from}
    most = {table.issuing_date: query.issuing_date_to, table.total_amount_cents: query.amount_to}
    return [
        *(column >= value for column, value in least.items() if value is not None),
        *(column <= value for column, value in most.items() if value is not None),
    ]


def count_credit_notes(tx: Connection, *, organization_id: UUID, query: CreditNoteFilter) -> int:
    """Count the credit notes that a list shows."""
    joined = sa.select(sa.func.count()).select_from(credit_notes.join(customers, customers.c.id == credit_notes.c.customer_id))
    return int(tx.execute(joined.where(*_filtered(organization_id, query))).scalar_one())


def list_credit_notes(tx: Connection, *, organization_id: UUID, query: CreditNoteFilter, limit: int, offset: int) -> list[CreditNote]:
    """Return a page of credit notes, the newest first."""
    table = credit_notes.c
    statement = sa.select(credit_notes).join(customers, customers.c.id == table.customer_id).where(*_filtered(organization_id, query))
    statement = statement.order_by(table.created_at.desc(), table.id.desc()).limit(limit).offset(offset)
    return [_note(row) for row in tx.execute(statement).mappings()]
