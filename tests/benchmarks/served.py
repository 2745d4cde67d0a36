"""What `serve` does, once the environment is set: processes that outlive the command, known by a file."""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402

from tests.benchmarks.place import Place, tree_of, wait_for  # noqa: E402
from tests.house import ACCOUNT_ID, NUMBER_ID, SECRET  # noqa: E402

STOP_SECONDS = 15.0


def start(folder: Path, *, waits: bool) -> str:
    """Make the workspace and start the processes; the driver's options."""
    place = Place(folder, waits=waits, has_platform=False)
    process_id = _run(place)
    return (
        f"--url {place.webhook} --secret {SECRET} --phone-number-id {NUMBER_ID} --waba-id {ACCOUNT_ID} "
        f"--check-text --pid {process_id}"
    )


def again(folder: Path) -> None:
    """Start the processes once more, and return when the pages answer."""
    _run(Place(folder, has_platform=False))


def kill(folder: Path) -> None:
    """SIGKILL to every process."""
    for process_id in list(tree_of(_process_id(folder))):
        with suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)


def stop(folder: Path) -> None:
    """SIGTERM to the supervisor, and wait for its end."""
    process_id = _process_id(folder)
    with suppress(ProcessLookupError):
        os.kill(process_id, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while Path(f"/proc/{process_id}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)


def _run(place: Place) -> int:
    place.start()
    (place.folder / "bench.pid").write_text(str(place.root))
    wait_for(f"{settings.PUBLIC_URL}/healthz")
    return place.root


def _process_id(folder: Path) -> int:
    return int((folder / "bench.pid").read_text())


if __name__ == "__main__":
    command, folder, *more = sys.argv[1:]
    if command == "start":
        print(start(Path(folder), waits=bool(more)))
    else:
        {"again": again, "kill": kill, "stop": stop}[command](Path(folder))
