"""The fair write lock of a SQLite database: an flock on a file beside it, one open file a connection."""

import fcntl
import os
import weakref
from pathlib import Path

_locks: "weakref.WeakSet[WriteLock]" = weakref.WeakSet()


class WriteLock:
    """Held by one connection from BEGIN IMMEDIATE to COMMIT or ROLLBACK.

    SQLite's busy handler sleeps and starves: with four writers single waits took 1.5 s. The kernel hands an
    flock on in the order of asking, and gives it up when its process dies.
    """

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + "-writer")
        self.is_held = False
        self._descriptor: int | None = None
        _locks.add(self)

    def acquire(self) -> None:
        """Wait for our turn and take the lock; does nothing where this connection holds it already."""
        if self.is_held:
            return
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self.is_held = True

    def release(self) -> None:
        """Let the next one in; does nothing where the lock is not held."""
        if self.is_held and self._descriptor is not None:
            self.is_held = False
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def __del__(self) -> None:
        # A thread that ends drops its connection without closing it.
        self.forget()

    def close(self) -> None:
        """Release and forget the open file."""
        self.release()
        self.forget()

    def forget(self) -> None:
        """Close the open file without unlocking: in a forked child the lock is still the parent's."""
        self.is_held = False
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _forget_in_child() -> None:
    # An flock belongs to the open file, which a child shares: left open, a dead parent's child would hold it on.
    for lock in list(_locks):
        lock.forget()


os.register_at_fork(after_in_child=_forget_in_child)
