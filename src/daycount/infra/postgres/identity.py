"""
As whom PostgreSQL runs: it refuses uid 0 and every uid without a passwd entry.

An `Identity` is a user to be outside, and, where PostgreSQL would refuse that user, the alias under which the process
sees itself in a user namespace. What the candidates are and in which order they are tried is decided here; the
switching itself is done by `launcher.py`.
"""

import os
import pwd
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from daycount.infra.postgres import binaries as binaries_
from daycount.infra.postgres import launcher
from daycount.infra.postgres.errors import PostgresUnavailable

PROBE_TIMEOUT_S = 30
ADVICE = "Run Daycount as an ordinary user, use another data folder, or give the address of a PostgreSQL of your own."


class Identity(NamedTuple):
    """A user for PostgreSQL; `alias` is the uid it sees in a user namespace, None when no namespace is needed."""

    user_id: int
    group_id: int
    alias: int | None

    def describe(self) -> str:
        """Name the identity in words for logs and errors."""
        try:
            name = pwd.getpwuid(self.user_id).pw_name
        except KeyError:
            name = f"uid {self.user_id}"
        return name if self.alias is None else f"{name} in a user namespace"

    def command(self, arguments: Sequence[str | Path], *, folder: Path) -> list[str]:
        """Wrap the arguments so that they run as this identity in the folder and end with this process."""
        alias = "-" if self.alias is None else str(self.alias)
        # -I and -S: no user site, no environment, no site-packages: quick, and the same everywhere.
        prefix = [sys.executable, "-I", "-S", launcher.__file__]
        wished = [str(os.getpid()), str(self.user_id), str(self.group_id), alias, str(folder)]
        return [*prefix, *wished, *(str(argument) for argument in arguments)]

    def run(self, arguments: Sequence[str | Path], *, folder: Path, timeout_s: float) -> subprocess.CompletedProcess[str]:
        """Run a program to its end as this identity and return its output; raises PostgresUnavailable when it takes too long."""
        try:
            return subprocess.run(
                self.command(arguments, folder=folder),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                env=environment(),
                errors="replace",
                start_new_session=True,
                text=True,
                timeout=timeout_s,
            )
        except subprocess.TimeoutExpired as error:
            message = f"{arguments[0]} did not finish within {timeout_s:.0f} s."
            raise PostgresUnavailable(message) from error

    def own(self, path: Path) -> None:
        """Give a file or folder to this identity; does nothing where it is the owner already."""
        found = path.lstat()
        if (found.st_uid, found.st_gid) != (self.user_id, self.group_id):
            os.chown(path, self.user_id, self.group_id, follow_symlinks=False)

    def own_tree(self, folder: Path) -> None:
        """Give a folder and all that is in it to this identity, unless the folder is its own already."""
        if folder.lstat().st_uid == self.user_id:
            return
        # The folder itself comes last: an interruption leaves it with the old owner, and the next start begins again.
        for parent, folders, files in os.walk(folder, topdown=False):
            for name in (*folders, *files):
                os.chown(Path(parent, name), self.user_id, self.group_id, follow_symlinks=False)
        os.chown(folder, self.user_id, self.group_id, follow_symlinks=False)


class Choice(NamedTuple):
    """The identity that works here, and the binaries it can run."""

    identity: Identity
    binaries: Path


def environment() -> dict[str, str]:
    """Return the environment for PostgreSQL's programs: none of our PG… variables, messages in English, because we read them."""
    kept = {name: value for name in ("PATH", "LD_LIBRARY_PATH") if (value := os.environ.get(name)) is not None}
    return kept | {"LC_ALL": "C"}


def choose_identity(*, data_dir: Path, cluster: Path, binaries: Path) -> Choice:
    """
    Find the first identity that can reach the data folder and run the binaries, by trying.

    Raises PostgresUnavailable with the reason of every candidate.
    """
    reasons = []
    for identity in list_candidates(data_dir=data_dir, cluster=cluster):
        choice, reason = try_identity(identity, data_dir=data_dir, binaries=binaries)
        if choice is not None:
            return choice
        reasons.append(f"as {identity.describe()}: {reason}")
    message = "PostgreSQL cannot run here. Tried " + "; ".join(reasons or ["no user at all"]) + ". " + ADVICE
    raise PostgresUnavailable(message)


