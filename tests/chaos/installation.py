"""One installation as production runs it, under the supervisor, and the emulator in a process of its own."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from django.conf import settings
from django.core.management import call_command

from messaging.emulator.client import EmulatorClient

ROOT = Path(__file__).parents[2]
READY_SECONDS = 60.0
NAMES = ("web", "fast", "bulk", "clock")


class Installation:
    """Processes, their logs, and the emulator's control calls."""

    def __init__(self, folder: Path, *, names: tuple[str, ...] = NAMES) -> None:
        self.folder, self.names = folder, names
        self.emulator = EmulatorClient(settings.EMULATOR_URL)
        self._emulator: subprocess.Popen[bytes] | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> int:
        """The supervisor's process id."""
        assert self._supervisor is not None
        return self._supervisor.pid

    def __enter__(self) -> "Installation":
        call_command("migrate", verbosity=0)
        call_command("createcachetable")
        port = settings.EMULATOR_URL.rsplit(":", 1)[1]
        arguments = ["--port", port, "--data", str(self.folder / "emulator"), "--retry-seconds", "0.5"]
        self._emulator = self._run("emulator", ["manage.py", "emulator", *arguments])
        _wait_for(f"{settings.EMULATOR_URL}/_emulator/health")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._emulator is not None:
            self._emulator.terminate()
            self._emulator.wait(20)
        self.emulator.close()

    def start(self) -> None:
        """Start ours and wait until the pages answer."""
        self._supervise()
        _wait_for(f"{settings.PUBLIC_URL}/healthz")

    def mind(self) -> bool:
        """Start the supervisor again if it is gone, as systemd would. True if it had to be."""
        if self._supervisor is None or self._supervisor.poll() is None:
            return False
        self._supervise()
        return True

    def stop(self) -> float:
        """SIGTERM to the supervisor; the seconds until everything had ended."""
        if self._supervisor is None:
            return 0.0
        began_at = time.monotonic()
        self._supervisor.send_signal(signal.SIGTERM)
        self._supervisor.wait(30)
        self._supervisor = None
        return time.monotonic() - began_at

    def log(self, name: str = "processes") -> str:
        """What the processes printed."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def _supervise(self) -> None:
        self._supervisor = self._run("processes", ["-m", "config.supervisor", *self.names])

    def _run(self, log: str, arguments: list[str]) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{log}.log").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with urlopen(address, timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise TimeoutError(f"{address} does not answer")
