"""The webhook's door: handshake, signature over raw bytes, stored before it is acknowledged, nothing dropped."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from messaging.models import InboundLog, Message, Sender, WebhookEvent
from messaging.services import webhook_intake
from messaging.services.webhook_processing import process_event
from messaging.webhooks.cloud_api import sign
from tests.cast import make_workspace
from tests.messaging.receiving.conftest import NOON, SECRET, address, envelope, person, text

pytestmark = pytest.mark.django_db(transaction=True)
HALLO = envelope({"contacts": [person()], "messages": [text()]})


def test_the_handshake_gives_the_challenge_back(sender: Sender, client: Client) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "wort", "hub.challenge": "12345"}
    answer = client.get(address(sender), query)
    assert (answer.status_code, answer.content) == (200, b"12345")
    assert client.get(address(sender), {**query, "hub.verify_token": "falsch"}).status_code == 403


def test_a_verified_body_is_stored_before_it_is_acknowledged(post: Callable[..., Any]) -> None:
    assert post(HALLO).status_code == 200
    event = WebhookEvent.objects.get()
    assert (json.loads(bytes(event.body)), event.processed_at) == (HALLO, None)
    assert event.wake_at > NOON


@pytest.mark.parametrize("signature", ["", "sha256=00", "sha256=ü"])
def test_a_bad_signature_is_refused_and_seen(post: Callable[..., Any], signature: str) -> None:
    assert post(HALLO, signature=signature).status_code == 403
    assert not WebhookEvent.objects.exists()
    assert InboundLog.objects.get().outcome == "refused"


def test_the_signature_is_over_the_bytes_as_they_came_traps_w12(post: Callable[..., Any]) -> None:
    """(traps W12) escapes and real letters pass alike; a body written anew by a proxy does not."""
    escaped = json.dumps(envelope({"messages": [text("Grüße 😀 @/")]})).replace("/", "\\/").encode()
    plain = json.dumps(envelope({"messages": [text("Grüße 😀 @/")]}), ensure_ascii=False).encode()
    assert post(escaped).status_code == post(plain).status_code == 200
    assert post(plain, signature=sign(escaped, SECRET)).status_code == 403
    assert InboundLog.objects.get().reason == "bad_signature"


def test_a_redelivered_body_is_kept_once(post: Callable[..., Any]) -> None:
    assert [post(HALLO).status_code for _time in range(3)] == [200, 200, 200]
    assert WebhookEvent.objects.get().deliveries == 3


def test_the_same_message_ten_times_in_parallel_is_one_row(sender: Sender, post: Callable[..., Any]) -> None:
    """(traps W5)"""
    post(HALLO)
    event = WebhookEvent.objects.get()

    def work(_number: int) -> None:
        try:
            process_event(WebhookEvent.objects.get(pk=event.pk), now=NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(work, range(10)))
    assert Message.objects.across_workspaces().count() == 1


def test_a_database_that_is_away_has_the_platform_come_again(
    post: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: Any, **_kwargs: Any) -> Any:
        raise OperationalError("away")

    monkeypatch.setattr(webhook_intake.WebhookEvent.objects, "get_or_create", away)
    assert post(HALLO).status_code == 503


def test_a_body_that_is_too_large_is_refused(post: Callable[..., Any]) -> None:
    assert post(b"x" * (4 * 1024 * 1024 + 1)).status_code == 413
    line = InboundLog.objects.get()
    assert (line.outcome, line.reason) == ("refused", "too_large")


def test_an_unknown_number_gets_200_and_a_line(sender: Sender, receive: Callable[..., Any]) -> None:
    (line,) = receive(envelope({"messages": [text()]}, number="999"))
    assert (line.outcome, line.reason) == ("unknown_sender", "unknown_number")


def test_the_shown_number_may_be_spelled_in_any_way(receive: Callable[..., Any]) -> None:
    """(traps P3) senders are found by phone number id only."""
    body = envelope({"contacts": [person()], "messages": [text()]})
    body["entry"][0]["changes"][0]["value"]["metadata"]["display_phone_number"] = "+55 64 9000-0000"
    assert [line.outcome for line in receive(body)] == ["stored"]


@pytest.mark.parametrize("body", [b"kein JSON", b'{"entry": [', b"[]", b"\xff\xfe", b"[" * 100_000])
def test_what_is_signed_and_no_json_object_is_refused_and_seen(post: Callable[..., Any], body: bytes) -> None:
    assert post(body).status_code == 400
    line = InboundLog.objects.get()
    assert (line.outcome, line.reason) == ("refused", "no_json")
    assert not WebhookEvent.objects.exists()


def test_a_tenants_secret_speaks_for_its_own_senders_only(
    sender: Sender, make_sender: Callable[..., Sender], receive: Callable[..., Any]
) -> None:
    other = make_sender(make_workspace("fremde"), "777", app_secret="anderes")
    (line,) = receive(envelope({"messages": [text()]}, number=other.provider_number_id))
    assert line.outcome == "unknown_sender"
    assert not Message.objects.across_workspaces().exists()
