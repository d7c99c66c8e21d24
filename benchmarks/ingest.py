"""
Ingest, as ratios to what the machine can do.

The figures are taken in turn in every repetition: events a second in batches of 100, single events a second, rows a second
of a server-side COPY of the very same rows into a table of the same definition, and requests a second of an endpoint that
does nothing, in one process and in as many as the server has; single events and the bare endpoint also with a crowd of
connections, since requests that wait together share a commit. All events are durable and checked against duplicates, and
what is in the table afterwards is counted.
"""

import statistics
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from benchmarks import machine, workload
from benchmarks.load import Generator, Load, Result
from benchmarks.server import Server, bare_server
from daycount.config import Settings

_COLUMNS = (
    "key, stream_id, sequence, at, created_at, field_id, is_add, number, member, precise_total_amount_cents, "
    "is_late, transaction_id, properties"
)
_BATCH_CONNECTIONS, _SINGLE_CONNECTIONS, _CROWD = 32, 64, 256
_WARM_UP_REQUESTS = 200
Database = psycopg.Connection[tuple[Any, ...]]


class Size(NamedTuple):
    """How much is measured, and how often."""

    rows: int
    singles: int
    repetitions: int


WHOLE = Size(rows=1_000_000, singles=40_000, repetitions=5)
QUICK = Size(rows=200_000, singles=10_000, repetitions=3)


class Sample(NamedTuple):
    """One repetition: rates a second, latencies, and processor time by who used it."""

    batch: float
    single: float
    copy: float
    bare: float
    bare_all: float
    crowd: float
    crowd_bare: float
    batch_result: Result
    single_result: Result
    crowd_result: Result
    batch_cpu_s: dict[str, float]
    single_cpu_s: dict[str, float]
    crowd_cpu_s: dict[str, float]


class Stage(NamedTuple):
    """A server with its catalogue, ready to be sent events."""

    server: Server
    bare_port: int
    bare_all_port: int
    database: Database
    quiet: machine.Quiet
    key: str
    start: int


def run(data_dir: Path, *, size: Size) -> None:
    """Measure and print."""
    print(machine.describe_machine(), flush=True)
    processes = Settings().web_processes
    with (
        Server(data_dir) as server,
        bare_server(processes=1) as bare_port,
        bare_server(processes=processes) as bare_all_port,
        server.superuser() as database,
    ):
        version = database.info.server_version // 10_000
        print(f"PostgreSQL {version}, {processes} web processes, {workload.SUBSCRIPTIONS} subscriptions", flush=True)
        stage = Stage(server, bare_port, bare_all_port, database, machine.Quiet(), server.make_organization(), int(time.time()))
        prepare(stage)
        samples = []
        for number in range(size.repetitions):
            sample = _repeat(stage, number, size)
            samples.append(sample)
            print(
                f"  {number + 1}: batch {sample.batch:,.0f} events/s, single {sample.single:,.0f} requests/s, "
                f"COPY {sample.copy:,.0f} rows/s, bare {sample.bare:,.0f} and {sample.bare_all:,.0f} requests/s; "
                f"in a crowd {sample.crowd:,.0f} of {sample.crowd_bare:,.0f} requests/s",
                flush=True,
            )
    _report(samples, size)
    if stage.quiet.disturbed:
        print(f"others used the machine: {stage.quiet.disturbed} measurements began on busy processors")


