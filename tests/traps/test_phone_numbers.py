"""Phone numbers on the whole path: what the platform writes is read as it is, what people write is E.164 or refused.

Cases and right outcomes: the field's traps under "Phone numbers".
"""

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from automations.models import Run, StepRun
from messaging.errors import PhoneNumberNeeded, RecipientOptedOut
from messaging.models import Chat, Contact, ContactIdentity, Conversation, InboundLog, Message
from messaging.services.consent import opt_out
from messaging.services.outbox import Origin, send_template
from messaging.services.senders import NumberSettings, connect_sender
from tests.api.conftest import demand_problem
from tests.house import ACCOUNT_ID, SECRET, TOKEN, House
from tests.traps.conftest import text_from
from workspaces.errors import stored_error
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db(transaction=True)

MESSAGES = "/api/v1/messages"


def contacts(house: House) -> list[Contact]:
    return list(Contact.objects.in_workspace(house.workspace).filter(merged_into=None))


def region(house: House, code: str) -> None:
    Workspace.objects.filter(pk=house.workspace.pk).update(region=code)


def order(house: House, to: str) -> dict[str, Any]:
    """What a program sends to the API for a template to this number."""
    sender = str(house.sender.public_id)
    return {"type": "template", "sender": sender, "to": to, "template": "gruss", "language": "de", "variables": {}}


def answers(house: House, text: str = "Guten Tag") -> None:
    """A flow that answers whoever writes."""
    house.flow("message_received", [{"type": "send_text", "key": "antwort", "config": {"text": text}}])


def test_a_mexican_answer_lands_with_the_template_it_answers(house: House, call: APIClient) -> None:
    """(traps P1) 52 was written to, 521 answers: one contact, one conversation, replies to the id that wrote."""
    house.template("gruss", "Hallo, bis morgen.")
    answers(house)
    assert call.post(MESSAGES, order(house, "+525500001234"), format="json").status_code == 201
    house.customer_writes("Gracias", phone="+5215500001234", name="Ana")
    (contact,) = contacts(house)
    assert contact.phone == "+525500001234"
    assert contact.identities.filter(kind="whatsapp_id", value="5215500001234").exists()
    assert Conversation.objects.in_workspace(house.workspace).count() == 1
    assert [sent["to"] for sent in house.sends()] == ["525500001234", "5215500001234"]


def test_an_argentine_id_outside_the_allowed_list_is_named_with_its_other_spelling(house: House) -> None:
    """(traps P2) 131030 to the id that just wrote: no retry, no second contact, no silent second send."""
    answers(house)
    house.emulator.fault({"path": "/messages"}, {"error": 131030}, times=None)
    house.customer_writes("Hola", phone="+5491100001234")
    house.advance(minutes=5)
    run = house.run()
    assert (run.status, run.error_code) == (Run.Status.FAILED, "not_in_allowed_list")
    step = StepRun.objects.in_workspace(house.workspace).get(status="failed")
    assert "+541100001234" in stored_error(step.error_code, step.error_facts).cure_text()
    assert [called["body"]["to"].lstrip("+") for called in house.calls()] == ["5491100001234"]
    assert len(contacts(house)) == 1


def test_a_person_sets_the_other_spelling_and_it_stays(house: House, client: Client) -> None:
    """(traps P2) by the button beside the cure; sent again by hand, and still so when the customer writes once more."""
    answers(house)
    house.emulator.fault({"path": "/messages"}, {"error": 131030}, times=1)
    house.customer_writes("Hola", phone="+5491100001234")
    client.force_login(house.owner.user)
    failed = Message.objects.in_workspace(house.workspace).get(direction="out")
    thread = ["praxis-graz", failed.conversation.public_id]
    assert "+541100001234" in client.get(reverse("conversation", args=thread)).content.decode()
    assert client.post(reverse("other_spelling", args=thread)).status_code == 302
    assert len(house.calls()) == 1
    client.post(reverse("message_again", args=[*thread, failed.public_id]))
    house.customer_writes("Hola?", phone="+5491100001234")
    assert [sent["to"] for sent in house.sends()] == ["541100001234", "541100001234"]
    assert len(contacts(house)) == 1


def test_a_number_with_one_spelling_keeps_it(house: House, client: Client) -> None:
    """(traps P2) the address is answered, and changes nothing."""
    house.customer_writes("Hallo")
    client.force_login(house.owner.user)
    (conversation,) = Conversation.objects.in_workspace(house.workspace)
    client.post(reverse("other_spelling", args=["praxis-graz", conversation.public_id]))
    assert Chat.objects.in_workspace(house.workspace).get().chosen_address == ""


@pytest.mark.parametrize("shown", ["556490000000", "+55 64 9000-0000"])
def test_a_business_number_in_another_spelling_is_still_its_sender(
    house: House, deliver: Callable[..., Any], shown: str
) -> None:
    """(traps P3) senders are found by phone_number_id only."""
    house.set_sender(phone="+5564990000000")
    answer = deliver({"messages": [text_from(house, "436641234567")]}, display_phone_number=shown)
    assert answer.status_code == 200
    assert Message.objects.in_workspace(house.workspace).get(direction="in").sender == house.sender


