"""`make bench`: one table over both databases; SECONDS= for how long each load lasts (10)."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.environment import environment

ROOT = Path(__file__).parents[2]
SECONDS = os.environ.get("SECONDS", "10")
SERVERS = ("DATABASE_URL", "REDIS_URL")


def main() -> int:
    """Measure on SQLite, then on PostgreSQL with Redis; print one table."""
    given = {name: os.environ.pop(name) for name in SERVERS if name in os.environ}
    columns = {"SQLite": _figures("SQLite")}
    with _servers(given) as servers:
        os.environ.update(servers)
        columns["PostgreSQL, Redis"] = _figures("PostgreSQL, Redis")
    names = list(dict.fromkeys(name for figures in columns.values() for name in figures))
    print(f"| {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} | {' | '.join(columns)} |")
    print("|---" * (len(columns) + 1) + "|")
    for name in names:
        print(f"| {name} | {' | '.join(_shown(figures.get(name)) for figures in columns.values())} |")
    _write_lock()
    return 0


def _figures(name: str) -> dict[str, float]:
    print(f"measuring on {name} ...", file=sys.stderr, flush=True)
    with environment("bench") as place:
        command = [sys.executable, "-m", "tests.benchmarks.one", str(place.folder), SECONDS]
        output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        place.failed = False
    found: dict[str, float] = json.loads(output.splitlines()[-1])
    return found


@contextmanager
def _servers(given: dict[str, str]) -> Iterator[dict[str, str]]:
    """The servers that the environment names; else some for this run alone."""
    if len(given) == len(SERVERS):
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        services = str(ROOT / ".ci" / "services")
        subprocess.run([services, "start", folder], check=True)
        try:
            lines = (Path(folder) / "environment").read_text().splitlines()
            yield dict(line.removeprefix("export ").split("=", 1) for line in lines)
        finally:
            subprocess.run([services, "stop", folder], check=True)


def _write_lock() -> None:
    subprocess.run([sys.executable, "-m", "tests.benchmarks.write_lock"], cwd=ROOT, check=True)


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


if __name__ == "__main__":
    sys.exit(main())
