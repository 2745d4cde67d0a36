"""What customers do to messages, and what the platform does to deliveries, on the whole path through the house."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from assistants.models import Assistant, Turn
from automations.models import Run, StepRun
from automations.run_picture import note_words
from messaging.errors import CannotSendAgain
from messaging.media_errors import MediaPending
from messaging.models import Chat, Contact, MediaFile, Message, WebhookEvent
from messaging.services.media import open_file
from messaging.services.outbox import Origin, send_again, send_text
from messaging.services.people import find_or_create_contact
from messaging.services.receiving import receive_message
from messaging.services.webhook_intake import take_in
from messaging.services.webhook_processing import process_event
from messaging.webhooks.events import Content, InboundMessage, Person
from tests.house import EVA, House
from tests.traps.conftest import text_from

pytestmark = pytest.mark.django_db(transaction=True)
WA_ID = EVA.removeprefix("+")
ANSWER = {"type": "send_text", "key": "antwort", "config": {"text": "Guten Tag"}}
ASK = [
    {"type": "send_text", "key": "frage", "config": {"text": "Wie viele Personen?"}},
    {"type": "wait_for_reply", "key": "zahl", "config": {"timeout": {"amount": 2, "unit": "hours"}}},
    {"type": "send_text", "key": "dank", "config": {"text": "Danke: {{steps.zahl.reply}}"}},
]


def inbound(house: House, wamid: str) -> Message:
    return Message.objects.in_workspace(house.workspace).get(provider_id=wamid)


# --- deliveries -----------------------------------------------------------------------------------------


def test_the_same_message_ten_times_in_parallel_starts_one_run(house: House) -> None:
    """(traps W5) in ten envelopes, worked off by ten workers at once: one message, one run, one answer."""
    phones = [f"43664000000{number}" for number in range(3)]
    for phone in phones:
        house.customer_writes("Servus", f"+{phone}")
    house.flow("message_received", [ANSWER])
    for round_number, phone in enumerate(phones):
        message = text_from(house, phone, id=f"wamid.{round_number}")
        events = [_stored(house, message, number) for number in range(10)]

        def work(event: WebhookEvent) -> None:
            try:
                process_event(WebhookEvent.objects.get(pk=event.pk), now=house.now)
            finally:
                connection.close()

        with ThreadPoolExecutor(10) as pool:
            list(pool.map(work, events))
        house.settle()
        stored = Message.objects.in_workspace(house.workspace).filter(provider_id=f"wamid.{round_number}")
        assert stored.count() == 1
        assert [run.contact.phone for run in house.runs() if run.contact].count(f"+{phone}") == 1
        assert house.screen(f"+{phone}") == ["Guten Tag"]


def _stored(house: House, message: Any, number: int) -> WebhookEvent:
    metadata = {"display_phone_number": "43316555010", "phone_number_id": house.sender.provider_number_id}
    value = {"messaging_product": "whatsapp", "metadata": metadata, "messages": [message]}
    entry = {"id": house.sender.business_account_id, "changes": [{"field": "messages", "value": value}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry], "delivery": number}).encode()
    return take_in(sender=house.sender, body=body, now=house.now)


def test_a_picture_whose_first_fetch_fails_is_there_after_the_next(house: House) -> None:
    """(traps W6) seen at once; redelivered in between: one message, one run, whose file is there or fails by name."""
    house.flow("message_received", [ANSWER])
    house.emulator.fault({"path": "/whatsapp_business/"}, {"http": {"status": 503, "body": ""}}, times=1)
    house.emulator.fault({"type": "image"}, {"double_webhook": True}, times=1)
    wamid = house.customer_writes("Das Bild", type="image")
    message, run = inbound(house, wamid), house.run()
    media = MediaFile.objects.in_workspace(house.workspace).get()
    assert (media.status, message.body) == ("pending", "Das Bild")
    assert run.trigger["media"]["file"] == str(media.public_id)
    with pytest.raises(MediaPending):
        open_file(media)
    house.advance(seconds=6)
    media.refresh_from_db()
    assert media.status == "stored"
    assert Message.objects.in_workspace(house.workspace).filter(direction="in").count() == 1
    assert house.run().pk == run.pk


def test_an_import_and_a_webhook_make_one_contact(house: House) -> None:
    """(traps C4) fifty times in the same moment: one contact, and the message is stored."""

    def created(number: int) -> None:
        phone = f"+4915198{number:06}"
        find_or_create_contact(workspace=house.workspace, phone=phone, name=f"Import {number}", now=house.now)

    def received(number: int) -> None:
        wa_id = f"4915198{number:06}"
        item = InboundMessage(
            kind="text", message_id=f"wamid.{number}", person=Person(wa_id=wa_id), content=Content(text="Hallo")
        )
        receive_message(sender=house.sender, item=item, now=house.now)

    def closing(work: Callable[[int], None], number: int) -> None:
        try:
            work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for number in range(50):
            both = [pool.submit(closing, work, number) for work in (created, received)]
            [one.result() for one in both]
    contacts = Contact.objects.in_workspace(house.workspace).filter(merged_into=None)
    assert contacts.count() == 50
    assert {contact.name for contact in contacts} == {f"Import {number}" for number in range(50)}
    assert Message.objects.in_workspace(house.workspace).filter(chat__contact__in=contacts).count() == 50


# --- reactions, edits, revocations ------------------------------------------------------------------------


def test_a_reaction_taken_back_is_gone_and_nothing_happens(house: House) -> None:
    """(traps W7) a reaction without its emoji: no bubble, no flow."""
    wamid = house.customer_writes("Hallo")
    house.flow("message_received", [ANSWER])
    house.customer_writes("x", type="reaction", context=wamid, emoji="👍")
    assert inbound(house, wamid).payload["reactions"] == {"customer": "👍"}
    house.advance(seconds=1)
    house.customer_writes("x", type="reaction", context=wamid, emoji="")
    assert inbound(house, wamid).payload["reactions"] == {}
    assert Message.objects.in_workspace(house.workspace).count() == 1
    assert house.runs() == []


def test_an_edited_answer_is_shown_and_noted_and_answers_nothing_again(house: House, client: Client) -> None:
    """(traps W8) the bubble shows "51" with its history; the run went on with "15", once, and says so."""
    house.flow("message_received", ASK)
    house.customer_writes("Hallo")
    wamid = house.customer_writes("15")
    for number, said in enumerate(("50", "51"), 1):
        house.advance(seconds=number)
        house.customer_writes(said, type="edit", context=wamid)
    message, run = inbound(house, wamid), house.run()
    assert message.body == "51"
    assert [version["text"] for version in message.payload["versions"]] == ["15", "50", "51"]
    assert house.screen() == ["Wie viele Personen?", "Danke: 15"]
    assert run.status == Run.Status.DONE
    step = StepRun.objects.in_workspace(house.workspace).get(run=run, step_key="zahl")
    assert step.notes == ["answer_edited"]
    client.force_login(house.owner.user)
    page = client.get(reverse("run", args=[house.workspace.slug, run.public_id])).content.decode()
    assert note_words("answer_edited") in page


def test_a_deleted_message_is_in_no_prompt_any_more(house: House, assistant: Assistant) -> None:
    """(traps W9) marked as deleted; no flow is started by it; the assistant's memory leaves it out from then on."""
    house.set_sender(assistant=assistant, ai_answers=True)
    wamid = house.customer_writes("Meine IBAN ist AT61 1904 3002 3457 3201")
    assert Turn.objects.in_workspace(house.workspace).filter(content__contains="IBAN").exists()
    house.advance(seconds=20)
    runs = len(house.runs())
    house.customer_writes("x", type="revoke", context=wamid)
    message = inbound(house, wamid)
    assert (message.body, message.is_revoked, len(house.runs())) == ("", True, runs)
    house.customer_writes("Wann haben Sie offen?")
    remembered = Turn.objects.in_workspace(house.workspace).filter(role="customer", forgotten_at=None)
    assert [turn.content for turn in remembered] == ["Wann haben Sie offen?"]


