"""How what customers send is drawn in the thread: each kind by its content, nothing of it trusted."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import translation

from messaging.models import Conversation, MediaFile, Sender
from tests.cast import join, make_user
from tests.messaging.receiving.conftest import (
    NOON,
    clock,
    envelope,
    make_sender,
    person,
    post,
    receive,
    sender,
    text,
    workspace,
)  # fmt: skip
from workspaces.models import Role, Workspace

__all__ = ["clock", "make_sender", "post", "receive", "sender", "workspace"]
pytestmark = pytest.mark.django_db(transaction=True)
PAYLOADS = Path(__file__).parents[1] / "receiving" / "payloads"


@pytest.fixture
def thread(workspace: Workspace, client: Client, receive: Callable[..., Any]) -> Callable[..., str]:
    """Takes bodies in, and gives the conversation's page as a viewer sees it, in English."""
    viewer = join(workspace, make_user("Vera", language="en"), Role.VIEWER)

    def draw(*bodies: Any) -> str:
        for body in bodies:
            receive(body)
        reader = Client()
        reader.force_login(viewer.user)
        shown = Conversation.objects.in_workspace(workspace).latest("id")
        address = reverse("conversation", args=[workspace.slug, shown.public_id])
        with translation.override("en"):
            answer = reader.get(address, headers={"accept-language": "en"})
        assert answer.status_code == 200
        html = answer.content.decode()
        return html[html.index('id="thread"') : html.index('id="composer"')]

    return draw


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("message__chosen_location", ["Hauptplatz", "Show on a map", "mlat=47.070700", "Forwarded"]),
        ("message__contacts", ["Karl Muster", "Labor Muster", "+43 664 7654321", "karl@example.org"]),
        ("message__order", ["3 × ZAHNBUERSTE", "13.50 EUR", "26.75 EUR"]),
        ("flow_completion__without_flow_token", ["Form filled in", "arzt", "Dr. Weber"]),
        ("message__referral", ["Mundhygiene um 79 Euro", "came from an advertisement"]),
        ("message__unsupported_with_type", ["does not hand on", "poll_creation"]),
        ("message__in_a_group", ["Written in a group"]),
        ("message__voice", ["File is being fetched"]),
        ("message__document", ["Befund.pdf", "File is being fetched", "Der Befund"]),
        ("message__media_that_whatsapp_lost", ["File did not arrive", "Ask the customer to send it again."]),
        ("call_connect__user_initiated", ["Call, not ended yet"]),
        ("call_terminate", ["Call of 2 minutes"]),
        ("outgoing_message__text", ["Ich rufe Sie gleich an", "WhatsApp app", "WhatsApp Business has taken over"]),
    ],
)
def test_a_kind_shows_what_it_says(thread: Callable[..., str], name: str, shown: list[str]) -> None:
    page = thread(payload(name))
    assert [words for words in shown if words not in page] == []


def test_a_reaction_stands_at_its_message(thread: Callable[..., str]) -> None:
    reaction = {"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": "👍"}, "text": None}
    page = thread(envelope({"contacts": [person()], "messages": [text(), text(id="wamid.r") | reaction]}))
    assert 'aria-label="Reaction of the customer: 👍"' in page
    assert page.count('class="bubble') - page.count('class="bubble-') == 1


def test_an_edited_message_shows_what_it_said_before(thread: Callable[..., str]) -> None:
    edit = {"original_message_id": "wamid.1", "message": {"type": "text", "text": {"body": "51"}}}
    page = thread(
        envelope({"contacts": [person()], "messages": [text("15"), text(id="e") | {"type": "edit", "edit": edit}]})
    )
    assert "<p>51</p>" in page
    assert "What it said before" in page
    assert "<li>15 " in page


def test_a_deleted_message_shows_none_of_its_words(thread: Callable[..., str]) -> None:
    revoke = {"type": "revoke", "revoke": {"original_message_id": "wamid.1"}}
    page = thread(envelope({"contacts": [person()], "messages": [text("Meine IBAN"), text(id="r") | revoke]}))
    assert "Deleted by the customer" in page
    assert "IBAN" not in page


def test_a_quoted_message_stands_above_its_answer(thread: Callable[..., str]) -> None:
    answer = text("Ja", id="wamid.2", at=NOON) | {"context": {"id": "wamid.1"}}
    asked = text("Passt Freitag?", at=NOON - timedelta(minutes=1))
    page = thread(envelope({"contacts": [person()], "messages": [asked, answer]}))
    assert page.count("Passt Freitag?") == 2
    assert 'class="bubble-quote"' in page


@pytest.mark.parametrize(
    ("content_type", "kind", "drawn"),
    [
        ("image/png", "image", "<img "),
        ("audio/ogg", "audio", "<audio "),
        ("video/mp4", "video", "<video "),
        ("application/pdf", "document", "?save"),
        ("text/plain", "image", "The file is not what it says it is"),
    ],
)
def test_a_file_is_drawn_by_what_its_bytes_are(
    thread: Callable[..., str], receive: Callable[..., Any], content_type: str, kind: str, drawn: str
) -> None:
    part = {"id": "700", "mime_type": "image/jpeg"}
    receive(envelope({"contacts": [person()], "messages": [text() | {"type": kind, kind: part}]}))
    media = MediaFile.objects.across_workspaces().select_related("workspace").get()
    media.status, media.content_type, media.size, media.wake_at = MediaFile.Status.STORED, content_type, 3, None
    media.file.save("", ContentFile(b"xyz"), save=False)
    media.save()
    page = thread()
    assert drawn in page
    assert ("<img " in page) == (content_type == "image/png")


def test_what_customers_send_is_never_markup(thread: Callable[..., str], sender: Sender) -> None:
    bad = "<img src=x onerror=alert(1)>"
    messages = [
        text(id="a") | {"type": "location", "location": {"latitude": bad, "longitude": 1, "name": bad}},
        text(id="b")
        | {"type": "contacts", "contacts": [{"name": {"formatted_name": bad}, "phones": [{"phone": bad}]}]},
        text(id="c") | {"type": "document", "document": {"id": "7", "filename": bad, "caption": bad}},
        text(id="d") | {"referral": {"headline": bad, "body": bad, "source_url": "javascript:alert(1)"}},
        text(id="e")
        | {"type": "interactive", "interactive": {"nfm_reply": {"response_json": json.dumps({bad: bad}), "body": bad}}},
        text(id="f") | {"type": "order", "order": {"product_items": [{"product_retailer_id": bad, "currency": bad}]}},
    ]
    page = thread(envelope({"contacts": [person(name=bad)], "messages": messages}))
    assert "<img src=x" not in page
    assert "javascript:" not in page
