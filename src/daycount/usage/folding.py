"""
Folding: carrying running states forward beside the reads that found much to add.

A thread of its own takes what reads have noted, with a connection of its own, and commits state by state. Nothing depends
on it: whatever is not folded is read. Several processes may fold the same; whoever comes second leaves it.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from daycount.engine.metrics import Bucket, Usage, UsageRequest
from daycount.infra.work import Workplace
from daycount.usage.states import store as states

FOLD, RAISE = "usage.fold", "usage.raise"
_log = structlog.get_logger("folding")
_MUCH = 500
"""Events that are worth a fold when they are asked for again and again."""
_VERY_MUCH = 50_000
"""Events that are worth a fold when they are asked for once."""
_BEYOND, _LEFT = 200, 0
"""Events beyond the horizon that a stream may have before it is raised, and how many of them that leaves."""
_MOST_REMEMBERED = 100_000
_MOST_WAITING = 10_000
_MOST_TOGETHER = 20


class _Wish(NamedTuple):
    stream: tuple[UUID, str, str]
    fingerprint: UUID


def _wish_of(request: UsageRequest) -> _Wish:
    return _Wish((request.organization_id, request.external_subscription_id, request.code), states.fingerprint(request))


class Folder:
    """Notes what is worth folding and folds it. Until `open` is called, it does nothing."""

    def __init__(self) -> None:
        self._workplace: Workplace | None = None
        self._thread: threading.Thread | None = None
        self._wake = threading.Condition()
        self._seen: OrderedDict[_Wish, None] = OrderedDict()
        self._waiting: OrderedDict[_Wish, UsageRequest] = OrderedDict()

    def open(self, workplace: Workplace) -> None:
        """Fold from now on, in a thread that starts when there is something to do and ends with the process."""
        self._workplace = workplace

    def note_states(self, read: Iterable[tuple[UsageRequest, int]]) -> None:
        """Hear how many events a read added to each state."""
        for request, fresh in read:
            if fresh > _MUCH:
                self._put(request)

    def note_events(self, read: Iterable[tuple[UsageRequest, Mapping[Bucket, Usage]]]) -> None:
        """
        Hear what reads without a state found.

        A bill reads much, but once, and a state would come too late; so only what is asked for again is folded, unless it
        is very much.
        """
        for request, found in read:
            count = sum(usage.events_count for usage in found.values())
            if count > _MUCH and states.can_fold(request) and (count > _VERY_MUCH or self._is_known(request)):
                self._put(request)

    def _is_known(self, request: UsageRequest) -> bool:
        wish = _wish_of(request)
        with self._wake:
            if wish in self._seen:
                return True
            self._seen[wish] = None
            if len(self._seen) > _MOST_REMEMBERED:
                self._seen.popitem(last=False)
            return False

    def _put(self, request: UsageRequest) -> None:
        with self._wake:
            if self._workplace is None or len(self._waiting) >= _MOST_WAITING:
                return
            self._waiting[_wish_of(request)] = request
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="folding", daemon=True)
                self._thread.start()
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiting:
                    self._wake.wait()
                taken = [self._waiting.popitem(last=False)[1] for _ in range(min(_MOST_TOGETHER, len(self._waiting)))]
            self._fold(taken)

    def _fold(self, taken: list[UsageRequest]) -> None:
        assert self._workplace is not None
        try:
            with self._workplace.engine.connect() as tx:
                horizons = states.find_horizons(tx, taken, many=_BEYOND, left=_LEFT)
            for organization_id, horizon in horizons.items():
                with self._workplace.transaction(RAISE) as tx:
                    states.raise_horizon(tx, organization_id=organization_id, horizon=horizon)
            with self._workplace.transaction(FOLD) as tx:
                states.fold(tx, taken)
        except (SQLAlchemyError, psycopg.Error) as error:
            _log.warning("states not carried forward; they will be when they are read again", error=str(error).partition("\n")[0])
