"""The server process: start, readiness, death and stop. Everything about the files is in the modules beside this one."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from psycopg import pq

from daycount.infra.postgres import cluster, databases, identity, server_log, settings, sockets, takeover
from daycount.infra.postgres.binaries import find_binaries, get_version
from daycount.infra.postgres.errors import PostgresUnavailable
from daycount.infra.postgres.lock import FolderLock

SILENCE_S = 120.0
STOP_S = 60.0
IMMEDIATE_SHUTDOWN_S = 6.0
PAUSE_S = 0.02


def ignore(_message: str) -> None:
    """Drop a notice."""


class PrivatePostgres:
    """
    A PostgreSQL of our own, in `data_dir`, reachable over a Unix socket only; it ends when we end.

    `start` must be called in the main thread: the kernel ends the child when the *thread* that made it ends. Not safe
    for use by several threads at once.
    """

    def __init__(self, data_dir: Path, *, binaries: Path | None = None, log: Callable[[str], None] = ignore) -> None:
        """Prepare the server; nothing is touched before `start`. `log` gets the few notices an operator may want to see."""
        self.data_dir = data_dir.absolute()
        self._explicit_binaries = binaries
        self._log = log
        self._lock = FolderLock(self.data_dir / "postgres.lock")
        self._child: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def cluster(self) -> Path:
        """Name the folder of the cluster."""
        return self.data_dir / "postgres"

    @property
    def log_file(self) -> Path:
        """Name the file with PostgreSQL's own messages."""
        return self.data_dir / "postgres.log"

    @property
    def password_file(self) -> Path:
        """Name the file with the password of the database."""
        return self.data_dir / "postgres.password"

    @property
    def url(self) -> str:
        """
        Return the address of the database `daycount`, password included.

        Valid while the server runs, here or in another process that may read the data folder. Raises PostgresUnavailable
        when the folder has no server yet.
        """
        return self._build_url(user=databases.NAME, database=databases.NAME)

    @property
    def pid(self) -> int | None:
        """Return the pid of the server; None when it was not started or was stopped."""
        return None if self._child is None else self._child.pid

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop the server."""
        self.stop()

    def start(self) -> None:
        """
        Start the server and return when it accepts connections; creates cluster, role and database when missing.

        May be called again after `poll` reported the end of the child, or after `stop`. Raises PostgresUnavailable; then
        no process of ours is left and the folder is free.
        """
        self._refuse_impossible()
        try:
            self._start()
        except OSError as error:
            message = f"PostgreSQL cannot be started in {self.data_dir}: {error}"
            raise PostgresUnavailable(message) from error

    def _start(self) -> None:
        """Start the server, or leave nothing behind; raises PostgresUnavailable and OSError."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as undo:
            undo.callback(self._release)
            if not self._lock.is_held:
                self._lock.acquire()
            self._run()
            undo.callback(self.stop, IMMEDIATE_SHUTDOWN_S)
            self._wait_until_ready()
            superuser_url = self._build_url(user=cluster.SUPERUSER, database="postgres")
            databases.create_missing(superuser_url, password=cluster.get_password(self.password_file))
            undo.pop_all()

    def poll(self) -> int | None:
        """
        Return the exit code of a server that died, negative for a signal; None while it runs or when none was started.

        Call it every now and then: it also keeps the server's log small.
        """
        if self._child is None:
            return None
        server_log.cap(self.log_file)
        return self._child.poll()

    def stop(self, timeout_s: float = STOP_S) -> None:
        """
        Stop the server: rolls open transactions back and writes a checkpoint; less politely after `timeout_s`.

        Nothing committed is lost in any case. Does nothing when the server is not running.
        """
        child = self._child
        if child is not None:
            for number, patience_s in ((signal.SIGINT, timeout_s), (signal.SIGQUIT, IMMEDIATE_SHUTDOWN_S), (signal.SIGKILL, None)):
                child.send_signal(number)
                try:
                    child.wait(patience_s)
                except subprocess.TimeoutExpired:
                    self._log(f"PostgreSQL did not stop after {number.name}")
                else:
                    break
        self._release()

    def _refuse_impossible(self) -> None:
        """Raise PostgresUnavailable where a start cannot work or would be a mistake."""
        if sys.platform != "linux":
            message = "The private PostgreSQL runs on Linux only. Give the address of a PostgreSQL of your own."
            raise PostgresUnavailable(message)
        if threading.current_thread() is not threading.main_thread():
            message = "The private PostgreSQL must be started from the main thread: it ends when the thread that started it ends."
            raise PostgresUnavailable(message)
        if self._child is not None and self._child.poll() is None:
            message = f"This PostgreSQL is running already, as process {self._child.pid}."
            raise PostgresUnavailable(message)

    def _run(self) -> None:
        """Prepare the folder for whoever PostgreSQL runs as, and start the child. The lock is held."""
        takeover.clear_leftovers(self.cluster, log=self._log)
        binaries = find_binaries(self._explicit_binaries)
        chosen = identity.choose_identity(data_dir=self.data_dir, cluster=self.cluster, binaries=binaries)
        identity.let_through(self.data_dir, identity=chosen.identity)
        self._prepare_cluster(chosen)
        socket_dir = sockets.prepare_socket_dir(self.data_dir, identity=chosen.identity)
        self._spawn(chosen, socket_dir=socket_dir)

    def _prepare_cluster(self, chosen: identity.Choice) -> None:
        """Make sure that there is a cluster that the chosen identity and binaries can use, with today's settings."""
        version = get_version(chosen.binaries)
        if not cluster.exists(self.cluster):
            self._log(f"creating a PostgreSQL {version} cluster in {self.cluster}")
            password = cluster.create_password(self.password_file, identity=chosen.identity)
            cluster.create(self.cluster, binaries=chosen.binaries, version=version, identity=chosen.identity, password=password)
        cluster.require_version(self.cluster, version=version)
        cluster.get_password(self.password_file)
        chosen.identity.own_tree(self.cluster)
        cluster.close_to_others(self.cluster)
        free_disk_mib = settings.get_free_disk_mib(self.data_dir)
        computed = settings.compute_settings(memory_mib=settings.get_memory_mib(), free_disk_mib=free_disk_mib)
        cluster.write_whole(self.cluster / settings.FILE_NAME, text=settings.render_settings(computed), identity=chosen.identity)

    def _spawn(self, chosen: identity.Choice, *, socket_dir: Path) -> None:
        """Start the child, in a session of its own so that Ctrl-C in the terminal reaches only us."""
        arguments: list[str | Path] = [chosen.binaries / "postgres", "-D", self.cluster, *list_fixed_options(socket_dir)]
        output = server_log.open_log(self.log_file)
        try:
            server_log.cap(self.log_file)
            self._log_start = os.fstat(output).st_size
            for path in (self.log_file, self.password_file, self._lock.path):
                chosen.identity.own(path)
            self._child = subprocess.Popen(
                chosen.identity.command(arguments, folder=self.data_dir),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=identity.environment(),
                start_new_session=True,
            )
        finally:
            os.close(output)
        self._log(f"PostgreSQL runs as {chosen.identity.describe()}, process {self._child.pid}")

    def _wait_until_ready(self) -> None:
        """
        Wait until the server accepts connections; raises PostgresUnavailable when it exits or says nothing for 120 s.

        Recovery after a crash may take minutes; while the server answers that it is starting, we go on waiting.
        """
        address = self._build_url(user=cluster.SUPERUSER, database="postgres").encode()
        deadline = time.monotonic() + SILENCE_S
        while (answer := pq.PGconn.ping(address)) != pq.Ping.OK:
            if answer == pq.Ping.REJECT:
                deadline = time.monotonic() + SILENCE_S
            code = self.poll()
            if code is not None:
                message = f"PostgreSQL ended while starting ({identity.explain_exit(code)}). The end of {self.log_file}:\n{self._tail()}"
                raise PostgresUnavailable(message)
            if time.monotonic() > deadline:
                message = f"PostgreSQL did not answer within {SILENCE_S:.0f} s. The end of {self.log_file}:\n{self._tail()}"
                raise PostgresUnavailable(message)
            time.sleep(PAUSE_S)

    def _tail(self) -> str:
        """Read the last lines that this run wrote to the log."""
        return server_log.read_tail(self.log_file, start=self._log_start)

    def _build_url(self, *, user: str, database: str) -> str:
        """Write the address of a database of this server for a user."""
        password = cluster.get_password(self.password_file)
        return databases.build_url(user=user, database=database, password=password, socket_dir=sockets.get_socket_dir(self.data_dir))

    def _release(self) -> None:
        """Forget the child and free the folder for others."""
        self._child = None
        if self._lock.is_held:
            sockets.remove_temporary_dir(self.data_dir)
            self._lock.release()


def list_fixed_options(socket_dir: Path) -> list[str]:
    """List the settings on which safety and the address depend; on the command line no configuration file can change them."""
    fixed = {
        "listen_addresses": "",
        "port": str(sockets.PORT),
        "unix_socket_directories": str(socket_dir),
        "unix_socket_permissions": "0700",
        "logging_collector": "off",
        "log_destination": "stderr",
    }
    return [part for name, value in fixed.items() for part in ("-c", f"{name}={value}")]
