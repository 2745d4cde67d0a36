"""One supervised process: how it is started in a session of its own, watched, and ended with its group."""

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config.supervisor.naming import name_process
from config.supervisor.parent import follow_parent

SILENCE_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 1.0
# A process that lived so long did start: its next death is waited for from the beginning.
SETTLED_SECONDS = 3.0


@dataclass(frozen=True)
class Program:
    """What to run: `main` in a fork of this process (its result is the exit code), or `argv` as a new program."""

    name: str
    main: Callable[[], int | None] | None = None
    argv: tuple[str, ...] = ()
    # Touched by the process; where it stands still for `silence_seconds`, the whole group is killed.
    heartbeat: Path | None = None
    silence_seconds: float = SILENCE_SECONDS
    # Any HTTP answer from here means that it is ready.
    address: str = ""
    # The others call this one: it is started before them and stopped after them.
    serves_others: bool = False


class Child:
    """A program's current process, and when the next one may be started after it died."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process_id: int | None = None
        self.output: int | None = None
        self.is_told_to_stop = False
        self.may_start_at = 0.0
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._started_at = 0.0
        self._last_beat: tuple[float, int] = (0.0, 0)

    @property
    def is_running(self) -> bool:
        """Whether it has a process."""
        return self.process_id is not None

    def start(self, *, close_in_child: list[int]) -> None:
        """Fork it, with a pipe for what it prints; the caller reads `output` until its end."""
        reading, writing = os.pipe()
        supervisor_id = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        process_id = os.fork()
        if process_id == 0:
            _be_the_child(self.program, supervisor_id, writing, [*close_in_child, reading])
        os.close(writing)
        os.set_blocking(reading, False)
        self.process_id = process_id
        self.output = reading
        self.is_told_to_stop = False
        self._started_at = time.monotonic()
        self._last_beat = (self._started_at, self._beat())

    def ask_to_stop(self) -> None:
        """SIGTERM to the main process alone: django-q2 hangs for ever when its whole group gets it."""
        self.is_told_to_stop = True
        if self.process_id is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process_id, signal.SIGTERM)

    def kill_group(self) -> None:
        """SIGKILL to the main process and all that it started."""
        if self.process_id is not None:
            _kill_group(self.process_id)
            # It may not have become the leader of its group yet.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process_id, signal.SIGKILL)

    def has_died(self) -> None:
        """Its main process is gone, for whatever reason: nothing of its group may go on, then it may start again."""
        if self.process_id is not None:
            _kill_group(self.process_id)
        self.process_id = None
        now = time.monotonic()
        if now - self._started_at >= SETTLED_SECONDS:
            self._pause_seconds = FIRST_PAUSE_SECONDS
        self.may_start_at = now + self._pause_seconds
        self._pause_seconds = min(self._pause_seconds * 2, LONGEST_PAUSE_SECONDS)

    def is_silent(self) -> bool:
        """Whether its heartbeat file has stood still too long (seen by our clock, which nobody sets)."""
        if self.program.heartbeat is None or self.process_id is None:
            return False
        beat = self._beat()
        if beat != self._last_beat[1]:
            self._last_beat = (time.monotonic(), beat)
        return time.monotonic() - self._last_beat[0] > self.program.silence_seconds

    def has_beaten(self) -> bool:
        """Whether a heartbeat came since it was started."""
        return self._last_beat[0] > self._started_at or self._beat() != self._last_beat[1]

    def _beat(self) -> int:
        try:
            return self.program.heartbeat.stat().st_mtime_ns if self.program.heartbeat else 0
        except FileNotFoundError:
            return 0


def _kill_group(leader_id: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader_id, signal.SIGKILL)


def _be_the_child(program: Program, supervisor_id: int, output: int, close: list[int]) -> None:
    """In the fork: a session of its own, default signals, the supervisor's death noticed; never returns."""
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(signum, signal.SIG_DFL)
        name_process(program.name)
        follow_parent(supervisor_id)
        for descriptor in close:
            os.close(descriptor)
        with Path(os.devnull).open() as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        if program.main is None:
            os.execvp(program.argv[0], program.argv)  # noqa: S606
        code = program.main() or 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
