"""Children that do not outlive their parent: the kernel's signal on Linux, a look at getppid elsewhere."""

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
_LOOK_SECONDS = 1.0
_forked_by_main_thread = False


def follow_parent(parent_id: int, signum: signal.Signals = signal.SIGTERM) -> None:
    """Get the signal when the parent dies; also where it died before we could ask for that."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(parent_id, signum), name="parent-watch", daemon=True).start()
    if os.getppid() != parent_id:
        os.kill(os.getpid(), signum)


def kill_forks_with_their_parent() -> None:
    """From now on every process forked from this one, and theirs, is killed when its parent dies.

    Forks of other threads are left alone: the kernel counts the forking thread as the parent.
    """
    os.register_at_fork(before=_note_thread, after_in_child=_follow_in_fork)


def _note_thread() -> None:
    global _forked_by_main_thread
    _forked_by_main_thread = threading.current_thread() is threading.main_thread()


def _follow_in_fork() -> None:
    if _forked_by_main_thread and sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def _watch(parent_id: int, signum: signal.Signals) -> None:
    while os.getppid() == parent_id:
        time.sleep(_LOOK_SECONDS)
    os.kill(os.getpid(), signum)
