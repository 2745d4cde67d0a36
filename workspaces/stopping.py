"""Whether this process, or the one it was forked from, was told to stop: long work looks between its steps."""

import mmap
import signal

# Anonymous shared memory: a cluster's main process alone gets the signal, its forked workers see the byte.
_flag = mmap.mmap(-1, 1)


def request_stop() -> None:
    """Tell this process and all that were forked from it to stop."""
    _flag[0] = 1


def is_stopping() -> bool:
    """True from `request_stop` on; a worker then puts its run back and takes no new one."""
    return _flag[0] == 1


def stop_on_signals() -> None:
    """Take SIGTERM and SIGINT as the wish to stop; for processes with a loop of their own."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: request_stop())
