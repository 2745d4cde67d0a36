"""Free text: its length, its window, its one call, and what becomes of the row."""

from datetime import timedelta

import pytest
from django.db import transaction

from messaging.errors import (
    InvalidPhoneNumber,
    OutsideWindow,
    RecipientLocked,
    SenderOffline,
    TextTooLong,
    VariableMissing,
)
from messaging.models import ContactIdentity, Conversation, Message
from messaging.providers import provider_of
from messaging.services.outbox import Origin, SendInsideTransaction, send_text, window_of
from messaging.services.people import chat_for, find_or_create_contact


def test_text_goes_once_with_its_committed_row(sender, chat, wire, by_run, now):
    seen = []
    wire.during_call = lambda body: seen.append(
        Message.objects.in_workspace(chat.workspace).get(public_id=body["biz_opaque_callback_data"]).status
    )
    message = send_text(sender=sender, chat=chat, text="Guten Tag", origin=by_run, key="run:1", now=now)
    assert seen == ["sending"]
    assert (message.status, message.provider_id, message.body) == ("accepted", "wamid.1", "Guten Tag")
    assert message.was_created
    assert (message.cause_kind, message.cause_id, message.cause_label) == ("run", "run-1", "Terminbestätigung")
    assert wire.sent == [
        {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "4915112345678",
            "biz_opaque_callback_data": str(message.public_id),
            "type": "text",
            "text": {"body": "Guten Tag", "preview_url": False},
        }
    ]
    assert wire.calls[0].path == "/v26.0/1001/messages"


def test_the_same_key_gives_the_same_row_and_no_second_call(sender, chat, wire, by_api, now):
    first = send_text(sender=sender, chat=chat, text="Guten Tag", origin=by_api, key="k1", now=now)
    second = send_text(sender=sender, chat=chat, text="Anderes", origin=by_api, key="k1", now=now)
    assert second.pk == first.pk
    assert second.was_created is False
    assert len(wire.sent) == 1


def test_the_same_key_repeats_the_refusal(sender, chat, wire, by_api, now):
    wire.refuse(131026)
    errors = []
    for _attempt in range(2):
        with pytest.raises(Exception, match="recipient_not_on_whatsapp") as refused:
            send_text(sender=sender, chat=chat, text="Guten Tag", origin=by_api, key="k1", now=now)
        errors.append(refused.value)
    assert errors[0].message.pk == errors[1].message.pk
    assert len(wire.sent) == 1


def test_an_outbound_message_opens_the_conversation_and_is_its_last(sender, chat, wire, by_api, now):
    message = send_text(sender=sender, chat=chat, text="Guten Tag", origin=by_api, key=None, now=now)
    conversation = Conversation.objects.in_workspace(chat.workspace).get(chat=chat)
    assert message.conversation == conversation
    assert conversation.opened_by == Conversation.OpenedBy.BUSINESS
    assert (conversation.last_message_text, conversation.last_message_direction) == ("Guten Tag", "out")


@pytest.mark.parametrize(
    ("text", "units"),
    [("a" * 4096, 4096), ("ü" * 4096, 4096), ("😀" * 2048, 4096)],
    ids=["letters", "umlauts", "emoji count twice"],
)
def test_4096_units_go(sender, chat, wire, by_api, now, text, units):
    assert send_text(sender=sender, chat=chat, text=text, origin=by_api, key=None, now=now).status == "accepted"


@pytest.mark.parametrize("text", ["a" * 4097, "😀" * 2048 + "a"], ids=["letters", "emoji count twice"])
def test_4097_units_are_refused_before_the_call(sender, chat, wire, by_api, now, text):
    with pytest.raises(TextTooLong) as refused:
        send_text(sender=sender, chat=chat, text=text, origin=by_api, key=None, now=now)
    assert refused.value.facts == {"length": 4097, "limit": 4096}
    assert refused.value.message is None
    assert wire.calls == []


def test_empty_text_is_never_sent(sender, chat, wire, by_api, now):
    with pytest.raises(VariableMissing):
        send_text(sender=sender, chat=chat, text=" \n", origin=by_api, key=None, now=now)
    assert wire.calls == []


@pytest.mark.parametrize("seconds", [-1, 0])
def test_text_goes_until_24_hours_to_the_second(sender, chat, wire, by_api, now, seconds):
    end = chat.last_inbound_at + timedelta(hours=24)
    message = send_text(
        sender=sender, chat=chat, text="Hallo", origin=by_api, key=None, now=end + timedelta(seconds=seconds)
    )
    assert message.status == "accepted"


def test_text_is_refused_one_second_after_24_hours(sender, chat, wire, by_api, now):
    late = chat.last_inbound_at + timedelta(hours=24, seconds=1)
    with pytest.raises(OutsideWindow) as refused:
        send_text(sender=sender, chat=chat, text="Hallo", origin=by_api, key=None, now=late)
    assert wire.calls == []
    assert (refused.value.message.status, refused.value.message.error_code) == ("failed", "outside_window")


def test_text_to_a_stranger_is_outside_the_window(sender, wire, by_api, now):
    with pytest.raises(OutsideWindow):
        send_text(sender=sender, to="+436641234567", text="Hallo", origin=by_api, key=None, now=now)
    assert wire.calls == []


@pytest.mark.parametrize("to", ["0151/12345678", "+49 (0) 151 12345678", "4915112345678"])
def test_a_number_that_is_not_e164_makes_no_row(sender, wire, by_api, now, to):
    with pytest.raises(InvalidPhoneNumber) as refused:
        send_text(sender=sender, to=to, text="Hallo", origin=by_api, key="k", now=now)
    assert refused.value.message is None
    assert refused.value.field == "to"
    assert to in refused.value.cause_text()
    assert Message.objects.in_workspace(sender.workspace).count() == 0


