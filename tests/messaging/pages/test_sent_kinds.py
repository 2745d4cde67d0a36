"""What we sent besides text and templates: in the thread as its kind, and on the simulated phone with its taps."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from messaging.emulator.testing import run_emulator
from messaging.models import Conversation, Sender
from messaging.providers.contents import (
    Buttons,
    Card,
    Cards,
    Choice,
    FreeForm,
    Link,
    Media,
    Menu,
    Place,
    Reaction,
    Section,
)
from messaging.services.free_form import free_form_content
from messaging.services.outbox import Origin, send_content
from messaging.services.people import chat_for, find_or_create_contact
from tests.messaging.pages.conftest import BASE, NOON, say
from workspaces.models import Workspace

EVA = "+436641234567"
FILE = "https://example.com/angebot.pdf"
ASK = Buttons(text="Passt es?", buttons=(Choice(id="ja", title="Ja, gern"), Choice(id="nein", title="Nein")))
MENU = Menu(
    text="Wann?",
    button="Zeiten",
    sections=(Section(title="Montag", rows=(Choice(id="9", title="9 Uhr", description="Raum 2"),)),),
)
SHOWN: list[tuple[FreeForm, list[str]]] = [
    (ASK, ["Passt es?", "Ja, gern", "Nein"]),
    (MENU, ["Wann?", "Zeiten", "Montag", "9 Uhr", "Raum 2"]),
    (
        Link(text="Zur Karte", label="Öffnen", url="https://example.com/", header_media=Media(kind="image", link=FILE)),
        ["Zur Karte", "Öffnen", f'href="{FILE}"'],
    ),
    (Media(kind="document", link=FILE, caption="Wie besprochen"), ["angebot.pdf", f'href="{FILE}"', "Wie besprochen"]),
    (Place(latitude=47.07, longitude=15.44, name="Praxis"), ["Praxis", "openstreetmap.org"]),
    (Cards(cards=(Card(name="Dr. Weber", phones=("+43316555010",)),)), ["Dr. Weber", "+43316555010"]),
]


@pytest.mark.parametrize(("content", "texts"), SHOWN)
def test_a_thread_shows_what_was_sent(
    browser: Client, converse: Callable[..., Conversation], content: FreeForm, texts: list[str]
) -> None:
    conversation = converse()
    ready = free_form_content(content)
    say(conversation, ready.body, is_out=True, kind=ready.kind, payload=ready.payload, cause_kind="run")
    shown = unescape(browser.get(f"{BASE}/inbox/{conversation.public_id}/").content.decode())
    for text in texts:
        assert text in shown


def test_a_reaction_quotes_what_it_is_about(browser: Client, converse: Callable[..., Conversation]) -> None:
    conversation = converse()
    asked = say(conversation, "Danke für alles", provider_id="wamid.1")
    ready = free_form_content(Reaction(message_id="wamid.1", emoji="👍"))
    say(
        conversation,
        ready.body,
        is_out=True,
        kind=ready.kind,
        payload=ready.payload,
        reply_to_provider_id=ready.reply_to,
    )
    shown = browser.get(f"{BASE}/inbox/{conversation.public_id}/").content.decode()
    assert f'class="bubble-quote" href="#said-{asked.public_id}"' in shown
    assert "👍" in shown


@pytest.mark.parametrize("header", ["javascript:alert(1)", "12345"])
def test_what_is_no_address_is_led_nowhere(browser: Client, converse: Callable[..., Conversation], header: str) -> None:
    conversation = converse()
    rendered = {"header": {"kind": "image", "link": header}, "body": "b", "footer": "", "buttons": []}
    say(conversation, "b", is_out=True, kind="template", payload={"rendered": rendered})
    assert f'href="{header}' not in browser.get(f"{BASE}/inbox/{conversation.public_id}/").content.decode()


# --- On the phone --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def emulator_server() -> Iterator[Any]:
    with run_emulator(sent_ms=1, delivered_ms=1) as server:
        yield server


@pytest.fixture
def phone(emulator_server: Any, settings: Any, workspace: Workspace) -> Any:
    """A demo number that Eva has written to; gives what sends to her and the emulator."""
    settings.EMULATOR_URL = emulator_server.url
    settings.PROVIDER_ADDRESSES = {"emulator": emulator_server.url}
    client = emulator_server.client
    client.reset()
    client.register_number("1001", waba_id="2001", phone="+43316555010", name="Praxis", token="t")
    sender = Sender.objects.in_workspace(workspace).create(
        address_key="emulator",
        provider_number_id="1001",
        business_account_id="2001",
        phone="+43316555010",
        display_name="Praxis",
        status="online",
        token="t",
    )
    client.customer_writes(EVA, "1001", "Hallo")
    contact, _is_new = find_or_create_contact(workspace=workspace, phone=EVA, now=NOON)
    chat = chat_for(contact, sender, NOON)
    type(chat).objects.in_workspace(workspace).update(
        last_inbound_at=NOON, window_expires_at=NOON + timedelta(hours=24)
    )
    chat.refresh_from_db()

    def send(content: FreeForm) -> Any:
        send_content(sender=sender, chat=chat, content=content, origin=Origin(kind="api"), key=None, now=NOON)  # type: ignore[arg-type]
        return client

    return send


@pytest.mark.parametrize(("content", "texts"), [(content, texts[:2]) for content, texts in SHOWN[:2]])
def test_the_phone_offers_what_can_be_tapped(browser: Client, phone: Any, content: FreeForm, texts: list[str]) -> None:
    phone(content)
    shown = browser.get(f"{BASE}/simulator/", {"phone": EVA, "part": "phone"}).content.decode()
    for text in texts[:1]:
        assert text in shown
    assert shown.count('class="bubble-button" name="text"') == (2 if content is ASK else 1)


def test_a_tap_and_a_choice_answer_as_on_a_real_phone(browser: Client, phone: Any) -> None:
    for content, what, title in ((ASK, "tapped", "Ja, gern"), (MENU, "chosen", "9 Uhr")):
        client = phone(content)
        ours = [one for one in client.customer_screen(EVA, "1001") if one["from"] == "business"][-1]
        browser.post(f"{BASE}/simulator/write/", {"text": title, "phone": EVA, what: ours["wamid"]})
        said = client.customer_screen(EVA, "1001")[-1]
        assert (said["from"], said["type"], said["text"], said["context"]) == (
            "customer", "interactive", title, ours["wamid"],
        )  # fmt: skip


def test_a_link_button_is_a_link_and_no_answer(browser: Client, phone: Any) -> None:
    phone(Link(text="Zur Karte", label="Öffnen", url="https://example.com/"))
    shown = browser.get(f"{BASE}/simulator/", {"phone": EVA, "part": "phone"}).content.decode()
    assert '<a class="bubble-button" href="https://example.com/"' in shown
    assert 'class="bubble-button" name="text"' not in shown
