"""Logging in by keyboard alone, what a wrong password leaves, language, appearance, and a focus that is seen."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.cast import PASSWORD
from tests.e2e.browser import PHONE, resize
from tests.e2e.conftest import OpenPage
from tests.house import House
from workspaces.models import User

LOGIN = "/accounts/login/"


def test_a_person_logs_in_by_keyboard_and_comes_to_today(
    house: House, owner: User, page: Page, live_server: Any
) -> None:
    page.goto(f"{live_server.url}/")
    assert page.evaluate("document.activeElement.name") == "login"
    page.keyboard.type(owner.email)
    # "Forgotten" stands between label and field, as in the tab order of the picture.
    for _press in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "password":
            break
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/w/praxis-graz/")
    assert page.locator("h1").inner_text() == "Today"


@pytest.mark.parametrize(
    ("locale", "reason"),
    [
        ("en-GB", "is not right."),
        ("de-DE", "stimmt nicht."),
    ],
)
def test_a_wrong_password_keeps_the_address_and_says_why(
    house: House, owner: User, open_watched: OpenPage, live_server: Any, locale: str, reason: str
) -> None:
    page = open_watched(streams=False, locale=locale).page
    page.goto(live_server.url + LOGIN)
    page.fill("[name=login]", owner.email)
    page.fill("[name=password]", "ganz-falsch-7")
    page.press("[name=password]", "Enter")
    said = page.locator(".alert, .field-error").first
    said.wait_for()
    assert reason in said.inner_text()
    assert page.input_value("[name=login]") == owner.email
    assert page.input_value("[name=password]") == ""
    assert page.url.endswith(LOGIN)


def test_the_language_is_switched_before_and_after_the_login(
    house: House, owner: User, page: Page, live_server: Any
) -> None:
    page.goto(live_server.url + LOGIN)
    assert page.locator("h1").inner_text() == "Anmelden"
    page.click("button[name=language][value=en]")
    assert page.locator("h1").inner_text() == "Log in"
    assert page.locator("html").get_attribute("lang") == "en"
    page.fill("[name=login]", owner.email)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/w/praxis-graz/")
    _from_account_menu(page, "language", "de")
    assert page.locator("h1").inner_text() == "Heute"
    page.reload()
    assert page.locator("html").get_attribute("lang") == "de"
    owner.refresh_from_db()
    assert owner.language == "de"


def _from_account_menu(page: Page, name: str, value: str) -> None:
    page.click(".topbar-end details:last-of-type > summary")
    with page.expect_navigation():
        page.click(f"button[name={name}][value={value}]")


def _background(page: Page) -> float:
    """How bright the page's background is, 0 to 255."""
    colour = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    values = [float(part) for part in colour.split("(")[1].rstrip(")").split(",")[:3]]
    return sum(values) / 3


def test_the_dark_theme_is_chosen_and_kept(at_home: Page, owner: User) -> None:
    page = at_home
    assert _background(page) > 200
    _from_account_menu(page, "theme", "dark")
    assert _background(page) < 60
    page.reload()
    assert _background(page) < 60
    owner.refresh_from_db()
    assert owner.theme == User.Theme.DARK


def test_without_a_choice_the_device_decides(at_home: Page) -> None:
    assert _background(at_home) > 200
    resize(at_home, PHONE, "dark")
    assert _background(at_home) < 60


# The outline, shadow or border that a focus adds; the skip link shows itself as a whole.
FOCUS = """() => {
  const one = document.activeElement;
  const seen = getComputedStyle(one);
  const drawn = (seen.outlineStyle !== "none" && parseFloat(seen.outlineWidth) > 0) || seen.boxShadow !== "none";
  const box = one.getBoundingClientRect();
  const wide = box.width > 0 && box.height > 0;
  return { tag: one.outerHTML.slice(0, 140), drawn, wide, isBody: one === document.body };
}"""


@pytest.mark.parametrize("path", ["", "inbox/", "senders/", "templates/", "flows/", "flows/new/", "runs/"])
def test_the_keyboards_focus_is_seen_on_every_stop(at_home: Page, live_server: Any, path: str) -> None:
    page = at_home
    page.goto(f"{live_server.url}/w/praxis-graz/{path}")
    unseen, stops = [], 0
    for _press in range(60):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        if focus["isBody"]:
            break
        stops += 1
        if not focus["drawn"] or not focus["wide"]:
            unseen.append(focus["tag"])
    assert unseen == []
    assert stops > 5


def test_the_skip_link_leads_past_the_navigation(at_home: Page) -> None:
    at_home.keyboard.press("Tab")
    assert "skip-link" in at_home.evaluate("document.activeElement.className")
    at_home.keyboard.press("Enter")
    assert at_home.evaluate("document.activeElement.id") == "main"
