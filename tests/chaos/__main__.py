"""`make chaos RUNS=1000 SEED=7`: runs through a storm of kills and faults, counted afterwards at the emulator."""

import argparse
import os
import random
import sys
import time

import django

from tests.chaos.environment import environment

PER_SECOND = 1.6


def main() -> int:
    """Run the storm; 0 if nothing was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=int(os.environ.get("RUNS") or 1000))
    parser.add_argument(
        "--seed", type=int, default=int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    )
    parser.add_argument("--per-second", type=float, default=float(os.environ.get("PER_SECOND") or PER_SECOND))
    given = parser.parse_args()
    with environment("chaos") as folder:
        django.setup()
        from tests.chaos.play import play  # the settings have to be there first

        began_at = time.monotonic()
        is_good = play(folder, runs=given.runs, seed=given.seed, per_second=given.per_second)
        print(f"{'passed' if is_good else 'FAILED'} in {time.monotonic() - began_at:.0f} s")
        if not is_good:
            raise SystemExit(1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
