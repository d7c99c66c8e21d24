"""A receiver of webhooks on the loopback, which answers as a test wants it to."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

HOST = "127.0.0.1"
WAIT_S = 20


class Delivery(NamedTuple):
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def type(self) -> str:
        return str(self.json["webhook_type"])


Behave = Callable[["Handler", int], None]
"""What is done with the n-th request, from 1."""


class Handler(BaseHTTPRequestHandler):
    """Reads a request, notes it and behaves."""

    server: "Receiver"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.server.lock:
            self.server.deliveries.append(Delivery(self.path, headers, body))
            number = len(self.server.deliveries)
        self.server.behave(self, number)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


def accept(handler: Handler, _number: int) -> None:
    handler.answer(200, b"thanks")


def hang(handler: Handler, _number: int) -> None:
    """Answer nothing until the other side gives up."""
    handler.connection.settimeout(30)
    handler.connection.recv(1)
    handler.close_connection = True


def close_early(handler: Handler, _number: int) -> None:
    """Break the connection off without an answer."""
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


class Receiver(ThreadingHTTPServer):
    """A receiver with everything it got."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, behave: Behave) -> None:
        super().__init__((HOST, 0), Handler)
        self.behave = behave
        self.lock = threading.Lock()
        self.deliveries: list[Delivery] = []
        self.url = f"http://{HOST}:{self.server_address[1]}/hooks"

    def wait_for(self, count: int) -> list[Delivery]:
        """Return what came in once there are so many."""
        deadline = time.monotonic() + WAIT_S
        while len(self.deliveries) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        found = list(self.deliveries)
        assert len(found) >= count, [delivery.type for delivery in found]
        return found

    def wait_for_type(self, webhook_type: str, count: int = 1) -> list[Delivery]:
        """Return the deliveries of a type once there are so many."""
        deadline = time.monotonic() + WAIT_S
        while True:
            found = [delivery for delivery in list(self.deliveries) if delivery.type == webhook_type]
            if len(found) >= count or time.monotonic() > deadline:
                assert len(found) >= count, [delivery.type for delivery in self.deliveries]
                return found
            time.sleep(0.01)


@contextmanager
def receiving(behave: Behave = accept) -> Iterator[Receiver]:
    """Run a receiver."""
    made = Receiver(behave)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        thread.join()
        made.server_close()
