"""The supervisor's loop: starts the children, restarts what dies or falls silent, stops all within 10 s.

It is one thread and holds no database connection, HTTP client or lock: whatever it held would be forked along.
"""

import contextlib
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType

from config.supervisor.child import Child, Program
from config.supervisor.output import Printer
from config.supervisor.ready import answers

LOOK_SECONDS = 0.25
# Quality: one SIGTERM ends everything within 10 s. The last ones get what is left of it.
STOP_SECONDS = 8.0
LAST_STOP_SECONDS = 9.5
PATIENCE_SECONDS = 30.0
NAME = "supervisor"


class Supervisor:
    """Runs programs until it is told to stop."""

    def __init__(self, programs: list[Program], *, on_ready: Callable[[], None] | None = None) -> None:
        self.children = [Child(program) for program in programs]
        self._printer = Printer([NAME, *(program.name for program in programs)])
        self._selector = selectors.DefaultSelector()
        self._on_ready = on_ready
        self._may_all_start = False
        self._is_ready = False
        self._is_stopping = False
        self._complain_at = time.monotonic() + PATIENCE_SECONDS
        self._wake_reading, self._wake_writing = socket.socketpair()

    def run(self) -> int:
        """Until SIGTERM or Ctrl-C; then everything has ended. The exit code is 0."""
        self._catch_signals()
        while not self._is_stopping:
            self._start_what_may()
            self._look(LOOK_SECONDS)
            self._kill_the_silent()
            if not self._is_ready:
                self._look_whether_ready()
        self._stop()
        return 0

    def stop(self, signum: int = 0, frame: FrameType | None = None) -> None:
        """Make `run` stop everything and return; also the signal handler."""
        self._is_stopping = True

    def _catch_signals(self) -> None:
        for end in (self._wake_reading, self._wake_writing):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake_writing.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._wake_reading, selectors.EVENT_READ, None)
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        signal.signal(signal.SIGCHLD, lambda signum, frame: None)

    def _start_what_may(self) -> None:
        if not self._may_all_start:
            self._may_all_start = all(_is_ready(child) for child in self.children if child.program.serves_others)
        for child in self.children:
            is_its_turn = self._may_all_start or child.program.serves_others
            if is_its_turn and not child.is_running and time.monotonic() >= child.may_start_at:
                child.start(close_in_child=self._descriptors())
                if child.output is not None:
                    self._selector.register(child.output, selectors.EVENT_READ, child)

    def _descriptors(self) -> list[int]:
        registered = [key.fd for key in self._selector.get_map().values()]
        selector = getattr(self._selector, "fileno", None)
        own = [selector()] if selector else []
        return [*registered, self._wake_writing.fileno(), *own]

    def _look(self, seconds: float) -> None:
        """Print what was written, take notice of who died."""
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    self._wake_reading.recv(4096)
            elif not self._printer.read(key.data.program.name, key.fd):
                self._selector.unregister(key.fd)
                os.close(key.fd)
        self._reap()

    def _reap(self) -> None:
        # As process 1 of a container it also inherits orphans: wait for any process.
        while True:
            try:
                process_id, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process_id == 0:
                return
            for child in self.children:
                if child.process_id == process_id:
                    self._say_how_it_ended(child, status)
                    child.has_died()

    def _say_how_it_ended(self, child: Child, status: int) -> None:
        code = os.waitstatus_to_exitcode(status)
        if child.is_told_to_stop and code in (0, -signal.SIGTERM):
            return
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        restart = "" if self._is_stopping else ", starting it again"
        self._printer.say(NAME, f"{child.program.name} {how}{restart}")

    def _kill_the_silent(self) -> None:
        for child in self.children:
            if child.is_silent():
                seconds = child.program.silence_seconds
                self._printer.say(NAME, f"{child.program.name} has been silent for {seconds:.0f} s, killing it")
                child.kill_group()

    def _look_whether_ready(self) -> None:
        missing = [child.program.name for child in self.children if not _is_ready(child)]
        if missing and time.monotonic() > self._complain_at:
            self._complain_at = time.monotonic() + PATIENCE_SECONDS
            self._printer.say(NAME, f"still waiting for: {', '.join(missing)}")
        if missing:
            return
        self._is_ready = True
        if self._on_ready is not None:
            self._on_ready()

    def _stop(self) -> None:
        began_at = time.monotonic()
        self._printer.say(NAME, "stopping")
        first = [child for child in self.children if not child.program.serves_others]
        last = [child for child in self.children if child.program.serves_others]
        self._stop_these(first, until=began_at + STOP_SECONDS)
        self._stop_these(last, until=began_at + LAST_STOP_SECONDS)
        self._look(0)
        self._printer.say(NAME, f"stopped in {time.monotonic() - began_at:.1f} s")

    def _stop_these(self, children: list[Child], *, until: float) -> None:
        for child in children:
            child.ask_to_stop()
        while any(child.is_running for child in children) and time.monotonic() < until:
            self._look(min(LOOK_SECONDS, max(0.0, until - time.monotonic())))
        for child in children:
            if child.is_running:
                self._printer.say(NAME, f"{child.program.name} does not stop, killing it")
                child.kill_group()
        while any(child.is_running for child in children):
            self._look(LOOK_SECONDS)


def _is_ready(child: Child) -> bool:
    if not child.is_running:
        return False
    if child.program.heartbeat is not None and not child.has_beaten():
        return False
    return not child.program.address or answers(child.program.address)
