"""The short way of events through the HTTP server: to the sender it is the same server."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from daycount.api.v1.events import EventInput, PlainEvent, read_event, read_plain
from tests.support.server import HOST, Api, Server

OPEN_BODY = b'{"event":{"transaction_id":"%b","code":"seats","external_subscription_id":"sub","properties":{%b}}}'


@pytest.fixture
def api(server: Server) -> Api:
    """Return a client whose key was used a moment ago, so that its events go the short way."""
    made = server.organization()
    made.event("warm")
    return made


def a_body(transaction_id: str, properties: bytes = b"") -> bytes:
    return OPEN_BODY % (transaction_id.encode(), properties)


def a_request(api: Api, body: bytes, *headers: str, path: str = "/api/v1/events") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: test", f"Authorization: Bearer {api.key}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Wire:
    """A bare connection: what is sent and received stands in the tests."""

    def __init__(self, api: Api) -> None:
        self._socket = socket.create_connection((HOST, api.port), timeout=30)
        self._left = b""

    def send(self, content: bytes) -> None:
        self._socket.sendall(content)

    def answer(self) -> tuple[int, str, dict[str, Any]]:
        """Read one answer: status, head, JSON."""
        while b"\r\n\r\n" not in self._left:
            self._left += self.receive()
        head, _, rest = self._left.partition(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]  # every answer has one
        while len(rest) < length:
            rest += self.receive()
        self._left = rest[length:]
        return int(head.split()[1]), head.decode(), json.loads(rest[:length])

    def close(self) -> None:
        self._socket.close()

    def is_closed(self) -> bool:
        return self._left == b"" and self._socket.recv(1) == b""

    def receive(self) -> bytes:
        content = self._socket.recv(65_536)
        assert content, "the server closed the connection"
        return content


@pytest.fixture
def wire(api: Api) -> Iterator[Wire]:
    with closing(Wire(api)) as made:
        yield made


def test_requests_sent_at_once_are_answered_in_their_order(api: Api, wire: Wire) -> None:
    health = b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n"

    wire.send(
        a_request(api, a_body("1")) + a_request(api, a_body("2")) + health + a_request(api, a_body("3")) + a_request(api, a_body("1"))
    )
    first, second, third, fourth, fifth = [wire.answer() for _ in range(5)]

    assert [answer[2]["event"]["transaction_id"] for answer in (first, second, fourth)] == ["1", "2", "3"]
    assert third[2]["message"] == "Success"
    assert (fifth[0], fifth[2]["error_details"]) == (422, {"transaction_id": ["value_already_exist"]})


def test_a_body_may_come_in_pieces(api: Api, wire: Wire) -> None:
    request = a_request(api, a_body("1"))

    for place in range(0, len(request), 40):
        wire.send(request[place : place + 40])

    assert wire.answer()[0] == 200


def test_a_body_may_be_chunked(api: Api, wire: Wire) -> None:
    body = a_body("1")
    head = f"POST /api/v1/events HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {api.key}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()

    wire.send(head + b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (10, body[:10], len(body) - 10, body[10:]))

    assert wire.answer()[0] == 200


def test_a_large_body_goes_the_normal_way(api: Api, wire: Wire) -> None:
    wire.send(a_request(api, a_body("1", b'"note":"' + b"x" * 2_000_000 + b'"')))

    assert wire.answer()[0] == 200


def test_a_sender_that_waits_is_told_to_go_on(api: Api, wire: Wire) -> None:
    body = a_body("1")

    wire.send(a_request(api, body, "Expect: 100-continue").removesuffix(body))
    interim = wire.receive()
    wire.send(body)

    assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert wire.answer()[0] == 200


def test_a_sender_that_asks_for_it_is_let_go(api: Api, wire: Wire) -> None:
    wire.send(a_request(api, a_body("1"), "Connection: close"))
    status, head, _ = wire.answer()

    assert (status, "connection: close" in head, wire.is_closed()) == (200, True, True)


def test_what_is_no_http_is_refused_as_json(wire: Wire) -> None:
    wire.send(b"MAKE /api/v1/events HTTP/1.1\r\nHost: test\r\n\r\n")

    status, head, body = wire.answer()

    assert (status, body) == (400, {"status": 400, "error": "BadRequest: Invalid HTTP request received."})
    assert "content-type: application/json" in head


def test_the_request_id_comes_back_and_a_wrong_key_is_refused(api: Api, wire: Wire) -> None:
    wire.send(a_request(api, a_body("1"), "X-Request-Id: mine"))
    status, head, _ = wire.answer()
    wire.send(a_request(api, a_body("2")).replace(str(api.key).encode(), b"nobody"))

    assert (status, "x-request-id: mine" in head) == (200, True)
    assert wire.answer()[0] == 401


EVENTS: list[dict[str, Any]] = [
    {"transaction_id": "1", "external_subscription_id": "sub", "code": "seats"},
    {"timestamp": 1782910800},
    {"timestamp": "1782910800.1234567"},
    {"timestamp": -1.5},
    {"timestamp": None},
    {"timestamp": "soon"},
    {"timestamp": True},
    {"timestamp": 1e300},
    {"precise_total_amount_cents": "12.5"},
    {"precise_total_amount_cents": None},
    {"precise_total_amount_cents": "much"},
    {"properties": {"a": 1, "b": [None, {"c": "\t"}]}},
    {"properties": None},
    {"properties": []},
    {"properties": {"a": "\x00"}},
    {"transaction_id": "a\x00b"},
    {"transaction_id": " "},
    {"transaction_id": ""},
    {"transaction_id": 5},
    {"external_subscription_id": ""},
    {"external_subscription_id": None},
    {"external_subscription_id": "x" * 256},
    {"code": "x" * 256},
    {"code": "ünï\\\n"},
]


@pytest.mark.parametrize("fields", EVENTS, ids=str)
def test_what_goes_the_short_way_is_read_as_on_the_long_way(fields: dict[str, Any]) -> None:
    body = json.dumps(EVENTS[0] | fields).encode()
    expected, _ = read_event(msgspec.json.decode(body, type=EventInput))

    try:
        found = None if b"\\u0000" in body else read_plain([msgspec.json.decode(body, type=PlainEvent)])
    except msgspec.ValidationError:
        found = None

    assert found is None or found == [expected]


@pytest.mark.slow
def test_web_processes_side_by_side_are_one_server(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", environment={"DAYCOUNT_WEB_PROCESSES": "2"}).start()
    api = server.organization()
    statuses: list[int] = []

    def send(number: int) -> None:
        client = server.client(api.key)
        body = {"transaction_id": str(number % 20), "code": "seats", "external_subscription_id": "sub"}
        statuses.extend(client.call("POST", "/events", {"event": body}).status for _ in range(2))

    senders = [threading.Thread(target=send, args=(number,)) for number in range(40)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    assert sorted(statuses) == [200] * 20 + [422] * 60
    expected = {
        'daycount_request_seconds_count{operation="create_event",status="200"} 20.0',
        'daycount_request_seconds_count{operation="create_event",status="422"} 60.0',
        # Whatever took the longest took less than a minute: each time is in one of the buckets, and in the last.
        'daycount_request_seconds_bucket{le="+Inf",operation="create_event",status="422"} 60.0',
    }
    deadline = time.monotonic() + 10
    while not expected <= set(metrics_of(server).splitlines()) and time.monotonic() < deadline:  # passed on some times a second
        time.sleep(0.05)
    for _ in range(4):
        assert expected <= set(metrics_of(server).splitlines())
    assert server.stop() == 0


def metrics_of(server: Server) -> str:
    with socket.create_connection((HOST, server.port), timeout=30) as wire:
        wire.sendall(b"GET /metrics HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        return b"".join(iter(lambda: wire.recv(65_536), b"")).decode()