def test_a_deleted_message_is_taken_out_of_the_runs_it_started(house: House) -> None:
    """(traps W9) what goes on later has it no more."""
    house.flow("message_received", [*ASK[:2], {**ASK[2], "config": {"text": "Zu: {{trigger.text}}"}}])
    wamid = house.customer_writes("Meine IBAN ist AT61 1904")
    house.customer_writes("x", type="revoke", context=wamid)
    house.customer_writes("vier")
    assert "IBAN" not in json.dumps([run.trigger for run in house.runs()])
    assert house.screen()[-1].strip() == "Zu:"


def test_a_message_that_was_deleted_before_it_came_starts_nothing(house: House, deliver: Callable[..., Any]) -> None:
    """(traps W9) the revocation overtakes its message."""
    house.flow("message_received", [ANSWER])
    revoke = {"from": WA_ID, "id": "wamid.r", "timestamp": str(int(house.now.timestamp())), "type": "revoke"}
    deliver({"messages": [revoke | {"revoke": {"original_message_id": "wamid.1"}}]})
    deliver({"messages": [text_from(house, WA_ID, "Meine IBAN")]})
    assert inbound(house, "wamid.1").is_revoked
    assert house.runs() == []


@pytest.mark.parametrize(
    ("response", "form", "shown"),
    [
        pytest.param('{"datum":"03.04.2027"}', {"datum": "03.04.2027"}, "Sent", id="traps W11, without token"),
        pytest.param("[1,2]", None, "[1,2]", id="traps W11, no object"),
        pytest.param('{"datum":', None, '{"datum":', id="traps W11, broken"),
    ],
)
def test_the_answers_of_a_form_are_data(house: House, response: str, form: Any, shown: str) -> None:
    """(traps W11) matched to its message by the context id; what is none is kept, with its raw text to be seen."""
    house.flow("message_received", [{**ANSWER, "config": {"text": "Datum: {{trigger.form.datum | default: '–'}}"}}])
    wamid = house.customer_writes("x", type="nfm_reply", response=response, context="wamid.form")
    message, run = inbound(house, wamid), house.run()
    assert (message.body, message.payload["content"]["form"]) == (shown, form)
    assert message.reply_to_provider_id == "wamid.form"
    assert run.trigger["form"] == form
    assert house.screen() == [f"Datum: {(form or {}).get('datum', '–')}"]


