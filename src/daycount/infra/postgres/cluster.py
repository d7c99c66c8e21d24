"""The cluster on disk: created whole or not at all, of the version of the binaries, closed to everybody else."""

import os
import secrets
import shutil
import stat
from pathlib import Path

from daycount.infra.postgres.binaries import Version
from daycount.infra.postgres.errors import PostgresUnavailable
from daycount.infra.postgres.identity import Identity, explain
from daycount.infra.postgres.settings import FILE_NAME

SUPERUSER = "postgres"
INITDB_TIMEOUT_S = 600
BUILTIN_LOCALES_SINCE = 17


def write_whole(path: Path, *, text: str, identity: Identity) -> None:
    """Replace a file by one with mode 0600 that belongs to the identity; after a crash there is the old one or the new one."""
    building = path.with_name(path.name + ".new")
    building.unlink(missing_ok=True)
    with open(building, "x", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    identity.own(building)
    building.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def exists(cluster: Path) -> bool:
    """Tell whether there is a cluster; raises PostgresUnavailable when the folder holds something else."""
    if (cluster / "PG_VERSION").exists():
        return True
    if cluster.exists() and (not cluster.is_dir() or any(cluster.iterdir())):
        message = f"{cluster} is there but is not a PostgreSQL cluster. Move it away or choose another data folder."
        raise PostgresUnavailable(message)
    return False


def require_version(cluster: Path, *, version: Version) -> None:
    """Make sure that the binaries can read the cluster; raises PostgresUnavailable otherwise."""
    found = (cluster / "PG_VERSION").read_text().strip()
    if found != str(version.major):
        message = (
            f"{cluster} was created by PostgreSQL {found}, but the programs found are of PostgreSQL {version}. "
            f"Use the programs of PostgreSQL {found}, or bring the cluster to version {version.major} with pg_upgrade or a dump."
        )
        raise PostgresUnavailable(message)


def get_password(path: Path) -> str:
    """Read the database password; raises PostgresUnavailable when the file is missing."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError as error:
        message = f"{path} is missing: it holds the password of the database. Restore it from a backup."
        raise PostgresUnavailable(message) from error


def create_password(path: Path, *, identity: Identity) -> str:
    """Write a new random password to the file and return it."""
    password = secrets.token_urlsafe(32)
    write_whole(path, text=password + "\n", identity=identity)
    return password


def create(cluster: Path, *, binaries: Path, version: Version, identity: Identity, password: str) -> None:
    """
    Create the cluster in a sibling folder and rename it into place when it is complete and on disk.

    Raises PostgresUnavailable with initdb's own words.
    """
    remove_unfinished(cluster)
    building = cluster.with_name(f"{cluster.name}.new-{secrets.token_hex(4)}")
    building.mkdir(mode=0o700)
    identity.own(building)
    password_file = building / "password"
    write_whole(password_file, text=password + "\n", identity=identity)
    arguments: list[str | Path] = [binaries / "initdb", *list_options(version), f"--pwfile={password_file}", "-D", building / "cluster"]
    finished = identity.run(arguments, folder=cluster.parent, timeout_s=INITDB_TIMEOUT_S)
    if finished.returncode != 0:
        shutil.rmtree(building, ignore_errors=True)
        message = f"PostgreSQL's initdb failed: {explain(finished)}"
        raise PostgresUnavailable(message)
    include_settings(building / "cluster")
    (building / "cluster").rename(cluster)
    sync_folder(cluster.parent)
    shutil.rmtree(building)


def remove_unfinished(cluster: Path) -> None:
    """Remove what an interrupted creation left behind."""
    for left in cluster.parent.glob(f"{cluster.name}.new-*"):
        shutil.rmtree(left, ignore_errors=True)


def list_options(version: Version) -> list[str]:
    """
    List initdb's options: UTF-8, ordered by code point, checked pages, a password for everybody.

    The builtin locale, where there is one, cannot change under the indexes when the system's libraries are updated.
    """
    if version.major >= BUILTIN_LOCALES_SINCE:
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    else:
        locale = ["--locale=C.UTF-8"]
    return ["--encoding=UTF8", *locale, "--data-checksums", "--auth=scram-sha-256", f"--username={SUPERUSER}"]


def include_settings(cluster: Path) -> None:
    """Have the cluster read our settings before whatever the operator adds to the end of its own file."""
    with (cluster / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(f"\ninclude_if_exists = '{FILE_NAME}'\n")
        file.flush()
        os.fsync(file.fileno())


def close_to_others(cluster: Path) -> None:
    """Give the cluster folder the mode 0700."""
    if stat.S_IMODE(cluster.stat().st_mode) != stat.S_IRWXU:
        cluster.chmod(stat.S_IRWXU)