def test_the_likely_number_is_the_cure(sender, wire, by_api, now):
    with pytest.raises(InvalidPhoneNumber) as refused:
        send_text(sender=sender, to="+49 (0) 151 12345678", text="Hallo", origin=by_api, key=None, now=now)
    assert "+4915112345678" in refused.value.cure_text()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "offline"}, "offline"),
        ({"status": "suspended"}, "suspended"),
        ({"is_paused": True}, "paused"),
        ({"address_key": "gone"}, "no_address"),
    ],
)
def test_a_sender_that_is_not_ready_sends_nothing(sender, chat, wire, by_api, now, change, reason):
    type(sender).objects.in_workspace(sender.workspace).filter(pk=sender.pk).update(**change)
    with pytest.raises(SenderOffline) as refused:
        send_text(sender=sender, chat=chat, text="Hallo", origin=by_api, key=None, now=now)
    assert refused.value.facts["reason"] == reason
    assert refused.value.message.error_code == "sender_offline"
    assert wire.calls == []


def test_a_test_run_writes_to_nobody_else(sender, chat, wire, now):
    locked = Origin(kind=Message.Cause.RUN, id="run-1", only_recipient="+436641234567")
    with pytest.raises(RecipientLocked):
        send_text(sender=sender, chat=chat, text="Hallo", origin=locked, key=None, now=now)
    mine = Origin(kind=Message.Cause.RUN, id="run-1", only_recipient="+4915112345678")
    assert send_text(sender=sender, chat=chat, text="Hallo", origin=mine, key=None, now=now).status == "accepted"
    assert len(wire.sent) == 1


def test_a_dry_run_checks_and_sends_nothing(sender, chat, wire, now):
    dry = Origin(kind=Message.Cause.RUN, id="run-1", dry=True)
    message = send_text(sender=sender, chat=chat, text="Hallo", origin=dry, key="k", now=now)
    assert (message.pk, message.status, wire.calls) == (None, "accepted", [])
    with pytest.raises(OutsideWindow):
        send_text(sender=sender, to="+436641234567", text="Hallo", origin=dry, key="k", now=now)
    assert Message.objects.in_workspace(sender.workspace).count() == 0


def test_nothing_is_sent_from_within_a_transaction(sender, chat, wire, by_api, now):
    with pytest.raises(SendInsideTransaction), transaction.atomic():
        send_text(sender=sender, chat=chat, text="Hallo", origin=by_api, key=None, now=now)
    assert wire.calls == []


def test_a_contact_without_a_phone_is_written_to_by_user_id(workspace, sender, wire, by_api, now, contact, chat):
    type(contact).objects.in_workspace(workspace).filter(pk=contact.pk).update(phone=None)
    type(chat).objects.in_workspace(workspace).filter(pk=chat.pk).update(address="MX.5213491208655302")
    chat.refresh_from_db()
    send_text(sender=sender, chat=chat, text="Hallo", origin=by_api, key=None, now=now)
    assert wire.sent[0]["recipient"] == "MX.5213491208655302"
    assert "to" not in wire.sent[0]


def test_the_window_as_the_api_shows_it(sender, chat, now):
    window = window_of(sender, "+4915112345678", now)
    assert window.is_open
    assert window.minutes_remaining == 23 * 60
    assert not window.requires_template
    stranger = window_of(sender, "+436641234567", now)
    assert (stranger.is_open, stranger.expires_at, stranger.minutes_remaining) == (False, None, 0)


def test_a_quoted_message_and_a_preview_go_along(workspace, sender, chat, wire, by_api, now):
    said = {"sender": sender, "chat": chat, "direction": "in", "status": "received", "kind": "text", "body": "Wo?"}
    Message.objects.in_workspace(workspace).create(provider_id="wamid.in", occurred_at=now, **said)
    text = "Hier: https://example.com"
    send_text(sender=sender, chat=chat, text=text, origin=by_api, key=None, now=now, reply_to="wamid.in")
    assert wire.sent[0]["context"] == {"message_id": "wamid.in"}
    assert wire.sent[0]["text"] == {"body": text, "preview_url": True}


def test_reading_and_typing_are_shown_to_the_customer(sender, wire):
    wire.answer(200, {"success": True})
    provider_of(sender).mark_read(sender, "wamid.in", with_typing=True)
    assert wire.sent == [
        {
            "messaging_product": "whatsapp",
            "status": "read",
            "message_id": "wamid.in",
            "typing_indicator": {"type": "text"},
        }
    ]


def test_the_platforms_spelling_of_a_number_is_kept_for_the_answer(workspace, sender, wire, by_run, now):
    contact, _created = find_or_create_contact(workspace=workspace, phone="+525512345678", now=now)
    chat = chat_for(contact, sender, now)
    type(chat).objects.in_workspace(workspace).filter(pk=chat.pk).update(window_expires_at=now)
    wire.answer(200, {"messages": [{"id": "wamid.1"}], "contacts": [{"wa_id": "5215512345678"}]})
    send_text(sender=sender, to="+525512345678", text="Hola", origin=by_run, key=None, now=now)
    again, is_new = find_or_create_contact(workspace=workspace, phone=None, wa_id="5215512345678", now=now)
    assert (again, is_new) == (contact, False)
    assert ContactIdentity.objects.in_workspace(workspace).filter(value="5215512345678", contact=contact).exists()