def list_candidates(*, data_dir: Path, cluster: Path) -> Iterator[Identity]:
    """
    List the identities worth trying, the best first.

    An ordinary user can only be itself. Root takes the owner of the data, so that a folder does not change hands; then
    itself in a namespace, which works below folders that nobody else may enter; then nobody.
    """
    if os.geteuid() != 0:
        yield with_alias(user_id=os.geteuid(), group_id=os.getegid())
        return
    owner = (cluster if cluster.exists() else data_dir).stat()
    if owner.st_uid != 0:
        yield with_alias(user_id=owner.st_uid, group_id=owner.st_gid)
    yield with_alias(user_id=0, group_id=0)
    nobody = find_unprivileged_user()
    if nobody is not None and nobody.pw_uid != owner.st_uid:
        yield Identity(user_id=nobody.pw_uid, group_id=nobody.pw_gid, alias=None)


def with_alias(*, user_id: int, group_id: int) -> Identity:
    """Return the identity for the user, with an alias if PostgreSQL would refuse it."""
    nobody = find_unprivileged_user()
    if nobody is None or not is_refused(user_id):
        return Identity(user_id=user_id, group_id=group_id, alias=None)
    return Identity(user_id=user_id, group_id=group_id, alias=nobody.pw_uid)


def is_refused(user_id: int) -> bool:
    """Tell whether PostgreSQL refuses to run as the user."""
    if user_id == 0:
        return True
    try:
        pwd.getpwuid(user_id)
    except KeyError:
        return True
    return False


def find_unprivileged_user() -> pwd.struct_passwd | None:
    """Find `nobody`, or whichever user but root the machine knows; None if it knows only root."""
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        return next((user for user in pwd.getpwall() if user.pw_uid != 0), None)


def try_identity(identity: Identity, *, data_dir: Path, binaries: Path) -> tuple[Choice | None, str]:
    """Return the choice if the identity works, with a copy of the binaries if need be; otherwise None and the reason."""
    if identity.user_id == 0 and identity.alias is None:
        return None, "PostgreSQL refuses to run as root, and this machine has no other user"
    probe = probe_identity(identity, data_dir=data_dir, binaries=binaries)
    if probe.returncode == 0:
        return Choice(identity, binaries), ""
    if os.geteuid() != 0 or probe.returncode in {launcher.EXIT_NO_IDENTITY, launcher.EXIT_NO_FOLDER}:
        return None, explain(probe)
    # The user is fine but cannot reach the binaries, as when site-packages lie in somebody's closed home.
    copy = binaries_.copy_binaries(binaries)
    if copy is None:
        return None, explain(probe)
    probe = probe_identity(identity, data_dir=data_dir, binaries=copy)
    return (Choice(identity, copy), "") if probe.returncode == 0 else (None, explain(probe))


def probe_identity(identity: Identity, *, data_dir: Path, binaries: Path) -> subprocess.CompletedProcess[str]:
    """Run `initdb --version`, which looks for its `postgres`, as the identity in the folder above the data."""
    return identity.run([binaries / "initdb", "--version"], folder=data_dir.parent, timeout_s=PROBE_TIMEOUT_S)


def explain(finished: subprocess.CompletedProcess[str]) -> str:
    """Say in words how a program ended: its last line, or its exit code or signal."""
    lines = (finished.stderr.strip() or finished.stdout.strip()).splitlines()
    if lines:
        return lines[-1]
    return explain_exit(finished.returncode)


def explain_exit(code: int) -> str:
    """Say an exit code, or the signal for a negative one, in words."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def let_through(data_dir: Path, *, identity: Identity) -> None:
    """
    Make sure that the identity can pass through the data folder; what lies in it is closed by its own modes.

    Only the data folder itself is changed, never one above it, and only when somebody else than its owner must pass.
    """
    found = data_dir.stat()
    if found.st_uid != identity.user_id and not found.st_mode & stat.S_IXOTH:
        data_dir.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXGRP | stat.S_IXOTH)
