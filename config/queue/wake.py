"""Waking the embedded broker on the same machine: one byte into a named pipe, which nobody has to read."""

import contextlib
import errno
import os
import select
import stat
from pathlib import Path

from django.conf import settings

# Nobody listens, the pipe is full (so the reader will wake anyway), or it was never made: all the same to a writer.
_HARMLESS = {errno.ENXIO, errno.EAGAIN, errno.ENOENT, errno.EPIPE}


def pipe_path(queue: str) -> Path:
    """The named pipe of a queue. (A unix socket's path may have 107 bytes at most; DATA_DIR may be longer.)"""
    return Path(settings.DATA_DIR) / "run" / f"{queue}.wake"


def wake(queue: str) -> None:
    """Wake this machine's reader of the queue, if there is one; never blocks."""
    try:
        descriptor = os.open(pipe_path(queue), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in _HARMLESS:
            raise
        return
    try:
        os.write(descriptor, b"!")
    except OSError as error:
        if error.errno not in _HARMLESS:
            raise
    finally:
        os.close(descriptor)


class Listener:
    """The reading end of a queue's pipe, opened by the one process that takes tasks."""

    def __init__(self, queue: str) -> None:
        path = pipe_path(queue)
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        if not stat.S_ISFIFO(path.stat().st_mode):
            raise FileExistsError(f"{path} is not a named pipe: move it away.")
        # Read and write: without a writer of our own, select would report end of file for ever.
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def wait(self, seconds: float) -> None:
        """Return at the next byte, or after so many seconds."""
        readable, _, _ = select.select([self._descriptor], [], [], seconds)
        if readable:
            with contextlib.suppress(BlockingIOError):
                os.read(self._descriptor, 4096)

    def close(self) -> None:
        """Stop listening."""
        os.close(self._descriptor)