# --- failed sends -----------------------------------------------------------------------------------------


def failed(house: House, message: Message, code: int) -> Any:
    status = {"id": message.provider_id, "status": "failed", "timestamp": str(int(house.now.timestamp()))}
    return {"statuses": [status | {"errors": [{"code": code, "title": "x", "error_data": {"details": "why"}}]}]}


@pytest.fixture
def sent(house: House) -> Message:
    """A text to Eva that the platform has accepted."""
    house.customer_writes("Hallo")
    chat = Chat.objects.in_workspace(house.workspace).get()
    person = Origin(kind=Message.Cause.PERSON, id="1")
    return send_text(sender=house.sender, chat=chat, text="Bis morgen", origin=person, key=None, now=house.now)


def test_sending_again_is_a_new_message_and_the_failed_one_stays(
    house: House, sent: Message, deliver: Callable[..., Any]
) -> None:
    """(traps U1) a row with a provider id is not turned green; what has not failed says why it is not sent again."""
    person = Origin(kind=Message.Cause.PERSON, id="1")
    with pytest.raises(CannotSendAgain) as refused:
        send_again(message=sent, origin=person, now=house.now)
    assert str(sent.get_status_display()) in refused.value.cause_text()
    house.settle()
    Message.objects.in_workspace(house.workspace).filter(pk=sent.pk).update(status="accepted")
    deliver(failed(house, sent, 131053))
    sent.refresh_from_db()
    assert sent.status == "failed"
    again = send_again(message=sent, origin=person, now=house.now)
    sent.refresh_from_db()
    assert (sent.status, again.pk != sent.pk, again.provider_id not in ("", sent.provider_id)) == ("failed", True, True)
    assert [one["body"]["text"]["body"] for one in house.sends()] == ["Bis morgen", "Bis morgen"]


def test_where_the_platform_disagrees_about_the_window_ours_stays(
    house: House, sent: Message, deliver: Callable[..., Any]
) -> None:
    """(traps Z1) three minutes after the customer wrote: failed, with the hint that WhatsApp disagrees."""
    house.settle()
    Message.objects.in_workspace(house.workspace).filter(pk=sent.pk).update(status="accepted")
    chat = Chat.objects.in_workspace(house.workspace).get()
    house.traveller.shift(timedelta(minutes=3))
    deliver(failed(house, sent, 131047))
    sent.refresh_from_db()
    assert (sent.status, sent.error_code) == ("failed", "outside_window")
    assert sent.error_facts["window_expires_at"] == chat.window_expires_at.isoformat()
    chat.refresh_from_db()
    assert chat.is_window_open(house.now)
    assert len(house.sends()) == 1
