"""
Usage: what a read costs when more and more events were counted already, and what many subscriptions cost at once.

Events are written straight into the table, one in a hundred dated long before its neighbours; then usage is read until it
comes from a running state; then some hundred more are sent over HTTP, again with late ones; then it is timed. The rows that
the statements touched are counted in their plans.
"""

import http.client
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from benchmarks import machine
from benchmarks.server import HOST, Server
from daycount.engine.metrics import AggregationType, UsageRequest
from daycount.infra.database import connect
from daycount.infra.postgres import PrivatePostgres
from daycount.periods import Period
from daycount.usage.aggregation.store import aggregate
from daycount.usage.states import store as states

CODE, _FIELD = "traffic", "gb"
_TAIL = 300
_BATCH = 100
_FOLD_TOGETHER = 200
_PATIENCE_S = 300
_LEFT = 0


class Size(NamedTuple):
    """How much is measured, and how often."""

    events: tuple[int, ...]
    subscriptions: int
    events_each: int
    repetitions: int
    singles: int


WHOLE = Size(events=(1_000, 100_000, 1_000_000), subscriptions=10_000, events_each=1_000, repetitions=30, singles=500)
QUICK = Size(events=(1_000, 20_000), subscriptions=500, events_each=200, repetitions=10, singles=100)

_STREAMS = """
insert into event_streams (organization_id, external_subscription_id, code) select :organization, unnest(cast(:names as text[])), :code
"""
_FILL = """
insert into usage_events
    (key, stream_id, sequence, at, created_at, field_id, number, transaction_id, properties, is_late)
select gen_random_uuid(), s.id, i, :start + (:span * case when i % 100 = 0 then i * 37 % :count else i end) / :count, :start + :span, f.id,
       (i % 1000) / 8.0, 'filled-' || i, '{"gb":"' || (i % 1000) / 8.0 || '","region":"eu-west-1","path":"/v1/files"}', false
from event_streams s, event_fields f, generate_series(1, :count) as i
where s.external_subscription_id like :pattern and s.code = :code and f.name = :typing
"""


class Stage(NamedTuple):
    """A server with its catalogue, and the month that is looked at."""

    server: Server
    key: str
    engine: sa.Engine
    organization_id: UUID
    month: Period


class Plan(NamedTuple):
    """What executing a statement once more, explained, showed."""

    milliseconds: float
    rows: int


def run(data_dir: Path, *, size: Size) -> None:
    """Measure and print."""
    print(machine.describe_machine(), flush=True)
    with Server(data_dir) as server:
        stage = prepare(server, PrivatePostgres(data_dir).url)
        print(f"\ncurrent usage of a sum, one event in a hundred late; {_TAIL} events are new since the state was folded")
        print("     events   first read   HTTP p50   statements    rows touched   of them new", flush=True)
        for count in size.events:
            _measure_one(stage, count, size)
        _measure_many(stage, size)
        stage.engine.dispose()


def prepare(server: Server, url: str) -> Stage:
    """Make an organization with a metric and a plan that charges it."""
    key = server.make_organization()
    metric = {"name": "Traffic", "code": CODE, "aggregation_type": "sum_agg", "field_name": _FIELD}
    made = server.post("/api/v1/billable_metrics", {"billable_metric": metric}, key=key)["billable_metric"]
    charge = {"billable_metric_id": made["lago_id"], "charge_model": "standard", "properties": {"amount": "1"}}
    plan = {"code": "plan", "name": "Plan", "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR", "pay_in_advance": False}
    server.post("/api/v1/plans", {"plan": plan | {"charges": [charge]}}, key=key)
    engine = connect(url, pool_size=2)
    with engine.connect() as tx:
        organization_id = tx.execute(sa.text("select id from organizations order by created_at desc limit 1")).scalar_one()
    start = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Stage(server, key, engine, organization_id, Period(start, (start + timedelta(days=32)).replace(day=1)))


