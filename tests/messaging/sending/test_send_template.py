"""Templates: their parameters before the call, their language, their state, and consent."""

from datetime import timedelta

import pytest

from messaging.errors import (
    ConversationTakenOver,
    PhoneNumberNeeded,
    RateLimited,
    RecipientOptedOut,
    TemplateNotFound,
    TemplateParametersMismatch,
    TemplatePaused,
    VariableMissing,
)
from messaging.models import Chat, Contact, Conversation, Message, Template
from messaging.services.outbox import SlotLater, SlotPolicy, send_template, send_text
from messaging.services.templates import language_variant, parameters_of

BUTTONS = [
    {"type": "BODY", "text": "Ihre Bestellung {{1}}."},
    {
        "type": "BUTTONS",
        "buttons": [
            {"type": "URL", "text": "Start", "url": "https://example.com/"},
            {"type": "QUICK_REPLY", "text": "Danke"},
            {"type": "URL", "text": "Verfolgen", "url": "https://example.com/o/{{1}}"},
        ],
    },
]


@pytest.fixture
def send(sender, by_api, now):
    """Sends a template to Eva's number."""

    def send(template="termin", variables=None, **changes):
        arguments = {
            "sender": sender,
            "to": "+4915112345678",
            "template": template,
            "language": "de",
            "variables": {"1": "Eva", "2": "Montag"} if variables is None else variables,
            "origin": by_api,
            "key": None,
            "now": now,
        }
        return send_template(**{**arguments, **changes})

    return send


def sent_template(wire):
    return wire.sent[-1]["template"]


def test_numbered_values_go_in_the_order_of_their_numbers(make_template, send, wire):
    make_template(body="Am {{2}}, {{1}}: wir freuen uns. {{2}}!")
    message = send(variables={"2": "Montag", "1": "Eva"})
    assert sent_template(wire) == {
        "name": "termin",
        "language": {"code": "de"},
        "components": [
            {"type": "body", "parameters": [{"type": "text", "text": "Eva"}, {"type": "text", "text": "Montag"}]}
        ],
    }
    assert message.body == "Am Montag, Eva: wir freuen uns. Montag!"


def test_named_values_carry_their_names(make_template, send, wire):
    make_template(
        parameter_format="named",
        components=[
            {"type": "HEADER", "format": "TEXT", "text": "Termin {{day}}"},
            {"type": "BODY", "text": "Hallo {{customer_name}}, bis {{day}}."},
        ],
    )
    send(variables={"customer_name": "Eva", "day": "Montag"})
    header, body = sent_template(wire)["components"]
    assert header["parameters"] == [{"type": "text", "parameter_name": "day", "text": "Montag"}]
    assert body["parameters"] == [
        {"type": "text", "parameter_name": "customer_name", "text": "Eva"},
        {"type": "text", "parameter_name": "day", "text": "Montag"},
    ]


def test_a_template_without_values_sends_no_components(make_template, send, wire):
    make_template(body="Wir haben heute offen.")
    send(variables={})
    assert sent_template(wire) == {"name": "termin", "language": {"code": "de"}}


def test_white_space_in_values_is_tidied_and_noted(make_template, send, wire):
    """(traps T1)"""
    make_template(body="Hallo {{1}},\nbis {{2}}.")
    message = send(variables={"1": "Zeile 1\nZeile 2", "2": "Abc          bed"})
    values = [parameter["text"] for parameter in sent_template(wire)["components"][0]["parameters"]]
    assert values == ["Zeile 1 Zeile 2", "Abc bed"]
    assert message.body == "Hallo Zeile 1 Zeile 2,\nbis Abc bed."
    assert message.payload["cleaned"] == ["1", "2"]


@pytest.mark.parametrize("value", ["", None, "\t", " \n "])
def test_an_empty_value_is_named_before_any_call(make_template, send, wire, value):
    """(traps T1) (traps T2)"""
    make_template()
    with pytest.raises(VariableMissing) as refused:
        send(variables={"1": value, "2": "Montag"})
    assert refused.value.facts["path"] == "1"
    assert refused.value.field == "variables.1"
    assert wire.calls == []


@pytest.mark.parametrize("variables", [{"1": "Eva"}, {"1": "Eva", "2": "Mo", "3": "zu viel"}, {"name": "Eva"}])
def test_values_that_do_not_fit_are_refused_before_any_call(make_template, send, wire, variables):
    make_template()
    with pytest.raises(TemplateParametersMismatch) as refused:
        send(variables=variables)
    assert refused.value.facts["expected"] == "1, 2"
    assert wire.calls == []


def test_a_list_is_no_value(make_template, send, wire):
    make_template()
    with pytest.raises(TemplateParametersMismatch):
        send(variables={"1": ["Eva"], "2": "Montag"})


def test_a_button_is_numbered_by_its_place_among_all_buttons(make_template, send, wire):
    template = make_template(components=BUTTONS)
    assert [(parameter.key, parameter.is_required) for parameter in parameters_of(template)] == [
        ("1", True),
        ("button.1", False),
        ("button.2", True),
    ]
    send(variables={"1": "A-100", "button.2": "A-100"})
    assert sent_template(wire)["components"][1:] == [
        {"type": "button", "sub_type": "url", "index": "2", "parameters": [{"type": "text", "text": "A-100"}]}
    ]


