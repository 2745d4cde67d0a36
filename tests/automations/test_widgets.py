"""Widgets of settings: what a browser sends back is what was stored, without scripts, and every control has a name."""

from html.parser import HTMLParser
from typing import Any

import pytest
from django import forms
from django.http import QueryDict
from django.utils import translation

from automations.forms.fields import DurationField, LanesField, MappingField

LANES = [
    {
        "key": "yes",
        "label": "Interessiert",
        "match": "any",
        "conditions": [
            {"left": "{{trigger.outcome}}", "operator": "equals", "right": "interested"},
            {"left": "{{trigger.note}}", "operator": "contains", "right": 'sagt "ja" & <gleich>'},
        ],
    },
    {
        "key": "no",
        "label": "Sonst",
        "match": "all",
        "conditions": [{"left": "{{trigger.note}}", "operator": "is_empty", "right": ""}],
    },
]


class Settings(forms.Form):
    """One field of each widget."""

    values = MappingField(required=False)
    pause = DurationField(required=False)
    lanes = LanesField(required=False)


class Browser(HTMLParser):
    """Reads a form as a browser does: the controls it would send, and how each is called for readers."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sent = QueryDict(mutable=True)
        self.nameless: list[str] = []
        self._labelled: set[str] = set()
        self._in_label = False
        self._select = ""
        self._options: list[tuple[str, bool]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "label":
            self._in_label = True
            self._labelled.add(given.get("for") or "")
        if tag == "option":
            self._options.append((given.get("value") or "", "selected" in given))
        if tag not in ("input", "select"):
            return
        name = given.get("name") or ""
        is_named = self._in_label or given.get("aria-label") or given.get("id") in self._labelled
        if given.get("type") != "hidden" and not is_named:
            self.nameless.append(name)
        if tag == "select":
            self._select, self._options = name, []
        else:
            self.sent.appendlist(name, given.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self._in_label = False
        if tag == "select":
            chosen = [value for value, is_chosen in self._options if is_chosen] or [self._options[0][0]]
            self.sent.appendlist(self._select, chosen[0])


def sent_back(field: str, stored: Any) -> Any:
    """The stored value, shown by its widget, sent by a browser and read by its field."""
    with translation.override("en"):
        answered = Settings(Browser(Settings(initial={field: stored}).as_div()).sent)
    assert answered.is_valid(), answered.errors
    return answered.cleaned_data[field]


@pytest.mark.parametrize(
    ("field", "stored"),
    [
        ("values", {}),
        ("values", {"1": "{{trigger.customer_name}}", "2": 'Dr. "Weber" & <Sohn>'}),
        ("values", {"name": "", "Grüße": "äöü ß €"}),
        ("pause", None),
        ("pause", {"amount": 5, "unit": "minutes"}),
        ("pause", {"amount": 3, "unit": "days"}),
        ("lanes", []),
        ("lanes", LANES),
    ],
)
def test_what_was_stored_comes_back(field: str, stored: Any) -> None:
    assert sent_back(field, stored) == stored


def test_lanes_keep_their_order_and_their_keys() -> None:
    turned = LANES[::-1]
    assert [lane["key"] for lane in sent_back("lanes", turned)] == ["no", "yes"]


def test_the_empty_row_takes_one_more_value() -> None:
    browser = Browser(Settings(initial={"values": {"1": "a"}}).as_div())
    browser.sent.setlist("values__name", ["1", "2"])
    browser.sent.setlist("values__value", ["a", "b"])
    form = Settings(browser.sent)
    assert form.is_valid()
    assert form.cleaned_data["values"] == {"1": "a", "2": "b"}


def test_the_empty_lane_takes_one_more_lane() -> None:
    browser = Browser(Settings(initial={"lanes": LANES}).as_div())
    browser.sent["lanes__2__label"] = "Dritter"
    browser.sent["lanes__2__left"] = "{{trigger.outcome}}"
    browser.sent["lanes__2__operator"] = "equals"
    browser.sent["lanes__2__right"] = "later"
    form = Settings(browser.sent)
    assert form.is_valid(), form.errors
    added = {"left": "{{trigger.outcome}}", "operator": "equals", "right": "later"}
    assert form.cleaned_data["lanes"] == [
        *LANES,
        {"key": "lane_3", "label": "Dritter", "match": "all", "conditions": [added]},
    ]


def test_a_row_without_a_name_goes() -> None:
    browser = Browser(Settings(initial={"values": {"1": "a", "2": "b"}}).as_div())
    browser.sent.setlist("values__name", ["", "2", ""])
    form = Settings(browser.sent)
    assert form.is_valid()
    assert form.cleaned_data["values"] == {"2": "b"}


def test_every_control_has_a_name_for_readers() -> None:
    form = Settings(initial={"values": {"1": "a"}, "pause": {"amount": 5, "unit": "hours"}, "lanes": LANES})
    assert Browser(form.as_div()).nameless == []


def test_rows_and_lanes_stand_under_their_fields_name() -> None:
    with translation.override("en"):
        html = Settings(initial={"values": {"1": "a"}}).as_div()
    assert "<fieldset>" in html
    assert "<legend>Values" in html
    assert "<legend>Lanes" in html
