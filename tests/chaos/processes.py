"""Which processes an installation consists of, by kind, read from /proc; and killing one of a kind."""

import contextlib
import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

# Each kind of single process, and the groups. `fast` counts twice: it does the work.
KINDS = (
    "busy worker",
    "idle worker",
    "pusher",
    "monitor",
    "sentinel",
    "main",
    "clock",
    "web",
    "web worker",
    "busy worker",
    "idle worker",
    "group fast",
    "group bulk",
    "group web",
    "group clock",
    "supervisor",
)
GLANCE_SECONDS = 0.01
GLANCES = 60


@dataclass(frozen=True)
class Process:
    """A process as /proc tells of it."""

    id: int
    parent: int
    name: str


def tree(root: int) -> list[Process]:
    """Every living process below the root."""
    everyone = [process for process in map(_read, Path("/proc").glob("[0-9]*")) if process is not None]
    found, parents = [], {root}
    while parents:
        below = [process for process in everyone if process.parent in parents]
        found += below
        parents = {process.id for process in below}
    return found


def victims(kind: str, root: int, chance: random.Random) -> list[int]:
    """The ids to kill for this kind; empty where there is none just now (it is being started again)."""
    if kind == "supervisor":
        return [root]
    living = tree(root)
    if kind.startswith("group "):
        return [process.id for process in living if process.parent == root and process.name == kind.split()[1]]
    cluster = chance.choice(("fast", "fast", "bulk"))
    if kind in ("busy worker", "idle worker"):
        workers = [process.id for process in living if process.name == f"{cluster}:worker"]
        return _by_work(workers, busy=kind.startswith("busy"))
    if kind == "web worker":
        mains = {process.id for process in living if process.parent == root and process.name == "web"}
        return [process.id for process in living if process.parent in mains][-1:]
    wanted = {"main": cluster, "web": "web", "clock": "clock"}.get(kind, f"{cluster}:{kind}")
    return [process.id for process in living if process.name == wanted][:1]


def kill(ids: list[int], *, group: bool) -> bool:
    """SIGKILL, to the whole group of the first where asked. True if somebody was killed."""
    killed = False
    for process_id in ids:
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(process_id, signal.SIGKILL)
            killed = True
    return killed


def _by_work(workers: list[int], *, busy: bool) -> list[int]:
    """The first that is seen on a processor, or one that is not, for as long as there is patience."""
    before = {worker: _time_on_processor(worker) for worker in workers}
    for _ in range(GLANCES if busy else 5):
        time.sleep(GLANCE_SECONDS)
        now = {worker: _time_on_processor(worker) for worker in workers}
        working = [worker for worker in workers if now[worker] != before[worker]]
        if busy and working:
            return working[:1]
        before = now
        if not busy and len(working) < len(workers):
            return [worker for worker in workers if worker not in working][:1]
    return workers[:1]


def _time_on_processor(process_id: int) -> str:
    try:
        return Path(f"/proc/{process_id}/schedstat").read_text().split()[0]
    except OSError:
        return ""


def _read(folder: Path) -> Process | None:
    try:
        head, _, rest = (folder / "stat").read_text().rpartition(")")
    except OSError:
        return None
    fields = rest.split()
    if fields[0] == "Z":
        return None
    return Process(int(folder.name), int(fields[1]), head.partition("(")[2])
