"""The process is killed before and after states are carried forward; usage and events agree all the same."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.server import Api, Server

EVENTS, MORE = 600, 600
NEW_YEAR, A_DAY = 1_767_225_600, 86_400


def send(api: Api, start: int, count: int) -> None:
    for first in range(start, start + count, 100):
        events = [
            {
                "transaction_id": f"call-{number}",
                "external_subscription_id": "sub",
                "code": "calls",
                "timestamp": NEW_YEAR + number % 28 * A_DAY,
                "properties": {"amount": "2"},
            }
            for number in range(first, first + 100)
        ]
        api.ok("POST", "/events/batch", {"events": events})


def read_until_killed(server: Server, key: str) -> None:
    """Ask for usage until the process that answers has died of its fold."""
    for _ in range(200):
        try:
            assert server.client(key).usage()["charges_usage"][0]["events_count"] == EVENTS
        except OSError:
            return
    raise AssertionError("nothing was folded")


@pytest.mark.slow
@pytest.mark.parametrize("point", ["usage.fold#1:before", "usage.fold#1:after"])
def test_usage_survives_a_kill_of_who_folds(tmp_path: Path, point: str) -> None:
    server = Server(tmp_path / "data", environment={"DAYCOUNT_WORKER_POLL_S": "3600"}).start({"DAYCOUNT_TEST_KILL_AT": point})
    api = server.organization(at="2026-01-31T12:00:00Z")
    metric = api.metric("calls", aggregation_type="sum_agg", field_name="amount", recurring=False)
    api.plan(charges=[api.seat_charge(metric, "0.01", prorated=False)])
    api.customer()
    api.subscribe(subscription_at="2026-01-01T00:00:00Z")
    send(api, 0, EVENTS)
    assert api.key is not None

    read_until_killed(server, api.key)
    server.wait_until_healthy()
    server.kill()
    server.start()
    api = server.client(api.key)
    counted: list[Any] = []
    for _ in range(3):
        send(api, EVENTS + MORE * len(counted), MORE)
        counted += [api.usage()["charges_usage"][0] for _ in range(2)][-1:]

    # 600 at first and 600 more each time, worth 2 each.
    assert [(usage["events_count"], usage["units"]) for usage in counted] == [(1200, "2400.0"), (1800, "3600.0"), (2400, "4800.0")]
    with psycopg.connect(server.database_url()) as connection:
        assert connection.execute("select count(*) from usage_events").fetchone() == (2400,)
    assert server.stop() == 0
