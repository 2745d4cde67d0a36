"""What goes wrong with one item stays with it: neighbours are dealt with, once, and the broken one comes again."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.events import MessageReceived
from messaging.models import InboundLog, Message, Sender, WebhookEvent
from messaging.services import webhook_processing
from messaging.services.receiving import receive_message
from messaging.services.webhook_processing import process_event
from messaging.tasks import wake_message
from messaging.webhooks.cloud_api import sign
from tests.cast import make_workspace
from tests.messaging.receiving.conftest import NOON, envelope, person, text
from workspaces import events
from workspaces.wakeups import claim_due, wakeups

pytestmark = pytest.mark.django_db(transaction=True)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PLACES = ["text", "type", "from", "timestamp", "context", "id", "from_user_id", "referral", "image", "button"]


@pytest.fixture
def subscriber(monkeypatch: pytest.MonkeyPatch) -> list[MessageReceived]:
    """The only one who hears of messages; what it heard."""
    heard: list[MessageReceived] = []
    monkeypatch.setattr(events, "_subscribers", {MessageReceived: [heard.append]})
    return heard


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=JUNK, key=st.sampled_from(PLACES), number=st.integers(1, 10**9))
def test_whatever_an_item_holds_its_neighbour_is_stored_and_nothing_is_tried_for_ever(
    receive: Callable[..., Any], junk: Any, key: str, number: int
) -> None:
    good, broken = text(id=f"wamid.gut.{number}"), {**text(id=f"wamid.kaputt.{number}"), key: junk}
    receive(envelope({"contacts": [person()], "messages": [broken, good], "nonce": repr(junk)}))
    assert Message.objects.across_workspaces().filter(provider_id=good["id"]).exists()
    assert WebhookEvent.objects.latest("id").processed_at is not None


@pytest.mark.parametrize("place", ["entry", "changes", "value", "messages"])
def test_a_part_that_is_no_list_is_seen_in_the_log(receive: Callable[..., Any], place: str) -> None:
    body = envelope({"contacts": [person()], "messages": [text()]})
    change = body["entry"][0]["changes"][0]
    holder = {"entry": body, "changes": body["entry"][0], "value": change, "messages": change["value"]}[place]
    holder[place] = "kaputt"
    assert [line.outcome for line in receive(body)] == ["not_understood"]


def test_a_failing_item_is_tried_again_and_its_neighbour_is_not(
    sender: Sender, receive: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def fails_once(*, item: Any, **options: Any) -> Any:
        calls.append(item.message_id)
        if calls.count("a") == 1 and item.message_id == "a":
            raise RuntimeError("once")
        return receive_message(item=item, **options)

    monkeypatch.setattr(webhook_processing, "receive_message", fails_once)
    lines = receive(envelope({"contacts": [person()], "messages": [text(id="a"), text(id="b")]}))
    assert [line.outcome for line in lines] == ["failed", "stored"]
    event = WebhookEvent.objects.get()
    assert (event.attempts, event.processed_at) == (1, None)
    assert "once" in event.error
    assert event.wake_at > NOON
    lines = process_event(event, now=event.wake_at)
    assert [line.outcome for line in lines] == ["stored", "duplicate"]
    event.refresh_from_db()
    assert (event.wake_at, event.error, Message.objects.across_workspaces().count()) == (None, "", 2)


def test_a_redelivered_body_that_had_failed_is_processed_again(
    post: Callable[..., Any], receive: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = envelope({"contacts": [person()], "messages": [text()]})

    def broken(**_options: Any) -> Any:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(webhook_processing, "receive_message", broken)
        patched.setattr(webhook_processing, "ATTEMPTS", 1)
        receive(body)
    assert WebhookEvent.objects.get().wake_at is None
    post(body)
    assert WebhookEvent.objects.get().wake_at > NOON


def test_the_clock_makes_up_for_a_lost_task(post: Callable[..., Any]) -> None:
    post(envelope({"contacts": [person()], "messages": [text()]}))
    wakeup = next(one for one in wakeups() if one.model is WebhookEvent)
    assert claim_due(wakeup, now=NOON + timedelta(seconds=4)) == []
    assert claim_due(wakeup, now=NOON + timedelta(seconds=5)) == [WebhookEvent.objects.get().pk]


def test_a_failing_subscriber_leaves_the_message_stored_and_it_is_routed_again(
    receive: Callable[..., Any], subscriber: list[MessageReceived], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_event: MessageReceived) -> None:
        raise RuntimeError("no router")

    with monkeypatch.context() as patched:
        patched.setattr(events, "_subscribers", {MessageReceived: [broken]})
        receive(envelope({"contacts": [person()], "messages": [text()]}))
    message = Message.objects.across_workspaces().get()
    assert (message.routed_at, message.routing_attempts) == (None, 1)
    assert InboundLog.objects.get(outcome="not_routed").reason == "RuntimeError"
    wake_message(message.pk)
    message.refresh_from_db()
    assert (message.routed_at, message.wake_at) == (NOON, None)
    assert [event.message.pk for event in subscriber] == [message.pk]


def test_unrouted_messages_go_in_the_order_of_the_platforms_time(
    receive: Callable[..., Any], subscriber: list[MessageReceived]
) -> None:
    receive(envelope({"contacts": [person()], "messages": [text("eins", id="a"), text("zwei", id="b")]}))
    Message.objects.across_workspaces().update(routed_at=None)
    Message.objects.across_workspaces().filter(provider_id="b").update(occurred_at=NOON - timedelta(minutes=1))
    subscriber.clear()
    receive(envelope({"contacts": [person()], "messages": [text("drei", id="c")]}))
    assert [event.message.body for event in subscriber] == ["zwei", "eins", "drei"]


def test_the_apps_address_speaks_for_senders_without_a_secret_of_their_own(
    sender: Sender, make_sender: Callable[..., Sender], client: Client, settings: Any
) -> None:
    settings.WHATSAPP_APP_SECRET = "secret-of-the-app"
    others = [
        make_sender(make_workspace(slug), number, app_secret="") for slug, number in (("eins", "1"), ("zwei", "2"))
    ]
    bodies = [envelope({"contacts": [person()], "messages": [text()]}, number=one) for one in ("1", "2", "100200300")]
    raw = json.dumps({"entry": [entry for body in bodies for entry in body["entry"]]}).encode()
    headers = {"x-hub-signature-256": sign(raw, "secret-of-the-app")}
    assert client.post(reverse("app_webhook"), raw, content_type="application/json", headers=headers).status_code == 200
    lines = process_event(WebhookEvent.objects.get(), now=NOON)
    assert [(line.outcome, line.sender) for line in lines] == [
        ("stored", others[0]), ("stored", others[1]), ("unknown_sender", None),
    ]  # fmt: skip
    assert {message.workspace_id for message in Message.objects.across_workspaces()} == {
        other.workspace_id for other in others
    }


def test_a_body_whose_sender_is_gone_speaks_for_nobody(
    sender: Sender, make_sender: Callable[..., Sender], post: Callable[..., Any]
) -> None:
    """A tenant's secret proved it; without the sender it must not count as the app's."""
    make_sender(make_workspace("fremde"), "777", app_secret="")
    post(envelope({"contacts": [person()], "messages": [text()]}, number="777"))
    sender.delete()
    assert [line.outcome for line in process_event(WebhookEvent.objects.get(), now=NOON)] == ["unknown_sender"]
