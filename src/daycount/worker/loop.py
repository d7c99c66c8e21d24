"""The worker's loop: takes what is due in live organizations, finishes what is pending in sandboxes, and sleeps when nothing is."""

import threading
from datetime import timedelta

import structlog
from sqlalchemy.exc import OperationalError

from daycount.clock import Clock
from daycount.infra import agenda
from daycount.infra.memory import look_seldom
from daycount.infra.work import Workplace
from daycount.worker.clock import TestClocks
from daycount.worker.runner import Runner

RUN = "agenda.run"
_log = structlog.get_logger("worker")


class Loop:
    """Runs until it is told to stop; several may run beside each other."""

    def __init__(
        self, workplace: Workplace, runner: Runner, clocks: TestClocks, clock: Clock, *, lanes: int, poll_s: int, settle_s: int
    ) -> None:
        self._workplace = workplace
        self._runner = runner
        self._clocks = clocks
        self._clock = clock
        self._lanes = lanes
        self._poll_s = poll_s
        self._settle = timedelta(seconds=settle_s)
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let the loop end after the transaction it is in."""
        self._stopped.set()

    def run(self) -> None:
        """Work until stopped. A lost database is waited for."""
        look_seldom()
        while not self._stopped.is_set():
            try:
                is_busy = self.run_once()
            except OperationalError as error:
                _log.warning("the database is not there; trying again", error=str(error).splitlines()[0])
                is_busy = False
            if not is_busy:
                self._stopped.wait(self._poll_s)

    def run_once(self) -> bool:
        """Take one transaction's worth of what is due; tell whether there was any."""
        with self._workplace.engine.connect() as tx:
            waiting = agenda.find_waiting_sandboxes(tx)
        self._clocks.finish_moves(waiting)
        with self._workplace.transaction(RUN) as tx:
            entries = agenda.claim_live(tx, until=self._clock.now() - self._settle, lanes=self._lanes)
            if entries:
                self._runner.run(tx, entries)
        return bool(entries)
