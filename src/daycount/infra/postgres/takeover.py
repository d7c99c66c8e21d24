"""
What a killed run left behind: processes of this cluster that still run, and a pid file that names the wrong process.

Only called by the holder of the data folder's lock, so whatever runs here has lost its Daycount.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from daycount.infra.postgres.errors import PostgresUnavailable

FAST_SHUTDOWN_S = 30.0
IMMEDIATE_SHUTDOWN_S = 6.0
KILL_S = 10.0
PAUSE_S = 0.02


def clear_leftovers(cluster: Path, *, log: Callable[[str], None]) -> None:
    """
    End every PostgreSQL process of the cluster and remove a pid file that names another program.

    First as gently as PostgreSQL can, then without asking. Nothing durable is lost: the next start recovers from the log.
    Raises PostgresUnavailable when a process cannot be ended.
    """
    postmaster = read_pid_file(cluster)
    left = list_processes(cluster)
    if left:
        log(f"PostgreSQL of an earlier run still has {len(left)} processes; ending them")
    if postmaster in left:
        send([postmaster], signal.SIGINT)
        left = wait_until_gone(cluster, timeout_s=FAST_SHUTDOWN_S)
    elif left:
        # Their postmaster is dead; most notice by themselves at once.
        left = wait_until_gone(cluster, timeout_s=1.0)
    for number, timeout_s in ((signal.SIGQUIT, IMMEDIATE_SHUTDOWN_S), (signal.SIGKILL, KILL_S)):
        if left:
            send(left, number)
            left = wait_until_gone(cluster, timeout_s=timeout_s)
    if left:
        message = f"PostgreSQL of an earlier run still uses {cluster} and cannot be ended (processes {left}). End them and start again."
        raise PostgresUnavailable(message)
    forget_reused_pid(cluster)


def forget_reused_pid(cluster: Path) -> None:
    """Remove a pid file whose pid now belongs to another program; one that names no process PostgreSQL replaces itself."""
    named = read_pid_file(cluster)
    if named is not None and is_alive(named):
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def read_pid_file(cluster: Path) -> int | None:
    """Return the pid in the cluster's pid file; None if there is no file or no pid in it."""
    try:
        first = (cluster / "postmaster.pid").read_text(errors="replace").partition("\n")[0].strip()
    except FileNotFoundError:
        return None
    # A standalone backend writes its pid negated.
    return abs(int(first)) if first.lstrip("-").isdigit() else None


def is_alive(pid: int) -> bool:
    """Tell whether there is a process with the pid."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def list_processes(cluster: Path) -> list[int]:
    """List the processes that are called postgres and work in the cluster's folder, as all of PostgreSQL's do."""
    if not cluster.exists():
        return []
    wanted = cluster.stat()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "comm").read_text(errors="replace").strip() != "postgres":
                continue
            there = (entry / "cwd").stat()
        except OSError:
            # Gone meanwhile, a zombie, or somebody else's.
            continue
        if (there.st_dev, there.st_ino) == (wanted.st_dev, wanted.st_ino):
            found.append(int(entry.name))
    return sorted(found)


def wait_until_gone(cluster: Path, *, timeout_s: float) -> list[int]:
    """Wait until the cluster has no process, at most so long; return those left."""
    deadline = time.monotonic() + timeout_s
    while (left := list_processes(cluster)) and time.monotonic() < deadline:
        time.sleep(PAUSE_S)
    return left


def send(pids: list[int], number: signal.Signals) -> None:
    """Send the signal to each process that is still there; raises PostgresUnavailable when that is not allowed."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
        except PermissionError as error:
            message = f"Process {pid} is a PostgreSQL that uses our data folder, but belongs to another user. End it and start again."
            raise PostgresUnavailable(message) from error
