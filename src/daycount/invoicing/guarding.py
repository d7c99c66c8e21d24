"""Refusing usage that prepaid credits do not cover, for plans that ask for it."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from daycount.infra.work import Workplace
from daycount.invoicing.ongoing import find_overspent
from daycount.usage.port import EventStore

_ACTOR = "ingest"


class WalletGuard:
    """Tells ingest which customers have used more than their wallets hold."""

    def __init__(self, workplace: Workplace, events: EventStore) -> None:
        self._workplace = workplace
        self._events = events

    def find_overspent(self, tx: Connection, *, organization_id: UUID, customer_ids: Collection[UUID], at: datetime) -> set[UUID]:
        """Return the customers that have overspent, usage written in this transaction included. Nothing is written."""
        work = self._workplace.work_on(tx, now=at, actor=_ACTOR, organization_id=organization_id, is_sandbox=False)
        return find_overspent(work, customer_ids, events=self._events)
