"""One Daycount per data folder: a lock that the kernel releases when its holder dies, however it dies."""

import fcntl
import os
import weakref
from pathlib import Path

from daycount.infra.postgres.errors import PostgresUnavailable


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
        """Take the lock without waiting; raises PostgresUnavailable when another holds it."""
        # Python's descriptors are not inherited by exec, so PostgreSQL does not keep the lock when we die.
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            message = f"{self.path.parent} is in use by another Daycount (process {holder}). Stop that one or choose another data folder."
            raise PostgresUnavailable(message) from error
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
