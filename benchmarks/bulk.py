"""
Bulk import: `daycount events send` against a server-side COPY of the very same rows into a table of the same definition.

The time is that of the whole command, its start included, with a file of NDJSON whose subscriptions are known.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks import ingest, machine, workload
from benchmarks.server import Server


class Size(NamedTuple):
    """How many events the file has, and how often it is sent."""

    rows: int
    repetitions: int


WHOLE = Size(rows=1_000_000, repetitions=3)
QUICK = Size(rows=100_000, repetitions=2)


def run(data_dir: Path, *, size: Size) -> None:
    """Measure and print. Raises RuntimeError where not every event is in the table afterwards."""
    print(machine.describe_machine(), flush=True)
    with Server(data_dir) as server, server.superuser() as database:
        stage = ingest.Stage(server, 0, 0, database, machine.Quiet(), server.make_organization(), int(time.time()))
        ingest.prepare(stage)
        print(f"\nbulk import of {size.rows:,} events", flush=True)
        for number in range(size.repetitions):
            sent, copied = _repeat(stage, data_dir, number, size.rows)
            print(f"  {number + 1}: {sent:,.0f} events/s, COPY {copied:,.0f} rows/s, ratio {sent / copied:.2f}", flush=True)


def _repeat(stage: ingest.Stage, data_dir: Path, number: int, rows: int) -> tuple[float, float]:
    """Send a file and copy what came of it again; events and rows a second."""
    file = data_dir.parent / f"events-{number}.ndjson"
    with file.open("w") as lines:
        lines.writelines(f"{event}\n" for event in workload.make_events(rows, seed=-10 - number, start=stage.start))
    stage.database.execute("truncate usage_events")
    stage.database.execute("checkpoint")
    stage.quiet.wait()
    command = ["events", "send", str(file), "--organization", "Benchmark", "--data-dir", str(data_dir), "--json"]
    started = time.perf_counter()
    reply = subprocess.run([sys.executable, "-m", "daycount", *command], check=True, capture_output=True)
    seconds = time.perf_counter() - started
    file.unlink()
    if json.loads(reply.stdout.splitlines()[-1])["sent"] != rows or ingest.count(stage.database) != rows:
        raise RuntimeError("not every event is in the table")
    return rows / seconds, ingest.copy_again(stage)
