"""Every kind that a step sends: through the outbox to the platform's journal and the customer's screen, and back."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.conf import settings

from automations.models import Run, StepRun, TriggerDecision
from automations.services.starting import start_run
from messaging.models import Chat, Message
from messaging.services.outbox import Origin, send_again
from tests.house import EVA, TOKEN, House
from tests.traps.conftest import deliver

__all__ = ["deliver"]

pytestmark = pytest.mark.django_db(transaction=True)

HALLO = {"keyword_match": "equals", "keywords": ["hallo"]}
LINK = "https://example.com/a.jpg"
FILES = [
    ("image", {"link": LINK, "caption": "Der Weg"}, {"link": LINK, "caption": "Der Weg"}),
    ("video", {"link": "https://example.com/a.mp4"}, {"link": "https://example.com/a.mp4"}),
    ("audio", {"link": "https://example.com/a.ogg"}, {"link": "https://example.com/a.ogg"}),
    ("sticker", {"link": "https://example.com/a.webp"}, {"link": "https://example.com/a.webp"}),
    (
        "document",
        {"link": "https://example.com/d?id=9", "filename": "Angebot.pdf", "caption": "Unser Angebot"},
        {"link": "https://example.com/d?id=9", "filename": "Angebot.pdf", "caption": "Unser Angebot"},
    ),
]


def answers_with(house: House, type_name: str, config: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A customer says Hallo, and the flow's one step answers; the body of the send."""
    step = {"type": type_name, "key": "senden", "name": "Senden", "config": config, **more}
    house.flow("message_received", [step], trigger_config=HALLO)
    house.customer_writes("Hallo")
    (sent,) = house.sends()
    return sent["body"]


def stamp(house: House) -> str:
    return str(int(house.now.timestamp()))


def on_screen(house: House) -> dict[str, Any]:
    shown = house.emulator.customer_screen(EVA, house.sender.provider_number_id)
    (message,) = [one for one in shown if one["from"] == "business"]
    return message


def output(house: House, key: str = "senden") -> dict[str, Any]:
    return StepRun.objects.in_workspace(house.workspace).filter(step_key=key).latest("id").output


@pytest.mark.parametrize(("kind", "config", "sent"), FILES, ids=[kind for kind, _config, _sent in FILES])
def test_a_file_arrives_as_its_kind(house: House, kind: str, config: dict[str, Any], sent: dict[str, Any]) -> None:
    body = answers_with(house, "send_media", {"kind": kind, **config})
    assert (body["type"], body[kind]) == (kind, sent)
    assert on_screen(house)["media"] == {"kind": kind, **sent}
    (message,) = house.messages()
    message = house.statuses_of(message, "delivered")
    assert (message.kind, message.body, message.status) == (kind, config.get("caption", ""), "delivered")
    assert output(house)["message_id"] == str(message.public_id)


def test_an_upload_goes_by_its_id(house: House) -> None:
    answer = httpx.post(
        f"{house.emulator.url}/{settings.WHATSAPP_GRAPH_VERSION}/{house.sender.provider_number_id}/media",
        headers={"Authorization": f"Bearer {TOKEN}"},
        data={"messaging_product": "whatsapp", "type": "application/pdf"},
        files={"file": ("plan.pdf", b"%PDF-1.4", "application/pdf")},
        trust_env=False,
    )
    media_id = answer.json()["id"]
    body = answers_with(house, "send_media", {"kind": "document", "link": media_id, "filename": "Plan.pdf"})
    assert body["document"] == {"id": media_id, "filename": "Plan.pdf"}
    (message,) = house.messages()
    assert house.statuses_of(message, "delivered").status == "delivered"


def test_a_file_that_cannot_be_fetched_fails_the_step_that_waits_for_it(house: House) -> None:
    config = {"kind": "image", "link": "https://files.invalid/a.jpg", "wait_for_delivery": True}
    step = {"type": "send_media", "key": "senden", "config": config, "retry": {"attempts": 1}}
    house.flow("message_received", [step], trigger_config=HALLO)
    house.customer_writes("Hallo")
    (message,) = house.messages()
    message = house.statuses_of(message, "failed")
    assert (message.status, message.error_code) == ("failed", "media_problem")
    assert (house.run().status, house.run().error_code) == (Run.Status.FAILED, "media_problem")


