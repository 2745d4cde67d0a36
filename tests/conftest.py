"""What holds for the whole suite."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.signals import request_finished, request_started

from tests.emptying import use_it

# Real processes, fixed ports and machine-wide names: one after the other, in one worker.
ALONE = ("runtime/",)
STILL_WORKING_SECONDS = 5.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of processes share a worker; all others go to whoever is free."""
    here = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(here).as_posix() if here in item.path.parents else ""
        if place.startswith(ALONE):
            item.add_marker(pytest.mark.xdist_group("processes"))


@pytest.fixture(scope="session", autouse=True)
def quick_emptying() -> None:
    """Tests with real transactions leave an empty database behind, without making its permissions anew."""
    use_it()


class Requests:
    """Counts the requests that this process is answering."""

    def __init__(self) -> None:
        self._lock, self._open = threading.Lock(), 0
        request_started.connect(self._begin)
        request_finished.connect(self._end)

    def _begin(self, **_: Any) -> None:
        with self._lock:
            self._open += 1

    def _end(self, **_: Any) -> None:
        with self._lock:
            self._open -= 1

    def forget(self) -> None:
        """Count from none again: what hung in an earlier test is not this one's."""
        with self._lock:
            self._open = 0

    def wait(self) -> None:
        """Wait until none is open, though not for one that hangs."""
        deadline = time.monotonic() + STILL_WORKING_SECONDS
        while self._open > 0 and time.monotonic() < deadline:
            time.sleep(0.002)


@pytest.fixture(scope="session")
def requests() -> Requests:
    return Requests()


@pytest.fixture
def live_server(live_server: Any, requests: Requests) -> Iterator[Any]:
    """The test's web server; emptying the database beside a request would lock the two against each other."""
    requests.forget()
    yield live_server
    requests.wait()
