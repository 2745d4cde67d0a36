"""`python -m tests.benchmarks.one FOLDER SECONDS`: every figure of one installation, as a line of JSON at the end."""

import asyncio
import json
import sys
from pathlib import Path

import django

django.setup()

from tests.benchmarks import measures  # noqa: E402
from tests.benchmarks.place import Place  # noqa: E402


async def measured(place: Place, seconds: float) -> measures.Figures:
    """The figures that need running processes, one after the other."""
    figures: measures.Figures = {}
    # The first ones meet cold processes.
    await measures.at_idle(place, events=20)
    figures |= await measures.at_idle(place)
    figures |= await measures.as_fast_as_it_goes(place, seconds)
    figures |= await measures.under_load(place, 0.7 * figures["runs/s"], seconds)
    figures |= await measures.against_a_slow_platform(place)
    return figures


def main(folder: Path, seconds: float) -> None:
    """Found, measure, end."""
    place = Place(folder)
    try:
        figures = measures.commits_a_second() | measures.statements_a_run(place)
        place.start()
        figures |= asyncio.run(measured(place, seconds))
    finally:
        place.stop()
    print(json.dumps(figures))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
