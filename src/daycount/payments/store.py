"""All SQL about payments and their receipts."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection

from daycount.customers.tables import customers
from daycount.invoicing.records import VISIBLE_STATUSES
from daycount.invoicing.tables import invoices
from daycount.organizations.payment_providers.tables import payment_providers
from daycount.payments.records import PaidInvoice, Payment, PaymentFilter, Receipt, ShownPayment, ShownReceipt
from daycount.payments.requests.tables import payment_request_invoices, payment_requests
from daycount.payments.tables import payment_receipts, payments

_NAMES = Payment.__struct_fields__
_SELECT = (
    sa.select(
        payments,
        customers.c.external_id.label("external_customer_id"),
        payment_providers.c.code.label("provider_code"),
        payment_providers.c.provider_type,
    )
    .join(customers, customers.c.id == payments.c.customer_id)
    .outerjoin(payment_providers, payment_providers.c.id == payments.c.provider_id)
)
_PAID = (
    sa.select(payments.c.id, invoices.c.id.label("invoice_id"), invoices.c.number)
    .outerjoin(payment_request_invoices, payment_request_invoices.c.payment_request_id == payments.c.payment_request_id)
    .join(invoices, invoices.c.id == sa.func.coalesce(payments.c.invoice_id, payment_request_invoices.c.invoice_id))
)
_RECEIPT_NAMES = Receipt.__struct_fields__
_SELECT_RECEIPTS = _SELECT.add_columns(*(payment_receipts.c[name].label(f"receipt_{name}") for name in _RECEIPT_NAMES)).join(
    payment_receipts, payment_receipts.c.payment_id == payments.c.id
)


def insert_payments(tx: Connection, made: Sequence[Payment]) -> None:
    """Write payments."""
    if made:
        rows = [{name: getattr(payment, name) for name in _NAMES} | {"next_action": dict(payment.next_action)} for payment in made]
        tx.execute(payments.insert(), rows)


def list_under_way(tx: Connection, *, invoice_ids: Sequence[UUID]) -> set[UUID]:
    """Return the invoices of which a provider has a payment that is not finished."""
    own = payments.c
    statement = sa.select(own.invoice_id).where(
        own.invoice_id.in_(invoice_ids), own.payment_type == "provider", own.status.in_(("pending", "processing"))
    )
    return set(tx.execute(statement).scalars())


def sum_of_invoice(tx: Connection, *, invoice_id: UUID) -> int:
    """Return what payments of an invoice come to, by itself and with payment requests, in minor units."""
    own = sa.select(payments.c.amount_cents).where(payments.c.invoice_id == invoice_id, payments.c.status == "succeeded")
    with_requests = (
        sa.select(payment_request_invoices.c.paid_amount_cents)
        .join(payment_requests, payment_requests.c.id == payment_request_invoices.c.payment_request_id)
        .where(payment_request_invoices.c.invoice_id == invoice_id, payment_requests.c.payment_status == "succeeded")
    )
    amounts = own.union_all(with_requests).subquery()
    return int(tx.execute(sa.select(sa.func.coalesce(sa.func.sum(amounts.c.amount_cents), 0))).scalar_one())


def find_payment(tx: Connection, *, organization_id: UUID, payment_id: UUID) -> ShownPayment | None:
    """Return a payment."""
    found = _read(tx, _SELECT.where(payments.c.organization_id == organization_id, payments.c.id == payment_id))
    return found[0] if found else None


def list_payments(tx: Connection, *, organization_id: UUID, query: PaymentFilter, limit: int, offset: int) -> list[ShownPayment]:
    """Return a page of payments, newest first."""
    statement = _SELECT.where(*_filtered(organization_id, query)).order_by(payments.c.created_at.desc(), payments.c.id)
    return _read(tx, statement.limit(limit).offset(offset))


def count_payments(tx: Connection, *, organization_id: UUID, query: PaymentFilter) -> int:
    """Count what `list_payments` pages through."""
    found = _SELECT.where(*_filtered(organization_id, query)).subquery()
    return int(tx.execute(sa.select(sa.func.count()).select_from(found)).scalar_one())


def count_receipts_of_customers(tx: Connection, *, customer_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Count the receipts that customers were given, by customer; the caller holds their lanes."""
    own = payment_receipts.c.customer_id
    statement = sa.select(own, sa.func.count().label("receipts")).where(own.in_(set(customer_ids))).group_by(own)
    return {row.customer_id: row.receipts for row in tx.execute(statement)}