def test_an_unknown_number_id_is_no_bad_signature(house: House, deliver: Callable[..., Any]) -> None:
    """(traps P3) the inbound log says "unknown sender"."""
    assert deliver({"messages": [text_from(house, "436641234567")]}, number="999").status_code == 200
    line = InboundLog.objects.get()
    assert (line.outcome, line.reason) == ("unknown_sender", "unknown_number")


REFUSED = [
    # given, suggestion, what the cause names
    pytest.param("+39600000001", "+390600000001", "0", id="traps P4"),
    pytest.param("4915112345678", "+4915112345678", "+", id="traps P5"),
    pytest.param("004915198765432", "+4915198765432", "00", id="traps P6"),
    pytest.param("+49015112345678", "+4915112345678", "0 behind +49", id="traps P7, pattern"),
    pytest.param("+49 (0) 151 12345678", "+4915112345678", "0 behind +49", id="traps P7, brackets"),
    pytest.param("\u202a+49 151 98765432\u202c", "+4915198765432", "U+202A", id="traps P8, direction"),
    pytest.param("+4915198765432\ufe0d", "+4915198765432", "U+FE0D", id="traps P8, variation"),
    pytest.param("+٤٩١٥١١٢٣٤٥٦٧٨", "+4915112345678", "٤٩١٥١١٢٣٤٥٦٧٨", id="traps P9"),
]


@pytest.mark.parametrize(("given", "suggestion", "named"), REFUSED)
def test_the_api_refuses_what_is_not_e164_and_suggests_what_is_meant(
    house: House, call: APIClient, given: str, suggestion: str, named: str
) -> None:
    """Nobody is stored under what was refused, and nothing is sent."""
    region(house, "DE")
    house.template("gruss", "Hallo, bis morgen.")
    answer = call.post(MESSAGES, order(house, given), format="json", headers={"Accept-Language": "en"})
    problem = demand_problem(answer, 422, "invalid_phone_number")
    assert suggestion in problem["cure"]
    assert named in problem["detail"]
    assert "+4949" not in answer.content.decode()
    assert (contacts(house), house.calls()) == ([], [])


@pytest.mark.parametrize(
    ("given", "suggestion"),
    [
        pytest.param("004915198765432", "+4915198765432", id="traps P6, form"),
        pytest.param("+49 (0) 151 12345678", "+4915112345678", id="traps P7, form"),
    ],
)
def test_a_form_refuses_with_the_number_that_is_meant(
    house: House, client: Client, given: str, suggestion: str
) -> None:
    """The same strictness where a person types; what was typed stays in the field."""
    flow = house.flow("message_received", [{"type": "send_text", "config": {"text": "Guten Tag"}}])
    client.force_login(house.owner.user)
    answer = client.post(reverse("flow_try", args=[house.workspace.slug, flow.public_id]), {"recipient": given})
    (said,) = answer.context["try_form"].errors["recipient"]
    assert answer.status_code == 422
    assert suggestion in said
    assert house.runs() == []


@pytest.mark.parametrize("given", ["\u202a+4915198765432\u202c", "+4915198765432\ufe0d"])
def test_a_form_takes_out_what_nobody_sees_and_finds_who_has_opted_out(
    house: House, client: Client, given: str
) -> None:
    """(traps P8) no second contact for whom the opt-out would not hold."""
    contact = Contact.objects.in_workspace(house.workspace).create(phone="+4915198765432", name="Eva")
    opt_out(contact, source="message", evidence="STOP", now=house.now)
    template = house.template("angebot", "Nur heute: zwei zum Preis von einem.", category="MARKETING")
    client.force_login(house.owner.user)
    answer = client.post(
        reverse("test_template", args=[house.workspace.slug, template.public_id]),
        {"to": given, "sender": house.sender.pk, "key": str(uuid4())},
    )
    assert answer.status_code == 422
    assert RecipientOptedOut(contact="Eva").cure_text() in str(answer.context["form"].errors)
    assert (contacts(house), house.calls()) == ([contact], [])


@pytest.mark.parametrize("number", ["+390600000001", "+393300000001"])
def test_an_italian_number_keeps_its_zero_and_gets_none(house: House, call: APIClient, number: str) -> None:
    """(traps P4)"""
    house.template("gruss", "Hallo, bis morgen.")
    assert call.post(MESSAGES, order(house, number), format="json").status_code == 201
    assert [sent["to"] for sent in house.sends()] == [number.removeprefix("+")]
    assert [contact.phone for contact in contacts(house)] == [number]


def test_a_german_id_without_plus_does_not_get_its_code_twice(house: House) -> None:
    """(traps P5) a webhook's `from` is read as a plus and its digits, whatever the workspace's region."""
    region(house, "DE")
    answers(house)
    house.customer_writes("Hallo", phone="+4915112345678")
    (told,) = [entry for entry in house.emulator.webhooks() if '"text"' in json.dumps(entry["body"])]
    assert told["body"]["entry"][0]["changes"][0]["value"]["messages"][0]["from"] == "4915112345678"
    assert [contact.phone for contact in contacts(house)] == ["+4915112345678"]
    assert [sent["to"] for sent in house.sends()] == ["4915112345678"]