def _measure_one(stage: Stage, count: int, size: Size) -> None:
    """Fill one subscription, let its state be folded, add a tail, and time current usage."""
    name = f"with {count}"
    subscribe(stage, name)
    send(stage, name, 1)
    fill(stage, name, count)
    request = request_of(stage, name)
    with _client(stage) as read:
        first_ms = read(name)
        wait_for_state(stage, request, lambda: read(name))
        send(stage, name, _TAIL)
        times = sorted(read(name) for _ in range(size.repetitions))
    plan, fresh = _explain(stage, [request])
    http = f"{first_ms:>9,.1f} ms {statistics.median(times):>7,.1f} ms"
    print(f"{count:>11,} {http} {plan.milliseconds:>9,.2f} ms {plan.rows:>15,} {fresh:>13,}", flush=True)


def subscribe(stage: Stage, name: str) -> None:
    """Make a customer and a subscription of that name, running since before the month."""
    stage.server.post("/api/v1/customers", {"customer": {"external_id": name}}, key=stage.key)
    started = (stage.month.start - timedelta(days=40)).isoformat()
    subscription = {"external_customer_id": name, "plan_code": "plan", "external_id": name, "subscription_at": started}
    stage.server.post("/api/v1/subscriptions", {"subscription": subscription}, key=stage.key)


def fill(stage: Stage, pattern: str, count: int) -> None:
    """Write `count` events into each stream whose subscription is like `pattern`."""
    now = datetime.now(UTC)
    with stage.engine.begin() as tx:
        given = {"count": count, "pattern": pattern, "code": CODE, "typing": f"number:{_FIELD}"}
        tx.execute(sa.text(_FILL), given | {"start": stage.month.start, "span": now - stage.month.start})
    with stage.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as tx:
        tx.execute(sa.text("vacuum analyze usage_events"))


def send(stage: Stage, name: str, count: int) -> None:
    """Send events over HTTP, one in a hundred of them dated at the start of the month."""
    seconds = int(stage.month.start.timestamp())
    for first in range(0, count, _BATCH):
        events = [
            {
                "transaction_id": f"{name} {time.monotonic_ns()} {place}",
                "external_subscription_id": name,
                "code": CODE,
                "properties": {_FIELD: "0.125"},
            }
            | ({"timestamp": seconds + place} if place == 0 else {})
            for place in range(first, min(first + _BATCH, count))
        ]
        stage.server.post("/api/v1/events/batch", {"events": events}, key=stage.key)


def request_of(stage: Stage, subscription: str) -> UsageRequest:
    """Return what is asked for the usage of a subscription in the month."""
    return UsageRequest(
        organization_id=stage.organization_id,
        external_subscription_id=subscription,
        code=CODE,
        aggregation=AggregationType.SUM,
        field_name=_FIELD,
        is_recurring=False,
        is_prorated=False,
        period=stage.month,
        zone="UTC",
    )


@contextmanager
def _client(stage: Stage) -> Iterator[Any]:
    """Give a function that reads current usage over one connection and returns the milliseconds it took."""
    connection = http.client.HTTPConnection(HOST, stage.server.port, timeout=600)

    def read(name: str) -> float:
        path = f"/api/v1/customers/{name}/current_usage?external_subscription_id={name}".replace(" ", "%20")
        started = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": f"Bearer {stage.key}"})
        response = connection.getresponse()
        body = json.loads(response.read())
        elapsed_ms = (time.perf_counter() - started) * 1000
        if response.status != http.client.OK:
            raise RuntimeError(f"{response.status} {body}")
        return elapsed_ms

    yield read
    connection.close()


def wait_for_state(stage: Stage, request: UsageRequest, read: Any) -> None:
    """Read until the server has folded a state; a small usage is folded here. Raises RuntimeError after some minutes."""
    deadline = time.monotonic() + _PATIENCE_S
    for _ in range(3):
        read()
    with stage.engine.connect() as tx:
        if _count(tx, request) < 1_500:
            _fold(stage, [request])
    while time.monotonic() < deadline:
        with stage.engine.connect() as tx:
            if states.read(tx, [request], [0]):
                return
        time.sleep(0.1)
    raise RuntimeError("no state was folded")


