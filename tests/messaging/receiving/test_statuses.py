"""Statuses: kept once, only forward, by id or by our own echoed id, and waited for while their message is unknown."""

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from messaging.models import Chat, Contact, Message, MessageStatus, Sender, Template
from messaging.services.statuses import settle_status
from tests.messaging.receiving.conftest import ACCOUNT, NOON, envelope, person, text
from workspaces.models import Notification

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def message(sender: Sender) -> Message:
    contact = Contact.objects.create(workspace=sender.workspace, phone="+436641234567")
    chat = Chat.objects.create(workspace=sender.workspace, contact=contact, sender=sender)
    return Message.objects.create(
        workspace=sender.workspace, sender=sender, chat=chat, direction="out", kind="text", body="Guten Tag",
        status="accepted", provider_id="wamid.X", occurred_at=NOON,
    )  # fmt: skip


def status(name: str, *, id: str = "wamid.X", seconds: int = 0, **more: Any) -> dict[str, Any]:
    at = int((NOON + timedelta(seconds=seconds)).timestamp())
    return {"id": id, "status": name, "timestamp": str(at), "recipient_id": "436641234567", **more}


def state(message: Message) -> str:
    message.refresh_from_db()
    return message.status


@pytest.mark.parametrize("order", list(permutations(["sent", "delivered", "read"])))
def test_statuses_in_any_order_end_the_same(
    message: Message, receive: Callable[..., Any], order: tuple[str, ...]
) -> None:
    for name in order:
        receive(envelope({"statuses": [status(name)]}))
    assert state(message) == "read"
    assert MessageStatus.objects.across_workspaces().count() == 3


@pytest.mark.parametrize(("first", "end"), [("sent", "failed"), ("delivered", "delivered"), ("read", "read")])
def test_failed_wins_over_sent_only(message: Message, receive: Callable[..., Any], first: str, end: str) -> None:
    receive(envelope({"statuses": [status(first)]}))
    receive(envelope({"statuses": [status("failed", errors=[{"code": 131026, "title": "x"}])]}))
    assert state(message) == end


def test_a_failure_has_our_name_and_the_contact_keeps_theirs(message: Message, receive: Callable[..., Any]) -> None:
    """(traps W1) the contact of a status is lean."""
    failed = status("failed", errors=[{"code": 131026, "title": "x", "error_data": "only a string"}])
    receive(envelope({"contacts": [{"wa_id": "436641234567"}], "statuses": [failed]}))
    assert (state(message), message.error_code) == ("failed", "recipient_not_on_whatsapp")


def test_a_status_before_its_message_settles_it_by_our_own_id(message: Message, receive: Callable[..., Any]) -> None:
    """(traps W4)"""
    Message.objects.across_workspaces().update(status="sending", provider_id="")
    receive(envelope({"statuses": [status("delivered", biz_opaque_callback_data=str(message.public_id))]}))
    assert (state(message), message.provider_id) == ("delivered", "wamid.X")


def test_a_status_without_its_message_is_kept_and_found_later(message: Message, receive: Callable[..., Any]) -> None:
    (line,) = receive(envelope({"statuses": [status("delivered", id="wamid.Y")]}))
    assert line.outcome == "no_such_message"
    kept = MessageStatus.objects.across_workspaces().get()
    assert kept.wake_at is not None
    Message.objects.across_workspaces().update(provider_id="wamid.Y")
    assert settle_status(kept, now=NOON + timedelta(seconds=6))
    assert state(message) == "delivered"


def test_a_failing_status_does_not_cost_the_message_beside_it(
    sender: Sender, receive: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """(traps W3)"""

    def broken(**_kwargs: Any) -> Any:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("messaging.services.webhook_processing.record_status", broken)
    body = envelope({"contacts": [person()], "messages": [text()], "statuses": [status("sent", id="wamid.none")]})
    assert sorted(line.outcome for line in receive(body)) == ["failed", "stored"]
    assert Message.objects.across_workspaces().get().body == "Hallo"


@pytest.mark.parametrize(
    ("event", "expected"),
    [("PAUSED", "paused"), ("REJECTED", "rejected"), ("FLAGGED", "approved"), ("NEWS", "approved")],
)
def test_the_platforms_word_on_a_template_holds(
    sender: Sender, receive: Callable[..., Any], event: str, expected: str
) -> None:
    """(traps T7)"""
    template = Template.objects.create(
        workspace=sender.workspace, business_account_id=ACCOUNT, name="termin", language="de", category="utility",
        status="approved",
    )  # fmt: skip
    value = {
        "event": event,
        "message_template_id": 1,
        "message_template_name": "termin",
        "message_template_language": "de",
    }
    receive(envelope(value, field="message_template_status_update"))
    template.refresh_from_db()
    assert template.status == expected
    assert Notification.objects.across_workspaces().exists() == (expected != "approved")


def test_a_numbers_limit_is_taken_over_and_the_rest_asked_for(sender: Sender, receive: Callable[..., Any]) -> None:
    value = {"display_phone_number": "43316555010", "event": "FLAGGED", "max_daily_conversations_per_business": "2000"}
    receive(envelope(value, field="phone_number_quality_update"))
    sender.refresh_from_db()
    assert (sender.messaging_limit, sender.wake_at) == (2000, NOON)
