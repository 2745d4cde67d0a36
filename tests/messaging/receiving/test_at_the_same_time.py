"""Doubled and parallel deliveries: one row each, whoever comes first."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from messaging.models import Contact, Conversation, Message, Sender, WebhookEvent
from messaging.services.webhook_processing import process_event
from messaging.webhooks.cloud_api import sign
from tests.messaging.receiving.conftest import NOON, SECRET, address, envelope, person, text

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(work: Callable[[int], Any], times: int = 10) -> list[Any]:
    def closing(number: int) -> Any:
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(closing, range(times)))


def test_the_same_body_posted_ten_times_in_parallel_is_kept_once(sender: Sender) -> None:
    raw = json.dumps(envelope({"contacts": [person()], "messages": [text()]})).encode()
    headers = {"x-hub-signature-256": sign(raw, SECRET)}

    def deliver(_number: int) -> int:
        return Client().post(address(sender), raw, content_type="application/json", headers=headers).status_code

    assert at_once(deliver) == [200] * 10
    event = WebhookEvent.objects.get()
    assert event.deliveries == 10


def test_one_message_in_ten_different_bodies_is_one_row(sender: Sender, post: Callable[..., Any]) -> None:
    """(traps W5) the bodies differ, so only the message's own id can tell."""
    for number in range(10):
        post(envelope({"contacts": [person()], "messages": [text()], "delivery": number}))
    events = list(WebhookEvent.objects.all())

    at_once(lambda number: process_event(events[number], now=NOON))
    assert Message.objects.across_workspaces().count() == 1
    assert Conversation.objects.across_workspaces().get().unread_count == 1


def test_ten_first_messages_of_one_customer_make_one_contact(sender: Sender, post: Callable[..., Any]) -> None:
    for number in range(10):
        post(envelope({"contacts": [person()], "messages": [text(id=f"wamid.{number}")]}))
    events = list(WebhookEvent.objects.all())

    at_once(lambda number: process_event(events[number], now=NOON))
    assert Contact.objects.across_workspaces().count() == 1
    assert Conversation.objects.across_workspaces().count() == 1
    assert Message.objects.across_workspaces().filter(routed_at=NOON).count() == 10


def test_a_full_body_costs_the_request_no_more_statements_than_an_empty_one(post: Callable[..., Any]) -> None:
    def statements(messages: list[Any]) -> int:
        body = envelope({"contacts": [person()], "messages": messages})
        with CaptureQueriesContext(connection) as queries:
            assert post(body).status_code == 200
        return len(queries)

    assert statements([text(id=f"wamid.{number}") for number in range(500)]) == statements([])
