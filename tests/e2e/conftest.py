"""The whole house with a browser in front of it. Runs only where BROWSER_TESTS=1 says so."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from playwright.sync_api import Browser

from tests.automations.conftest import assistant, emulator_server, house, model_server
from tests.cast import PASSWORD
from tests.e2e.browser import Visitor, chromium, log_in, visitor
from tests.house import House

__all__ = ["assistant", "emulator_server", "house", "model_server"]

# Playwright's sync API runs an event loop in this thread, which Django takes for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests are marked, and skipped where no browser was asked for."""
    for item in items:
        if "tests/e2e/" in str(item.path):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(300))
            if os.environ.get("BROWSER_TESTS") != "1":
                item.add_marker(pytest.mark.skip(reason="BROWSER_TESTS=1 runs them"))


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Today's time, going on: the browser's cookies live by the real clock."""
    with time_machine.travel(datetime.now(UTC), tick=True) as traveller:
        yield traveller


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def visit(browser: Browser, live_server: Any, house: House) -> Iterator[Callable[..., Visitor]]:
    """A logged-in member in a browser; at the end nothing may have complained."""
    opened: list[Visitor] = []

    def come(user: str = "alice", **options: Any) -> Visitor:
        made = visitor(browser, **options)
        # The test's server is synchronous; the live stream has tests of its own, and pages fall back to polling.
        made.page.route("**/live/**", lambda route: route.fulfill(status=204))
        opened.append(made)
        if user:
            log_in(made.page, live_server.url, f"{user}@example.org", PASSWORD)
        return made

    yield come
    complaints = [complaint for one in opened for complaint in one.complaints]
    for one in opened:
        one.page.context.close()
    assert complaints == []
