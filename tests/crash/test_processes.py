"""The supervisor and its children: clean stops, restarts, and no process left behind."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

import daycount
from daycount.infra.postgres.takeover import list_processes
from tests.integration.postgres.test_private_postgres import find_python_for
from tests.support.server import ADMIN_TOKEN, HOST, Server, descendants, free_port

WITHIN_S = 30


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "data", is_forked=False).start()
    yield made
    assert made.process is not None
    if made.process.poll() is None:
        made.kill()


def name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def child_of(server: Server, name: str) -> int:
    """Return the pid of the server's web or worker process, once there is one."""
    assert server.process is not None
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        for pid in descendants(server.process.pid):
            if name_of(pid).startswith(f"daycount {name}"):
                return pid
        time.sleep(0.05)
    raise AssertionError(f"there is no {name} process")


def is_running(pid: int) -> bool:
    """Tell whether the process runs; one that only waits to be asked for its exit code does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_polite_signal_stops_everything_with_code_zero(server: Server, number: signal.Signals) -> None:
    assert server.process is not None
    family = descendants(server.process.pid)
    assert len(family) > 5
    api = server.organization()
    api.metric()

    server.process.send_signal(number)

    assert server.process.wait(WITHIN_S) == 0
    assert [pid for pid in family if is_running(pid)] == []
    assert list_processes(server.data_dir / "postgres") == []
    server.start()
    assert server.client(api.key).ok("GET", "/billable_metrics")["meta"]["total_count"] == 1
    assert server.stop() == 0


@pytest.mark.slow
def test_whatever_dies_alone_is_started_again(server: Server) -> None:
    api = server.organization()
    api.metric()

    for name in ("web", "worker", "postgres"):
        victim = postmaster_of(server) if name == "postgres" else child_of(server, name)
        os.kill(victim, signal.SIGKILL)
        wait_until(partial(is_replaced, server, name, victim), f"{name} was not started again")
        server.wait_until_healthy()
        wait_until(lambda: server.client(api.key).call("GET", "/billable_metrics").status == 200, f"no answers after {name} died")

    assert child_of(server, "worker")
    server.client(api.key).move_to("2026-08-01T00:00:00Z")
    assert server.stop() == 0


def postmaster_of(server: Server) -> int:
    return int((server.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])


def is_replaced(server: Server, name: str, victim: int) -> bool:
    if name != "postgres":
        return child_of(server, name) != victim
    try:
        return postmaster_of(server) != victim and is_running(postmaster_of(server))
    except (FileNotFoundError, IndexError, ValueError):
        return False


@pytest.mark.slow
def test_a_killed_supervisor_takes_its_children_along(server: Server) -> None:
    assert server.process is not None
    family = descendants(server.process.pid)

    server.process.kill()

    assert server.process.wait(WITHIN_S) == -signal.SIGKILL
    wait_until(lambda: not [pid for pid in family if is_running(pid)], "children outlived their supervisor")
    assert list_processes(server.data_dir / "postgres") == []
    server.start()
    assert server.stop() == 0


def test_a_busy_port_is_said_plainly(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
        arguments = [sys.executable, "-m", "daycount", "serve", "--port", str(port), "--data-dir", str(tmp_path / "data")]

        finished = subprocess.run(arguments, capture_output=True, text=True, timeout=WITHIN_S, check=False)

    assert finished.returncode == 1
    assert f"cannot listen on {HOST}:{port}: Address already in use" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
def test_two_servers_do_not_share_a_data_folder(server: Server) -> None:
    arguments = [sys.executable, "-m", "daycount", "serve", "--port", str(free_port()), "--data-dir", str(server.data_dir)]

    finished = subprocess.run(arguments, capture_output=True, text=True, timeout=WITHIN_S, check=False)

    assert finished.returncode == 1
    assert "Traceback" not in finished.stderr
    assert server.client(None).raw("GET", "/health").status == 200


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change users")
def test_it_starts_as_an_ordinary_user() -> None:
    folder = Path(tempfile.mkdtemp(prefix="daycount-test-"))
    nobody = pwd.getpwnam("nobody")
    folder.chmod(0o755)
    data_dir = folder / "data"
    data_dir.mkdir(mode=0o700)
    os.chown(data_dir, nobody.pw_uid, nobody.pw_gid)
    port = free_port()
    program = find_python_for("nobody")
    if program is None:
        shutil.rmtree(folder)
        pytest.skip("no interpreter that an ordinary user may run")
    paths = [str(Path(daycount.__file__).parents[1]), sysconfig.get_path("purelib")]
    environment = {"PYTHONPATH": os.pathsep.join(paths), "HOME": str(folder), "PATH": "/usr/bin:/bin", "DAYCOUNT_ADMIN_TOKEN": ADMIN_TOKEN}
    log = folder / "log"
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(
                [program, "-m", "daycount", "serve", "--port", str(port), "--data-dir", str(data_dir)],
                env=environment, cwd=folder, user="nobody", group=nobody.pw_gid, extra_groups=[], stdout=output, stderr=output,
            )  # fmt: skip
        running = Server(data_dir, is_forked=False)
        running.port, running.process = port, process
        try:
            running.wait_until_healthy()
            running.organization().metric()
            owners = {Path(f"/proc/{pid}").stat().st_uid for pid in descendants(process.pid)}
        finally:
            code = running.stop()
        assert (code, owners) == (0, {nobody.pw_uid})
        assert list_processes(data_dir / "postgres") == []
    finally:
        shutil.rmtree(folder)