def _count(tx: sa.Connection, request: UsageRequest) -> int:
    return sum(usage.events_count for usage in aggregate(tx, [request])[0].values())


def _fold(stage: Stage, requests: Sequence[UsageRequest]) -> None:
    for first in range(0, len(requests), _FOLD_TOGETHER):
        some = requests[first : first + _FOLD_TOGETHER]
        with stage.engine.connect() as tx:
            horizons = states.find_horizons(tx, some, many=_LEFT, left=_LEFT)
        for organization_id, horizon in horizons.items():
            with stage.engine.begin() as tx:
                states.raise_horizon(tx, organization_id=organization_id, horizon=horizon)
        with stage.engine.begin() as tx:
            states.fold(tx, some)


def _explain(stage: Stage, requests: Sequence[UsageRequest]) -> tuple[Plan, int]:
    """Execute a read's statements once more, explained: their time in the database, and the rows they touched."""
    noted: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        noted.append((statement, parameters))

    sa.event.listen(stage.engine, "before_cursor_execute", note)
    with stage.engine.connect() as tx:
        fresh = sum(answer.fresh for answer in states.read(tx, requests, range(len(requests))).values())
    sa.event.remove(stage.engine, "before_cursor_execute", note)
    milliseconds, rows = 0.0, 0
    with stage.engine.connect() as tx:
        for statement, parameters in noted:
            [(plans,)] = tx.exec_driver_sql(f"explain (analyze, timing off, format json) {statement}", parameters).all()
            milliseconds += plans[0]["Execution Time"] + plans[0]["Planning Time"]
            rows += _touched(plans[0]["Plan"])
    return Plan(milliseconds, rows), fresh


def _touched(node: dict[str, Any]) -> int:
    """Add up the rows that scans of tables read, those that filters dropped included."""
    own = 0
    if "Relation Name" in node:
        read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        own = int(read * node["Actual Loops"])
    return own + sum(_touched(child) for child in node.get("Plans", ()))


def _measure_many(stage: Stage, size: Size) -> None:
    """Compare one read of many subscriptions with many reads, from events and from states."""
    names = [f"many {number}" for number in range(size.subscriptions)]
    with stage.engine.begin() as tx:
        tx.execute(sa.text(_STREAMS), {"organization": stage.organization_id, "names": names, "code": CODE})
        tx.execute(sa.text("drop index uq_usage_events_key"))  # nothing is sent to this table any more, and filling it is quicker
    started = time.perf_counter()
    fill(stage, "many %", size.events_each)
    print(f"\n{size.subscriptions:,} subscriptions with {size.events_each:,} events each, filled in {time.perf_counter() - started:,.0f} s")
    requests = [request_of(stage, name) for name in names]
    sample = requests[:: max(1, len(requests) // size.singles)]
    scale = len(requests) / len(sample)
    with stage.engine.connect() as tx:
        singles = _time(lambda: [aggregate(tx, [request]) for request in sample]) * scale
        together = _time(lambda: aggregate(tx, requests))
    folding = _time(lambda: _fold(stage, requests))
    with stage.engine.connect() as tx:
        from_states = _time(lambda: states.read(tx, requests, range(len(requests))))
        singles_from_states = _time(lambda: [states.read(tx, [request], [0]) for request in sample]) * scale
    plan, _ = _explain(stage, requests)
    print(f"  from events   one by one {singles:>8,.2f} s   together {together:>8,.2f} s")
    print(f"  from states   one by one {singles_from_states:>8,.2f} s   together {from_states:>8,.2f} s   (folded in {folding:,.1f} s)")
    print(f"  together from states: {plan.milliseconds / 1000:.3f} s in the database, {plan.rows:,} rows touched")
    print(f"  one by one from events / together from states: {singles / from_states:,.0f}", flush=True)


def _time(what: Any) -> float:
    started = time.perf_counter()
    what()
    return time.perf_counter() - started
