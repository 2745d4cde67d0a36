"""Who wrote, what they wrote, and what it does to contact, chat, window and conversation."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.models import Chat, Contact, ContactIdentity, Conversation, Message, Sender
from messaging.services.consent import wish_of
from messaging.services.people import find_or_create_contact
from messaging.webhooks.cloud_api import NotOurBody, parse
from messaging.webhooks.events import InboundMessage
from tests.messaging.receiving.conftest import NOON, envelope, person, text
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db(transaction=True)


def contact() -> Contact:
    return Contact.objects.across_workspaces().get(merged_into=None)


def test_a_first_message_makes_contact_chat_window_and_conversation(receive: Callable[..., Any]) -> None:
    receive(envelope({"contacts": [person()], "messages": [text(at=NOON - timedelta(minutes=3))]}))
    assert (contact().phone, contact().name) == ("+436641234567", "Eva")
    chat = Chat.objects.across_workspaces().get()
    assert chat.window_expires_at == NOON - timedelta(minutes=3) + timedelta(hours=24)
    conversation = Conversation.objects.across_workspaces().get()
    assert (conversation.opened_by, conversation.unread_count) == ("customer", 1)


def test_the_window_moves_forward_only_and_never_past_our_own_time(receive: Callable[..., Any]) -> None:
    receive(envelope({"contacts": [person()], "messages": [text(id="a", at=NOON + timedelta(hours=3))]}))
    receive(envelope({"contacts": [person()], "messages": [text(id="b", at=NOON - timedelta(hours=5))]}))
    assert Chat.objects.across_workspaces().get().window_expires_at == NOON + timedelta(hours=24)


@pytest.mark.parametrize("stored", ["+525500001234", "+5215500001234"])
def test_a_mexican_answer_lands_in_the_same_contact(
    sender: Sender, workspace: Workspace, receive: Callable[..., Any], stored: str
) -> None:
    """(traps P1)"""
    Contact.objects.in_workspace(workspace).create(phone=stored, name="Ana")
    receive(envelope({"contacts": [person("5215500001234", "x")], "messages": [text(wa_id="5215500001234")]}))
    assert (contact().phone, contact().name) == (stored, "Ana")
    assert Chat.objects.across_workspaces().get().address == "5215500001234"


def test_a_number_without_plus_is_plus_and_digits(receive: Callable[..., Any]) -> None:
    """(traps P5)"""
    receive(envelope({"messages": [text(wa_id="4915112345678")]}))
    assert contact().phone == "+4915112345678"


def test_a_user_id_in_the_place_of_the_phone_is_kept_byte_for_byte(receive: Callable[..., Any]) -> None:
    """(traps P10)"""
    odd = "MX.5213491208655302"
    receive(envelope({"contacts": [{"user_id": odd, "profile": {"name": "Ana"}}], "messages": [text(wa_id=odd)]}))
    identity = ContactIdentity.objects.across_workspaces().get()
    assert (contact().phone, identity.kind, identity.value) == (None, "user_id", odd)
    assert Chat.objects.across_workspaces().get().address == odd


def test_a_customer_who_hides_the_phone_stays_the_same_contact(receive: Callable[..., Any]) -> None:
    """(traps P11)"""
    seen = person("4915198765432", user_id="DE.77001122")
    receive(envelope({"contacts": [seen], "messages": [text(wa_id="4915198765432", from_user_id="DE.77001122")]}))
    hidden = text(id="wamid.2", from_user_id="DE.77001122")
    del hidden["from"]
    receive(envelope({"contacts": [{"user_id": "DE.77001122"}], "messages": [hidden]}))
    assert contact().phone == "+4915198765432"
    assert Conversation.objects.across_workspaces().count() == 1


def test_two_contacts_that_turn_out_to_be_one_are_merged_into_the_older(
    sender: Sender, workspace: Workspace, receive: Callable[..., Any]
) -> None:
    older, _new = find_or_create_contact(workspace=workspace, phone="+4915198765432", now=NOON)
    find_or_create_contact(
        workspace=workspace, phone=None, user_id="DE.7", portfolio=sender.business_account_id, now=NOON
    )
    message = text(wa_id="4915198765432", from_user_id="DE.7")
    receive(envelope({"contacts": [person("4915198765432", user_id="DE.7")], "messages": [message]}))
    assert contact().pk == older.pk
    assert {one.kind for one in contact().identities.all()} == {"phone", "whatsapp_id", "user_id"}


def test_a_profile_name_fills_an_empty_name_only(workspace: Workspace, receive: Callable[..., Any]) -> None:
    """(traps W2)"""
    Contact.objects.in_workspace(workspace).create(phone="+436641234567", name="Dr. Ute Brandner")
    receive(envelope({"contacts": [person(name="🌸uti🌸")], "messages": [text()]}))
    assert (contact().name, contact().profile_name) == ("Dr. Ute Brandner", "🌸uti🌸")


@pytest.mark.parametrize("kind", ["image", "audio", "location", "order", "unsupported", "nobody-knows-this"])
def test_every_kind_is_kept_and_opens_the_window(receive: Callable[..., Any], kind: str) -> None:
    message = text(id="wamid.k")
    message["type"] = kind
    receive(envelope({"contacts": [person()], "messages": [message]}))
    assert Message.objects.across_workspaces().get().payload["raw"]["id"] == "wamid.k"
    assert Chat.objects.across_workspaces().get().window_expires_at is not None


@pytest.mark.parametrize(
    ("content", "said", "tapped"),
    [
        ({"type": "button", "button": {"text": "Ja", "payload": "p1"}}, "Ja", "p1"),
        ({"type": "interactive", "interactive": {"button_reply": {"id": "b", "title": "Termin"}}}, "Termin", "b"),
        ({"type": "interactive", "interactive": {"list_reply": {"id": "r", "title": "9:00"}}}, "9:00", "r"),
    ],
)
def test_taps_are_read(receive: Callable[..., Any], content: dict[str, Any], said: str, tapped: str) -> None:
    receive(envelope({"contacts": [person()], "messages": [{**text(), **content}]}))
    message = Message.objects.across_workspaces().get()
    assert (message.body, message.payload["button_id"]) == (said, tapped)


@pytest.mark.parametrize(
    ("said", "wish"),
    [
        ("STOP", "opt_out"),
        ("Stopp!", "opt_out"),
        ("abmelden vom Newsletter", "opt_out"),
        ("ich möchte keine Werbung mehr", "opt_out"),
        ("START", "opt_in"),
        ("stop, Peter kommt heute nicht", ""),
        ("bitte stoppen Sie nicht", ""),
        ("Termin absagen", ""),
        ("ich will meinen Sohn vom Kurs abmelden", ""),
        ("Ende", ""),
    ],
)
def test_only_a_clear_wish_ends_consent(workspace: Workspace, said: str, wish: str) -> None:
    """(traps O1)"""
    assert wish_of(said, workspace) == wish


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=JUNK, key=st.sampled_from(["text", "type", "from", "timestamp", "context", "id", "interactive"]))
def test_a_broken_message_never_costs_its_neighbours(junk: Any, key: str) -> None:
    broken = {**text(id="wamid.kaputt"), key: junk}
    items = parse(_bytes(envelope({"contacts": [person()], "messages": [broken, text(id="wamid.gut")]})))
    assert any(isinstance(item, InboundMessage) and item.message_id == "wamid.gut" for item in items)


@settings(max_examples=80, deadline=None)
@given(junk=JUNK)
def test_no_json_breaks_the_parser(junk: Any) -> None:
    try:
        parse(_bytes(junk))
    except NotOurBody:
        assert not isinstance(junk, dict)


def _bytes(value: Any) -> bytes:
    return json.dumps(value).encode()
