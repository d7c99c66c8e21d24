"""Every process is killed while events pour in; what was acknowledged is there, once, and adds up."""

import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from tests.support.server import HOST, Server

ROUNDS = 2
CLIENTS = 6
SEATS = 40


class Client(threading.Thread):
    """Sends single events and batches without a pause, and notes which were acknowledged, until the line goes dead."""

    def __init__(self, server: Server, key: str, name: str) -> None:
        super().__init__()
        self._port, self._key, self._label = server.port, key, name
        self.acknowledged: list[list[dict[str, Any]]] = []
        self.unanswered: list[list[dict[str, Any]]] = []
        self.refused: list[Any] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection(HOST, self._port, timeout=60)
        for number in range(1_000_000):
            events = self._make(number)
            try:
                status, body = post(connection, self._key, events)
            except (OSError, http.client.HTTPException):
                self.unanswered.append(events)
                connection.close()
                return
            if status == 200:
                self.acknowledged.append(events)
            else:
                # Between the death of the database and its own a web process may still say that it failed.
                self.refused.append((status, body))
                self.unanswered.append(events)

    def _make(self, number: int) -> list[dict[str, Any]]:
        """A single event, or every third time a batch of ten."""
        size = 10 if number % 3 == 0 else 1
        return [
            {
                "transaction_id": f"{self._label}-{number}-{place}",
                "external_subscription_id": "sub",
                "code": "calls",
                "properties": {"amount": "1"},
            }
            for place in range(size)
        ]


def post(connection: http.client.HTTPConnection, key: str, events: Sequence[dict[str, Any]]) -> tuple[int, Any]:
    path, body = ("/api/v1/events", {"event": events[0]}) if len(events) == 1 else ("/api/v1/events/batch", {"events": list(events)})
    connection.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def ids_in_database(server: Server) -> Counter[str]:
    with psycopg.connect(server.database_url()) as connection:
        return Counter(row[0] for row in connection.execute("select transaction_id from usage_events"))


def ids_of(requests: Sequence[Sequence[dict[str, Any]]]) -> set[str]:
    return {event["transaction_id"] for events in requests for event in events}


def test_acknowledged_events_survive_a_kill_of_everything(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    server = Server(tmp_path / "data").start()
    api = server.organization()
    metric = api.metric("calls", aggregation_type="sum_agg", field_name="amount", recurring=False)
    api.plan(charges=[api.seat_charge(metric, "0.01", prorated=False)])
    api.customer()
    api.subscribe()
    key = api.key
    assert key is not None
    promised: set[str] = set()

    for round_number in range(ROUNDS):
        clients = [Client(server, key, f"{round_number}-{place}") for place in range(CLIENTS)]
        for client in clients:
            client.start()
        threading.Event().wait(chance.uniform(0.3, 1.2))
        server.kill()
        for client in clients:
            client.join()
        server.start()
        api = server.client(key)

        acknowledged = set().union(*(ids_of(client.acknowledged) for client in clients))
        unanswered = [events for client in clients for events in client.unanswered]
        promised |= acknowledged
        found = ids_in_database(server)
        assert acknowledged, "nothing was sent before the kill"
        assert promised - set(found) == set()
        assert max(found.values()) == 1
        assert set(found) <= promised | ids_of(unanswered)
        assert {status for client in clients for status, _ in client.refused} <= {500}
        for events in unanswered:
            _send_again(api, events, is_there=events[0]["transaction_id"] in found)
        promised |= ids_of(unanswered)
        assert set(ids_in_database(server)) == promised
        _check_usage(api, len(promised))
    assert server.stop() == 0


def _send_again(api: Any, events: Sequence[dict[str, Any]], *, is_there: bool) -> None:
    """A request is kept as a whole or not at all, so sending it again works, or says of every event that it is known."""
    single = len(events) == 1
    path, body = ("/events", {"event": events[0]}) if single else ("/events/batch", {"events": list(events)})
    reply = api.call("POST", path, body)
    known = {"transaction_id": ["value_already_exist"]}
    if not is_there:
        assert reply.status == 200, reply
        return
    assert reply.status == 422, reply
    assert reply.body["error_details"] == (known if single else {str(place): known for place in range(len(events))})


def _check_usage(api: Any, count: int) -> None:
    usage = api.usage()["charges_usage"][0]
    assert (usage["events_count"], float(usage["units"])) == (count, count)
    listed = api.ok("GET", "/events", query={"per_page": 1})
    assert listed["meta"]["total_count"] == count
