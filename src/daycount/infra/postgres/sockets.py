"""The folder of the socket: in the data folder, or in the temporary folder when that path is too long or too odd for a socket."""

import os
import re
import shutil
import stat
import tempfile
from pathlib import Path

from daycount.infra.postgres.cluster import write_whole
from daycount.infra.postgres.errors import PostgresUnavailable
from daycount.infra.postgres.identity import Identity

PORT = 5432
# A socket's path has 108 bytes with its end, on some systems 104.
LONGEST_PATH = 103
# In an address or a setting a comma or a colon would end the path, a quote or a space would need quoting of its own.
PLAIN_PATH = re.compile(r"/[\w./@+=~-]*", re.ASCII)
RECORD = "run.path"


def get_socket_dir(data_dir: Path) -> Path:
    """Tell where the socket of the data folder is; raises PostgresUnavailable when no start has prepared a place for it."""
    if fits(data_dir / "run"):
        return data_dir / "run"
    try:
        return Path((data_dir / RECORD).read_text(encoding="utf-8").strip())
    except FileNotFoundError as error:
        message = f"{data_dir} has no running PostgreSQL."
        raise PostgresUnavailable(message) from error


def prepare_socket_dir(data_dir: Path, *, identity: Identity) -> Path:
    """
    Make the socket's folder, empty and with mode 0700, and return it; raises PostgresUnavailable when no short path exists.

    Only called when no server of ours runs. A socket's lock file left by a killed one would stop PostgreSQL if its pid
    is a zombie or belongs to another program by now.
    """
    if fits(data_dir / "run"):
        folder = data_dir / "run"
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        identity.own(folder)
    else:
        folder = prepare_temporary_dir(data_dir, identity=identity)
    for left in folder.glob(".s.PGSQL.*"):
        left.unlink()
    return folder


def prepare_temporary_dir(data_dir: Path, *, identity: Identity) -> Path:
    """Return the recorded folder if it is still ours alone, else make and record another."""
    record = data_dir / RECORD
    if record.exists():
        recorded = Path(record.read_text(encoding="utf-8").strip())
        if is_private(recorded, identity=identity):
            return recorded
    parent = next((folder for folder in (tempfile.gettempdir(), "/tmp") if fits(Path(folder, "daycount-12345678"))), None)  # noqa: S108
    if parent is None:
        message = f"The path of {data_dir} is too long for a socket, and so is that of the temporary folder. Set TMPDIR to a short one."
        raise PostgresUnavailable(message)
    folder = Path(tempfile.mkdtemp(dir=parent, prefix="daycount-"))
    identity.own(folder)
    write_whole(record, text=f"{folder}\n", identity=identity)
    return folder


def remove_temporary_dir(data_dir: Path) -> None:
    """Remove the folder that was made in the temporary folder, if any, and forget it."""
    record = data_dir / RECORD
    if fits(data_dir / "run") or not record.exists():
        return
    shutil.rmtree(record.read_text(encoding="utf-8").strip(), ignore_errors=True)
    record.unlink()


def fits(folder: Path) -> bool:
    """Tell whether a socket in the folder has a path that is short and plain enough."""
    name = str(folder / f".s.PGSQL.{PORT}")
    return len(os.fsencode(name)) <= LONGEST_PATH and PLAIN_PATH.fullmatch(name) is not None


def is_private(folder: Path, *, identity: Identity) -> bool:
    """Tell whether the folder is a real one that only the identity can enter."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == identity.user_id and stat.S_IMODE(found.st_mode) == stat.S_IRWXU
