"""All SQL about payment requests."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from daycount.customers.tables import customers
from daycount.invoicing.tables import invoices
from daycount.payments.requests.records import PaymentRequest, PaymentRequestFilter, ShownRequest
from daycount.payments.requests.tables import payment_request_invoices, payment_requests
from daycount.payments.tables import payments

_NAMES = PaymentRequest.__struct_fields__


def insert_requests(tx: Connection, made: Sequence[ShownRequest]) -> None:
    """Write new payment requests with their invoices. Two statements."""
    tx.execute(payment_requests.insert(), [{name: getattr(shown.request, name) for name in _NAMES} for shown in made])
    rows = [
        {
            "payment_request_id": shown.request.id,
            "invoice_id": invoice_id,
            "organization_id": shown.request.organization_id,
            "paid_amount_cents": 0,
        }
        for shown in made
        for invoice_id in shown.invoice_ids
    ]
    tx.execute(payment_request_invoices.insert(), rows)


def update_status(tx: Connection, request: PaymentRequest, *, paid: Mapping[UUID, int]) -> None:
    """Write the payment status of a request, and what was paid of its invoices with it."""
    statement = payment_requests.update().where(payment_requests.c.id == request.id)
    tx.execute(statement.values(payment_status=request.payment_status, updated_at=request.updated_at))
    if paid:
        own = payment_request_invoices.c
        one = payment_request_invoices.update().where(own.payment_request_id == request.id, own.invoice_id == sa.bindparam("of_invoice"))
        rows = [{"of_invoice": invoice_id, "paid_amount_cents": amount} for invoice_id, amount in paid.items()]
        tx.execute(one.values(paid_amount_cents=sa.bindparam("paid_amount_cents")), rows)


def find_request(tx: Connection, *, organization_id: UUID, request_id: UUID, lock: bool = False) -> ShownRequest | None:
    """Return a payment request; `lock` holds its row until the transaction ends."""
    statement = sa.select(payment_requests).where(
        payment_requests.c.organization_id == organization_id, payment_requests.c.id == request_id
    )
    rows = tx.execute(statement.with_for_update() if lock else statement).mappings().all()
    return next(iter(_shown(tx, rows)), None)


def find_requests(tx: Connection, *, organization_id: UUID, ids: Sequence[UUID]) -> list[ShownRequest]:
    """Return payment requests, locked, the oldest first. Two queries."""
    statement = sa.select(payment_requests).where(payment_requests.c.organization_id == organization_id, payment_requests.c.id.in_(ids))
    rows = tx.execute(statement.order_by(payment_requests.c.created_at, payment_requests.c.id).with_for_update()).mappings().all()
    return _shown(tx, rows)


def find_under_way(tx: Connection, *, invoice_ids: Sequence[UUID]) -> list[UUID]:
    """Return which invoices a provider is being asked for with a payment request."""
    own = payment_request_invoices.c
    statement = (
        sa.select(own.invoice_id)
        .join(payments, payments.c.payment_request_id == own.payment_request_id)
        .where(own.invoice_id.in_(invoice_ids), payments.c.payment_type == "provider", payments.c.status.in_(("pending", "processing")))
    )
    return list(tx.execute(statement).scalars())


def list_requests(tx: Connection, *, organization_id: UUID, query: PaymentRequestFilter, limit: int, offset: int) -> list[ShownRequest]:
    """Return a page of payment requests, newest first. Two queries."""
    statement = _matching(sa.select(payment_requests), organization_id, query)
    order = (payment_requests.c.created_at.desc(), payment_requests.c.id)
    return _shown(tx, tx.execute(statement.order_by(*order).limit(limit).offset(offset)).mappings().all())


def count_requests(tx: Connection, *, organization_id: UUID, query: PaymentRequestFilter) -> int:
    """Count what `list_requests` pages through."""
    found = _matching(sa.select(payment_requests.c.id), organization_id, query).subquery()
    return int(tx.execute(sa.select(sa.func.count()).select_from(found)).scalar_one())


def find_paid_amounts(tx: Connection, *, organization_id: UUID, invoice_ids: Sequence[UUID]) -> dict[tuple[UUID, UUID], int]:
    """Return what was paid of invoices with requests, in minor units, by request and invoice."""
    own = payment_request_invoices.c
    statement = sa.select(own.payment_request_id, own.invoice_id, own.paid_amount_cents).where(
        own.organization_id == organization_id, own.invoice_id.in_(invoice_ids)
    )
    return {(request_id, invoice_id): cents for request_id, invoice_id, cents in tx.execute(statement)}


def is_settled(tx: Connection, *, invoice_id: UUID) -> bool:
    """Tell whether an invoice was paid with a payment request."""
    own = payment_request_invoices.c
    statement = (
        sa.select(own.invoice_id)
        .join(payment_requests, payment_requests.c.id == own.payment_request_id)
        .where(own.invoice_id == invoice_id, payment_requests.c.payment_status == "succeeded")
    )
    return tx.execute(sa.select(statement.exists())).scalar_one()


def _matching(
    statement: sa.Select[tuple[object, ...]], organization_id: UUID, query: PaymentRequestFilter
) -> sa.Select[tuple[object, ...]]:
    table = payment_requests.c
    conditions: list[sa.ColumnElement[bool]] = [table.organization_id == organization_id]
    if query.external_customer_id is not None:
        conditions.append(customers.c.external_id == query.external_customer_id)
    if query.payment_status is not None:
        conditions.append(table.payment_status == query.payment_status)
    if query.currency is not None:
        conditions.append(table.currency == query.currency)
    if query.entity_ids:
        conditions.append(table.billing_entity_id.in_(query.entity_ids))
    return statement.join(customers, customers.c.id == table.customer_id).where(*conditions)


def _shown(tx: Connection, rows: Sequence[RowMapping]) -> list[ShownRequest]:
    own = payment_request_invoices.c
    statement = (
        sa.select(own.payment_request_id, own.invoice_id)
        .join(invoices, invoices.c.id == own.invoice_id)
        .where(own.payment_request_id.in_([row["id"] for row in rows]))
        .order_by(invoices.c.issuing_date, invoices.c.number, invoices.c.id)
    )
    of_request: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for request_id, invoice_id in tx.execute(statement) if rows else ():
        of_request[request_id].append(invoice_id)
    return [ShownRequest(PaymentRequest(**{name: row[name] for name in _NAMES}), of_request[row["id"]]) for row in rows]
