"""The private PostgreSQL against the real thing: real clusters, real signals, real users."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine, text

import daycount
from daycount.infra.postgres import PostgresUnavailable, PrivatePostgres, binaries, cluster, find_binaries, identity, launcher, settings
from daycount.infra.postgres.server_log import LARGEST_BYTES
from daycount.infra.postgres.takeover import list_processes

GONE_WITHIN_S = 10.0

# Starts a server, says so, does what the second argument asks for, and waits to be killed.
PARENT = """
import os, sys, time
from pathlib import Path
from daycount.infra.postgres import PrivatePostgres
server = PrivatePostgres(Path(sys.argv[1]))
server.start()
if sys.argv[2] == "fork" and (worker := os.fork()) == 0:
    time.sleep(60)
print(server.pid, worker if sys.argv[2] == "fork" else 0, flush=True)
time.sleep(60)
"""

# Runs as another user: a start, a row, a stop, a start, the row again.
ROUND_TRIP = """
import sys
from pathlib import Path
import psycopg
from daycount.infra.postgres import PrivatePostgres
with PrivatePostgres(Path(sys.argv[1])) as server, psycopg.connect(server.url) as connection:
    connection.execute("CREATE TABLE kept (value int)")
    connection.execute("INSERT INTO kept VALUES (7)")
with PrivatePostgres(Path(sys.argv[1])) as server, psycopg.connect(server.url) as connection:
    print(connection.execute("SELECT value FROM kept").fetchone()[0])
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change users")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a data folder once; a copy of it is quicker than a new cluster."""
    folder = tmp_path_factory.mktemp("template") / "data"
    with PrivatePostgres(folder):
        pass
    return folder


@pytest.fixture
def new_dir(tmp_path: Path) -> Path:
    """Name a data folder that does not exist yet, in a folder that only we can enter."""
    return tmp_path / "data"


@pytest.fixture
def data_dir(new_dir: Path, template: Path) -> Path:
    """Make a data folder with a cluster that was stopped, in a folder that only we can enter."""
    new_dir.mkdir(mode=0o700)
    copy_cluster(template, new_dir)
    return new_dir


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Make a folder that every user can enter."""
    folder = Path(tempfile.mkdtemp(prefix="daycount-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def no_namespaces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have the kernel refuse user namespaces, by asking it for one with a flag that it does not know."""
    source = Path(launcher.__file__).read_text()
    broken = tmp_path / "launcher.py"
    broken.write_text(source.replace("CLONE_NEWUSER = 0x10000000", "CLONE_NEWUSER = 0x1"))
    monkeypatch.setattr(launcher, "__file__", str(broken))


def copy_cluster(template: Path, folder: Path) -> None:
    """Copy cluster and password; root's copy belongs to root."""
    shutil.copytree(template / "postgres", folder / "postgres")
    shutil.copy(template / "postgres.password", folder)


def keep_value(server: PrivatePostgres, value: int) -> None:
    """Commit a value."""
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
        connection.execute("INSERT INTO kept VALUES (%s)", [value])


def list_values(server: PrivatePostgres) -> list[int]:
    """List the committed values."""
    with psycopg.connect(server.url) as connection:
        return [value for (value,) in connection.execute("SELECT value FROM kept ORDER BY value")]


