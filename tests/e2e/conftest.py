"""Chromium for the session, pages that must not complain, the real demo, and the whole house in one process."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from playwright.sync_api import Browser, Page

from tests.automations.conftest import assistant, emulator_server, house, model_server
from tests.cast import PASSWORD
from tests.e2e.browser import Watched, chromium, open_page
from tests.e2e.demo import Demo, running_demo
from tests.e2e.pages import MAKE_EMPTY, log_in
from tests.house import House
from workspaces.models import User

__all__ = ["assistant", "emulator_server", "house", "model_server"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each test here needs a browser: BROWSER_TESTS=1 says that there is one."""
    here = Path(__file__).parent
    for item in items:
        if here in Path(item.path).parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(240))
            if os.environ.get("BROWSER_TESTS") != "1":
                item.add_marker(pytest.mark.skip(reason="browser tests run with BROWSER_TESTS=1 (make e2e)"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # Playwright's synchronous calls run an event loop of their own, which Django takes for an asynchronous view.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with chromium() as started:
        yield started
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


OpenPage = Callable[..., Watched]


@pytest.fixture
def open_watched(browser: Browser) -> Iterator[OpenPage]:
    """Opens pages; at the end of the test none of them may have complained."""
    opened: list[Watched] = []

    def open_one(**options: Any) -> Watched:
        watched = open_page(browser, **options)
        opened.append(watched)
        return watched

    yield open_one
    complaints = [complaint for watched in opened for complaint in watched.complaints()]
    for watched in opened:
        watched.page.context.close()
    assert complaints == []


@pytest.fixture
def watched(open_watched: OpenPage) -> Watched:
    """A page in the test's own server, without a stream."""
    return open_watched(streams=False)


@pytest.fixture
def page(watched: Watched) -> Page:
    """The same, for tests that expect no complaint."""
    return watched.page


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """The machine's time, which goes on and can be moved: cookies that end in the browser's past would be dropped."""
    cache.clear()
    with time_machine.travel(datetime.now(UTC), tick=True) as traveller:
        yield traveller


@pytest.fixture
def owner(house: House) -> User:
    """Alice, who reads English: the tests name what they press by the texts in the code."""
    user = house.owner.user
    user.language = "en"
    user.save(update_fields=["language"])
    return user


@pytest.fixture
def at_home(house: House, owner: User, page: Page, live_server: Any) -> Page:
    """Alice's browser, logged in, on Today."""
    log_in(page, live_server.url, {"email": owner.email, "password": PASSWORD})
    return page


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The real demo in processes of its own, with an empty workspace beside the full one."""
    with running_demo(tmp_path_factory.mktemp("demo")) as started:
        started.manage("shell", "--no-imports", feed=MAKE_EMPTY.format(email=started.facts["login"]["email"]))
        yield started
