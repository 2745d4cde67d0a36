"""An installation for a driver from outside: `python -m tests.benchmarks.serve start|kill|again|stop FOLDER`.

`start` makes it, with the flow branch -> send (`--waits`: a second before that) and the platform at `--platform`, and
prints the options that a driver needs. `kill` is SIGKILL to every process, `again` starts what was killed.
PORT, DATABASE_URL and REDIS_URL are read from the environment.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """One command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["start", "kill", "again", "stop"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--platform", default="http://127.0.0.1:9900", help="where send calls go")
    parser.add_argument("--waits", action="store_true", help="a delay of one second in the flow")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="config.settings.local",
        DATA_DIR=str(options.folder.resolve()),
        EMULATOR_URL=options.platform,
        DEMO="0",
    )
    os.environ.setdefault("PORT", "8400")
    command = [sys.executable, "-m", "tests.benchmarks.served", options.command, str(options.folder.resolve())]
    return subprocess.run([*command, *(["waits"] if options.waits else [])]).returncode


if __name__ == "__main__":
    sys.exit(main())
