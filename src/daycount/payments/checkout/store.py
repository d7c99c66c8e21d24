"""All SQL about pages to pay at."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from daycount.payments.checkout.records import CheckoutPage
from daycount.payments.checkout.tables import checkout_pages

_NAMES = CheckoutPage.__struct_fields__


def _page(row: RowMapping) -> CheckoutPage:
    return CheckoutPage(**{name: row[name] for name in _NAMES})


def insert_page(tx: Connection, page: CheckoutPage) -> None:
    """Write a new page; there is no other about the same."""
    tx.execute(checkout_pages.insert().values({name: getattr(page, name) for name in _NAMES}))


def find_live(tx: Connection, *, subject_id: UUID) -> CheckoutPage | None:
    """Return the page about something that was not ended, whether or not its day is over."""
    own = checkout_pages.c
    row = tx.execute(sa.select(checkout_pages).where(own.subject_id == subject_id, own.ended_at.is_(None))).mappings().one_or_none()
    return None if row is None else _page(row)


def find_pages(tx: Connection, *, ids: Collection[UUID]) -> list[CheckoutPage]:
    """Return pages by their ids."""
    return [_page(row) for row in tx.execute(sa.select(checkout_pages).where(checkout_pages.c.id.in_(set(ids)))).mappings()]


def end_pages(tx: Connection, *, subject_id: UUID, at: datetime) -> list[CheckoutPage]:
    """End what pages there are about something; returns them. One statement."""
    own = checkout_pages.c
    statement = checkout_pages.update().where(own.subject_id == subject_id, own.ended_at.is_(None)).values(ended_at=at)
    return [_page(row) for row in tx.execute(statement.returning(checkout_pages)).mappings()]
