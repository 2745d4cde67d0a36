"""The whole house, an API client of its owner, and signed webhooks as the platform writes them."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from messaging.webhooks.cloud_api import sign
from tests.api.conftest import client_of
from tests.automations.conftest import assistant, clock, emulator_server, house, model_server
from tests.house import SECRET, House

__all__ = ["assistant", "clock", "emulator_server", "house", "model_server"]


@pytest.fixture(autouse=True)
def forgetful_limits() -> Iterator[None]:
    cache.clear()
    yield


@pytest.fixture
def call(house: House) -> APIClient:
    """A client that calls the API with the owner's key."""
    return client_of(house.owner)


@pytest.fixture
def deliver(house: House, client: Client) -> Callable[..., Any]:
    """Posts a change of the field `messages` to the sender's address, signed, and lets the house deal with it."""

    def post(value: dict[str, Any], *, number: str = "", **metadata: str) -> Any:
        named = {"display_phone_number": "43316555010", "phone_number_id": number or house.sender.provider_number_id}
        change = {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": named | metadata} | value}
        entry = {"id": house.sender.business_account_id, "changes": [change]}
        raw = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
        answer = client.post(
            reverse("sender_webhook", args=[house.sender.public_id]),
            raw,
            content_type="application/json",
            headers={"x-hub-signature-256": sign(raw, SECRET)},
        )
        house.settle()
        return answer

    return post


def text_from(house: House, wa_id: str | None, body: str = "Hallo", *, id: str = "wamid.1", **more: Any) -> Any:
    """A text message as a webhook carries it; without `wa_id` only other ids say who wrote."""
    told = {"id": id, "timestamp": str(int(house.now.timestamp())), "type": "text", "text": {"body": body}, **more}
    return told if wa_id is None else {"from": wa_id, **told}
