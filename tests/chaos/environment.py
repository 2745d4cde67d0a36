"""The variables of one chaos run, set before Django reads them: a folder, ports and a database of its own."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

FIRST_PORT = int(os.environ.get("CHAOS_PORT", "21000"))


@dataclass
class Place:
    """The folder of a run; that of a failed one is kept."""

    folder: Path
    failed: bool = True


@contextmanager
def environment(name: str) -> Iterator[Place]:
    """Set `os.environ` for the processes of a run, and give its folder. What was made for it is gone afterwards."""
    place = Place(Path(tempfile.mkdtemp(prefix=f"botenwerk-{name}-")))
    web, emulator = _free_ports(2)
    server, database = os.environ.get("DATABASE_URL", ""), f"chaos_{os.getpid()}"
    before = dict(os.environ)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="config.settings.local",
        DATA_DIR=str(place.folder),
        PORT=str(web),
        EMULATOR_URL=f"http://127.0.0.1:{emulator}",
        DEMO="0",
        PYTHONUNBUFFERED="1",
    )
    if server:
        _execute(server, f'CREATE DATABASE "{database}"')
        os.environ["DATABASE_URL"] = urlunsplit(urlsplit(server)._replace(path=f"/{database}"))
    try:
        yield place
    finally:
        os.environ.clear()
        os.environ.update(before)
        if server:
            _execute(server, f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
        if place.failed:
            print(f"Logs and data are kept in {place.folder}", flush=True)
        else:
            shutil.rmtree(place.folder, ignore_errors=True)


def _execute(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())


def _free_ports(count: int) -> list[int]:
    found: list[int] = []
    # Two runs at once look in different places: a killed server's port is free for a moment.
    first = FIRST_PORT + os.getpid() % 400 * 2
    for port in range(first, first + 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise OSError("no free port")
