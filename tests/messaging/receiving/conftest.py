"""A sender whose webhook is posted to by the Django client, signed as the platform signs."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from messaging.models import Sender, WebhookEvent
from messaging.services.webhook_processing import process_event
from messaging.webhooks.cloud_api import sign
from tests.cast import make_workspace
from workspaces.models import Workspace

NOON = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
SECRET = "app-secret"
NUMBER, ACCOUNT = "100200300", "900800700"


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def workspace(transactional_db: None) -> Workspace:
    return Workspace.objects.get(pk=make_workspace("praxis-graz").pk)


@pytest.fixture
def make_sender() -> Callable[..., Sender]:
    def make(workspace: Workspace, number: str = NUMBER, **fields: Any) -> Sender:
        defaults = {"business_account_id": ACCOUNT, "status": "online", "app_secret": SECRET, "verify_token": "wort"}
        return Sender.objects.in_workspace(workspace).create(provider_number_id=number, **{**defaults, **fields})

    return make


@pytest.fixture
def sender(workspace: Workspace, make_sender: Callable[..., Sender]) -> Sender:
    return make_sender(workspace)


def address(sender: Sender) -> str:
    return reverse("sender_webhook", args=[sender.public_id])


def envelope(value: dict[str, Any], *, number: str = NUMBER, field: str = "messages") -> dict[str, Any]:
    shown = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "43316555010", "phone_number_id": number},
    }
    changes = [{"field": field, "value": {**shown, **value}}]
    return {"object": "whatsapp_business_account", "entry": [{"id": ACCOUNT, "changes": changes}]}


def text(
    body: str = "Hallo", *, id: str = "wamid.1", wa_id: str = "436641234567", at: datetime = NOON, **more: Any
) -> Any:
    return {
        "from": wa_id,
        "id": id,
        "timestamp": str(int(at.timestamp())),
        "type": "text",
        "text": {"body": body},
        **more,
    }


def person(wa_id: str = "436641234567", name: str = "Eva", **more: Any) -> dict[str, Any]:
    return {"wa_id": wa_id, "profile": {"name": name}, **more}


@pytest.fixture
def post(sender: Sender, client: Client) -> Callable[..., Any]:
    """Posts a body to the sender's address; dicts are written as JSON and signed."""

    def deliver(body: Any, *, secret: str = SECRET, to: Sender | None = None, signature: str | None = None) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"x-hub-signature-256": sign(raw, secret) if signature is None else signature}
        return client.post(address(to or sender), raw, content_type="application/json", headers=headers)

    return deliver


@pytest.fixture
def receive(post: Callable[..., Any]) -> Callable[..., Any]:
    """Posts a body and works it off; the lines of the inbound log."""

    def deliver(body: Any, **options: Any) -> list[Any]:
        assert post(body, **options).status_code == 200
        event = WebhookEvent.objects.latest("id")
        return process_event(event, now=datetime.now(UTC))

    return deliver
