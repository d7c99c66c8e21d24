"""
One worker under measurement: it says when it is ready, waits for a line, works until nothing is due, and prints what that took.

What the database was asked is counted where statements leave the process; the rest of the time is Python's: pricing,
assembling, writing rows down as text.
"""

import json
import os
import sys
import time
from collections import Counter, defaultdict
from typing import Any

import psycopg
import sqlalchemy as sa

from benchmarks import machine
from daycount.app import build, build_loop
from daycount.config import Settings
from daycount.infra import database
from daycount.infra.memory import look_seldom
from daycount.worker.loop import RUN


class Meter:
    """Adds up the seconds and the statements of reading and of writing."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.statements: Counter[str] = Counter()
        self._backends: set[int] = set()
        self._started = 0.0
        self._copy = database.copy_in

    def watch(self, engine: sa.Engine) -> None:
        """Listen to an engine, and to COPY, which goes past it."""
        sa.event.listen(engine, "before_cursor_execute", self._before)
        sa.event.listen(engine, "after_cursor_execute", self._after)
        sa.event.listen(engine, "connect", lambda driver, _record: self._backends.add(driver.info.backend_pid))
        database.copy_in = self._copied

    @property
    def database_s(self) -> float:
        """Return the processor seconds that the database spent for this worker; its processes are on this machine."""
        return sum(sum(machine.read_cpu_s(pid).values()) for pid in self._backends)

    def _before(self, *_arguments: Any) -> None:
        self._started = time.perf_counter()

    def _after(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        kind = "read" if statement.lstrip().lower().startswith(("select", "with")) else "write"
        self.seconds[kind] += time.perf_counter() - self._started
        self.statements[kind] += 1

    def _copied(self, driver: psycopg.Connection[tuple[Any, ...]], statement: str, text: str) -> None:
        started = time.perf_counter()
        self._copy(driver, statement, text)
        self.seconds["write"] += time.perf_counter() - started
        self.statements["write"] += 1


def main() -> None:
    """Work once through what is due."""
    app = build(Settings(worker_lanes=int(sys.argv[2])), database_url=sys.argv[1], environment=os.environ, pool_size=2)
    loop, meter = build_loop(app), Meter()
    meter.watch(app.workplace.engine)
    look_seldom()
    print("ready", flush=True)
    sys.stdin.readline()
    database_before = meter.database_s
    started, cpu, transactions = time.perf_counter(), time.process_time(), 0
    while loop.run_once():
        transactions += 1
    seconds = time.perf_counter() - started
    result = {
        "seconds": seconds,
        "database_s": meter.database_s - database_before,
        "cpu_s": time.process_time() - cpu,
        "transactions": transactions,
        "seconds_by": dict(meter.seconds),
        "statements": sum(meter.statements.values()),
        "point": RUN,
    }
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
