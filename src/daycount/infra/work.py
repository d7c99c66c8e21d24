"""
Work: what every operation takes first. One request or one job is one `Work`, and one `Work` is one transaction.

It carries the transaction, the instant it all happens at, the source of ids, who acts and for which organization.
Operations never commit: `Workplace.open` does, at one named commit point, when its block ends without an error.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, RootTransaction

from daycount.ids import NewId
from daycount.infra.agenda import Agenda

Reaction = Callable[["Work", Any], None]
Reactions = Mapping[type, Sequence[Reaction]]
Closing = Callable[[Connection], None]
_closings: WeakKeyDictionary[RootTransaction, dict[tuple[object, ...], Closing]] = WeakKeyDictionary()
"""What is still to be done in each transaction before it is committed; forgotten with a transaction that is not."""


class Work:
    """The circumstances of one request or job."""

    def __init__(
        self,
        tx: Connection,
        *,
        now: datetime,
        new_id: NewId,
        actor: str,
        organization_id: UUID,
        is_sandbox: bool,
        reactions: Reactions,
        heard: list[object] | None = None,
    ) -> None:
        self._heard = heard
        self.tx = tx
        self.now = now
        self.new_id = new_id
        self.actor = actor
        self.organization_id = organization_id
        self.is_sandbox = is_sandbox
        self.agenda = Agenda(tx, organization_id=organization_id, is_sandbox=is_sandbox, new_id=new_id)
        self._reactions = reactions

    def announce(self, message: object) -> None:
        """
        Tell those who listen that something happened.

        They run at once, in this transaction, in the order they were registered; what they raise fails the work.
        """
        if self._heard is not None:
            self._heard.append(message)
        for reaction in self._reactions.get(type(message), ()):
            reaction(self, message)

    def before_commit(self, key: tuple[object, ...], closing: Closing) -> None:
        """
        Have something done as the last thing of this transaction, once for every `key`.

        For rows that everybody writes, so that their locks are held no longer than the commit takes. Inside a rehearsal it is
        dropped if nothing else of the transaction asks for it.
        """
        if self._heard is None:
            transaction = self.tx.get_transaction()
            assert transaction is not None, "an operation has read something before"
            _closings.setdefault(transaction, {})[key] = closing

    @contextmanager
    def rehearse(self, *, now: datetime) -> "Iterator[Rehearsal]":
        """
        Open a work at the instant `now` in this transaction, whose effects are all taken back when the block ends.

        Inside, the world is as if it had happened. Locks taken inside are let go with it.
        """
        heard: list[object] = []
        savepoint = self.tx.begin_nested()
        try:
            rehearsed = Work(
                self.tx,
                now=now,
                new_id=self.new_id,
                actor=self.actor,
                organization_id=self.organization_id,
                is_sandbox=self.is_sandbox,
                reactions=self._reactions,
                heard=heard,
            )
            yield Rehearsal(rehearsed, heard)
        finally:
            savepoint.rollback()


class Rehearsal(NamedTuple):
    """A work whose effects will be taken back, and all that it announced."""

    work: Work
    heard: list[object]


class CommitPoints:
    """
    Every commit passes here under a name, so that a test can list the points and stop the process at each.

    `DAYCOUNT_TEST_COMMITS=FILE` appends the name of each point reached. `DAYCOUNT_TEST_KILL_AT=NAME#N:before|after`
    kills this process, as `kill -9` would, before or after the N-th commit (from 1) of that name.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        record = environment.get("DAYCOUNT_TEST_COMMITS")
        self._record = Path(record) if record else None
        self._kill_at = environment.get("DAYCOUNT_TEST_KILL_AT")
        self._is_idle = self._record is None and self._kill_at is None
        self._reached: Counter[str] = Counter()

    def commit(self, tx: Connection, name: str) -> None:
        """Do what was left for the end of the transaction of `tx`, and commit it at the point called `name`."""
        transaction = tx.get_transaction()
        for closing in (_closings.pop(transaction, {}) if transaction is not None else {}).values():
            closing(tx)
        if self._is_idle:
            tx.commit()
            return
        self._reached[name] += 1
        mark = f"{name}#{self._reached[name]}"
        self._pass(f"{mark}:before")
        tx.commit()
        self._pass(f"{mark}:after")

    def _pass(self, mark: str) -> None:
        if self._record is not None:
            with self._record.open("a") as file:
                file.write(mark + "\n")
        if mark == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


class Workplace:
    """Opens works: knows the database, the source of ids and who reacts to what."""

    def __init__(self, engine: Engine, *, new_id: NewId, reactions: Reactions, commit_points: CommitPoints) -> None:
        self.engine = engine
        self.new_id = new_id
        self.reactions = reactions
        self.commit_points = commit_points

    def work_on(self, tx: Connection, *, now: datetime, actor: str, organization_id: UUID, is_sandbox: bool) -> Work:
        """Make a work inside a transaction that the caller commits."""
        return Work(
            tx,
            now=now,
            new_id=self.new_id,
            actor=actor,
            organization_id=organization_id,
            is_sandbox=is_sandbox,
            reactions=self.reactions,
        )

    @contextmanager
    def transaction(self, point: str) -> Iterator[Connection]:
        """
        Open a connection whose transaction is committed at the point called `point` when the block ends well.

        An error in the block rolls everything back and goes on to the caller.
        """
        with self.engine.connect() as tx:
            yield tx
            self.commit_points.commit(tx, point)
