"""Templates on the whole path: values the platform takes, exact languages, and what it has stopped."""

from typing import Any

import pytest
from django.utils import translation

from automations.actions.registry import action
from automations.errors import FlowInvalid
from automations.forms.choices import language_choices
from automations.models import Flow, Run, StepRun
from automations.services.publishing import check_draft
from messaging.models import Contact, Template
from tests.house import EVA, House

pytestmark = pytest.mark.django_db(transaction=True)


def sends(house: House, variables: dict[str, str], **config: Any) -> Flow:
    """A flow that sends the template `gruss` when the event comes."""
    settings = {
        "sender": str(house.sender.public_id),
        "template": "gruss",
        "language": "de",
        "to": EVA,
        "variables": variables,
    }
    return house.flow(
        "api_event",
        [{"type": "send_template", "key": "senden", "name": "Gruß senden", "config": {**settings, **config}}],
        trigger_config={"event": "lead", "sample": None},
    )


def values(sent: dict[str, Any]) -> list[str]:
    (body,) = [part for part in sent["body"]["template"]["components"] if part["type"] == "body"]
    return [parameter["text"] for parameter in body["parameters"]]


def step(house: House) -> StepRun:
    return StepRun.objects.in_workspace(house.workspace).filter(step_key="senden").latest("id")


@pytest.mark.parametrize(
    ("given", "sent"), [("Abc          bed", "Abc bed"), ("Zeile 1\nZeile 2", "Zeile 1 Zeile 2"), ("a\tb", "a b")]
)
def test_white_space_in_a_value_becomes_one_space(house: House, given: str, sent: str) -> None:
    """(traps T1) noted at the step; the stored message shows what went out; the template's own lines stay."""
    house.template("gruss", "Guten Tag {{1}},\nbis morgen.")
    sends(house, {"1": "{{trigger.name}}"})
    house.event("lead", name=given)
    (accepted,) = house.sends()
    assert values(accepted) == [sent]
    assert [message.body for message in house.messages()] == [f"Guten Tag {sent},\nbis morgen."]
    assert house.screen() == [f"Guten Tag {sent},\nbis morgen."]
    (note,) = step(house).notes
    assert "{{1}}" in note


def test_a_value_that_is_clean_leaves_no_note(house: House) -> None:
    """(traps T1)"""
    house.template("gruss", "Guten Tag {{1}}, bis morgen.")
    sends(house, {"1": "{{trigger.name}}"})
    house.event("lead", name="Eva")
    assert step(house).notes == []


@pytest.mark.parametrize("given", ["\t", " \n ", "\u200b"])
def test_a_value_that_becomes_empty_is_missing_before_the_call(house: House, given: str) -> None:
    """(traps T1)"""
    house.template("gruss", "Guten Tag {{1}}, bis morgen.")
    sends(house, {"1": "{{trigger.name}}"})
    house.event("lead", name=given)
    assert (house.run().status, house.run().error_code) == (Run.Status.FAILED, "variable_missing")
    assert house.calls() == []


@pytest.mark.parametrize(
    ("text", "path"),
    [("{{contact.first_name}}", "contact.first_name"), ("{{contact.attributes.ort}}", "contact.attributes.ort")],
)
def test_a_field_without_a_value_is_named_before_the_call(house: House, text: str, path: str) -> None:
    """(traps T2) no first name, and a field of one's own that is null."""
    Contact.objects.in_workspace(house.workspace).create(phone=EVA, attributes={"ort": None})
    house.template("gruss", "Guten Tag {{1}}, bis morgen.")
    sends(house, {"1": text})
    house.event("lead", customer_phone=EVA)
    assert (house.run().error_code, house.run().error_step) == ("variable_missing", "senden")
    facts = step(house).error_facts
    assert (facts["path"], facts["step"]) == (path, "Gruß senden")
    assert house.calls() == []


