"""Coming in: by keyboard alone; a wrong password keeps what was typed and says why."""

from collections.abc import Callable
from typing import Any

from tests.cast import PASSWORD
from tests.e2e.browser import Visitor


def test_a_wrong_password_keeps_the_address_and_says_why(visit: Callable[..., Visitor], live_server: Any) -> None:
    page = visit(user="").page
    page.goto(f"{live_server.url}/accounts/login/")
    page.fill("input[name=login]", "alice@example.org")
    page.fill("input[name=password]", "falsch")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert], .field-error")
    assert page.input_value("input[name=login]") == "alice@example.org"
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/w/praxis-graz/**")


def test_the_keyboard_alone_reaches_the_content(visit: Callable[..., Visitor], live_server: Any) -> None:
    page = visit().page
    page.goto(f"{live_server.url}/w/praxis-graz/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_language_and_appearance_are_a_choice(visit: Callable[..., Visitor], live_server: Any) -> None:
    page = visit().page
    page.goto(f"{live_server.url}/w/praxis-graz/flows/")
    assert page.inner_text("h1") == "Abläufe"
    page.get_by_label("Ihr Konto").click()
    page.get_by_role("button", name="English").click()
    assert page.inner_text("h1") == "Flows"
    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Dark").click()
    assert page.get_attribute("html", "data-theme") == "dark"
