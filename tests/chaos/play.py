"""`python -m tests.chaos.play FOLDER RUNS SEED RATE`: one storm from its first customer to the count."""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from tests.chaos import business  # noqa: E402
from tests.chaos.customers import Customers  # noqa: E402
from tests.chaos.installation import Installation  # noqa: E402
from tests.chaos.storm import Storm  # noqa: E402
from tests.chaos.verdict import Verdict, judge  # noqa: E402
from tests.chaos.waiting import states, wait_until_all_ended  # noqa: E402

PATIENCE_SECONDS = 300.0
SAY_EVERY_SECONDS = 15.0
LAST_ANSWERS_SECONDS = 15.0
STOP_SECONDS = 10.0


def play(folder: Path, *, runs: int, seed: int, per_second: float) -> bool:
    """Let `runs` customers through a storm; prints what was killed and counted. True if all is well."""
    began_at = time.monotonic()
    print(f"{runs} runs on {_parts()}, SEED={seed}", flush=True)
    with Installation(folder) as place:
        house = business.found(place.emulator)
        place.start()
        storm = Storm(place, seed=seed, redis_url=settings.REDIS_URL)
        customers = Customers(place.emulator, count=runs, per_second=per_second, chance=random.Random(seed + 3))
        storm.begin()
        customers.start()
        _watch(customers)
        storm.calm()
        seconds = wait_until_all_ended(house, place, count=runs, seconds=PATIENCE_SECONDS)
        customers.stopped.set()
        customers.join(10)
        verdict = judge(house, count=runs, kills=storm.kills)
        stop_seconds = place.stop()
        _print(storm, verdict, seconds, stop_seconds)
        _keep(storm, verdict)
        connection.close()
        is_good = verdict.is_good and stop_seconds <= STOP_SECONDS
        if not is_good:
            print(f"states of the runs: {dict(states(house))}")
        print(f"{'passed' if is_good else 'FAILED'} in {time.monotonic() - began_at:.0f} s", flush=True)
        return is_good


def _watch(customers: Customers) -> None:
    """Until everybody has written, and a little longer for answers."""
    said_at = time.monotonic()
    while customers.written < customers.count:
        time.sleep(0.5)
        if time.monotonic() - said_at > SAY_EVERY_SECONDS:
            said_at = time.monotonic()
            print(f"  {customers.written} have written, {len(customers.answered)} have answered", flush=True)
    last = time.monotonic() + LAST_ANSWERS_SECONDS
    while time.monotonic() < last and not customers.are_done:
        time.sleep(0.5)


def _parts() -> str:
    database = "PostgreSQL" if settings.DATABASE_URL else "SQLite"
    return f"{database} with Redis" if settings.REDIS_URL else database


def _print(storm: Storm, verdict: Verdict, seconds: float, stop_seconds: float) -> None:
    killed = ", ".join(f"{kind} {times}" for kind, times in sorted(storm.killed.items()))
    faults = ", ".join(f"{kind} {times}" for kind, times in sorted(storm.faults.items()))
    print(f"killed {storm.killed.total()}: {killed}")
    print(f"the platform's faults {storm.faults.total()}: {faults}")
    if storm.redis_url:
        print(f"FLUSHALL {storm.flushed} times")
    print(
        f"runs {verdict.runs}, done {verdict.done}, reported as unknown {verdict.reported} "
        f"({verdict.reported_unsent} of them had not reached the platform), "
        f"stopped at their third death {verdict.stopped}; "
        f"messages accepted by the platform {verdict.accepted}; "
        f"answers lost {verdict.answers_lost}, settled by a status {verdict.settled}; "
        f"settled {seconds:.0f} s after the storm, stopped in {stop_seconds:.1f} s"
    )
    for fault in verdict.faults[:40]:
        print(f"  WRONG: {fault}")
    print(f"lost, doubled or left: {len(verdict.faults)}", flush=True)


def _keep(storm: Storm, verdict: Verdict) -> None:
    """The figures for whoever asked for a file (.ci/run fails where there is none)."""
    if path := os.environ.get("CHAOS_RESULT"):
        figures = {"runs": verdict.runs, "killed": storm.killed.total(), "wrong": len(verdict.faults)}
        Path(path).write_text(json.dumps(figures))


if __name__ == "__main__":
    # Told to stop, it ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder, runs, seed, per_second = sys.argv[1:]
    sys.exit(not play(Path(folder), runs=int(runs), seed=int(seed), per_second=float(per_second)))