@pytest.mark.parametrize("number", ["+٤٩١٥١١٢٣٤٥٦٧٨", "\u202a+4915198765432\u202c", "+4915198765432\ufe0d"])
def test_no_row_holds_a_phone_that_only_looks_like_one(house: House, number: str) -> None:
    """(traps P8) (traps P9) the table itself refuses native digits and invisible characters."""
    with pytest.raises(IntegrityError), transaction.atomic():
        Contact.objects.in_workspace(house.workspace).create(phone=number)


def test_a_user_id_in_the_place_of_the_phone_is_answered_byte_for_byte(
    house: House, deliver: Callable[..., Any]
) -> None:
    """(traps P10) no prefix rule touches it, the flow has no phone, and the reply goes by `recipient`."""
    odd = "MX.5213491208655302"
    answers(house, "Telefon: {{contact.phone | default: 'keines'}}, {{trigger.customer_phone | default: 'keines'}}")
    house.emulator.patch_customer("+5213491208655302", user_id=odd, phone_hidden=True)
    deliver({"contacts": [{"user_id": odd, "profile": {"name": "Ana"}}], "messages": [text_from(house, odd)]})
    (contact,) = contacts(house)
    identity = contact.identities.get()
    assert (contact.phone, identity.kind, identity.value) == (None, "user_id", odd)
    assert house.run().trigger["customer_phone"] is None
    (called,) = house.calls()
    assert (called["body"]["recipient"], "to" in called["body"]) == (odd, False)
    assert called["body"]["text"]["body"] == "Telefon: keines, keines"


def test_a_customer_who_hides_the_phone_resolves_the_wait_that_was_open(house: House) -> None:
    """(traps P11) Monday with a phone, Tuesday with the user id alone: same contact, same conversation."""
    house.flow(
        "message_received",
        [
            {"type": "wait_for_reply", "key": "frage", "config": {"timeout": {"amount": 3, "unit": "days"}}},
            {"type": "set_variables", "key": "danach", "config": {"values": {"said": "{{steps.frage.reply}}"}}},
        ],
    )
    house.emulator.patch_customer("+4915198765432", user_id="DE.77001122")
    house.customer_writes("Hallo", phone="+4915198765432")
    house.traveller.shift(20 * 3600)
    house.emulator.patch_customer("+4915198765432", phone_hidden=True)
    house.customer_writes("am Montag", phone="+4915198765432")
    assert house.run().status == Run.Status.DONE
    step = StepRun.objects.in_workspace(house.workspace).get(step_key="danach")
    assert step.output == {"said": "am Montag"}
    assert [contact.phone for contact in contacts(house)] == ["+4915198765432"]
    assert Conversation.objects.in_workspace(house.workspace).count() == 1


def test_a_one_time_code_needs_a_phone(house: House) -> None:
    """(traps P11) refused before the call, with a cause."""
    house.template("code", "Ihr Code ist da.", category="AUTHENTICATION")
    contact = Contact.objects.in_workspace(house.workspace).create(name="Ana")
    ContactIdentity.objects.in_workspace(house.workspace).create(
        contact=contact, kind="user_id", value="DE.77001122", portfolio=house.sender.business_account_id
    )
    chat = Chat.objects.in_workspace(house.workspace).create(
        contact=contact, sender=house.sender, address="DE.77001122"
    )
    with pytest.raises(PhoneNumberNeeded) as refused:
        send_template(
            sender=house.sender,
            chat=chat,
            template="code",
            variables={},
            origin=Origin(kind=Message.Cause.API),
            key=None,
            now=house.now,
        )
    assert "Ana" in refused.value.cause_text()
    assert house.calls() == []


def test_a_test_sender_of_the_platform_is_connected_and_shown(house: House, client: Client) -> None:
    """(traps P12) +1 555 is no valid number for libraries; sender numbers are the platform's and not validated."""
    house.emulator.register_number(
        "555012", waba_id=ACCOUNT_ID, phone="+15550123456", name="Test", app_secret=SECRET, token=TOKEN,
        verify_token="verify",
    )  # fmt: skip
    settings = NumberSettings(
        provider_number_id="555012", business_account_id=ACCOUNT_ID, token=TOKEN, app_secret=SECRET,
        verify_token="verify",
    )  # fmt: skip
    sender = connect_sender(workspace=house.workspace, number=settings, by=house.owner, now=house.now)
    assert (sender.phone.replace(" ", "").replace("-", ""), sender.status) == ("+15550123456", "online")
    client.force_login(house.owner.user)
    page = client.get(reverse("senders", args=[house.workspace.slug])).content.decode()
    assert "+15550123456" in re.sub(r"[\s\u00a0\u202f-]|&nbsp;", "", page)
