"""`make run` as it is: "Hallo" on the phone, the answer in under two seconds; stopped and started, nothing is gone."""

import time

from playwright.sync_api import Browser

from tests.e2e.browser import open_page
from tests.e2e.demo import STOP_SECONDS, Demo
from tests.e2e.pages import log_in

ANSWER_SECONDS = 2.0


def test_hallo_is_answered_on_the_phone_and_survives_a_restart(demo: Demo, browser: Browser) -> None:
    watched = open_page(browser)
    page = watched.page
    log_in(page, demo.url, demo.facts["login"])
    page.goto(f"{demo.url}/w/demo/simulator/?phone=%2B436645550199")
    page.wait_for_selector(".phone-compose input[name=text]")
    before = page.locator("#phone-screen .said-in").count()
    page.fill(".phone-compose input[name=text]", "Hallo")
    begun = time.monotonic()
    page.keyboard.press("Enter")
    page.locator("#phone-screen .said-in").nth(before).wait_for()
    seconds = time.monotonic() - begun
    print(f"answered after {seconds:.2f} s")
    assert seconds < ANSWER_SECONDS
    page.wait_for_selector(".first-thread .said-out >> text=Worum geht es?")
    page.wait_for_selector("#first-run .step")

    page.goto("about:blank")
    assert demo.stop() < STOP_SECONDS
    assert demo.is_silent()
    (demo.folder / "demo.json").unlink()
    demo.start()
    page.goto(f"{demo.url}/w/demo/simulator/?phone=%2B436645550199")
    page.wait_for_selector("#phone-screen .said-in >> text=Worum geht es?")
    assert watched.complaints() == []
    page.context.close()
