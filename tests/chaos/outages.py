"""`python -m tests.chaos.outages FOLDER NAME`: a part is stopped for half a minute under load.

Afterwards nothing may be lost, doubled or failed. Exit code 77: it cannot be tried on this machine, which is said.
"""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import django
import psycopg
import redis

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from tests.chaos import business  # noqa: E402
from tests.chaos.customers import Customers  # noqa: E402
from tests.chaos.installation import Installation  # noqa: E402
from tests.chaos.processes import tree  # noqa: E402
from tests.chaos.verdict import judge  # noqa: E402
from tests.chaos.waiting import states, wait_until_all_ended  # noqa: E402
from tests.house import House  # noqa: E402

CANNOT_BE_TRIED = 77
OUTAGE_SECONDS = float(os.environ.get("OUTAGE_SECONDS", "30"))
PER_SECOND = 1.5
BEFORE_SECONDS, AFTER_SECONDS = 5.0, 5.0
PATIENCE_SECONDS = 240.0


class NotHere(Exception):
    """This machine does not allow the outage to be tried; the text says why."""


def under_load(place: Installation, outage: Callable[[House], list[str]], *, seed: int = 1) -> list[str]:
    """Customers write before, during and after the outage; what must not be, from it and from the count."""
    house = business.found(place.emulator)
    place.start()
    runs = round((BEFORE_SECONDS + OUTAGE_SECONDS + AFTER_SECONDS) * PER_SECOND)
    customers = Customers(place.emulator, count=runs, per_second=PER_SECOND, chance=random.Random(seed))
    customers.start()
    time.sleep(BEFORE_SECONDS)
    wrong = outage(house)
    while customers.written < runs:
        time.sleep(0.2)
    seconds = wait_until_all_ended(house, place, count=runs, seconds=PATIENCE_SECONDS)
    customers.stopped.set()
    customers.join(10)
    verdict = judge(house, count=runs, kills=[])
    wrong += verdict.faults
    wrong += _expect("/readyz", 200)
    print(
        f"  {runs} runs, {verdict.done} done, {verdict.accepted} messages, settled {seconds:.0f} s after the last one"
    )
    if verdict.faults:
        print(f"  states: {dict(states(house))}")
    connection.close()
    return wrong


def database(place: Installation) -> list[str]:
    """PostgreSQL refuses everything for 30 s, in the middle of what it was doing: a stop, then nobody there."""
    data = _postgres_folder()

    def outage(house: House) -> list[str]:
        connection.close()
        with stopped_postgres(data):
            wrong = _expect("/healthz", 200) + _expect("/readyz", 503)
            wrong += _expect(f"/webhooks/whatsapp/{house.sender.public_id}/", 503, body=b"{}")
            time.sleep(OUTAGE_SECONDS)
        return wrong

    return under_load(place, outage)


def broker(place: Installation) -> list[str]:
    """Redis is stopped, and comes back empty."""
    if not settings.REDIS_URL:
        raise NotHere("REDIS_URL is not set")
    server = redis.Redis.from_url(settings.REDIS_URL)
    process_id = int(server.info("server")["process_id"])

    def outage(house: House) -> list[str]:
        server.flushall()
        # Frozen, not ended: connections hang instead of being refused, which is the worse of the two.
        os.kill(process_id, signal.SIGSTOP)
        try:
            wrong = _expect("/readyz", 503)
            time.sleep(OUTAGE_SECONDS)
        finally:
            os.kill(process_id, signal.SIGCONT)
        return wrong

    return under_load(place, outage)


def platform(place: Installation) -> list[str]:
    """WhatsApp answers every call with 500 for as long."""

    def outage(house: House) -> list[str]:
        place.emulator.fault({"path": "/messages"}, {"http": 500}, times=None)
        time.sleep(OUTAGE_SECONDS)
        place.emulator.clear_faults()
        return []

    return under_load(place, outage)


