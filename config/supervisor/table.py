"""Which processes there are, and how each is started."""

import sys
from functools import partial
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from config.queue.cluster import run_cluster
from config.queue.heartbeat import heartbeat_file, touch
from config.supervisor.child import Program
from config.web import run_web
from workspaces.alive import on_sign_of_life

# What an installation runs; `make run` adds the two servers that stand in for the outside world.
PRODUCTION = ("web", "fast", "bulk", "clock")
STAND_INS = ("emulator", "model")
CLOCK_SILENCE_SECONDS = 60.0


def programs(names: list[str]) -> list[Program]:
    """The programs of these names; raises KeyError for one that is not in the table."""
    table = _table()
    return [table[name] for name in names]


def ports(names: list[str]) -> dict[str, int]:
    """The port each of these programs listens on."""
    listening = {"web": settings.PORT, "emulator": settings.PORT + 1, "model": settings.PORT + 2}
    return {name: port for name, port in listening.items() if name in names}


def address(name: str) -> str:
    """Where a listening program is reached on this machine."""
    return f"http://127.0.0.1:{ports([name])[name]}"


def _table() -> dict[str, Program]:
    # Ours are forked from this loaded process: less memory, and a restart takes milliseconds.
    ours = [
        Program("web", main=run_web, address=f"{address('web')}/healthz"),
        Program("fast", main=partial(run_cluster, "fast"), heartbeat=heartbeat_file("fast")),
        Program("bulk", main=partial(run_cluster, "bulk"), heartbeat=heartbeat_file("bulk")),
        # Its turn may include a sweep of every workspace.
        Program("clock", main=_run_clock, heartbeat=heartbeat_file("clock"), silence_seconds=CLOCK_SILENCE_SECONDS),
    ]
    stand_ins = [
        Program(
            "emulator",
            argv=_manage("emulator", "--port", str(settings.PORT + 1), "--data", str(settings.DATA_DIR / "emulator")),
            address=address("emulator"),
            serves_others=True,
        ),
        Program(
            "model",
            argv=_manage("demo_model", "--port", str(settings.PORT + 2)),
            address=address("model"),
            serves_others=True,
        ),
    ]
    return {program.name: program for program in [*ours, *stand_ins]}


def _run_clock() -> None:
    on_sign_of_life(partial(touch, "clock"))
    call_command("clock")


def _manage(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *arguments)