def test_a_failed_question_is_sent_again_as_it_was(house: House) -> None:
    house.emulator.fault({"path": "/messages"}, {"error": 131009}, times=1)
    config = {"kind": "buttons", "text": "Passt es?", "choices": [choice("ja", "Ja")]}
    house.flow("message_received", [{"type": "send_choices", "key": "senden", "config": config}], trigger_config=HALLO)
    house.customer_writes("Hallo")
    (failed,) = house.messages()
    assert (failed.status, house.screen()) == ("failed", [])
    again = send_again(message=failed, origin=Origin(kind=Message.Cause.PERSON), now=house.now)
    assert (again.kind, again.payload["outgoing"]) == ("interactive", failed.payload["outgoing"])
    assert house.screen() == ["Passt es?"]


def test_a_dry_run_shows_all_and_sends_nothing(house: House) -> None:
    steps = [
        {"type": "mark_read", "key": "gelesen"},
        {"type": "send_media", "key": "bild", "config": {"kind": "image", "link": LINK}},
        {"type": "send_choices", "key": "frage", "config": {**ASK["config"]}},
    ]
    flow = house.flow("message_received", steps, trigger_config={"keyword_match": "equals", "keywords": ["nie"]})
    house.customer_writes("Guten Tag")
    chat = Chat.objects.in_workspace(house.workspace).select_related("contact", "sender").get()
    start_run(
        flow=flow,
        version=flow.published,
        start_key="dry",
        trigger_data={},
        now=house.now,
        chat=chat,
        contact=chat.contact,
        mode=Run.Mode.DRY,
    )
    house.settle()
    assert house.run().status == Run.Status.DONE
    assert (output(house, "bild")["status"], output(house, "frage")["text"]) == ("accepted", "Passt es?")
    assert house.calls() == []


def test_a_place_arrives(house: House) -> None:
    body = answers_with(
        house,
        "send_media",
        {
            "kind": "location",
            "latitude": "47.0707",
            "longitude": "15,4395",
            "place_name": "Praxis",
            "place_address": "Graz",
        },
    )
    assert body["location"] == {"latitude": 47.0707, "longitude": 15.4395, "name": "Praxis", "address": "Graz"}
    assert on_screen(house)["location"]["name"] == "Praxis"
    (message,) = house.messages()
    assert (message.kind, message.body) == ("location", "Praxis Graz")


def test_a_contact_card_arrives(house: House) -> None:
    body = answers_with(
        house,
        "send_media",
        {"kind": "contacts", "card_name": "Dr. Eva Weber", "card_phone": "+43316555010", "card_email": "w@example.com"},
    )
    assert body["contacts"] == [
        {
            "name": {"formatted_name": "Dr. Eva Weber", "first_name": "Dr.", "last_name": "Eva Weber"},
            "phones": [{"phone": "+43316555010", "type": "CELL", "wa_id": "43316555010"}],
            "emails": [{"email": "w@example.com"}],
        }
    ]
    assert on_screen(house)["contacts"][0]["name"]["formatted_name"] == "Dr. Eva Weber"


def test_a_reaction_stands_at_what_the_customer_wrote(house: House) -> None:
    body = answers_with(house, "send_media", {"kind": "reaction", "emoji": "👍"})
    asked = Message.objects.in_workspace(house.workspace).get(direction="in")
    assert body["reaction"] == {"message_id": asked.provider_id, "emoji": "👍"}
    assert "context" not in body
    (message,) = house.messages()
    assert (message.kind, message.body, message.reply_to_provider_id) == ("reaction", "👍", asked.provider_id)


@pytest.mark.parametrize(
    ("type_name", "config"),
    [
        ("send_text", {"text": "Gern."}),
        ("send_media", {"kind": "image", "link": LINK}),
        ("send_choices", {"kind": "buttons", "text": "Passt es?", "choices": [{"title": "Ja"}]}),
    ],
)
def test_an_answer_quotes_what_the_customer_wrote(house: House, type_name: str, config: dict[str, Any]) -> None:
    if "choices" in config:
        config = {**config, "choices": [{"key": "ja", "title": "Ja", "description": "", "section": ""}]}
    body = answers_with(house, type_name, {**config, "quotes": True})
    asked = Message.objects.in_workspace(house.workspace).get(direction="in")
    assert body["context"] == {"message_id": asked.provider_id}
    assert on_screen(house)["context"] == asked.provider_id


def choice(key: str, title: str, description: str = "", section: str = "") -> dict[str, str]:
    return {"key": key, "title": title, "description": description, "section": section}


