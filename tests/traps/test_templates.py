"""Templates on the whole path: values the platform takes, exact languages, and what it has stopped."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import translation

from automations.actions.registry import action
from automations.errors import FlowInvalid
from automations.forms.choices import language_choices
from automations.models import Flow, Run, StepRun
from automations.services.publishing import check_draft
from messaging.models import Contact, Template
from messaging.services.template_parameters import parameters_of
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


# --- Buttons and files (T3, T4, T8) --------------------------------------------------------------


def with_parts(house: House, *parts: dict[str, Any]) -> None:
    house.template("gruss", components=[{"type": "BODY", "text": "Bis morgen."}, *parts])


def buttons(*listed: dict[str, str]) -> dict[str, Any]:
    return {"type": "BUTTONS", "buttons": list(listed)}


THREE = buttons(
    {"type": "URL", "text": "Start", "url": "https://example.com/"},
    {"type": "QUICK_REPLY", "text": "Passt"},
    {"type": "URL", "text": "Verfolgen", "url": "https://example.com/o/{{1}}"},
)
TWO = buttons({"type": "QUICK_REPLY", "text": "Bestätigen"}, {"type": "QUICK_REPLY", "text": "Absagen"})


def components(house: House, kind: str) -> list[dict[str, Any]]:
    (accepted,) = house.sends()
    return [part for part in accepted["body"]["template"].get("components", []) if part["type"] == kind]


def test_a_value_reaches_the_button_that_takes_it(house: House) -> None:
    """(traps T3) the dynamic address is button 2, and the form asks for that one value."""
    with_parts(house, THREE)
    sends(house, {"button.2": "A-1"})
    house.event("lead")
    (dynamic,) = [part for part in components(house, "button") if part["sub_type"] == "url"]
    assert (dynamic["index"], dynamic["parameters"]) == ("2", [{"type": "text", "text": "A-1"}])
    needed = [one.key for one in parameters_of(Template.objects.in_workspace(house.workspace).get()) if one.is_required]
    assert needed == ["button.2"]


def test_a_button_without_its_value_is_found_before_the_call(house: House) -> None:
    """(traps T3) at publish, and again where the template has changed since."""
    house.template("gruss", "Bis morgen.")
    sends(house, {})
    Template.objects.in_workspace(house.workspace).update(components=[{"type": "BODY", "text": "Bis morgen."}, THREE])
    house.event("lead")
    assert house.run().error_code == "template_parameters_mismatch"
    assert "button.2" in step(house).error_facts["expected"]
    assert house.calls() == []
    with pytest.raises(FlowInvalid) as refused:
        sends(house, {})
    assert "variables.button.2" in {finding.field for finding in refused.value.findings}


@pytest.mark.parametrize(
    ("format_", "variables", "sent"),
    [
        ("DOCUMENT", {"header": "https://example.com/d?id=9"}, {"filename": "gruss.pdf"}),
        ("DOCUMENT", {"header": "https://example.com/Plan%20A.pdf?id=9"}, {"filename": "Plan A.pdf"}),
        (
            "DOCUMENT",
            {"header": "https://example.com/d?id=9", "header.filename": "Angebot.pdf"},
            {"filename": "Angebot.pdf"},
        ),
        ("IMAGE", {"header": "https://example.com/a.jpg"}, {}),
    ],
)
def test_a_document_has_a_name_and_a_picture_none(
    house: House, format_: str, variables: dict[str, str], sent: dict[str, str]
) -> None:
    """(traps T4) given, else from the link, else the template's with an ending."""
    with_parts(house, {"type": "HEADER", "format": format_})
    sends(house, variables)
    house.event("lead")
    (header,) = components(house, "header")
    (parameter,) = header["parameters"]
    assert parameter[format_.lower()] == {"link": variables["header"], **sent}


def test_a_name_given_for_a_picture_is_no_parameter_of_it(house: House) -> None:
    """(traps T4)"""
    with_parts(house, {"type": "HEADER", "format": "IMAGE"})
    with pytest.raises(FlowInvalid) as refused:
        sends(house, {"header": "https://example.com/a.jpg", "header.filename": "a.jpg"})
    assert {finding.field for finding in refused.value.findings} == {"variables.header.filename"}


def test_quick_replies_without_a_payload_get_their_own(house: House) -> None:
    """(traps T8) each once, none empty; rows of the form that nobody filled are no values."""
    with_parts(house, TWO)
    sends(house, {"button.0": "", "button.1": "absage"})
    house.event("lead")
    prefix = f"{house.run().public_id}:senden::"
    assert [(part["index"], part["parameters"]) for part in components(house, "button")] == [
        ("0", [{"type": "payload", "payload": f"{prefix}Bestätigen"}]),
        ("1", [{"type": "payload", "payload": f"{prefix}absage"}]),
    ]


@pytest.mark.parametrize("has_payload", [True, False])
def test_a_tap_below_a_template_answers_the_run_that_sent_it(
    house: House, deliver: Callable[..., Any], has_payload: bool
) -> None:
    """(traps T8) by the payload; where that is absent, by the message that was tapped and the button's text."""
    with_parts(house, TWO)
    ask = {"type": "send_template", "key": "senden", "config": {**ASKING, "sender": str(house.sender.public_id)}}
    wait = {"type": "wait_for_reply", "key": "antwort", "config": {"timeout": {"amount": 2, "unit": "hours"}}}
    house.flow("api_event", [ask, wait], trigger_config={"event": "lead", "sample": None})
    house.event("lead")
    sent = house.messages()[0]
    payload = components(house, "button")[1]["parameters"][0]["payload"]
    button = {"text": "Absagen", "payload": payload} if has_payload else {"text": "Absagen"}
    context = {} if has_payload else {"context": {"from": "43316555010", "id": sent.provider_id}}
    stamp = str(int(house.now.timestamp()))
    told = {"id": "wamid.tap", "from": EVA[1:], "timestamp": stamp, "type": "button", "button": button, **context}
    deliver({"messages": [told]})
    output = StepRun.objects.in_workspace(house.workspace).get(step_key="antwort").output
    assert house.run().status == Run.Status.DONE
    assert (output["reply"], output["button_id"]) == ("Absagen", "Absagen" if has_payload else None)


ASKING = {"template": "gruss", "language": "de", "to": EVA, "variables": {}}
