"""The five errors as people meet them: code, cause and cure on the page and in the admin, and nothing was sent."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.utils.translation import override
from playwright.sync_api import Page

from messaging.models import Chat, Conversation, Sender, Template
from tests.cast import PASSWORD
from tests.e2e.browser import Watched
from tests.e2e.conftest import OpenPage
from tests.e2e.pages import log_in
from tests.house import EVA, House
from tests.staff import make_staff
from workspaces.errors import BotenwerkError, Text, error_class

BAD_NUMBER = "0151/12345678"
LANGUAGES = ("de", "en")
# What goes wrong between the moment the form was opened and the moment it is sent.
MISHAPS: dict[str, Callable[[House], None]] = {
    "template_not_found": lambda house: house.set_template_status("termin", Template.Status.REJECTED),
    "sender_offline": lambda house: house.set_sender(status=Sender.Status.OFFLINE),
    "invalid_phone_number": lambda house: None,
    "outside_window": lambda house: house.advance(hours=24, seconds=1),
    "rate_limited": lambda house: house.use_up_the_pair_rate(hours=6),
}


def pattern(text: Text) -> re.Pattern[str]:
    """The sentence in the active language, with anything for its facts."""
    return re.compile(".+".join(re.escape(part) for part in re.split(r"%\(\w+\)s", str(text))))


def sentences(code: str, *kinds: str) -> list[re.Pattern[str]]:
    """Every wording that the error's class has for its cause or its cure."""
    known: type[BotenwerkError] = error_class(code)
    return [
        pattern(getattr(known, name)) for name in dir(known) if name.split("_")[-1] in kinds and _is_text(known, name)
    ]


def _is_text(known: type[BotenwerkError], name: str) -> bool:
    return not callable(getattr(known, name))


def demand_error(shown: str, code: str, language: str) -> None:
    """The box names the error and says in the reader's language what it is and what to do."""
    assert code in shown
    with override(language):
        assert str(error_class(code).title) in shown
        assert any(one.search(shown) for one in sentences(code, "cure")), f"no cure in {shown!r}"
        if code == "invalid_phone_number":
            # Its cause is the strict check's own sentence.
            assert BAD_NUMBER in shown
        else:
            assert any(one.search(shown) for one in sentences(code, "cause")), f"no cause in {shown!r}"


@pytest.fixture
def conversation(house: House) -> Conversation:
    """Eva has written: the window is open, and a template can go too."""
    house.template("termin", "Hallo {{1}}, bis morgen.")
    house.customer_writes("Guten Tag", name="Eva Novak")
    assert Chat.objects.in_workspace(house.workspace).count() == 1
    return Conversation.objects.in_workspace(house.workspace).get()


@pytest.fixture
def reader(house: House, open_watched: OpenPage, live_server: Any) -> Callable[[str], Watched]:
    """Alice's browser in a language; a refused form answers 404 to 503 on purpose, which the console tells."""

    def log_in_as(language: str) -> Watched:
        house.owner.user.language = language
        house.owner.user.save(update_fields=["language"])
        watched = open_watched(streams=False)
        watched.expected = ["responded with a status of 4", "responded with a status of 503"]
        log_in(watched.page, live_server.url, {"email": house.owner.user.email, "password": PASSWORD})
        return watched

    return log_in_as


def open_form(page: Page, base: str, code: str, conversation: Conversation) -> str:
    """The form in which a person meets this error; returns what sends it."""
    workspace = f"{base}/w/praxis-graz"
    if code == "invalid_phone_number":
        template = Template.objects.in_workspace(conversation.workspace).get()
        page.goto(f"{workspace}/templates/{template.public_id}/")
        page.fill("#test-form [name=to]", BAD_NUMBER)
        page.locator("#test-form [name^='value.']").first.fill("Eva")
        return "#test-form .button-primary"
    page.goto(f"{workspace}/inbox/{conversation.public_id}/")
    if code == "template_not_found":
        page.click(".composer-other")
        page.locator(".template-choice").first.click()
        page.locator("[name^='value.']").first.fill("Eva")
    else:
        page.fill(".composer [name=text]", "Wir sehen uns morgen.")
    return ".composer .button-primary"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", MISHAPS)
def test_a_page_says_what_is_wrong_and_what_to_do(
    house: House,
    conversation: Conversation,
    reader: Callable[[str], Watched],
    live_server: Any,
    code: str,
    language: str,
) -> None:
    page = reader(language).page
    button = open_form(page, live_server.url, code, conversation)
    MISHAPS[code](house)
    page.click(button)
    box = page.locator(".error-box").first
    box.wait_for()
    demand_error(box.inner_text(), code, language)
    house.settle()
    assert house.calls() == []


@pytest.fixture
def staff(house: House, open_watched: OpenPage, live_server: Any) -> Callable[[str], Watched]:
    def log_in_as(language: str) -> Watched:
        user = make_staff("Rita", is_superuser=True, language=language)
        watched = open_watched(streams=False)
        watched.expected = ["responded with a status of 4", "responded with a status of 503"]
        watched.page.goto(f"{live_server.url}/admin/")
        watched.page.fill("[name=login]", user.email)
        watched.page.fill("[name=password]", PASSWORD)
        watched.page.press("[name=password]", "Enter")
        watched.page.wait_for_url(re.compile("/admin/$"))
        return watched

    return log_in_as


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", MISHAPS)
def test_the_admin_says_what_is_wrong_and_what_to_do(
    house: House,
    conversation: Conversation,
    staff: Callable[[str], Watched],
    live_server: Any,
    code: str,
    language: str,
) -> None:
    page = staff(language).page
    page.goto(f"{live_server.url}/admin/messaging/sender/{house.sender.pk}/send/")
    page.fill("[name=to]", BAD_NUMBER if code == "invalid_phone_number" else EVA)
    if code == "template_not_found":
        page.fill("[name=template]", "termin")
        page.fill("[name=variables]", "1 = Eva")
    else:
        page.fill("[name=text]", "Wir sehen uns morgen.")
    MISHAPS[code](house)
    with page.expect_navigation():
        page.locator(".submit-row input").first.click()
    shown = page.locator("#content-main").inner_text()
    demand_error(shown, code, language)
    assert page.input_value("[name=to]")
    house.settle()
    assert house.calls() == []