def insert_receipts(tx: Connection, made: Sequence[Receipt]) -> None:
    """Write receipts."""
    if made:
        tx.execute(payment_receipts.insert(), [{name: getattr(receipt, name) for name in _RECEIPT_NAMES} for receipt in made])


def find_receipt(tx: Connection, *, organization_id: UUID, receipt_id: UUID) -> ShownReceipt | None:
    """Return a receipt."""
    owned = payment_receipts.c.organization_id == organization_id
    found = _read_receipts(tx, _SELECT_RECEIPTS.where(owned, payment_receipts.c.id == receipt_id))
    return found[0] if found else None


def find_receipts(tx: Connection, *, organization_id: UUID, receipt_ids: Sequence[UUID]) -> list[ShownReceipt]:
    """Return receipts of these ids. Two queries."""
    owned = payment_receipts.c.organization_id == organization_id
    return _read_receipts(tx, _SELECT_RECEIPTS.where(owned, payment_receipts.c.id.in_(receipt_ids)).order_by(payment_receipts.c.id))


def list_receipts(tx: Connection, *, organization_id: UUID, invoice_id: UUID | None, limit: int, offset: int) -> list[ShownReceipt]:
    """Return a page of receipts, newest first."""
    statement = _SELECT_RECEIPTS.where(*_filtered_receipts(organization_id, invoice_id))
    statement = statement.order_by(payment_receipts.c.created_at.desc(), payment_receipts.c.id)
    return _read_receipts(tx, statement.limit(limit).offset(offset))


def count_receipts(tx: Connection, *, organization_id: UUID, invoice_id: UUID | None) -> int:
    """Count what `list_receipts` pages through."""
    found = _SELECT_RECEIPTS.where(*_filtered_receipts(organization_id, invoice_id)).subquery()
    return int(tx.execute(sa.select(sa.func.count()).select_from(found)).scalar_one())


def _filtered_receipts(organization_id: UUID, invoice_id: UUID | None) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [payment_receipts.c.organization_id == organization_id]
    if invoice_id is not None:
        conditions.append(_is_of(invoice_id))
    return conditions


def _is_of(invoice_id: UUID) -> sa.ColumnElement[bool]:
    """Tell that a payment is of an invoice, by itself or with a payment request."""
    own = payment_request_invoices.c
    requests = sa.select(own.payment_request_id).where(own.invoice_id == invoice_id)
    return sa.or_(payments.c.invoice_id == invoice_id, payments.c.payment_request_id.in_(requests))


def _read_receipts(tx: Connection, statement: sa.Select[tuple[object, ...]]) -> list[ShownReceipt]:
    rows = tx.execute(statement).mappings().all()
    receipts = [Receipt(**{name: row[f"receipt_{name}"] for name in _RECEIPT_NAMES}) for row in rows]
    return [ShownReceipt(receipt, shown) for receipt, shown in zip(receipts, _shown(tx, rows), strict=True)]


def _filtered(organization_id: UUID, query: PaymentFilter) -> Sequence[sa.ColumnElement[bool]]:
    hidden = sa.select(invoices.c.id).where(invoices.c.id == payments.c.invoice_id, invoices.c.status.not_in(VISIBLE_STATUSES))
    conditions: list[sa.ColumnElement[bool]] = [payments.c.organization_id == organization_id, ~hidden.exists()]
    if query.invoice_id is not None:
        conditions.append(_is_of(query.invoice_id))
    if query.external_customer_id is not None:
        conditions.append(customers.c.external_id == query.external_customer_id)
    return conditions


def _read(tx: Connection, statement: sa.Select[tuple[object, ...]]) -> list[ShownPayment]:
    return _shown(tx, tx.execute(statement).mappings().all())


def _shown(tx: Connection, rows: Sequence[sa.RowMapping]) -> list[ShownPayment]:
    """Return payments with the invoices they are of. One query."""
    paid: defaultdict[UUID, list[PaidInvoice]] = defaultdict(list)
    ids = [row["id"] for row in rows]
    if ids:
        for payment_id, invoice_id, number in tx.execute(_PAID.where(payments.c.id.in_(ids)).order_by(invoices.c.number)):
            paid[payment_id].append(PaidInvoice(invoice_id, number))
    return [
        ShownPayment(
            Payment(**{name: row[name] for name in _NAMES}),
            paid[row["id"]],
            row["external_customer_id"],
            row["provider_code"],
            row["provider_type"],
        )
        for row in rows
    ]
