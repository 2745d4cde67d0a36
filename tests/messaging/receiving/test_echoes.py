"""The business writes from its own phone app, beside Botenwerk."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from messaging.models import Chat, Contact, Conversation, Message, Sender, WebhookEvent
from messaging.services.webhook_processing import process_event
from tests.messaging.receiving.conftest import NOON, envelope, person, text

pytestmark = pytest.mark.django_db(transaction=True)


def echo(body: str = "Bis gleich", *, id: str = "wamid.echo", **more: Any) -> dict[str, Any]:
    message = {"from": "43316555010", "to": "436641234567", "id": id, "timestamp": str(int(NOON.timestamp()))}
    content = {"type": "text", "text": {"body": body}}
    value = {"contacts": [person()], "message_echoes": [message | content | more]}
    return envelope(value, field="smb_message_echoes")


@pytest.fixture
def ours(sender: Sender) -> Message:
    """A send of ours that has no answer yet."""
    contact = Contact.objects.create(workspace=sender.workspace, phone="+436641234567")
    chat = Chat.objects.create(workspace=sender.workspace, contact=contact, sender=sender, address="436641234567")
    return Message.objects.create(
        workspace=sender.workspace, sender=sender, chat=chat, direction="out", kind="text", body="Bis gleich",
        status="sending", occurred_at=NOON,
    )  # fmt: skip


def test_it_is_ours_and_the_person_there_has_taken_over(receive: Callable[..., Any]) -> None:
    receive(envelope({"contacts": [person()], "messages": [text()]}))
    receive(echo())
    message = Message.objects.across_workspaces().get(provider_id="wamid.echo")
    assert (message.direction, message.body, message.status, message.cause_kind) == (
        "out", "Bis gleich", "sent", "person",
    )  # fmt: skip
    conversation = Conversation.objects.across_workspaces().get()
    assert conversation.taken_over_until == NOON + timedelta(hours=24)
    assert conversation.taken_over_by is None


def test_it_does_not_open_the_window(receive: Callable[..., Any]) -> None:
    receive(echo())
    assert Chat.objects.across_workspaces().get().window_expires_at is None
    assert Conversation.objects.across_workspaces().get().opened_by == "business"


def test_an_old_echo_takes_nothing_over(receive: Callable[..., Any]) -> None:
    two_days_ago = str(int((NOON - timedelta(days=2)).timestamp()))
    receive(echo(timestamp=two_days_ago))
    assert Conversation.objects.across_workspaces().get().taken_over_until is None


def test_the_echo_of_a_message_of_ours_is_no_second_one(ours: Message, receive: Callable[..., Any]) -> None:
    """(traps W10) the id is known, and the row stands."""
    Message.objects.across_workspaces().update(status="accepted", provider_id="wamid.echo")
    (line,) = receive(echo())
    assert line.outcome == "duplicate"
    assert Message.objects.across_workspaces().count() == 1
    assert not Conversation.objects.across_workspaces().exists()


@pytest.mark.parametrize("status", ["sending", "unknown"])
def test_the_echo_may_come_before_the_answer(ours: Message, receive: Callable[..., Any], status: str) -> None:
    """(traps W10) the same words to the same customer: it is that message, and it went out."""
    Message.objects.across_workspaces().update(status=status)
    receive(echo())
    ours.refresh_from_db()
    assert (ours.status, ours.provider_id) == ("accepted", "wamid.echo")
    assert Message.objects.across_workspaces().count() == 1
    assert not Conversation.objects.across_workspaces().exists()


def test_other_words_wait_until_our_send_has_its_answer(ours: Message, receive: Callable[..., Any]) -> None:
    """(traps W10) nobody can tell yet whether the echo is ours."""
    (line,) = receive(echo("Etwas anderes"))
    assert (line.outcome, line.reason) == ("noted", "too_early")
    event = WebhookEvent.objects.latest("id")
    assert event.wake_at is not None and event.processed_at is None
    Message.objects.across_workspaces().update(status="accepted", provider_id="wamid.other")
    assert [line.outcome for line in process_event(event, now=NOON + timedelta(seconds=10))] == ["stored"]
    assert Message.objects.across_workspaces().count() == 2


def test_what_is_edited_on_the_phone_is_edited_here(receive: Callable[..., Any]) -> None:
    receive(echo())
    edit = {"original_message_id": "wamid.echo", "message": {"type": "text", "text": {"body": "Bis morgen"}}}
    receive(echo(id="wamid.edit", type="edit", edit=edit))
    assert Message.objects.across_workspaces().get().body == "Bis morgen"


def test_a_picture_from_the_phone_brings_its_file(receive: Callable[..., Any]) -> None:
    receive(echo(type="image", image={"id": "700", "mime_type": "image/png", "caption": "Der Plan"}))
    message = Message.objects.across_workspaces().get()
    assert (message.body, message.media_files.get().platform_id) == ("Der Plan", "700")
