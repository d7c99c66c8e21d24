"""
Billing: how many invoices a second come out of a month's end, beside COPY of the very rows they consist of.

All subscriptions are due at one instant. Workers that are started beforehand begin together; they are done when nothing is due.
The processor's time for an invoice, in milliseconds, says what a machine could do that has nothing else to do.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from benchmarks import machine
from benchmarks.book import make_book
from benchmarks.server import Server
from daycount.infra.postgres import PrivatePostgres

_ASLEEP = {"DAYCOUNT_WORKER_POLL_S": "86400"}
_CHARGES, _EVENTS, _COUPON_EACH, _LANES = 4, 10, 10, 500
_WRITTEN = ("invoices", "invoice_subscriptions", "fees", "credits")


_HEADINGS = (
    "      due   workers   invoices/s   statements per 500   read / write / Python   worker + database CPU   COPY of its rows   ratio"
)


class Size(NamedTuple):
    """How many subscriptions are due, and how many workers bill them, run by run."""

    subscriptions: tuple[int, ...]
    workers: tuple[int, ...]


WHOLE = Size(subscriptions=(10_000, 50_000), workers=(1, 2))
QUICK = Size(subscriptions=(2_000,), workers=(1, 2))


class Client:
    """Sends JSON with the key of one organization."""

    def __init__(self, server: Server) -> None:
        self._server, self._key = server, server.make_organization()

    def ok(self, method: str, path: str, body: object = None) -> Any:
        """Send a request that must succeed."""
        assert method == "POST", method
        return self._server.post(f"/api/v1{path}", body, key=self._key)


def run(data_dir: Path, *, size: Size) -> None:
    """Measure and print."""
    print(machine.describe_machine(), flush=True)
    with Server(data_dir, environment=_ASLEEP) as server:
        url = PrivatePostgres(data_dir).url
        print(f"\nmonth's end: a base fee and {_CHARGES} charges with {_EVENTS} events each, a tax; a coupon for one in {_COUPON_EACH}")
        print(_HEADINGS)
        for subscriptions in size.subscriptions:
            for workers in size.workers:
                _measure(server, url, subscriptions=subscriptions, workers=workers)


def _measure(server: Server, url: str, *, subscriptions: int, workers: int) -> None:
    with psycopg.connect(_plain(url), autocommit=True) as database:
        book = make_book(Client(server), database, subscriptions=subscriptions, charges=_CHARGES, events=_EVENTS, coupon_each=_COUPON_EACH)
        for table in ("usage_events", "event_streams", "agenda", "customers", "subscriptions", "applied_coupons"):
            database.execute(f"vacuum analyze {table}")
        seconds, results = _bill(url, workers)
        [made] = database.execute(
            "select count(*) from invoices where organization_id = %s and status = 'finalized'", [book.organization_id]
        ).fetchone() or [0]
        if made != subscriptions:
            raise RuntimeError(f"{made} invoices of {subscriptions}")
        bare = _copy_again(database, book.organization_id)
    read, write = (sum(result["seconds_by"].get(kind, 0) for result in results) for kind in ("read", "write"))
    busy = sum(result["seconds"] for result in results)
    worker_ms, database_ms = (sum(result[name] for result in results) / subscriptions * 1000 for name in ("cpu_s", "database_s"))
    cpu = f"{worker_ms:.2f} + {database_ms:.2f} ms"
    statements = sum(result["statements"] for result in results) / subscriptions * 500
    parts = f"{read / busy:>9.0%} / {write / busy:.0%} / {(busy - read - write) / busy:.0%}"
    print(
        f"{subscriptions:>9,} {workers:>9} {subscriptions / seconds:>12,.0f} {statements:>20,.0f} {parts:>23} {cpu:>23}"
        f" {subscriptions / bare:>16,.0f}/s {bare / seconds:>7.2f}",
        flush=True,
    )


def _plain(url: str) -> str:
    return url.replace("+psycopg", "")


def _bill(url: str, workers: int) -> tuple[float, list[dict[str, Any]]]:
    """Let workers bill what is due; return the seconds until the last one was done, and what each says of itself."""
    command = [sys.executable, "-m", "benchmarks.biller", url, str(_LANES)]
    children = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(workers)]
    for child in children:
        assert child.stdout is not None
        if child.stdout.readline().strip() != "ready":
            raise RuntimeError("a worker did not start")
    started = time.perf_counter()
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    results = [json.loads(child.communicate()[0]) for child in children]
    return time.perf_counter() - started, results


def _copy_again(database: psycopg.Connection[Any], organization_id: str) -> float:
    """Return the seconds that PostgreSQL takes to copy the rows of all invoices into empty tables without index."""
    seconds = 0.0
    for table in _WRITTEN:
        with (
            database.cursor() as cursor,
            cursor.copy(f"copy (select * from {table} where organization_id = '{organization_id}') to stdout") as copy,
        ):
            rows = b"".join(copy)
        database.execute(f"create table bare_{table} (like {table})")
        started = time.perf_counter()
        with database.cursor() as cursor, cursor.copy(f"copy bare_{table} from stdin") as copy:
            copy.write(rows)
        seconds += time.perf_counter() - started
        database.execute(f"drop table bare_{table}")
    return seconds
