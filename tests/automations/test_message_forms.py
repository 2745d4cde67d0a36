"""Forms of the steps that send: what they ask for, what they find before anything is sent, and what they keep."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import translation

from automations.actions.registry import action
from automations.errors import FlowInvalid
from automations.forms.fields import ChoicesField
from automations.services.publishing import check_draft
from tests.automations.test_widgets import Browser
from tests.house import House

pytestmark = pytest.mark.django_db(transaction=True)

BUTTONS = {
    "kind": "buttons",
    "text": "Passt es, {{trigger.customer_name}}?",
    "choices": [{"key": "ja", "title": "Ja", "description": "", "section": ""}],
}


def choices(*titles: str, **more: str) -> list[dict[str, str]]:
    return [
        {"key": f"c{n}", "title": title, "description": "", "section": "", **more} for n, title in enumerate(titles)
    ]


def problems(house: House, type_name: str, config: dict[str, Any]) -> set[str]:
    return set(action(type_name).form(workspace=house.workspace).check_stored(config))


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({**BUTTONS, "choices": []}, "choices"),
        ({**BUTTONS, "choices": choices("a", "b", "c", "d")}, "choices"),
        ({**BUTTONS, "choices": choices("a" * 21)}, "choices"),
        ({**BUTTONS, "choices": choices("Ja", "Ja")}, "choices"),
        ({**BUTTONS, "text": "a" * 1025}, "text"),
        ({**BUTTONS, "footer": "a" * 61}, "footer"),
        ({**BUTTONS, "picture": "example.com/a.jpg"}, "picture"),
        ({**BUTTONS, "kind": "list"}, "list_button"),
        ({**BUTTONS, "kind": "list", "list_button": "Zeiten", "choices": choices(*"abcdefghijk")}, "choices"),
        ({"kind": "link", "text": "Karte", "link_url": "https://example.com/"}, "link_label"),
        ({"kind": "link", "text": "Karte", "link_label": "Auf", "link_url": "example.com"}, "link_url"),
    ],
)
def test_choices_that_the_platform_refuses_are_found_while_they_are_written(
    house: House, config: dict[str, Any], field: str
) -> None:
    assert problems(house, "send_choices", config) == {field}


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"kind": "image"}, "link"),
        ({"kind": "image", "link": "http://example.com/a.jpg"}, "link"),
        ({"kind": "document", "link": "https://example.com/a", "caption": "a" * 1025}, "caption"),
        ({"kind": "location", "latitude": "47", "longitude": ""}, "longitude"),
        ({"kind": "location", "latitude": "147", "longitude": "15"}, "latitude"),
        ({"kind": "contacts", "card_phone": "+43316555010"}, "card_name"),
        ({"kind": "reaction"}, "emoji"),
        ({"kind": "reaction", "emoji": "gut"}, "emoji"),
    ],
)
def test_media_that_the_platform_refuses_are_found_while_they_are_written(
    house: House, config: dict[str, Any], field: str
) -> None:
    assert problems(house, "send_media", config) == {field}


@pytest.mark.parametrize(
    ("type_name", "config"),
    [
        ("send_choices", {**BUTTONS, "choices": choices("{{trigger.a}}", "{{trigger.b}}")}),
        ("send_choices", {**BUTTONS, "picture": "{{trigger.picture}}"}),
        ("send_choices", {"kind": "link", "text": "K", "link_label": "A", "link_url": "{{trigger.url}}"}),
        ("send_media", {"kind": "image", "link": "{{trigger.picture}}"}),
        ("send_media", {"kind": "location", "latitude": "{{trigger.x}}", "longitude": "{{trigger.y}}"}),
        ("send_media", {"kind": "reaction", "emoji": "{{trigger.emoji}}"}),
    ],
)
def test_what_only_a_run_can_know_is_left_to_it(house: House, type_name: str, config: dict[str, Any]) -> None:
    assert problems(house, type_name, config) == set()


def test_data_in_a_choice_is_checked_like_any_other(house: House) -> None:
    step = {"type": "send_choices", "key": "frage", "config": {**BUTTONS, "choices": choices("{{steps.nie.da}}")}}
    with pytest.raises(FlowInvalid) as refused:
        house.flow("message_received", [step])
    assert ("frage", "choices.c0") in {(finding.step, finding.field) for finding in refused.value.findings}


def test_a_choice_gets_its_id_from_its_title_once() -> None:
    field = ChoicesField()
    first = field.clean([{"title": "Ja, gern"}, {"title": "Später"}, {"title": "Ja, gern"}, {"title": "{{trigger.a}}"}])
    assert [choice["key"] for choice in first] == ["ja_gern", "spaeter", "ja_gern_3", "choice_4"]
    renamed = field.clean([{**first[0], "title": "Passt"}])
    assert renamed[0]["key"] == "ja_gern"


@pytest.mark.parametrize(
    "value",
    ["{", {"title": "Ja"}, [1], [{"key": "a"}], [{"key": "a" * 41, "title": "Ja"}], [{"key": "a", "title": "b"}] * 2],
)
def test_what_are_no_choices_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        ChoicesField().clean(value)


def test_a_browser_sends_back_what_was_stored(house: House) -> None:
    stored = choices("Ja & <gern>", "{{trigger.a}}", description="Raum 2", section="Montag")
    form = action("send_choices").form(workspace=house.workspace, initial={**BUTTONS, "choices": stored})
    browser = Browser(str(form["choices"]))
    assert browser.nameless == []
    widget = form.fields["choices"].widget
    assert form.fields["choices"].clean(widget.value_from_datadict(browser.sent, {}, "choices")) == stored


def test_a_row_whose_words_were_taken_out_is_gone(house: House) -> None:
    sent = QueryDict(mutable=True)
    for part, values in (("title", ["Ja", "", ""]), ("key", ["ja", "nein", ""])):
        sent.setlist(f"choices__{part}", values)
    for part in ("description", "section"):
        sent.setlist(f"choices__{part}", ["", "", ""])
    form = action("send_choices").form(workspace=house.workspace)
    value = form.fields["choices"].widget.value_from_datadict(sent, {}, "choices")
    assert [choice["key"] for choice in value] == ["ja"]


@pytest.mark.parametrize("type_name", ["send_choices", "send_media", "mark_read"])
def test_each_declares_itself(house: House, type_name: str) -> None:
    known = action(type_name)
    assert known.group == "whatsapp"
    assert known.output
    assert known.needs_open_window == (type_name != "mark_read")
    assert known.default_retry.attempts == 2
    with translation.override("en"):
        assert known.sentence({}, house.workspace)
    asked_for = set(known.form.base_fields)
    assert set(known.form.shown_for) <= asked_for


def test_a_question_without_an_open_window_is_warned_of(house: House) -> None:
    step = {"type": "send_choices", "key": "frage", "config": {**BUTTONS, "text": "Passt es?"}}
    pause = {"type": "delay", "config": {"mode": "for", "duration": {"amount": 3, "unit": "days"}}}
    flow = house.flow("message_received", [pause, step])
    assert "outside_window" in {finding.code for finding in check_draft(flow)}