def prepare(stage: Stage) -> None:
    """Make metrics, a plan that charges them, and the subscriptions; then let every stream be known."""
    server, key = stage.server, stage.key
    metrics: list[dict[str, Any]] = [
        {"code": workload.SEATS, "aggregation_type": "unique_count_agg", "field_name": "user_id", "recurring": True},
        {"code": workload.TRAFFIC, "aggregation_type": "sum_agg", "field_name": "gb"},
    ]
    made = [
        server.post("/api/v1/billable_metrics", {"billable_metric": {"name": metric["code"]} | metric}, key=key)["billable_metric"]
        for metric in metrics
    ]
    charges = [{"billable_metric_id": metric["lago_id"], "charge_model": "standard", "properties": {"amount": "1"}} for metric in made]
    plan = {"code": "plan", "name": "Plan", "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR", "pay_in_advance": False}
    server.post("/api/v1/plans", {"plan": plan | {"charges": charges}}, key=key)
    for path, make in (("customers", workload.make_customers), ("subscriptions", workload.make_subscriptions)):
        _send(stage, Load(server.port, f"/api/v1/{path}", key, 8, make))
    make_batches = partial(workload.make_batches, _WARM_UP_REQUESTS * 5, seed=-1, start=stage.start)
    _send(stage, Load(server.port, "/api/v1/events/batch", key, _BATCH_CONNECTIONS, make_batches))
    make_singles = partial(workload.make_singles, _WARM_UP_REQUESTS, seed=-2, start=stage.start)
    _send(stage, Load(server.port, "/api/v1/events", key, _SINGLE_CONNECTIONS, make_singles))
    stage.database.execute("create table copied (like usage_events including all)")


def _send(stage: Stage, load: Load) -> Result:
    """Prepare, wait for quiet, send. Raises RuntimeError when a request is refused."""
    generator = Generator(load)
    stage.quiet.wait()
    result = generator.go()
    _require_good(result)
    return result


def _require_good(result: Result) -> int:
    """Return the number of requests, all of which were answered with 200. Raises RuntimeError."""
    if result.good != result.requests:
        raise RuntimeError(f"{result.requests - result.good} of {result.requests} requests were refused: {result.first_refusal}")
    return result.requests