def test_buttons_arrive_with_what_finds_the_run(house: House) -> None:
    body = answers_with(
        house,
        "send_choices",
        {
            "kind": "buttons",
            "text": "Passt der Termin, {{trigger.customer_phone}}?",
            "header": "Ihr Termin",
            "footer": "Praxis Graz",
            "choices": [choice("ja", "Ja"), choice("nein", "Nein, lieber\nspäter")],
        },
    )
    run = house.run()
    assert body["interactive"] == {
        "type": "button",
        "header": {"type": "text", "text": "Ihr Termin"},
        "body": {"text": f"Passt der Termin, {EVA}?"},
        "footer": {"text": "Praxis Graz"},
        "action": {
            "buttons": [
                {"type": "reply", "reply": {"id": f"{run.public_id}:senden::ja", "title": "Ja"}},
                {"type": "reply", "reply": {"id": f"{run.public_id}:senden::nein", "title": "Nein, lieber später"}},
            ]
        },
    }
    assert [button["text"] for button in on_screen(house)["buttons"]] == ["Ja", "Nein, lieber später"]
    (message,) = house.messages()
    assert (message.kind, message.body) == ("interactive", f"Passt der Termin, {EVA}?")
    assert [button["text"] for button in message.payload["rendered"]["buttons"]] == ["Ja", "Nein, lieber später"]
    assert house.statuses_of(message, "delivered").status == "delivered"


def test_a_picture_stands_above_the_buttons(house: House) -> None:
    config = {"kind": "buttons", "text": "Passt es?", "picture": LINK, "choices": [choice("ja", "Ja")]}
    body = answers_with(house, "send_choices", config)
    assert body["interactive"]["header"] == {"type": "image", "image": {"link": LINK}}


def test_a_list_arrives_in_its_sections(house: House) -> None:
    body = answers_with(
        house,
        "send_choices",
        {
            "kind": "list",
            "text": "Wann passt es Ihnen?",
            "list_button": "Zeiten",
            "choices": [
                choice("mo9", "9 Uhr", "Raum 2", "Montag"),
                choice("mo10", "10 Uhr", "", "Montag"),
                choice("di9", "9 Uhr", "", "Dienstag"),
            ],
        },
    )
    prefix = f"{house.run().public_id}:senden::"
    assert body["interactive"]["action"] == {
        "button": "Zeiten",
        "sections": [
            {
                "title": "Montag",
                "rows": [
                    {"id": f"{prefix}mo9", "title": "9 Uhr", "description": "Raum 2"},
                    {"id": f"{prefix}mo10", "title": "10 Uhr"},
                ],
            },
            {"title": "Dienstag", "rows": [{"id": f"{prefix}di9", "title": "9 Uhr"}]},
        ],
    }
    assert [section["title"] for section in on_screen(house)["sections"]] == ["Montag", "Dienstag"]


def test_a_link_button_opens_an_address(house: House) -> None:
    config = {"kind": "link", "text": "Zur Karte", "link_label": "Öffnen", "link_url": "https://example.com/k?a=1"}
    body = answers_with(house, "send_choices", config)
    assert body["interactive"]["action"] == {
        "name": "cta_url",
        "parameters": {"display_text": "Öffnen", "url": "https://example.com/k?a=1"},
    }
    assert on_screen(house)["buttons"] == [{"kind": "url", "text": "Öffnen", "url": "https://example.com/k?a=1"}]


# --- A tap and the wait that it answers ----------------------------------------------------------

ASK = {
    "type": "send_choices",
    "key": "frage",
    "config": {"kind": "buttons", "text": "Passt es?", "choices": [choice("ja", "Ja, gern"), choice("nein", "Nein")]},
}
WAIT = {
    "type": "wait_for_reply",
    "key": "antwort",
    "config": {"timeout": {"amount": 2, "unit": "hours"}, "after_timeout": "end"},
}
THANKS = {
    "type": "send_text",
    "key": "dank",
    "config": {"text": "{{steps.antwort.button_id}}/{{steps.antwort.button_title}}/{{steps.antwort.reply}}"},
}


@pytest.fixture
def asking(house: House) -> House:
    """A flow that asks with buttons, waits, and says what it has understood."""
    house.flow("message_received", [ASK, WAIT, THANKS], trigger_config=HALLO)
    house.customer_writes("Hallo")
    return house


