"""
Moving the clock of a sandbox: its agenda is run in order up to the new instant, each entry at its own time.

Each step is one transaction under the organization's clock row: it sets the clock to the next due instant and does what
is due then. A move that is interrupted is finished by whoever comes next: the same call again, or the worker.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from daycount import errors
from daycount.infra import agenda
from daycount.infra.work import Workplace
from daycount.organizations import store
from daycount.worker.runner import Runner

STEP = "clock.step"
ARRIVE = "clock.arrive"
_LANES = 500


class TestClocks:
    """Moves the clocks of sandboxes."""

    __test__ = False

    def __init__(self, workplace: Workplace, runner: Runner) -> None:
        self._workplace = workplace
        self._runner = runner

    def advance(self, organization_id: UUID, *, target: datetime) -> datetime:
        """
        Move the clock to `target` and return it when everything due until then has happened.

        The instant it shows already finishes what is pending. Raises NotAllowed (test_clock_not_available) for a live
        organization, Invalid (frozen_time) for an instant in its past.
        """
        is_first = True
        while True:
            with self._workplace.engine.connect() as tx:
                shown = self._step(tx, organization_id, target=target, is_first=is_first)
            is_first = False
            if shown is not None:
                return shown

    def finish_moves(self, tx_organizations: list[UUID]) -> None:
        """Do what is pending in sandboxes: an interrupted move, or entries due on the clock as it stands."""
        for organization_id in tx_organizations:
            with self._workplace.engine.connect() as tx:
                clock = store.find_clock(tx, organization_id)
            if clock is not None:
                self.advance(organization_id, target=clock.advancing_to or clock.frozen_time)

    def _step(self, tx: Connection, organization_id: UUID, *, target: datetime, is_first: bool) -> datetime | None:
        """Do what is due next and return None, or arrive and return the instant the clock shows."""
        clock = store.lock_clock(tx, organization_id)
        if clock is None:
            raise errors.NotAllowed("test_clock_not_available")
        if is_first and target < clock.frozen_time:
            raise errors.Invalid({"frozen_time": ["value_is_out_of_range"]})
        destination = max(target, clock.advancing_to or target)
        entries = agenda.claim_organization(tx, organization_id=organization_id, until=max(target, clock.frozen_time), lanes=_LANES)
        if entries:
            store.set_clock(
                tx, organization_id, frozen_time=max(entries[0].due_at, clock.frozen_time), advancing_to=max(destination, clock.frozen_time)
            )
            self._runner.run(tx, entries)
            self._workplace.commit_points.commit(tx, STEP)
            return None
        shown = max(target, clock.frozen_time)
        if shown != clock.frozen_time or clock.advancing_to is not None:
            store.set_clock(tx, organization_id, frozen_time=shown, advancing_to=destination if destination > shown else None)
        self._workplace.commit_points.commit(tx, ARRIVE)
        return shown
