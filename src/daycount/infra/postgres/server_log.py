"""PostgreSQL's log: one file that it appends to, and one older file, both of bounded size."""

import os
import shutil
from pathlib import Path

LARGEST_BYTES = 10 * 1024 * 1024
SHOWN_BYTES = 4096
SHOWN_LINES = 12


def open_log(path: Path) -> int:
    """Open the log for appending and return its descriptor; only its owner may read it."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def cap(path: Path) -> None:
    """
    Move the log to its older file when it has grown beyond 10 MiB.

    By copy and truncate, because PostgreSQL keeps the file open; it appends, so it goes on at the new end. What it
    writes between the two steps is lost.
    """
    if path.exists() and path.stat().st_size > LARGEST_BYTES:
        shutil.copyfile(path, path.with_name(path.name + ".1"))
        path.with_name(path.name + ".1").chmod(0o600)
        os.truncate(path, 0)


def read_tail(path: Path, *, start: int) -> str:
    """Read the last lines that were written after the byte `start`."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(min(start, end), end - SHOWN_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-SHOWN_LINES:])
