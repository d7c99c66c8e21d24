"""All SQL about quotes, order forms and orders."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import Connection

from daycount.customers.tables import customers
from daycount.quotes.records import (
    DealFilter,
    ExecutionMode,
    FormStatus,
    Order,
    OrderForm,
    OrderStatus,
    OrderType,
    Quote,
    QuoteVersion,
    VersionStatus,
)
from daycount.quotes.tables import order_forms, orders, quote_versions, quotes

_TABLES: Mapping[type[Struct], sa.Table] = {Quote: quotes, QuoteVersion: quote_versions, OrderForm: order_forms, Order: orders}


class _Paging(NamedTuple):
    """Which rows a list shows, and which page of them."""

    organization_id: UUID
    query: DealFilter
    limit: int
    offset: int


def _values(record: Struct) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


def insert(tx: Connection, record: Quote | QuoteVersion | OrderForm | Order) -> None:
    """Write a new quote, version, form or order."""
    tx.execute(_TABLES[type(record)].insert().values(_values(record)))


def update(tx: Connection, record: Quote | QuoteVersion | OrderForm | Order) -> None:
    """Write all of a quote, version, form or order that is there."""
    table = _TABLES[type(record)]
    tx.execute(table.update().where(table.c.id == record.id).values(_values(record)))


def next_number(tx: Connection, kind: type[Quote | OrderForm | Order], *, organization_id: UUID) -> int:
    """Return the next number of an organization's quotes, forms or orders; the caller holds the numbers."""
    table = _TABLES[kind]
    statement = sa.select(sa.func.coalesce(sa.func.max(table.c.sequential_id), 0) + 1).where(table.c.organization_id == organization_id)
    return int(tx.execute(statement).scalar_one())


def _one(tx: Connection, table: sa.Table, organization_id: UUID, record_id: UUID, *, lock: bool) -> sa.RowMapping | None:
    statement = sa.select(table).where(table.c.organization_id == organization_id, table.c.id == record_id)
    return tx.execute(statement.with_for_update() if lock else statement).mappings().one_or_none()


def find_quote(tx: Connection, *, organization_id: UUID, quote_id: UUID, lock: bool = False) -> Quote | None:
    """Return a quote; `lock` holds its row."""
    row = _one(tx, quotes, organization_id, quote_id, lock=lock)
    return None if row is None else _quote(row)


def find_version(tx: Connection, *, organization_id: UUID, version_id: UUID) -> QuoteVersion | None:
    """Return a version of a quote."""
    row = _one(tx, quote_versions, organization_id, version_id, lock=False)
    return None if row is None else _version(row)


def find_form(tx: Connection, *, organization_id: UUID, form_id: UUID, lock: bool = False) -> OrderForm | None:
    """Return an order form; `lock` holds its row."""
    row = _one(tx, order_forms, organization_id, form_id, lock=lock)
    return None if row is None else _form(row)


def find_order(tx: Connection, *, organization_id: UUID, order_id: UUID, lock: bool = False) -> Order | None:
    """Return an order; `lock` holds its row."""
    row = _one(tx, orders, organization_id, order_id, lock=lock)
    return None if row is None else _order(row)


def list_versions(tx: Connection, *, organization_id: UUID, quote_id: UUID) -> list[QuoteVersion]:
    """Return the versions of a quote, the latest first; they are few."""
    table = quote_versions.c
    statement = sa.select(quote_versions).where(table.organization_id == organization_id, table.quote_id == quote_id)
    return [_version(row) for row in tx.execute(statement.order_by(table.version.desc(), table.id)).mappings()]


def find_current_versions(tx: Connection, *, organization_id: UUID, quote_ids: Sequence[UUID]) -> dict[UUID, QuoteVersion]:
    """Return the latest version of each quote."""
    table = quote_versions.c
    statement = (
        sa.select(quote_versions)
        .where(table.organization_id == organization_id, table.quote_id.in_(quote_ids))
        .order_by(table.quote_id, table.version.desc())
        .distinct(table.quote_id)
    )
    return {row["quote_id"]: _version(row) for row in tx.execute(statement).mappings()} if quote_ids else {}


