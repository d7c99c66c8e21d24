"""
Pages: how long the server takes for each page of the demo's company, beside a bare answer of the same run.

One browser's worth of load: a kept-alive connection on loopback, one request at a time, everybody signed in. The time is
from the first byte sent to the last one read. Pages are found by their links, one of each kind.
"""

import http.client
import math
import re
import statistics
import time
from collections import deque
from html import unescape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks import machine
from benchmarks.server import HOST, Server, bare_server
from daycount.app import build
from daycount.config import Settings
from daycount.dashboard.accounts import operations, store
from daycount.dashboard.accounts.records import Role
from daycount.dashboard.entrance import SESSION_COOKIE
from daycount.dashboard.pages import PARTS
from daycount.dashboard.routing import Table
from daycount.demo.client import Api
from daycount.demo.company import START, found_company
from daycount.infra.postgres import PrivatePostgres
from daycount.organizations import store as organizations

_LIMIT_MS = 100
_WARM = 3


class Size(NamedTuple):
    """How often each page is read."""

    repetitions: int


WHOLE = Size(repetitions=40)
QUICK = Size(repetitions=10)


class Page(NamedTuple):
    """A page: its pattern, one address of it, its size."""

    pattern: str
    path: str
    kilobytes: float


def run(data_dir: Path, *, size: Size) -> None:
    """Measure and print."""
    print(machine.describe_machine(), flush=True)
    with Server(data_dir) as server, bare_server(processes=1) as bare_port:
        key = server.make_organization(name="Lumen Cloud", default_currency="EUR", test_clock={"frozen_time": START.isoformat()})
        api = Api(server.port, key)
        found_company(api)
        api.close()
        browser = _Browser(server.port, _sign_in(PrivatePostgres(data_dir).url))
        pages = _find_pages(browser)
        machine.Quiet().wait()
        bare = _Browser(bare_port, "")
        bare_ms = statistics.median(_times(bare, "/", repetitions=size.repetitions * 10))
        print(f"\na bare answer takes {bare_ms:.2f} ms (median); {len(pages)} kinds of pages, each read {size.repetitions} times")
        print("  p50 ms   p95 ms   × bare     kB   page", flush=True)
        taken: list[float] = []
        for page in pages:
            times = _times(browser, page.path, repetitions=size.repetitions)
            taken.extend(times)
            p50, p95 = statistics.median(times), _quantile(times)
            print(f"{p50:8.1f} {p95:8.1f} {p50 / bare_ms:8.0f} {page.kilobytes:6.1f}   {page.pattern}", flush=True)
        p50, p95 = statistics.median(taken), _quantile(taken)
        print(
            f"{p50:8.1f} {p95:8.1f} {p50 / bare_ms:8.0f}          all pages; p95 is {p95 / _LIMIT_MS:.2f} of the {_LIMIT_MS} ms it may take"
        )
        browser.close()
        bare.close()


class _Browser:
    """Reads pages over one connection."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=60)
        self._headers = {"Accept": "text/html", "Cookie": f"{SESSION_COOKIE}={token}"}

    def read(self, path: str) -> tuple[int, bytes]:
        """Return the status and the body of an answer."""
        self._connection.request("GET", path, headers=self._headers)
        response = self._connection.getresponse()
        return response.status, response.read()

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()


def _sign_in(database_url: str) -> str:
    """Make an administrator of the only organization, and return the token of a session."""
    app = build(Settings(), database_url=database_url, environment={}, pool_size=2)
    new_id, now = app.workplace.new_id, app.clock.now()
    with app.workplace.transaction("benchmark.sign_in") as tx:
        [organization] = organizations.list_organizations(tx)
        password = "benchmark password"  # noqa: S105 - of somebody who lives for some minutes
        user = operations.create_user(tx, new_id=new_id, now=now, email="ada@example.com", name="Ada", password=password)
        store.put_membership(tx, organization_id=organization.id, user_id=user.id, role=Role.ADMIN, now=now)
        token = operations.begin_session(tx, user_id=user.id, now=now, organization_id=organization.id).token
    app.workplace.engine.dispose()
    return token


def _find_pages(browser: _Browser) -> list[Page]:
    """Follow links from the first page on, to the first of each kind."""
    table, found, waiting = Table(PARTS), dict[str, Page](), deque(["/"])
    while waiting:
        path = waiting.popleft()
        page = table.find("GET", urlsplit(path).path.encode()).page
        if page is None or page.pattern in found or "as=" in path:
            continue
        status, body = browser.read(path)
        if status == http.client.OK:
            found[page.pattern] = Page(page.pattern, path, len(body) / 1000)
            waiting.extend(unescape(link) for link in re.findall(r'href="(/[^"]*)"', body.decode()))
    return list(found.values())


def _times(browser: _Browser, path: str, *, repetitions: int) -> list[float]:
    """Return how many milliseconds each read took, after some that do not count."""
    taken = []
    for number in range(_WARM + repetitions):
        started = time.perf_counter()
        status, _ = browser.read(path)
        if status != http.client.OK:
            raise RuntimeError(f"{path} answers {status}")
        if number >= _WARM:
            taken.append((time.perf_counter() - started) * 1000)
    return taken


def _quantile(times: list[float]) -> float:
    """Return the time that 95 of 100 do not exceed."""
    return sorted(times)[math.ceil(0.95 * len(times)) - 1]
