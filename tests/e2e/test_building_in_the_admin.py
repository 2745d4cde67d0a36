"""A flow is built from nothing in the Django admin, published, switched on, and run by a message from the emulator."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page

from automations.models import Flow, Run
from tests.cast import PASSWORD
from tests.house import House
from tests.staff import make_staff

BODY = "Hallo {{1}}, wir sehen uns {{2}}."


@pytest.fixture
def staff(house: House, page: Page, live_server: Any) -> Page:
    """The browser of a member of staff, who reads English and logged in as everybody does."""
    user = make_staff("Rita", is_superuser=True, language="en")
    page.goto(f"{live_server.url}/admin/")
    page.fill("[name=login]", user.email)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(re.compile("/admin/$"))
    return page


class Builder:
    """What a member of staff does: links, forms and buttons, one page after the other."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def begin(self, name: str, workspace: str) -> None:
        """From the admin's index to an empty draft."""
        self.page.locator("#content-main .model-flow .addlink, #content-main tr.model-flow a.addlink").first.click()
        self.page.fill("[name=workspace]", workspace)
        self.page.fill("[name=name]", name)
        self.press("Create")

    def press(self, label: str) -> None:
        """A button that sends a form; a page with mistakes fails the test with their texts."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=label, exact=True).first.click()
        assert self.page.locator(".errornote, .errorlist").count() == 0, self.page.locator("#content").inner_text()

    def follow(self, label: str | re.Pattern[str], *, last: bool = False) -> None:
        links = self.page.locator("#content-main").get_by_role("link", name=label)
        (links.last if last else links.first).click()
        self.page.wait_for_load_state()

    def fill(self, **values: str) -> None:
        """Settings of the trigger or the step, by name."""
        for name, value in values.items():
            field = self.page.locator(f"[name='config-{name}']").first
            if field.evaluate("one => one.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)

    def add(self, label: str, *, name: str, lane: str = "", **values: str) -> None:
        """A step at the end of the trunk or of a lane."""
        self.follow(f"Add a step to the lane “{lane}”" if lane else re.compile("^Add a step$"), last=not lane)
        self.follow(label)
        self.page.fill("[name=name]", name)
        self.fill(**values)
        self.press("Save")


def test_a_flow_is_built_published_and_answers(staff: Page, live_server: Any, house: House) -> None:
    house.template("termin", BODY)
    page, builder = staff, Builder(staff)
    builder.begin("Terminwunsch", house.workspace.slug)

    builder.follow("Choose the trigger")
    builder.follow("WhatsApp message received")
    builder.fill(keyword_match="contains", keywords="termin")
    builder.press("Save")

    builder.add("Send text", name="Grüßen", text="Guten Tag {{trigger.customer_name}}, ich sehe nach.")
    builder.add(
        "Branch",
        name="Morgen?",
        lanes__0__label="morgen",
        lanes__0__left="{{trigger.text}}",
        lanes__0__operator="contains",
        lanes__0__right="morgen",
    )
    builder.add(
        "Send template",
        name="Zusagen",
        lane="morgen",
        sender=str(house.sender.public_id),
        template="termin",
        to="{{trigger.customer_phone}}",
    )
    # The placeholders of the chosen template are there once the step knows it.
    builder.follow("Edit Zusagen")
    values = page.locator("[name='config-variables__value']")
    values.nth(0).fill("{{trigger.customer_name}}")
    values.nth(1).fill("morgen um 9 Uhr")
    builder.press("Save")

    builder.press("Validate")
    assert "Nothing is left to settle." in page.locator("#findings").inner_text()
    page.fill("[name=note]", "Der erste Wurf")
    builder.press("Publish")
    builder.press("Switch on")
    flow = Flow.objects.in_workspace(house.workspace).get()
    assert flow.is_on and flow.published is not None and flow.published.note == "Der erste Wurf"

    house.customer_writes("Ein Termin morgen, bitte", name="Eva Novak")
    run = house.run()
    assert run.status == Run.Status.DONE, (run.error_code, run.error_facts)
    said = ["Guten Tag Eva Novak, ich sehe nach.", "Hallo Eva Novak, wir sehen uns morgen um 9 Uhr."]
    assert house.screen() == said

    page.goto(f"{live_server.url}/admin/automations/run/{run.pk}/change/")
    shown = page.locator("#content").inner_text()
    assert "Terminwunsch" in shown and "zusagen" in shown
    page.goto(f"{live_server.url}/admin/messaging/message/")
    for line in said:
        assert page.locator("#result_list", has_text=line[:20]).count() == 1


def test_an_unfinished_flow_is_not_published_and_every_finding_is_named(
    staff: Page, watched: Any, house: House
) -> None:
    watched.expected = ["status of 422"]
    builder = Builder(staff)
    builder.begin("Halbfertig", house.workspace.slug)
    builder.follow(re.compile("^Add a step$"))
    builder.follow("Wait for reply")
    staff.fill("[name=name]", "Warten")
    builder.press("Save")
    with staff.expect_navigation():
        staff.get_by_role("button", name="Publish", exact=True).click()
    shown = staff.locator("#findings").inner_text()
    assert "Choose what starts the flow." in shown
    assert Flow.objects.in_workspace(house.workspace).get().published is None
