"""
`serve`: one command that starts everything and stops it again.

The supervisor runs the private PostgreSQL (unless a database is given), brings the schema up to date, then keeps some web
processes and a worker process running as its children. They end with it, also when it is killed.
"""

import ctypes
import gc
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing.context import ForkProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import structlog

from daycount.config import FIGURES_VARIABLE, Settings, find_unknown
from daycount.infra import schema
from daycount.infra.database import connect, plain_url
from daycount.infra.postgres import PrivatePostgres
from daycount.organizations.operations import ensure_admin_token

_log = structlog.get_logger("serve")
_POLL_S = 0.1
_STOP_S = 25
_RESTART_PAUSE_S = 1
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15


# Forked from a process with one thread, whose connections to the database are closed.
_FORK = multiprocessing.get_context("fork")


class AddressInUse(RuntimeError):
    """Another program listens on the wanted host and port."""


class Supervisor:
    """The parent of all processes of one server."""

    def __init__(self, settings: Settings, *, live: Callable[..., None], host: str, port: int, data_dir: Path) -> None:
        """Prepare it; `live` is `processes.live`, imported by a caller that entered `shared_figures` first."""
        self._settings = settings
        self._live = live
        self._host = host
        self._port = port
        self._data_dir = data_dir
        self._postgres: PrivatePostgres | None = None
        self._children: dict[str, ForkProcess] = {}
        self._is_stopping = False
        self.database_url = settings.database_url or ""

    def start(self) -> str | None:
        """
        Start everything and return the admin token if it was made just now.

        Raises AddressInUse, PostgresUnavailable. Call it from the main thread.
        """
        _require_free(self._host, self._port)
        if self._settings.database_url is None:
            self._data_dir.mkdir(parents=True, exist_ok=True)
            self._postgres = PrivatePostgres(self._data_dir, binaries=self._settings.postgres_bin, log=_log.info)
            self._postgres.start()
            self.database_url = self._postgres.url
        token = self._prepare_database()
        # What is imported now stays shared: the children's collectors do not write into it.
        gc.collect()
        gc.freeze()
        for name in (*(f"web {number}" for number in range(self._settings.web_processes)), "worker"):
            self._spawn(name)
        return token

    def _prepare_database(self) -> str | None:
        engine = connect(self.database_url, pool_size=2)
        try:
            schema.migrate(engine)
            if self._settings.admin_token is not None:
                return None
            with engine.begin() as tx:
                return ensure_admin_token(tx)
        finally:
            engine.dispose()

    def _spawn(self, name: str) -> None:
        unknown = find_unknown(os.environ)
        environment = {key: value for key, value in os.environ.items() if key not in unknown}
        environment["DAYCOUNT_DATABASE_URL"] = plain_url(self.database_url)
        # Links lead to where this server listens, unless the operator says how users reach it.
        environment.setdefault("DAYCOUNT_PUBLIC_URL", f"http://{_reachable(self._host)}:{self._port}")
        prepare = partial(_become_child, name, parent_pid=os.getpid())
        arguments = {"host": self._host, "port": self._port, "environment": environment, "prepare": prepare}
        self._children[name] = child = _FORK.Process(target=self._live, args=(name.partition(" ")[0],), kwargs=arguments, name=name)
        # A signal that comes before the child has its own way with signals waits until then.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
        try:
            child.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def run(self) -> None:
        """Watch the children until `stop` or a signal; one that ends by itself is started again."""
        while not self._is_stopping:
            if self._postgres is not None and self._postgres.poll() is not None:
                _log.error("the database ended; starting it again")
                self._postgres.start()
            for name, child in list(self._children.items()):
                if child.exitcode is not None and not self._is_stopping:
                    _log.error("a process ended; starting it again", process=name, code=child.exitcode)
                    time.sleep(_RESTART_PAUSE_S)
                    self._spawn(name)
            time.sleep(_POLL_S)

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Let `run` end; to be installed for SIGTERM and SIGINT."""
        self._is_stopping = True

    def stop(self) -> None:
        """Stop the web processes, which first answer what they have, then the worker, then the database."""
        self._is_stopping = True
        for child in self._children.values():
            child.terminate()
        deadline = time.monotonic() + _STOP_S
        for child in self._children.values():
            child.join(max(0.1, deadline - time.monotonic()))
            if child.exitcode is None:
                child.kill()
                child.join()
        if self._postgres is not None:
            self._postgres.stop()

    def wait_until_ready(self, *, timeout_s: int = 30) -> None:
        """Wait until a web process takes connections. Raises RuntimeError when it does not in time."""
        deadline = time.monotonic() + timeout_s
        host = _reachable(self._host)
        while time.monotonic() < deadline:
            try:
                socket.create_connection((host, self._port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError("the web process did not start")


@contextmanager
def shared_figures(web_processes: int) -> Iterator[None]:
    """Have several web processes write their figures to one folder: to be entered before anything imports `processes`."""
    if web_processes == 1:
        yield
        return
    with TemporaryDirectory(prefix="daycount-figures-") as folder:
        os.environ[FIGURES_VARIABLE] = folder
        yield


def _reachable(host: str) -> str:
    """Return the host that this machine reaches a listener of `host` by."""
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared, not bound


def _require_free(host: str, port: int) -> None:
    """Raise AddressInUse when the port cannot be bound, before anything is started."""
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        raise AddressInUse(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


def _become_child(name: str, *, parent_pid: int) -> None:
    """Run in a child first: a session of its own, a name for lists of processes, and an end with its parent."""
    os.setsid()
    kernel = ctypes.CDLL(None)
    kernel.prctl(_PR_SET_NAME, f"daycount {name}".encode())
    kernel.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent_pid:
        os._exit(1)


def install(signals: Sequence[int], handler: Callable[[int, FrameType | None], None]) -> None:
    """Install one handler for several signals."""
    for number in signals:
        signal.signal(number, handler)
