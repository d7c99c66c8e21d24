"""All SQL about lifetime usage."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from daycount.invoicing.tables import fees, invoices, lifetime_usages

_COUNTED_STATUSES = ("draft", "finalized")


def find_historical(tx: Connection, *, organization_id: UUID, ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return what was used elsewhere before, in minor units; those of which nothing was noted are left out."""
    table = lifetime_usages.c
    statement = sa.select(table.id, table.historical_amount_cents).where(table.organization_id == organization_id, table.id.in_(ids))
    return dict(tx.execute(statement).all())


def put_historical(tx: Connection, *, organization_id: UUID, id: UUID, amount_cents: int, at: datetime) -> None:
    """Note what was used elsewhere before."""
    values = {"historical_amount_cents": amount_cents, "updated_at": at}
    statement = insert(lifetime_usages).values(organization_id=organization_id, id=id, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["organization_id", "id"], set_=values))


def sum_invoiced_usage(tx: Connection, *, organization_id: UUID, subscription_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Add up the usage fees of subscriptions on draft and finalized subscription invoices, in minor units."""
    statement = (
        sa.select(fees.c.subscription_id, sa.cast(sa.func.sum(fees.c.amount_cents), sa.BigInteger))
        .join(invoices, invoices.c.id == fees.c.invoice_id)
        .where(
            fees.c.organization_id == organization_id,
            fees.c.subscription_id.in_(subscription_ids),
            fees.c.fee_type == "charge",
            invoices.c.invoice_type == "subscription",
            invoices.c.status.in_(_COUNTED_STATUSES),
        )
        .group_by(fees.c.subscription_id)
    )
    return dict(tx.execute(statement).all())
