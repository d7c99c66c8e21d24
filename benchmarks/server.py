"""The servers under test: `daycount serve` with a private database of its own, and the bare endpoint."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from daycount.infra.postgres import PrivatePostgres

HOST = "127.0.0.1"
_TOKEN = "benchmark-admin-token"  # noqa: S105 - guards a server on loopback that lives for some minutes
_START_S = 60
_PAUSE_S = 0.05
_SETTLE_S = 2


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_for(port: int, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise RuntimeError(f"the server ended with code {child.returncode}")
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(_PAUSE_S)
        else:
            return
    raise RuntimeError("the server did not start")


class Server:
    """One `daycount serve` in a folder; use it as a context."""

    def __init__(self, data_dir: Path, *, environment: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        self._environment = dict(environment or {})
        self._data_dir = data_dir
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start the server."""
        command = [sys.executable, "-m", "daycount", "serve", "--host", HOST, "--port", str(self.port), "--data-dir", str(self._data_dir)]
        environment = os.environ | {"DAYCOUNT_ADMIN_TOKEN": _TOKEN, "DAYCOUNT_LOG_LEVEL": "WARNING"} | self._environment
        self._child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        _wait_for(self.port, self._child)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop the server."""
        assert self._child is not None
        self._child.send_signal(signal.SIGTERM)
        self._child.wait()

    @property
    def pid(self) -> int:
        """Return the process id of the parent of the server's processes."""
        assert self._child is not None
        return self._child.pid

    @property
    def cluster(self) -> Path:
        """Return the folder of the database's files, which the database itself can read and write."""
        return PrivatePostgres(self._data_dir).cluster

    def make_organization(self, **fields: object) -> str:
        """Make an organization and return its API key."""
        reply = self.post("/admin/organizations", {"organization": {"name": "Benchmark"} | fields}, key=_TOKEN)
        return str(reply["organization"]["api_key"])

    def post(self, path: str, body: object, *, key: str) -> Any:
        """Call an endpoint and return its JSON. Raises RuntimeError when it refuses."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if response.status != http.client.OK:
            raise RuntimeError(f"POST {path}: {response.status} {content.decode()}")
        return json.loads(content)

    def superuser(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Connect to the server's database as PostgreSQL's superuser, who may copy from files."""
        url = PrivatePostgres(self._data_dir).url.replace("//daycount:", "//postgres:", 1)
        return psycopg.connect(url, autocommit=True)


@contextmanager
def bare_server(*, processes: int) -> Iterator[int]:
    """Run the bare endpoint in processes side by side on one port, and give the port."""
    port = free_port()
    children = [subprocess.Popen([sys.executable, "-m", "benchmarks.bare", str(port)]) for _ in range(processes)]
    try:
        for child in children:
            _wait_for(port, child)
        time.sleep(_SETTLE_S)
        yield port
    finally:
        for child in children:
            child.send_signal(signal.SIGTERM)
        for child in children:
            child.wait()
