"""Four writers on one SQLite file: how long the longest of them waits, with our write lock and without it."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.db import connections, transaction

from workspaces.sqlite.lock import WriteLock

ALIAS = "bench"
WRITERS = 4
TRANSACTIONS = 300


def compare() -> None:
    """Print transactions a second and waits for both."""
    with tempfile.TemporaryDirectory() as folder:
        for name, setting in (("with the write lock", _with_lock), ("without it", _without_lock)):
            _use_database(Path(folder) / f"{name.replace(' ', '-')}.sqlite3")
            with setting():
                began_at = time.perf_counter()
                waits = sorted(_all_writers())
                seconds = time.perf_counter() - began_at
            print(
                f"{WRITERS} writers {name:20}: {len(waits) / seconds:6.0f} transactions/s, "
                f"p50 {waits[len(waits) // 2] * 1000:6.1f} ms, p99 {waits[len(waits) * 99 // 100] * 1000:6.1f} ms, "
                f"longest {waits[-1] * 1000:6.0f} ms"
            )


@contextmanager
def _with_lock() -> Iterator[None]:
    yield


@contextmanager
def _without_lock() -> Iterator[None]:
    acquire = WriteLock.acquire
    WriteLock.acquire = lambda self: None
    try:
        yield
    finally:
        WriteLock.acquire = acquire


def _use_database(path: Path) -> None:
    settings = {"default": connections.settings["default"], ALIAS: {"ENGINE": "workspaces.sqlite", "NAME": str(path)}}
    connections.settings[ALIAS] = connections.configure_settings(settings)[ALIAS]
    with transaction.atomic(using=ALIAS):
        connections[ALIAS].cursor().execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)")
    connections[ALIAS].close()
    del connections[ALIAS]


def _all_writers() -> list[float]:
    reading, writing = os.pipe()
    writers = []
    for _ in range(WRITERS):
        process_id = os.fork()
        if process_id == 0:
            lines = "".join(f"{seconds}\n" for seconds in _writer())
            os.write(writing, lines.encode())
            os._exit(0)
        writers.append(process_id)
    os.close(writing)
    with os.fdopen(reading) as results:
        waits = [float(line) for line in results]
    for process_id in writers:
        os.waitpid(process_id, 0)
    return waits


def _writer() -> list[float]:
    waits = []
    for number in range(TRANSACTIONS):
        began_at = time.perf_counter()
        with transaction.atomic(using=ALIAS):
            cursor = connections[ALIAS].cursor()
            cursor.execute("INSERT INTO note (text) VALUES (%s)", [f"note {number}"])
            # What a step does between its statements: most of its time goes into building SQL.
            sum(range(20_000))
            cursor.execute("UPDATE note SET text = 'seen' WHERE id = (SELECT max(id) FROM note)")
        waits.append(time.perf_counter() - began_at)
    return waits


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    django.setup()
    compare()
