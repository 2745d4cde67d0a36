"""Names for processes, as `ps -o comm` shows them: which of a cluster's many forks is the pusher, which a worker."""

import ctypes
import sys

_PR_SET_NAME = 15
# The kernel keeps 15 bytes.
_LONGEST = 15


def name_process(name: str) -> None:
    """Give this process (its main thread) a name; forks inherit it. Does nothing outside Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:_LONGEST], 0, 0, 0)
