"""
The load generator: a process of its own that sends prepared requests over kept-alive connections.

It runs beside the server on the same machine, so it must cost little: requests are whole byte strings made before the
clock starts, and of a reply only the status line and the length are looked at. Each connection has one request under way.
"""

import asyncio
import multiprocessing
import re
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import NamedTuple, cast

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_GOOD = b"HTTP/1.1 200"


class Load(NamedTuple):
    """What to send: `make` prepares the bodies in the generator's process."""

    port: int
    path: str
    key: str
    connections: int
    make: Callable[[], Sequence[bytes]]


class Result(NamedTuple):
    """How it went. Latencies are of single requests; `cpu_s` is what the generator itself used."""

    requests: int
    good: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_s: float
    first_refusal: str

    @property
    def rate(self) -> float:
        """Return the requests a second."""
        return self.requests / self.seconds


class _Sender(asyncio.Protocol):
    """One connection: sends the next request when the reply of the last one is complete."""

    def __init__(self, requests: Iterator[bytes], latencies: list[float], refusals: list[str], done: Callable[[], None]) -> None:
        self._requests = requests
        self._latencies = latencies
        self._refusals = refusals
        self._done = done
        self._missing = 0
        self._head = b""
        self._sent = 0.0
        self._is_good = False
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def start(self) -> None:
        """Send the first request."""
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            self._done()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if not self._missing:
            data = self._head + data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._head = data
                return
            self._head = b""
            length = _LENGTH.search(data, 0, end)
            assert length is not None, data[:end]
            self._missing = int(length[1]) + end + 4
            if not data.startswith(_GOOD):
                self._refusals.append(data[:500].decode())
        self._missing -= len(data)
        if not self._missing:
            self._latencies.append(time.perf_counter() - self._sent)
            self._send()


def _requests(load: Load) -> list[bytes]:
    head = (
        f"POST {load.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {load.key}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    ).encode()
    return [b"%b%d\r\n\r\n%b" % (head, len(body), body) for body in load.make()]


async def _send_all(load: Load, requests: Sequence[bytes], pipe: Connection) -> Result:
    loop = asyncio.get_running_loop()
    finished = asyncio.Event()
    latencies: list[float] = []
    refusals: list[str] = []
    left = load.connections
    pending = iter(requests)

    def done() -> None:
        nonlocal left
        left -= 1
        if not left:
            finished.set()

    senders = []
    for _ in range(load.connections):
        _, sender = await loop.create_connection(lambda: _Sender(pending, latencies, refusals, done), "127.0.0.1", load.port)
        senders.append(sender)
    pipe.send(None)
    pipe.recv()
    used, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    for sender in senders:
        sender.start()
    await finished.wait()
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    latencies.sort()
    return Result(
        requests=len(requests),
        good=len(latencies) - len(refusals),
        seconds=seconds,
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[len(latencies) * 99 // 100] * 1000,
        cpu_s=after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime,
        first_refusal=refusals[0] if refusals else "",
    )


def _run(load: Load, pipe: Connection) -> None:
    requests = _requests(load)
    pipe.send(uvloop.run(_send_all(load, requests, pipe)))


class Generator:
    """A generator that has prepared its requests and is connected; `go` sends them."""

    def __init__(self, load: Load) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_run, args=(load, other))
        self._process.start()
        other.close()
        self._pipe.recv()

    def go(self) -> Result:
        """Send everything and return how it went. Raises EOFError when the generator died."""
        self._pipe.send(None)
        result: Result = self._pipe.recv()
        self._process.join()
        return result
