"""All SQL about refunds by providers."""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from daycount.payments.records import Payment
from daycount.payments.refunds.records import Refund
from daycount.payments.refunds.tables import payment_refunds
from daycount.payments.requests.tables import payment_request_invoices
from daycount.payments.tables import payments

_NAMES = Refund.__struct_fields__


def _refund(row: RowMapping) -> Refund:
    return Refund(**{name: row[name] for name in _NAMES})


def insert_refund(tx: Connection, refund: Refund) -> None:
    """Write a new refund; a second one of its credit note is refused by the database."""
    tx.execute(payment_refunds.insert().values({name: getattr(refund, name) for name in _NAMES}))


def update_refund(tx: Connection, refund: Refund) -> None:
    """Write a changed refund."""
    values = {name: getattr(refund, name) for name in _NAMES}
    tx.execute(payment_refunds.update().where(payment_refunds.c.id == refund.id).values(values))


def find_refunds(tx: Connection, *, ids: Collection[UUID], lock: bool = False) -> list[Refund]:
    """Return refunds, the oldest first; `lock` holds their rows."""
    statement = sa.select(payment_refunds).where(payment_refunds.c.id.in_(set(ids)))
    statement = statement.order_by(payment_refunds.c.created_at, payment_refunds.c.id)
    return [_refund(row) for row in tx.execute(statement.with_for_update() if lock else statement).mappings()]


def find_told(
    tx: Connection, *, organization_id: UUID, provider_id: UUID, provider_refund_id: str, credit_note_id: str | None
) -> list[Refund]:
    """Return the refunds that a provider calls so, or that are of the credit note it names, locked."""
    own = payment_refunds.c
    which = sa.or_(own.provider_refund_id == provider_refund_id, sa.cast(own.credit_note_id, sa.Text) == credit_note_id)
    if credit_note_id is None:
        which = own.provider_refund_id == provider_refund_id
    statement = sa.select(payment_refunds).where(own.organization_id == organization_id, own.provider_id == provider_id, which)
    return [_refund(row) for row in tx.execute(statement.with_for_update()).mappings()]


def find_latest_payment(tx: Connection, *, invoice_id: UUID) -> Payment | None:
    """Return the latest payment that succeeded of an invoice, by itself or with a payment request."""
    own = payment_request_invoices.c
    requests = sa.select(own.payment_request_id).where(own.invoice_id == invoice_id)
    is_of_it = sa.or_(payments.c.invoice_id == invoice_id, payments.c.payment_request_id.in_(requests))
    statement = sa.select(payments).where(is_of_it, payments.c.status == "succeeded")
    row = tx.execute(statement.order_by(payments.c.created_at.desc(), payments.c.id.desc()).limit(1)).mappings().one_or_none()
    return None if row is None else Payment(**{name: row[name] for name in Payment.__struct_fields__})


def sum_before(tx: Connection, *, refunds: Collection[Refund]) -> dict[UUID, int]:
    """Return what earlier refunds of the same payments gave back, or are giving back, in minor units, by refund."""
    own, earlier = payment_refunds.alias("own"), payment_refunds.alias("earlier")
    statement = (
        sa.select(own.c.id, sa.cast(sa.func.sum(earlier.c.amount_cents), sa.BigInteger))
        .join(earlier, earlier.c.payment_id == own.c.payment_id)
        .where(
            own.c.id.in_({refund.id for refund in refunds}),
            earlier.c.status != "failed",
            sa.tuple_(earlier.c.created_at, earlier.c.id) < sa.tuple_(own.c.created_at, own.c.id),
        )
        .group_by(own.c.id)
    )
    return dict(tx.execute(statement).all())
