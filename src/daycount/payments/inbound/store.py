"""All SQL about what providers told us."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from daycount.payments.inbound.records import ProviderEvent
from daycount.payments.inbound.tables import provider_events

_NAMES = ProviderEvent.__struct_fields__


def insert_event(tx: Connection, event: ProviderEvent) -> bool:
    """Write what a provider told; tells whether it was new. A transaction that is writing the same is waited for."""
    statement = insert(provider_events).values({name: getattr(event, name) for name in _NAMES})
    statement = statement.on_conflict_do_nothing(index_elements=["provider_id", "event_id"])
    return tx.execute(statement.returning(provider_events.c.id)).scalar_one_or_none() is not None


def is_removed(tx: Connection, *, provider_id: UUID, provider_method_id: str) -> bool:
    """Tell whether a provider said that a payment method is gone."""
    own = provider_events.c
    statement = sa.select(own.id).where(own.provider_id == provider_id, own.removed_method_id == provider_method_id)
    return bool(tx.execute(sa.select(statement.exists())).scalar_one())


def delete_events(tx: Connection, *, provider_id: UUID, before: datetime) -> None:
    """Forget what a provider told before an instant."""
    own = provider_events.c
    tx.execute(provider_events.delete().where(own.provider_id == provider_id, own.received_at < before))
