"""
What sending a file of events needs of the house, and no more: importing all of it takes longer than sending a hundred thousand events.

The rest (who reacts to what is announced, what prepaid credits cover) is loaded when an event first asks for it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from daycount.clock import SystemClock
from daycount.config import Settings
from daycount.ids import TimeOrderedIds
from daycount.infra.database import connect
from daycount.infra.work import CommitPoints, Reaction, Reactions, Workplace
from daycount.subscriptions.directory import CatalogDirectory
from daycount.usage.bulk import LANES
from daycount.usage.guard import BalanceGuard
from daycount.usage.ingest import GroupCommit
from daycount.usage.store import PostgresEventStore


class Rest(NamedTuple):
    """The parts of the house that few events ask for."""

    reactions: Reactions
    guard: BalanceGuard


class _Later:
    """Knows how to get at the rest."""

    def __init__(self, load: Callable[[], Rest]) -> None:
        self._load = load

    @cached_property
    def rest(self) -> Rest:
        return self._load()


class _LaterReactions(Mapping[type, Sequence[Reaction]]):
    def __init__(self, later: _Later) -> None:
        self._later = later

    def __getitem__(self, kind: type) -> Sequence[Reaction]:
        return self._later.rest.reactions[kind]

    def __iter__(self) -> Iterator[type]:
        return iter(self._later.rest.reactions)

    def __len__(self) -> int:
        return len(self._later.rest.reactions)


class _LaterGuard:
    def __init__(self, later: _Later) -> None:
        self._later = later

    def find_overspent(self, tx: Connection, *, organization_id: UUID, customer_ids: Collection[UUID], at: datetime) -> set[UUID]:
        return self._later.rest.guard.find_overspent(tx, organization_id=organization_id, customer_ids=customer_ids, at=at)


def open_commits(
    settings: Settings, *, database_url: str, environment: Mapping[str, str], load: Callable[[], Rest]
) -> tuple[Workplace, GroupCommit]:
    """Open the database and the queue that writes events; the caller closes the queue."""
    later = _Later(load)
    workplace = Workplace(
        connect(database_url, pool_size=LANES + 1),
        new_id=TimeOrderedIds(),
        reactions=_LaterReactions(later),
        commit_points=CommitPoints(environment),
    )
    commits = GroupCommit(
        workplace,
        PostgresEventStore(),
        CatalogDirectory(),
        SystemClock(),
        lanes=LANES,
        horizon_days=settings.event_horizon_days,
        guard=_LaterGuard(later),
    )
    return workplace, commits
