"""What holds for the whole suite."""

from pathlib import Path

import pytest

# Real processes, fixed ports and machine-wide names: one after the other, in one worker.
ALONE = ("runtime/",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of processes share a worker; all others go to whoever is free."""
    here = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(here).as_posix() if here in item.path.parents else ""
        if place.startswith(ALONE):
            item.add_marker(pytest.mark.xdist_group("processes"))