def test_a_missing_button_value_is_no_call(make_template, send, wire):
    make_template(components=BUTTONS)
    with pytest.raises(TemplateParametersMismatch):
        send(variables={"1": "A-100"})
    assert wire.calls == []


def test_a_quick_reply_carries_its_payload(make_template, send, wire):
    make_template(components=BUTTONS)
    send(variables={"1": "A-100", "button.2": "A-100", "button.1": "run:7:ja"})
    assert sent_template(wire)["components"][1] == {
        "type": "button",
        "sub_type": "quick_reply",
        "index": "1",
        "parameters": [{"type": "payload", "payload": "run:7:ja"}],
    }


@pytest.mark.parametrize(
    ("variables", "filename"),
    [
        ({"header": "https://example.com/d?id=9"}, "termin.pdf"),
        ({"header": "https://example.com/plan.pdf?id=9"}, "plan.pdf"),
        ({"header": "https://example.com/d?id=9", "header.filename": "Angebot.pdf"}, "Angebot.pdf"),
    ],
)
def test_a_document_always_has_a_name(make_template, send, wire, variables, filename):
    make_template(components=[{"type": "HEADER", "format": "DOCUMENT"}, {"type": "BODY", "text": "Ihr Angebot."}])
    send(variables=variables)
    [parameter] = sent_template(wire)["components"][0]["parameters"]
    assert parameter["document"] == {"link": variables["header"], "filename": filename}


def test_an_image_has_none(make_template, send, wire):
    make_template(components=[{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "Ihr Bild."}])
    send(variables={"header": "https://example.com/a.jpg"})
    [parameter] = sent_template(wire)["components"][0]["parameters"]
    assert parameter == {"type": "image", "image": {"link": "https://example.com/a.jpg"}}


@pytest.mark.parametrize(
    ("wanted", "code"),
    [("de", "de"), ("en_US", "en_US"), ("de_AT", "de"), ("de-AT", "de"), ("en", "en_US"), ("fr", None)],
)
def test_language_variants(wanted, code):
    """(traps T5)"""
    assert language_variant(["de", "en_US"], wanted) == code


def test_a_named_language_goes_byte_for_byte_or_not_at_all(make_template, send, wire):
    """(traps T5)"""
    make_template()
    make_template(language="en_US")
    send(language="en_US")
    assert sent_template(wire)["language"] == {"code": "en_US"}
    with pytest.raises(TemplateNotFound) as refused:
        send(language="en")
    assert refused.value.facts["available"] == "de, en_US"
    assert len(wire.sent) == 1


@pytest.mark.parametrize(("contact_language", "code"), [("en", "en_US"), ("", "de"), ("fr", "de")])
def test_without_a_language_the_contact_decides_then_the_workspace(
    make_template, send, wire, contact, contact_language, code
):
    """(traps T5)"""
    make_template()
    make_template(language="en_US")
    Contact.objects.in_workspace(contact.workspace).filter(pk=contact.pk).update(language=contact_language)
    send(language="")
    assert sent_template(wire)["language"] == {"code": code}


def test_a_template_is_found_by_its_public_id(make_template, send, wire):
    template = make_template()
    assert send(str(template.public_id), language="").status == "accepted"


@pytest.mark.parametrize("status", ["pending", "rejected", "deleted", "draft"])
def test_a_template_that_is_not_approved_is_not_found(make_template, send, wire, status):
    make_template(status=status)
    with pytest.raises(TemplateNotFound):
        send()
    assert wire.calls == []


def test_an_unknown_template_leaves_no_row(send, wire, workspace):
    with pytest.raises(TemplateNotFound) as refused:
        send("gibt_es_nicht")
    assert refused.value.message is None
    assert refused.value.http_status == 404
    assert Message.objects.in_workspace(workspace).count() == 0


def test_a_template_of_another_account_is_not_found(make_template, send, wire):
    make_template(business_account_id="9999")
    with pytest.raises(TemplateNotFound):
        send()


@pytest.mark.parametrize("status", ["paused", "disabled"])
def test_a_stopped_template_is_named(make_template, send, wire, status):
    """(traps T7)"""
    make_template(status=status)
    with pytest.raises(TemplatePaused) as refused:
        send()
    assert refused.value.message.error_code == "template_paused"
    assert wire.calls == []


def test_a_template_stopped_while_we_thought_it_approved(make_template, send, wire):
    """(traps T7)"""
    template = make_template()
    wire.refuse(132015)
    with pytest.raises(TemplatePaused):
        send()
    template.refresh_from_db()
    assert template.status == Template.Status.PAUSED
    with pytest.raises(TemplatePaused):
        send()
    assert len(wire.sent) == 1


def test_a_stranger_becomes_a_contact_with_the_given_name(make_template, send, wire, workspace):
    make_template()
    message = send(to="+436641234567", recipient_name="Uwe")
    assert message.chat.contact.phone == "+436641234567"
    assert message.chat.contact.name == "Uwe"