def run_python(script: str, *arguments: str | Path, program: str = sys.executable, user: str | None = None) -> subprocess.Popen[str]:
    """Start a Python script that can import Daycount, perhaps with another interpreter and as another user."""
    found = [str(Path(daycount.__file__).parents[1]), sysconfig.get_path("purelib")]
    environment = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(found), "PYTHONDONTWRITEBYTECODE": "1"}
    change: dict[str, Any] = {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
    command = [program, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd="/", **change)


def find_python_for(user: str) -> str | None:
    """Find an interpreter that the user can run and that can import Daycount: ours, or the system's of the same version."""
    for program in (sys.executable, shutil.which(f"python3.{sys.version_info.minor}", path=os.defpath)):
        try:
            if program is None:
                continue
            trial = run_python("import daycount.infra.postgres", program=program, user=user)
        except PermissionError:
            continue
        trial.communicate()
        if trial.returncode == 0:
            return program
    return None


def start_parent(data_dir: Path, *, what: str = "wait") -> tuple[subprocess.Popen[str], int, int]:
    """Start a process that runs the server; return it, the pid of its server and that of its worker."""
    parent = run_python(PARENT, data_dir, what)
    assert parent.stdout is not None
    server_pid, worker_pid = map(int, parent.stdout.readline().split())
    return parent, server_pid, worker_pid


def kill(parent: subprocess.Popen[str]) -> None:
    """Kill a process and take its exit code."""
    parent.kill()
    parent.communicate()


def wait_until_gone(folder: Path) -> list[int]:
    """Wait until the cluster has no process; return those that are left."""
    deadline = time.monotonic() + GONE_WITHIN_S
    while (left := list_processes(folder / "postgres")) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def mode(path: Path) -> int:
    """Read the permission bits of a path."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_restart_keeps_what_was_committed(new_dir: Path) -> None:
    with PrivatePostgres(new_dir) as server:
        keep_value(server, 1)

    with PrivatePostgres(new_dir) as server:
        assert list_values(server) == [1]


def test_the_url_serves_sqlalchemy_as_a_role_without_power(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "1")

    with PrivatePostgres(data_dir) as server:
        engine = create_engine(server.url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.connect() as connection:
            row = connection.execute(
                text("SELECT current_user::text, current_database()::text, rolsuper FROM pg_roles WHERE rolname = current_user")
            ).one()
            shown = {name: connection.execute(text(f"SHOW {name}")).scalar() for name in ("listen_addresses", "TimeZone", "fsync")}
            order = connection.execute(
                text("SELECT string_agg(v, '' ORDER BY v) || upper('é') FROM unnest(ARRAY['b', 'B', 'a']) AS t(v)")
            ).scalar()
        engine.dispose()

    assert tuple(row) == ("daycount", "daycount", False)
    assert shown == {"listen_addresses": "", "TimeZone": "UTC", "fsync": "on"}
    # By code point: capitals before small letters; and still Unicode: é has a capital.
    assert order == "BabÉ"


def test_everything_is_closed_to_others_and_needs_the_password(new_dir: Path) -> None:
    with PrivatePostgres(new_dir) as server:
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.url.replace(server.password_file.read_text().strip(), "guess"))
        modes = {path.name: mode(path) for path in new_dir.iterdir()}

    assert modes == {
        "postgres": 0o700,
        "run": 0o700,
        "postgres.lock": 0o600,
        "postgres.log": 0o600,
        "postgres.password": 0o600,
    }


def test_stop_leaves_no_process_and_may_be_repeated(data_dir: Path) -> None:
    server = PrivatePostgres(data_dir)
    server.start()
    pid = server.pid
    assert pid in list_processes(data_dir / "postgres")
    idle = psycopg.connect(server.url)

    server.stop(30)
    server.stop(30)

    assert list_processes(data_dir / "postgres") == []
    assert not (data_dir / "postgres" / "postmaster.pid").exists()
    assert (server.pid, server.poll()) == (None, None)
    idle.close()


def test_the_server_is_a_direct_child_in_a_session_of_its_own(data_dir: Path) -> None:
    with PrivatePostgres(data_dir) as server:
        assert server.pid is not None
        parent = int(Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()[1])
        session = os.getsid(server.pid)

    assert parent == os.getpid()
    assert session != os.getsid(0)


def test_a_killed_parent_takes_the_server_with_it(data_dir: Path) -> None:
    parent, _, _ = start_parent(data_dir)
    with psycopg.connect(PrivatePostgres(data_dir).url) as connection:
        connection.execute("CREATE TABLE kept (value int)")
        connection.execute("INSERT INTO kept VALUES (2)")

    kill(parent)

    assert wait_until_gone(data_dir) == []
    with PrivatePostgres(data_dir) as server:
        assert list_values(server) == [2]


def test_a_start_right_after_the_parent_was_killed_succeeds(data_dir: Path) -> None:
    parent, killed_pid, _ = start_parent(data_dir)
    kill(parent)

    with PrivatePostgres(data_dir) as server:
        assert server.pid != killed_pid
        assert server.poll() is None


def test_a_server_that_outlived_its_parent_is_ended_first(data_dir: Path) -> None:
    parent, orphan_pid, _ = start_parent(data_dir)
    # A stopped process does not act on SIGINT before it continues, so it is still there at the next start.
    os.kill(orphan_pid, signal.SIGSTOP)
    kill(parent)
    threading.Timer(0.5, os.kill, (orphan_pid, signal.SIGCONT)).start()
    notices: list[str] = []

    with PrivatePostgres(data_dir, log=notices.append) as server:
        assert server.pid != orphan_pid

    assert any("earlier run" in notice for notice in notices)


def test_a_forked_worker_that_outlives_the_parent_does_not_keep_the_folder(data_dir: Path) -> None:
    parent, _, worker_pid = start_parent(data_dir, what="fork")
    # The worker holds the pipe open, so only wait for the parent itself.
    parent.kill()
    parent.wait()

    try:
        with PrivatePostgres(data_dir) as server:
            assert server.poll() is None
    finally:
        os.kill(worker_pid, signal.SIGKILL)
        parent.communicate()


def test_a_killed_server_is_reported_and_starts_again(data_dir: Path) -> None:
    with PrivatePostgres(data_dir) as server:
        keep_value(server, 3)
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        deadline = time.monotonic() + GONE_WITHIN_S
        while (code := server.poll()) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert code == -signal.SIGKILL

        server.start()

        assert server.poll() is None
        assert list_values(server) == [3]


def test_a_second_server_on_the_folder_is_refused(data_dir: Path) -> None:
    with PrivatePostgres(data_dir) as server:
        with pytest.raises(PostgresUnavailable, match=rf"in use by another Daycount \(process {os.getpid()}\)"):
            PrivatePostgres(data_dir).start()
        with pytest.raises(PostgresUnavailable, match="running already"):
            server.start()

        keep_value(server, 4)
        assert list_values(server) == [4]


def test_a_pid_file_that_names_another_program_is_no_obstacle(data_dir: Path) -> None:
    parent, server_pid, _ = start_parent(data_dir)
    os.kill(server_pid, signal.SIGKILL)
    kill(parent)
    pid_file = data_dir / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().splitlines(keepends=True)
    other = subprocess.Popen(["sleep", "60"])
    pid_file.write_text(f"{other.pid}\n" + "".join(lines[1:]))
    (data_dir / "run" / ".s.PGSQL.5432.lock").write_text(f"{other.pid}\n" + "".join(lines[1:]))

    try:
        with PrivatePostgres(data_dir) as server:
            assert server.poll() is None
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_long_path_gets_its_socket_elsewhere(data_dir: Path) -> None:
    deep = data_dir.rename(data_dir.with_name("long" * 30))
    with PrivatePostgres(deep) as server:
        keep_value(server, 5)
        socket_dir = Path((deep / "run.path").read_text().strip())
        assert mode(socket_dir) == 0o700
    assert not socket_dir.exists()

    parent, _, _ = start_parent(deep)
    killed_dir = Path((deep / "run.path").read_text().strip())
    kill(parent)
    with PrivatePostgres(deep) as server:
        assert list_values(server) == [5]
        assert Path((deep / "run.path").read_text().strip()) == killed_dir


def test_an_odd_path_works(data_dir: Path) -> None:
    odd = data_dir.rename(data_dir.with_name("it's, 100% odd: é"))

    with PrivatePostgres(odd) as server:
        keep_value(server, 6)


def test_a_folder_that_holds_other_things_is_used_and_left_as_it_is(new_dir: Path) -> None:
    new_dir.mkdir(mode=0o750)
    (new_dir / "notes.txt").write_text("mine")

    with PrivatePostgres(new_dir):
        pass

    assert (new_dir / "notes.txt").read_text() == "mine"
    assert mode(new_dir) == 0o750


def test_an_interrupted_creation_is_swept_away(new_dir: Path) -> None:
    (new_dir / "postgres.new-0badcafe" / "cluster").mkdir(parents=True)

    with PrivatePostgres(new_dir):
        pass

    assert not list(new_dir.glob("postgres.new-*"))


def test_what_is_not_a_cluster_is_refused(new_dir: Path) -> None:
    (new_dir / "postgres").mkdir(parents=True)
    (new_dir / "postgres" / "holiday.jpg").touch()

    with pytest.raises(PostgresUnavailable, match="not a PostgreSQL cluster"):
        PrivatePostgres(new_dir).start()


def test_a_cluster_of_another_major_version_is_refused(new_dir: Path) -> None:
    (new_dir / "postgres").mkdir(parents=True)
    (new_dir / "postgres" / "PG_VERSION").write_text("12\n")

    with pytest.raises(PostgresUnavailable, match=r"created by PostgreSQL 12, but .* pg_upgrade"):
        PrivatePostgres(new_dir).start()


def test_a_server_that_cannot_start_says_why_and_leaves_nothing(data_dir: Path) -> None:
    with (data_dir / "postgres" / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    server = PrivatePostgres(data_dir)

    with pytest.raises(PostgresUnavailable, match="no_such_setting"):
        server.start()

    assert server.pid is None
    assert list_processes(data_dir / "postgres") == []


def test_a_start_in_another_thread_is_refused(new_dir: Path) -> None:
    errors: list[str] = []

    def start() -> None:
        try:
            PrivatePostgres(new_dir).start()
        except PostgresUnavailable as error:
            errors.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

    assert len(errors) == 1
    assert "main thread" in errors[0]


def test_a_large_log_is_moved_aside_while_the_server_runs(data_dir: Path) -> None:
    with PrivatePostgres(data_dir) as server:
        with server.log_file.open("ab") as file:
            file.write(b"x" * (LARGEST_BYTES + 1))
        server.poll()
        assert server.log_file.stat().st_size == 0
        assert mode(data_dir / "postgres.log.1") == 0o600

    assert 0 < server.log_file.stat().st_size < LARGEST_BYTES


def test_a_folder_without_binaries_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PostgresUnavailable, match="does not hold PostgreSQL's programs"):
        find_binaries(tmp_path)


def test_settings_follow_the_machine() -> None:
    small = settings.compute_settings(memory_mib=256, free_disk_mib=400)
    large = settings.compute_settings(memory_mib=65536, free_disk_mib=1_000_000)

    # An eighth of 256 MiB is below the least, 64; an eighth of 400 below the least, 128; 65536 / 8 above the most, 2048.
    assert (small["shared_buffers"], small["max_wal_size"]) == ("64MB", "128MB")
    assert (large["shared_buffers"], large["max_wal_size"]) == ("2048MB", "4096MB")


def test_the_limit_of_a_container_counts_as_its_memory(tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"

    limit.write_text("134217728\n")
    assert settings.get_memory_mib(cgroup_limit=limit) == 128

    limit.write_text("max\n")
    assert settings.get_memory_mib(cgroup_limit=limit) == settings.get_memory_mib(cgroup_limit=tmp_path / "missing")


@as_root
def test_root_runs_below_folders_that_only_root_can_enter_and_changes_none(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    with PrivatePostgres(closed / "data") as server:
        keep_value(server, 8)
        assert server.pid is not None
        effective = Path(f"/proc/{server.pid}/status").read_text().split("CapEff:")[1].split()[0]

    assert int(effective, 16) == 0
    assert (mode(closed), mode(closed / "data"), mode(closed / "data" / "postgres")) == (0o700, 0o700, 0o700)


@as_root
def test_an_ordinary_user_runs_it_as_itself(open_folder: Path) -> None:
    shutil.chown(open_folder, "nobody")
    program = find_python_for("nobody")
    if program is None:
        pytest.skip("no Python that nobody can run can import Daycount")

    answer, _ = run_python(ROUND_TRIP, open_folder / "data", program=program, user="nobody").communicate()

    assert answer == "7\n"
    assert (open_folder / "data" / "postgres").owner() == "nobody"


@as_root
def test_root_runs_the_cluster_of_a_user_as_that_user(open_folder: Path, template: Path) -> None:
    copy_cluster(template, open_folder)
    subprocess.run(["chown", "-R", "nobody", open_folder], check=True)

    with PrivatePostgres(open_folder) as server:
        assert Path(f"/proc/{server.pid}").owner() == "nobody"

    assert {path.owner() for path in open_folder.iterdir()} == {"nobody"}


@as_root
def test_root_runs_the_cluster_of_a_user_without_name(open_folder: Path) -> None:
    data_dir = open_folder / "data"
    data_dir.mkdir(mode=0o700)
    os.chown(data_dir, 54321, 54321)

    parent, server_pid, _ = start_parent(data_dir)
    assert Path(f"/proc/{server_pid}").stat().st_uid == 54321
    kill(parent)

    assert wait_until_gone(data_dir) == []
    with PrivatePostgres(data_dir) as server:
        assert Path(f"/proc/{server.pid}").stat().st_uid == 54321


@as_root
@pytest.mark.usefixtures("no_namespaces")
def test_without_namespaces_root_hands_the_cluster_to_nobody(open_folder: Path) -> None:
    data_dir = open_folder / "data"
    data_dir.mkdir(mode=0o700)
    with PrivatePostgres(data_dir) as server:
        keep_value(server, 9)
        assert Path(f"/proc/{server.pid}").owner() == "nobody"
    assert (mode(open_folder), mode(data_dir), mode(data_dir / "postgres")) == (0o755, 0o711, 0o700)

    with PrivatePostgres(data_dir) as server:
        assert list_values(server) == [9]


@as_root
@pytest.mark.usefixtures("no_namespaces")
def test_a_cluster_of_root_changes_hands_when_namespaces_are_lost(open_folder: Path, template: Path) -> None:
    copy_cluster(template, open_folder)
    assert (open_folder / "postgres").owner() == "root"

    with PrivatePostgres(open_folder) as server:
        keep_value(server, 10)
        assert Path(f"/proc/{server.pid}").owner() == "nobody"


@as_root
@pytest.mark.usefixtures("no_namespaces")
def test_binaries_out_of_reach_are_copied_once(open_folder: Path, tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "COPIES_DIR", open_folder / "copies")
    closed = tmp_path / "closed"
    source = find_binaries(None).parent
    package = source.parent.name
    shutil.copytree(source, closed / package / source.name, symlinks=True)
    if (libraries := source.parent.with_name(source.parent.name + ".libs")).is_dir():
        shutil.copytree(libraries, closed / libraries.name)
    closed.chmod(0o700)
    copy_cluster(template, open_folder)

    for _ in range(2):
        with PrivatePostgres(open_folder, binaries=closed / package / source.name / "bin") as server:
            program = Path(f"/proc/{server.pid}/exe").readlink()

    copy = open_folder / "copies" / f"postgresql-{binaries.get_version(source / 'bin')}"
    assert program == copy / package / source.name / "bin" / "postgres"
    assert list((open_folder / "copies").iterdir()) == [copy]
    assert mode(closed) == 0o700


@as_root
@pytest.mark.usefixtures("no_namespaces")
def test_when_no_user_can_reach_the_folder_the_error_says_what_to_do(new_dir: Path) -> None:
    new_dir.parent.chmod(0o700)

    with pytest.raises(PostgresUnavailable, match=r"as root in a user namespace: .* as nobody: .* another data folder"):
        PrivatePostgres(new_dir).start()


def test_an_identity_is_described_in_words() -> None:
    assert identity.Identity(user_id=0, group_id=0, alias=65534).describe() == "root in a user namespace"
    assert cluster.SUPERUSER not in identity.Identity(user_id=54321, group_id=1, alias=None).describe()