def tap(house: House, title: str, **more: Any) -> str:
    wamid = house.emulator.customer_taps(EVA, house.sender.provider_number_id, title, **more)
    house.wait_for_webhook(wamid)
    house.settle()
    return wamid


def test_the_wait_gives_the_id_and_the_title_of_the_choice(asking: House) -> None:
    tap(asking, "Ja, gern")
    assert asking.screen() == ["Passt es?", "ja/Ja, gern/Ja, gern"]
    assert (output(asking, "antwort")["button_id"], output(asking, "antwort")["kind"]) == ("ja", "interactive")


def test_a_row_of_a_list_answers_like_a_button(house: House) -> None:
    config = {"kind": "list", "text": "Wann?", "list_button": "Zeiten", "choices": [choice("mo9", "Montag, 9 Uhr")]}
    house.flow("message_received", [{**ASK, "config": config}, WAIT, THANKS], trigger_config=HALLO)
    house.customer_writes("Hallo")
    wamid = house.emulator.customer_chooses(EVA, house.sender.provider_number_id, "Montag, 9 Uhr")
    house.wait_for_webhook(wamid)
    house.settle()
    assert house.screen()[1:] == ["mo9/Montag, 9 Uhr/Montag, 9 Uhr"]


def test_of_two_runs_the_one_that_asked_gets_the_tap(house: House) -> None:
    named = {**ASK, "config": {**ASK["config"], "to": EVA, "sender": str(house.sender.public_id)}}
    house.customer_writes("Guten Tag")
    house.flow("api_event", [named, WAIT, THANKS], trigger_config={"event": "ask", "sample": None})
    house.event("ask")
    house.event("ask")
    tap(house, "Nein", context=house.messages()[0].provider_id)
    assert [run.status for run in house.runs()] == [Run.Status.DONE, Run.Status.WAITING]


def test_a_tap_after_the_time_is_an_ordinary_message_marked_late(asking: House) -> None:
    taps = {"keyword_match": "contains", "keywords": ["gern"]}
    told = {"type": "send_text", "config": {"text": "{{trigger.button_id}} {{trigger.is_late}}"}}
    asking.flow("message_received", [told], trigger_config=taps, name="Nachzügler")
    asking.advance(hours=2)
    wamid = tap(asking, "Ja, gern")
    decided = TriggerDecision.objects.in_workspace(asking.workspace).filter(message__provider_id=wamid)
    late = decided.get(outcome=TriggerDecision.Outcome.LATE)
    assert (late.run, late.reason) == (asking.runs()[0], "timed_out")
    assert asking.runs()[0].status == Run.Status.DONE
    assert asking.screen() == ["Passt es?", "ja true"]


def test_a_tap_finds_its_run_where_the_platform_does_not_say_what_was_tapped(
    asking: House, deliver: Callable[..., Any]
) -> None:
    """(traps T8) by the payload, without a context."""
    button = asking.sends()[0]["body"]["interactive"]["action"]["buttons"][0]["reply"]
    told = {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": button}}
    deliver({"messages": [{"id": "wamid.tap", "from": EVA[1:], "timestamp": stamp(asking), **told}]})
    assert asking.screen()[1:] == ["ja/Ja, gern/Ja, gern"]


# --- Read and typing -----------------------------------------------------------------------------


def test_the_customer_sees_that_it_was_read_and_that_somebody_types(house: House) -> None:
    house.flow("message_received", [{"type": "mark_read", "key": "gelesen"}], trigger_config=HALLO)
    wamid = house.customer_writes("Hallo")
    (call,) = house.calls()
    assert call["body"] == {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": wamid,
        "typing_indicator": {"type": "text"},
    }
    asked = Message.objects.in_workspace(house.workspace).get(provider_id=wamid)
    assert output(house, "gelesen") == {"marked": True, "message_id": str(asked.public_id)}


def test_an_outage_keeps_no_run_from_going_on(house: House) -> None:
    house.emulator.fault({"path": "/messages"}, {"error": 131016}, times=1)
    steps = [{"type": "mark_read", "key": "gelesen"}, {"type": "send_text", "key": "gruss", "config": {"text": "Tag"}}]
    house.flow("message_received", steps, trigger_config=HALLO)
    house.customer_writes("Hallo")
    assert house.screen() == ["Tag"]
    row = StepRun.objects.in_workspace(house.workspace).get(step_key="gelesen")
    assert (row.status, row.output["marked"], len(row.notes)) == ("done", False, 1)
