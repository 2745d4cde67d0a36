"""The real demo as `make run` starts it: migrations, demo data, and every process under the supervisor."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROCESSES = ("web", "fast", "bulk", "clock", "emulator", "model")
READY_SECONDS = 60
# runtime.md: one SIGTERM stops every process within ten seconds.
STOP_SECONDS = 10
FIRST_PORT = int(os.environ.get("E2E_PORT", "19210"))


def free_port() -> int:
    """The first of three free ports in a row: web, emulator and model."""
    for port in range(FIRST_PORT, FIRST_PORT + 80, 3):
        if all(_is_free(port + offset) for offset in range(3)):
            return port
    raise RuntimeError(f"no three free ports from {FIRST_PORT} on")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@dataclass
class Demo:
    """An installation in a folder of its own, that can be stopped and started again."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """What demo.json says."""
        facts: dict[str, Any] = json.loads((self.folder / "demo.json").read_text())
        return facts

    @property
    def url(self) -> str:
        """Where the pages are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What the processes said so far."""
        path = self.folder / "supervisor.log"
        return path.read_text() if path.exists() else ""

    def environment(self) -> dict[str, str]:
        """Ours, without what would lead to another database or other settings."""
        dropped = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "BROWSER_TESTS")
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        return {**kept, "DATA_DIR": str(self.folder), "PORT": str(self.port), "DEMO": "1"}

    def manage(self, *arguments: str, feed: str | None = None) -> str:
        """Run a management command in the installation; raises CalledProcessError."""
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment(), check=True, capture_output=True, text=True, input=feed
        )
        return done.stdout

    def prepare(self) -> None:
        """What `make run` does before it starts the processes."""
        self.manage("collectstatic", "--noinput", "--verbosity", "0")
        self.manage("migrate", "--verbosity", "0")
        self.manage("createcachetable")
        self.manage("demo_data")

    def start(self) -> float:
        """Start every process; returns after how many seconds all of them answered."""
        begun = time.monotonic()
        # The last run's: only this one's says that all is up.
        (self.folder / "demo.json").unlink(missing_ok=True)
        with (self.folder / "supervisor.log").open("ab") as log:
            command = [sys.executable, "-m", "config.supervisor", *PROCESSES]
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment(), stdout=log, stderr=log, start_new_session=True
            )
        while not (self.folder / "demo.json").exists():
            if self.process.poll() is not None or time.monotonic() - begun > READY_SECONDS:
                self.stop()
                raise RuntimeError(f"the demo did not start:\n{self.log[-3000:]}")
            time.sleep(0.1)
        return time.monotonic() - begun

    def stop(self) -> float:
        """One SIGTERM; returns the seconds until the supervisor had ended. Kills its session where it does not."""
        assert self.process is not None
        begun = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS * 2)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        return time.monotonic() - begun

    def is_silent(self) -> bool:
        """Whether nothing listens on its ports any more."""
        return all(_is_free(self.port + offset) for offset in range(3))


@contextmanager
def running_demo(folder: Path) -> Iterator[Demo]:
    """The demo with its data, stopped at the end."""
    demo = Demo(folder)
    demo.prepare()
    demo.start()
    try:
        yield demo
    finally:
        demo.stop()
