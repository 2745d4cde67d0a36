"""`make chaos RUNS=1000 SEED=7`: runs through a storm of kills and faults, counted afterwards at the emulator."""

import argparse
import os
import random
import subprocess
import sys

from tests.chaos.environment import environment

PER_SECOND = 1.6


def main() -> int:
    """Run the storm; 0 if nothing was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=int(os.environ.get("RUNS") or 1000))
    any_seed = random.SystemRandom().randrange(10**6)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED") or any_seed))
    parser.add_argument("--per-second", type=float, default=float(os.environ.get("PER_SECOND") or PER_SECOND))
    given = parser.parse_args()
    with environment("chaos") as place:
        # In a process of its own, since Django reads the settings once.
        play = [sys.executable, "-m", "tests.chaos.play", str(place.folder)]
        order = [str(given.runs), str(given.seed), str(given.per_second)]
        place.failed = subprocess.run([*play, *order]).returncode != 0
    return int(place.failed)


if __name__ == "__main__":
    sys.exit(main())
