"""A flow is built from nothing on the pages, published, switched on, and run by a message from the emulator."""

from typing import Any

from playwright.sync_api import Page

from automations.models import Flow, Run
from tests.e2e.browser import Watched
from tests.house import EVA, House

BODY = "Hallo {{1}}, wir sehen uns {{2}}."


class Builder:
    """What a person does in the editor; everything is named by its text, as they see it."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base

    def begin(self, name: str) -> None:
        """From the list of flows to an empty draft."""
        self.page.goto(f"{self.base}/w/praxis-graz/flows/")
        self.page.get_by_role("link", name="Begin with an empty one").click()
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_role("button", name="Create the flow").click()
        self.page.locator("#editor h1", has_text=name).wait_for()
        # The scripts are there: from here on the editor changes in its place.
        self.page.wait_for_load_state("load")

    def panel(self, title: str) -> None:
        """Wait for the form of a card."""
        self.page.locator("#panel h2", has_text=title).wait_for()

    def choose_trigger(self, label: str) -> None:
        self.page.locator("#panel").get_by_role("link", name=label).click()
        self.panel(label)

    def add(self, label: str, *, behind: Any) -> None:
        """Press a plus of the canvas and choose a step."""
        behind.click()
        self.panel("Add a step")
        self.page.locator("#panel").get_by_role("button", name=label, exact=True).click()
        self.panel(label)

    def plus(self, lane_name: str = "") -> Any:
        """The last plus of the trunk, or the first one of a lane."""
        if lane_name:
            lane = self.page.locator(".lane", has=self.page.locator(".lane-head", has_text=lane_name))
            return lane.locator(".wire-plus").first
        return self.page.locator(".path > .wire > .wire-plus").last

    def field(self, name: str) -> Any:
        return self.page.locator(f"#panel [name='config-{name}']")

    def insert(self, field: Any, expression: str) -> None:
        """A chip of the data at hand, put into the field by a click."""
        field.click()
        self.page.keyboard.press("End")
        picker = self.page.locator("#panel [data-picker]")
        if not picker.evaluate("one => one.open"):
            picker.locator("summary").click()
        # The page says so as soon as a click puts something in.
        picker.locator("[data-picker-hint]").wait_for()
        picker.locator(f"[data-insert='{expression}']").click()
        assert expression in field.input_value()

    def save(self, button: str = "Save the step") -> None:
        """Send the form; an answer with mistakes fails the test with their texts."""
        self.page.evaluate("document.getElementById('editor').dataset.before = ''")
        with self.page.expect_response(lambda response: response.request.method == "POST") as told:
            self.page.locator("#panel").get_by_role("button", name=button, exact=True).click()
        self.page.locator("#editor:not([data-before])").wait_for()
        assert told.value.status < 400, self.page.locator(".field-error").all_inner_texts()


def test_a_flow_is_built_published_and_answers(at_home: Page, live_server: Any, house: House) -> None:
    house.template("termin", BODY)
    page = at_home
    builder = Builder(page, live_server.url)
    builder.begin("Terminwunsch")

    builder.choose_trigger("WhatsApp message received")
    builder.field("keyword_match").select_option("contains")
    builder.field("keywords").fill("termin")
    builder.save("Save")

    builder.add("Send text", behind=builder.plus())
    text = builder.field("text")
    text.fill("Guten Tag ")
    builder.insert(text, "{{trigger.customer_name}}")
    text.press("End")
    text.type(", ich sehe nach.")
    builder.save()
    assert "Guten Tag" in page.locator(".path").inner_text()

    builder.add("Branch", behind=builder.plus())
    builder.field("lanes__0__label").fill("morgen")
    left = builder.field("lanes__0__left")
    builder.insert(left, "{{trigger.text}}")
    builder.field("lanes__0__operator").select_option("contains")
    builder.field("lanes__0__right").fill("morgen")
    builder.save()

    builder.add("Send template", behind=builder.plus("morgen"))
    builder.field("sender").select_option(value=str(house.sender.public_id))
    builder.field("template").select_option(value="termin")
    builder.field("to").fill("{{trigger.customer_phone}}")
    page.get_by_role("button", name="Show the placeholders of this template").click()
    page.locator("#panel [name='config-variables__name'][value='2']").wait_for()
    values = builder.field("variables__value")
    builder.insert(values.nth(0), "{{trigger.customer_name}}")
    values.nth(1).fill("morgen um 9 Uhr")
    builder.save()

    page.get_by_role("link", name="Publish", exact=True).click()
    builder.panel("Publish")
    builder.save("Publish the draft")
    page.get_by_role("switch").click()
    page.locator("[role=switch][aria-checked=true]").wait_for()
    flow = Flow.objects.in_workspace(house.workspace).get()
    assert flow.is_on and flow.published is not None

    house.customer_writes("Ein Termin morgen, bitte", name="Eva Novak")
    run = house.run()
    assert run.status == Run.Status.DONE, (run.error_code, run.error_facts)
    said = ["Guten Tag Eva Novak, ich sehe nach.", "Hallo Eva Novak, wir sehen uns morgen um 9 Uhr."]
    assert house.screen() == said

    page.goto(f"{live_server.url}/w/praxis-graz/inbox/")
    page.locator("a", has_text="Eva Novak").first.click()
    for line in ("Ein Termin morgen, bitte", *said):
        page.locator(".thread .bubble", has_text=line).first.wait_for()
    page.goto(f"{live_server.url}/w/praxis-graz/runs/{run.public_id}/")
    assert "Terminwunsch" in page.locator("main").inner_text()


def test_what_is_missing_is_said_at_the_field_and_nothing_typed_is_lost(
    at_home: Page, watched: Watched, live_server: Any, house: House
) -> None:
    page = at_home
    watched.expected = ["status of 422"]
    builder = Builder(page, live_server.url)
    builder.begin("Halbfertig")
    builder.choose_trigger("WhatsApp message received")
    builder.save("Save")
    builder.add("Delay", behind=builder.plus())
    page.locator("#panel [name=name]").fill("Kurz warten")
    builder.field("duration__amount").fill("")
    page.locator("#panel").get_by_role("button", name="Save the step").click()
    page.locator("#panel .field-error").first.wait_for()
    assert page.locator("#panel [name=name]").input_value() == "Kurz warten"
    assert house.customer_writes("Hallo") and house.calls() == []


def test_a_flow_for_somebody_else_stays_silent(at_home: Page, live_server: Any, house: House) -> None:
    """Published, and the message does not fit: the router says why and nothing goes out."""
    builder = Builder(at_home, live_server.url)
    builder.begin("Nur Termine")
    builder.choose_trigger("WhatsApp message received")
    builder.field("keyword_match").select_option("contains")
    builder.field("keywords").fill("termin")
    builder.save("Save")
    builder.add("Send text", behind=builder.plus())
    builder.field("text").fill("Gern!")
    builder.save()
    at_home.get_by_role("link", name="Publish", exact=True).click()
    builder.panel("Publish")
    builder.save("Publish the draft")
    at_home.get_by_role("switch").click()
    at_home.locator("[role=switch][aria-checked=true]").wait_for()
    house.customer_writes("Guten Tag", EVA)
    assert house.runs() == []
    assert house.screen() == []