@pytest.mark.parametrize(
    ("consent", "category", "covers_all", "goes"),
    [
        ({}, "marketing", False, True),
        ({"consent_marketing": "opted_out"}, "marketing", False, False),
        ({"consent_marketing": "opted_out"}, "utility", False, True),
        ({"consent_marketing": "opted_out"}, "utility", True, False),
        ({"consent_service": "opted_out"}, "utility", False, False),
    ],
)
def test_consent_decides_about_templates(
    make_template, send, wire, workspace, contact, chat, consent, category, covers_all, goes
):
    make_template(category=category)
    Contact.objects.in_workspace(workspace).filter(pk=contact.pk).update(**consent)
    type(workspace).objects.filter(pk=workspace.pk).update(opt_out_covers_all_templates=covers_all)
    if goes:
        assert send().status == "accepted"
        return
    with pytest.raises(RecipientOptedOut) as refused:
        send()
    assert refused.value.message.status == "failed"
    assert wire.calls == []


def test_who_has_opted_out_still_gets_answers(sender, workspace, contact, chat, wire, by_run, now):
    Contact.objects.in_workspace(workspace).filter(pk=contact.pk).update(consent_marketing="opted_out")
    assert send_text(sender=sender, chat=chat, text="Gern!", origin=by_run, key=None, now=now).status == "accepted"


def test_the_platforms_own_stop_is_honoured_and_learnt(make_template, send, wire, chat):
    make_template(category="marketing")
    wire.refuse(131050)
    for _time in range(2):
        with pytest.raises(RecipientOptedOut):
            send()
    assert len(wire.sent) == 1


def test_a_one_time_code_needs_a_phone(make_template, send, wire, workspace, contact, chat):
    make_template(category="authentication", body="{{1}} ist Ihr Code.")
    Contact.objects.in_workspace(workspace).filter(pk=contact.pk).update(phone=None)
    Chat.objects.in_workspace(workspace).filter(pk=chat.pk).update(address="DE.77001122")
    chat.refresh_from_db()
    with pytest.raises(PhoneNumberNeeded):
        send(to=None, chat=chat, variables={"1": "123456"})
    assert wire.calls == []


class TestTakeOver:
    """A person answers in the conversation."""

    @pytest.fixture(autouse=True)
    def taken_over(self, workspace, chat, now):
        Conversation.objects.in_workspace(workspace).create(
            chat=chat, opened_at=now, opened_by="customer", taken_over_until=now + timedelta(hours=2)
        )

    def test_a_flow_does_not_speak_into_it(self, sender, chat, wire, by_run, now):
        with pytest.raises(ConversationTakenOver):
            send_text(sender=sender, chat=chat, text="Hallo", origin=by_run, key=None, now=now)
        assert wire.calls == []

    def test_a_template_of_a_run_that_began_elsewhere_goes(self, make_template, send, wire, by_run):
        make_template()
        assert send(origin=by_run, allow_taken_over=True).status == "accepted"

    def test_an_api_call_is_its_callers_own_act(self, sender, chat, wire, by_api, now):
        assert send_text(sender=sender, chat=chat, text="Hallo", origin=by_api, key=None, now=now).status == "accepted"

    def test_it_ends_with_its_hours(self, sender, chat, wire, by_run, now):
        later = now + timedelta(hours=2)
        message = send_text(sender=sender, chat=chat, text="Hallo", origin=by_run, key=None, now=later)
        assert message.status == "accepted"


class TestQuietHours:
    """20:00 to 8:00 in Vienna, which is 19:00 to 7:00 UTC in November."""

    @pytest.fixture
    def evening(self, now):
        return now.replace(hour=20)

    def test_marketing_waits_until_they_end(self, make_template, send, wire, by_run, evening):
        make_template(category="marketing")
        slots = SlotPolicy(kind="suspend", deadline=evening + timedelta(hours=1))
        with pytest.raises(SlotLater) as later:
            send(origin=by_run, key="run:1", now=evening, slots=slots)
        morning = (evening + timedelta(days=1)).replace(hour=7)
        assert later.value.until == morning
        assert later.value.message.status == "queued"
        assert wire.calls == []
        message = send(origin=by_run, key="run:1", now=morning, slots=slots)
        assert (message.pk, message.status) == (later.value.message.pk, "accepted")

    def test_who_does_not_wait_hears_when_they_end(self, make_template, send, wire, evening):
        make_template(category="marketing")
        with pytest.raises(RateLimited) as refused:
            send(now=evening)
        assert refused.value.facts["limit"] == "quiet_hours"
        assert refused.value.retry_after == 11 * 3600
        assert refused.value.message.status == "failed"

    def test_utility_and_replies_do_not(self, make_template, send, sender, chat, wire, by_run, evening):
        make_template()
        assert send(now=evening).status == "accepted"
        assert send_text(sender=sender, chat=chat, text="Ja", origin=by_run, key=None, now=evening).status == "accepted"
