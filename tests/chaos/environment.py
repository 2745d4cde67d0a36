"""The variables of one chaos run, set before Django reads them: a folder, ports and a database of its own."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

FIRST_PORT = int(os.environ.get("CHAOS_PORT", "21000"))


@contextmanager
def environment(name: str) -> Iterator[Path]:
    """Set `os.environ` for a run and give its folder; both are gone afterwards, a failed run's folder is kept."""
    folder = Path(tempfile.mkdtemp(prefix=f"botenwerk-{name}-"))
    web, emulator = _free_ports(2)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="config.settings.local",
        DATA_DIR=str(folder),
        PORT=str(web),
        EMULATOR_URL=f"http://127.0.0.1:{emulator}",
        DEMO="0",
        PYTHONUNBUFFERED="1",
    )
    server = os.environ.get("DATABASE_URL", "")
    database = f"chaos_{os.getpid()}"
    if server:
        _execute(server, f'CREATE DATABASE "{database}"')
        os.environ["DATABASE_URL"] = urlunsplit(urlsplit(server)._replace(path=f"/{database}"))
    try:
        yield folder
    except BaseException:
        print(f"Logs and data are kept in {folder}")
        raise
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        if server:
            _execute(server, f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
            os.environ["DATABASE_URL"] = server


def _execute(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())


def _free_ports(count: int) -> list[int]:
    found: list[int] = []
    for port in range(FIRST_PORT, FIRST_PORT + 900):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise OSError("no free port")
