"""POST /api/v1/messages for all kinds besides text and template, against the emulator over HTTP."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from messaging.models import Chat, Message
from tests.api.conftest import demand_problem
from tests.api.platform import EVA, Platform
from tests.api.test_messages import MESSAGES, NOON, clock, emulator, platform

__all__ = ["clock", "emulator", "platform"]

pytestmark = pytest.mark.django_db(transaction=True)

LINK = "https://example.com/a.jpg"
ROWS = [{"id": "9", "title": "9 Uhr"}, {"id": "10", "title": "10 Uhr", "description": "Raum 2"}]
KINDS: list[tuple[dict[str, Any], str, Any]] = [
    (
        {"type": "interactive", "text": "Passt es?", "buttons": [{"id": "ja", "title": "Ja"}], "footer": "Praxis"},
        "interactive",
        {
            "type": "button",
            "body": {"text": "Passt es?"},
            "footer": {"text": "Praxis"},
            "action": {"buttons": [{"type": "reply", "reply": {"id": "ja", "title": "Ja"}}]},
        },
    ),
    (
        {"type": "interactive", "text": "Wann?", "list": {"button": "Zeiten", "sections": [{"rows": ROWS}]}},
        "interactive",
        {"type": "list", "body": {"text": "Wann?"}, "action": {"button": "Zeiten", "sections": [{"rows": ROWS}]}},
    ),
    (
        {
            "type": "interactive",
            "text": "Karte",
            "link": {"label": "Öffnen", "url": "https://example.com"},
            "header_image": LINK,
        },
        "interactive",
        {
            "type": "cta_url",
            "header": {"type": "image", "image": {"link": LINK}},
            "body": {"text": "Karte"},
            "action": {"name": "cta_url", "parameters": {"display_text": "Öffnen", "url": "https://example.com"}},
        },
    ),
    ({"type": "image", "link": LINK, "caption": "Weg"}, "image", {"link": LINK, "caption": "Weg"}),
    ({"type": "sticker", "link": LINK}, "sticker", {"link": LINK}),
    (
        {"type": "document", "link": "https://example.com/p.pdf"},
        "document",
        {"link": "https://example.com/p.pdf", "filename": "p.pdf"},
    ),
    (
        {"type": "location", "location": {"latitude": 47.07, "longitude": 15.44, "name": "Praxis"}},
        "location",
        {"latitude": 47.07, "longitude": 15.44, "name": "Praxis"},
    ),
    (
        {"type": "contacts", "contacts": [{"name": "Weber", "emails": ["w@example.com"], "organisation": "Praxis"}]},
        "contacts",
        [
            {
                "name": {"formatted_name": "Weber", "first_name": "Weber"},
                "emails": [{"email": "w@example.com"}],
                "org": {"company": "Praxis"},
            }
        ],
    ),
]


@pytest.fixture
def chat(platform: Platform) -> Chat:
    return platform.wrote(EVA, at=NOON - timedelta(hours=1))


@pytest.fixture
def asked(platform: Platform, chat: Chat) -> Message:
    """What the customer wrote, stored as the webhook would have."""
    wamid = platform.emulator.client.customer_writes(EVA, platform.sender.provider_number_id, "Wo ist das?")
    said = {"sender": platform.sender, "chat": chat, "direction": "in", "status": "received", "kind": "text"}
    return Message.objects.in_workspace(platform.workspace).create(provider_id=wamid, occurred_at=NOON, **said)


def to_eva(platform: Platform, body: dict[str, Any]) -> dict[str, Any]:
    return {"sender": str(platform.sender.public_id), "to": EVA, **body}


@pytest.mark.parametrize(("body", "kind", "sent"), KINDS)
def test_each_kind_goes_inside_the_window(
    call: APIClient, platform: Platform, chat: Chat, body: dict[str, Any], kind: str, sent: Any
) -> None:
    answer = call.post(MESSAGES, to_eva(platform, body), format="json")
    assert (answer.status_code, answer.json()["type"], answer.json()["status"]) == (201, body["type"], "accepted")
    (accepted,) = platform.sends
    assert accepted[kind] == sent


@pytest.mark.parametrize("body", [body for body, _kind, _sent in KINDS[:4]])
def test_none_goes_outside_of_it(call: APIClient, platform: Platform, body: dict[str, Any]) -> None:
    answer = call.post(MESSAGES, to_eva(platform, body), format="json")
    demand_problem(answer, 409, "outside_window")
    assert platform.calls == []


def test_a_message_is_quoted_and_reacted_to(call: APIClient, platform: Platform, asked: Message) -> None:
    quoting = {"type": "text", "text": "Hier.", "reply_to": str(asked.public_id)}
    reacting = {"type": "reaction", "emoji": "👍", "reply_to": str(asked.public_id)}
    for body in (quoting, reacting):
        assert call.post(MESSAGES, to_eva(platform, body), format="json").status_code == 201
    text, reaction = platform.sends
    assert text["context"] == {"message_id": asked.provider_id}
    assert reaction["reaction"] == {"message_id": asked.provider_id, "emoji": "👍"}


def test_a_message_of_another_chat_is_not_quoted(call: APIClient, platform: Platform, asked: Message) -> None:
    platform.wrote("+436641234567", at=NOON)
    body = {"type": "text", "text": "Hier.", "reply_to": str(asked.public_id)}
    answer = call.post(MESSAGES, to_eva(platform, body) | {"to": "+436641234567"}, format="json")
    demand_problem(answer, 404, "message_unknown")
    answer = call.post(MESSAGES, to_eva(platform, body) | {"reply_to": str(uuid4())}, format="json")
    demand_problem(answer, 404, "message_unknown")
    assert platform.calls == []


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"type": "interactive", "text": "?", "buttons": []}, "choices_invalid", "buttons"),
        (
            {"type": "interactive", "text": "?", "buttons": [{"id": "1", "title": "a" * 21}]},
            "text_too_long",
            "buttons.1.title",
        ),
        ({"type": "image", "link": "http://example.com/a.jpg"}, "link_invalid", "link"),
        ({"type": "audio", "link": "https://example.com/a", "caption": "x"}, "media_invalid", "caption"),
        ({"type": "image"}, "media_invalid", "link"),
        ({"type": "location", "location": {"latitude": 91, "longitude": 0}}, "place_invalid", "latitude"),
        ({"type": "contacts", "contacts": [{"name": "\n"}]}, "variable_missing", "contacts.1.name"),
    ],
)
def test_what_the_platform_would_refuse_is_named_before_the_call(
    call: APIClient, platform: Platform, chat: Chat, body: dict[str, Any], code: str, field: str
) -> None:
    answer = call.post(MESSAGES, to_eva(platform, body), format="json")
    problem = demand_problem(answer, 422, code)
    assert [one["field"] for one in problem["errors"]] == [field]
    assert platform.calls == []


@pytest.mark.parametrize("more", [{}, {"buttons": [{"id": "1", "title": "a"}], "link": {"label": "b", "url": "c"}}])
def test_a_question_has_one_kind_of_answer(call: APIClient, platform: Platform, more: dict[str, Any]) -> None:
    answer = call.post(MESSAGES, to_eva(platform, {"type": "interactive", "text": "?", **more}), format="json")
    assert answer.status_code == 422
    assert platform.calls == []
