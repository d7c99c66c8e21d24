"""
Wallets: what a read of the balance costs when more and more events were counted, and whether it is always the newest.

A subscription gets events as in the benchmark of usage, and its customer a wallet; the read is timed over HTTP while some hundred
events are new. Then events and reads take turns, and every balance must be what the events before it leave.
"""

import http.client
import json
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import machine, usage
from benchmarks.server import HOST, Server
from daycount.infra.postgres import PrivatePostgres

_TAIL = 300
_CREDITS = 1_000_000_000
_TURNS = 200


def run(data_dir: Path, *, size: usage.Size) -> None:
    """Measure and print. Raises RuntimeError where a balance is not the newest."""
    print(machine.describe_machine(), flush=True)
    with Server(data_dir) as server:
        stage = usage.prepare(server, PrivatePostgres(data_dir).url)
        print(f"\nbalance of a wallet; {_TAIL} events are new since the state was folded")
        print("     events   first read   HTTP p50", flush=True)
        medians = [_measure(stage, count, size.repetitions) for count in size.events]
        print(f"  at {size.events[-1]:,} events / at {size.events[0]:,} events: {medians[-1] / medians[0]:.2f}", flush=True)
        _take_turns(stage, size.events[-1])
        stage.engine.dispose()


def _measure(stage: usage.Stage, count: int, repetitions: int) -> float:
    name = f"with {count}"
    usage.subscribe(stage, name)
    wallet = {"external_customer_id": name, "rate_amount": "1", "currency": "EUR", "granted_credits": str(_CREDITS)}
    made = stage.server.post("/api/v1/wallets", {"wallet": wallet}, key=stage.key)["wallet"]
    usage.send(stage, name, 1)
    usage.fill(stage, name, count)
    request = usage.request_of(stage, name)
    with _reader(stage) as read:
        path = f"/api/v1/wallets/{made['lago_id']}"
        first_ms, _ = read(path)
        usage.wait_for_state(stage, request, lambda: read(path))
        usage.send(stage, name, _TAIL)
        median: float = statistics.median(read(path)[0] for _ in range(repetitions))
    print(f"{count:>11,} {first_ms:>9,.1f} ms {median:>7,.1f} ms", flush=True)
    return median


def _take_turns(stage: usage.Stage, count: int) -> None:
    """Send an event worth 1.00, read the balance, and so on. Raises RuntimeError where an acknowledged event is not in it."""
    name = f"with {count}"
    with _reader(stage) as read:
        [wallet] = read(f"/api/v1/wallets?external_customer_id={name}".replace(" ", "%20"))[1]["wallets"]
        path, expected = f"/api/v1/wallets/{wallet['lago_id']}", wallet["ongoing_balance_cents"]
        started = time.perf_counter()
        for number in range(_TURNS):
            event = {"transaction_id": f"turn {number}", "code": usage.CODE, "external_subscription_id": name, "properties": {"gb": "1"}}
            stage.server.post("/api/v1/events", {"event": event}, key=stage.key)
            expected -= 100
            found = read(path)[1]["wallet"]["ongoing_balance_cents"]
            if found != expected:
                raise RuntimeError(f"after {number + 1} events the balance is {found}, not {expected}")
        rate = _TURNS / (time.perf_counter() - started)
    print(f"  event and read in turn: {rate:,.0f} pairs/s, every balance the newest", flush=True)


@contextmanager
def _reader(stage: usage.Stage) -> Iterator[Any]:
    """Give a function that gets a path over one connection and returns the milliseconds it took, and the JSON."""
    connection = http.client.HTTPConnection(HOST, stage.server.port, timeout=600)

    def read(path: str) -> tuple[float, Any]:
        started = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": f"Bearer {stage.key}"})
        response = connection.getresponse()
        body = json.loads(response.read())
        elapsed_ms = (time.perf_counter() - started) * 1000
        if response.status != http.client.OK:
            raise RuntimeError(f"{response.status} {body}")
        return elapsed_ms, body

    yield read
    connection.close()