def _repeat(stage: Stage, number: int, size: Size) -> Sample:
    """Take all figures once; each begins after a checkpoint and, where it writes, with an empty table."""
    make = partial(workload.make_batches, size.rows // workload.BATCH, seed=3 * number, start=stage.start)
    load = Load(stage.server.port, "/api/v1/events/batch", stage.key, _BATCH_CONNECTIONS, make)
    batch, batch_cpu_s = _ingest(stage, load, events=workload.BATCH)
    copy = copy_again(stage)
    make = partial(workload.make_singles, size.singles, seed=3 * number + 1, start=stage.start)
    load = Load(stage.server.port, "/api/v1/events", stage.key, _SINGLE_CONNECTIONS, make)
    single, single_cpu_s = _ingest(stage, load, events=1)
    bare = _send(stage, load._replace(port=stage.bare_port))
    bare_all = _send(stage, load._replace(port=stage.bare_all_port))
    make = partial(workload.make_singles, size.singles, seed=3 * number + 2, start=stage.start)
    load = Load(stage.server.port, "/api/v1/events", stage.key, _CROWD, make)
    crowd, crowd_cpu_s = _ingest(stage, load, events=1)
    crowd_bare = _send(stage, load._replace(port=stage.bare_port))
    return Sample(
        batch=size.rows / batch.seconds,
        single=single.rate,
        copy=copy,
        bare=bare.rate,
        bare_all=bare_all.rate,
        crowd=crowd.rate,
        crowd_bare=crowd_bare.rate,
        batch_result=batch,
        single_result=single,
        crowd_result=crowd,
        batch_cpu_s=batch_cpu_s,
        single_cpu_s=single_cpu_s,
        crowd_cpu_s=crowd_cpu_s,
    )


def _ingest(stage: Stage, load: Load, *, events: int) -> tuple[Result, dict[str, float]]:
    """Send events over HTTP and count what is in the table. Raises RuntimeError when that is not what was acknowledged."""
    stage.database.execute("truncate usage_events")
    stage.database.execute("checkpoint")
    generator = Generator(load)
    stage.quiet.wait()
    before = machine.read_cpu_s(stage.server.pid)
    result = generator.go()
    after = machine.read_cpu_s(stage.server.pid)
    acknowledged = _require_good(result) * events
    found = count(stage.database)
    if found != acknowledged:
        raise RuntimeError(f"{acknowledged} events were acknowledged, {found} are in the table")
    used = {role: after[role] - before.get(role, 0.0) for role in after} | {"generator": result.cpu_s}
    return result, used


def count(database: Database) -> int:
    """Count the events in the table."""
    row = database.execute("select count(*) from usage_events").fetchone()
    assert row is not None
    return int(row[0])


def copy_again(stage: Stage) -> float:
    """Copy the rows that just came over HTTP, in the order they came, from a file into an empty table; rows a second."""
    file = stage.server.cluster / "benchmark.copy"
    written = stage.database.execute(f"copy (select {_COLUMNS} from usage_events order by sequence) to '{file}'").rowcount
    stage.database.execute("truncate copied")
    stage.database.execute("checkpoint")
    stage.quiet.wait()
    started = time.perf_counter()
    copied = stage.database.execute(f"copy copied ({_COLUMNS}) from '{file}'").rowcount
    seconds = time.perf_counter() - started
    file.unlink()
    assert copied == written
    return copied / seconds


def _report(samples: Sequence[Sample], size: Size) -> None:
    """Print the medians, their ratios, and who used the processors."""
    batch, single, copy, bare, bare_all, crowd, crowd_bare = map(statistics.median, zip(*(sample[:7] for sample in samples), strict=True))
    batches, singles, crowds = (_latency(results) for results in zip(*(sample[7:10] for sample in samples), strict=True))
    print(f"\nmedians of {len(samples)} repetitions; {size.rows:,} rows each, {size.singles:,} single requests")
    print(f"  (a) HTTP, batches of {workload.BATCH}, {_BATCH_CONNECTIONS} connections  {batch:>10,.0f} events/s    {batches}")
    print(f"  (b) HTTP, single events, {_SINGLE_CONNECTIONS} connections   {single:>10,.0f} requests/s  {singles}")
    print(f"  (c) COPY from a file, one session         {copy:>10,.0f} rows/s")
    print(f"  (d) endpoint that does nothing            {bare:>10,.0f} requests/s  one process, {_SINGLE_CONNECTIONS} connections")
    print(f"  (e) the same, as many processes as ours   {bare_all:>10,.0f} requests/s")
    print(f"  (f) HTTP, single events, {_CROWD} connections  {crowd:>10,.0f} requests/s  {crowds}")
    print(f"  (g) endpoint that does nothing            {crowd_bare:>10,.0f} requests/s  one process, {_CROWD} connections")
    print(f"  (a)/(c) {batch / copy:.2f}  {_spread([sample.batch / sample.copy for sample in samples])}")
    print(f"  (b)/(d) {single / bare:.2f}  {_spread([sample.single / sample.bare for sample in samples])}")
    print(f"  (b)/(e) {single / bare_all:.2f}  {_spread([sample.single / sample.bare_all for sample in samples])}")
    print(f"  (f)/(g) {crowd / crowd_bare:.2f}  {_spread([sample.crowd / sample.crowd_bare for sample in samples])}")
    print("  every event acknowledged was read back, once")
    print(f"processor time of an event: batch {_cpu([s.batch_cpu_s for s in samples], size.rows)}")
    print(f"                            single {_cpu([s.single_cpu_s for s in samples], size.singles)}")
    print(f"                            in a crowd {_cpu([s.crowd_cpu_s for s in samples], size.singles)}")


def _spread(ratios: Sequence[float]) -> str:
    return f"(from {min(ratios):.2f} to {max(ratios):.2f})"


def _latency(results: Sequence[Result]) -> str:
    return f"p50 {statistics.median(r.p50_ms for r in results):.1f} ms, p99 {statistics.median(r.p99_ms for r in results):.1f} ms"


def _cpu(used: Sequence[dict[str, float]], events: int) -> str:
    roles = ("web", "database", "generator", "worker")
    return ", ".join(f"{role} {statistics.median(one.get(role, 0.0) for one in used) / events * 1e6:.1f} µs" for role in roles)