@pytest.mark.parametrize("path", ["contact.first_name", "contact.attributes.ort"])
def test_with_a_default_the_message_goes_out(house: House, path: str) -> None:
    """(traps T2)"""
    Contact.objects.in_workspace(house.workspace).create(phone=EVA, attributes={"ort": None})
    house.template("gruss", "Guten Tag {{1}}, bis morgen.")
    sends(house, {"1": f"{{{{{path} | default: 'dort'}}}}"})
    house.event("lead", customer_phone=EVA)
    assert [values(sent) for sent in house.sends()] == [["dort"]]


def in_two_languages(house: House, first: str = "de", second: str = "en_US") -> None:
    house.template("gruss", "Bis morgen.", language=first)
    house.template("gruss", "See you tomorrow.", language=second)


def test_the_picker_offers_the_codes_there_are(house: House) -> None:
    """(traps T5) `en` is not `en_US`."""
    in_two_languages(house)
    assert [code for code, _label in language_choices(house.workspace)] == ["", "de", "en_US"]


@pytest.mark.parametrize(
    ("chosen", "contact_language", "sent"),
    [
        ("en_US", "", "en_US"),
        ("de", "en", "de"),
        ("", "en", "en_US"),
        ("", "de_AT", "de"),
        ("", "", "de"),
        ("", "fr", "de"),
    ],
)
def test_a_language_goes_out_byte_for_byte(house: House, chosen: str, contact_language: str, sent: str) -> None:
    """(traps T5) chosen, or by the contact's language and then the workspace's."""
    in_two_languages(house)
    Contact.objects.in_workspace(house.workspace).create(phone=EVA, language=contact_language)
    sends(house, {}, language=chosen)
    house.event("lead", customer_phone=EVA)
    assert [accepted["body"]["template"]["language"] for accepted in house.sends()] == [{"code": sent}]


def test_a_code_that_does_not_exist_cannot_be_published(house: House) -> None:
    """(traps T5)"""
    in_two_languages(house)
    with pytest.raises(FlowInvalid) as refused:
        sends(house, {}, language="en")
    assert {(finding.step, finding.field) for finding in refused.value.findings} == {("senden", "language")}


@pytest.mark.parametrize(("first", "second", "is_warned"), [("fr", "it", True), ("de", "it", False)])
def test_publishing_warns_where_a_contact_could_get_nothing(
    house: House, first: str, second: str, is_warned: bool
) -> None:
    """(traps T5) no variant for the workspace's language, and the contact's decides."""
    in_two_languages(house, first, second)
    flow = sends(house, {}, language="")
    with translation.override("en"):
        found = [finding for finding in check_draft(flow) if finding.field == "language"]
    assert [(finding.code, finding.severity) for finding in found] == [("template_not_found", "warning")] * is_warned
    assert not found or "fr, it" in str(found[0].message)


def test_the_form_says_in_which_order_a_language_is_taken(house: House) -> None:
    """(traps T5)"""
    form = action("send_template").form(workspace=house.workspace)
    with translation.override("en"):
        assert "without its region" in str(form.fields["language"].help_text)


def test_a_template_that_the_platform_pauses_is_not_sent_until_it_is_approved_again(house: House) -> None:
    """(traps T7) flows get `template_paused` from its webhook on, the team hears, nothing is sent."""
    template = house.template("gruss", "Bis morgen.")
    sends(house, {})
    house.event("lead")
    house.emulator.patch_template(template.platform_id, status="PAUSED")
    house.wait_for_webhook("message_template_status_update", "PAUSED")
    house.settle()
    house.event("lead")
    template.refresh_from_db()
    assert (template.status, template.status_since) == (Template.Status.PAUSED, house.now)
    assert [run.error_code for run in house.runs()] == ["", "template_paused"]
    assert "template_paused" in {notice.code for notice in house.notices()}
    assert len(house.calls()) == 1
    house.emulator.patch_template(template.platform_id, status="APPROVED")
    house.wait_for_webhook("message_template_status_update", "APPROVED")
    house.settle()
    house.event("lead")
    assert [run.error_code for run in house.runs()] == ["", "template_paused", ""]
    assert len(house.sends()) == 2
