"""One Daycount per data folder: a lock that the kernel releases when its holder dies, however it dies."""

import fcntl
import os
import time
import weakref
from pathlib import Path

from daycount.infra.postgres.errors import PostgresUnavailable

_GONE_WITHIN_S = 3.0
_POLL_S = 0.02


def _try_to_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(holder: str) -> bool:
    """Tell whether the process that noted itself as the holder is there."""
    if not holder.isdecimal():
        return False
    try:
        os.kill(int(holder), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class FolderLock:
    """An exclusive lock on a file; the file keeps the holder's pid for the error that others get."""

    def __init__(self, path: Path) -> None:
        """Prepare the lock; nothing is touched yet."""
        self.path = path
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        """Tell whether this object holds the lock."""
        return self._descriptor is not None

    def acquire(self) -> None:
        """
        Take the lock; raises PostgresUnavailable when another holds it.

        Waits for a moment only where the noted holder is gone: a process that it had just forked may not have let go yet.
        """
        # Python's descriptors are not inherited by exec, so PostgreSQL does not keep the lock when we die.
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + _GONE_WITHIN_S
        while not _try_to_lock(descriptor):
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            if _is_alive(holder) or time.monotonic() > deadline:
                os.close(descriptor)
                message = (
                    f"{self.path.parent} is in use by another Daycount (process {holder}). Stop that one or choose another data folder."
                )
                raise PostgresUnavailable(message)
            time.sleep(_POLL_S)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        held.add(self)

    def release(self) -> None:
        """Give the lock back; does nothing when it is not held. The file stays: removing it would race with the next holder."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            held.discard(self)


held: weakref.WeakSet[FolderLock] = weakref.WeakSet()


def close_in_fork() -> None:
    """Close the locks in a process just forked: a worker that outlives us must not keep the folder locked."""
    for lock in list(held):
        lock.release()


os.register_at_fork(after_in_child=close_in_fork)