def cluster(place: Installation) -> list[str]:
    """The fast cluster hangs: its pusher is frozen. It is found and replaced within a minute."""
    wrong: list[str] = []

    def outage(house: House) -> list[str]:
        frozen = next(process for process in tree(place.root) if process.name == "fast:pusher")
        os.kill(frozen.id, signal.SIGSTOP)
        began_at = time.monotonic()
        while time.monotonic() - began_at < 60 and frozen in tree(place.root):
            time.sleep(0.2)
        if frozen in tree(place.root):
            os.kill(frozen.id, signal.SIGCONT)
            wrong.append("a cluster that hung for a minute was not replaced")
        print(f"  the hung cluster was replaced after {time.monotonic() - began_at:.0f} s")
        return wrong

    return under_load(place, outage)


def restart(place: Installation) -> list[str]:
    """Everything is told to stop in the middle of slow calls, as at an update, and started again."""

    def outage(house: House) -> list[str]:
        place.emulator.fault({"path": "/messages"}, {"delay_ms": 1500}, times=None)
        time.sleep(3)
        seconds = place.stop()
        running = states(house)["running"]
        connection.close()
        place.emulator.clear_faults()
        place.start()
        print(f"  everything had stopped after {seconds:.1f} s, {running} runs were left to a lapsed lease")
        wrong = [] if seconds <= 10 else [f"the stop took {seconds:.1f} s"]
        return wrong + ([f"{running} runs were not put back"] if running else [])

    return under_load(place, outage)


def disk(place: Installation) -> list[str]:
    """The disk that holds the database is full."""

    def outage(house: House) -> list[str]:
        with full_disk(Path(settings.DATA_DIR)):
            time.sleep(OUTAGE_SECONDS / 2)
        return []

    return under_load(place, outage)


OUTAGES: dict[str, Callable[[Installation], list[str]]] = {
    "database": database,
    "broker": broker,
    "platform": platform,
    "cluster": cluster,
    "restart": restart,
    "disk": disk,
}


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """Fill the disk to the last byte; empty it afterwards."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (1024 * 1024, 4096, 64):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass
    print(f"  {shutil.disk_usage(folder).free} bytes are free")
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def stopped_postgres(data: Path) -> Iterator[None]:
    """Stop the server at once, as a power cut would, and start it again."""
    program = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), reverse=True)), Path("pg_ctl"))
    as_owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    options = (data / "postmaster.opts").read_text().strip().split(" ", 1)[1].replace('"', "")
    subprocess.run([*as_owner, program, "-D", data, "-m", "immediate", "-w", "stop"], check=True, capture_output=True)
    try:
        yield
    finally:
        log = data.parent / "postgres.log"
        command = [*as_owner, program, "-D", data, "-w", "-l", log, "-o", options, "start"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _postgres_folder() -> Path:
    if not settings.DATABASE_URL:
        raise NotHere("DATABASE_URL is not set")
    with psycopg.connect(settings.DATABASE_URL) as server:
        row = server.execute("SHOW data_directory").fetchone()
    folder = Path(row[0]) if row else Path()
    if not (folder / "postmaster.pid").exists():
        raise NotHere("the PostgreSQL server runs on another machine")
    return folder


def status_of(path: str, body: bytes | None = None) -> int:
    """The status of a request to our web server; 0 where it does not answer."""
    try:
        with urlopen(Request(f"{settings.PUBLIC_URL}{path}", data=body), timeout=15) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except OSError:
        return 0


def _expect(path: str, status: int, body: bytes | None = None) -> list[str]:
    found = status_of(path, body)
    return [] if found == status else [f"{path} answered {found}, not {status}"]


def main(folder: Path, name: str) -> int:
    """Try one outage; 0 if all is well afterwards."""
    began_at = time.monotonic()
    try:
        with Installation(folder) as place:
            wrong = OUTAGES[name](place)
    except NotHere as reason:
        print(f"  NOT TESTED HERE: {reason}", flush=True)
        return CANNOT_BE_TRIED
    for line in wrong[:40]:
        print(f"  WRONG: {line}")
    print(f"  {'passed' if not wrong else 'FAILED'} in {time.monotonic() - began_at:.0f} s", flush=True)
    return int(bool(wrong))


if __name__ == "__main__":
    # Told to stop, it ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