def list_quotes(tx: Connection, *, organization_id: UUID, query: DealFilter, limit: int, offset: int) -> tuple[list[Quote], int]:
    """Return a page of quotes, newest first, and how many there are; their status is that of the latest version."""
    paging = _Paging(organization_id, query, limit, offset)
    any_version = quote_versions.alias()
    latest = sa.select(sa.func.max(any_version.c.version)).where(any_version.c.quote_id == quotes.c.id).scalar_subquery()
    current = sa.and_(quote_versions.c.quote_id == quotes.c.id, quote_versions.c.version == latest)
    joined = sa.select(quotes).select_from(quotes.join(quote_versions, current))
    return _page(
        tx,
        joined,
        table=quotes,
        status=quote_versions.c.status,
        read=_quote,
        paging=paging,
    )


def list_forms(tx: Connection, *, organization_id: UUID, query: DealFilter, limit: int, offset: int) -> tuple[list[OrderForm], int]:
    """Return a page of order forms, newest first, and how many there are."""
    paging = _Paging(organization_id, query, limit, offset)
    return _page(
        tx,
        sa.select(order_forms),
        table=order_forms,
        status=order_forms.c.status,
        read=_form,
        paging=paging,
    )


def list_orders(tx: Connection, *, organization_id: UUID, query: DealFilter, limit: int, offset: int) -> tuple[list[Order], int]:
    """Return a page of orders, newest first, and how many there are."""
    paging = _Paging(organization_id, query, limit, offset)
    return _page(
        tx,
        sa.select(orders),
        table=orders,
        status=orders.c.status,
        read=_order,
        paging=paging,
    )


def _page(
    tx: Connection,
    statement: sa.Select[Any],
    *,
    table: sa.Table,
    status: sa.ColumnElement[str],
    read: Callable[[sa.RowMapping], Any],
    paging: _Paging,
) -> tuple[list[Any], int]:
    organization_id, query, limit, offset = paging
    conditions = [table.c.organization_id == organization_id]
    if query.statuses:
        conditions.append(status.in_(query.statuses))
    if query.order_types and "order_type" in table.c:
        conditions.append(table.c.order_type.in_(query.order_types))
    if query.number is not None:
        conditions.append(table.c.number == query.number)
    if query.external_customer_id is not None:
        owners = sa.select(customers.c.id).where(
            customers.c.organization_id == organization_id, customers.c.external_id == query.external_customer_id
        )
        conditions.append(table.c.customer_id.in_(owners))
    if query.since is not None:
        conditions.append(table.c.created_at >= query.since)
    if query.until is not None:
        conditions.append(table.c.created_at < query.until)
    if query.is_nobodys:
        conditions.append(sa.false())
    matching = statement.where(*conditions)
    total = tx.execute(
        sa.select(sa.func.count()).select_from(matching.with_only_columns(table.c.id, maintain_column_froms=True).subquery())
    ).scalar_one()
    rows = tx.execute(matching.order_by(table.c.created_at.desc(), table.c.id).limit(limit).offset(offset)).mappings()
    return [read(row) for row in rows], int(total)


def _quote(row: sa.RowMapping) -> Quote:
    return Quote(**_of(Quote, row) | {"order_type": OrderType(row["order_type"])})


def _version(row: sa.RowMapping) -> QuoteVersion:
    return QuoteVersion(**_of(QuoteVersion, row) | {"status": VersionStatus(row["status"])})


def _form(row: sa.RowMapping) -> OrderForm:
    return OrderForm(**_of(OrderForm, row) | {"status": FormStatus(row["status"])})


def _order(row: sa.RowMapping) -> Order:
    mode = row["execution_mode"]
    typed = {"status": OrderStatus(row["status"]), "order_type": OrderType(row["order_type"])}
    return Order(**_of(Order, row) | typed | {"execution_mode": None if mode is None else ExecutionMode(mode)})


def _of(kind: type[Struct], row: sa.RowMapping) -> dict[str, Any]:
    return {name: row[name] for name in kind.__struct_fields__}
