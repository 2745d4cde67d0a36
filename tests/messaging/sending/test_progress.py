"""Messages only move forward, whoever says so, in whatever order."""

from datetime import timedelta

import pytest

from messaging.errors import DeliveryUnknown, RecipientNotOnWhatsapp
from messaging.events import MessageStatusChanged
from messaging.models import Message
from messaging.services.outbox import send_text
from messaging.services.progress import advance_message
from workspaces import events
from workspaces.models import Change


@pytest.fixture
def message(sender, chat, wire, by_api, now):
    """An accepted message."""
    return send_text(sender=sender, chat=chat, text="Hallo", origin=by_api, key=None, now=now)


@pytest.fixture
def told(monkeypatch):
    """What subscribers hear."""
    heard = []
    monkeypatch.setitem(events._subscribers, MessageStatusChanged, [heard.append])
    return heard


def test_each_step_forward_is_taken_once_and_told(message, told, now):
    assert advance_message(message, "sent", now=now)
    assert not advance_message(message, "sent", now=now)
    assert advance_message(message, "read", now=now)
    assert not advance_message(message, "delivered", now=now)
    message.refresh_from_db()
    assert message.status == "read"
    assert [(event.previous, event.message.status) for event in told] == [("accepted", "sent"), ("sent", "read")]


def test_live_pages_hear_of_it(message, now):
    before = Change.objects.count()
    advance_message(message, "delivered", now=now)
    topics = Change.objects.order_by("pk").values_list("topic", flat=True)[before:]
    assert list(topics) == [f"conversation:{message.conversation.public_id}"]


@pytest.mark.parametrize(
    ("status", "wins"), [("accepted", True), ("sent", True), ("delivered", False), ("read", False)]
)
def test_the_platforms_failed_wins_below_delivered(message, now, status, wins):
    advance_message(message, status, now=now)
    assert advance_message(message, "failed", now=now, error=RecipientNotOnWhatsapp()) is wins
    message.refresh_from_db()
    assert message.status == ("failed" if wins else status)


@pytest.mark.parametrize(("status", "wins"), [("sent", False), ("delivered", True), ("read", True)])
def test_what_has_arrived_has_not_failed_whichever_came_first(message, now, status, wins):
    advance_message(message, "failed", now=now, error=RecipientNotOnWhatsapp())
    assert advance_message(message, status, now=now) is wins
    message.refresh_from_db()
    assert (message.status, message.error_code) == ((status, "") if wins else ("failed", "recipient_not_on_whatsapp"))


@pytest.mark.parametrize("status", ["sent", "delivered", "failed"])
def test_our_own_guess_gives_way_to_any_word(message, now, status):
    advance_message(message, "failed", now=now, error=DeliveryUnknown())
    error = RecipientNotOnWhatsapp() if status == "failed" else None
    assert advance_message(message, status, now=now, error=error)
    message.refresh_from_db()
    assert message.status == status
    assert message.error_code == ("recipient_not_on_whatsapp" if status == "failed" else "")


def test_what_has_gone_cannot_be_cancelled(message, now):
    assert not advance_message(message, "cancelled", now=now)


def test_a_status_that_overtakes_the_answer_is_kept(sender, chat, wire, by_api, now):
    def delivered_first(body):
        row = Message.objects.in_workspace(chat.workspace).get(public_id=body["biz_opaque_callback_data"])
        advance_message(row, "delivered", now=now + timedelta(seconds=1), provider_id="wamid.1")

    wire.during_call = delivered_first
    message = send_text(sender=sender, chat=chat, text="Hallo", origin=by_api, key=None, now=now)
    assert (message.status, message.provider_id) == ("delivered", "wamid.1")
    assert len(wire.sent) == 1


def test_the_platforms_id_is_kept_where_the_status_came_without_it(sender, chat, wire, by_api, now):
    def read_first(body):
        row = Message.objects.in_workspace(chat.workspace).get(public_id=body["biz_opaque_callback_data"])
        advance_message(row, "read", now=now)

    wire.during_call = read_first
    message = send_text(sender=sender, chat=chat, text="Hallo", origin=by_api, key=None, now=now)
    assert (message.status, message.provider_id) == ("read", "wamid.1")
