"""A WhatsApp call that ends starts the flows for ended calls, once, also of a customer without a phone number."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import gettext as _

from automations.models import Event
from messaging.models import Chat, Conversation, Message
from messaging.views.bubbles import bubbles_of
from messaging.webhooks.cloud_api import sign
from tests.house import EVA, SECRET, House

pytestmark = pytest.mark.django_db(transaction=True)
THANKS = {"type": "send_text", "key": "dank", "config": {"text": "Danke für Ihren Anruf", "to": ""}}


def call(house: House, **more: Any) -> dict[str, Any]:
    at = int(house.now.timestamp())
    told = {
        "id": "wacid.1", "from": EVA.removeprefix("+"), "to": "43316555010", "direction": "USER_INITIATED",
        "timestamp": str(at), **more,
    }  # fmt: skip
    return told


def of_calls(house: House, client: Client, *calls: dict[str, Any]) -> None:
    """Deliver changes of the field `calls`, each in a body of its own."""
    for number, one in enumerate(calls):
        metadata = {"display_phone_number": "43316555010", "phone_number_id": house.sender.provider_number_id}
        value = {"messaging_product": "whatsapp", "metadata": metadata, "calls": [one]}
        entry = {"id": house.sender.business_account_id, "changes": [{"field": "calls", "value": value}]}
        raw = json.dumps({"object": "whatsapp_business_account", "entry": [entry], "n": number}).encode()
        where = reverse("sender_webhook", args=[house.sender.public_id])
        headers = {"x-hub-signature-256": sign(raw, SECRET)}
        assert client.post(where, raw, content_type="application/json", headers=headers).status_code == 200
        house.settle()


def line(house: House) -> str:
    message = Message.objects.in_workspace(house.workspace).get(kind="call")
    message.workspace = house.workspace
    return str(bubbles_of([message])[message.pk].call_words)


def test_a_call_that_ends_starts_the_flow_with_its_facts(house: House) -> None:
    house.flow("call_ended", [THANKS])
    house.customer_writes("x", type="call", seconds=130)
    (run,) = house.runs()
    told = {name: run.trigger[name] for name in ("customer_phone", "direction", "status", "duration_seconds")}
    assert told == {
        "customer_phone": EVA, "direction": "inbound", "status": "answered", "duration_seconds": 130,
    }  # fmt: skip
    assert run.trigger["outcome"] is None
    assert house.screen() == ["Danke für Ihren Anruf"]


def test_a_call_nobody_took_is_not_answered(house: House) -> None:
    house.flow("call_ended", [THANKS], trigger_config={"statuses": ["no_answer"]})
    house.customer_writes("x", type="call", seconds=0)
    assert house.run().trigger["status"] == "no_answer"


def test_a_call_opens_the_window_and_stands_in_the_thread(house: House) -> None:
    house.customer_writes("x", type="call", seconds=130)
    chat = Chat.objects.in_workspace(house.workspace).get()
    assert chat.is_window_open(house.now)
    assert Conversation.objects.in_workspace(house.workspace).get(chat=chat).unread_count == 1


def test_who_hides_the_phone_is_answered_too(house: House) -> None:
    house.flow("call_ended", [THANKS])
    house.emulator.patch_customer(EVA, phone_hidden=True)
    house.customer_writes("x", type="call", seconds=5)
    run = house.run()
    assert (run.trigger["customer_phone"], run.chat_id is not None) == (None, True)
    assert house.screen() == ["Danke für Ihren Anruf"]


def test_ringing_starts_nothing_and_the_end_starts_once(house: House, client: Client) -> None:
    house.flow("call_ended", [{"type": "set_variables", "key": "x", "config": {"values": {"a": "b"}}}])
    ends = call(house, event="terminate", status="COMPLETED", duration=61)
    of_calls(house, client, call(house, event="connect"))
    assert (house.runs(), line(house)) == ([], str(_("Call, not ended yet")))
    of_calls(house, client, ends, ends | {"again": 1})
    assert len(house.runs()) == 1
    assert Event.objects.in_workspace(house.workspace).get().deduplication_id == "wacid.1"


def test_an_end_that_overtakes_the_ringing_is_the_end(house: House, client: Client) -> None:
    of_calls(house, client, call(house, event="terminate", status="COMPLETED", duration=61))
    of_calls(house, client, call(house, event="connect"))
    call_row = Message.objects.in_workspace(house.workspace).get(kind="call")
    assert (call_row.payload["call"]["has_ended"], call_row.payload["call"]["seconds"]) == (True, 61)


def test_a_call_of_ours_is_outbound_and_opens_no_window(house: House, client: Client) -> None:
    house.flow("call_ended", [{"type": "set_variables", "key": "x", "config": {"values": {"a": "b"}}}])
    ours = call(house, event="terminate", status="COMPLETED", duration=5, direction="BUSINESS_INITIATED")
    of_calls(house, client, ours | {"from": "43316555010", "to": EVA.removeprefix("+")})
    assert house.run().trigger["direction"] == "outbound"
    assert not Chat.objects.in_workspace(house.workspace).get().is_window_open(house.now)
