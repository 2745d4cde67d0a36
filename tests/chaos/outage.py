"""`make outages`, or `python -m tests.chaos.outage database broker`: each outage in an installation of its own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.environment import environment

# The disk is filled under SQLite, whose file lies on a small one of its own.
ON_POSTGRES = ("database", "broker", "platform", "cluster", "restart")
ON_SQLITE = ("disk", "cluster", "restart")
CANNOT_BE_TRIED = 77
SMALL_DISK_MEGABYTES = 64


def main(names: list[str]) -> int:
    """Try each; 0 if all went well. One that cannot be tried here is said loudly at the end."""
    codes = {name: _try(name) for name in names or (ON_POSTGRES if os.environ.get("DATABASE_URL") else ON_SQLITE)}
    skipped = [name for name, code in codes.items() if code == CANNOT_BE_TRIED]
    failed = [name for name, code in codes.items() if code not in (0, CANNOT_BE_TRIED)]
    if skipped:
        print(f"NOT TESTED HERE, see above: {', '.join(skipped)}")
    print(f"FAILED: {', '.join(failed)}" if failed else f"{len(codes) - len(skipped)} outages passed.", flush=True)
    return int(bool(failed))


def _try(name: str) -> int:
    print(f"outage: {name}", flush=True)
    with environment(f"outage-{name}") as place:
        command = [sys.executable, "-m", "tests.chaos.outages", str(place.folder), name]
        if name != "disk":
            code = subprocess.run(command).returncode
        else:
            with small_disk() as disk:
                if disk is None:
                    code = CANNOT_BE_TRIED
                else:
                    code = subprocess.run(command, env={**os.environ, "DATA_DIR": str(disk)}).returncode
        place.failed = code not in (0, CANNOT_BE_TRIED)
    return code


@contextmanager
def small_disk() -> Iterator[Path | None]:
    """A file system of its own in memory, or None where mounting is not allowed."""
    folder = Path(tempfile.mkdtemp(prefix="botenwerk-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_MEGABYTES}m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True)
    if mounted.returncode:
        print(f"  a tmpfs cannot be mounted: {mounted.stderr.strip()}", flush=True)
    try:
        yield None if mounted.returncode else folder
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
