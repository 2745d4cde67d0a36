"""`python -m config.supervisor [NAME...]`: web, fast, bulk and clock unless told otherwise; `make run` names all."""

import argparse
import fcntl
import gc
import os
import sys
from functools import partial
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
django.setup()

from django.conf import settings  # noqa: E402
from django.utils.module_loading import autodiscover_modules  # noqa: E402

from config.supervisor.announce import announce_apart, facts_file  # noqa: E402
from config.supervisor.loop import Supervisor  # noqa: E402
from config.supervisor.ready import is_free  # noqa: E402
from config.supervisor.table import PRODUCTION, STAND_INS, ports, programs  # noqa: E402


def main(arguments: list[str]) -> int:
    """Run the named processes until SIGTERM; 1 where it cannot even begin."""
    parser = argparse.ArgumentParser(prog="python -m config.supervisor", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PRODUCTION + STAND_INS)}")
    names = parser.parse_args(arguments).names or list(PRODUCTION)
    unknown = set(names) - {*PRODUCTION, *STAND_INS}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    for name, port in ports(names).items():
        if not is_free(settings.WEB_HOST if name == "web" else "127.0.0.1", port):
            print(f"Port {port} ({name}) is in use. Choose another with PORT=...", file=sys.stderr)  # noqa: T201
            return 1
    if not _take_place(names):
        print(f"{settings.DATA_DIR} is in use by another supervisor.", file=sys.stderr)  # noqa: T201
        return 1
    facts_file().unlink(missing_ok=True)
    # What the workers run is loaded once, here; frozen, the collector does not copy its pages into each of them.
    autodiscover_modules("tasks")
    gc.collect()
    gc.freeze()
    return Supervisor(programs(names), on_ready=partial(announce_apart, names)).run()


def _take_place(names: list[str]) -> bool:
    """Whether no other supervisor runs this set of processes in DATA_DIR; held until this process ends."""
    path = Path(settings.DATA_DIR) / "run" / f"{'-'.join(sorted(names))}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    place = path.open("a")
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        place.close()
        return False
    # Children share the lock: one that outlives a killed supervisor for a moment must not keep the next one out.
    os.register_at_fork(after_in_child=place.close)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
